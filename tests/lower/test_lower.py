"""Kernels with kinds set by hand, lowered: the lists are well formed and keep the value."""

from __future__ import annotations

import pytest

from baregrad.ir import UOp, ops
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512
from tests.kernel.kernels import F32, axis, kernel, load, memory, param, reduced, softmax, store
from tests.kernel.test_heuristic import same
from tests.lower.witness import run_kernel, run_linear


def row_tail():
    i, lane = axis(0, 3), axis(1, 8, "vector")
    place = i * 8 + lane
    inside = place < 21
    return kernel(store(param(0, 21), place, load(param(1, 21), place, inside) * 2.0, i, lane, mask=inside))


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


KERNELS = [row_tail(), softmax(3, 7), staged_product(), lane_sum()]


@pytest.mark.parametrize("ast", KERNELS, ids=["row_tail", "softmax", "staged_product", "lane_sum"])
@pytest.mark.parametrize("target", [AVX2, AVX512], ids=lambda t: t.name)
def test_value_is_kept(ast, target):
    want, got = memory(ast), memory(ast)
    run_kernel(ast, want)
    run_linear(lower(ast, target), got)
    same(want, got)
