"""lgamma, log |Gamma(x)|, of float64; float32 goes through float64, whose digits its zeros below 0 need.

Arguments below 8.5 are moved to 2 + t with |t| <= 1/2, where lgamma is t P(t), by a product whose logarithm
is added as a pair; larger ones take Stirling's formula. Below 0 the reflection
lgamma(x) = -log(sin(pi a) / pi) - lgamma(1 + a), a = -x, is a sum of pairs too, with what 1 + a loses. In
float64 the last digits are lost near the zeros below 0 (from -2 down there are two between any two poles):
where |lgamma(x)| < 1 there, the error is within two units of 1.

Source: M. Abramowitz and I. A. Stegun, «Handbook of Mathematical Functions», 6.1.15, 6.1.17 and 6.1.40.
"""

from __future__ import annotations

import math

from baregrad import dtype as dt
from baregrad.ir.decompose.logarithm import log_pair, split, with_exponent
from baregrad.ir.decompose.words import (
    Pair,
    floor,
    fma,
    format_of,
    magnitude,
    polynomial,
    table,
    two_product,
    two_sum,
)
from baregrad.ir.uop import UOp

STEPS = 6
"""Arguments below STEPS + 2.5 are moved."""
STIRLING = (math.log(2.0 * math.pi) - 1.0) / 2.0


def log_of(x: UOp) -> Pair:
    """log(x) of a positive x as a pair."""
    m, e, _ = split(x)
    return with_exponent(e, log_pair(m - 1.0))


def moved(b: UOp) -> tuple[UOp, UOp, Pair]:
    """(t, whether b was below 3/2, product): lgamma(b) is lgamma(2 + t) and log(product), less it if so."""
    steps = floor(b + 0.5) - 2.0
    next_, lost = two_sum(b, b.const_like(1.0))
    product, low = two_product(b, next_)
    lowest = steps < -1.0
    product = lowest.where(product, (steps < 0.0).where(b, 1.0))
    low = lowest.where(fma(b, lost, low), b.const_like(0.0))
    for step in range(1, STEPS + 1):
        factor, more = b - float(step), steps >= float(step)
        longer, rest = two_product(product, factor)
        product, low = more.where(longer, product), more.where(fma(low, factor, rest), low)
    return b - (steps + 2.0), steps < 0.0, (product, low)


def lgamma_pair(b: UOp) -> Pair:
    """lgamma(b) for b > 0 as a pair; where it is infinite, NaN."""
    large = b >= STEPS + 2.5
    t, down, (product, product_low) = moved(large.where(b.const_like(2.0), b))
    log, log_low = log_of(large.where(b, product))
    log_low = log_low + large.where(b.const_like(0.0), product_low / product)
    first, first_low, *others = format_of(b).tables["LGAMMA"]
    value, value_low = two_product(t, first)
    value_low = fma(t, fma(t, polynomial(t, tuple(others)), first_low), value_low)
    less, less_low = two_sum(log, b.const_like(-1.0))
    wide = b - 0.5
    far, far_low = two_product(wide, less)
    far_low = fma(wide, less_low + log_low, far_low)
    inverse = 1.0 / large.where(b, 8.5)
    tail = fma(inverse, table(inverse * inverse, "STIRLING"), STIRLING)
    high = large.where(far, down.where(-log, log))
    high, low = two_sum(high, large.where(tail, value))
    return high, low + large.where(far_low, down.where(-log_low, log_low) + value_low)


def slope(b: UOp) -> UOp:
    """The derivative of lgamma to about a hundredth, for b >= 1: what the digits lost in b are worth."""
    inverse = 1.0 / b
    return log_of(b)[0] - inverse * fma(inverse, b.const_like(1 / 12), b.const_like(0.5))


def lgamma(x: UOp) -> UOp:
    """log |Gamma(x)|: inf at 0, at the integers below it and at both infinities."""
    if x.dtype is dt.float32:
        return lgamma(x.cast(dt.float64)).cast(dt.float32)
    a = magnitude(x)
    below = x < 0.0
    b, lost = two_sum(a, below.where(a.const_like(1.0), 0.0))
    high, low = lgamma_pair(b)
    low = fma(lost, slope(below.where(b, 1.0)), low)
    part = a - floor(
        a
    )  # not a - floor(a + 0.5): above 2**52 that sum is rounded, to a neighbour where a is odd
    rest = part.minimum(1.0 - part)
    square = rest * rest
    sine, sine_low = two_sum(rest, rest * square * table(square, "SINPI"))
    other, other_low = log_of(sine)
    other_low = other_low + sine_low / sine
    total, total_low = two_sum(high, other)
    reflected = -(total + (total_low + (low + other_low)))
    result = below.where(reflected, high + low)
    pole = (x <= 0.0) & rest.eq(0.0)
    infinite = pole | (a > 2.556348163871691e305)
    return x.ne(x).where(x, infinite.where(x.const_like(math.inf), result))
