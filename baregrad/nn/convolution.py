"""Convolutions over 1 to 3 axes, and transposed ones. The formulas are methods of Tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.dtype import DType
from baregrad.nn.layers import inverse_root, uniform_parameter
from baregrad.nn.module import Module
from baregrad.tensor import Tensor

Sizes = int | Sequence[int]


def each(value: Sizes, axes: int) -> tuple[int, ...]:
    """One number an axis."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


class _Convolution(Module):
    """Weights and facts of a convolution over `axes` axes. Errors: ShapeError unless the groups fit."""

    axes: int
    transposed = False

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        groups: int,
        bias: bool,
        dtype: DType,
        device: str | None,
    ) -> None:
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ShapeError(
                f"convolution from {in_channels} to {out_channels} channels in {groups} groups",
                why="each group has as many channels",
                mend="give a number of groups that divides both",
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = each(kernel_size, self.axes)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        bound = inverse_root(math.prod(shape[1:]))
        self.weight = uniform_parameter(*shape, bound=bound, dtype=dtype, device=device)
        self.bias = uniform_parameter(out_channels, bound=bound, dtype=dtype, device=device) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula; without an axis of batches, too."""
        if x.ndim == self.axes + 1:
            return self._of_batch(x.unsqueeze(0)).squeeze(0)
        return self._of_batch(x)

    def _of_batch(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no formula: write one")


class _Plain(_Convolution):
    """A convolution, its padding in one of torch's modes."""

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, dtype, device
        )
        self.padding_mode = padding_mode

    def _of_batch(self, x: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            x, padding = x.pad_mode(self._amounts(), self.padding_mode), 0
        conv = (x.conv1d, x.conv2d, x.conv3d)[self.axes - 1]
        return conv(self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _amounts(self) -> list[tuple[int, int]]:
        """(before, after) for each axis that is padded."""
        if not isinstance(self.padding, str):
            return [(p, p) for p in each(self.padding, self.axes)]
        whole = self.padding == "same"
        sizes = zip(self.kernel_size, each(self.dilation, self.axes), strict=True)
        totals = [(k - 1) * d if whole else 0 for k, d in sizes]
        return [(total // 2, total - total // 2) for total in totals]


class Conv1d(_Plain):
    """Cross-correlation with filters. Shapes: (n, in, l) -> (n, out, l')."""

    axes = 1


class Conv2d(_Plain):
    """Cross-correlation with filters. Shapes: (n, in, h, w) -> (n, out, h', w')."""

    axes = 2


class Conv3d(_Plain):
    """Cross-correlation with filters. Shapes: (n, in, d, h, w) -> (n, out, d', h', w')."""

    axes = 3


class _Transposed(_Convolution):
    """The gradient of a convolution with respect to its input."""

    transposed = True

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, dtype, device
        )
        self.output_padding = output_padding

    def _of_batch(self, x: Tensor) -> Tensor:
        conv = (x.conv_transpose1d, x.conv_transpose2d, x.conv_transpose3d)[self.axes - 1]
        assert not isinstance(self.padding, str), "transposed convolutions have numbers"
        return conv(
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_Transposed):
    """Transposed convolution. Shapes: (n, in, l) -> (n, out, l')."""

    axes = 1


class ConvTranspose2d(_Transposed):
    """Transposed convolution. Shapes: (n, in, h, w) -> (n, out, h', w')."""

    axes = 2


class ConvTranspose3d(_Transposed):
    """Transposed convolution. Shapes: (n, in, d, h, w) -> (n, out, d', h', w')."""

    axes = 3
