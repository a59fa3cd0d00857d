"""Every op and cast, scalar and at every vector length, with and without AVX-512, against the op's
row: bit for bit.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType, normalize
from baregrad.ir import Op, UOp, ops
from baregrad.lower import Linear
from baregrad.target import Target

from .kernels import TARGETS, Lines, broadcast, elementwise, pack, run, unpack

DTYPES = (dt.bool_, dt.int32, dt.uint32, dt.int64, dt.uint64, dt.float32, dt.float64)


def single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


VALUES: dict[str, list[Any]] = {
    "bool": [False, True],
    "int32": [0, 1, -1, 2, 7, -8, 31, 32, 33, -3, 100, 2**31 - 1, -(2**31), 1 - 2**31],
    "uint32": [0, 1, 2, 7, 31, 32, 33, 100, 2**31 - 1, 2**31, 2**32 - 1, 2**31 + 1, 0x12345678],
    "int64": [0, 1, -1, 2, 7, -8, 31, 63, 64, 65, -3, 2**31, 2**63 - 1, -(2**63), 1 - 2**63, 12345678901234],
    "uint64": [0, 1, 2, 7, 31, 63, 64, 65, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**63 + 1025, 12345678901234],
    "float32": [single(x) for x in (
        0.0, -0.0, 1.0, -1.5, 3.25, 1e-40, -1e-45, 3e38, math.inf, -math.inf, math.nan, 2.0**31, -(2.0**31),
        0.5, -0.5, 2147483520.0)],
    "float64": [0.0, -0.0, 1.0, -1.5, 3.25, 1e-320, -5e-324, 1e308, math.inf, -math.inf, math.nan, 2.0**31,
                0.1, 0.5, -0.5, 1 / 3, -(2.0**31), 2147483647.5],
}  # fmt: skip
CASTS: dict[str, list[Any]] = {  # what only casts find hard
    "float32": [single(x) for x in (
        2.0**32, 4294967040.0, 1e10, -1e10, 2.0**63, 9.2233715e18, 2.0**64, 1.8446743e19, 1e20, -1e20,
        -(2.0**63), 0.99, -0.99, 2.5, 3e9)],
    "float64": [2.0**32, 4294967295.5, 1e10, -1e10, 2.0**63, 2.0**63 - 1024, 2.0**64, 2.0**64 - 2048, 1e20,
                -1e20, -(2.0**63), 0.99, -0.99, 2.5, 3e9, 1 + 2.0**-24, 3.4028235677973366e38,
                1e-45, 7e-46, 1e-40],
    "int64": [2**24 + 1, 2**25 + 3, 2**53 + 1, 2**40 + 2**16 + 1, 2**62 + 2**38 + 1],
    "uint64": [2**24 + 1, 2**25 + 3, 2**53 + 1, 2**40 + 2**16 + 1, 2**62 + 2**38 + 1, 2**63 + 2**39 + 1],
}  # fmt: skip
COMPARES = (ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE)
ANY = (ops.ADD, ops.SUB, ops.MUL, ops.MAX, ops.MIN, ops.SELECT, *COMPARES)
FLOAT = (ops.NEG, ops.DIV, ops.SQRT, ops.RECIPROCAL, ops.TRUNC, ops.FLOOR, ops.FMA)
BITS = (ops.AND, ops.OR, ops.XOR, ops.NOT)
OPS: dict[DType, tuple[Op, ...]] = {
    dt.bool_: (*BITS, ops.MAX, ops.MIN, ops.SELECT, *COMPARES),
    dt.float32: (*ANY, *FLOAT),
    dt.float64: (*ANY, *FLOAT),
}
INTEGER_OPS = (*ANY, *BITS, ops.NEG, ops.SHL, ops.SHR, ops.IDIV, ops.MOD)
ROWS = [(op, dtype) for dtype in DTYPES for op in OPS.get(dtype, INTEGER_OPS)]


def sources_of(op: Op, dtype: DType) -> tuple[DType, ...]:
    return (dt.bool_, dtype, dtype) if op is ops.SELECT else (dtype,) * (op.arity or 1)


def lane_counts(target: Target, dtypes: tuple[DType, ...]) -> Iterator[int]:
    """0 for scalars, then each number of lanes whose data are vectors of the target."""
    yield 0
    sizes = [dtype.bits for dtype in dtypes if dtype is not dt.bool_] or [32]
    for lanes in (2, 4, 8, 16):
        if (
            all(128 <= lanes * bits <= target.vector_bytes * 8 for bits in sizes)
            and lanes <= target.max_lanes
        ):
            yield lanes


def quotient(exact: Fraction) -> float:
    """The float64 nearest to a fraction."""
    try:
        return exact.numerator / exact.denominator
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def meaning(op: Op, dtype: DType, values: tuple[Any, ...]) -> Any:
    if op is ops.CAST:
        return normalize(values[0], dtype)
    if op in (ops.SHL, ops.SHR) and not 0 <= values[1] < dtype.bits:
        return -1 if op is ops.SHR and values[0] < 0 else 0
    if op is ops.FMA and dtype is dt.float64 and all(map(math.isfinite, values[:2])):
        if not math.isfinite(values[2]):  # the row rounds for float32, and its product may overflow
            return values[2]
        exact = Fraction(values[0]) * Fraction(values[1]) + Fraction(values[2])
        return quotient(exact) if exact else values[0] * values[1] + values[2]
    assert op.meaning is not None
    return normalize(op.meaning(*values), dtype)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)


def check(
    op: Op, result: DType, sources: tuple[DType, ...], target: Target, lanes: int, rows: list[Any]
) -> None:
    rows = rows + rows[:1] * (-len(rows) % max(1, lanes))
    kernel = elementwise(op, result, sources, len(rows), lanes)
    buffers = [pack([row[i] for row in rows], dtype) for i, dtype in enumerate(sources)]
    got = unpack(run(kernel, target, [*buffers, bytes(len(rows) * result.itemsize)])[-1], result)
    for row, value in zip(rows, got, strict=True):
        want = meaning(op, result, row)
        what = f"{op.name}{row} of {[d.name for d in sources]} in {lanes} lanes for {target.name}"
        assert same(value, want), f"{what} gives {value!r}, not {want!r}"


WIDTHS = pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["ends", "every_width"]
)


def chosen(dtypes: tuple[DType, ...], target: Target, every: bool) -> list[int]:
    """Every number of lanes; or the widest vector, and on one target scalars, which are the same on both."""
    found = list(lane_counts(target, dtypes))
    if every or len(found) == 1:
        return found
    return [found[-1]] if target is TARGETS[1] else [found[0], found[-1]]


@WIDTHS
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("op, dtype", ROWS, ids=[f"{op.name}-{dtype}" for op, dtype in ROWS])
def test_op(op: Op, dtype: DType, target: Target, every: bool) -> None:
    sources = sources_of(op, dtype)
    result = dt.bool_ if op.dtype == "bool" else dtype
    values = [VALUES[source.name][: 10 if len(sources) > 2 else 99] for source in sources]
    rows = list(itertools.product(*values))
    for lanes in chosen((result, *sources), target, every):
        check(op, result, sources, target, lanes, rows)


@WIDTHS
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("source", DTYPES, ids=[dtype.name for dtype in DTYPES])
def test_casts(source: DType, target: Target, every: bool) -> None:
    rows = [(value,) for value in VALUES[source.name] + CASTS.get(source.name, [])]
    for result in DTYPES:
        if result is not source:
            for lanes in chosen((result, source), target, every):
                check(ops.CAST, result, (source,), target, lanes, rows)


CONSTANTS = [  # op, dtype, constant second sources
    *(
        (op, dtype, (1, 2, 8, 3, 10, 100, 1 << 20, 1000003))
        for op in (ops.IDIV, ops.MOD)
        for dtype in DTYPES[1:5]
    ),
    *((op, dtype, (0, 1, 5, 31, 32, 70)) for op in (ops.SHL, ops.SHR) for dtype in DTYPES[1:5]),
    *((op, dtype, (1, 8, 3, 2**31 - 1)) for op in (ops.ADD, ops.SUB, ops.MUL) for dtype in DTYPES[1:5]),
    *((op, dtype, (0, 1, 100)) for op in (ops.AND, ops.OR, ops.XOR, *COMPARES) for dtype in DTYPES[1:5]),
    *(
        (op, dtype, (0.0, -0.0, 1.5, math.inf))
        for op in (ops.MAX, ops.MIN, ops.ADD, ops.MUL)
        for dtype in (dt.float32, dt.float64)
    ),
]


def by_constants(
    op: Op, result: DType, dtype: DType, lanes: int, count: int, constants: Sequence[Any]
) -> Linear:
    """A kernel that applies an op to a buffer and to each of some constants, into a buffer each."""
    lines = Lines()
    source = lines.param(dtype, count)
    outs = [lines.param(result, count) for _ in constants]
    loop = lines.range(count // max(1, lanes))
    at = lines.add(loop * lanes) if lanes else loop
    value = lines.load(source, at, lanes or None)
    for out, constant in zip(outs, constants, strict=True):
        node = UOp(ops.CONST, dtype, (), constant)
        second = lines.add(broadcast(node, lanes) if lanes else node)
        lines.store(out, at, lines.add(UOp(op, result, (value, second))))
    lines.end(loop)
    return lines.linear(op.name)


@WIDTHS
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("op, dtype, constants", CONSTANTS, ids=[f"{r[0].name}-{r[1]}" for r in CONSTANTS])
def test_constant_second_source(
    op: Op, dtype: DType, constants: tuple[Any, ...], target: Target, every: bool
) -> None:
    result = dt.bool_ if op.dtype == "bool" else dtype
    for lanes in chosen((dtype,), target, every):
        some = constants if every or lanes else [c for c in constants if c in (1, 3, 32, 0.0, 1.5)]
        count = -(-len(VALUES[dtype.name]) // max(1, lanes)) * max(1, lanes)
        values = (VALUES[dtype.name] * 2)[:count]
        results = [bytes(count * result.itemsize)] * len(some)
        kernel = by_constants(op, result, dtype, lanes, count, some)
        found = run(kernel, target, [pack(values, dtype), *results])[1:]
        for constant, data in zip(some, found, strict=True):
            for value, got in zip(values, unpack(data, result), strict=True):
                want = meaning(op, result, (value, constant))
                what = f"{op.name}({value!r}, {constant!r}) of {dtype} in {lanes} lanes for {target.name}"
                assert same(got, want), f"{what} gives {got!r}, not {want!r}"
