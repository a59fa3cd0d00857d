"""Blocks: instructions in a row that get one function for all when they are done often.

Passes through a block are counted in native code. After some the disk is asked for its function; after many
it is compiled, which takes as long as some hundred thousand passes. What is in a block is chosen here; what
it computes is lift/block.py's, how native code goes through it stitch.py's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from baregrad.engine.emulate.stitch import Item
from baregrad.engine.emulate.templates import Made
from baregrad.lift.block import Step

LEAST, MOST = 3, 24  # instructions of a block
MOST_SIZE, MOST_TOTAL = 120, 400  # nodes of the meaning of one, and of all


class Heat(NamedTuple):
    """How many passes make a block hot: `known` if its function is on the disk, `new` if not."""

    known: int = 4096
    new: int = 1 << 18


class Part(NamedTuple):
    """A block of a program: its first instruction, how many it spans, those that do something."""

    first: int
    length: int
    made: tuple[Made, ...]


class _Block:
    """A block that grows: its instructions, and the cells of masks that they write."""

    __slots__ = ("cells", "first", "last", "made", "masks", "size")

    def __init__(self) -> None:
        self.made: list[Made] = []
        self.masks: set[int] = set()
        self.cells: set[int] = set()
        self.first = self.last = self.size = 0

    def takes(self, made: Made, step: Step) -> bool:
        """Whether an instruction can follow: what was written as a mask is read as the same mask only."""
        if len(self.made) == MOST or self.size + made.size > MOST_TOTAL:
            return False
        for place in step.places:
            if place.kind == "scalar" and not self.cells.isdisjoint(spots(place.cell, place.words)):
                return False
            if (
                place.kind == "mask"
                and place.cell not in self.masks
                and not self.cells.isdisjoint(spots(place.cell, 2))
            ):
                return False
        return True

    def add(self, number: int, made: Made, step: Step) -> None:
        """Take an instruction."""
        if not self.made:
            self.first = number
        self.made.append(made)
        self.last, self.size = number, self.size + made.size
        for place in step.places:
            if place.kind == "mask" and place.name in step.changed:
                self.masks.add(place.cell)
                self.cells.update(spots(place.cell, 2))


def spots(cell: int, count: int) -> range:
    """Neighbouring cells."""
    return range(cell, cell + count)


def parts(items: Sequence[Item], made: Sequence[Made | None], leaders: Set[int]) -> Iterator[Part]:
    """The blocks of a program, in order: within the stretches that the leaders begin."""
    now = _Block()
    for number, (item, one) in enumerate(zip(items, made, strict=True)):
        step = None if one is None or one.size > MOST_SIZE else one.step
        if number not in leaders and item.kind == "skip":
            continue
        if number in leaders or step is None or one is None or not now.takes(one, step):
            if len(now.made) >= LEAST:
                yield Part(now.first, now.last + 1 - now.first, tuple(now.made))
            now = _Block()
        if step is not None and one is not None:
            now.add(number, one, step)


__all__ = ["Heat", "Part", "parts"]
