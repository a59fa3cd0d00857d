"""Running a meaning tree: the order of things, over any kind of value.

`run` goes through the statements; what a value is, and where variables and memory are, a World says: integers
and a machine's state (emu), expressions of a compiler (lift), a solver's terms. Loops have constant bounds
and are unrolled; a branch is the world's, since its condition need not be known. What is not here: what
operations mean (values.py), any world.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from baregrad.isa.meaning.tree import OPS, U64, Node, Type

V = TypeVar("V")


class World(Protocol[V]):
    """What a tree runs in. Offsets are in bits, as Python integers where they are known."""

    def number(self, type: Type, bits: int) -> V:
        """A constant."""

    def apply(self, op: str, type: Type, types: Sequence[Type], values: Sequence[V]) -> V:
        """An operation of tree.OPS."""

    def read(self, name: str, type: Type, scale: int, place: V) -> V:
        """Bits of a variable from place * scale up; 0 beyond its end."""

    def write(self, name: str, type: Type, scale: int, place: V, value: V) -> None:
        """Change bits of a variable; a name that there is not yet comes to be."""

    def load(self, type: Type, address: V, space: str) -> V:
        """Read memory; `space` says which."""

    def store(self, type: Type, address: V, value: V, space: str) -> None:
        """Write memory."""

    def address(self, name: str, lane: V) -> V:
        """The effective address of a memory operand."""

    def undefined(self, type: Type) -> V:
        """Any value."""

    def branch(self, condition: V, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """One of the two, or both where the condition is not known."""

    def trap(self, name: str, condition: V) -> None:
        """Fault if the condition holds."""


Loops = dict[str, int]


def run(statements: Sequence[Node], world: World[V], loops: Loops | None = None) -> None:
    """Do statements in order."""
    loops = {} if loops is None else loops
    for statement in statements:
        _STATEMENTS[statement.op](statement, world, loops)


def value_of(node: Node, world: World[V], loops: Loops) -> V:
    """An expression's value."""
    op, type = node.op, node.t
    if op == "const":
        return world.number(type, node.arg)
    if op == "index":
        return world.number(U64, loops[node.arg])
    if op == "var":
        return world.read(node.arg, type, 0, world.number(U64, 0))
    if op in ("element", "slice") and node.src[0].op == "var":
        place = value_of(node.src[1], world, loops)
        return world.read(node.src[0].arg, type, type.bits if op == "element" else 1, place)
    if op == "load":
        return world.load(type, value_of(node.src[0], world, loops), node.arg)
    if op == "address":
        return world.address(node.arg, value_of(node.src[0], world, loops))
    if op == "undefined":
        return world.undefined(type)
    assert op in OPS, f"{op} is no expression"
    values = [value_of(source, world, loops) for source in node.src]
    return world.apply(op, type, [source.t for source in node.src], values)


def _set(node: Node, world: World[V], loops: Loops) -> None:
    place, value = node.src
    made = value_of(value, world, loops)
    if place.op == "var":
        world.write(place.arg, place.t, 0, world.number(U64, 0), made)
        return
    scale = place.t.bits if place.op == "element" else 1
    world.write(place.src[0].arg, place.t, scale, value_of(place.src[1], world, loops), made)


def _store(node: Node, world: World[V], loops: Loops) -> None:
    address, value = (value_of(source, world, loops) for source in node.src)
    world.store(node.src[1].t, address, value, node.arg)


def _for(node: Node, world: World[V], loops: Loops) -> None:
    name, count = node.arg
    for i in range(count):
        run(node.src, world, {**loops, name: i})


def _if(node: Node, world: World[V], loops: Loops) -> None:
    condition, then, otherwise = node.src
    known = value_of(condition, world, loops)
    world.branch(known, lambda: run(then.src, world, loops), lambda: run(otherwise.src, world, loops))


def _block(node: Node, world: World[V], loops: Loops) -> None:
    run(node.src, world, loops)


def _trap(node: Node, world: World[V], loops: Loops) -> None:
    world.trap(node.arg, value_of(node.src[0], world, loops))


_STATEMENTS: dict[str, Callable[[Node, World[V], Loops], None]] = {
    "set": _set, "store": _store, "for": _for, "if": _if, "block": _block, "trap": _trap,
}  # fmt: skip
