"""Convolutions over 1 to 3 axes, by torch's names: one view of windows, one multiplication and one sum.

A transposed one puts zeros between the elements first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.ir import UOp
from baregrad.tensor import check
from baregrad.tensor.base import TensorBase
from baregrad.tensor.ops.products import Products
from baregrad.tensor.ops.windows import Sizes, Windows, each


class Convolution(Products):
    """conv1d to conv3d, conv_transpose1d to conv_transpose3d."""

    __slots__ = ()

    @check.takes("int float")
    def conv1d(
        self,
        weight: TensorBase,
        bias: TensorBase | None = None,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Self:
        """Cross-correlation of lines with filters.

        padding "same" gives as many places as there were (with stride 1), "valid" is 0.
        Shapes: (n, groups * c, l), (out, c, k), (out,) -> (n, out, l') with
        l' = (l + 2 * padding - dilation * (k - 1) - 1) // stride + 1; without n, too.
        Errors: ShapeError unless channels and groups agree and a window fits.
        """
        return self._convolved(weight, bias, 1, stride, padding, dilation, groups)

    @check.takes("int float")
    def conv2d(
        self,
        weight: TensorBase,
        bias: TensorBase | None = None,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Self:
        """Cross-correlation of images with filters, each axis as conv1d's.

        Shapes: (n, groups * c, h, w), (out, c, kh, kw), (out,) -> (n, out, h', w'). Errors: as conv1d.
        """
        return self._convolved(weight, bias, 2, stride, padding, dilation, groups)

    @check.takes("int float")
    def conv3d(
        self,
        weight: TensorBase,
        bias: TensorBase | None = None,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
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
        weight: TensorBase,
        bias: TensorBase | None,
        axes: int,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        groups: int,
    ) -> Self:
        x, w = self._same_dtype(weight)
        if x.ndim == axes + 1 and w.ndim == axes + 2:  # one image
            return x.unsqueeze(0)._convolved(w, bias, axes, stride, padding, dilation, groups).squeeze(0)
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
        windows = _windows(kernel, stride, padding, dilation)
        counts = windows.counts(x.shape[2:])
        shape = (n, groups, out // groups, *counts, inner, *kernel)
        rows = windows.rows((0, 1, 3 + axes), 3, 4 + axes, len(shape))

        def build(a: UOp, b: UOp) -> UOp:
            seen = a.reshape((n, groups, inner, *a.shape[2:])).view(shape, rows)
            filters = b.reshape((1, groups, out // groups, *(1,) * axes, inner, *kernel)).expand(shape)
            summed = tuple(range(3 + axes, 4 + 2 * axes))
            return (seen * filters).reduce("add", summed).reshape((n, out, *counts))

        result = x.apply(build, w)
        return result if bias is None else result + bias.reshape((1, out) + (1,) * axes)  # type: ignore[attr-defined]

    def _same_dtype(self, other: TensorBase) -> tuple[Self, Self]:
        dtype = dt.result_dtype(self.dtype, other.dtype)
        return self.cast(dtype), other.cast(dtype)  # type: ignore[attr-defined]  # one public class

    # -- transposed --------------------------------------------------------------------------------------

    @check.takes("int float")
    def conv_transpose1d(
        self,
        weight: Self,
        bias: Self | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Self:
        """The gradient of conv1d with respect to its input, with an input of gradients.

        Shapes: (n, groups * c, l), (groups * c, out, k), (groups * out,) -> (n, groups * out, l') with
        l' = (l - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1.
        Errors: ShapeError unless channels and groups agree.
        """
        return self._spread(weight, bias, 1, stride, padding, output_padding, groups, dilation)

    @check.takes("int float")
    def conv_transpose2d(
        self,
        weight: Self,
        bias: Self | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Self:
        """As conv_transpose1d, over 2 axes."""
        return self._spread(weight, bias, 2, stride, padding, output_padding, groups, dilation)

    @check.takes("int float")
    def conv_transpose3d(
        self,
        weight: Self,
        bias: Self | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Self:
        """As conv_transpose1d, over 3 axes."""
        return self._spread(weight, bias, 3, stride, padding, output_padding, groups, dilation)

    def _spread(  # noqa: PLR0913 - torch's arguments
        self,
        weight: Self,
        bias: Self | None,
        axes: int,
        stride: Sizes,
        padding: Sizes,
        output_padding: Sizes,
        groups: int,
        dilation: Sizes,
    ) -> Self:
        if self.ndim == axes + 1 and weight.ndim == axes + 2:  # one image
            one = self.unsqueeze(0)
            found = one._spread(weight, bias, axes, stride, padding, output_padding, groups, dilation)
            return found.squeeze(0)
        if (
            (self.ndim, weight.ndim) != (axes + 2, axes + 2)
            or groups < 1
            or self.shape[1] != weight.shape[0]
            or self.shape[1] % groups
        ):
            raise ShapeError(
                f"cannot convolve {self.shape} transposed with {weight.shape} in {groups} groups",
                why="inputs are (n, c, …), filters (c, out, …), groups divide c",
                mend="reshape, or give other groups",
            )
        steps, pads, more, apart = (each(v, axes) for v in (stride, padding, output_padding, dilation))
        if any(m >= max(s, d) for m, s, d in zip(more, steps, apart, strict=True)):
            raise ShapeError(
                f"output_padding {more} with stride {steps} and dilation {apart}",
                why="there is no choice of so many sizes",
                mend="give less than the stride or the dilation",
            )
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


def _windows(kernel: Sequence[int], stride: Sizes, padding: Sizes | str, dilation: Sizes) -> Windows:
    """The windows of a convolution; padding by name is computed, half of it before the axis."""
    axes = len(kernel)
    if not isinstance(padding, str):
        return Windows(axes, kernel, stride, padding, dilation)
    if padding not in ("same", "valid") or (padding == "same" and set(each(stride, axes)) != {1}):
        raise ShapeError(
            f"padding {padding!r} with stride {stride}",
            why='padding by name is "same", with stride 1, or "valid"',
            mend="give numbers",
        )
    sizes = zip(kernel, each(dilation, axes), strict=True)
    totals = [(k - 1) * d if padding == "same" else 0 for k, d in sizes]
    before = [total // 2 for total in totals]
    after = [total - half for total, half in zip(totals, before, strict=True)]
    return Windows(axes, kernel, stride, before, dilation, after=after)
