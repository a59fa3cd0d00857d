"""Pooling over the last 1 to 3 axes, by torch's names: windows as views, reduced over their own axes.

Adaptive pooling has windows of about equal size: a mask of counted places for each axis, or plain windows
where the sizes divide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

from baregrad.base.errors import ShapeError
from baregrad.tensor import check
from baregrad.tensor.ops.convolution import Convolution
from baregrad.tensor.ops.windows import Sizes, Windows

Wanted = int | None | Sequence[int | None]


class Pooling(Convolution):
    """max, mean and norm of windows."""

    __slots__ = ()

    # -- greatest ----------------------------------------------------------------------------------------

    def max_pool1d(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # Any: a tensor, or two
        """The greatest element of each window of the last axis; stride defaults to the window's size.

        With return_indices also its first place in the axes that are pooled, joined to one, as int64. Where
        several are greatest they share the gradient. Shapes: as conv1d counts; ceil_mode counts windows that
        end outside. Errors: ShapeError unless a window fits.
        """
        windows = Windows(1, kernel_size, stride, padding, dilation, ceil=ceil_mode)
        return self._pooled_max(1, windows, return_indices)

    def max_pool2d(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # Any: a tensor, or two
        """As max_pool1d, of the last 2 axes."""
        windows = Windows(2, kernel_size, stride, padding, dilation, ceil=ceil_mode)
        return self._pooled_max(2, windows, return_indices)

    def max_pool3d(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # Any: a tensor, or two
        """As max_pool1d, of the last 3 axes."""
        windows = Windows(3, kernel_size, stride, padding, dilation, ceil=ceil_mode)
        return self._pooled_max(3, windows, return_indices)

    def _pooled_max(self, axes: int, windows: Windows, indices: bool) -> Self | tuple[Self, Self]:
        inside = tuple(range(-axes, 0))
        x = self._laid_down() if self.requires_grad else self  # the image, not its windows
        seen = x._seen(axes, windows, check.least(self.dtype))
        values = seen.max(inside)
        if not indices:
            return values
        within = self.full(self.shape[self.ndim - axes :], True, device=self.device)
        within = within._seen(axes, windows, 0).flatten(-axes)  # not the padding
        flat = seen.detach().flatten(-axes)
        hit = (flat.eq(values.detach().unsqueeze(-1)) | flat.ne(flat)) & within
        inner = flat.shape[-1]
        places = self._places(inner, 0, 1).expand(flat.shape).where(hit, inner)._reduce("min", -1, False)
        found = places.zeros_like()
        rest = places
        for axis in reversed(range(axes)):
            k, s, p, d = (
                f[axis] for f in (windows.kernel, windows.stride, windows.padding, windows.dilation)
            )
            begin = self._places(values.shape[axis - axes], axis, axes) * s - p
            at = begin + (rest % k) * d
            rest = rest // k
            found = found + at * math.prod(self.shape[self.ndim - axes + axis + 1 :])
        return values, found

    # -- means -------------------------------------------------------------------------------------------

    def avg_pool1d(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Self:
        """The mean of each window of the last axis; stride defaults to the window's size.

        Padding is counted unless count_include_pad is false; what ceil_mode adds never is. Shapes: as
        max_pool1d. Errors: ShapeError unless a window fits.
        """
        windows = Windows(1, kernel_size, stride, padding, ceil=ceil_mode)
        return self._pooled_mean(1, windows, count_include_pad, None)

    def avg_pool2d(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Self:
        """As avg_pool1d, of the last 2 axes; divisor_override is divided by instead."""
        windows = Windows(2, kernel_size, stride, padding, ceil=ceil_mode)
        return self._pooled_mean(2, windows, count_include_pad, divisor_override)

    def avg_pool3d(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Self:
        """As avg_pool1d, of the last 3 axes; divisor_override is divided by instead."""
        windows = Windows(3, kernel_size, stride, padding, ceil=ceil_mode)
        return self._pooled_mean(3, windows, count_include_pad, divisor_override)

    def _pooled_mean(self, axes: int, windows: Windows, include: bool, divisor: int | None) -> Self:
        x = self.cast(check.float_dtype(self.dtype, "avg_pool"))
        seen = x._seen(axes, windows, 0)
        inside = tuple(range(-axes, 0))
        if divisor is not None:
            return seen.sum(inside) * (1 / divisor)
        if not windows.ceil and (include or not any(windows.padding)):
            return seen.mean(inside)
        ones = x.full(self.shape[self.ndim - axes :], 1.0, dtype=x.dtype, device=self.device)
        counted, counts = windows, list(seen.shape[self.ndim - axes : self.ndim])
        if include:  # padding is counted, what lies behind it is not
            ones = ones.pad([(p, p) for p in windows.padding], 1.0)
            counted = Windows(axes, windows.kernel, windows.stride)
        return seen.sum(inside) / ones._viewed(axes, counted, counts).sum(inside)

    @check.takes("float")
    def lp_pool1d(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> Self:
        """sum(x ** p) ** (1 / p) of each window of the last axis, of |x| with the sign of the sum."""
        return self._pooled_norm(1, norm_type, Windows(1, kernel_size, stride, ceil=ceil_mode))

    @check.takes("float")
    def lp_pool2d(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> Self:
        """As lp_pool1d, of the last 2 axes."""
        return self._pooled_norm(2, norm_type, Windows(2, kernel_size, stride, ceil=ceil_mode))

    def _pooled_norm(self, axes: int, p: float, windows: Windows) -> Self:
        total = self.pow(p)._seen(axes, windows, 0).sum(tuple(range(-axes, 0)))
        return (total.sign() * total.abs().relu()).pow(1 / p)

    # -- windows -----------------------------------------------------------------------------------------

    def _seen(self, axes: int, windows: Windows, outside: float) -> Self:
        """The windows of the last axes, one axis inside of each, with a value outside of the tensor."""
        if self.ndim < axes:
            raise ShapeError(
                f"pooling of {self.shape} over {axes} axes", why="it lacks axes", mend="reshape it"
            )
        effective = zip(windows.kernel, windows.dilation, windows.padding, strict=True)
        if any(p > (d * (k - 1) + 1) // 2 for k, d, p in effective):
            raise ShapeError(
                f"pooling with padding {windows.padding} of windows of {windows.kernel}",
                why="a window would lie outside",
                mend="pad by at most half a window",
            )
        lead = self.ndim - axes
        sizes = self.shape[lead:]
        counts = windows.counts(sizes)
        if windows.tiles(sizes):
            apart = [n for pair in zip(counts, windows.kernel, strict=True) for n in pair]
            order = (*range(lead), *range(lead, self.ndim + axes, 2), *range(lead + 1, self.ndim + axes, 2))
            return self.reshape(*self.shape[:lead], *apart).permute(order)
        x, view = self, windows
        if outside != 0:
            facts = zip(sizes, counts, windows.kernel, windows.stride, windows.dilation, strict=True)
            ends = [(count - 1) * s + d * (k - 1) + 1 - size for size, count, k, s, d in facts]
            room = [(p, max(0, end - p)) for p, end in zip(windows.padding, ends, strict=True)]
            if any(n for pair in room for n in pair):
                x = x.pad([(0, 0)] * lead + room, outside)
            view = Windows(axes, windows.kernel, windows.stride, 0, windows.dilation)
        return x._viewed(axes, view, counts)

    def _viewed(self, axes: int, windows: Windows, counts: Sequence[int]) -> Self:
        """So many windows of the last axes, 0 outside of the tensor."""
        lead = self.ndim - axes
        shape = (*self.shape[:lead], *counts, *windows.kernel)
        rows = windows.rows(tuple(range(lead)), lead, lead + axes, len(shape))
        return self.apply(lambda u: u.view(shape, rows))

    # -- adaptive ----------------------------------------------------------------------------------------

    def adaptive_avg_pool1d(self, output_size: Wanted) -> Self:
        """The mean of windows from floor(i * n / size) to ceil((i + 1) * n / size) of the last axis.

        None keeps a size. Shapes: (…, n) -> (…, size). Errors: ShapeError for other counts, or no elements.
        """
        return self._adapted_mean(1, output_size)

    def adaptive_avg_pool2d(self, output_size: Wanted) -> Self:
        """As adaptive_avg_pool1d, of the last 2 axes."""
        return self._adapted_mean(2, output_size)

    def adaptive_avg_pool3d(self, output_size: Wanted) -> Self:
        """As adaptive_avg_pool1d, of the last 3 axes."""
        return self._adapted_mean(3, output_size)

    @check.takes("float")
    def adaptive_max_pool1d(
        self, output_size: Wanted, return_indices: bool = False
    ) -> Any:  # Any: a tensor, or two
        """The greatest element of windows as adaptive_avg_pool1d's; with its place as max_pool1d's."""
        return self._adapted_max(1, output_size, return_indices)

    @check.takes("float")
    def adaptive_max_pool2d(
        self, output_size: Wanted, return_indices: bool = False
    ) -> Any:  # Any: a tensor, or two
        """As adaptive_max_pool1d, of the last 2 axes."""
        return self._adapted_max(2, output_size, return_indices)

    @check.takes("float")
    def adaptive_max_pool3d(
        self, output_size: Wanted, return_indices: bool = False
    ) -> Any:  # Any: a tensor, or two
        """As adaptive_max_pool1d, of the last 3 axes."""
        return self._adapted_max(3, output_size, return_indices)

    def _wanted(self, axes: int, given: Wanted) -> list[tuple[int, int]]:
        """(size, wanted size) of each axis."""
        each_axis = (given,) * axes if given is None or isinstance(given, int) else tuple(given)
        sizes = self.shape[self.ndim - axes :] if self.ndim >= axes else ()
        if len(each_axis) != axes or not sizes or 0 in sizes or any((n or 0) < 0 for n in each_axis):
            raise ShapeError(
                f"adaptive pooling of {self.shape} to {given}",
                why=f"the last {axes} axes have elements, and each a wanted size or None",
                mend="give as many",
            )
        return [(n, n if w is None else w) for n, w in zip(sizes, each_axis, strict=True)]

    def _within(self, size: int, wanted: int) -> Self:
        """Which element of an axis is in which window. Shape: (wanted, size)."""
        window, place = self._places(wanted, 0, 2), self._places(size, 1, 2)
        begin = (window * size) // wanted
        end = ((window + 1) * size + (wanted - 1)) // wanted
        return (place >= begin) & (place < end)

    def _adapted_mean(self, axes: int, given: Wanted) -> Self:
        x = self.cast(check.float_dtype(self.dtype, "adaptive_avg_pool"))
        for axis, (size, wanted) in enumerate(self._wanted(axes, given), self.ndim - axes):
            if wanted and size % wanted == 0:
                x = x.unflatten(axis, (wanted, size // wanted)).mean(axis + 1)
                continue
            within = x._within(size, wanted)
            count = within.sum(-1).cast(x.dtype)
            last = x.movedim(axis, -1)
            x = (last.unsqueeze(-2).where(within, 0).sum(-1) / count).movedim(-1, axis)
        return x

    def _adapted_max(self, axes: int, given: Wanted, indices: bool) -> Self | tuple[Self, Self]:
        x, pairs = (self._laid_down() if self.requires_grad else self), self._wanted(axes, given)
        least = check.least(self.dtype)
        for axis, (size, wanted) in enumerate(pairs, self.ndim - axes):
            if wanted and size % wanted == 0:
                x = x.unflatten(axis, (wanted, size // wanted)).max(axis + 1)
                continue
            last = x.movedim(axis, -1).unsqueeze(-2)
            x = last.where(x._within(size, wanted), least).max(-1).movedim(-1, axis)
        if not indices:
            return x
        mask: Self | None = None  # (all windows, all elements)
        for size, wanted in pairs:
            within = self._within(size, wanted)
            if mask is None:
                mask = within
                continue
            joined = mask.unsqueeze(1).unsqueeze(3) & within.unsqueeze(1).unsqueeze(0)
            mask = joined.reshape(mask.shape[0] * wanted, mask.shape[1] * size)
        assert mask is not None, "there is at least one axis"
        flat = self.detach().flatten(-axes).unsqueeze(-2)
        return x, flat.where(mask, least).argmax(-1).reshape(x.shape)
