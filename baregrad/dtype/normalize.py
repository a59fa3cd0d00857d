"""Bring one Python value into a dtype: what CONST holds and what an op's exact result becomes."""

from __future__ import annotations

import math
import struct

from baregrad.dtype.table import DType, Kind, float32, float64

_FLOAT = struct.Struct("<f")


def normalize(value: bool | int | float, dtype: DType) -> bool | int | float:
    """The value as `dtype` holds it: integers wrap, floats round to nearest even, anything but zero is true.

    A float brought into an integer dtype is cut toward zero and saturates; NaN gives 0.

    >>> from baregrad import dtype as dt
    >>> normalize(300, dt.uint8), normalize(0.1, dt.float32), normalize(2, dt.bool_)
    (44, 0.10000000149011612, True)
    """
    if dtype.kind is Kind.FLOAT:
        number = float(value)
        if dtype is float32:
            return _round32(number)
        return number if dtype is float64 else _round_small(number, dtype)
    if dtype.kind is Kind.BOOL:
        return bool(value)
    if isinstance(value, float):
        if value != value:
            return 0
        return int(min(max(value, dtype.min), dtype.max)) if not math.isinf(value) else int(dtype.max if value > 0 else dtype.min)
    whole = int(value) & ((1 << dtype.bits) - 1)
    return whole - (1 << dtype.bits) if dtype.kind is Kind.INT and whole >> (dtype.bits - 1) else whole


def _round32(number: float) -> float:
    try:
        return float(_FLOAT.unpack(_FLOAT.pack(number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def _round_small(number: float, dtype: DType) -> float:
    """Round to nearest even at the width of a small float; e4m3 has no infinity and overflows to NaN."""
    if number == 0 or number != number or (math.isinf(number) and dtype.has_inf):
        return number
    bias = (1 << (dtype.exponent - 1)) - 1
    top = bias if dtype.has_inf else bias + 1
    limit = math.ldexp(2.0 - 2.0**-dtype.mantissa, top) if dtype.has_inf else 448.0
    if math.isinf(number):
        return math.nan
    exponent = max(math.frexp(number)[1] - 1, 1 - bias)
    step = math.ldexp(1.0, exponent - dtype.mantissa)
    rounded = round(number / step) * step
    if abs(rounded) > limit:
        return math.copysign(math.inf, number) if dtype.has_inf else math.nan
    return math.copysign(rounded, number)
