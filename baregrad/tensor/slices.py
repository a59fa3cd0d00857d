"""Basic indices: one of an axis as begin, end and step; all of a tensor as a Part, to read or to replace.

An index is an integer, a slice, a symbolic size, None or Ellipsis. What a symbolic size leaves open is
refused: code for all values of a variable can't clip for one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from baregrad.base.errors import IndexingError
from baregrad.ir import Size, Symbolic, UOp, Variable
from baregrad.tensor import check


class Part(NamedTuple):
    """A part of a tensor: a box, read backwards along `flips` and every step-th element of an axis.

    `sizes` is its shape with all axes of the tensor; `shape` that without the axes of integers, with new
    axes for None.
    """

    box: tuple[tuple[Size, Size], ...]
    flips: tuple[int, ...]
    steps: tuple[int, ...]
    shape: tuple[Size, ...]

    @property
    def sizes(self) -> tuple[Size, ...]:
        """How many elements of each axis of the tensor are in the part."""
        return tuple(
            -(-(end - begin) // step) for (begin, end), step in zip(self.box, self.steps, strict=True)
        )

    def spread(self, x: UOp, shape: tuple[Size, ...]) -> UOp:
        """The elements of a part where they stand in a tensor of a shape; zeros around them."""
        x = x.expand(self.shape).reshape(self.sizes)
        for axis, step in enumerate(self.steps):
            if step > 1:
                x = _apart(x, axis, step, self.box[axis])
        room = tuple((begin, n - end) for (begin, end), n in zip(self.box, shape, strict=True))
        return x.flip(self.flips).pad(room)


def _apart(x: UOp, axis: int, step: int, cut: tuple[Size, Size]) -> UOp:
    """step - 1 zeros between the elements of an axis, as long as a cut of the tensor's axis."""
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    gaps = [(0, 0)] * (x.ndim + 1)
    gaps[axis + 1] = (0, step - 1)
    x = x.reshape((*before, size, 1, *after)).pad(tuple(gaps)).reshape((*before, size * step, *after))
    return x.shrink(tuple((0, cut[1] - cut[0] if a == axis else n) for a, n in enumerate(x.shape)))


def part_of(items: Iterable[Size | slice | None], shape: tuple[Size, ...]) -> Part:
    """The part that an index of each axis, and None for new ones, names."""
    box: list[tuple[Size, Size]] = []
    flips: list[int] = []
    steps: list[int] = []
    sizes: list[Size] = []
    for item in items:
        if item is None:
            sizes.append(1)
            continue
        axis = len(box)
        begin, end, step = box_of(item, shape[axis], axis)
        if step < 0:
            flips.append(axis)
        box.append((begin, end))
        steps.append(abs(step))
        if isinstance(item, slice):
            sizes.append(-(-(end - begin) // abs(step)))
    return Part(tuple(box), tuple(flips), tuple(steps), tuple(sizes))


def is_place(item: object) -> bool:
    """Whether something is an integer or a symbolic size.

    Errors: ShapeError for a variable without a value.
    """
    if isinstance(item, Variable):
        raise check.not_bound(item, "index")
    return type(item) is int or isinstance(item, Symbolic)


def box_of(item: Size | slice, size: Size, axis: int) -> tuple[Size, Size, int]:
    """Begin, end and step of one index; the box is begin..end read in the step's direction.

    Errors: IndexingError out of range; ShapeError for what differs between the values of a variable.
    """
    if not isinstance(item, slice):
        return _one(item, size, axis)
    for part in (item.start, item.stop, item.step):
        is_place(part)
    if isinstance(item.step, Symbolic):
        raise IndexingError(f"slice {item} of axis {axis}", why="a step is a number", mend="give an int")
    if item.step == 0:
        raise IndexingError(f"slice {item} of axis {axis}", why="its step is 0", mend="give another step")
    if any(isinstance(part, Symbolic) for part in (item.start, item.stop, size)):
        return _symbolic(item, size, axis)
    begin, end, step = item.indices(size)
    if step > 0:
        return begin, max(begin, end), step
    return (end + 1, max(begin, end) + 1, step) if begin > end else (0, 0, step)


def _one(item: Size, size: Size, axis: int) -> tuple[Size, Size, int]:
    if not -size <= item < size:
        raise IndexingError(
            f"index {item} of axis {axis} with size {size}",
            why=f"indices are in [{-size}, {size - 1}]" if size else "the axis is empty",
            mend="give one of these",
        )
    begin = item if item >= 0 else item + size
    return begin, begin + 1, 1


def _symbolic(item: slice, size: Size, axis: int) -> tuple[Size, Size, int]:
    """The box of a slice whose ends or axis are symbolic."""
    step = 1 if item.step is None else item.step
    if step < 0:
        if item.start is not None or item.stop is not None:
            raise IndexingError(
                f"slice {item} of axis {axis} with size {size}",
                why="a symbolic slice runs forwards, or backwards over the whole axis",
                mend="cut first, then flip()",
            )
        return 0, size, step
    begin = 0 if item.start is None else _clipped(item.start, size)
    end = size if item.stop is None else _clipped(item.stop, size)
    return begin, end if begin <= end else begin, step


def _clipped(place: Size, size: Size) -> Size:
    """A place of a slice within 0..size, counted from the end if it is negative."""
    if place < 0:
        place = place + size
        return place if place >= 0 else 0
    return place if place <= size else size
