"""The float32 functions that hardware lacks, as scalar ops that every target has: FMA, bit tricks on int32,
SELECT.

Each function's error over all of float32 is in its row (table.py) and measured by tests/ir/decompose.
Denormals are neither flushed nor rounded twice. The coefficients are made by tools/fit.py; how each table is
used stands beside it.

Two tricks are used throughout. Adding 1.5 * 2**23 to a small float rounds it to an integer, which then
stands in the low bits of the sum: the constants below also add the exponent's bias, so that a shift by 23
makes 2**n of it. And e**x is computed as p * s * s with s = 2**n, n = round(x / (2 ln 2)): both factors are
normal numbers even where the result is denormal or overflows, so only the last product rounds.
"""

from __future__ import annotations

import math
import struct

from baregrad import dtype as dt
from baregrad.ir import ops
from baregrad.ir.uop import UOp

# greatest relative error 0.544 * 2**-24: e**r = 1 + r + r*r*P(r), |r| <= ln 2
EXP = (0.500000536441803, 0.16666673123836517, 0.04165979474782944, 0.008332571014761925,
       0.0014129102928563952, 0.00020107810269109905)  # fmt: skip
# greatest relative error 0.195 * 2**-24: 2**r = 1 + r*P(r), |r| <= 1
EXP2 = (0.6931472420692444, 0.24022673070430756, 0.05550379678606987, 0.00961671955883503,
        0.0013339490396901965, 0.0001565366255817935, 1.5030574104457628e-05)  # fmt: skip
# greatest relative error 0.069 * 2**-24: log(1 + f) = f + f*f*P(f), sqrt(1/2) <= 1 + f <= sqrt(2)
LOG = (-0.49999988079071045, 0.33333325386047363, -0.25001582503318787, 0.2000197321176529,
       -0.16609083116054535, 0.14181827008724213, -0.13242988288402557,
       0.12904419004917145, -0.07621757686138153)  # fmt: skip
# greatest relative error 0.131 * 2**-24: tanh(x) = x + x*s*P(s), s = x*x <= 0.39
TANH = (-0.33333292603492737, 0.13331551849842072, -0.053739581257104874, 0.020619312301278114,
        -0.005668607074767351)  # fmt: skip
# greatest relative error 0.051 * 2**-24: as EXP, |r| <= ln 2 / 2
EXP_HALF = (0.4999999403953552, 0.1666652113199234, 0.04166838899254799, 0.008368724025785923,
            0.0013814583653584123)  # fmt: skip

ROUND = 12582912.0 + 127.0
"""1.5 * 2**23 and the bias of an exponent."""
LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693145751953125  # 16 bits: products with an exponent are exact
LN2_LOW = math.log(2.0) - LN2_HIGH
SQRT_HALF_BITS = 0x3F3504F3
TWO_23 = 8388608.0
MIN_NORMAL = 2.0**-126


def single(value: float) -> float:
    """The value rounded to float32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def fma(a: UOp, b: UOp | float, c: UOp | float) -> UOp:
    """a * b + c with one rounding."""
    b = b if isinstance(b, UOp) else a.const_like(b)
    c = c if isinstance(c, UOp) else a.const_like(c)
    return UOp(ops.FMA, a.dtype, (a, b, c))


def polynomial(x: UOp, coefficients: tuple[float, ...]) -> UOp:
    """The polynomial in Horner's form, coefficients lowest first."""
    total = x.const_like(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = fma(total, x, coefficient)
    return total


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
    p = fma(fma(polynomial(r, EXP), r, 1.0), r, 1.0)
    scale = power_of_two(rounded)
    return p * scale * scale


def exp2(x: UOp) -> UOp:
    """2**x, exact for integers."""
    x = x.maximum(-151.0).minimum(129.0)
    rounded = fma(x, 0.5, ROUND)
    r = fma(rounded - ROUND, -2.0, x)
    p = fma(polynomial(r, EXP2), r, 1.0)
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


def log_domain(x: UOp, inside: UOp) -> UOp:
    """`inside` for positive finite x; inf and NaN stay, 0 gives -inf, less gives NaN."""
    above = (x < math.inf).where(inside, x)
    return (x <= 0.0).where(x.eq(0.0).where(x.const_like(-math.inf), x.const_like(math.nan)), above)


def log(x: UOp) -> UOp:
    """The natural logarithm."""
    f, e = split(x)
    square = f * f
    low = fma(e, LN2_LOW, polynomial(f, LOG) * square)
    return log_domain(x, fma(e, LN2_HIGH, f + low))


def log2(x: UOp) -> UOp:
    """The logarithm to base 2, exact for powers of two."""
    f, e = split(x)
    high = single(LOG2_E)
    square = f * f
    natural = polynomial(f, LOG) * square
    low = fma(natural, high, f * (LOG2_E - high))
    return log_domain(x, e + fma(f, high, low))


def tanh(x: UOp) -> UOp:
    """The hyperbolic tangent, from |x|: a polynomial below 0.62, 1 - 2 / (e**2|x| + 1) above."""
    bits = x.bitcast(dt.int32)
    magnitude = (bits & 0x7FFFFFFF).bitcast(dt.float32)
    square = magnitude * magnitude
    near = fma(polynomial(square, TANH) * square, magnitude, magnitude)
    y = magnitude.minimum(9.125)
    rounded = fma(y, 2.0 * LOG2_E, ROUND)
    n = rounded - ROUND
    r = fma(y, 2.0, n * -LN2_HIGH)
    r = fma(n, -LN2_LOW, r)
    e = fma(fma(polynomial(r, EXP_HALF), r, 1.0), r, 1.0) * power_of_two(rounded)
    far = 1.0 - 2.0 / (e + 1.0)
    result = (magnitude < 0.62).where(near, far)
    sign = bits & -0x80000000
    return (result.bitcast(dt.int32) | sign).bitcast(dt.float32)
