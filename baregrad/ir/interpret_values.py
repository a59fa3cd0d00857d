"""Ops over whole lists of Python values: the shared arithmetic of the three interpreters.

`apply(node op, ...)` gives what the op's row means, brought into the result's dtype, as fast as Python's
C functions allow; the row's own `meaning` is what they fall back to and are tested against. Structure
(shapes, loops, memory) is not here: read interpret.py first.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import repeat
from struct import Struct
from typing import Any

from baregrad import dtype as dt
from baregrad.base.cache import memo
from baregrad.dtype import DType, Kind
from baregrad.ir import ops
from baregrad.ir.ops import Op

Values = list[Any]  # Python bools, ints or floats, all of one dtype


@memo
def quick() -> dict[Op, Callable[..., Any]]:
    """C functions that equal an op's meaning wherever they do not raise."""
    return {
        ops.ADD: operator.add, ops.SUB: operator.sub, ops.MUL: operator.mul, ops.NEG: operator.neg,
        ops.AND: operator.and_, ops.OR: operator.or_, ops.XOR: operator.xor,
        ops.IDIV: operator.floordiv, ops.DIV: operator.truediv,
        ops.CMPLT: operator.lt, ops.CMPLE: operator.le, ops.CMPEQ: operator.eq, ops.CMPNE: operator.ne,
        ops.SQRT: math.sqrt, ops.LOG: math.log, ops.LOG2: math.log2, ops.TANH: math.tanh, ops.EXP: math.exp,
    }  # fmt: skip


EXACT_OF_INTS = (
    ops.AND,
    ops.OR,
    ops.XOR,
    ops.MAX,
    ops.MIN,
    ops.SELECT,
    ops.MOD,
    ops.SHR,
)  # never leave the dtype
EXACT_OF_FLOATS = (ops.MAX, ops.MIN, ops.SELECT, ops.NEG, ops.TRUNC, ops.FLOOR)  # never need rounding


def narrow(values: Values, dtype: DType) -> Values:
    """Exact results in the dtype: floats rounded to nearest even, integers wrapped."""
    if dtype is dt.float32:
        return array("f", values).tolist()
    if dtype is dt.float64 or not values:
        return values
    if dtype is dt.float16:
        try:
            halves = Struct(f"<{len(values)}e")
            return list(halves.unpack(halves.pack(*values)))
        except OverflowError:
            return dt.round_list(dtype, values)
    if dtype.kind is Kind.FLOAT:
        return dt.round_list(dtype, values)
    if dtype is dt.bool_:
        return list(map(bool, values))
    if min(values) >= dtype.min and max(values) <= dtype.max:
        return values
    top, mask = 1 << (dtype.bits - 1), (1 << dtype.bits) - 1
    if dtype.kind is Kind.UINT:
        return [value & mask for value in values]
    return [((value + top) & mask) - top for value in values]


def apply(op: Op, dtype: DType, sources: Sequence[Iterable[Any]]) -> Values:
    """An elementwise op of sources of one length; `sources` may be iterated twice."""
    if op is ops.SELECT:
        return [a if m else b for m, a, b in zip(*sources, strict=False)]
    exact: Values | None = None
    fast = quick().get(op)
    if fast is not None and not (dtype is dt.bool_ and op is ops.NEG):
        try:
            exact = list(map(fast, *sources))
        except (ArithmeticError, ValueError):
            exact = None  # outside of the C function's domain: the meaning knows
    if exact is None:
        assert op.meaning is not None, f"{op} has no meaning"
        exact = list(map(fma64 if op is ops.FMA and dtype is dt.float64 else op.meaning, *sources))
    if op.dtype == "bool" or op in (EXACT_OF_FLOATS if dtype.is_float else EXACT_OF_INTS):
        return exact
    return narrow(exact, dtype)


def convert(values: Values, src: DType, dst: DType) -> Values:
    """CAST."""
    if dst.is_float and src.is_float:
        return values if src.bits < dst.bits and src is not dt.float16 else narrow(values, dst)
    if src.kind is Kind.BOOL and dst.is_int:
        return list(map(int, values))
    return dt.convert_list(values, src, dst)


def bitcast(values: Values, src: DType, dst: DType) -> Values:
    """BITCAST."""
    return dt.unpack(dst, dt.pack(src, values))


def identity(name: str, dtype: DType) -> Any:
    """What a reduction of nothing gives."""
    if name in ("add", "mul"):
        return dt.normalize(0 if name == "add" else 1, dtype)
    return dt.normalize(dtype.min if name == "max" else dtype.max, dtype)


def join(name: str, values: Sequence[Any], dtype: DType) -> Any:
    """A reduction of one row, not yet brought into the dtype.

    Floats are summed in float64, float64 exactly.
    """
    if name == "add":
        if dtype is dt.float64:
            return _exact_sum(values)
        return sum(values, 0.0) if dtype.is_float else sum(values)
    if name == "mul":
        return math.prod(values, start=1.0 if dtype.is_float else 1)
    if not values:
        return identity(name, dtype)
    best = max(values) if name == "max" else min(values)
    if dtype.is_float and (best != best or any(map(operator.ne, values, values))):
        return math.nan
    return best


def joiner(name: str, dtype: DType) -> Callable[[Any, Any], Any]:
    """The function that joins two elements and brings the result into the dtype."""
    meaning = ops.REDUCERS[name].meaning
    assert meaning is not None, "reducers have a meaning"
    return lambda a, b: dt.normalize(meaning(a, b), dtype)


def _exact_sum(values: Sequence[float]) -> float:
    try:
        return math.fsum(values)
    except ValueError:  # infinities of both signs
        return math.nan
    except OverflowError:  # a sum beyond float64 on the way
        return _rounded(sum(map(Fraction, values)))


def fma64(a: float, b: float, c: float) -> float:
    """a * b + c with one rounding to float64."""
    if math.isinf(c) and math.isfinite(a) and math.isfinite(b):
        return c  # a * b alone may go beyond float64
    rough = a * b + c
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return rough
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if not exact:
        return rough
    return _rounded(exact)


def _rounded(exact: Fraction | int) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def spread(value: Values, count: int) -> Iterable[Any]:
    """A scalar's list as `count` equal values, in a form that can be iterated twice."""
    return value if len(value) == count else _Repeated(value[0], count)


class _Repeated:
    """`count` times one value, without a list."""

    __slots__ = ("count", "value")

    def __init__(self, value: Any, count: int) -> None:
        self.value, self.count = value, count

    def __iter__(self) -> Any:
        return repeat(self.value, self.count)
