"""What each movement op does to the indices that a value is read at: from those of the view to those of its
source.

`SOURCE_INDICES[op](indexer, node, at)` gives the place in the source, or None when the source is never read
there (padding). A place is a tuple of indices, one an axis, and the conditions under which it is read:
where one does not hold, the indices may lie outside and the value is 0. The arithmetic is in indexing.py.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from baregrad.ir import Op, Size, UOp, bounds_of, most, ops
from baregrad.schedule.indexing import ZERO, Indexer


class Place(NamedTuple):
    """Where an element is read: an index per axis, and the conditions that must hold."""

    indices: tuple[UOp, ...]
    conditions: tuple[UOp, ...] = ()


Push = Callable[[Indexer, UOp, Place], Place | None]
Group = tuple[tuple[int, ...], tuple[int, ...]]  # axes of the source and of the result: the same elements


def _permute(indexer: Indexer, node: UOp, at: Place) -> Place:
    indices = [ZERO] * len(node.arg)
    for position, axis in enumerate(node.arg):
        indices[axis] = at.indices[position]
    return Place(tuple(indices), at.conditions)


def _expand(indexer: Indexer, node: UOp, at: Place) -> Place:
    sizes = node.src[0].shape
    indices = tuple(
        ZERO if size == 1 and size is not wide else i for i, size, wide in zip(at.indices, sizes, node.shape)
    )
    return Place(indices, at.conditions)


def _shrink(indexer: Indexer, node: UOp, at: Place) -> Place:
    return Place(tuple(indexer.add(i, cut[0]) for i, cut in zip(at.indices, node.arg)), at.conditions)


def _flip(indexer: Indexer, node: UOp, at: Place) -> Place:
    indices = list(at.indices)
    for axis in node.arg:
        indices[axis] = indexer.reflect(indices[axis], node.shape[axis])
    return Place(tuple(indices), at.conditions)


def _pad(indexer: Indexer, node: UOp, at: Place) -> Place | None:
    indices: list[UOp] = []
    conditions = at.conditions
    for i, size, (before, after) in zip(at.indices, node.src[0].shape, node.arg):
        if type(size) is int and size == 0:
            return None
        end = before + size
        checks = (
            indexer.at_least(i, before) if before != 0 else True,
            indexer.below(i, end) if after != 0 else True,
        )
        for check in checks:
            if check is False:
                return None
            if isinstance(check, UOp) and check not in conditions:
                conditions = (*conditions, check)
        indices.append(ZERO if type(size) is int and size == 1 else indexer.add(i, -before))
    return Place(tuple(indices), conditions)


def _view(indexer: Indexer, node: UOp, at: Place) -> Place | None:
    indices: list[UOp] = []
    conditions = at.conditions
    for (begin, steps), size in zip(node.arg[1], node.src[0].shape):
        i = indexer.combine(begin, steps, at.indices)
        for check in (indexer.at_least(i, 0), indexer.below(i, size)):
            if check is False:
                return None
            if isinstance(check, UOp) and check not in conditions:
                conditions = (*conditions, check)
        indices.append(ZERO if type(size) is int and size == 1 else i)
    return Place(tuple(indices), conditions)


def _reshape(indexer: Indexer, node: UOp, at: Place) -> Place:
    source = node.src[0].shape
    indices = [ZERO] * len(source)
    for inner, outer in groups(source, node.shape):
        if len(inner) == 1 and len(outer) == 1:
            indices[inner[0]] = at.indices[outer[0]]
            continue
        flat = indexer.flatten(
            tuple(at.indices[axis] for axis in outer), tuple(node.shape[axis] for axis in outer)
        )
        if len(inner) == 1:
            indices[inner[0]] = flat
            continue
        for axis, part in zip(inner, indexer.split(flat, tuple(source[axis] for axis in inner))):
            indices[axis] = part
    return Place(tuple(indices), at.conditions)


def groups(source: tuple[Size, ...], result: tuple[Size, ...]) -> list[Group]:
    """The least groups of axes with equal element counts, in order; axes of size 1 are in none.

    >>> groups((2, 3, 20), (6, 1, 4, 5))
    [((0, 1), (0,)), ((2,), (2, 3))]
    """
    inner = [axis for axis, size in enumerate(source) if size != 1]
    outer = [axis for axis, size in enumerate(result) if size != 1]
    found: list[Group] = []
    i = j = 0
    while i < len(inner) and j < len(outer):
        a, b = i, j
        small: Size = source[inner[i]]
        large: Size = result[outer[j]]
        i, j = i + 1, j + 1
        while small is not large and small != large:
            low, high = bounds_of(small - large)
            if high <= 0 and i < len(inner):
                small, i = small * source[inner[i]], i + 1
            elif low >= 0 and j < len(outer):
                large, j = large * result[outer[j]], j + 1
            else:  # symbolic sizes of which neither is surely the smaller one: one group to the end
                i, j = len(inner), len(outer)
                break
        found.append((tuple(inner[a:i]), tuple(outer[b:j])))
    return found


def _same(indexer: Indexer, node: UOp, at: Place) -> Place:
    return at


SOURCE_INDICES: dict[Op, Push] = {
    ops.PERMUTE: _permute,
    ops.EXPAND: _expand,
    ops.SHRINK: _shrink,
    ops.FLIP: _flip,
    ops.PAD: _pad,
    ops.VIEW: _view,
    ops.RESHAPE: _reshape,
    ops.DETACH: _same,
    ops.CONTIGUOUS: _same,
}


def elements(shape: tuple[Size, ...]) -> int:
    """How many elements a shape has, for estimates: a symbolic size counts with its greatest value."""
    return prod(map(most, shape))
