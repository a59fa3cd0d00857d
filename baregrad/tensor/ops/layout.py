"""Where elements stand: rolling, tiling, triangles, diagonals, parts; tensors of counted values.

All are views, or a view under a mask that is made of counted places. Torch's `dim` is `axis` here.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, ShapeError
from baregrad.dtype import DType
from baregrad.ir import Scalar, UOp, ops
from baregrad.tensor import check
from baregrad.tensor.ops.activation import Activation

Ints = int | Sequence[int]


class Layout(Activation):
    """Movement and creation by torch's names."""

    __slots__ = ()

    # -- axes --------------------------------------------------------------------------------------------

    def movedim(self, source: Ints, destination: Ints) -> Self:
        """Axes moved to other places; the rest keeps its order. Errors: AxisError unless as many places."""
        a, b = check.axes_in(source, self.ndim, "movedim"), check.axes_in(destination, self.ndim, "movedim")
        if len(a) != len(b):
            raise AxisError(
                f"movedim of {a} to {b}", why="each axis goes to one place", mend="give as many places"
            )
        rest = (axis for axis in range(self.ndim) if axis not in a)
        to = dict(zip(b, a, strict=True))
        return self.permute([to[place] if place in to else next(rest) for place in range(self.ndim)])

    moveaxis = movedim

    def swapaxes(self, axis0: int, axis1: int) -> Self:
        """Two axes exchanged: transpose."""
        return self.transpose(axis0, axis1)

    swapdims = swapaxes

    def broadcast_to(self, *shape: Ints) -> Self:
        """expand, by torch's other name."""
        return self.expand(*shape)

    def expand_as(self, other: Self) -> Self:
        """expand to another tensor's shape."""
        return self.expand(other.shape)

    def view_as(self, other: Self) -> Self:
        """reshape to another tensor's shape."""
        return self.reshape(other.shape)

    reshape_as = view_as

    def ravel(self) -> Self:
        """All axes joined to one."""
        return self.reshape(-1) if self.numel() else self.reshape(0)

    def t(self) -> Self:
        """The two axes of a matrix exchanged; vectors stay. Errors: ShapeError for more axes."""
        if self.ndim > 2:
            raise ShapeError(f"t() of {self.shape}", why="it has more than 2 axes", mend="use transpose()")
        return self.T

    @property
    def mT(self) -> Self:
        """The last two axes exchanged."""
        return self.transpose(-2, -1)

    # -- parts -------------------------------------------------------------------------------------------

    def narrow(self, axis: int, start: int, length: int) -> Self:
        """`length` elements of an axis from `start` on. Errors: ShapeError outside of the axis."""
        axis = check.axis_in(axis, self.ndim, "narrow")
        size = self.shape[axis] if self.ndim else 0
        begin = start + size if start < 0 else start
        if not 0 <= begin <= begin + length <= size:
            raise ShapeError(
                f"narrow of axis {axis} of {self.shape} to {start}..{start + length}",
                why=f"the axis has {size} elements",
                mend="give a start and a length within it",
            )
        return self.shrink([(begin, begin + length) if a == axis else (0, n) for a, n in self._sizes()])

    def select(self, axis: int, index: int) -> Self:
        """One place of an axis, without the axis. Errors: IndexingError out of range."""
        return self[(*_lead(check.axis_in(axis, self.ndim, "select")), index)]

    def unbind(self, axis: int = 0) -> list[Self]:
        """The places of an axis, one tensor each. Errors: ShapeError for a 0-d tensor."""
        axis = check.axis_in(axis, self.ndim, "unbind")
        if not self.ndim:
            raise ShapeError("unbind of ()", why="it has no axis", mend="use the tensor itself")
        return [self.select(axis, i) for i in range(self.shape[axis])]

    def chunk(self, chunks: int, axis: int = 0) -> list[Self]:
        """At most `chunks` parts of equal size along an axis; the last may be smaller.

        Errors: AxisError for less than one part.
        """
        axis = check.axis_in(axis, self.ndim, "chunk")
        if chunks < 1:
            raise AxisError(f"chunk into {chunks} parts", why="there is at least 1", mend="give more")
        size = self.shape[axis] if self.ndim else 1
        return self.split(max(1, -(-size // chunks)), axis) if size else [self] * chunks

    def split_with_sizes(self, sizes: Sequence[int], axis: int = 0) -> list[Self]:
        """split by given sizes."""
        return self.split(tuple(sizes), axis)

    def tensor_split(self, parts: int | Sequence[int], axis: int = 0) -> list[Self]:
        """So many parts of about equal size, the first ones longer; or parts that begin at given places.

        Errors: ShapeError for less than 1 part, or a number alone.
        """
        axis = check.axis_in(axis, self.ndim, "tensor_split")
        size = self.shape[axis] if self.ndim else 0
        if isinstance(parts, int):
            if parts < 1 or not self.ndim:
                raise ShapeError(
                    f"tensor_split of {self.shape} into {parts}", why="there is at least 1", mend="give more"
                )
            long = size % parts
            return self.split_with_sizes([size // parts + (i < long) for i in range(parts)], axis)
        lead = _lead(axis)
        ends = [*parts, None]
        return [self[(*lead, builtins.slice(a, b))] for a, b in zip([0, *parts], ends, strict=True)]

    def unfold(self, axis: int, size: int, step: int) -> Self:
        """Windows of an axis, `step` apart, laid along a new last axis.

        Shapes: (…, n, …) -> (…, (n - size) // step + 1, …, size). Errors: ShapeError unless a window fits.
        """
        axis = check.axis_in(axis, self.ndim, "unfold")
        length = self.shape[axis] if self.ndim else 1
        if not 1 <= size <= length or step < 1:
            raise ShapeError(
                f"unfold of axis {axis} of {self.shape} into windows of {size}, {step} apart",
                why="a window has 1 to n elements and a step is at least 1",
                mend="give smaller windows",
            )
        x = self if self.ndim else self.reshape(1)
        shape = (*x.shape[:axis], (length - size) // step + 1, *x.shape[axis + 1 :], size)
        rows = []
        for a in range(x.ndim):
            steps = [int(i == a) for i in range(len(shape))]
            if a == axis:
                steps[a], steps[-1] = step, 1
            rows.append((0, tuple(steps)))
        return x.apply(lambda u: u.view(shape, tuple(rows)))

    # -- copies side by side -----------------------------------------------------------------------------

    def tile(self, *times: Ints) -> Self:
        """repeat, with 1 for the first axes where counts lack."""
        counts = check.flat_sizes(times)
        return self.repeat(*(1,) * (self.ndim - len(counts)), *counts)

    def repeat_interleave(self, repeats: int, axis: int | None = None) -> Self:
        """Each element `repeats` times, one behind the other; flattened first if axis is None.

        Errors: ShapeError for a negative count.
        """
        if repeats < 0:
            raise ShapeError(
                f"repeat_interleave {repeats} times", why="counts are at least 0", mend="give another"
            )
        if axis is None:
            return self.ravel().repeat_interleave(repeats, 0)
        x = self if self.ndim else self.reshape(1)
        axis = check.axis_in(axis, x.ndim, "repeat_interleave")
        before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
        wide = x.reshape(*before, size, 1, *after).expand(*before, size, repeats, *after)
        return wide.reshape(*before, size * repeats, *after)

    def roll(self, shifts: Ints, axis: Ints | None = None) -> Self:
        """Elements moved on by `shifts`, those that fall off the end coming first; flattened if axis is None.

        Errors: AxisError unless one shift an axis.
        """
        shifts, axis = check.number(shifts), check.number(axis)
        amounts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
        if axis is None:
            return self.ravel()._rolled(0, sum(amounts)).reshape(self.shape)
        given = (axis,) if isinstance(axis, int) else tuple(axis)
        if len(given) != len(amounts):
            raise AxisError(
                f"roll by {amounts} along {given}", why="one shift for each axis", mend="give as many"
            )
        result = self
        for place, amount in zip(given, amounts, strict=True):
            result = result._rolled(check.axis_in(place, self.ndim, "roll"), amount)
        return result

    def _rolled(self, axis: int, amount: int) -> Self:
        size = self.shape[axis] if self.ndim else 0
        begin = -amount % size if size else 0
        if not begin:
            return self
        return self.cat([self.narrow(axis, begin, size - begin), self.narrow(axis, 0, begin)], axis)

    def rot90(self, k: int = 1, axes: Sequence[int] = (0, 1)) -> Self:
        """Turned k times by a quarter, from the first axis towards the second."""
        a, b = check.axes_in(axes, self.ndim, "rot90")
        turned = (self, self.flip(b).transpose(a, b), self.flip(a, b), self.flip(a).transpose(a, b))
        return turned[k % 4]

    def fliplr(self) -> Self:
        """Axis 1 backwards."""
        return self.flip(1)

    def flipud(self) -> Self:
        """Axis 0 backwards."""
        return self.flip(0)

    # -- triangles and diagonals -------------------------------------------------------------------------

    def _sizes(self) -> list[tuple[int, int]]:
        return list(enumerate(self.shape))

    def _places(self, size: int, axis: int, ndim: int) -> Self:
        """0, 1, … along one axis of ndim, as int64."""
        shape = (1,) * axis + (size,) + (1,) * (ndim - axis - 1)
        return self.constant(UOp(ops.IOTA, dt.int64, (), size).reshape(shape), self.device)

    def _beside(self, what: str) -> Self:
        """Column less row for each place of the last two axes."""
        if self.ndim < 2:
            raise ShapeError(f"{what} of {self.shape}", why="a matrix has 2 axes", mend="add an axis")
        rows, columns = self.shape[-2:]
        return self._places(columns, 1, 2) - self._places(rows, 0, 2)

    def triu(self, diagonal: int = 0) -> Self:
        """The upper triangle from a diagonal on, 0 below it. Shapes: (…, n, m) -> the same."""
        return self._or_else(self._beside("triu") >= diagonal, 0)

    def tril(self, diagonal: int = 0) -> Self:
        """The lower triangle up to a diagonal, 0 above it. Shapes: (…, n, m) -> the same."""
        return self._or_else(self._beside("tril") <= diagonal, 0)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """The elements whose second place is the first one plus `offset`, along a new last axis.

        Errors: ShapeError for less than 2 axes; AxisError for one axis twice.
        """
        if self.ndim < 2:
            raise ShapeError(f"diagonal of {self.shape}", why="it has less than 2 axes", mend="use diag()")
        a, b = check.axes_in((axis1, axis2), self.ndim, "diagonal")
        x = self.movedim((a, b), (-2, -1))
        rows, columns = x.shape[-2:]
        first, second = max(0, -offset), max(0, offset)
        size = max(0, min(rows - first, columns - second))
        shape = (*x.shape[:-2], size)
        lead = tuple((0, tuple(int(i == k) for i in range(len(shape)))) for k in range(x.ndim - 2))
        along = (0,) * (len(shape) - 1) + (1,)
        return x.apply(lambda u: u.view(shape, (*lead, (first, along), (second, along))))

    def diag_embed(self, offset: int = 0) -> Self:
        """Matrices with the last axis on a diagonal, 0 elsewhere. Shapes: (…, n) -> (…, n + |o|, n + |o|).

        Errors: ShapeError without an axis.
        """
        if not self.ndim:
            raise ShapeError("diag_embed of ()", why="it has no axis", mend="reshape(1) first")
        size = self.shape[-1]
        before, after = max(0, -offset), max(0, offset)
        square = self.unsqueeze(-1).expand(*self.shape, size)
        cross = square._or_else(self._places(size, 0, 2).eq(self._places(size, 1, 2)), 0)
        room = [(0, 0)] * (self.ndim - 1)
        return cross.pad([*room, (before, after), (after, before)])

    def diag(self, diagonal: int = 0) -> Self:
        """The diagonal of a matrix, or the matrix of a diagonal. Errors: ShapeError for other shapes."""
        if self.ndim not in (1, 2):
            raise ShapeError(
                f"diag of {self.shape}", why="it is of vectors and matrices", mend="use diagonal()"
            )
        return self.diag_embed(diagonal) if self.ndim == 1 else self.diagonal(diagonal)

    def trace(self) -> Self:
        """The sum of the diagonal of a matrix."""
        return self.diagonal().sum(-1)

    def pixel_shuffle(self, factor: int) -> Self:
        """Channels laid out as finer images. Shapes: (…, c * r * r, h, w) -> (…, c, h * r, w * r).

        Errors: ShapeError unless r * r divides the channels. Source: Shi and others 2016, section 3.2.
        """
        if self.ndim < 3 or factor < 1 or self.shape[-3] % (factor * factor):
            raise ShapeError(
                f"pixel_shuffle of {self.shape} by {factor}",
                why="axis -3 is a multiple of the squared factor",
                mend="give another factor",
            )
        *lead, channels, height, width = self.shape
        inner = channels // (factor * factor)
        apart = self.reshape(-1, inner, factor, factor, height, width).permute(0, 1, 4, 2, 5, 3)
        return apart.reshape(*lead, inner, height * factor, width * factor)

    def pixel_unshuffle(self, factor: int) -> Self:
        """The inverse of pixel_shuffle. Errors: ShapeError unless r divides height and width."""
        if self.ndim < 3 or factor < 1 or self.shape[-1] % factor or self.shape[-2] % factor:
            raise ShapeError(
                f"pixel_unshuffle of {self.shape} by {factor}",
                why="height and width are multiples of the factor",
                mend="give another factor",
            )
        *lead, channels, height, width = self.shape
        high, wide = height // factor, width // factor
        apart = self.reshape(-1, channels, high, factor, wide, factor).permute(0, 1, 3, 5, 2, 4)
        return apart.reshape(*lead, channels * factor * factor, high, wide)

    # -- creation ----------------------------------------------------------------------------------------

    @classmethod
    def linspace(
        cls, start: float, end: float, steps: int, *, dtype: DType = dt.float32, device: str | None = None
    ) -> Self:
        """`steps` numbers from start to end, both included. Errors: ShapeError for a negative number."""
        check.shape_of((steps,), "linspace")
        size = (end - start) / max(steps - 1, 1)
        order = UOp(ops.IOTA, dt.int64, (), steps)
        half = (steps + 1) // 2
        if not steps or not size:
            return cls.full((steps,), start, dtype=dtype, device=device)
        up = order.cast(dt.float32) * size + start
        down = (order * -1 + (steps - 1)).cast(dt.float32) * -size + end  # exact at the end, as torch
        return cls.constant((order < half).where(up, down).cast(dtype), device)

    @classmethod
    def logspace(
        cls,
        start: float,
        end: float,
        steps: int,
        base: float = 10.0,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> Self:
        """base ** linspace(start, end, steps). Errors: ShapeError unless base > 0."""
        if base <= 0:
            raise ShapeError(f"logspace to base {base}", why="a base is above 0", mend="give another base")
        octaves = cls.linspace(start * math.log2(base), end * math.log2(base), steps, device=device)
        return octaves.exp2().cast(dtype)

    @classmethod
    def empty(cls, *shape: Ints, dtype: DType = dt.float32, device: str | None = None) -> Self:
        """Zeros: nothing here has elements without a value."""
        return cls.full(check.shape_of(shape, "empty"), 0, dtype=dtype, device=device)

    def empty_like(self) -> Self:
        """Zeros in this tensor's shape and dtype."""
        return self.zeros_like()

    def new_full(self, shape: Sequence[int], value: Scalar) -> Self:
        """One value in a shape and this tensor's dtype."""
        return self.full(tuple(shape), value, dtype=self.dtype, device=self.device)

    def new_zeros(self, *shape: Ints) -> Self:
        """Zeros in a shape and this tensor's dtype."""
        return self.new_full(check.shape_of(shape, "new_zeros"), 0)

    def new_ones(self, *shape: Ints) -> Self:
        """Ones in a shape and this tensor's dtype."""
        return self.new_full(check.shape_of(shape, "new_ones"), 1)

    @classmethod
    def meshgrid(cls, tensors: Sequence[Self], indexing: str = "ij") -> list[Self]:
        """Vectors laid along one axis each of a common grid; "xy" exchanges the first two axes.

        Errors: ShapeError for a matrix, or another indexing.
        """
        if indexing not in ("ij", "xy") or any(t.ndim > 1 for t in tensors):
            raise ShapeError(
                f"meshgrid of {[t.shape for t in tensors]} with indexing {indexing!r}",
                why='it is of vectors, indexing is "ij" or "xy"',
                mend="flatten them",
            )
        shape = tuple(int(t.numel()) for t in tensors)
        ndim = len(shape)
        grids = [
            t.reshape((1,) * axis + (shape[axis],) + (1,) * (ndim - axis - 1)).expand(shape)
            for axis, t in enumerate(tensors)
        ]
        return [g.transpose(0, 1) for g in grids] if indexing == "xy" and ndim > 1 else grids

    @classmethod
    def cartesian_prod(cls, *tensors: Self) -> Self:
        """All choices of an element of each vector, one a row; of one vector itself."""
        if len(tensors) == 1:
            return tensors[0]
        return cls.stack([grid.reshape(-1) for grid in cls.meshgrid(tensors)], 1)

    @classmethod
    def block_diag(cls, *tensors: Self) -> Self:
        """Matrices along a diagonal, 0 elsewhere; vectors are rows."""
        every = [t if t.ndim == 2 else t.reshape(1, t.numel()) for t in tensors]
        width, before, rows = sum(t.shape[1] for t in every), 0, []
        for t in every:
            rows.append(t.pad([(0, 0), (before, width - before - t.shape[1])]))
            before += t.shape[1]
        return cls.cat(rows, 0)

    @classmethod
    def broadcast_tensors(cls, *tensors: Self) -> list[Self]:
        """All in the shape that they broadcast to."""
        shape = check.broadcast([t.shape for t in tensors], "broadcast_tensors")
        return [t.expand(shape) for t in tensors]

    @classmethod
    def hstack(cls, tensors: Sequence[Self]) -> Self:
        """Joined along axis 1; vectors along axis 0."""
        every = [t if t.ndim else t.reshape(1) for t in tensors]
        return cls.cat(every, 0 if every and every[0].ndim == 1 else 1)

    @classmethod
    def vstack(cls, tensors: Sequence[Self]) -> Self:
        """Joined along axis 0; vectors become rows."""
        return cls.cat([t if t.ndim > 1 else t.reshape(1, t.numel()) for t in tensors], 0)


def _lead(axis: int) -> tuple[builtins.slice, ...]:
    return (slice(None),) * axis
