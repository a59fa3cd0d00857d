"""Views: the same elements under other axes. None of them copies; contiguous() and realize() do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, ShapeError
from baregrad.engine import SESSION
from baregrad.ir import Scalar, Size, const
from baregrad.tensor import check
from baregrad.tensor.ops.elementwise import Elementwise


class Movement(Elementwise):
    """Reshape, expand, permute, pad, shrink, flip, and what torch calls by other names."""

    __slots__ = ()

    def reshape(self, *shape: int | Sequence[int]) -> Self:
        """The elements in row-major order under another shape; one size may be -1.

        Errors: ShapeError unless the number of elements stays.
        """
        sizes = list(check.flat_sizes(shape))
        if sizes.count(-1) == 1:
            known = 1
            for size in sizes:
                known *= 1 if size == -1 else size
            sizes[sizes.index(-1)] = self.numel() // known if known else 0
        target = check.shape_of((tuple(sizes),), "reshape")
        return self.apply(lambda x: x.reshape(target))

    def view(self, *shape: int | Sequence[int]) -> Self:
        """reshape."""
        return self.reshape(*shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Self:
        """Neighbouring axes joined to one."""
        if not self.ndim:
            return self.reshape(1)
        first, last = (check.axis_in(a, self.ndim, "flatten") for a in (start_dim, end_dim))
        joined = 1
        for size in self.shape[first : last + 1]:
            joined *= size
        return self.reshape(*self.shape[:first], joined, *self.shape[last + 1 :])

    def unflatten(self, axis: int, sizes: Sequence[int]) -> Self:
        """One axis split to several."""
        axis = check.axis_in(axis, self.ndim, "unflatten")
        return self.reshape(*self.shape[:axis], *sizes, *self.shape[axis + 1 :])

    def expand(self, *shape: int | Sequence[int]) -> Self:
        """Axes of size 1 repeated; -1 keeps a size; new axes come first.

        Errors: ShapeError if an axis that is not of size 1 would change.
        """
        sizes = list(check.flat_sizes(shape))
        if len(sizes) < self.ndim:
            raise ShapeError(
                f"expand {self.shape} to {tuple(sizes)}",
                why="no axis goes away",
                mend="reshape() or sum() first",
            )
        padded = (1,) * (len(sizes) - self.ndim) + self.shape
        target = tuple(old if new == -1 else new for old, new in zip(padded, sizes, strict=True))
        check.shape_of((target,), "expand")
        return self.apply(lambda x: x.expand(target))

    def permute(self, *order: int | Sequence[int]) -> Self:
        """Axes in another order."""
        axes = tuple(check.axis_in(a, self.ndim, "permute") for a in check.flat_sizes(order))
        return self.apply(lambda x: x.permute(axes))

    def transpose(self, axis0: int = 0, axis1: int = 1) -> Self:
        """Two axes exchanged."""
        a, b = (check.axis_in(axis, self.ndim, "transpose") for axis in (axis0, axis1))
        order = list(range(self.ndim))
        order[a], order[b] = b, a
        return self.permute(order)

    @property
    def T(self) -> Self:
        """The axes in reverse order."""
        return self.permute(tuple(reversed(range(self.ndim))))

    def squeeze(self, axis: int | None = None) -> Self:
        """Axes of size 1 removed: all, or the one given if its size is 1."""
        if axis is None:
            return self.reshape(tuple(size for size in self.shape if size != 1))
        axis = check.axis_in(axis, self.ndim, "squeeze")
        return self.reshape(self.shape[:axis] + self.shape[axis + 1 :]) if self.shape[axis] == 1 else self

    def unsqueeze(self, axis: int) -> Self:
        """A new axis of size 1 at `axis`."""
        axis = check.axis_in(axis, self.ndim + 1, "unsqueeze")
        return self.reshape((*self.shape[:axis], 1, *self.shape[axis:]))

    def flip(self, *axes: int | Sequence[int]) -> Self:
        """Axes backwards."""
        chosen = check.axes_in(check.flat_sizes(axes), self.ndim, "flip")
        return self.apply(lambda x: x.flip(chosen))

    def shrink(self, box: Sequence[tuple[Size, Size]]) -> Self:
        """The box begin..end of each axis. Errors: ShapeError outside of the tensor."""
        if len(box) != self.ndim:
            raise ShapeError(
                f"shrink of {self.shape} by {len(box)} pairs",
                why="one pair for each axis",
                mend="give such pairs",
            )
        return self.apply(lambda x: x.shrink(tuple((b, e) for b, e in box)))

    def pad(self, amounts: Sequence[tuple[int, int]], value: Scalar = 0) -> Self:
        """(before, after) elements of a value added to each axis.

        Shapes: (d1…dn) -> (before + d + after). Errors: ShapeError for negative amounts or another number of
        axes.
        """
        pairs = tuple((before, after) for before, after in amounts)
        if len(pairs) != self.ndim or any(n < 0 for pair in pairs for n in pair):
            raise ShapeError(
                f"pad of {self.shape} by {pairs}",
                why="one pair of sizes of at least 0 for each axis",
                mend="give such pairs",
            )
        padded = self.apply(lambda x: x.pad(pairs))
        if value == 0:
            return padded
        mask = self.constant(const(True, dt.bool_).expand(self.shape).pad(pairs), self.device)
        return padded._or_else(mask, value)

    def repeat(self, *times: int) -> Self:
        """The tensor laid side by side, `times` along each axis; more times than axes make new first axes.

        Errors: AxisError for fewer.
        """
        if len(times) < self.ndim:
            raise AxisError(
                f"repeat {times} of {self.shape}", why="one count for each axis", mend="give more counts"
            )
        shape = (1,) * (len(times) - self.ndim) + self.shape
        apart = [size for n, d in zip(times, shape, strict=True) for size in (1, d)]
        wide = [size for n, d in zip(times, shape, strict=True) for size in (n, d)]
        return self.reshape(apart).expand(wide).reshape([n * d for n, d in zip(times, shape, strict=True)])

    def contiguous(self) -> Self:
        """The same elements, to be laid out in row-major order."""
        return self.apply(lambda x: x.contiguous())

    def detach(self) -> Self:
        """The value, cut off from the tape."""
        value = self.value
        with SESSION.lock:
            return self.of(value.again())
