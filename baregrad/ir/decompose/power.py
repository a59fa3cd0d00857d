"""pow and cbrt of float32 and float64.

pow is e**(b log|a|) with the logarithm to about ten more bits than the format has: the series of logarithm.py
with its first terms as pairs. cbrt starts from a polynomial for m**(-1/3), so that no division is needed.

Sources: P. T. P. Tang (as in logarithm.py); IEEE 754-2019, 9.2.1, for the exceptional cases of pow; the steps
of cbrt are Halley's and Newton's.
"""

from __future__ import annotations

import math

from baregrad.ir.decompose.exponential import exp_less_one, reduced
from baregrad.ir.decompose.logarithm import split
from baregrad.ir.decompose.words import (
    Pair,
    bits_of,
    fast_two_sum,
    flip_sign,
    floor,
    fma,
    format_of,
    magnitude,
    nan_like,
    scale,
    sign_bit,
    table,
    times,
    two_product,
    with_sign,
)
from baregrad.ir.uop import UOp

TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def precise_log(x: UOp) -> Pair:
    """log(x) as a pair, for x positive and finite: log(1 + f) = 2s + s z (2/3 + z P(z)), z = s*s."""
    form = format_of(x)
    m, e, _ = split(x)
    f = m - 1.0
    whole = f + 2.0
    s = f / whole
    s_low = fma(-s, f - (whole - 2.0), fma(-s, whole, f)) * fma(s, -0.5, 0.5)
    z, z_low = two_product(s, s)
    z_low = fma(s + s, s_low, z_low)
    third, third_low = form.parts(*TWO_THIRDS)
    factor, factor_low = fast_two_sum(x.const_like(third), z * table(z, "LOG_TAIL"))
    cube, cube_low = times(times((z, z_low), (factor, factor_low + third_low)), (s, s_low))
    high_ln2, low_ln2 = form.ln2
    high, rest = fast_two_sum(e * high_ln2, s + s)
    high, more = fast_two_sum(high, cube)
    return fast_two_sum(high, more + (rest + (cube_low + fma(e, low_ln2, s_low + s_low))))


def clamped(x: UOp, limit: float) -> UOp:
    """x, but not beyond the limit on either side."""
    return x.maximum(-limit).minimum(limit)


def power_of(a: UOp, b: UOp) -> UOp:
    """a**b for a positive and finite."""
    form = format_of(a)
    b = clamped(b, 2.0 ** (form.mantissa + 13))
    log, log_low = precise_log(a)
    high, low = two_product(b, log)
    low = fma(b, log_low, low)
    limit = 1.36 * form.bias  # overflows and underflows, yet n stays within twice the exponents
    inside = magnitude(high) < limit
    n, r, c = reduced(clamped(high, limit), inside.where(low, 0.0))
    return scale(exp_less_one(r, c, "EXP_HALF") + 1.0, n)


def pow(a: UOp, b: UOp) -> UOp:
    """a**b."""
    x = magnitude(a)
    result = power_of(x, b)
    half = b * 0.5
    whole = floor(b).eq(b)
    odd = whole & floor(half).ne(half)
    grows = (x > 1.0) ^ (b < 0.0)
    edge = x.eq(0.0) | x.eq(math.inf)
    result = edge.where(grows.where(x.const_like(math.inf), 0.0), result)
    result = flip_sign(result, odd.where(sign_bit(a), bits_of(a.const_like(0.0))))
    undefined = (a < 0.0) & ~whole & ~edge
    result = (undefined | a.ne(a) | b.ne(b)).where(nan_like(a), result)
    return (b.eq(0.0) | a.eq(1.0)).where(a.const_like(1.0), result)


def cbrt(x: UOp) -> UOp:
    """The cube root of m 2**e = m 2**j 8**k: a guess of (m 2**j)**(-1/3), one cubic step, one exact step."""
    a = magnitude(x)
    m, e, _ = split(a)
    k = floor(fma(e, 1.0 / 3.0, 0.125))
    j = fma(k, -3.0, e)
    once, twice = j.eq(1.0), j.eq(2.0)
    guess = table(m, "CBRT")
    guess = guess * twice.where(x.const_like(2.0 ** (-2 / 3)), once.where(x.const_like(2.0 ** (-1 / 3)), 1.0))
    m = m * twice.where(x.const_like(4.0), once.where(x.const_like(2.0), 1.0))
    left = fma(-m * guess, guess * guess, 1.0)
    guess = fma(guess * left, fma(left, 2.0 / 9.0, 1.0 / 3.0), guess)
    square = guess * guess
    y = m * square
    p, p_low = two_product(y, y)
    q, q_low = two_product(p, y)
    rest = (m - q) - fma(p_low, y, q_low)
    root = scale(fma(rest, square * (1.0 / 3.0), y), k)
    plain = (a > 0.0) & (a < math.inf)
    return plain.where(with_sign(root, sign_bit(x)), x)
