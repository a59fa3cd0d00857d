"""asin, acos, atan and atan2 of float32 and float64.

Each is brought to a small argument by one division or square root, and is there x + x**3 P(x**2). The
multiple of pi / 4 that is added back is a pair.

Source: J.-M. Muller, «Elementary Functions», chapter 11, and the classical identities.
"""

from __future__ import annotations

import math

from baregrad.ir.decompose.words import (
    PI,
    bits_of,
    fast_two_sum,
    flip_sign,
    fma,
    format_of,
    magnitude,
    sign_bit,
    sqrt,
    table,
    two_sum,
    with_sign,
)
from baregrad.ir.uop import UOp

TAN_EIGHTH = math.sqrt(2.0) - 1.0


def pi_parts(x: UOp, quarters: int) -> tuple[UOp, UOp]:
    """So many quarters of pi, a power of two, as a pair of constants."""
    high, low = format_of(x).parts(PI[0] * quarters / 4.0, PI[1] * quarters / 4.0)
    return x.const_like(high), x.const_like(low)


def halved(a: UOp) -> tuple[UOp, UOp, UOp]:
    """(large, u, p): asin(a) is u + u*p, or above 1/2, where the mask is true, pi/2 less that."""
    large = a > 0.5
    half = (1.0 - a) * 0.5
    square = large.where(half, a * a)
    root = sqrt(half)
    return large, large.where(root + root, a), square * table(square, "ASIN")


def asin(x: UOp) -> UOp:
    """x + x**3 P(x**2) to 1/2; above, pi/2 - 2 asin(sqrt((1 - x) / 2))."""
    large, u, p = halved(magnitude(x))
    high, low = pi_parts(x, 2)
    first, second = fast_two_sum(high, -u)
    far = first + (second + fma(-u, p, low))
    return with_sign(large.where(far, fma(u, p, u)), sign_bit(x))


def acos(x: UOp) -> UOp:
    """pi/2 - asin(x), and from |x| = 1/2 on 2 asin(sqrt((1 - |x|) / 2)) or pi less that."""
    large, u, p = halved(magnitude(x))
    below = x < 0.0
    half_high, half_low = pi_parts(x, 2)
    high = large.where(below.where(half_high * 2.0, 0.0), half_high)
    low = large.where(below.where(half_low * 2.0, 0.0), half_low)
    sign = sign_bit(x)
    u = flip_sign(u, large.where(sign ^ sign.dtype.min, sign))
    first, second = two_sum(high, -u)
    return first + (second + fma(-u, p, low))


def joined(high: UOp, low: UOp, z: UOp) -> UOp:
    """high + low + atan(z), for high = 0 or above |z| <= tan(pi / 8)."""
    square = z * z
    first, second = fast_two_sum(high, z)
    return first + fma(z * square, table(square, "ATAN"), second + low)


def atan(x: UOp) -> UOp:
    """atan(a), pi/4 + atan((a - 1) / (a + 1)) or pi/2 - atan(1 / a) with a = |x|."""
    a = magnitude(x)
    middle, large = a > TAN_EIGHTH, a > 1.0 / TAN_EIGHTH
    (quarter, quarter_low), (half, half_low) = pi_parts(x, 1), pi_parts(x, 2)
    z = large.where(-1.0, middle.where(a - 1.0, a)) / large.where(a, middle.where(a + 1.0, 1.0))
    high = large.where(half, middle.where(quarter, 0.0))
    low = large.where(half_low, middle.where(quarter_low, 0.0))
    return with_sign(joined(high, low, z), sign_bit(x))


def atan2(y: UOp, x: UOp) -> UOp:
    """The smaller over the larger of |y| and |x| as in atan, and from there to the point's octant."""
    form = format_of(x)
    a, b = magnitude(y), magnitude(x)
    steep, behind = a > b, bits_of(x) < 0
    large, small = steep.where(a, b), steep.where(b, a)
    infinite = small.eq(math.inf) & large.eq(math.inf)
    large, small = infinite.where(1.0, large), infinite.where(1.0, small)
    least = 2.0 ** (2 * form.mantissa - form.bias)
    factor = (large > 2.0 ** (form.bias - 3)).where(x.const_like(0.125), 1.0)
    factor = (large < least).where(2.0**form.mantissa, factor)
    large, small = large * factor, small * factor
    middle = small > large * TAN_EIGHTH
    z = middle.where(small - large, small) / middle.where(small + large, large.eq(0.0).where(1.0, large))
    z = flip_sign(z, (steep ^ behind).where(bits_of(x.const_like(-0.0)), 0))
    quarters = middle.where(x.const_like(1.0), 0.0)
    quarters = steep.where(2.0 - quarters, quarters)
    quarters = behind.where(4.0 - quarters, quarters)
    pi_high, pi_low = pi_parts(x, 1)
    high = quarters * pi_high
    low = fma(quarters, pi_low, fma(quarters, pi_high, -high))
    return flip_sign(joined(high, low, z), sign_bit(y))
