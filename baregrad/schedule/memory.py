"""Where intermediate values lie: in one arena, where values that never live together share bytes.

A value lives from the item that writes it to the last one that reads it, both included. Inputs and what is
kept have memory of their own, which the engine sees to.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Sequence
from math import prod
from typing import NamedTuple

from baregrad.base.integers import align_up
from baregrad.ir import UOp, most
from baregrad.schedule.items import Item

ALIGNMENT = 64  # a cache line, and the widest vector


class Span(NamedTuple):
    """Bytes of the arena."""

    offset: int
    nbytes: int


class Lifetime(NamedTuple):
    """A buffer, and the positions of the items that first write and last read it."""

    buffer: UOp
    first: int
    last: int


class MemoryPlan(NamedTuple):
    """The span of each intermediate buffer by its number, and the bytes of the arena."""

    places: dict[int, Span]
    nbytes: int


def plan_memory(items: Sequence[Item], keep: Collection[int]) -> MemoryPlan:
    """Places for all buffers that the items write, but those whose numbers are kept.

    The largest come first; each takes the least gap that it fits in, among those that live at the same time.
    A symbolic size counts with its greatest value, so that the places hold for all.
    """
    places: dict[int, Span] = {}
    placed: list[tuple[int, int, int, int]] = []  # offset, end, first and last item; in order of offsets
    alive = lifetimes(items, keep)
    alive.sort(key=lambda life: (-_nbytes(life.buffer), life.first))
    for life in alive:
        nbytes = _nbytes(life.buffer)
        start, stop = life.first, life.last
        busy = [(offset, end) for offset, end, first, last in placed if first <= stop and start <= last]
        offset = _gap(busy, nbytes)
        insort(placed, (offset, offset + nbytes, start, stop))
        places[life.buffer.arg.number] = Span(offset, nbytes)
    return MemoryPlan(places, max((end for _, end, _, _ in placed), default=0))


def lifetimes(items: Sequence[Item], keep: Collection[int]) -> list[Lifetime]:
    """When each buffer that is written and not kept is in use."""
    found: dict[int, Lifetime] = {}
    for position, item in enumerate(items):
        for slot in item.writes:
            buffer = item.buffers[slot]
            number = buffer.arg.number
            if number not in keep and number not in found:
                found[number] = Lifetime(buffer, position, position)
        for buffer in item.buffers:
            life = found.get(buffer.arg.number)
            if life is not None:
                found[buffer.arg.number] = life._replace(last=position)
    return list(found.values())


def _gap(busy: Sequence[tuple[int, int]], nbytes: int) -> int:
    """The offset of the least gap between (offset, end) pairs, in order, that suffices; else behind all."""
    best: tuple[int, int] | None = None
    end = 0
    for offset, after in busy:
        room = offset - end
        if room >= nbytes and (best is None or room < best[0]):
            best = (room, end)
        end = max(end, after)
    return end if best is None else best[1]


def _nbytes(buffer: UOp) -> int:
    return align_up(max(prod(map(most, buffer.shape)) * buffer.dtype.itemsize, 1), ALIGNMENT)
