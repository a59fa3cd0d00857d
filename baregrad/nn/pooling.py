"""Pooling and resizing as layers: each is the method of Tensor that it names, with arguments of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baregrad.base.errors import BaregradError
from baregrad.nn.method import Method
from baregrad.nn.module import Module
from baregrad.tensor import Tensor

# Torch's layers have the last two the other way round than its functions.
_GREATEST = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")


class MaxPool1d(Method):
    """Tensor.max_pool1d with arguments."""

    method = "max_pool1d"
    places = _GREATEST


class MaxPool2d(Method):
    """Tensor.max_pool2d with arguments."""

    method = "max_pool2d"
    places = _GREATEST


class MaxPool3d(Method):
    """Tensor.max_pool3d with arguments."""

    method = "max_pool3d"
    places = _GREATEST


class AvgPool1d(Method):
    """Tensor.avg_pool1d with arguments."""

    method = "avg_pool1d"


class AvgPool2d(Method):
    """Tensor.avg_pool2d with arguments."""

    method = "avg_pool2d"


class AvgPool3d(Method):
    """Tensor.avg_pool3d with arguments."""

    method = "avg_pool3d"


class AdaptiveAvgPool1d(Method):
    """Tensor.adaptive_avg_pool1d with arguments."""

    method = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(Method):
    """Tensor.adaptive_avg_pool2d with arguments."""

    method = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(Method):
    """Tensor.adaptive_avg_pool3d with arguments."""

    method = "adaptive_avg_pool3d"


class AdaptiveMaxPool1d(Method):
    """Tensor.adaptive_max_pool1d with arguments."""

    method = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(Method):
    """Tensor.adaptive_max_pool2d with arguments."""

    method = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(Method):
    """Tensor.adaptive_max_pool3d with arguments."""

    method = "adaptive_max_pool3d"


class LPPool1d(Method):
    """Tensor.lp_pool1d with arguments."""

    method = "lp_pool1d"


class LPPool2d(Method):
    """Tensor.lp_pool2d with arguments."""

    method = "lp_pool2d"


class PixelShuffle(Method):
    """Tensor.pixel_shuffle with arguments."""

    method = "pixel_shuffle"


class PixelUnshuffle(Method):
    """Tensor.pixel_unshuffle with arguments."""

    method = "pixel_unshuffle"


class Unfold(Method):
    """Tensor.im2col of images: windows as columns."""

    method = "im2col"


class Fold(Method):
    """Tensor.col2im: columns back to images."""

    method = "col2im"


class Upsample(Method):
    """Tensor.interpolate with arguments."""

    method = "interpolate"


class UpsamplingNearest2d(Upsample):
    """Upsample of images to the nearest element before."""


class UpsamplingBilinear2d(Upsample):
    """Upsample of images between elements, first and last ones kept."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:  # Any: as interpolate's
        super().__init__(size, scale_factor, "bilinear", True)


class _Pad(Module):
    """Elements more at the ends of the last axes, torch's amounts: (before, after) of the last axis first."""

    axes: int
    mode: str

    def __init__(self, padding: int | Sequence[int], value: float = 0.0) -> None:
        flat = (padding,) * (2 * self.axes) if isinstance(padding, int) else tuple(padding)
        if len(flat) != 2 * self.axes:
            raise BaregradError(
                f"{type(self).__name__} by {flat}", why="each axis has two amounts", mend="give as many"
            )
        self.amounts = [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)][::-1]
        self.value = value

    def __call__(self, x: Tensor) -> Tensor:
        """x.pad or x.pad_mode."""
        if self.mode == "constant":
            return x.pad([*((0, 0),) * (x.ndim - self.axes), *self.amounts], self.value)
        return x.pad_mode(self.amounts, self.mode)


class ZeroPad1d(_Pad):
    """The last axis padded by zeros."""

    axes = 1
    mode = "constant"


class ZeroPad2d(_Pad):
    """The last 2 axes padded by zeros."""

    axes = 2
    mode = "constant"


class ZeroPad3d(_Pad):
    """The last 3 axes padded by zeros."""

    axes = 3
    mode = "constant"


class ConstantPad1d(_Pad):
    """The last axis padded by a value."""

    axes = 1
    mode = "constant"


class ConstantPad2d(_Pad):
    """The last 2 axes padded by a value."""

    axes = 2
    mode = "constant"


class ConstantPad3d(_Pad):
    """The last 3 axes padded by a value."""

    axes = 3
    mode = "constant"


class ReflectionPad1d(_Pad):
    """The last axis padded by reflection."""

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """The last 2 axes padded by reflection."""

    axes = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """The last 3 axes padded by reflection."""

    axes = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """The last axis padded by the end elements."""

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """The last 2 axes padded by the end elements."""

    axes = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """The last 3 axes padded by the end elements."""

    axes = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """The last axis padded from the other end."""

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """The last 2 axes padded from the other end."""

    axes = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """The last 3 axes padded from the other end."""

    axes = 3
    mode = "circular"
