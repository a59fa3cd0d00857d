"""Meanings on plain integers: the part of every emulated machine that no instruction set changes.

Variables are integers in a dictionary, or places in memory. A value that the manual leaves undefined is None:
it may be stored and not chosen, but nothing may depend on it. What is not here: registers (each machine's
own); AMD's waves, which run compiled meanings instead (source.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from baregrad.base.errors import Fault
from baregrad.emu.memory import Memory
from baregrad.isa.meaning import Type, World, apply


class Place(NamedTuple):
    """A variable that is memory: where, how many bits, and the bits of the one element that is repeated (0:
    none).
    """

    address: int
    bits: int
    repeated: int = 0


class Plain(World[int | None]):
    """The world of one instruction: `values` are its variables, `places` those in memory, `widths` the bits
    of those that keep the rest of what they had when a part is written; `spaces` are the memories by name.
    """

    __slots__ = ("memory", "places", "spaces", "values", "widths")

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.spaces: dict[str, Memory] = {"": memory}
        self.values: dict[str, int | None] = {}
        self.places: dict[str, Place] = {}
        self.widths: dict[str, int] = {}

    def number(self, type: Type, bits: int) -> int:
        """A constant."""
        return bits

    def apply(self, op: str, type: Type, types: Sequence[Type], values: Sequence[int | None]) -> int | None:
        """An operation."""
        if op == "select" and values[0] is not None:
            return values[1] if values[0] else values[2]
        return apply(op, type, types, [known(value, op) for value in values])

    def read(self, name: str, type: Type, scale: int, place: int | None) -> int | None:
        """Bits of a variable."""
        low = known(place, name) * scale
        at = self.places.get(name)
        if at is not None:
            return self.read_place(at, low, type.bits)
        value = self.values[name]
        return None if value is None else value >> low & ((1 << type.bits) - 1)

    def read_place(self, at: Place, low: int, bits: int) -> int:
        """Bits of a variable in memory, no more than are asked for; an element as often as wanted."""
        if at.repeated:
            element = self.memory.read(at.address, at.repeated)
            times = bits // at.repeated or 1
            return sum(element << n * at.repeated for n in range(times)) >> low % at.repeated & (
                (1 << bits) - 1
            )
        if low >= at.bits:
            return 0
        begin, end = low // 8, (min(low + bits, at.bits) + 7) // 8
        found = self.memory.read(at.address + begin, 8 * (end - begin))
        return found >> low % 8 & ((1 << bits) - 1)

    def write(self, name: str, type: Type, scale: int, place: int | None, value: int | None) -> None:
        """Change bits of a variable."""
        low = known(place, name) * scale
        at = self.places.get(name)
        if at is not None:
            self.memory.write(at.address + low // 8, type.bits, known(value, name))
        elif type.bits == self.widths.get(name, 0 if scale else type.bits):
            self.values[name] = value
        else:
            kept = known(self.values[name], name) & ~(((1 << type.bits) - 1) << low)
            self.values[name] = kept | known(value, name) << low

    def load(self, type: Type, address: int | None, space: str) -> int:
        """Read memory."""
        return self.spaces[space].read(known(address, "address"), type.bits)

    def store(self, type: Type, address: int | None, value: int | None, space: str) -> None:
        """Write memory."""
        self.spaces[space].write(known(address, "address"), type.bits, known(value, "value"))

    def undefined(self, type: Type) -> None:
        """Any value: None."""

    def branch(self, condition: int | None, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """The one or the other."""
        if known(condition, "condition"):
            then()
        else:
            otherwise()

    def trap(self, name: str, condition: int | None) -> None:
        """Fault."""
        if known(condition, name):
            raise Fault(
                f"a fault: {name}", why="the instruction traps on these operands", mend="mend the program"
            )


def known(value: int | None, what: str) -> int:
    """A value that something depends on."""
    if value is None:
        raise Fault(
            f"{what} depends on an undefined value",
            why="the manual leaves it undefined (a flag after some shifts and products)",
            mend="set it before it is read",
        )
    return value
