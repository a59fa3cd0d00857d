"""Convolutions and pooling over any number of axes, by torch's names; those over 2 axes are in linear.py.

A convolution is one view of windows, one multiplication and one sum; a transposed one puts zeros between the
elements first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from baregrad.base.errors import ShapeError
from baregrad.ir import UOp
from baregrad.tensor import check
from baregrad.tensor.ops.products import Products

Sizes = int | Sequence[int]


class Windows(Products):
    """conv1d, conv3d, conv_transpose1d to 3d, pooling over 1 and 3 axes, interpolate."""

    __slots__ = ()

    @check.takes("int float")
    def conv1d(
        self,
        weight: Self,
        bias: Self | None = None,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Self:
        """Cross-correlation of lines with filters.

        Shapes: (n, groups * c, l), (out, c, k), (out,) -> (n, out, l') with
        l' = (l + 2 * padding - dilation * (k - 1) - 1) // stride + 1.
        Errors: ShapeError unless channels and groups agree and a window fits.
        """
        return self._convolved(weight, bias, 1, stride, padding, dilation, groups)

    @check.takes("int float")
    def conv3d(
        self,
        weight: Self,
        bias: Self | None = None,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Self:
        """Cross-correlation of volumes with filters, each axis as conv1d's.

        Shapes: (n, groups * c, d, h, w), (out, c, kd, kh, kw), (out,) -> (n, out, d', h', w').
        Errors: as conv1d.
        """
        return self._convolved(weight, bias, 3, stride, padding, dilation, groups)

    def _convolved(
        self,
        weight: Self,
        bias: Self | None,
        axes: int,
        stride: Sizes,
        padding: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Self:
        x, w = self._same_dtype(weight)
        if (
            (x.ndim, w.ndim) != (axes + 2, axes + 2)
            or groups < 1
            or x.shape[1] != groups * w.shape[1]
            or w.shape[0] % groups
        ):
            raise ShapeError(
                f"cannot convolve {x.shape} with {w.shape} in {groups} groups over {axes} axes",
                why="inputs are (n, groups * c, …), filters (out, c, …), groups divide out",
                mend="reshape, or give other groups",
            )
        n, (out, inner, *kernel) = x.shape[0], w.shape
        window = _Window(kernel, _each(stride, axes), _each(padding, axes), _each(dilation, axes))
        counts = window.counts(x.shape[2:])
        shape = (n, groups, out // groups, *counts, inner, *kernel)
        rows = window.rows((0, 1, 3 + axes), 3, 4 + axes, len(shape))

        def build(a: UOp, b: UOp) -> UOp:
            seen = a.reshape((n, groups, inner, *a.shape[2:])).view(shape, rows)
            filters = b.reshape((1, groups, out // groups, *(1,) * axes, inner, *kernel)).expand(shape)
            summed = tuple(range(3 + axes, 4 + 2 * axes))
            return (seen * filters).reduce("add", summed).reshape((n, out, *counts))

        result = x.apply(build, w)
        return result if bias is None else result + bias.reshape((1, out) + (1,) * axes)

    # -- transposed --------------------------------------------------------------------------------------

    @check.takes("int float")
    def conv_transpose1d(self, weight: Self, bias: Self | None = None, **facts: Sizes) -> Self:
        """The gradient of conv1d with respect to its input, with an input of gradients.

        Keywords: stride, padding, output_padding, groups, dilation. Shapes: (n, groups * c, l),
        (groups * c, out, k), (groups * out,) -> (n, groups * out, l') with
        l' = (l - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1.
        Errors: ShapeError unless channels and groups agree.
        """
        return self._spread(weight, bias, 1, **facts)

    @check.takes("int float")
    def conv_transpose2d(self, weight: Self, bias: Self | None = None, **facts: Sizes) -> Self:
        """As conv_transpose1d, over 2 axes."""
        return self._spread(weight, bias, 2, **facts)

    @check.takes("int float")
    def conv_transpose3d(self, weight: Self, bias: Self | None = None, **facts: Sizes) -> Self:
        """As conv_transpose1d, over 3 axes."""
        return self._spread(weight, bias, 3, **facts)

    def _spread(  # noqa: PLR0913 - each names a part of the formula
        self,
        weight: Self,
        bias: Self | None,
        axes: int,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: Sizes = 1,
        dilation: Sizes = 1,
    ) -> Self:
        if (
            (self.ndim, weight.ndim) != (axes + 2, axes + 2)
            or not isinstance(groups, int)
            or groups < 1
            or self.shape[1] != weight.shape[0]
            or self.shape[1] % groups
        ):
            raise ShapeError(
                f"cannot convolve {self.shape} transposed with {weight.shape} in {groups} groups",
                why="inputs are (n, c, …), filters (c, out, …), groups divide c",
                mend="reshape, or give other groups",
            )
        steps, pads, more, apart = (_each(v, axes) for v in (stride, padding, output_padding, dilation))
        kernel = weight.shape[2:]
        x = self
        for a, step in enumerate(steps):
            x = x._between(a + 2, step)
        room = [d * (k - 1) - p for d, k, p in zip(apart, kernel, pads, strict=True)]
        ends = [r + e for r, e in zip(room, more, strict=True)]
        x = x._padded_or_cut([(0, 0), (0, 0), *zip(room, ends, strict=True)])
        inner, out = self.shape[1] // groups, weight.shape[1]
        turned = weight.flip(*range(2, axes + 2)).reshape(groups, inner, out, *kernel).transpose(1, 2)
        return x._convolved(turned.reshape(groups * out, inner, *kernel), bias, axes, 1, 0, apart, groups)

    def _between(self, axis: int, step: int) -> Self:
        """step - 1 zeros between the elements of an axis."""
        if step == 1:
            return self
        room = [(0, 0)] * (self.ndim + 1)
        room[axis + 1] = (0, step - 1)
        shape = (*self.shape[:axis], self.shape[axis] * step, *self.shape[axis + 1 :])
        wide = self.unsqueeze(axis + 1).pad(room).reshape(shape)
        return wide.narrow(axis, 0, max(0, (self.shape[axis] - 1) * step + 1))

    def _padded_or_cut(self, amounts: Sequence[tuple[int, int]]) -> Self:
        """Zeros at each end, or fewer elements for a negative amount."""
        padded = self.pad([(max(0, a), max(0, b)) for a, b in amounts])
        cut = [(max(0, -a), n - max(0, -b)) for (a, b), n in zip(amounts, padded.shape, strict=True)]
        return padded.shrink(cut)

    # -- pooling -----------------------------------------------------------------------------------------

    def max_pool1d(self, size: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0) -> Self:
        """The greatest element of each window of the last axis; stride defaults to size."""
        return self._pooled_max(1, size, stride, padding)

    def max_pool3d(self, size: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0) -> Self:
        """The greatest element of each window of the last 3 axes; stride defaults to size."""
        return self._pooled_max(3, size, stride, padding)

    def avg_pool1d(self, size: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0) -> Self:
        """The mean of each window of the last axis, padding counted in; stride defaults to size."""
        return self._pools(1, size, stride, padding).mean(-1)

    def avg_pool3d(self, size: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0) -> Self:
        """The mean of each window of the last 3 axes, padding counted in; stride defaults to size."""
        return self._pools(3, size, stride, padding).mean((-3, -2, -1))

    def _pooled_max(self, axes: int, size: Sizes, stride: Sizes | None, padding: Sizes) -> Self:
        pads = _each(padding, axes)
        x = self._laid_down() if self.requires_grad else self
        if any(pads) and self.ndim >= axes:
            least = check.least(self.dtype)
            x = x.pad([(0, 0)] * (self.ndim - axes) + [(p, p) for p in pads], least)
        return x._pools(axes, size, stride, 0).max(tuple(range(-axes, 0)))

    def _pools(self, axes: int, size: Sizes, stride: Sizes | None, padding: Sizes) -> Self:
        """The windows of the last axes, one axis inside of each."""
        if self.ndim < axes:
            raise ShapeError(
                f"pooling of {self.shape} over {axes} axes", why="it lacks axes", mend="reshape it"
            )
        kernel = _each(size, axes)
        step = kernel if stride is None else _each(stride, axes)
        window = _Window(kernel, step, _each(padding, axes), (1,) * axes)
        lead = self.ndim - axes
        shape = (*self.shape[:lead], *window.counts(self.shape[lead:]), *kernel)
        rows = window.rows(tuple(range(lead)), lead, lead + axes, len(shape))
        return self.apply(lambda x: x.view(shape, rows))

    # -- other sizes -------------------------------------------------------------------------------------

    def interpolate(self, size: Sizes | None = None, *, scale_factor: int | None = None) -> Self:
        """The axes after the second in other sizes, by the nearest element before: floor(i * old / new).

        Shapes: (n, channels, …) -> (n, channels, *size). Errors: ShapeError unless just one of size and
        scale_factor is given, or for an empty axis.
        """
        axes = self.ndim - 2
        if axes < 1 or (size is None) == (scale_factor is None) or 0 in self.shape[2:]:
            raise ShapeError(
                f"interpolate of {self.shape} to size {size} by {scale_factor}",
                why="inputs are (n, channels, …) with elements, and one of size and scale_factor is given",
                mend="give one of them",
            )
        if scale_factor is not None:
            wanted = tuple(n * scale_factor for n in self.shape[2:])
        else:
            wanted = _each(size if size is not None else 1, axes)
        x = self
        for axis, new in enumerate(wanted, 2):
            x = x._nearest(axis, new)
        return x

    def _nearest(self, axis: int, new: int) -> Self:
        old = self.shape[axis]
        if new % old == 0:
            return self.repeat_interleave(new // old, axis)
        places = (self._places(new, 0, 1) * old) // new
        return self._gathered(self._along(places, axis), axis)


class _Window:
    """Kernel, stride, padding and dilation of each axis."""

    __slots__ = ("dilation", "kernel", "padding", "stride")

    def __init__(
        self, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
    ) -> None:
        self.kernel, self.stride, self.padding, self.dilation = kernel, stride, padding, dilation

    def counts(self, sizes: Sequence[int]) -> list[int]:
        """How many windows there are along each axis."""
        counts = []
        facts = zip(sizes, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        for size, k, s, p, d in facts:
            room = size + 2 * p - d * (k - 1) - 1
            if room < 0 or s < 1 or d < 1 or p < 0 or k < 1:
                raise ShapeError(
                    f"windows of {tuple(self.kernel)} on {tuple(sizes)}: stride {tuple(self.stride)}, "
                    f"padding {tuple(self.padding)}, dilation {tuple(self.dilation)}",
                    why="a window must fit, strides and dilations are at least 1, padding at least 0",
                    mend="pad more, or use smaller windows",
                )
            counts.append(room // s + 1)
        return counts

    def rows(
        self, lead: Sequence[int], first: int, inside: int, ndim: int
    ) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Rows of a VIEW: leading source axes at the result's axes `lead`, then the windows' axes: places
        from `first` on, elements from `inside` on.
        """
        found = [(0, tuple(int(a == axis) for a in range(ndim))) for axis in lead]
        for i, (s, p, d) in enumerate(zip(self.stride, self.padding, self.dilation, strict=True)):
            steps = [0] * ndim
            steps[first + i], steps[inside + i] = s, d
            found.append((-p, tuple(steps)))
        return tuple(found)


def _each(value: Sizes, axes: int) -> tuple[int, ...]:
    """One number an axis."""
    sizes = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(sizes) != axes:
        raise ShapeError(f"{sizes} for {axes} axes", why="one number for each", mend="give as many")
    return sizes
