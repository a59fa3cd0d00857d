"""Exact remainders of floats, by long division in float64. Elementwise's operators and fmod() end here.

A quotient of 2 ** 28 at most is subtracted at a time, as then both the product and the difference are exact.
For float64, which has no wider dtype, one product of two parts is subtracted: exact for quotients below
2 ** 53.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from baregrad import dtype as dt
from baregrad.dtype import DType

STEP = 28  # bits of a quotient: with the 24 of a divisor they fit the 53 of float64
SPLIT = 2.0**27 + 1  # Source: Dekker 1971, section 5

T: TypeAlias = Any  # a tensor, of a class that this file is below of


def fmod(a: T, b: T) -> T:
    """a - trunc(a / b) * b, with the sign of a. Both have one dtype of floats, and one shape."""
    dtype: DType = a.dtype
    x, y = (t.detach().cast(dt.float64).abs() for t in (a, b))
    rest = x
    if dtype is dt.float64:
        rest = _less_exactly(x, y)
    else:
        bits = (1 << dtype.exponent) + dtype.mantissa
        for place in range((bits // STEP) * STEP, -1, -STEP):
            rest = _less(rest, y * 2.0**place)
    rest = x.where(y.eq(math.inf) & (x < math.inf), rest)
    signed = (-rest).where(a.detach() < 0, rest).cast(dtype)
    found = signed.where(signed.ne(0) | a.detach().ne(0), a.detach())  # -0 stays
    if not (a.requires_grad or b.requires_grad):
        return found
    whole = (a / b).trunc().detach().nan_to_num()
    return found + (a - a.detach()) - (b - b.detach()) * whole  # adds 0, and the gradient


def remainder(a: T, b: T) -> T:
    """The remainder with the sign of b."""
    rest = fmod(a, b)
    return (rest + b).where(rest.ne(0) & ((b < 0) ^ (rest < 0)), rest)


def floor_divide(a: T, b: T) -> T:
    """The quotient less the remainder's part of it, as a whole number: floor(a / b) without its rounding."""
    a, b = a.detach(), b.detach()
    rest = fmod(a, b)
    quotient = (a - rest) / b
    quotient = (quotient - 1).where(rest.ne(0) & ((b < 0) ^ (rest < 0)), quotient)
    floor = quotient.floor()
    near = (floor + 1).where(quotient - floor > 0.5, floor)
    return near.where(quotient.ne(0), a / b * 0).where(b.ne(0), a / b)


def of_power_of_2(number: object) -> bool:
    """Whether a divisor is a power of 2, for which the plain formulas are exact."""
    return isinstance(number, int | float) and bool(number) and abs(math.frexp(number)[0]) == 0.5


def _less(rest: T, by: T) -> T:
    """What remains of a division whose quotient is small."""
    left = rest - (rest / by).trunc() * by
    return left.where(left >= 0, left + by)  # the quotient may have been rounded up


def _less_exactly(rest: T, by: T) -> T:
    """The same, the product's rounding taken off. Source: Dekker 1971, section 5."""
    quotient = (rest / by).trunc()
    product = quotient * by
    (high, low), (upper, lower) = _halves(quotient), _halves(by)
    error = ((high * upper - product) + high * lower + low * upper) + low * lower
    left = (rest - product) - error
    return left.where(left >= 0, left + by)


def _halves(x: T) -> tuple[T, T]:
    wide = x * SPLIT
    high = wide - (wide - x)
    return high, x - high
