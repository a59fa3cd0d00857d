"""Learning rates over time. A schedule assigns its optimiser's rate, which captured steps see."""

from __future__ import annotations

import math
from collections.abc import Callable

from baregrad.base.errors import BaregradError
from baregrad.nn.optim import Optimizer


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
