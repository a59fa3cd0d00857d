"""A kernel of a meaning that is done once for a wave, or for each of its lanes: how lanes are gone through.

Lanes are vectors side by side; in a loop, where there is much to do; or one by one, where each must see what
those before have stored. What an instruction reads and writes is in amd.py: read that first. Meanings over
whole registers are in wave.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, const, ops, substitute
from baregrad.isa.meaning import Node, Tree, run, walk, written
from baregrad.lift.amd import GRID, STATE, STOPPED, Lane, Lanes, Place, axis, both, either, end_of
from baregrad.lift.contained import contained


class Axes(NamedTuple):
    """How lanes are gone through: `width` of them in a vector (1: one by one, in order, and `reduced` where
    all are asked one thing), the vectors side by side or (`loop`) one after the other.
    """

    width: int
    loop: bool = False
    reduced: int = 1

    def lane(self, count: int, first: int, reduce: bool = False, base: int = 0) -> Lane:
        """Lanes base … base + count."""
        width = max(self.width, self.reduced) if reduce else self.width
        if width == 1:
            found = axis(first, count, "serial")
            return Lane((found,), found)
        outer_kind = (
            ("reduce" if reduce else "loop") if self.loop else "reduce_unroll" if reduce else "unroll"
        )
        inner = axis(first + 1, width, "reduce_vector" if reduce else "vector")
        if count == width:
            return Lane((inner,), inner + base if base else inner)
        outer = axis(first, count // width, outer_kind)
        number = outer * width + inner
        return Lane((outer, inner), number + base if base else number)


WIDTH = 16
"""Words in a vector, where nobody says."""


def template(
    name: str,
    tree: Tree,
    scope: str,
    places: Sequence[Place],
    cells: Mapping[str, int],
    lanes: int,
    width: int = WIDTH,
) -> UOp:
    """The kernel of a meaning.

    `cells` has the first cell of EXEC and STOP; vectors have `width` words. Errors: CompileError for what is
    not done here.
    """
    steps = size_of(tree)
    if steps > MOST_STEPS:
        raise CompileError(f"{name} is {steps} statements", why="lift.amd unrolls loops", mend="leave it")
    if scope == "scalar":
        return contained(_scalar(name, tree, places, cells, lanes))
    if {"load", "store"} <= {node.op for node in walk(tree)}:
        axes = Axes(1, reduced=width // 2)
        made = contained(_lanes(name, tree, places, cells, lanes, axes))
        if len(made.toposort()) * lanes // axes.reduced > MOST_NODES:
            made = contained(_lanes(name, tree, places, cells, lanes, axes._replace(loop=True)))
        return made
    made = contained(_lanes(name, tree, places, cells, lanes, Axes(width)))
    if is_wide(made):
        width //= 2
        made = contained(_lanes(name, tree, places, cells, lanes, Axes(width)))
    if len(made.toposort()) * lanes // width > MOST_NODES and _may_loop(tree, places):
        made = contained(_lanes(name, tree, places, cells, lanes, Axes(width, loop=True)))
    return made


MOST_STEPS = 600
"""Statements of an unrolled tree."""


def size_of(nodes: Sequence[Node]) -> int:
    """The statements of a tree when its loops are unrolled."""
    total = 0
    for node in nodes:
        if node.op == "for":
            total += node.arg[1] * size_of(node.src)
        elif node.op == "if":
            total += 1 + size_of(node.src[1].src) + size_of(node.src[2].src)
        else:
            total += 1
    return total


def _sink(name: str, ends: Sequence[UOp]) -> UOp:
    return UOp(ops.SINK, dt.void, tuple(ends), name)


def _scalar(name: str, tree: Tree, places: Sequence[Place], cells: Mapping[str, int], lanes: int) -> UOp:
    world = Lanes(tree, places, cells, lanes, None)
    run(tree, world)
    return _sink(name, world.ends(either(world.bad)))


MOST_NODES = 250
"""Values of all vectors of lanes together, above which there is code for one of them, in a loop."""


def _may_loop(tree: Tree, places: Sequence[Place]) -> bool:
    """Whether lanes may be stored before others are read: not where one reads what others have, nor where a
    mask is written that may be one that is read.
    """
    masks = {place.name for place in places if place.kind == "mask"}
    targets = {id(node.src[0]) for node in walk(tree) if node.op == "set"}
    reads = {node.arg for node in walk(tree) if node.op == "var" and id(node) not in targets}
    changed = masks & written(tree)
    return not (
        any(place.kind in ("moved", "file") for place in places)
        or "EXEC" in changed
        or (changed and masks & (reads - {"EXEC"}))
    )


def _lanes(
    name: str, tree: Tree, places: Sequence[Place], cells: Mapping[str, int], lanes: int, axes: Axes
) -> UOp:
    lane = axes.lane(lanes, 1)
    world = Lanes(tree, places, cells, lanes, lane)
    run(tree, world)
    active, ends = world.active(), []
    numbers = iter(range(3, 99, 2))  # of further ranges
    bad = either(world.bad)
    good = None
    if bad is not None:
        other = axes.lane(lanes, next(numbers), True)
        moved = _moved(bad, lane, other).cast(dt.uint32)
        any_ = UOp(ops.REDUCE, dt.uint32, (moved, *other.ranges), ("max", ())).ne(0)
        good = ~any_
        ends.append(end_of(world.at(GRID + cells["STOP"]), const(STOPPED, dt.uint32), any_))
    for place, words, bit in world.finish():
        ends += [end_of(world.at(cell), word, both(active, good), lane.ranges) for cell, word in words]
        if bit is None:
            continue
        for word in range(lanes // 32):
            other = axes.lane(32, next(numbers), True, 32 * word)
            one = UOp(ops.SHL, dt.uint32, (const(1, dt.uint32), (other.number % 32).cast(dt.uint32)))
            held = _moved(bit & active, lane, other).where(one, const(0, dt.uint32))
            total = UOp(ops.REDUCE, dt.uint32, (held, *other.ranges), ("add", ()))
            ends.append(end_of(world.at(world.cell(place, 0) + word), total, good))
    for where, value, on in world.stores:
        ends.append(end_of(where, value, both(on, good), lane.ranges))
    if len(ends) == 1 and any(place.kind in ("moved", "file") for place in places):
        # of several stores none is made before all loads: this one is for that alone
        ends.append(end_of(world.at(GRID + cells["SINK"]), const(0, dt.uint32), None))
    return _sink(name, ends)


def _moved(node: UOp, lane: Lane, other: Lane) -> UOp:
    """An expression of other lanes."""
    return substitute(node, {lane.number: other.number})


def is_wide(sink: UOp) -> bool:
    """Whether lanes of 64 bits are computed with, beside the numbers of cells."""
    lanes: dict[UOp, tuple[bool, bool]] = {}  # whether a lane's number, and what a lane holds, is in a value
    for node in sink.toposort():
        number = node.op is ops.RANGE and "vector" in node.arg[1]
        held = False
        for source in node.src:
            number, held = number or lanes[source][0], held or lanes[source][1]
        lanes[node] = (number, held or (number and node.op is ops.LOAD))
    seen: set[UOp] = set()
    stack = list(sink.src)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        number, held = lanes[node]
        if (held and node.dtype is dt.int64) or (number and node.dtype in (dt.float64, dt.uint64)):
            return True
        if node.op is ops.INDEX and node.src[0].arg[0] == STATE:
            stack.extend(node.src[2:])
        else:
            stack.extend(node.src)
    return False
