"""Masks: bools joined by AND, OR, NOT and comparisons with constants. Canonical: no NOT of an integer
comparison, no comparison of bools, each condition of an AND chain once and in order."""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.dtype import bool_
from baregrad.ir import ops
from baregrad.ir.match import Rules, rules
from baregrad.ir.order import Key, order_key
from baregrad.ir.pattern import any_, bools, cast, const, ints, of
from baregrad.ir.uop import UOp

x, y, c, d = any_("x"), any_("y"), const("c"), const("d")
b = any_("b", bools)
n = any_("n", ints)
m = any_("m", ints)
LIMIT = 24


def and_chain(root: UOp) -> UOp | None:
    """The conditions of an AND chain in order, each once; x < 5 & x < 3 keeps the narrower one."""
    parts: dict[UOp, None] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node.op is ops.AND:
            stack += (node.src[1], node.src[0])
        else:
            parts[node] = None
        if len(parts) > LIMIT or len(stack) > LIMIT:
            return None
    narrowest: dict[tuple[UOp, bool], UOp] = {}
    for node in list(parts):
        limit = _limit(node)
        if limit is None:
            continue
        other = narrowest.get(limit)
        if other is not None:
            drop = _wider(node, other)
            del parts[drop]
            node = other if drop is node else node
        narrowest[limit] = node
    order = sorted(parts, key=_place)
    made = order[0]
    for part in order[1:]:
        made = UOp(ops.AND, bool_, (made, part))
    return None if made is root else made


def _limit(node: UOp) -> tuple[UOp, bool] | None:
    """What an integer comparison with a constant limits, and whether from above."""
    if node.op is ops.CMPLT and not node.src[0].dtype.is_float:
        a, b = node.src
        if b.op is ops.CONST:
            return (a, True)
        if a.op is ops.CONST:
            return (b, False)
    return None


def _place(node: UOp) -> tuple[Key, bool, Key]:
    """Where a condition stands in a chain: by what it limits, from below first."""
    limit = _limit(node)
    return (
        (order_key(node), False, order_key(node))
        if limit is None
        else (order_key(limit[0]), limit[1], order_key(node))
    )


def _wider(a: UOp, b: UOp) -> UOp:
    """Which of two comparisons of the same value follows from the other."""
    if a.src[1].op is ops.CONST:
        return a if a.src[1].arg >= b.src[1].arg else b
    return a if a.src[0].arg <= b.src[0].arg else b


def contradiction(root: UOp) -> UOp | None:
    """x < c & d < x is false where no integer lies between."""
    a, b = root.src
    upper: dict[tuple[UOp, bool], int] = {}
    for node in (*conditions(a), b):
        limit = _limit(node)
        if limit is None:
            continue
        value, above = limit
        edge = node.src[1].arg if above else node.src[0].arg
        other = upper.get((value, not above))
        if other is not None and (edge <= other + 1 if above else other <= edge + 1):
            return UOp(ops.CONST, bool_, (), False)
        upper[limit] = edge
    return None


def conditions(node: UOp) -> list[UOp]:
    """What a mask joins by AND."""
    found: list[UOp] = []
    while node.op is ops.AND and len(found) < LIMIT:
        found.append(node.src[1])
        node = node.src[0]
    return [*found, node]


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("boolean", [
        # name            pattern           result      when
        ("and_true",      b & True,         b),
        ("and_false",     b & False,        False),
        ("or_true",       b | True,         True),
        ("or_false",      b | False,        b),
        ("xor_true",      b ^ True,         ~b),
        ("and_not",       b & ~b,           False),
        ("or_not",        b | ~b,           True),
        ("contradiction", of(ops.AND, x, y), contradiction, bools),
        ("and_chain",     of(ops.AND, x, y), and_chain, bools),
        ("eq_true",       b.eq(True),       b),
        ("eq_false",      b.eq(False),      ~b),
        ("ne_true",       b.ne(True),       ~b),
        ("ne_false",      b.ne(False),      b),
        ("not_lt",        ~(n < m),         m <= n),
        ("not_le",        ~(n <= m),        m < n),
        ("not_eq",        ~(x.eq(y)),       x.ne(y)),
        ("not_ne",        ~(x.ne(y)),       x.eq(y)),
        ("bool_cast_ne",  cast(b).ne(0),    b),
        ("bool_cast_eq",  cast(b).eq(0),    ~b),
        ("bool_cast_is",  cast(b).eq(1),    b),
        ("bool_cast_not", cast(b).ne(1),    ~b),
        ("bool_mul",      of(ops.MUL, x, y), x & y,    bools),
        ("bool_add",      of(ops.ADD, x, y), x | y,    bools),
        ("bool_max",      of(ops.MAX, x, y), x | y,    bools),
        ("bool_min",      of(ops.MIN, x, y), x & y,    bools),
    ])
    # fmt: on
