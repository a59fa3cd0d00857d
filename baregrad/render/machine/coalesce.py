"""Merging variables that copies connect, so that the copy disappears.

Two variables may be one when neither is written (but by a copy between the two) while the other is live:
then they hold the same value wherever both live. Copies in deep loops are tried first. Copies from or to
physical registers and parts of tuples are not merged but become hints, which the scan follows when the
register happens to be free. Read liveness.py first.
"""

from __future__ import annotations

from baregrad.isa.form import Reg, Sub, VReg
from baregrad.render.machine.liveness import Values


class Variable:
    """What the scan knows of a set of merged variables: its range, positions of use, writes and wishes.

    `hints` are (variable number or -1, offset): the register of that variable plus the offset, or the
    register itself.
    """

    __slots__ = (
        "bits",
        "copies",
        "count",
        "defs",
        "hints",
        "limit",
        "low",
        "number",
        "range",
        "register",
        "uses",
    )

    def __init__(self, number: int, values: Values) -> None:
        self.number = number
        self.register = values.name[number]
        self.count = values.count[number]
        self.bits = values.bits[number]
        self.limit = values.limit[number]
        self.low, self.range = values.live_range(number)
        self.uses = values.uses[number]
        self.defs = values.defs[number]
        self.copies: list[int] = []
        self.hints: list[tuple[int, int]] = []


class Coalesced:
    """The variables after merging: `root(number)` finds the survivor, `identities` are the copies that are
    gone.
    """

    __slots__ = ("identities", "parent", "values", "variables")

    def __init__(self, values: Values) -> None:
        self.values = values
        self.parent = list(range(len(values.base)))
        self.identities: set[int] = set()
        self.variables: dict[int, Variable] = {
            number: Variable(number, values)
            for number in range(len(values.base))
            if values.base[number] == number and values.pinned[number] is None and values.uses[number]
        }
        for variable in self.merge_copies():
            gone = self.identities
            variable.uses = sorted(p for p in variable.uses if p >> 1 not in gone)
            variable.defs = [d for d in variable.defs if d not in gone]
        for variable in self.variables.values():
            if variable.count > 1:
                keep_partial_writes(variable)
            if variable.hints:
                variable.hints = [(self.root(v) if v >= 0 else v, offset) for v, offset in variable.hints]

    def root(self, number: int) -> int:
        """The surviving variable of a set."""
        parent = self.parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def merge_copies(self) -> list[Variable]:
        """Merge over the copies, deepest loops first; those that swallowed a copy."""
        depth = self.values.flow.depth
        insts = self.values.insts
        pairs: list[tuple[int, int, int]] = []
        touched: set[int] = set()
        for i in sorted(self.values.copies, key=lambda i: -depth[i]):
            to, source = insts[i].operands
            if isinstance(to, VReg) and isinstance(source, VReg):
                a, b = self.values.of_vreg[to.id], self.values.of_vreg[source.id]
                pairs.append((i, a, b))
                self.variables[a].copies.append(i)
                self.variables[b].copies.append(i)
            else:
                self.hint(to, source)
                self.hint(source, to)
        for i, a, b in pairs:
            first, second = self.variables[self.root(a)], self.variables[self.root(b)]
            if first is second or self.try_merge(first, second):
                self.identities.add(i)
                touched.add(a)
            else:
                first.hints.append((second.number, 0))
                second.hints.append((first.number, 0))
        return [self.variables[number] for number in {self.root(a) for a in touched}]

    def hint(self, wishing: object, wanted: object) -> None:
        """Note that a variable would like to be where another (or a physical register) is."""
        tuple_of = wishing.of if isinstance(wishing, Sub) else wishing
        offset = -wishing.index if isinstance(wishing, Sub) else 0
        if not isinstance(tuple_of, VReg):
            return
        variable = self.variables[self.values.of_vreg[tuple_of.id]]
        if isinstance(wanted, Reg):
            variable.hints.append((-1, wanted.number + offset))
        elif isinstance(wanted, Sub):
            variable.hints.append((self.values.of_vreg[wanted.of.id], wanted.index + offset))
        elif isinstance(wanted, VReg):
            variable.hints.append((self.values.of_vreg[wanted.id], offset))

    def try_merge(self, first: Variable, second: Variable) -> bool:
        """Merge two sets if they never hold different values at once."""
        if shape(first) != shape(second):
            return False
        if first.low > second.low:
            first, second = second, first
        if (first.range >> (second.low - first.low)) & second.range and self.differ(first, second):
            return False
        kept, gone = (first, second) if len(first.uses) >= len(second.uses) else (second, first)
        kept.low, kept.range = (
            first.low,
            first.range | second.range << (second.low - first.low),
        )
        kept.uses += gone.uses
        kept.defs += gone.defs
        kept.copies += gone.copies
        kept.hints += gone.hints
        kept.bits = max(first.bits, second.bits)
        kept.limit = min(first.limit or second.limit, second.limit or first.limit)
        self.parent[gone.number] = kept.number
        del self.variables[gone.number]
        return True

    def differ(self, first: Variable, second: Variable) -> bool:
        """Whether one is written, other than by a copy between the two, while the other is live."""
        between = set(first.copies) & set(second.copies)
        early = self.values.early
        for one, other in ((first, second), (second, first)):
            low, bits = other.low, other.range
            length = bits.bit_length()
            for i in one.defs:
                if i in between:
                    continue
                at = 2 * i + 1 - low
                if 0 <= at < length and (bits >> at) & 1:
                    return True
                if early and 0 < at <= length and (bits >> (at - 1)) & 1 and self.is_early(i, one):
                    return True
        return False

    def is_early(self, i: int, variable: Variable) -> bool:
        """Whether instruction i writes a member of the set before it has read its operands."""
        return any(
            where == i and self.root(self.values.base[unit]) == variable.number
            for where, unit in self.values.early
        )


def shape(variable: Variable) -> tuple[str, int, int]:
    """What two variables must share to be one: bank, number of registers, alignment."""
    register = variable.register
    assert isinstance(register, VReg), "physical registers are never merged"
    return register.bank, register.count, register.align


def keep_partial_writes(variable: Variable) -> None:
    """Let a write to a part of a tuple that is live count as a read too: the whole tuple must be in its
    registers.
    """
    low, bits = variable.low, variable.range
    more = [p - 1 for p in variable.uses if p & 1 and p > low and (bits >> (p - 1 - low)) & 1]
    if more:
        variable.uses = sorted(set(variable.uses).union(more))
