"""Lowered lists are well formed: sources before readers, loops closed in order, vectors the target has."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512

F32 = dt.float32


def axis(number, size, kind="loop"):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, kind))


def param(slot, size, dtype=F32):
    return UOp(ops.PARAM, dtype, (), (slot, size))


def at(memory, offset, mask=None):
    return UOp(ops.INDEX, memory.dtype, (memory, offset) if mask is None else (memory, offset, mask))


def load(memory, offset, mask=None, after=()):
    return UOp(ops.LOAD, memory.dtype, (at(memory, offset, mask), *after))


def store(memory, offset, value, *ranges, mask=None):
    return UOp(ops.END, dt.void, (UOp(ops.STORE, dt.void, (at(memory, offset, mask), value)), *ranges))


def reduced(name, value, *ranges):
    return UOp(ops.REDUCE, value.dtype, (value, *ranges), (name, ()))


def kernel(*ends):
    return UOp(ops.SINK, dt.void, ends, "k")


def row_tail():
    i, lane = axis(0, 3), axis(1, 8, "vector")
    place = i * 8 + lane
    inside = place < 21
    return kernel(store(param(0, 21), place, load(param(1, 21), place, inside) * 2.0, i, lane, mask=inside))


def softmax():
    i, first, second, j = axis(0, 3), axis(1, 7, "reduce"), axis(2, 7, "reduce"), axis(3, 7)
    x = param(1, 21)
    top = reduced("max", load(x, i * 7 + first), first)
    total = reduced("add", (load(x, i * 7 + second) - top).alu(ops.EXP), second)
    return kernel(store(param(0, 21), i * 7 + j, (load(x, i * 7 + j) - top).alu(ops.EXP) / total, i, j))


def staged_product():
    g, k0, copy_k, copy_lane = axis(0, 2, "grid"), axis(1, 3, "reduce"), axis(2, 4), axis(4, 8, "vector")
    k1, row, lane = axis(5, 4, "reduce"), axis(6, 4, "unroll"), axis(7, 8, "vector")
    panel = UOp(ops.LOCAL, F32, (), (0, 32))
    source = load(param(2, 12 * 16), (k0 * 4 + copy_k) * 16 + g * 8 + copy_lane)
    copied = store(panel, copy_k * 8 + copy_lane, source, copy_k, copy_lane)
    b = load(panel, k1 * 8 + lane, after=(copied,))
    a = load(param(1, 4 * 12), row * 12 + k0 * 4 + k1)
    total = reduced("add", a * b, k0, k1).maximum(0.0)
    return kernel(store(param(0, 4 * 16), row * 16 + g * 8 + lane, total, g, row, lane))


def lane_sum():
    i, k, part, lane = (
        axis(0, 3),
        axis(1, 2, "reduce"),
        axis(2, 4, "reduce_unroll"),
        axis(3, 8, "reduce_vector"),
    )
    total = reduced("add", load(param(1, 3 * 64), i * 64 + k * 32 + part * 8 + lane), k, part, lane)
    return kernel(store(param(0, 3), i, total, i))


KERNELS = [row_tail, softmax, staged_product, lane_sum]


@pytest.mark.parametrize("make", KERNELS)
@pytest.mark.parametrize("target", [AVX2, AVX512], ids=lambda t: t.name)
def test_lists_are_well_formed(make, target):
    linear = lower(make(), target)
    seen, open_loops = set(), []
    for line in linear.uops:
        assert all(s in seen for s in line.src), f"{line!r} stands before its sources"
        assert line not in seen, f"{line!r} stands twice"
        seen.add(line)
        if line.op is ops.RANGE:
            open_loops.append(line)
        if line.op is ops.END:
            assert open_loops.pop() is line.src[0], f"{line!r} closes another loop than the innermost"
        if line.shape and line.dtype is not dt.bool_ and line.dtype is not dt.void:
            assert line.shape[0] * line.dtype.itemsize in (16, 32, 64), (
                f"{line!r} is no vector of the machine"
            )
    assert not open_loops
