"""A function of text put into a tree: its parameters become values, its own names new ones.

What is not here: the functions (functions.py), who calls them (values.py).
"""

from __future__ import annotations

from typing import Protocol

from baregrad.base import memo
from baregrad.isa.amd.meaning.functions import FUNCTIONS
from baregrad.isa.amd.meaning.typing import as_type, bits_of
from baregrad.isa.meaning import U64, Function, Node, const, parse

RESULT = "result"
OUTSIDE = {"MODE": 32}


class Maker(Protocol):
    """Whoever translates: it has statements, and gives new names."""

    out: list[Node]

    def fresh(self, value: Node, stem: str = "t") -> Node:
        """A new name for a value."""


@memo
def _parsed(function: Function, widths: tuple[int, ...]) -> tuple[Node, ...]:
    parameters, text = function
    head, _, last = text.rpartition(";")
    known = dict(zip(parameters, widths, strict=True)) | OUTSIDE
    return parse(f"{head}; {RESULT} = {last}", known, FUNCTIONS)


def leaf(node: Node) -> bool:
    """Is a value so short that it may be written twice?"""
    return node.op in ("const", "var", "index") or (
        node.op in ("as", "slice", "element") and all(map(leaf, node.src))
    )


def expand(maker: Maker, function: Function, arguments: list[Node]) -> Node:
    """The value of a function; what it sets before is put among the maker's statements."""
    given = [one if leaf(one) else maker.fresh(one) for one in arguments]
    bound = {name: bits_of(one) for name, one in zip(function[0], given, strict=True)}
    for statement in _parsed(function, tuple(one.t.bits for one in given)):
        place, value = statement.src
        made = put(value, bound)
        if place.arg == RESULT:
            return made
        bound[place.arg] = made if leaf(made) else maker.fresh(made)
    raise AssertionError("a function ends with a value")


def put(node: Node, bound: dict[str, Node]) -> Node:
    """A tree with values for names."""
    if node.op == "var":
        found = bound.get(node.arg)
        return node if found is None else as_type(found, node.t)
    if not node.src:
        return node
    made = tuple(put(source, bound) for source in node.src)
    if node.op == "as":
        return as_type(made[0], node.t)
    if node.op == "slice" and made[0].op == "slice" and made[0].src[1].op == made[1].op == "const":
        inner = made[0]
        return Node("slice", node.t, (inner.src[0], const(U64, inner.src[1].arg + made[1].arg)))
    return Node(node.op, node.type, made, node.arg)
