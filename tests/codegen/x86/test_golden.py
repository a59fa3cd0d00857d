"""What small kernels are selected to, as stored texts; and that the inner loop of a matrix product has
nothing too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, const, index, ops
from baregrad.lower import Linear
from baregrad.render.machine import text
from baregrad.render.targets import AVX2, AVX512
from baregrad.render.x86.select import select
from baregrad.target import Target

from .kernels import TARGETS, Lines, broadcast, compiled, pack, run_program, unpack

F32 = dt.float32


def vector_add(target: Target) -> Linear:
    lanes = target.lanes(4)
    lines = Lines()
    x, y, z = (lines.param(F32, 4 * lanes) for _ in range(3))
    loop = lines.range(4)
    at = lines.add(loop * lanes)
    lines.store(z, at, lines.add(lines.load(x, at, lanes) + lines.load(y, at, lanes)))
    lines.end(loop)
    return lines.linear("vector_add")


def dot_product(target: Target) -> Linear:
    lanes = target.lanes(4)
    lines = Lines()
    x, y, z = lines.param(F32, 64 * lanes), lines.param(F32, 64 * lanes), lines.param(F32, 1)
    loop = lines.range(64, lines.add(broadcast(const(0.0, F32), lanes)))
    at = lines.add(loop * lanes)
    parts = (lines.load(x, at, lanes), lines.load(y, at, lanes), lines.carry(loop, 0))
    end = lines.end(loop, lines.add(UOp(ops.FMA, F32, parts)))
    total = lines.result(end, 0)
    while total.shape and total.shape[0] > 4:
        half = total.shape[0] // 2
        low, high = (lines.add(UOp(ops.SLICE, F32, (total,), (start, half))) for start in (0, half))
        total = lines.add(low + high)
    scalars = [lines.add(UOp(ops.SLICE, F32, (total,), (i, 1))) for i in range(4)]
    lines.store(z, index(0), lines.add((scalars[0] + scalars[1]) + (scalars[2] + scalars[3])))
    return lines.linear("dot_product")


def masked_tail(target: Target) -> Linear:
    lanes = target.lanes(4)
    lines = Lines()
    x, y = lines.param(F32, 5), lines.param(F32, 5)
    mask = lines.add(UOp(ops.LANES, dt.int32, (), lanes) < broadcast(const(5, dt.int32), lanes))
    value = lines.load(x, index(0), lanes, mask)
    lines.store(y, index(0), lines.add(value.maximum(broadcast(const(0.0, F32), lanes))), mask)
    return lines.linear("masked_tail")


def matmul_tile(target: Target, rows: int = 2, columns: int = 2) -> Linear:
    """`rows` rows by `columns` vectors, over 64 steps."""
    lanes = target.lanes(4)
    width = columns * lanes
    lines = Lines()
    a, b, c = lines.param(F32, rows * 64), lines.param(F32, 64 * width), lines.param(F32, rows * width)
    zero = lines.add(broadcast(const(0.0, F32), lanes))
    loop = lines.range(64, *[zero] * (rows * columns))
    totals = [lines.carry(loop, i) for i in range(rows * columns)]
    at = lines.add(loop * width)
    row = [lines.load(b, lines.add(at + j * lanes) if j else at, lanes) for j in range(columns)]
    following = []
    for i in range(rows):
        left = lines.add(broadcast(lines.load(a, lines.add(loop + i * 64) if i else loop), lanes))
        for j in range(columns):
            following.append(lines.add(UOp(ops.FMA, F32, (left, row[j], totals[i * columns + j]))))
    end = lines.end(loop, *following)
    for i in range(rows):
        for j in range(columns):
            lines.store(c, index(i * width + j * lanes), lines.result(end, i * columns + j))
    return lines.linear("matmul_tile")


def embedded(target: Target) -> Linear:
    """A scale for each row: an embedded broadcast with AVX-512; and a count of what is above 1, as
    integers.
    """
    lanes = target.lanes(4)
    lines = Lines()
    x, s, y, n = (
        lines.param(F32, lanes),
        lines.param(F32, 1),
        lines.param(F32, lanes),
        lines.param(dt.int32, lanes),
    )
    scale = lines.add(broadcast(lines.load(s, index(0)), lanes))
    scaled = lines.add(lines.load(x, index(0), lanes) * scale)
    lines.store(y, index(0), scaled)
    above = lines.add(broadcast(const(1.0, F32), lanes) < scaled)
    lines.store(n, index(0), lines.add(above.cast(dt.int32)))
    return lines.linear("embedded")


KERNELS = (vector_add, dot_product, masked_tail, matmul_tile, embedded)


@pytest.mark.parametrize("kernel", KERNELS, ids=[k.__name__ for k in KERNELS])
def test_golden(kernel: Callable[[Target], Linear], golden: Callable[[str, str], None]) -> None:
    shown = ""
    for target in TARGETS:
        shown += f"== {target.name}\n{text(select(kernel(target).uops, target).out)}\n"
    golden(f"x86/{kernel.__name__}.txt", shown)


TILES = [(AVX512, 8, 3), (AVX512, 6, 4), (AVX2, 4, 3), (AVX2, 6, 2)]


@pytest.mark.parametrize("target, rows, columns", TILES, ids=[f"{t.name}-{r}x{c}" for t, r, c in TILES])
def test_inner_loop_of_a_matrix_product(target: Target, rows: int, columns: int) -> None:
    """Loads, one FMA for each accumulator, and the counters: no moves, nothing spilled."""
    program = compiled(matmul_tile(target, rows, columns), target)
    body = re.search(r"^L1:\n(.*?)jl L1", program.listing, re.DOTALL | re.MULTILINE)
    assert body is not None
    names = [line.split()[1] for line in body[1].splitlines() if line.split()[1:]]
    assert names.count("vfmadd231ps") == rows * columns
    assert names.count("vbroadcastss") == rows
    assert names.count("vmovups") == columns
    assert sorted(set(names)) == ["add", "cmp", "vbroadcastss", "vfmadd231ps", "vmovups"]
    assert names.count("add") == 2
    assert "rsp" not in body[1]
    width = columns * target.lanes(4)
    a = [(7 * i) % 5 - 2 for i in range(rows * 64)]
    b = [(11 * i) % 7 - 3 for i in range(64 * width)]
    got = run_program(program, [pack(a, F32), pack(b, F32), bytes(4 * rows * width)])[-1]
    want = [
        sum(a[i * 64 + k] * b[k * width + j] for k in range(64)) for i in range(rows) for j in range(width)
    ]
    assert unpack(got, F32) == want
