"""Layers: a few tensors and one formula each. Initial values have the distributions of PyTorch's layers.

Their numbers come from Tensor.manual_seed's generator, so that they are the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.dtype import DType
from baregrad.nn.module import Module
from baregrad.tensor import Tensor, no_grad

Pair = int | tuple[int, int]


def uniform_parameter(
    *shape: int, bound: float, dtype: DType = dt.float32, device: str | None = None
) -> Tensor:
    """A trainable tensor, uniform in [-bound, bound)."""
    return Tensor.uniform(*shape, low=-bound, high=bound, device=device).cast(dtype).requires_grad_()


def _inverse_root(fan_in: int) -> float:
    """Kaiming's uniform bound for slope sqrt(5). Source: He and others 2015, eq. 10."""
    return 1 / math.sqrt(fan_in) if fan_in else 0.0


class Linear(Module):
    """x @ weight.T + bias. Shapes: (…, inputs) -> (…, outputs)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        bound = _inverse_root(inputs)
        self.weight = uniform_parameter(outputs, inputs, bound=bound, dtype=dtype, device=device)
        self.bias = uniform_parameter(outputs, bound=bound, dtype=dtype, device=device) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.linear(self.weight, self.bias)


class Conv2d(Module):
    """Cross-correlation with filters. Shapes: (n, inputs, h, w) -> (n, outputs, h', w')."""

    def __init__(  # noqa: PLR0913 - each names a part of the formula
        self,
        inputs: int,
        outputs: int,
        size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        if groups < 1 or inputs % groups or outputs % groups:
            raise ShapeError(
                f"convolution from {inputs} to {outputs} channels in {groups} groups",
                why="each group has as many channels",
                mend="give a number of groups that divides both",
            )
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        height, width = (size, size) if isinstance(size, int) else size
        shape = (outputs, inputs // groups, height, width)
        bound = _inverse_root(shape[1] * height * width)
        self.weight = uniform_parameter(*shape, bound=bound, dtype=dtype, device=device)
        self.bias = uniform_parameter(outputs, bound=bound, dtype=dtype, device=device) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.conv2d(
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )


class BatchNorm(Module):
    """Channels shifted and scaled to mean 0 and variance 1, then by weight and bias.

    In training by the batch's own mean and variance, which also move the running ones by `momentum`; in use
    by the running ones. Shapes: (n, channels, …) -> the same. Source: Ioffe, Szegedy 2015, algorithms 1 and
    2.
    """

    def __init__(
        self,
        channels: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        device: str | None = None,
    ) -> None:
        self.eps, self.momentum = eps, momentum
        self.weight = Tensor.ones(channels, device=device).requires_grad_()
        self.bias = Tensor.zeros(channels, device=device).requires_grad_()
        self.running_mean = Tensor.zeros(channels, device=device)
        self.running_var = Tensor.ones(channels, device=device)

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError for other channels, or one element a channel in training."""
        channels = self.weight.shape[0]
        if x.ndim < 2 or x.shape[1] != channels:
            raise ShapeError(
                f"batch norm of {x.shape}",
                why=f"axis 1 has the {channels} channels",
                mend="reshape or transpose it",
            )
        wide = (1, channels, *(1,) * (x.ndim - 2))
        mean, var = self._of_batch(x) if self.training else (self.running_mean, self.running_var)
        scale = (var + self.eps).rsqrt() * self.weight
        return (x - mean.reshape(wide)) * scale.reshape(wide) + self.bias.reshape(wide)

    def _of_batch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        count = math.prod(x.shape[axis] for axis in axes)
        if count < 2:
            raise ShapeError(
                f"batch norm of {x.shape} in training",
                why="one element a channel has no variance",
                mend="use a larger batch, or eval()",
            )
        mean, var = x.mean(axes), x.var(axes, correction=0)
        with no_grad():
            part = self.momentum
            self.running_mean.assign(self.running_mean * (1 - part) + mean.detach() * part)
            unbiased = var.detach() * (count / (count - 1))
            self.running_var.assign(self.running_var * (1 - part) + unbiased * part)
        return mean, var


class LayerNorm(Module):
    """The last axes, `shape`, shifted and scaled to mean 0 and variance 1, then by weight and bias."""

    def __init__(
        self,
        shape: int | tuple[int, ...],
        *,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | None = None,
    ) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.eps = eps
        self.weight = Tensor.ones(*self.shape, device=device).requires_grad_() if affine else None
        self.bias = Tensor.zeros(*self.shape, device=device).requires_grad_() if affine else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError unless x ends in the shape."""
        if x.shape[x.ndim - len(self.shape) :] != self.shape or x.ndim < len(self.shape):
            raise ShapeError(
                f"layer norm of {x.shape}",
                why=f"its last axes are not {self.shape}",
                mend="reshape or transpose it",
            )
        y = x.layer_norm(len(self.shape), self.eps)
        return y if self.weight is None or self.bias is None else y * self.weight + self.bias


class Dropout(Module):
    """In training each element 0 with probability p, else divided by 1 - p."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.dropout(self.p, self.training)


class Sequential(Module):
    """Layers, or any functions of a tensor, one after the other. Their names are their places: "0.weight"."""

    def __init__(self, *layers: Callable[[Any], Tensor]) -> None:
        self.layers = list(layers)

    def parts(self) -> Iterable[tuple[str, Any]]:
        """The layers by their places, after what a subclass has besides."""
        own = [(name, part) for name, part in vars(self).items() if name != "layers"]
        return [*own, *((str(place), layer) for place, layer in enumerate(self.layers))]

    def __call__(self, x: Tensor) -> Tensor:
        """The last layer of … of the first layer of x."""
        for layer in self.layers:
            x = layer(x)
        return x
