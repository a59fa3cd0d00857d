"""Other sizes: interpolation, padding by elements, windows laid out as columns and back. Names are torch's.

An axis is interpolated by itself: a few elements of it are gathered for each place and added by weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.dtype import DType
from baregrad.ir import Symbolic
from baregrad.tensor.ops.pooling import Pooling
from baregrad.tensor.ops.windows import Sizes, Windows, each

AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
MODES = ("nearest", "nearest-exact", "area", *AXES)
CUBIC = -0.75  # Source: Keys 1981, eq. 8, with PyTorch's slope


class Resize(Pooling):
    """interpolate, pad_mode, im2col, col2im."""

    __slots__ = ()

    def interpolate(
        self,
        size: Sizes | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> Self:
        """The axes after the second in other sizes.

        mode nearest: the element at floor(i * old / new); nearest-exact: at floor((i + 0.5) * old / new);
        linear, bilinear, trilinear (1, 2, 3 axes): between the two around (i + 0.5) * old / new - 0.5;
        bicubic: of the four around it; area: adaptive_avg_pool. align_corners: first and last elements stay.
        Shapes: (n, channels, …) -> (n, channels, *size). Errors: ShapeError unless just one of size and
        scale_factor is given, for another mode, or an empty axis.
        """
        axes = self.ndim - 2
        linear = mode in AXES
        if (
            axes < 1
            or (size is None) == (scale_factor is None)
            or 0 in self.shape[2:]
            or mode not in MODES
            or (linear and AXES[mode] != axes)
            or (align_corners is not None and not linear)
        ):
            raise ShapeError(
                f"interpolate of {self.shape} to size {size} by {scale_factor}, {mode!r}",
                why="inputs are (n, channels, …) with elements, one of size and scale_factor is given, "
                f"the mode is one of {', '.join(MODES)}, of as many axes, align_corners for linear ones",
                mend="give one of them, or another mode",
            )
        if any(isinstance(n, Symbolic) for n in self.shape[2:]):
            raise ShapeError(
                f"interpolate of {self.shape}",
                why="the axes behind the second are symbolic, and places are made of their numbers",
                mend="give it the part of a tensor whose sizes are numbers",
            )
        factors = self._factors(axes, scale_factor)
        wanted = (
            each(size, axes)
            if size is not None
            else tuple(math.floor(n * f) for n, f in zip(self.shape[2:], factors, strict=True))
        )
        if mode == "area":
            return self._adapted_mean(axes, wanted)
        kept = scale_factor is not None and not recompute_scale_factor
        x = self
        for axis, new in enumerate(wanted, 2):
            x = x._resampled(axis, new, mode, bool(align_corners), factors[axis - 2] if kept else 0.0)
        return x

    def _factors(self, axes: int, given: float | Sequence[float] | None) -> tuple[float, ...]:
        factors = tuple(given) if isinstance(given, Sequence) else (1.0 if given is None else given,) * axes
        if len(factors) != axes or min(factors) <= 0:
            raise ShapeError(
                f"scale_factor {given} for {axes} axes",
                why="one number above 0 for each",
                mend="give as many",
            )
        return factors

    def _resampled(self, axis: int, new: int, mode: str, align: bool, factor: float) -> Self:
        """One axis in another size."""
        old = self.shape[axis]
        whole = mode in ("nearest", "nearest-exact")
        wide: DType = dt.float64 if self.dtype is dt.float64 else dt.float32
        found = 1 / factor if factor else old / max(new, 1)
        step = dt.round_list(dt.float32 if whole else wide, [found])[0]  # of floats for places, as torch
        if old == new and step == 1.0:
            return self
        if whole and new % old == 0 and step == old / new:
            return self.repeat_interleave(new // old, axis)
        places = self._places(new, axis, self.ndim).cast(wide)
        if whole:
            at = (places + 0.5 if mode == "nearest-exact" else places) * step
            return self._at(at.floor().cast(dt.int64), axis)
        if not self.dtype.is_float:
            raise ShapeError(f"interpolate of {self.dtype}", why="it is of floats", mend="cast it")
        if align:
            source = places * ((old - 1) / (new - 1) if new > 1 else 0.0)
        else:
            source = (places + 0.5) * step - 0.5
            source = source if mode == "bicubic" else source.maximum(0)
        low = source.floor()
        part, first = (source - low).cast(self.dtype), low.cast(dt.int64)
        if mode == "bicubic":
            weights = (_far(part + 1), _near(part), _near(-part + 1), _far(-part + 2))
            terms = [self._at(first + (i - 1), axis) * w for i, w in enumerate(weights)]
            return terms[0] + terms[1] + terms[2] + terms[3]
        return self._at(first, axis) * (-part + 1) + self._at(first + 1, axis) * part

    def _at(self, places: Self, axis: int) -> Self:
        """The elements at places of an axis, which are limited to it."""
        shape = (*self.shape[:axis], places.shape[axis], *self.shape[axis + 1 :])
        index = places.clamp(0, self.shape[axis] - 1).expand(shape)
        return self._gathered(index, axis)

    # -- padding by elements -----------------------------------------------------------------------------

    def pad_mode(self, amounts: Sequence[tuple[int, int]], mode: str = "reflect") -> Self:
        """(before, after) elements more at the ends of the last axes, taken from the tensor.

        reflect: mirrored at the end elements, which stand once; replicate: the end elements repeated;
        circular: from the other end. Shapes: (…, d) -> (…, before + d + after).
        Errors: ShapeError for another mode, negative amounts, or more than there is to take.
        """
        axes = len(amounts)
        sizes = self.shape[self.ndim - axes :] if axes <= self.ndim else ()
        most = {"reflect": -1, "circular": 0}
        good = mode in ("reflect", "replicate", "circular") and len(sizes) == axes
        for size, pair in zip(sizes, amounts, strict=False):
            limit = size + most[mode] if mode in most else math.inf
            good = good and size > 0 and all(0 <= n <= limit for n in pair)
        if not good:
            raise ShapeError(
                f"pad_mode of {self.shape} by {tuple(amounts)}, {mode!r}",
                why="the mode is reflect (less than the axis), replicate or circular (at most the axis)",
                mend="pad less",
            )
        x = self
        for axis, (before, after) in enumerate(amounts, self.ndim - axes):
            if before or after:
                x = x._lengthened(axis, before, after, mode)
        return x

    def _lengthened(self, axis: int, before: int, after: int, mode: str) -> Self:
        size = self.shape[axis]
        if mode == "replicate":
            places = self._places(size + before + after, axis, self.ndim) - before
            return self._at(places, axis)
        if mode == "reflect":
            left = self.narrow(axis, 1, before).flip(axis)
            right = self.narrow(axis, size - 1 - after, after).flip(axis)
        else:
            left, right = self.narrow(axis, size - before, before), self.narrow(axis, 0, after)
        return self.cat([part for part in (left, self, right) if part.shape[axis]], axis)

    # -- windows as columns ------------------------------------------------------------------------------

    def im2col(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Self:
        """Windows of images as columns: torch's functional unfold.

        Shapes: (n, c, h, w) -> (n, c * kh * kw, number of windows). Errors: ShapeError unless a window fits.
        """
        if self.ndim == 3:
            return self.unsqueeze(0).im2col(kernel_size, dilation, padding, stride).squeeze(0)
        if self.ndim != 4:
            raise ShapeError(f"im2col of {self.shape}", why="images are (n, c, h, w)", mend="reshape it")
        windows = Windows(2, kernel_size, stride, padding, dilation)
        high, wide = windows.counts(self.shape[2:])
        n, channels = self.shape[:2]
        shape = (n, channels, *windows.kernel, high, wide)
        rows = windows.rows((0, 1), 4, 2, 6)
        seen = self.apply(lambda x: x.view(shape, rows))
        return seen.reshape(n, channels * math.prod(windows.kernel), high * wide)

    def col2im(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> Self:
        """Columns added up to the images whose windows they would be: torch's functional fold.

        Shapes: (n, c * kh * kw, number of windows) -> (n, c, h, w). Errors: ShapeError unless they fit.
        """
        if self.ndim == 2:
            return self.unsqueeze(0).col2im(output_size, kernel_size, dilation, padding, stride).squeeze(0)
        size = each(output_size, 2)
        windows = Windows(2, kernel_size, stride, padding, dilation)
        counts, inside = windows.counts(size), math.prod(windows.kernel)
        if self.ndim != 3 or self.shape[1] % inside or self.shape[2] != math.prod(counts):
            raise ShapeError(
                f"col2im of {self.shape} to {size} with windows of {windows.kernel}",
                why=f"columns are (n, c * {inside}, {math.prod(counts)})",
                mend="give the sizes that im2col had",
            )
        n, channels = self.shape[0], self.shape[1] // inside
        x = self.reshape(n * channels, inside, *counts)
        each_place = self.full((inside, inside), 0, dtype=self.dtype, device=self.device)
        same = self._places(inside, 0, 2).eq(self._places(inside, 1, 2))
        filters = (each_place + 1).where(same, 0).reshape(inside, 1, *windows.kernel)
        facts = zip(counts, windows.kernel, windows.stride, windows.dilation, strict=True)
        ends = [(count - 1) * s + d * (k - 1) + 1 for count, k, s, d in facts]
        added = x.conv_transpose2d(filters, None, windows.stride, 0, 0, 1, windows.dilation)
        room = [(-p, wanted + p - end) for wanted, p, end in zip(size, windows.padding, ends, strict=True)]
        return added._padded_or_cut([(0, 0), (0, 0), *room]).reshape(n, channels, *size)


def _near(t: Resize) -> Resize:
    """The cubic weight of an element at a distance up to 1."""
    return ((t * (CUBIC + 2)) - (CUBIC + 3)) * t * t + 1


def _far(t: Resize) -> Resize:
    """The cubic weight of an element at a distance from 1 to 2."""
    return ((t * CUBIC - 5 * CUBIC) * t + 8 * CUBIC) * t - 4 * CUBIC
