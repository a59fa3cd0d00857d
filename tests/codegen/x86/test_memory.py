"""Loads, stores and masks: what is masked off is never touched (buffers end at an unreadable page);
lanes cut and joined.
"""

from __future__ import annotations

from typing import Any

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp, const, index, ops
from baregrad.target import Target

from .kernels import TARGETS, Lines, broadcast, pack, run, unpack

F32 = dt.float32
DTYPES = (dt.bool_, dt.int32, dt.uint32, dt.int64, dt.uint64, dt.float32)
IDS = [t.name for t in TARGETS]
WIDTHS = [(dtype, lanes, target) for target in TARGETS for dtype in DTYPES for lanes in (2, 4, 8, 16)
          if (128 if dtype is not dt.bool_ else 8) <= lanes * dtype.bits <= target.vector_bytes * 8
          and lanes <= target.max_lanes]  # fmt: skip
NAMES = [f"{dtype}x{lanes}-{target.name[7:]}" for dtype, lanes, target in WIDTHS]


def numbers(dtype: DType, count: int) -> list[Any]:
    if dtype is dt.bool_:
        return [i % 3 != 1 for i in range(count)]
    return (
        [i * 3 + 1 if i % 2 else 7 - i for i in range(count)]
        if dtype.is_signed
        else [i * 5 + 2 for i in range(count)]
    )


def zero(dtype: DType) -> Any:
    return False if dtype is dt.bool_ else 0


def tail_mask(lines: Lines, lanes: int, count: int) -> UOp:
    limit = lines.add(broadcast(const(count, dt.int32), lanes))
    return lines.add(UOp(ops.LANES, dt.int32, (), lanes) < limit)


@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_masked_tails_touch_nothing_beyond(dtype: DType, lanes: int, target: Target) -> None:
    if lanes == 2:
        pytest.skip("int32 has no vector of two lanes to make the mask with")
    if lanes * 32 > target.vector_bytes * 8:
        pytest.skip("int32 has no vector of so many lanes")
    for count in range(lanes + 1):
        lines = Lines()
        x, y = lines.param(dtype, count), lines.param(dtype, count)
        mask = tail_mask(lines, lanes, count)
        value = lines.load(x, index(0), lanes, mask)
        lines.store(y, index(0), value, mask)
        data = pack(numbers(dtype, count), dtype)
        assert run(lines.linear(), target, [data, bytes(len(data))])[1] == data, f"{count} of {lanes}"


@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_masked_off_lanes_are_zero(dtype: DType, lanes: int, target: Target) -> None:
    lines = Lines()
    x, m, y = lines.param(dtype, lanes), lines.param(dt.bool_, lanes), lines.param(dtype, lanes)
    mask = lines.load(m, index(0), lanes)
    lines.store(y, index(0), lines.load(x, index(0), lanes, mask))
    on = [i % 2 == 0 for i in range(lanes)]
    given = numbers(dtype, lanes)
    got = run(
        lines.linear(), target, [pack(given, dtype), pack(on, dt.bool_), bytes(lanes * dtype.itemsize)]
    )[-1]
    assert unpack(got, dtype) == [v if o else zero(dtype) for v, o in zip(given, on, strict=True)]


@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_masked_off_stores_leave_memory(dtype: DType, lanes: int, target: Target) -> None:
    lines = Lines()
    x, m, y = lines.param(dtype, lanes), lines.param(dt.bool_, lanes), lines.param(dtype, lanes)
    mask = lines.load(m, index(0), lanes)
    lines.store(y, index(0), lines.load(x, index(0), lanes), mask)
    on = [i % 3 == 0 for i in range(lanes)]
    given, old = numbers(dtype, lanes), numbers(dtype, lanes)[::-1]
    got = run(lines.linear(), target, [pack(given, dtype), pack(on, dt.bool_), pack(old, dtype)])[-1]
    want = [v if o else w for v, w, o in zip(given, old, on, strict=True)]
    assert unpack(got, dtype) == pytest.approx(want)


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
@pytest.mark.parametrize("dtype", DTYPES, ids=[d.name for d in DTYPES])
@pytest.mark.parametrize("on", [True, False])
def test_scalar_masks(dtype: DType, on: bool, target: Target) -> None:
    lines = Lines()
    x, m, y = lines.param(dtype, 1), lines.param(dt.bool_, 1), lines.param(dtype, 2)
    mask = lines.load(m, index(0))
    far = lines.add(mask.where(index(0), index(1 << 40)))  # far outside where the mask is off
    value = lines.load(x, far, None, mask)
    lines.store(y, index(0), value)
    lines.store(y, lines.add(far + 1), value, mask)
    data = pack(numbers(dtype, 1), dtype)
    old = pack([numbers(dtype, 4)[3]] * 2, dtype)
    got = run(lines.linear(), target, [data, pack([on], dt.bool_), old])[-1]
    assert got == (data * 2 if on else pack([zero(dtype)], dtype) + old[: dtype.itemsize])


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_scalar_masks_of_vectors(dtype: DType, lanes: int, target: Target, on: bool) -> None:
    lines = Lines()
    x, m, y = lines.param(dtype, lanes), lines.param(dt.bool_, 1), lines.param(dtype, 2 * lanes)
    mask = lines.load(m, index(0))
    far = lines.add(mask.where(index(0), index(1 << 40)))
    value = lines.load(x, far, lanes, mask)
    lines.store(y, index(0), value)
    lines.store(y, lines.add(far + lanes), value, mask)
    data = pack(numbers(dtype, lanes), dtype)
    old = pack(numbers(dtype, 2 * lanes), dtype)
    got = run(lines.linear(), target, [data, pack([on], dt.bool_), old])[-1]
    assert got == (data * 2 if on else pack([zero(dtype)] * lanes, dtype) + old[len(data) :])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("offsets", [dt.int32, dt.int64], ids=["int32", "int64"])
@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_gather_and_scatter(dtype: DType, lanes: int, target: Target, offsets: DType, masked: bool) -> None:
    if not 128 <= lanes * offsets.bits <= target.vector_bytes * 8:
        pytest.skip("no vector of so many offsets")
    lines = Lines()
    x, o, m, y = (
        lines.param(dtype, 3 * lanes), lines.param(offsets, lanes), lines.param(dt.bool_, lanes),
        lines.param(dtype, 3 * lanes),
    )  # fmt: skip
    at = lines.load(o, index(0), lanes)
    mask = lines.load(m, index(0), lanes) if masked else None
    lines.store(y, at, lines.load(x, at, None, mask), mask)
    on = [not masked or i % 2 == 1 for i in range(lanes)]
    places = [(i * 5 + 2) % (3 * lanes) if live else 1 << 30 for i, live in enumerate(on)]
    given, old = numbers(dtype, 3 * lanes), numbers(dtype, 3 * lanes)[::-1]
    buffers = [pack(given, dtype), pack(places, offsets), pack(on, dt.bool_), pack(old, dtype)]
    want = list(old)
    for place, live in zip(places, on, strict=True):
        if live:
            want[place] = given[place]
    assert unpack(run(lines.linear(), target, buffers)[-1], dtype) == pytest.approx(want)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_offsets_with_a_part_from_the_loop(dtype: DType, lanes: int, target: Target, kept: bool) -> None:
    """Every other element of each row, as lower writes it: lanes * 2 plus the row's start in every lane."""
    if lanes == 2 or lanes * 32 > target.vector_bytes * 8:
        pytest.skip("no vector of so many int32")
    lines = Lines()
    x, y, z = lines.param(dtype, 6 * lanes + 1), lines.param(dtype, 3 * lanes), lines.param(dt.int32, lanes)
    two = lines.add(broadcast(const(2, dt.int32), lanes))
    even = lines.add(UOp(ops.LANES, dt.int32, (), lanes) * two)
    loop = lines.range(3)
    start = lines.add(loop * (2 * lanes))
    for step in (0, 1):
        at = lines.add(start + step) if step else start
        offsets = lines.add(even + broadcast(lines.add(at.cast(dt.int32)), lanes))
        if kept:
            lines.store(z, index(0), offsets)
        value = lines.load(x, offsets)
        if step == 0:
            lines.store(y, lines.add(loop * lanes), value)
        else:
            back = lines.add(even + broadcast(lines.add(start.cast(dt.int32)), lanes))
            lines.store(x, back, value)
    lines.end(loop)
    given = numbers(dtype, 6 * lanes + 1)
    buffers = [pack(given, dtype), bytes(3 * lanes * dtype.itemsize), bytes(4 * lanes)]
    got = run(lines.linear(), target, buffers)
    assert unpack(got[1], dtype) == given[: 6 * lanes : 2]
    moved = list(given)
    moved[: 6 * lanes : 2] = given[1 : 6 * lanes : 2]
    assert unpack(got[0], dtype) == moved


@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_slices_and_stacks(dtype: DType, lanes: int, target: Target) -> None:
    """Every lane is cut out and put in the place opposite."""
    lines = Lines()
    x, y = lines.param(dtype, lanes), lines.param(dtype, lanes)
    value = lines.load(x, index(0), lanes)
    parts = [lines.add(UOp(ops.SLICE, dtype, (value,), (i, 1))) for i in range(lanes)]
    lines.store(y, index(0), lines.add(UOp(ops.STACK, dtype, tuple(parts[::-1]))))
    given = numbers(dtype, lanes)
    got = run(lines.linear(), target, [pack(given, dtype), bytes(lanes * dtype.itemsize)])[-1]
    assert unpack(got, dtype) == given[::-1]


@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_parts_of_vectors(dtype: DType, lanes: int, target: Target) -> None:
    """Neighbouring lanes, at every place where the result is a vector."""
    least = 2 if dtype is dt.bool_ else 128 // dtype.bits
    for count in (c for c in (2, 4, 8) if least <= c < lanes):
        for start in range(lanes - count + 1):
            if dtype is dt.bool_ and start % count:
                continue
            lines = Lines()
            x, y = lines.param(dtype, lanes), lines.param(dtype, count)
            value = lines.load(x, index(0), lanes)
            lines.store(y, index(0), lines.add(UOp(ops.SLICE, dtype, (value,), (start, count))))
            given = numbers(dtype, lanes)
            got = run(lines.linear(), target, [pack(given, dtype), bytes(count * dtype.itemsize)])[-1]
            assert unpack(got, dtype) == given[start : start + count], f"{start}:{start + count}"


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("dtype, lanes, target", WIDTHS, ids=NAMES)
def test_broadcasts(dtype: DType, lanes: int, target: Target, folded: bool) -> None:
    lines = Lines()
    x, y = lines.param(dtype, 1), lines.param(dtype, lanes)
    value = lines.load(x, index(0))
    if not folded:
        lines.store(x, index(0), value)  # a second use
    lines.store(y, index(0), lines.add(broadcast(value, lanes)))
    data = pack(numbers(dtype, 1), dtype)
    assert run(lines.linear(), target, [data, bytes(lanes * dtype.itemsize)])[1] == data * lanes


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
def test_a_load_does_not_pass_a_store(target: Target) -> None:
    lines = Lines()
    x, y = lines.param(dt.float32, 4), lines.param(dt.float32, 4)
    before = lines.load(x, index(0), 4)
    lines.store(x, index(0), lines.add(broadcast(const(5.0, dt.float32), 4)))
    after = lines.load(x, index(0), 4)
    lines.store(y, index(0), lines.add(before + after))
    got = run(lines.linear(), target, [pack([1, 2, 3, 4], dt.float32), bytes(16)])
    assert unpack(got[1], dt.float32) == [6, 7, 8, 9]


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
def test_masked_loads_and_gathers_see_what_was_stored(target: Target) -> None:
    """They read through pointers that were computed: still the same memory."""
    lines = Lines()
    x, m, y = lines.param(F32, 16), lines.param(dt.bool_, 1), lines.param(F32, 8)
    mask = lines.load(m, index(0))
    loop = lines.range(1, lines.add(index(4)))
    start = lines.carry(loop, 0)
    lines.store(x, start, lines.add(broadcast(const(5.0, F32), 4)))
    lines.store(y, index(0), lines.load(x, start, 4, mask))
    row = lines.add(broadcast(lines.add(start.cast(dt.int32)), 4))
    at = lines.add(UOp(ops.LANES, dt.int32, (), 4) + row)
    lines.store(x, start, lines.add(broadcast(const(7.0, F32), 4)))
    lines.store(y, index(4), lines.load(x, at))
    lines.end(loop, lines.add(start + 4))
    got = run(lines.linear(), target, [bytes(64), pack([True], dt.bool_), bytes(32)])[-1]
    assert unpack(got, F32) == [5.0] * 4 + [7.0] * 4


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
def test_embedded_broadcasts_and_swapped_sources(target: Target) -> None:
    lanes = target.lanes(4)
    lines = Lines()
    x, s, y = lines.param(dt.float32, lanes), lines.param(dt.float32, 2), lines.param(dt.float32, lanes)
    value = lines.load(x, index(0), lanes)
    first = lines.add(broadcast(lines.load(s, index(0)), lanes))
    product = lines.add(first * value)
    second = lines.add(broadcast(lines.load(s, index(1)), lanes))
    lines.store(y, index(0), lines.add(second - product))
    given = list(range(lanes))
    got = run(
        lines.linear(), target, [pack(given, dt.float32), pack([3, 100], dt.float32), bytes(4 * lanes)]
    )[-1]
    assert unpack(got, dt.float32) == [100 - 3 * v for v in given]


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
def test_local_memory_is_aligned_and_apart(target: Target) -> None:
    lanes = target.lanes(4)
    lines = Lines()
    x, y = lines.param(dt.float32, 2 * lanes), lines.param(dt.float32, 2 * lanes)
    a = lines.add(UOp(ops.LOCAL, dt.float32, (), (0, 3)))
    b = lines.add(UOp(ops.LOCAL, dt.float32, (), (1, lanes)))
    lines.store(b, index(0), lines.load(x, index(0), lanes))
    lines.store(a, index(2), lines.load(x, index(lanes)))
    lines.store(y, index(lanes), lines.load(a, index(2)))
    lines.store(y, index(0), lines.load(b, index(0), lanes))
    given = list(range(2 * lanes))
    linear = lines.linear(local_bytes=64 + 4 * lanes)
    got = unpack(run(linear, target, [pack(given, dt.float32), bytes(8 * lanes)])[1], dt.float32)
    assert got[: lanes + 1] == given[: lanes + 1]


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
def test_bitcasts_between_banks(target: Target) -> None:
    lines = Lines()
    x, y, z = lines.param(dt.float32, 5), lines.param(dt.int32, 5), lines.param(dt.float32, 5)
    scalar = lines.add(lines.load(x, index(0)).bitcast(dt.int32))
    lines.store(y, index(0), scalar)
    lines.store(z, index(0), lines.add(scalar.bitcast(dt.float32)))
    vector = lines.add(lines.load(x, index(1), 4).bitcast(dt.int32))
    lines.store(y, index(1), vector)
    lines.store(
        z, index(1), lines.add((vector & broadcast(const(0x7FFFFFFF, dt.int32), 4)).bitcast(dt.float32))
    )
    data = pack([1.5, -2.5, 0.0, 3.0, -1e-40], dt.float32)
    got = run(lines.linear(), target, [data, bytes(20), bytes(20)])
    assert got[1] == data
    assert unpack(got[2], dt.float32) == [abs(v) for v in unpack(data, dt.float32)]


@pytest.mark.parametrize("target", TARGETS, ids=IDS)
def test_a_load_that_only_a_bitcast_of_its_bank_reads(target: Target) -> None:
    lines = Lines()
    x, y = lines.param(dt.uint32, 1), lines.param(dt.int32, 1)
    lines.store(y, index(0), lines.add(lines.add(lines.load(x, index(0)).bitcast(dt.int32)) + 1))
    assert unpack(run(lines.linear(), target, [pack([2**32 - 8], dt.uint32), bytes(4)])[1], dt.int32) == [-7]
