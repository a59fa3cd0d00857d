"""Every second element is loaded by neighbours and a shuffle, and nothing beyond the last one is touched."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp, const, index, ops
from baregrad.target import Target

from .kernels import TARGETS, Lines, broadcast, compiled, pack, run, unpack

CASES = [(dtype, lanes, target) for target in TARGETS for dtype in (dt.float32, dt.int32, dt.uint32)
         for lanes in (4, 8, 16) if lanes * 4 <= target.vector_bytes]  # fmt: skip


def every_second(lines: Lines, memory: UOp, start: UOp, lanes: int) -> UOp:
    """Elements start, start + 2, ... of a buffer."""
    counter = UOp(ops.LANES, dt.int32, (), lanes)
    doubled = UOp(ops.SHL, dt.int32, (counter, broadcast(const(1, dt.int32), lanes)))
    offset = doubled + broadcast(UOp(ops.CAST, dt.int32, (start,)), lanes)
    place = UOp(ops.INDEX, memory.dtype, (memory, offset))
    return lines.add(UOp(ops.LOAD, memory.dtype, (place,)))


@pytest.mark.parametrize("dtype, lanes, target", CASES, ids=[f"{d}x{n}-{t.name[7:]}" for d, n, t in CASES])
def test_every_second(dtype: DType, lanes: int, target: Target) -> None:
    count = 3 * (2 * lanes - 1) + 2  # the last vector ends with the buffer, which ends at an unreadable page
    lines = Lines()
    x, y = lines.param(dtype, count), lines.param(dtype, 3 * lanes)
    loop = lines.range(3)
    start = lines.add(loop * (2 * lanes - 1) + 2)
    lines.store(y, lines.add(loop * lanes), every_second(lines, x, start, lanes))
    lines.end(loop)
    given = [3 * i + 1 for i in range(count)]
    linear = lines.linear()
    got = unpack(run(linear, target, [pack(given, dtype), bytes(12 * lanes)])[1], dtype)
    want = [given[2 + k * (2 * lanes - 1) + 2 * i] for k in range(3) for i in range(lanes)]
    assert got == want
    assert "gather" not in compiled(linear, target).listing


def test_from_the_start_of_a_buffer() -> None:
    lines = Lines()
    x, y = lines.param(dt.float32, 15), lines.param(dt.float32, 8)
    counter = UOp(ops.LANES, dt.int32, (), 8)
    offset = UOp(ops.MUL, dt.int32, (counter, broadcast(const(2, dt.int32), 8)))
    value = lines.add(UOp(ops.LOAD, dt.float32, (UOp(ops.INDEX, dt.float32, (x, offset)),)))
    lines.store(y, index(0), value)
    given = [float(i) for i in range(15)]
    for target in TARGETS:
        got = run(lines.linear(), target, [pack(given, dt.float32), bytes(32)])[1]
        assert unpack(got, dt.float32) == given[::2], target.name
