"""Floats: only what is exact for every value, NaN, infinities and both zeros included. Nothing is
reassociated.

So x * 0 stays (NaN, infinity, -0.0), x + 0.0 stays (-0.0 + 0.0 is 0.0), and x - x stays (NaN).
"""

from __future__ import annotations

from math import frexp

from baregrad.base.cache import memo
from baregrad.ir import ops
from baregrad.ir.match import Rules, rules
from baregrad.ir.pattern import any_, const, floats, fold, maximum, minimum, of
from baregrad.ir.uop import UOp
from baregrad.ir.uop import const as constant

x, y, c, d = any_("x"), any_("y"), const("c"), const("d")


def reciprocal_of(root: UOp) -> UOp | None:
    """x / c -> x * (1 / c) for powers of two whose reciprocal is a normal number."""
    value = root.src[1].arg
    if value == 0 or value != value or abs(frexp(value)[0]) != 0.5:
        return None
    dtype = root.dtype
    least = 2.0 ** (2 - (1 << (dtype.exponent - 1)))
    turned = 1.0 / value
    if constant(turned, dtype).arg != turned or abs(turned) < least:
        return None
    return UOp(ops.MUL, dtype, (root.src[0], constant(turned, dtype)))


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("float", [
        # name            pattern           result         when
        ("add_minus_zero", x + -0.0,        x,             floats),
        ("sub_zero",      x - 0.0,          x,             floats),
        ("zero_sub",      -0.0 - x,         -x,            floats),
        ("mul_minus_one", x * -1.0,         -x,            floats),
        ("div_one",       x / 1.0,          x),
        ("div_minus_one", x / -1.0,         -x),
        ("div_power",     of(ops.DIV, x, c), reciprocal_of, floats),
        ("one_div",       1.0 / x,          of(ops.RECIPROCAL, x)),
        ("add_neg",       x + -y,           x - y,         floats),
        ("sub_neg",       x - -y,           x + y,         floats),
        ("mul_neg_neg",   -x * -y,          x * y,         floats),
        ("div_neg_neg",   -x / -y,          x / y,         floats),
        ("mul_neg_const", -x * c,           x * fold(-c),  floats),
        ("lt_self",       x < x,            False,         floats),
        ("neg_lt_neg",    -x < -y,          y < x,         floats),
        ("neg_le_neg",    -x <= -y,         y <= x,        floats),
        ("max_of_max",    maximum(maximum(x, y), y), maximum(x, y), floats),
        ("min_of_min",    minimum(minimum(x, y), y), minimum(x, y), floats),
        ("trunc_trunc",   of(ops.TRUNC, of(ops.TRUNC, x)), of(ops.TRUNC, x)),
        ("floor_floor",   of(ops.FLOOR, of(ops.FLOOR, x)), of(ops.FLOOR, x)),
    ])
    # fmt: on
