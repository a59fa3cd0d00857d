"""erf, erfc and erfinv of float32 and float64.

erf is x + x P(x**2) below 1 and 1 - e**Q(|x|) above. erfc keeps its relative precision to the end:
e**(-x*x) (1 + P(q)) / (1 + 2x) with q = (x - k) / (x + k), where x*x, the exponential and the quotient are
pairs. erfinv is x P(w) with w = -log(1 - x*x), and x P(sqrt(w)) towards 1.

Sources: M. M. Shepherd and J. G. Laframboise, «Chebyshev approximation of (1 + 2x) exp(x^2) erfc x» (1981);
M. B. Giles, «Approximating the erfinv function», GPU Computing Gems 2 (2011). The polynomials are
fitted anew.
"""

from __future__ import annotations

import math

from baregrad.ir.decompose.exponential import exp_less_one, reduced
from baregrad.ir.decompose.logarithm import log_pair, split, with_exponent
from baregrad.ir.decompose.words import (
    Pair,
    fast_two_sum,
    fma,
    format_of,
    magnitude,
    nan_like,
    polynomial,
    power_of_two,
    scale,
    sign_bit,
    sqrt,
    table,
    times,
    two_product,
    with_sign,
)
from baregrad.ir.uop import UOp

CENTRE = {"float32": 2.0, "float64": 3.5}
"""k of erfc's variable."""
ERF_ENDS = {"float32": 4.0, "float64": 6.0}
"""From here on erf is 1."""
ERFC_ENDS = {"float32": 10.5, "float64": 27.5}
"""From here on erfc is 0."""
ERFINV_PIECES = {
    "float32": (("ERFINV_FAR", 3.0, 2.875),),
    "float64": (("ERFINV_FAR", 4.0, 3.0), ("ERFINV_END", 16.0, 5.0)),
}
"""erfinv's polynomials towards 1: the w that each begins at, and what is taken off sqrt(w)."""
HALF_ROOT_PI = (0.886226925452758, -3.8332932499128993e-17)


def erf(x: UOp) -> UOp:
    """The error function."""
    form = format_of(x)
    a = magnitude(x)
    square = a * a
    near = fma(a, table(square, "ERF"), a)
    exponent = table(a.minimum(ERF_ENDS[x.dtype.name]) - 1.0, "ERF_FAR")
    n, r, c = reduced(exponent)
    far = 1.0 - (exp_less_one(r, c, "EXP_HALF") + 1.0) * power_of_two(n + form.round_biased)
    return with_sign((a < 1.0).where(near, far), sign_bit(x))


def scaled_erfc(a: UOp) -> Pair:
    """e**(a*a) erfc(a) (1 + 2a) as a pair, for a from 1/2 on."""
    centre = CENTRE[a.dtype.name]
    return fast_two_sum(a.const_like(1.0), table((a - centre) / (a + centre), "ERFC"))


def erfc(x: UOp) -> UOp:
    """1 - erf(x) to 1/2; beyond, the scaled form, or 2 less that."""
    a = magnitude(x).minimum(ERFC_ENDS[x.dtype.name])
    high, low = fast_two_sum(a.const_like(1.0), -x)
    near = high + fma(-x, table(a * a, "ERF"), low)
    square, rest = two_product(a, a)
    n, r, c = reduced(-square, -rest)
    power = fast_two_sum(a.const_like(1.0), exp_less_one(r, c, "EXP_HALF"))
    above, above_low = times(power, scaled_erfc(a))
    below, below_low = fast_two_sum(a + a, a.const_like(1.0))
    inverse = 1.0 / below
    quotient = above * inverse
    left = fma(-quotient, below_low, fma(-quotient, below, above) + above_low)
    far = scale(fma(left, inverse, quotient), n)
    far = (x < 0.0).where(2.0 - far, far)
    return (a < 0.5).where(near, far)


def erfinv(x: UOp) -> UOp:
    """The inverse of erf."""
    a = magnitude(x)
    m, e, _ = split(fma(-a, a, 1.0))
    high, low = with_exponent(e, log_pair(m - 1.0))
    w = -high
    root = sqrt(w)
    root_low = (fma(-root, root, w) - low) * (0.5 / root)
    centre, centre_low = format_of(x).parts(*HALF_ROOT_PI)
    result = fma(a, centre, fma(w, table(w, "ERFINV"), centre_low) * a)
    for name, border, offset in ERFINV_PIECES[x.dtype.name]:
        first, first_low, *others = format_of(x).tables[name]
        t = (root - offset) + root_low
        rest = fma(polynomial(t, tuple(others)), t, first_low)
        result = (w < border).where(result, fma(a, first, rest * a))
    result = (a < 1.0).where(result, a.eq(1.0).where(a.const_like(math.inf), nan_like(a)))
    return with_sign(result, sign_bit(x))
