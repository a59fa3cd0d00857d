"""Index arithmetic: sums in canonical order, and as few divisions, remainders and comparisons as bounds
allow.

Canonical form: a sum is atom*constant + ... + constant in the order of order.py; SUB and NEG of integers
are sums; a comparison is sum < constant or constant < sum. The rows are laws that tests/rules proves one
by one; the functions at the end of each block do the same for sums of any length (sums.py, division.py,
compare.py).
"""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.ir import ops
from baregrad.ir.bounds import bounds
from baregrad.ir.match import Rules, rules
from baregrad.ir.order import order_key
from baregrad.ir.pattern import any_, const, exact, fold, hi, ints, lo, maximum, minimum, of
from baregrad.ir.rules.compare import equal, less
from baregrad.ir.rules.division import divide, remainder
from baregrad.ir.rules.sums import canonical_sum
from baregrad.ir.uop import UOp
from baregrad.ir.uop import const as constant

x, y, c, d = any_("x"), any_("y"), const("c"), const("d")


def decided(root: UOp) -> UOp | None:
    """A value whose bounds are equal is a constant."""
    low, high = bounds(root)
    return constant(low, root.dtype) if low == high else None


def ordered_product(root: UOp) -> UOp | None:
    """Sources of a product of variables in order."""
    a, b = root.src
    if b.op is ops.CONST or order_key(a) <= order_key(b):
        return None
    return UOp(root.op, root.dtype, (b, a))


def scaled_product(root: UOp) -> UOp | None:
    """(x * c) * y -> (x * y) * c: constants go outwards."""
    for a, b in (root.src, root.src[::-1]):
        if a.op is ops.MUL and a.src[1].op is ops.CONST and b.op is not ops.CONST:
            return UOp(ops.MUL, root.dtype, (UOp(ops.MUL, root.dtype, (a.src[0], b)), a.src[1]))
    return None


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("integer", [
        # name            pattern                 result                      when
        ("div_one",       x // 1,                 x),
        ("div_zero",      x // 0,                 0),
        ("div_small",     x // c,                 0,                          (lo(x) >= 0) & (hi(x) < c)),
        ("div_minus",     x // c,                 -1,                         (hi(x) < 0) & (lo(x) >= -c) &
        (c > 0), exact),
        ("div_div",       (x // c) // d,          x // fold(c * d),           (c > 0) & (d > 0), exact),
        ("div_mul",       (x * c) // d,           x * fold(c // d),           (d > 0) & (c % d).eq(0), exact),
        ("div_mul_part",  (x * c) // d,           x // fold(d // c),          (c > 0) & (d > c) & (d %
        c).eq(0), exact),
        ("div_mod",       (x % c) // d,           (x // d) % fold(c // d),    (d > 0) & (c > 0) & (c %
        d).eq(0)),
        ("div_sum",       of(ops.IDIV, x, c),     divide,                     ints),
        ("div_decided",   of(ops.IDIV, x, y),     decided,                    ints),
        ("mod_one",       x % 1,                  0),
        ("mod_zero",      x % 0,                  x),
        ("mod_small",     x % c,                  x,                          (lo(x) >= 0) & (hi(x) < c)),
        ("mod_mod",       (x % c) % d,            x % d,                      (d > 0) & (c > 0) & (c %
        d).eq(0)),
        ("mod_mul",       (x * c) % d,            0,                          (d > 0) & (c % d).eq(0), exact),
        ("mod_mul_part",  (x * c) % d,            (x % fold(d // c)) * c,     (c > 0) & (d > c) & (d %
        c).eq(0), exact),
        ("mod_sum",       of(ops.MOD, x, c),      remainder,                  ints),
        ("mod_decided",   of(ops.MOD, x, y),      decided,                    ints),
        ("div_mod_join",  (x // c) * c + x % c,   x,                          ints),
        ("mod_join",      (x // c % d) * c + x % c, x % fold(c * d),          (c > 0) & (d > 0), exact),
        ("sum",           of(ops.ADD, x, y),      canonical_sum,              ints),
        ("difference",    of(ops.SUB, x, y),      canonical_sum,              ints),
        ("negative",      of(ops.NEG, x),         canonical_sum,              ints),
        ("multiple",      of(ops.MUL, x, c),      canonical_sum,              ints),
        ("product",       of(ops.MUL, x, y),      scaled_product,             ints),
        ("product_order", of(ops.MUL, x, y),      ordered_product,            ints),
        ("product_decided", of(ops.MUL, x, y),    decided,                    ints),
    ])
    # fmt: on


@memo
def comparisons() -> Rules:
    """Comparisons, the greater and the smaller of two integers."""
    # fmt: off
    return rules("compare", [
        # name            pattern                 result                      when
        ("lt_decided",    x < y,                  decided,                    ints),
        ("le_decided",    x <= y,                 decided,                    ints),
        ("lt_add",        x + c < d,              x < fold(d - c),            exact),
        ("add_lt",        c < x + d,              fold(c - d) < x,            exact),
        ("lt_mul",        x * c < d,              x < fold(-((-d) // c)),     (c > 0), exact),
        ("mul_lt",        c < x * d,              fold(c // d) < x,           (d > 0), exact),
        ("lt_div",        x // c < d,             x < fold(c * d),            (c > 0), exact),
        ("lt_sum",        of(ops.CMPLT, x, y),    less,                       ints),
        ("le_sum",        of(ops.CMPLE, x, y),    less,                       ints),
        ("eq_self",       x.eq(x),                True,                       ints),
        ("ne_self",       x.ne(x),                False,                      ints),
        ("eq_decided",    x.eq(y),                decided,                    ints),
        ("ne_decided",    x.ne(y),                decided,                    ints),
        ("eq_add",        (x + c).eq(d),          x.eq(fold(d - c)),          ints),
        ("ne_add",        (x + c).ne(d),          x.ne(fold(d - c)),          ints),
        ("eq_sum",        of(ops.CMPEQ, x, y),    equal,                      ints),
        ("ne_sum",        of(ops.CMPNE, x, y),    equal,                      ints),
        ("max_left",      maximum(x, y),          x,                          (lo(x) >= hi(y)), ints),
        ("max_right",     maximum(x, y),          y,                          (lo(y) >= hi(x)), ints),
        ("max_consts",    maximum(maximum(x, c), d), maximum(x, fold(maximum(c, d))), ints),
        ("min_left",      minimum(x, y),          x,                          (hi(x) <= lo(y)), ints),
        ("min_right",     minimum(x, y),          y,                          (hi(y) <= lo(x)), ints),
        ("min_consts",    minimum(minimum(x, c), d), minimum(x, fold(minimum(c, d))), ints),
        ("shr_decided",   x >> y,                 decided,                    ints),
        ("and_decided",   x & y,                  decided,                    ints),
    ])
    # fmt: on

    # fmt: on
