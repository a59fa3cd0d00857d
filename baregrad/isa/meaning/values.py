"""The arithmetic of meaning trees on plain integers: every value is its bits.

This is the one place that says what an operation of tree.OPS gives; `emu` runs on it, `lift` folds constants
with it. Floats are exact: float32 sums and products are made in float64 and rounded once more, which is right
(53 >= 2 * 24 + 2 bits); fma is made of fractions. A NaN that is made is the quiet one without a sign.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from baregrad import dtype as dt
from baregrad.isa.meaning.tree import OPS, Type

FLOATS = {
    "f16": dt.float16, "f32": dt.float32, "f64": dt.float64, "bf16": dt.bfloat16, "fp8": dt.float8e4m3,
    "bf8": dt.float8e5m2, "fp6": dt.DType("float6e2m3", 6, dt.Kind.FLOAT, 2, 3, has_inf=False),
    "bf6": dt.DType("float6e3m2", 6, dt.Kind.FLOAT, 3, 2, has_inf=False),
    "fp4": dt.DType("float4e2m1", 4, dt.Kind.FLOAT, 2, 1, has_inf=False),
}  # fmt: skip
"""The dtype of each float type. Those under 8 bits have neither infinity nor NaN: what is too large becomes
the largest, a NaN the largest without a sign. Source: OCP Microscaling Formats 1.0, 5.3."""

Number = Any  # int or float, as the type says


def decode(type: Type, bits: int) -> Number:
    """Bits as a number."""
    if type.kind == "u":
        return bits
    if type.kind == "i":
        return bits - (1 << type.bits) if bits >> (type.bits - 1) else bits
    return _small_decode(FLOATS[type.name], bits) if type.bits < 8 else dt.from_bits(FLOATS[type.name], bits)


def encode(type: Type, value: Number) -> int:
    """A number as bits: integers wrap, floats (ints of any size too) are rounded."""
    if not type.is_float:
        return int(value) & ((1 << type.bits) - 1)
    dtype = FLOATS[type.name]
    if type.bits < 8:
        return _small_encode(dtype, value)
    if value != value:
        return nan_of(type)
    return dt.to_bits(dtype, dt.round_to(dtype, value))


def _small_decode(dtype: dt.DType, bits: int) -> float:
    """A float of less than a byte."""
    ones = (1 << dtype.mantissa) - 1
    exponent, mantissa = bits >> dtype.mantissa & ((1 << dtype.exponent) - 1), bits & ones
    whole = mantissa | (ones + 1 if exponent else 0)
    size = math.ldexp(whole, max(exponent, 1) - dtype.bias - dtype.mantissa)
    return -size if bits >> (dtype.bits - 1) else size


def _small_encode(dtype: dt.DType, value: float) -> int:
    """The nearest float of less than a byte, ties to even, no further than the largest."""
    sign = (1 << (dtype.bits - 1)) if value == value and math.copysign(1.0, value) < 0 else 0
    most = (1 << (dtype.bits - 1)) - 1
    size = abs(float(value))
    if size != size:
        return most
    if size >= _small_decode(dtype, most):
        return sign | most
    least = 1 - dtype.bias
    exponent = max(math.frexp(size)[1] - 1, least) if size else least
    steps = round(math.ldexp(size, dtype.mantissa - exponent))
    return sign | ((exponent - least << dtype.mantissa) + steps)


def nan_of(type: Type) -> int:
    """The quiet NaN without a sign."""
    if type.name == "fp8":
        return 0x7F
    mantissa = FLOATS[type.name].mantissa
    return ((1 << (type.bits - mantissa)) - 1 >> 1) << mantissa | 1 << (mantissa - 1)


def is_nan(type: Type, bits: int) -> bool:
    """Whether bits of a float type are a NaN."""
    return bool(decode(type, bits) != decode(type, bits))


def divide(a: float, b: float) -> float:
    """a / b with infinities and NaN."""
    if b:
        return a / b
    if a != a or b != b or not a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def root(a: float) -> float:
    """The square root; NaN below zero."""
    return math.sqrt(a) if a >= 0 else a if a == 0 else math.nan


def fma(a: float, b: float, c: float) -> float:
    """a * b + c rounded to odd in float64: rounding that to a narrower type rounds once."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if not exact:
        return a * b + c
    near = _nearest(exact)
    if not math.isfinite(near) or Fraction(near) == exact or int(math.ldexp(math.frexp(near)[0], 53)) % 2:
        return near
    return math.nextafter(near, math.inf if Fraction(near) < exact else -math.inf)


def fma64(a: float, b: float, c: float) -> float:
    """a * b + c, rounded once to float64."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return _nearest(exact) if exact else a * b + c


def power_of_two(a: float) -> float:
    """2 to a power."""
    try:
        return math.exp2(a)
    except OverflowError:
        return math.inf


def logarithm(a: float) -> float:
    """The logarithm to 2; NaN below zero."""
    return -math.inf if a == 0 else math.log2(a) if a > 0 else math.nan


def _wave(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of an angle; NaN of infinity."""
    return lambda a: function(a) if math.isfinite(a) else math.nan


def scaled(a: float, n: int) -> float:
    """a * 2**n."""
    try:
        return math.ldexp(a, n)
    except OverflowError:
        return math.copysign(math.inf, a)


def _nearest(exact: Fraction) -> float:
    try:
        return exact.numerator / exact.denominator
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def _integral(rounding: Callable[[float], float]) -> Callable[[float], float]:
    """Rounding to an integer, of every float, the sign of zero kept."""
    return lambda a: math.copysign(float(rounding(a)), a) if math.isfinite(a) else a


def quotient(a: int, b: int) -> int:
    """a / b cut toward zero; 0 for b = 0."""
    return 0 if not b else abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)


_ON_NUMBERS: dict[str, Callable[..., Number]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": divide,
    "and": operator.and_, "or": operator.or_, "xor": operator.xor, "not": operator.invert,
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le,
    "quotient": quotient, "remainder": lambda a, b: a - quotient(a, b) * b,
    "sqrt": root, "exp2": power_of_two, "log2": logarithm, "sin": _wave(math.sin), "cos": _wave(math.cos),
    "ldexp": scaled, "trunc": _integral(math.trunc), "floor": _integral(math.floor),
    "ceil": _integral(math.ceil), "even": _integral(round),
}  # fmt: skip
"""Operations whose result is a number that is brought into the type."""


def _convert(type: Type, source: Type, bits: int) -> int:
    value = decode(source, bits)
    if type.is_float or not source.is_float:
        return encode(type, value)
    if value != value:
        return 0
    least = -(1 << (type.bits - 1)) if type.kind == "i" else 0
    most = least + (1 << type.bits) - 1
    cut = most if value == math.inf else least if value == -math.inf else math.trunc(value)
    return encode(type, max(least, min(most, cut)))


def apply(op: str, type: Type, types: Sequence[Type], values: Sequence[int]) -> int:
    """An operation of values of these types, as bits of `type`.

    >>> apply("convert", Type("i", 32), [Type("f", 32)], [0xBFC00000])  # -1.5
    4294967295
    """
    made = _ON_NUMBERS.get(op)
    if made is not None:
        return encode(type, made(*map(decode, types, values)))
    if op == "select":
        return values[1] if values[0] else values[2]
    if op in ("element", "slice"):
        low = values[1] * (type.bits if op == "element" else 1)
        return values[0] >> low & ((1 << type.bits) - 1)
    if op == "as":
        return values[0]
    if op == "convert":
        return _convert(type, types[0], values[0])
    if op == "neg":
        return values[0] ^ 1 << (type.bits - 1) if type.is_float else -values[0] & ((1 << type.bits) - 1)
    if op == "cat":
        return values[0] << types[1].bits | values[1]
    if op == "fma":
        exact = fma64 if type.bits == 64 else fma
        return encode(type, exact(*(decode(type, value) for value in values)))
    assert op in ("shl", "shr"), f"{op} is no operation: {', '.join(OPS)}"
    count = min(values[1], type.bits)
    return encode(type, decode(type, values[0]) << count if op == "shl" else decode(type, values[0]) >> count)
