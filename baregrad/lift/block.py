"""Several instructions, done one after the other, as one kernel: what one writes is the next one's operand.

Registers are at cells that are known, so that a value goes from instruction to instruction as an expression;
what a register held before is read once, what it holds at last is stored once, and what is written over
vanishes. Instructions are done once for a wave or lane by lane, all under one EXEC: none of them writes it,
uses memory or reads other lanes. Read amd.py and lanes.py first, whose kernels of one instruction these are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, const, ops, substitute
from baregrad.isa.meaning import Tree, run
from baregrad.lift.amd import GRID, STATE, Lane, Lanes, Place, end_of
from baregrad.lift.contained import contained
from baregrad.lift.lanes import MOST_NODES, WIDTH, Axes, is_wide
from baregrad.lift.pieces import Value


class Step(NamedTuple):
    """An instruction: its meaning, its places, all of them at `cell`s or with `constants` by name, and the
    names that it writes.
    """

    tree: Tree
    scope: str
    places: tuple[Place, ...]
    constants: Mapping[str, int]
    changed: frozenset[str]


class Known:
    """What registers hold at a point of the block: `words` by their cells (of a vector register, that of its
    first lane), `masks` that were written lane by lane, `wholes` as they were written, by (cell, bits, half)
    with the words that they were. `changed` has the cells to be stored, and whether they are of lanes.
    """

    __slots__ = ("changed", "masks", "wholes", "words")

    def __init__(self) -> None:
        self.words: dict[int, UOp] = {}
        self.masks: dict[int, UOp] = {}
        self.wholes: dict[tuple[int, int, int], tuple[tuple[UOp, ...], Value]] = {}
        self.changed: dict[int, bool] = {}


class Inside(Lanes):
    """The world of an instruction of a block."""

    __slots__ = ("constants", "known")

    def __init__(
        self, step: Step, known: Known, cells: Mapping[str, int], lanes: int, lane: Lane | None
    ) -> None:
        self.known, self.constants = known, step.constants
        super().__init__(step.tree, step.places, cells, lanes, lane if step.scope == "lane" else None)

    def spot(self, place: Place, n: int) -> int:
        """The number of a word's cell."""
        return place.cell + n * (self.lanes if place.kind == "vector" else 1)

    def word(self, place: Place, n: int) -> UOp:
        """A word of a place, as it is now."""
        if place.kind == "none":
            return const(0, dt.uint32)
        at = self.spot(place, n)
        found = self.known.words.get(at)
        if found is None:
            if any(first <= at < first + self.lanes // 32 for first in self.known.masks):
                raise CompileError("a mask that is read as a number", why="lift.block", mend="cut there")
            found = self.known.words[at] = super().word(place, n)
        return found

    def held(self, place: Place) -> Value:
        """What a place holds: what was written there, if it was written as the same."""
        if place.kind == "constant":
            return self.constants[place.name]
        if place.kind in ("vector", "scalar"):
            known = self.known
            words, value = known.wholes.get((place.cell, place.bits, place.half), ((), 0))
            if words and all(known.words.get(self.spot(place, n)) is one for n, one in enumerate(words)):
                return value
        return super().held(place)

    def bit_of(self, place: Place, number: UOp) -> UOp:
        """A lane's bit of a mask, as it is now."""
        found = self.known.masks.get(place.cell)
        if place.kind != "mask" or place.cell == self.cells["EXEC"]:
            return super().bit_of(place, number)
        if found is not None:
            return found
        spots = range(place.cell, place.cell + self.lanes // 32)
        if not any(spot in self.known.changed for spot in spots):
            return super().bit_of(place, number)
        words = [self.word(place, n) for n in range(len(spots))]
        word = words[0] if len(words) == 1 else (number // 32).eq(0).where(words[0], words[1])
        one = UOp(ops.SHL, dt.uint32, (const(1, dt.uint32), (number % 32).cast(dt.uint32)))
        return (word & one).ne(0)

    def commit(self) -> None:
        """What was written is known from here on."""
        if self.stores or self.bad:
            raise CompileError("an instruction that may be refused", why="lift.block", mend="leave it out")
        known = self.known
        for place, words, bit in self.finish():
            if bit is not None:
                for at in range(place.cell, place.cell + self.lanes // 32):
                    known.words.pop(at, None)
                    known.changed.pop(at, None)
                known.masks[place.cell] = bit
                continue
            for n, (_, word) in enumerate(words):
                at = self.spot(place, n)
                if any(first <= at < first + self.lanes // 32 for first in known.masks):
                    raise CompileError("a mask that is written as a number", why="lift.block", mend="cut")
                known.words[at] = word
                known.changed[at] = place.kind == "vector"
            key = (place.cell, place.bits, place.half)
            known.wholes[key] = tuple(word for _, word in words), self.values[place.name]


def block(name: str, steps: Sequence[Step], cells: Mapping[str, int], lanes: int, width: int = WIDTH) -> UOp:
    """The kernel of some instructions; vectors have `width` words. Errors: CompileError for what is not done
    here.
    """
    made = contained(_kernel(name, steps, cells, lanes, Axes(width)))
    if is_wide(made):
        width //= 2
        made = contained(_kernel(name, steps, cells, lanes, Axes(width)))
    if len(made.toposort()) * lanes // width > MOST_NODES:
        made = contained(_kernel(name, steps, cells, lanes, Axes(width, loop=True)))
    return made


def _kernel(name: str, steps: Sequence[Step], cells: Mapping[str, int], lanes: int, axes: Axes) -> UOp:
    """The kernel with lanes gone through in one way. Stores of lanes are named first: a loop over them stands
    before what else is stored, and behind what that is made of.
    """
    lane, known = axes.lane(lanes, 1), Known()
    for step in steps:
        world = Inside(step, known, cells, lanes, lane)
        run(step.tree, world)
        world.commit()
    active = Lanes((), (), cells, lanes, lane).on()
    state = UOp(ops.PARAM, dt.uint32, (), (STATE, 1 << 30))

    def at(cell: UOp | int) -> UOp:
        return UOp(ops.INDEX, dt.uint32, (state, GRID + cell))

    ends = [
        end_of(at(lane.number + cell), known.words[cell], active, lane.ranges)
        for cell, of_lanes in known.changed.items()
        if of_lanes
    ]
    single = [
        end_of(at(cell), known.words[cell], None) for cell, of_lanes in known.changed.items() if not of_lanes
    ]
    first = 3
    for cell, bit in known.masks.items():
        for word in range(lanes // 32):
            single.append(end_of(at(cell + word), _packed(bit & active, lane, axes, first, word), None))
            first += 2
    if len(single) == 1:  # of several stores none is made before all loads
        single.append(end_of(at(cells["SINK"]), const(0, dt.uint32), None))
    return UOp(ops.SINK, dt.void, (*ends, *single), name)


def _packed(bit: UOp, lane: Lane, axes: Axes, first: int, word: int) -> UOp:
    """A word of a mask from its lanes' bits; `first` is the number of its first range."""
    other = axes.lane(32, first, True, 32 * word)
    one = UOp(ops.SHL, dt.uint32, (const(1, dt.uint32), (other.number % 32).cast(dt.uint32)))
    held = substitute(bit, {lane.number: other.number}).where(one, const(0, dt.uint32))
    return UOp(ops.REDUCE, dt.uint32, (held, *other.ranges), ("add", ()))


__all__ = ["Known", "Step", "block"]
