"""Shorter forms of exp, exp2, log, log2 and tanh for float32, whose few digits allow them.

Each function's error over all of float32 is in its row (table.py) and measured by tests/ir/decompose.
Denormals are neither flushed nor rounded twice. The coefficients are made by tools/fit.py, which says how
each table is used.

Two tricks are used throughout. Adding 1.5 * 2**23 to a small float rounds it to an integer, which then
stands in the low bits of the sum: the constants below also add the exponent's bias, so that a shift by 23
makes 2**n of it. And e**x is computed as p * s * s with s = 2**n, n = round(x / (2 ln 2)): both factors are
normal numbers even where the result is denormal or overflows, so only the last product rounds.
"""

from __future__ import annotations

import math

from baregrad import dtype as dt
from baregrad.ir.decompose.logarithm import log_domain
from baregrad.ir.decompose.words import fma, nearest, table
from baregrad.ir.uop import UOp

ROUND = 12582912.0 + 127.0
"""1.5 * 2**23 and the bias of an exponent."""
LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693145751953125  # 16 bits: products with an exponent are exact
LN2_LOW = math.log(2.0) - LN2_HIGH
SQRT_HALF_BITS = 0x3F3504F3
TWO_23 = 8388608.0
MIN_NORMAL = 2.0**-126


def power_of_two(rounded: UOp) -> UOp:
    """2**n of a sum n + ROUND."""
    return (rounded.bitcast(dt.int32) << 23).bitcast(dt.float32)


def exp(x: UOp) -> UOp:
    """e**x."""
    x = x.maximum(-104.0).minimum(89.0)  # beyond, the result is 0 or inf all the same
    rounded = fma(x, LOG2_E / 2.0, ROUND)
    n = rounded - ROUND
    r = fma(n, -2.0 * LN2_HIGH, x)
    r = fma(n, -2.0 * LN2_LOW, r)
    p = fma(fma(table(r, "EXP"), r, 1.0), r, 1.0)
    scale = power_of_two(rounded)
    return p * scale * scale


def exp2(x: UOp) -> UOp:
    """2**x, exact for integers."""
    x = x.maximum(-151.0).minimum(129.0)
    rounded = fma(x, 0.5, ROUND)
    r = fma(rounded - ROUND, -2.0, x)
    p = fma(table(r, "EXP2"), r, 1.0)
    scale = power_of_two(rounded)
    return p * scale * scale


def split(x: UOp) -> tuple[UOp, UOp]:
    """(f, e) with x = (1 + f) * 2**e and 1 + f between sqrt(1/2) and sqrt(2), for x positive and finite."""
    small = x < MIN_NORMAL
    bits = small.where(x * TWO_23, x).bitcast(dt.int32)
    exponent = (bits - SQRT_HALF_BITS) >> 23
    fraction = (bits - (exponent << 23)).bitcast(dt.float32) - 1.0
    e = exponent.cast(dt.float32)
    return fraction, small.where(e - 23.0, e)


def log(x: UOp) -> UOp:
    """The natural logarithm."""
    f, e = split(x)
    square = f * f
    low = fma(e, LN2_LOW, table(f, "LOG") * square)
    return log_domain(x, fma(e, LN2_HIGH, f + low))


def log2(x: UOp) -> UOp:
    """The logarithm to base 2, exact for powers of two."""
    f, e = split(x)
    high = nearest(LOG2_E)
    square = f * f
    natural = table(f, "LOG") * square
    low = fma(natural, high, f * (LOG2_E - high))
    return log_domain(x, e + fma(f, high, low))


def tanh(x: UOp) -> UOp:
    """The hyperbolic tangent, from |x|: a polynomial below 0.62, 1 - 2 / (e**2|x| + 1) above."""
    bits = x.bitcast(dt.int32)
    magnitude = (bits & 0x7FFFFFFF).bitcast(dt.float32)
    square = magnitude * magnitude
    near = fma(table(square, "TANH") * square, magnitude, magnitude)
    y = magnitude.minimum(9.125)
    rounded = fma(y, 2.0 * LOG2_E, ROUND)
    n = rounded - ROUND
    r = fma(y, 2.0, n * -LN2_HIGH)
    r = fma(n, -LN2_LOW, r)
    e = fma(fma(table(r, "EXP_HALF"), r, 1.0), r, 1.0) * power_of_two(rounded)
    far = 1.0 - 2.0 / (e + 1.0)
    result = (magnitude < 0.62).where(near, far)
    sign = bits & -0x80000000
    return (result.bitcast(dt.int32) | sign).bitcast(dt.float32)
