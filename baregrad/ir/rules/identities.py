"""Canonical form: constants folded and to the right, neutral and absorbing elements gone. Laws of every
width.

Integer sums and products beyond these are in integer.py, floats in float.py.
"""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.ir import interpret_values as values
from baregrad.ir import ops
from baregrad.ir.match import Row, Rules, rules
from baregrad.ir.ops import Op
from baregrad.ir.pattern import any_, bits, const, fold, ints, of
from baregrad.ir.uop import UOp
from baregrad.ir.uop import const as constant

x, y, c, d = any_("x"), any_("y"), const("c"), const("d")


def fold_constants(root: UOp) -> UOp | None:
    """The value of an op of constants, by the op's row."""
    if root.op is ops.CAST:
        (made,) = values.convert([root.src[0].arg], root.src[0].dtype, root.dtype)
    elif root.op is ops.BITCAST:
        (made,) = values.bitcast([root.src[0].arg], root.src[0].dtype, root.dtype)
    else:
        (made,) = values.apply(root.op, root.dtype, [[source.arg] for source in root.src])
    return constant(made, root.dtype)


def _folding(row: Op) -> Row:
    return (f"fold_{row.name}", of(row, *[const(f"c{i}") for i in range(row.arity or 0)]), fold_constants)


def _const_right(row: Op) -> Row:
    # Of two constants none is moved: they are folded.
    return (f"{row.name}_const_right", of(row, c, x), of(row, x, c), lambda x: x.op is not ops.CONST)


@memo
def table() -> Rules:
    """The table."""
    elementwise = [row for row in ops.BY_NAME.values() if row.elementwise]
    # fmt: off
    return rules("identities", [
        *[_folding(row) for row in elementwise],
        *[_const_right(row) for row in elementwise if row.commutes],
        # name          pattern        result               when
        ("add_zero",    x + 0,         x,                   ints),
        ("sub_zero",    x - 0,         x,                   ints),
        ("sub_self",    x - x,         0,                   ints),
        ("mul_zero",    x * 0,         0,                   ints),
        ("mul_one",     x * 1,         x),
        ("neg_neg",     of(ops.NEG, -x), x),
        ("add_consts",  (x + c) + d,   x + fold(c + d),     ints),
        ("mul_consts",  (x * c) * d,   x * fold(c * d),     ints),
        ("and_zero",    x & 0,         0,                   bits),
        ("and_self",    x & x,         x),
        ("and_consts",  (x & c) & d,   x & fold(c & d)),
        ("or_zero",     x | 0,         x,                   bits),
        ("or_self",     x | x,         x),
        ("or_consts",   (x | c) | d,   x | fold(c | d)),
        ("xor_zero",    x ^ 0,         x,                   bits),
        ("xor_self",    x ^ x,         0,                   bits),
        ("xor_consts",  (x ^ c) ^ d,   x ^ fold(c ^ d)),
        ("not_not",     ~(~x),         x),
        ("shl_zero",    x << 0,        x),
        ("shr_zero",    x >> 0,        x),
        ("max_self",    of(ops.MAX, x, x), x),
        ("min_self",    of(ops.MIN, x, x), x),
        ("and_absorb",  x & (x | y),   x),
        ("or_absorb",   x | (x & y),   x),
    ])
    # fmt: on
