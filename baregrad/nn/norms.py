"""Normalisation: axes shifted and scaled to mean 0 and variance 1, then by weight and bias."""

from __future__ import annotations

import math
from collections.abc import Sequence

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.nn.module import Module
from baregrad.tensor import Tensor, no_grad

Shape = int | Sequence[int]


class _Channels(Module):
    """Weight and bias of channels, with running statistics if wanted."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    counts = True  # the number of batches goes up
    ranks: tuple[int, ...] = ()  # how many axes an input may have; none: 2 and more

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: str | None,
    ) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = Tensor.ones(num_features, device=device).requires_grad_() if affine else None
        self.bias = Tensor.zeros(num_features, device=device).requires_grad_() if affine else None
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if track_running_stats:
            self.register_buffer("running_mean", Tensor.zeros(num_features, device=device))
            self.register_buffer("running_var", Tensor.ones(num_features, device=device))
            self.register_buffer("num_batches_tracked", Tensor.zeros(dtype=dt.int64, device=device))

    def _check(self, x: Tensor, what: str) -> None:
        if x.ndim < 2 or x.shape[1] != self.num_features or (self.ranks and x.ndim not in self.ranks):
            raise ShapeError(
                f"{what} of {x.shape}",
                why=f"axis 1 has {self.num_features} channels"
                + (f", of {' or '.join(map(str, self.ranks))} axes" if self.ranks else ""),
                mend="reshape or transpose it",
            )

    def _wide(self, x: Tensor, ndim: int) -> Tensor:
        return x.reshape((1, -1) + (1,) * (ndim - 2))

    def _scaled(self, x: Tensor) -> Tensor:
        if self.weight is None or self.bias is None:
            return x
        return x * self._wide(self.weight, x.ndim) + self._wide(self.bias, x.ndim)

    def _track(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Move the running statistics towards those of a batch, whose variance has divisor `count`."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        with no_grad():
            if self.counts:
                self.num_batches_tracked.assign(self.num_batches_tracked + 1)
            part: float | Tensor = (
                self.num_batches_tracked.cast(dt.float32).reciprocal()  # the mean of all batches
                if self.momentum is None
                else self.momentum
            )
            unbiased = var.detach() * (count / max(count - 1, 1))
            for running, new in ((self.running_mean, mean.detach()), (self.running_var, unbiased)):
                kept = -part + 1 if isinstance(part, Tensor) else 1 - part
                running.assign((running * kept + new * part).cast(running.dtype))


class BatchNorm(_Channels):
    """Channels shifted and scaled to mean 0 and variance 1, then by weight and bias.

    In training by the batch's own mean and variance, which also move the running ones by `momentum` (None:
    they are the mean of all batches); in use by the running ones, if they are tracked. Shapes:
    (n, channels, …) -> the same. Source: Ioffe, Szegedy 2015, algorithms 1 and 2.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        device: str | None = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device)

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError for other channels, or one element a channel in training."""
        self._check(x, "batch norm")
        if self.training or self.running_mean is None or self.running_var is None:
            mean, var = self._of_batch(x)
        else:
            mean, var = self.running_mean, self.running_var
        scale = (var + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        y = (x - self._wide(mean, x.ndim)) * self._wide(scale, x.ndim)
        return y if self.bias is None else y + self._wide(self.bias, x.ndim)

    def _of_batch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        count = math.prod(x.shape[axis] for axis in axes)
        if count < 2 and self.training:
            raise ShapeError(
                f"batch norm of {x.shape} in training",
                why="one element a channel has no variance",
                mend="use a larger batch, or eval()",
            )
        mean, var = x.mean(axes), x.var(axes, correction=0)
        if self.training:
            self._track(mean, var, count)
        return mean, var


class BatchNorm1d(BatchNorm):
    """BatchNorm of (n, channels) or (n, channels, l)."""

    ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """BatchNorm of (n, channels, h, w)."""

    ranks = (4,)


class BatchNorm3d(BatchNorm):
    """BatchNorm of (n, channels, d, h, w)."""

    ranks = (5,)


class InstanceNorm(_Channels):
    """Each channel of each instance by itself. Shapes: (n, channels, …) -> the same.

    With track_running_stats as BatchNorm, the running ones being means over the batch; num_batches_tracked
    stays 0, as torch's does. Source: Ulyanov, Vedaldi, Lempitsky 2016, eq. 1.
    """

    counts = False

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        device: str | None = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device)

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError for other channels, or one element a channel in training."""
        if self.ranks and x.ndim == self.ranks[0] - 1:
            return self(x.unsqueeze(0)).squeeze(0)
        self._check(x, "instance norm")
        axes = tuple(range(2, x.ndim))
        count = math.prod(x.shape[2:])
        own = self.training or self.running_mean is None or self.running_var is None
        if own and count < 2:
            raise ShapeError(
                f"instance norm of {x.shape}", why="one element has no variance", mend="use larger images"
            )
        if own:
            mean, var = x.mean(axes, keepdim=True), x.var(axes, keepdim=True, correction=0)
            if self.training:
                self._track(mean.mean(0).reshape(-1), var.mean(0).reshape(-1), count)
        else:
            assert self.running_mean is not None, "it is tracked"
            assert self.running_var is not None, "it is tracked"
            mean, var = (self._wide(t, x.ndim) for t in (self.running_mean, self.running_var))
        return self._scaled((x - mean) * (var + self.eps).rsqrt())


class InstanceNorm1d(InstanceNorm):
    """InstanceNorm of (n, channels, l) or (channels, l)."""

    ranks = (3,)


class InstanceNorm2d(InstanceNorm):
    """InstanceNorm of (n, channels, h, w) or (channels, h, w)."""

    ranks = (4,)


class InstanceNorm3d(InstanceNorm):
    """InstanceNorm of (n, channels, d, h, w) or (channels, d, h, w)."""

    ranks = (5,)


class GroupNorm(Module):
    """Groups of channels shifted and scaled to mean 0 and variance 1, then by weight and bias of a channel.

    Shapes: (n, channels, …) -> the same. Source: Wu, He 2018, eq. 1-5. Errors: ShapeError unless the groups
    divide the channels.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        device: str | None = None,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ShapeError(
                f"group norm of {num_channels} channels in {num_groups} groups",
                why="each group has as many channels",
                mend="give a number of groups that divides them",
            )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = Tensor.ones(num_channels, device=device).requires_grad_() if affine else None
        self.bias = Tensor.zeros(num_channels, device=device).requires_grad_() if affine else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError unless axis 1 has the channels."""
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"group norm of {x.shape}",
                why=f"axis 1 has not {self.num_channels} channels",
                mend="reshape it",
            )
        y = x.reshape(x.shape[0], self.num_groups, -1).layer_norm(1, self.eps).reshape(x.shape)
        if self.weight is None or self.bias is None:
            return y
        shape = (1, self.num_channels) + (1,) * (x.ndim - 2)
        return y * self.weight.reshape(shape) + self.bias.reshape(shape)


class _LastAxes(Module):
    """A weight for each element of the last axes."""

    name: str

    def __init__(
        self, normalized_shape: Shape, eps: float | None, elementwise_affine: bool, device: str | None
    ) -> None:
        given = normalized_shape
        self.normalized_shape = (given,) if isinstance(given, int) else tuple(given)
        self.eps = eps
        made = Tensor.ones(*self.normalized_shape, device=device)
        self.weight = made.requires_grad_() if elementwise_affine else None

    def _check(self, x: Tensor) -> int:
        """How many axes are before the last ones. Errors: ShapeError unless x ends in the shape."""
        lead = x.ndim - len(self.normalized_shape)
        if lead < 0 or x.shape[lead:] != self.normalized_shape:
            raise ShapeError(
                f"{self.name} of {x.shape}",
                why=f"its last axes are not {self.normalized_shape}",
                mend="reshape or transpose it",
            )
        return lead


class LayerNorm(_LastAxes):
    """The last axes shifted and scaled to mean 0 and variance 1, then by weight and bias.

    Source: Ba, Kiros, Hinton 2016, eq. 4.
    """

    name = "layer norm"

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        device: str | None = None,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine, device)
        zeros = Tensor.zeros(*self.normalized_shape, device=device)
        self.bias = zeros.requires_grad_() if elementwise_affine and bias else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError unless x ends in the shape."""
        self._check(x)
        y = x.layer_norm(len(self.normalized_shape), self.eps or 0.0)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias


class RMSNorm(_LastAxes):
    """x / sqrt(mean(x * x) + eps) * weight over the last axes; eps None is the dtype's epsilon.

    Source: Zhang, Sennrich 2019, eq. 4.
    """

    name = "RMS norm"

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        device: str | None = None,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine, device)

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError unless x ends in the shape."""
        lead = self._check(x)
        eps = x.dtype.epsilon if self.eps is None else self.eps
        y = x * ((x * x).mean(tuple(range(lead, x.ndim)), keepdim=True) + eps).rsqrt()
        return y if self.weight is None else y * self.weight


class LocalResponseNorm(Module):
    """x / (k + alpha * mean of x * x over `size` channels around) ** beta. Shapes: (n, channels, …).

    Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        room = [(0, 0), (self.size // 2, (self.size - 1) // 2), *((0, 0),) * (x.ndim - 2)]
        around = (x * x).pad(room).unfold(1, self.size, 1).mean(-1)
        return x / (around * self.alpha + self.k).pow(self.beta)
