"""Parts of tensors and tensors of parts: basic indexing, cat, stack, one_hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self
from weakref import ref

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, IndexingError, ShapeError
from baregrad.ir import Scalar, Symbolic, UOp, const, ops
from baregrad.tensor import check
from baregrad.tensor.base import number_node
from baregrad.tensor.ops.linear import Linear
from baregrad.tensor.slices import Part, is_place, part_of


class Indexing(Linear):
    """x[…] with integers, slices, None and Ellipsis; joining."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Self:  # Any: all that may stand in brackets; _items refuses the rest
        """A view of a part. Errors: IndexingError for an integer out of range or a kind of index that is not
        supported.
        """
        part = self._part_of(index)
        cut = self.shrink(part.box)
        cut = cut.flip(*part.flips) if part.flips else cut
        found = cut._strided(part.steps).reshape(part.shape)
        found._part = (ref(self), index)
        return found

    def _part_of(self, index: Any) -> Part:
        """The part that an index names."""
        return part_of(self._items(index if isinstance(index, tuple) else (index,)), self.shape)

    def _put_into(self, index: Any, value: Self | Scalar | Symbolic) -> Self:
        """This tensor with a value in the place of a part, in this tensor's dtype.

        Errors: ShapeError unless the value broadcasts to the part.
        """
        part = self._part_of(index)
        if not isinstance(value, Indexing):
            value = self.constant(number_node(value, self.dtype), self.device)
        shape = value.shape
        while len(shape) > len(part.shape) and shape[0] == 1:
            shape = shape[1:]
        if check.broadcast([shape, part.shape], "assign") != part.shape:
            raise ShapeError(
                f"{value.shape} is put in a part of shape {part.shape} of {self.shape}",
                why="a value broadcasts to the part",
                mend="give a value of the part's shape, or one that broadcasts to it",
            )
        size = self.shape
        placed = value.cast(self.dtype).apply(lambda x: part.spread(x.reshape(shape), size))
        here = self.constant(part.spread(const(True, dt.bool_), size), self.device)
        return placed.where(here, self)

    def _items(self, index: tuple[Any, ...]) -> list[Any]:
        """The index with Ellipsis and missing axes written out."""
        for item in index:
            if not (item is None or item is Ellipsis or isinstance(item, slice) or is_place(item)):
                raise IndexingError(
                    f"index {item!r} of {self.shape}",
                    why="an index is an integer, a slice, None or Ellipsis",
                    mend="use one_hot() and a sum to choose by a tensor",
                )
        count = sum(item is not None and item is not Ellipsis for item in index)
        if count > self.ndim or sum(item is Ellipsis for item in index) > 1:
            raise IndexingError(
                f"{count} indices for {self.shape}",
                why="one index for each axis, one Ellipsis",
                mend="give fewer",
            )
        rest = [slice(None)] * (self.ndim - count)
        at = next((i for i, item in enumerate(index) if item is Ellipsis), len(index))
        return [*index[:at], *rest, *index[at + 1 :]]

    def _strided(self, steps: Sequence[int]) -> Self:
        """Every step-th element of each axis."""
        if all(step == 1 for step in steps):
            return self
        sizes = tuple(-(-size // step) for size, step in zip(self.shape, steps, strict=True))
        rows = tuple(
            (0, tuple(step if i == a else 0 for i in range(self.ndim))) for a, step in enumerate(steps)
        )
        return self.apply(lambda x: x.view(sizes, rows))

    @classmethod
    def cat(cls, tensors: Sequence[Self], axis: int = 0) -> Self:
        """Tensors one behind the other along an axis. Errors: ShapeError unless their other axes agree."""
        if not tensors:
            raise ShapeError(
                "cat of no tensors", why="the result would have no shape", mend="give at least one"
            )
        first = tensors[0]
        axis = check.axis_in(axis, first.ndim, "cat")
        for t in tensors:
            if (
                t.ndim != first.ndim
                or t.shape[:axis] + t.shape[axis + 1 :] != first.shape[:axis] + first.shape[axis + 1 :]
            ):
                raise ShapeError(
                    f"cat of {first.shape} and {t.shape} along axis {axis}",
                    why="all other axes must agree",
                    mend="reshape, slice or pad one of them",
                )
        dtype = dt.result_dtype(*(t.dtype for t in tensors))
        total = sum(t.shape[axis] for t in tensors)
        result: Self | None = None
        before = 0
        for t in tensors:
            size = t.shape[axis]
            room = [(0, 0)] * axis + [(before, total - before - size)] + [(0, 0)] * (first.ndim - axis - 1)
            part = t.cast(dtype).pad(room)
            result = part if result is None else result._joined(part)
            before += size
        assert result is not None, "there is at least one tensor"
        return result

    def _joined(self, other: Self) -> Self:
        """Two tensors of which one is 0 at each place."""
        return self | other if self.dtype is dt.bool_ else self + other

    @classmethod
    def stack(cls, tensors: Sequence[Self], axis: int = 0) -> Self:
        """Tensors of one shape along a new axis. Errors: ShapeError for other shapes, or no tensors."""
        if not tensors:
            raise ShapeError(
                "stack of no tensors", why="the result would have no shape", mend="give at least one"
            )
        shapes = list(dict.fromkeys(t.shape for t in tensors))
        if len(shapes) > 1:
            raise ShapeError(
                f"stack of {shapes[0]} and {shapes[1]}",
                why="the shapes are one",
                mend="expand or pad them, or cat() them",
            )
        return cls.cat([t.unsqueeze(axis) for t in tensors], axis)

    def split(self, size: int | Sequence[int], axis: int = 0) -> list[Self]:
        """Parts of `size` along an axis, the last may be smaller; or parts of given sizes.

        Errors: ShapeError unless given sizes sum up to the axis, AxisError for a size below 1.
        """
        axis = check.axis_in(axis, self.ndim, "split")
        if isinstance(size, Sequence):
            return self._parts_of(size, axis)
        if size < 1:
            raise AxisError(
                f"split into parts of {size}", why="a part has at least 1", mend="give a size of at least 1"
            )
        lead = (slice(None),) * axis
        return [self[(*lead, slice(i, i + size))] for i in range(0, self.shape[axis], size)]

    def _parts_of(self, sizes: Sequence[int], axis: int) -> list[Self]:
        size = self.shape[axis] if self.ndim else 0
        if sum(sizes) != size or any(n < 0 for n in sizes):
            raise ShapeError(
                f"split of axis {axis} of {self.shape} by {tuple(sizes)}",
                why=f"the sizes sum up to {size}",
                mend="give other sizes",
            )
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        lead = (slice(None),) * axis
        return [self[(*lead, slice(start, start + n))] for start, n in zip(starts, sizes, strict=True)]

    @check.takes("bool int")
    def one_hot(self, num_classes: int) -> Self:
        """1 at the place that each element names, along a new last axis, as int64; all 0 for a place out of
        range.
        """
        num_classes = check.number(num_classes)
        places = UOp(ops.IOTA, dt.int64, (), num_classes).reshape((1,) * self.ndim + (num_classes,))
        order = self.constant(places, self.device)
        return (self.cast(dt.int64).unsqueeze(-1) == order).cast(dt.int64)
