"""One index of one axis as a box: begin, end and step, for integers, slices and symbolic sizes.

What a symbolic size leaves open is refused: code for all values of a variable can't clip for one of them.
"""

from __future__ import annotations

from baregrad.base.errors import IndexingError
from baregrad.ir import Size, Symbolic, Variable
from baregrad.tensor import check


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
