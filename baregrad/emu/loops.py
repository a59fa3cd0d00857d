"""Loops of a compiled meaning: what lasts from step to step, and what need not be done in every step.

A value that is made of registers and of the numbers of some of the loops around it is made once for those
numbers, in lists before the outermost loop that it does not need; the loops between go through the lists. So
a product of matrices converts each element of A and B once, and not once for each element of the result.

    for j: b = []; rows.append(b)              before all loops: B needs j and k
        for k: b.append(…)
    for i:
        a = []                                 before the loop of j: A needs i and k
        for k: a.append(…)
        for j, b in zip(range(N), rows):
            for x, y in zip(a, b): c = c + x * y

A float that a loop only computes with stays a float between its steps. What is not here: statements and
expressions (source.py), places and forms of variables (places.py).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from math import prod
from typing import NamedTuple

from baregrad.emu.places import Names, Writer
from baregrad.isa.meaning import Node, walk, written

UNROLLED = 8  # loops up to here become straight lines
MOST = 1 << 16  # elements of a list
KEEPS_FLOATS = frozenset((
    "add", "sub", "mul", "div", "sqrt", "fma", "trunc", "floor", "ceil", "even", "convert", "exp2", "log2",
    "sin", "cos", "ldexp", "eq", "ne", "lt", "le",
))  # fmt: skip
"""Operations whose operands are wanted as floats, not as bits."""


class Needs(NamedTuple):
    """What an expression is made of: numbers of loops, variables, whether registers are among them, whether
    it is nothing but a value.
    """

    loops: frozenset[str]
    names: frozenset[str]
    registers: bool
    pure: bool


class Loop:
    """A loop that is being written: `before` are the lines before it, `columns` what it goes through beside
    its number (name of an element, name of the list), `made` the names of values that were moved out.
    """

    __slots__ = ("before", "changed", "columns", "count", "depth", "made", "name", "outer")

    def __init__(self, name: str, count: int, changed: Iterable[str], depth: int, outer: list[str]) -> None:
        self.name, self.count, self.changed = name, count, frozenset(changed)
        self.depth, self.outer = depth, outer
        self.before: list[str] = []
        self.columns: list[tuple[str, str]] = []
        self.made: dict[tuple[object, ...], str] = {}


class Loops(Writer, ABC):
    """A writer that knows the loops around what it writes."""

    def __init__(self, names: Names, scope: str, lanes: int) -> None:
        super().__init__(names, scope, lanes)
        self.counters: dict[str, int | str] = {}
        self.open: list[Loop | None] = []  # None: what is inside is done under a condition
        self.needs: dict[int, Needs] = {}

    @abstractmethod
    def kind(self, node: Node) -> str:
        """What representation an expression has by itself."""

    @abstractmethod
    def statement(self, node: Node) -> None:
        """Write a statement."""

    # -- statements ------------------------------------------------------------------------------------

    def repeat(self, node: Node) -> None:
        """A loop: straight lines if it is short."""
        name, count = node.arg
        outer = self.counters.get(name)
        if count <= UNROLLED:
            for i in range(count):
                self.counters[name] = i
                for each in node.src:
                    self.statement(each)
        else:
            self.roll(node)
        self.counters.pop(name)
        if outer is not None:
            self.counters[name] = outer

    def roll(self, node: Node) -> None:
        """A loop as a loop. What lasts from step to step has the same form before and behind each."""
        name, count = node.arg
        changed = self.names.set_in(node.src)
        inside = {one for one in changed if self.names.lives_in(node, one)}
        lasting = {one: self.lasting(node, one) for one in sorted(changed - inside)}
        for one, form in lasting.items():
            self.settle(one, form)
        self.enter(name, count, written(node.src))
        before = self.snapshot()
        for each in node.src:
            self.statement(each)
        for one, form in lasting.items():
            self.settle(one, form)
        self.leave()
        self.restore(before)
        for one, form in lasting.items():
            self.settled(one, form)

    def lasting(self, loop: Node, name: str) -> str:
        """The form of a variable between the steps of a loop: a float that each step computes, and that
        nothing but arithmetic reads, stays one; else it is bits.
        """
        found = set()
        for node in walk(loop.src):
            if node.op == "if" and name in written((node,)):
                return "bits"
            if node.op == "set" and node.src[0].op == "var":
                place, value = node.src
                if place.arg == name:
                    found.add(f"real:{value.t.name}" if self.kind(value) == "real" else "bits")
                if value.op == "var" and value.arg == name:
                    return "bits"
            elif node.op not in KEEPS_FLOATS and any(one.op == "var" and one.arg == name for one in node.src):
                return "bits"
        form = found.pop() if len(found) == 1 else "bits"
        return form if form in ("real:f32", "real:f64") else "bits"

    def enter(self, name: str, count: int, changed: Iterable[str]) -> Loop:
        """Begin a loop: lines are its body from here on."""
        loop = Loop(name, count, changed, self.depth, self.lines)
        self.open.append(loop)
        self.lines = []
        self.counters[name] = f"n_{name}"
        self.depth += 1
        return loop

    def leave(self) -> None:
        """End a loop: what was moved out of it, its head and its body become lines."""
        loop, body = self.open.pop(), self.lines or ["    " * self.depth + "pass"]
        assert loop is not None, "what is under a condition has ended"
        self.lines, self.depth = loop.outer, loop.depth
        self.lines += loop.before
        counter = f"n_{loop.name}"
        columns = list(loop.columns)
        if not columns or any(re.search(rf"\b{counter}\b", line) for line in body):
            columns.insert(0, (counter, f"range({loop.count})"))
        names = ", ".join(name for name, _ in columns)
        lists = ", ".join(text for _, text in columns)
        self.line(f"for {names} in {lists if len(columns) == 1 else f'zip({lists})'}:")
        self.lines += body

    # -- what is the same in some steps ----------------------------------------------------------------

    def moved_out(self, node: Node, form: Callable[[Node], str]) -> str:
        """The name of a value that was made outside of some loop around; "" if it has to be made here."""
        needs = self.needs_of(node)
        if not (needs.registers and needs.pure):
            return ""
        since = max((n for n, loop in enumerate(self.open) if loop is None), default=-1) + 1
        for at in range(since, len(self.open)):
            loop = self.open[at]
            assert loop is not None, "conditions are before"
            if loop.name not in needs.loops and needs.names.isdisjoint(loop.changed):
                rest = [one for one in self.open[at + 1 :] if one is not None and one.name in needs.loops]
                return self.move_out(node, form, at, rest) if prod(o.count for o in rest) <= MOST else ""
        return ""

    def move_out(self, node: Node, form: Callable[[Node], str], at: int, through: list[Loop]) -> str:
        """Make a value before a loop, in lists over the loops `through` that are inside of it."""
        loop = self.open[at]
        assert loop is not None, "a loop"
        holder = through[-1] if through else loop
        steps = tuple(self.counters[name] for name in sorted(self.needs_of(node).loops))
        key = (id(node), form.__name__, steps)
        if key in holder.made:
            return holder.made[key]
        held = self.lines, self.depth, self.open, dict(self.counters)
        self.lines, self.depth, self.open = loop.before, loop.depth, self.open[:at]
        lists, outer = [self.name() for _ in through], ""
        for name, one in zip(lists, through, strict=True):
            self.line(f"{name} = []")
            if name != lists[0]:
                self.line(f"{outer}.append({name})")
            outer = name
            self.enter(one.name, one.count, ())
        text = form(node)
        if through:
            self.line(f"{outer}.append({text})")
        else:
            text = self.temporary(text)
        for _ in through:
            self.leave()
        self.lines, self.depth, self.open, self.counters = held
        source = lists[0] if lists else text
        for one in through:
            text = self.name()
            one.columns.append((text, source))
            source = text
        holder.made[key] = source
        return source

    def needs_of(self, node: Node) -> Needs:
        """What an expression is made of."""
        found = self.needs.get(id(node))
        if found is not None:
            return found
        parts = [self.needs_of(source) for source in node.src]
        loops = frozenset((node.arg,)) if node.op == "index" else frozenset()
        names = frozenset((node.arg,)) if node.op == "var" else frozenset()
        made = self.needs[id(node)] = Needs(
            loops.union(*(part.loops for part in parts)),
            names.union(*(part.names for part in parts)),
            (node.op == "var" and self.names.kind(node.arg) == "file") or any(p.registers for p in parts),
            node.op not in ("load", "undefined", "address") and all(part.pure for part in parts),
        )
        return made
