"""exp, exp2, expm1, sinh, cosh and tanh of float32 and float64, from one reduction.

x = n ln 2 + r with |r| <= ln 2 / 2; e**x is 2**n * (1 + r + r*r*P(r)), where the error of r is carried along.
The measured bounds are in table.py; float32 has shorter forms of exp, exp2 and tanh in float32.py.

Source: W. J. Cody and W. Waite, «Software Manual for the Elementary Functions» (1980), for the reduction;
P. T. P. Tang, «Table-driven implementation of the expm1 function» (1992), for how 2**n and e**r - 1 are
joined.
"""

from __future__ import annotations

import math

from baregrad.ir.decompose.words import (
    LOG2_E,
    Pair,
    fast_two_sum,
    fma,
    format_of,
    magnitude,
    power_of_two,
    scale,
    sign_bit,
    table,
    two_sum,
    with_sign,
)
from baregrad.ir.uop import UOp


def reduced(x: UOp, low: UOp | None = None) -> tuple[UOp, UOp, UOp]:
    """(n, r, c): x + low = n ln 2 + r + c with c tiny, for |n| within twice the exponents."""
    form = format_of(x)
    high_ln2, low_ln2 = form.ln2
    n = fma(x, LOG2_E[0], form.round) - form.round
    first = fma(n, -high_ln2, x)
    r = fma(n, -low_ln2, first)
    c = fma(n, -low_ln2, first - r)
    if low is not None:
        r, c = two_sum(r, c + low)
    return n, r, c


def exp_less_one(r: UOp, c: UOp, name: str) -> UOp:
    """e**(r + c) - 1 for a reduced r."""
    return r + fma(r * r, table(r, name), c)


def exp(x: UOp) -> UOp:
    """e**x."""
    form = format_of(x)
    limit = (form.bias + 1) * math.log(2.0)
    x = x.maximum(-limit - (form.mantissa + 2) * math.log(2.0)).minimum(limit + 1.0)
    n, r, c = reduced(x)
    return scale(exp_less_one(r, c, "EXP_HALF") + 1.0, n)


def exp2(x: UOp) -> UOp:
    """2**x, exact for integers."""
    form = format_of(x)
    x = x.maximum(-float(form.bias + form.mantissa + 2)).minimum(form.bias + 2.0)
    n = x + form.round - form.round
    r = x - n
    return scale(fma(table(r, "EXP2_HALF"), r, 1.0), n)


def expm1(x: UOp) -> UOp:
    """e**x - 1 = 2 * (h * (e**r - 1) + (h - 1/2)), h = 2**(n - 1): the factor 2 last: it may overflow."""
    form = format_of(x)
    small = magnitude(x) < form.tiny**2
    y = x.maximum(-(form.mantissa + 3) * math.log(2.0)).minimum((form.bias + 1.25) * math.log(2.0))
    n, r, c = reduced(y)
    q = exp_less_one(r, c, "EXPM1")
    half = power_of_two(n + (form.round_biased - 1.0))
    return small.where(x, fma(q, half, half - 0.5) * 2.0)


def halved_exp(a: UOp) -> Pair:
    """(e**a / 2, its inverse / 4): the terms of sinh and cosh, for a >= 0; infinite only where they are."""
    form = format_of(a)
    a = a.minimum((form.bias + 3) * math.log(2.0))
    n, r, c = reduced(a)
    high, low = fast_two_sum(a.const_like(1.0), exp_less_one(r, c, "EXP_HALF"))
    grown = scale(high, n - 1.0) + scale(low, n - 1.0)
    return grown, 0.25 / grown


def sinh(x: UOp) -> UOp:
    """x + x**3 P(x**2) below 1, else (e**|x| - e**-|x|) / 2."""
    a = magnitude(x)
    grown, shrunk = halved_exp(a)
    square = a * a
    near = fma(a * square, table(square, "SINH"), a)
    return with_sign((a < 1.0).where(near, grown - shrunk), sign_bit(x))


def cosh(x: UOp) -> UOp:
    """(e**|x| + e**-|x|) / 2."""
    grown, shrunk = halved_exp(magnitude(x))
    return grown + shrunk


def tanh(x: UOp) -> UOp:
    """x + x**3 P(x**2) below 0.62, else 1 - 2 / (e**2|x| + 1)."""
    a = magnitude(x)
    square = a * a
    near = fma(a * square, table(square, "TANH"), a)
    y = a.minimum((format_of(x).mantissa + 3) * 0.35) * 2.0
    n, r, c = reduced(y)
    grown = scale(exp_less_one(r, c, "EXP_HALF") + 1.0, n)
    return with_sign((a < 0.62).where(near, 1.0 - 2.0 / (grown + 1.0)), sign_bit(x))
