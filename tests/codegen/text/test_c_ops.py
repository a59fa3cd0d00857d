"""Every op, cast and constant in C against the interpreter: bit for bit where the op's row is exact.

The kernels of all cases are compiled with one call, before the first test.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType, normalize
from baregrad.ir import Op, const, index, ops, run_linear
from baregrad.lower import Linear
from baregrad.render.text.c import source
from baregrad.render.text.c_rows import ROWS, TYPES, literal
from baregrad.runtime import Address, Kernel, Launch, open_device
from tests.codegen.x86.kernels import Lines, elementwise

pytestmark = pytest.mark.cc
INTS = [0, 1, 2, 7, 8, 31, 32, 33, 63, 64, 65, -1, -3, -8]
FLOATS = [
    0.0, -0.0, 1.0, -1.5, 3.25, 0.5, -0.5, 0.99, -0.99, 1e-40, -1e-45, 3e38, 2.5,
    math.inf, -math.inf, math.nan,
]  # fmt: skip
CASTS = [2.0**n * s for n in (7, 8, 15, 16, 31, 32, 53, 63, 64) for s in (1, -1)] + [
    127.9, 128.5, -128.9, -129.0, 255.5, 65535.9, 2147483520.0, 2147483647.5, 9.2233715e18,
    1e20, -1e20, 1e300, -1e300,
]  # fmt: skip
WIDE = [2**24 + 1, 2**25 + 3, 2**53 + 1, 2**40 + 2**16 + 1, 2**62 + 2**38 + 1, 2**63 + 2**39 + 1, -(2**53)]
COMPARES = (ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE)
FLOAT_ONLY = tuple(op for op in ROWS if op.dtype == "float")
INT_ONLY = tuple(op for op in ROWS if op.dtype == "int")
BITS = (ops.AND, ops.OR, ops.XOR, ops.NOT)


def values_of(dtype: DType, extra: tuple[Any, ...] = ()) -> list[Any]:
    """Values at the borders of a dtype, brought into it."""
    if dtype is dt.bool_:
        return [False, True]
    if dtype.is_float:
        return [normalize(value, dtype) for value in (*FLOATS, *extra)]
    least, most = int(dtype.min), int(dtype.max)
    found = [v for v in (*INTS, *extra) if least <= v <= most] + [least, least + 1, most - 1, most]
    return list(dict.fromkeys(found))


def applies(op: Op, dtype: DType) -> bool:
    """Whether an op's dtype rule allows a dtype of its sources."""
    if op in FLOAT_ONLY:
        return dtype.is_float
    if op in INT_ONLY:
        return dtype.is_int
    return not (op in BITS and dtype.is_float)


class Case(NamedTuple):
    """An op of dtypes in so many lanes (0: a scalar); with a constant second source, or none."""

    op: Op
    result: DType
    sources: tuple[DType, ...]
    lanes: int = 0
    constant: int | None = None

    @property
    def name(self) -> str:
        sources = "_".join(s.name for s in self.sources)
        by = "" if self.constant is None else f"_by_{self.constant}"
        return f"{self.op.name}_{sources}_to_{self.result.name}_x{self.lanes}{by}"

    def rows(self) -> list[tuple[Any, ...]]:
        """The values of the sources, together a multiple of the lanes."""
        extra = tuple(CASTS if self.sources[0].is_float else WIDE) if self.op is ops.CAST else ()
        if self.op in FLOAT_ONLY and len(self.sources) == 1:
            extra = tuple(map(float, self.op.samples))
        columns = [values_of(source, extra) for source in self.sources]
        if self.constant is not None:
            columns[1] = [self.constant]
        if self.op is ops.FMA:
            columns = [column[:9] for column in columns]
        rows = list(itertools.product(*columns))
        return rows + rows[:1] * (-len(rows) % 4)

    def linear(self) -> Linear:
        """The list that applies the op to all rows."""
        count = len(self.rows())
        return elementwise(self.op, self.result, self.sources, count, self.lanes, second=self.constant)


BY = {  # what bounds make shorter in C
    ops.SHL: (0, 1, 7, 31, 64, -1), ops.SHR: (0, 1, 7, 31, 64, -1),
    ops.IDIV: (1, 8, 3, -1, 0), ops.MOD: (1, 8, 3, -1, 0), ops.ADD: (1, -1), ops.MUL: (3,),
}  # fmt: skip


def cases() -> list[Case]:
    """All of them."""
    found: list[Case] = []
    for op in ROWS:
        if op in (ops.CAST, ops.BITCAST):
            continue
        for dtype in TYPES:
            if applies(op, dtype):
                sources = (dt.bool_, dtype, dtype) if op is ops.SELECT else (dtype,) * (op.arity or 1)
                result = dt.bool_ if op.dtype == "bool" else dtype
                found.append(Case(op, result, sources))
                if dtype in (dt.float32, dt.int32, dt.bool_):
                    found.append(Case(op, result, sources, 4))
                constants = BY.get(op, ()) if dtype.is_int else ()
                fitting = [c for c in constants if dtype.min <= c <= dtype.max]
                found += [Case(op, result, sources, 0, c) for c in fitting]
    for a, b in itertools.permutations(TYPES, 2):
        found.append(Case(ops.CAST, b, (a,)))
        if a.itemsize == b.itemsize and dt.bool_ not in (a, b):
            found.append(Case(ops.BITCAST, b, (a,)))
    return found


CASES = cases()


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[Linear, list[tuple[Any, ...]], list[Any]]]:
    """For each case: its list, its rows, and what the C device makes of them."""
    device = open_device("c")
    made: list[tuple[Case, Linear, list[tuple[Any, ...]], Address]] = []
    launches = []
    for case in CASES:
        rows, linear, args = case.rows(), case.linear(), []
        for dtype, column in zip(case.sources, zip(*rows, strict=True), strict=True):
            data = dt.pack(dtype, list(column))
            args.append(device.allocate(len(data)))
            device.write(args[-1], data)
        args.append(device.allocate(len(rows) * case.result.itemsize))
        kernel: Kernel = device.load(source(linear).encode(), case.name)
        launches.append(Launch(kernel, args))
        made.append((case, linear, rows, args[-1]))
    device.run(device.record(launches))
    found = {}
    for case, linear, rows, out in made:
        found[case.name] = (linear, rows, dt.unpack(case.result, device.read(out, out.nbytes)))
    device.close()
    return found


def ulps(a: float, b: float, dtype: DType) -> float:
    """How far two floats are apart, in steps of the dtype at the second."""
    if a == b or (a != a and b != b):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    exponent = max(math.frexp(b)[1] - 1, dtype.min_exponent)
    return abs(a - b) / 2.0 ** (exponent - dtype.mantissa)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_op(case: Case, results: dict[str, Any]) -> None:
    linear, rows, got = results[case.name]
    buffers = [list(column) for column in zip(*rows, strict=True)] + [[None] * len(rows)]
    run_linear(linear.uops, buffers)
    for row, value, wanted in zip(rows, got, buffers[-1], strict=True):
        near = case.op.ulp and ulps(value, wanted, case.result) <= case.op.ulp / 2
        assert near or same(value, wanted), f"{case.name}{row} gives {value!r}, not {wanted!r}"


def test_constants() -> None:
    """Each constant stored by a list of its own text, in one kernel a dtype."""
    device = open_device("c")
    launches, wanted = [], []
    for dtype in TYPES:
        values = values_of(dtype, (0.1, 1e300, 5e-324) if dtype.is_float else ())
        lines = Lines()
        out = lines.param(dtype, len(values))
        for i, value in enumerate(values):
            lines.store(out, index(i), const(value, dtype))
        at = device.allocate(len(values) * dtype.itemsize)
        kernel = device.load(source(lines.linear(f"constants of {dtype}")).encode(), dtype.name)
        launches.append(Launch(kernel, (at,)))
        wanted.append((dtype, values, at))
    device.run(device.record(launches))
    for dtype, values, at in wanted:
        got = dt.unpack(dtype, device.read(at, at.nbytes))
        for a, b in zip(got, values, strict=True):
            assert same(a, b), f"{literal(b, dtype)} as {dtype} is {a!r}, not {b!r}"
    device.close()
