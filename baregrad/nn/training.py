"""What a training loop uses besides optimisers: losses as objects, clipping of gradients, learning rates.

A schedule is a function of the step's number; `step()` assigns the optimiser's rate, which captured steps
see.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from baregrad.base.errors import BaregradError
from baregrad.nn.module import Module
from baregrad.nn.optim import Optimizer
from baregrad.tensor import Tensor, no_grad


class _Loss(Module):
    """A method of Tensor with its keywords."""

    method: str

    def __init__(self, **facts: Any) -> None:  # Any: the keywords of the method
        self.facts = facts

    def __call__(self, x: Tensor, target: Tensor) -> Tensor:
        """x.method(target, **keywords)."""
        found: Tensor = getattr(x, self.method)(target, **self.facts)
        return found


class L1Loss(_Loss):
    """Tensor.l1_loss with keywords."""

    method = "l1_loss"


class MSELoss(_Loss):
    """Tensor.mse_loss with keywords."""

    method = "mse_loss"


class SmoothL1Loss(_Loss):
    """Tensor.smooth_l1_loss with keywords."""

    method = "smooth_l1_loss"


class HuberLoss(_Loss):
    """Tensor.huber_loss with keywords."""

    method = "huber_loss"


class BCELoss(_Loss):
    """Tensor.binary_cross_entropy with keywords."""

    method = "binary_cross_entropy"


class BCEWithLogitsLoss(_Loss):
    """Tensor.binary_cross_entropy_with_logits with keywords."""

    method = "binary_cross_entropy_with_logits"


class KLDivLoss(_Loss):
    """Tensor.kl_div with keywords."""

    method = "kl_div"


class NLLLoss(_Loss):
    """Tensor.nll_loss with keywords."""

    method = "nll_loss"


class CrossEntropyLoss(_Loss):
    """Tensor.cross_entropy with keywords."""

    method = "cross_entropy"


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), norm being that of all of them together.

    Gives the norm before. Source: Pascanu, Mikolov, Bengio 2013, algorithm 1.
    """
    found = [(p, p.grad) for p in parameters]
    with no_grad():
        norms = [grad.norm(norm_type) for _, grad in found if grad is not None]
        if not norms:
            return Tensor(0.0)
        total = Tensor.stack(norms).norm(norm_type)
        scale = (total + 1e-6).reciprocal() * max_norm
        scale = scale.minimum(1.0)
        for parameter, grad in found:
            if grad is not None:
                parameter.grad = grad * scale.cast(grad.dtype)
    return total


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Limit each element of the gradients to -clip_value..clip_value."""
    with no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = parameter.grad.clamp(-clip_value, clip_value)


class Schedule:
    """lr = base * factor(number of steps made); the base is the optimiser's rate at the start."""

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        self.optimizer, self.factor = optimizer, factor
        self.base = float(optimizer.lr)
        self.count = 0
        self._assign()

    def step(self) -> None:
        """One step more."""
        self.count += 1
        self._assign()

    def _assign(self) -> None:
        self.optimizer.lr = self.base * self.factor(self.count)


class LambdaLR(Schedule):
    """base * f(step), f being given."""


class StepLR(Schedule):
    """base * gamma ** (step // size)."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        _positive("step_size", step_size)
        super().__init__(optimizer, lambda step: gamma ** (step // step_size))


class ExponentialLR(Schedule):
    """base * gamma ** step."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda step: gamma**step)


class LinearLR(Schedule):
    """base times a factor that goes evenly from start_factor to end_factor in total_iters steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        _positive("total_iters", total_iters)
        slope = (end_factor - start_factor) / total_iters
        super().__init__(optimizer, lambda step: start_factor + slope * min(step, total_iters))


class CosineAnnealingLR(Schedule):
    """eta_min + (base - eta_min) * (1 + cos(pi * step / T_max)) / 2.

    Source: Loshchilov, Hutter 2017, eq. 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        _positive("T_max", T_max)
        base = float(optimizer.lr)
        floor = eta_min / base if base else 0.0
        super().__init__(
            optimizer, lambda step: floor + (1 - floor) * (1 + math.cos(math.pi * step / T_max)) / 2
        )


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise BaregradError(f"{name}={value}", why="it counts steps", mend="give a number of at least 1")
