"""Dtypes that registers hold widened: every way to load and store them, against the interpreter of lists."""

from __future__ import annotations

import random

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, const, index, ops, run_linear
from baregrad.kernel import optimize
from baregrad.lower import COMPUTED_IN, lower
from baregrad.render.x86.narrow import STORED
from baregrad.target import Target
from tests.kernel.kernels import axis, kernel, load, param, store

from .kernels import TARGETS, Lines, broadcast, run

COUNT = 48
EACH = [
    pytest.param(dtype, target, lanes, marks=[pytest.mark.slow] if 0 < lanes < target.max_lanes else [])
    for dtype in STORED
    for target in TARGETS
    for lanes in (0, 4, 8, 16)
    if lanes <= target.max_lanes
]  # every width is in make slow, the least and the greatest here


def vector(lines: Lines, node: UOp, lanes: int) -> UOp:
    return lines.add(broadcast(node, lanes) if lanes else node)


def random_memory(dtype: DType, rng: random.Random) -> list[dt.Value]:
    values = [dt.from_bits(dtype, rng.randrange(1 << dtype.bits)) for _ in range(COUNT)]
    return [value if value == value else 1.0 for value in values]


def make(dtype: DType, lanes: int, masked: bool, gathered: bool) -> Lines:
    """out[place] = in[place] * 3 in the wide dtype, where in is not negative; a copy; a constant."""
    lines, wide = Lines(), COMPUTED_IN[dtype]
    source, target, copy = (lines.param(dtype, COUNT) for _ in range(3))
    loop = lines.range(COUNT // max(1, lanes))
    at = lines.add(loop * max(1, lanes)) if lanes else loop
    plain = lines.load(source, at, lanes or None)
    value = lines.add(plain.cast(wide))
    mask = (
        lines.add(UOp(ops.CMPLE, dt.bool_, (vector(lines, const(0, wide), lanes), value))) if masked else None
    )
    place = at
    if gathered:
        counter = UOp(ops.LANES, dt.int32, (), lanes)
        turned = lines.add(
            UOp(ops.SUB, dt.int32, (vector(lines, const(lanes - 1, dt.int32), lanes), counter))
        )
        place = lines.add(
            UOp(ops.ADD, dt.int32, (turned, vector(lines, lines.add(at.cast(dt.int32)), lanes)))
        )
    loaded = lines.load(source, place, None if gathered else lanes or None, mask)
    three = vector(lines, const(3, wide), lanes)
    result = lines.add(lines.add(UOp(ops.MUL, wide, (lines.add(loaded.cast(wide)), three))).cast(dtype))
    again = lines.add(lines.add(result.cast(wide)).cast(dtype))
    lines.store(target, place, result, mask)
    lines.store(copy, at, plain)
    lines.store(copy, place, again, mask)
    lines.end(loop)
    lines.store(copy, index(0), const(1.5, dtype))
    return lines


@pytest.mark.parametrize("gathered", [False, True], ids=["dense", "gathered"])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize(
    "dtype, target, lanes", EACH, ids=["{}-{.name}-{}".format(*row.values) for row in EACH]
)
def test_memory(dtype: DType, target: Target, lanes: int, masked: bool, gathered: bool) -> None:
    if gathered and not lanes:
        pytest.skip("a gather has lanes")
    linear = make(dtype, lanes, masked, gathered).linear()
    start = [random_memory(dtype, random.Random(7)), [0] * COUNT, [0] * COUNT]
    want = [list(values) for values in start]
    run_linear(linear.uops, want, 1)
    got = run(linear, target, [dt.pack(dtype, values) for values in start])
    for slot, (data, values) in enumerate(zip(got, want, strict=True)):
        assert data == dt.pack(dtype, values), f"slot {slot}: {dt.unpack(dtype, data)}, not {values}"


BYTES = (dt.float8e4m3, dt.float8e5m2, dt.int8, dt.uint8)
BOTH = (ops.ADD, ops.SUB, ops.MUL, ops.MAX, ops.MIN)
PAIRED = [
    (op, d) for d in BYTES for op in (*BOTH, *((ops.DIV,) if d.is_float else (ops.IDIV, ops.MOD, ops.AND)))
]


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("op, dtype", PAIRED, ids=[f"{op.name}-{dtype}" for op, dtype in PAIRED])
def test_all_pairs_of_bytes(op: Op, dtype: DType, target: Target) -> None:
    count = 1 << 16
    first, second = bytes(i >> 8 for i in range(count)), bytes(i & 255 for i in range(count))
    i = axis(0, count)
    value = UOp(op, dtype, (load(param(1, count, dtype), i), load(param(2, count, dtype), i)))
    ast = kernel(store(param(0, count, dtype), i, value, i))
    got = run(lower(optimize(ast, target), target), target, [bytes(count), first, second])[0]
    assert op.meaning is not None
    pairs = zip(dt.unpack(dtype, first), dt.unpack(dtype, second), strict=True)
    want = dt.pack(dtype, [dt.normalize(op.meaning(a, b), dtype) for a, b in pairs])
    for place in range(count):
        if got[place] != want[place]:
            x, y = (dt.from_bits(dtype, data[place]) for data in (got, want))
            assert (x != x, y != y) == (True, True), f"{first[place]:#x}, {second[place]:#x}: {x}, not {y}"
