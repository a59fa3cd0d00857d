"""lgamma, log |Gamma(x)|, of float64; float32 goes through float64, whose digits its zeros below 0 need.

Arguments below 8.5 are moved to 2 + t with |t| <= 1/2, where lgamma is t P(t), by a product whose logarithm
is added as a pair; larger ones take Stirling's formula. Below 0 the reflection
lgamma(x) = -log(sin(pi a) / pi) - lgamma(1 + a), a = -x, is a sum of pairs too. Its error is absolute: in
float64 the last digits are lost near the zeros below 0 (from -2 down there are two between any two poles).

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


def moved(b: UOp) -> tuple[UOp, UOp, UOp]:
    """(t, whether b was below 3/2, product): lgamma(b) is lgamma(2 + t) and log(product), less it if so."""
    steps = floor(b + 0.5) - 2.0
    product = (steps < -1.0).where(b * (b + 1.0), (steps < 0.0).where(b, 1.0))
    for step in range(1, STEPS + 1):
        product = (steps >= float(step)).where(product * (b - float(step)), product)
    return b - (steps + 2.0), steps < 0.0, product


def lgamma_pair(b: UOp) -> Pair:
    """lgamma(b) for b > 0 as a pair; where it is infinite, NaN."""
    large = b >= STEPS + 2.5
    t, down, product = moved(large.where(b.const_like(2.0), b))
    log, log_low = log_of(large.where(b, product))
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


def lgamma(x: UOp) -> UOp:
    """log |Gamma(x)|: inf at 0, at the integers below it and at both infinities."""
    if x.dtype is dt.float32:
        return lgamma(x.cast(dt.float64)).cast(dt.float32)
    a = magnitude(x)
    below = x < 0.0
    high, low = lgamma_pair(below.where(a + 1.0, a))
    part = a - floor(
        a
    )  # not a - floor(a + 0.5): above 2**52 that sum is rounded, to a neighbour where a is odd
    rest = part.minimum(1.0 - part)
    square = rest * rest
    sine = fma(rest * square, table(square, "SINPI"), rest)
    other, other_low = log_of(sine)
    total, total_low = two_sum(high, other)
    reflected = -(total + (total_low + (low + other_low)))
    result = below.where(reflected, high + low)
    pole = (x <= 0.0) & rest.eq(0.0)
    infinite = pole | (a > 2.556348163871691e305)
    return x.ne(x).where(x, infinite.where(x.const_like(math.inf), result))
