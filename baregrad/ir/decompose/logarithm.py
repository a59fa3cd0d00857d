"""log, log1p, log2, log10, asinh, acosh and atanh of float32 and float64, from one series.

x = (1 + f) 2**e with 1 + f between sqrt(1/2) and sqrt(2), and log(1 + f) = 2s + s**3 P(s**2) with
s = f / (2 + f). Here s and the sum are pairs, so what follows (another base, an inverse hyperbolic function)
rounds almost only once. float32 has shorter forms of log and log2 in float32.py.

Source: the series is that of P. T. P. Tang, «Table-driven implementation of the logarithm function» (1990);
1 / (2 + f) = (1 - s) / 2 makes its second word free of a second division. The inverse hyperbolic
functions are log1p of a pair: W. Kahan, «Branch cuts for complex elementary functions» (1987).
"""

from __future__ import annotations

import math

from baregrad.ir.decompose.words import (
    LOG2_E,
    LOG10_E,
    Pair,
    bits_of,
    fast_two_sum,
    fma,
    format_of,
    magnitude,
    sign_bit,
    sqrt,
    table,
    times_constant,
    two_product,
    two_sum,
    with_sign,
)
from baregrad.ir.uop import UOp

SQRT_HALF = math.sqrt(0.5)


def split(x: UOp) -> tuple[UOp, UOp, UOp]:
    """(m, e, k): x = m * 2**e with m between sqrt(1/2) and sqrt(2), for x positive and finite; k is 2**-e,
    where that is a normal number.
    """
    form = format_of(x)
    small = x < 2.0 ** (1 - form.bias)
    bits = bits_of(small.where(x * 2.0**form.mantissa, x))
    border = bits_of(x.const_like(SQRT_HALF))
    exponent = (bits - border) >> form.mantissa
    shifted = exponent << form.mantissa
    m = (bits - shifted).bitcast(x.dtype)
    anchor = bits_of(x.const_like(form.round))
    e = (exponent + anchor).bitcast(x.dtype) - form.round
    k = (bits_of(x.const_like(1.0)) - shifted).bitcast(x.dtype)
    return m, small.where(e - float(form.mantissa), e), k


def log_pair(f: UOp, low: UOp | None = None) -> Pair:
    """log(1 + f + low) as a pair, for a reduced f and a tiny low."""
    whole = f + 2.0
    rest = f - (whole - 2.0)
    s = f / whole
    left = fma(-s, rest, fma(-s, whole, f))
    if low is not None:
        left = left + fma(-s, low, low)
    z = s * s
    tail = fma(s * z, table(z, "LOG_QUOTIENT"), left * (1.0 - s))
    return fast_two_sum(s + s, tail)


def with_exponent(e: UOp, log: Pair) -> Pair:
    """e ln 2 + log as a pair."""
    high_ln2, low_ln2 = format_of(e).ln2
    high, rest = fast_two_sum(e * high_ln2, log[0])
    return fast_two_sum(high, rest + fma(e, low_ln2, log[1]))


def log_domain(x: UOp, inside: UOp) -> UOp:
    """`inside` for positive finite x; inf and NaN stay, 0 gives -inf, less gives NaN."""
    above = (x < math.inf).where(inside, x)
    return (x <= 0.0).where(x.eq(0.0).where(x.const_like(-math.inf), x.const_like(math.nan)), above)


def log(x: UOp) -> UOp:
    """The natural logarithm: f - (f*f/2 - s*(f*f/2 + s*s*P)), which needs no pair because f is exact."""
    high_ln2, low_ln2 = format_of(x).ln2
    m, e, _ = split(x)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    half = f * 0.5 * f
    low = fma(s, fma(z, table(z, "LOG_QUOTIENT"), half), e * low_ln2)
    return log_domain(x, fma(e, high_ln2, f - (half - low)))


def log2(x: UOp) -> UOp:
    """The logarithm to base 2, exact for powers of two."""
    m, e, _ = split(x)
    high, low = times_constant(log_pair(m - 1.0), format_of(x).parts(*LOG2_E))
    high, low = fast_two_sum(high, low)
    total, rest = fast_two_sum(e, high)
    return log_domain(x, total + (rest + low))


def log10(x: UOp) -> UOp:
    """The logarithm to base 10."""
    m, e, _ = split(x)
    high, low = times_constant(with_exponent(e, log_pair(m - 1.0)), format_of(x).parts(*LOG10_E))
    return log_domain(x, high + low)


def log1p_pair(x: UOp, low: UOp | None = None, twice: tuple[UOp, UOp] | None = None) -> Pair:
    """log(1 + x + low) as a pair, for x > -1 and low tiny beside 1 + x; log(2y) where the mask of
    twice = (mask, y) is true.
    """
    form = format_of(x)
    u, rest = two_sum(x.const_like(1.0), x)
    if low is not None:
        rest = rest + low
    if twice is not None:
        u, rest = twice[0].where(twice[1], u), twice[0].where(0.0, rest)
    m, e, k = split(u)
    same = e.eq(0.0)
    if twice is not None:
        e = twice[0].where(e + 1.0, e)
    correction = same.where(x.const_like(0.0) if low is None else low, rest * k)
    correction = (u < 2.0 ** (form.mantissa + 4)).where(correction, 0.0)
    return with_exponent(e, log_pair(same.where(x, m - 1.0), correction))


def log1p(x: UOp) -> UOp:
    """log(1 + x): x itself below half a unit in the last place of 1."""
    high, low = log1p_pair(x)
    result = (x < math.inf).where(high + low, x)
    result = (x <= -1.0).where(x.eq(-1.0).where(x.const_like(-math.inf), x.const_like(math.nan)), result)
    return (magnitude(x) < format_of(x).tiny ** 2).where(x, result)


def asinh(x: UOp) -> UOp:
    """log1p(a + a*a / (1 + sqrt(1 + a*a))) with a = |x|; log(a) + ln 2 where a*a + 1 = a*a."""
    form = format_of(x)
    a = magnitude(x)
    large = a > 2.0 ** (form.mantissa + 4)
    y = large.where(x.const_like(1.0), a)
    square = y * y
    high, low = fast_two_sum(y, square / (sqrt(square + 1.0) + 1.0))
    pair = log1p_pair(high, low, (large, a))
    result = pair[0] + pair[1]
    result = (a < math.inf).where(result, a)
    return with_sign((a < form.tiny).where(a, result), sign_bit(x))


def acosh(x: UOp) -> UOp:
    """log1p(t + sqrt(2t + t*t)) with t = x - 1; log(x) + ln 2 where t*t is all."""
    form = format_of(x)
    large = x > 2.0 ** (form.mantissa + 4)
    t = large.where(x.const_like(1.0), x - 1.0)
    high, low = two_product(t, t)
    first, second = two_sum(t + t, high)
    second = second + low
    first = (first > 0.0).where(first, form.tiny)  # t = 0: the result is chosen below
    root = sqrt(first)
    half = (fma(-root, root, first) + second) * 0.5 / root
    u, v = two_sum(t, root)
    pair = log1p_pair(u, v + half, (large, x))
    result = pair[0] + pair[1]
    result = x.eq(1.0).where(x.const_like(0.0), (x < math.inf).where(result, x))
    return (x < 1.0).where(x.const_like(math.nan), result)


def atanh(x: UOp) -> UOp:
    """log1p(2a / (1 - a)) / 2 with a = |x|, the quotient a pair."""
    form = format_of(x)
    a = magnitude(x)
    y = (a < 1.0).where(a, 0.5)
    high, low = fast_two_sum(y.const_like(1.0), -y)
    inverse = 1.0 / high
    double = y + y
    q = double * inverse
    left = fma(-q, low, fma(-q, high, double))
    pair = log1p_pair(*fast_two_sum(q, left * inverse))
    result = (pair[0] + pair[1]) * 0.5
    result = (a < 1.0).where(result, a.eq(1.0).where(a.const_like(math.inf), a.const_like(math.nan)))
    return with_sign((a < form.tiny).where(a, result), sign_bit(x))
