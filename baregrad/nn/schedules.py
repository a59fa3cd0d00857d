"""Learning rates over time. A schedule assigns its optimiser's rates, which captured steps see.

Most are a function of the first rate and of the number of steps made, so that they can be joined.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from baregrad.base.errors import BaregradError
from baregrad.nn.optim import Optimizer
from baregrad.tensor import Tensor


class Schedule:
    """lr = base * factor(number of steps made) of each group; the base is its rate at the start."""

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        self.optimizer, self.factor = optimizer, factor
        self.bases = [_first_rate(group) for group in optimizer.param_groups]
        self.count = 0
        self.assign()

    def step(self) -> None:
        """One step more."""
        self.count += 1
        self.assign()

    def rate(self, base: float, count: int) -> float:
        """The rate after so many steps."""
        return base * self.factor(count)

    def assign(self) -> None:
        """Give the optimiser the rates of now."""
        for group, base in zip(self.optimizer.param_groups, self.bases, strict=True):
            group["lr"] = self.rate(base, self.count)

    def get_last_lr(self) -> list[float]:
        """The rates of now, one a group."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The number of steps and the bases."""
        return {"count": self.count, "bases": list(self.bases)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.count, self.bases = state["count"], list(state["bases"])
        self.assign()


class LambdaLR(Schedule):
    """base * f(step), f being given, or one function a group."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        count = len(optimizer.param_groups)
        self.factors = [lr_lambda] * count if callable(lr_lambda) else list(lr_lambda)
        if len(self.factors) != count:
            raise BaregradError(
                f"{len(self.factors)} functions for {count} groups", why="each has one", mend="give as many"
            )
        super().__init__(optimizer, self.factors[0])

    def assign(self) -> None:
        """Give the optimiser the rates of now."""
        rows = zip(self.optimizer.param_groups, self.bases, self.factors, strict=True)
        for group, base, factor in rows:
            group["lr"] = base * factor(self.count)


class MultiplicativeLR(Schedule):
    """The rate before times f(step)."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        super().__init__(optimizer, lambda step: math.prod(lr_lambda(i) for i in range(1, step + 1)))


class StepLR(Schedule):
    """base * gamma ** (step // size)."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        _positive("step_size", step_size)
        super().__init__(optimizer, lambda step: gamma ** (step // step_size))


class MultiStepLR(Schedule):
    """base * gamma ** (number of milestones reached)."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        reached = sorted(milestones)
        super().__init__(optimizer, lambda step: gamma ** bisect_right(reached, step))


class ConstantLR(Schedule):
    """base * factor until step total_iters, then base."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        super().__init__(optimizer, lambda step: factor if step < total_iters else 1.0)


class LinearLR(Schedule):
    """base times a factor that goes evenly from start_factor to end_factor in total_iters steps: a warmup."""

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


class ExponentialLR(Schedule):
    """base * gamma ** step."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, lambda step: gamma**step)


class PolynomialLR(Schedule):
    """base * (1 - step / total_iters) ** power, then 0."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        _positive("total_iters", total_iters)
        super().__init__(optimizer, lambda step: (1 - min(step, total_iters) / total_iters) ** power)


class CosineAnnealingLR(Schedule):
    """eta_min + (base - eta_min) * (1 + cos(pi * step / T_max)) / 2.

    Source: Loshchilov, Hutter 2017, eq. 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        _positive("T_max", T_max)
        self.eta_min = eta_min
        super().__init__(optimizer, lambda step: (1 + math.cos(math.pi * step / T_max)) / 2)

    def rate(self, base: float, count: int) -> float:
        """The formula."""
        return self.eta_min + (base - self.eta_min) * self.factor(count)


class CosineAnnealingWarmRestarts(CosineAnnealingLR):
    """CosineAnnealingLR over and over, first for T_0 steps, then each time for T_mult times as many.

    Source: Loshchilov, Hutter 2017, section 3.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        _positive("T_0", T_0)
        _positive("T_mult", T_mult)
        self.first, self.times = T_0, T_mult
        super().__init__(optimizer, T_0, eta_min)

    def rate(self, base: float, count: int) -> float:
        """The formula, from the last start on."""
        length = self.first
        while count >= length:
            count, length = count - length, length * self.times
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * count / length)) / 2


class SequentialLR(Schedule):
    """One schedule after the other: the next one begins anew at each milestone."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Schedule], milestones: Sequence[int]
    ) -> None:
        if len(schedulers) != len(milestones) + 1:
            raise BaregradError(
                f"{len(schedulers)} schedules with {len(milestones)} milestones",
                why="there is one between two",
                mend="give as many",
            )
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, lambda step: 1.0)
        self.bases = list(schedulers[0].bases)
        self.assign()

    def rate(self, base: float, count: int) -> float:
        """That of the schedule whose turn it is."""
        turn = bisect_right(self.milestones, count)
        start = self.milestones[turn - 1] if turn else 0
        return self.schedulers[turn].rate(base, count - start)


class ChainedScheduler(Schedule):
    """Several schedules at once: the product of their factors."""

    def __init__(self, schedulers: Sequence[Schedule], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise BaregradError("a chain of no schedules", why="nothing would change", mend="give some")
        self.schedulers = list(schedulers)
        super().__init__(optimizer or schedulers[0].optimizer, lambda step: 1.0)
        self.bases = list(schedulers[0].bases)
        self.assign()

    def rate(self, base: float, count: int) -> float:
        """base times all factors."""
        return base * math.prod(s.rate(base, count) / base if base else 0.0 for s in self.schedulers)


class OneCycleLR(Schedule):
    """From max_lr / div_factor up to max_lr, and down to a final_div_factor-th of the start.

    The way up takes pct_start of total_steps (or epochs * steps_per_epoch); three_phase goes back to the
    start first. Momentum, or Adam's first beta, goes from max_momentum to base_momentum and back: it becomes
    a tensor. anneal_strategy: "cos" or "linear". Source: Smith, Topin 2018. Errors: BaregradError for steps
    beyond the last.
    """

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        steps = total_steps or (epochs or 0) * (steps_per_epoch or 0)
        if steps < 1 or not 0 <= pct_start <= 1 or anneal_strategy not in ("cos", "linear"):
            raise BaregradError(
                f"OneCycleLR of {steps} steps, pct_start={pct_start}, anneal_strategy={anneal_strategy!r}",
                why="it has steps, a part of them in [0, 1], and goes by cos or linear",
                mend="give total_steps, or epochs and steps_per_epoch",
            )
        self.steps, self.linear = steps, anneal_strategy == "linear"
        up = pct_start * steps - 1
        self.ends = (up, 2 * up, steps - 1.0) if three_phase else (up, steps - 1.0)
        low, last = 1 / div_factor, 1 / (div_factor * final_div_factor)
        self.rates = (low, 1.0, low, last) if three_phase else (low, 1.0, last)
        high, less = max_momentum, base_momentum
        self.moments = (high, less, high, high) if three_phase else (high, less, high)
        self.cycle_momentum = cycle_momentum
        groups = optimizer.param_groups
        peaks = [max_lr] * len(groups) if isinstance(max_lr, int | float) else list(max_lr)
        if cycle_momentum:
            for group in groups:
                self._make_tensor(group)
        super().__init__(optimizer, lambda step: self._between(step, self.rates))
        self.bases = peaks
        self.assign()

    def _make_tensor(self, group: Any) -> None:  # Any: a Group
        if "momentum" in group:
            group.as_tensor("momentum")
        elif "betas" in group:
            device = group["lr"].device
            group["betas"] = (Tensor(self.moments[0], device=device), group["betas"][1])
        else:
            raise BaregradError(
                "cycle_momentum of an optimiser without momentum",
                why="there is nothing to change",
                mend="pass cycle_momentum=False",
            )

    def _between(self, step: int, values: Sequence[float]) -> float:
        """The value at a step, between those at the ends of its phase."""
        if step >= self.steps:
            raise BaregradError(
                f"step {step} of a cycle of {self.steps}", why="it is over", mend="give more total_steps"
            )
        begin = 0.0
        for place, end in enumerate(self.ends):
            if step <= end or place == len(self.ends) - 1:
                part = (step - begin) / (end - begin) if end > begin else 1.0
                return self._annealed(values[place], values[place + 1], part)
            begin = end
        return values[-1]

    def _annealed(self, start: float, end: float, part: float) -> float:
        if self.linear:
            return start + (end - start) * part
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))

    def assign(self) -> None:
        """Give the optimiser the rates and moments of now."""
        super().assign()
        if self.cycle_momentum:
            moment = self._between(self.count, self.moments)
            for group in self.optimizer.param_groups:
                tensor = group["momentum"] if "momentum" in group else group["betas"][0]
                tensor.assign(moment)


class ReduceLROnPlateau:
    """The rate times `factor` once a metric has not become better for more than `patience` steps.

    Better is less (mode "min") or greater ("max") by more than `threshold`, of the best so far ("rel") or by
    itself ("abs"). After a change `cooldown` steps count for nothing.
    """

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1 or mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise BaregradError(
                f"ReduceLROnPlateau with factor={factor}, mode={mode!r}, threshold_mode={threshold_mode!r}",
                why="the factor is less than 1, the modes are min or max, and rel or abs",
                mend="give such values",
            )
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.relative = threshold, threshold_mode == "rel"
        self.cooldown, self.eps = cooldown, eps
        count = len(optimizer.param_groups)
        self.floors = [min_lr] * count if isinstance(min_lr, int | float) else list(min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.cooling = self.count = 0

    def step(self, metrics: float | Tensor) -> None:
        """Look at a metric."""
        value = float(metrics)
        self.count += 1
        if self._better(value):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.cooling:
            self.cooling -= 1
            self.bad = 0
        if self.bad > self.patience:
            self._reduce()
            self.cooling, self.bad = self.cooldown, 0

    def _better(self, value: float) -> bool:
        margin = self.threshold if self.mode == "max" else -self.threshold
        limit = self.best * (1 + margin) if self.relative else self.best + margin
        return value > limit if self.mode == "max" else value < limit

    def _reduce(self) -> None:
        for group, floor in zip(self.optimizer.param_groups, self.floors, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, floor)
            if old - new > self.eps:
                group["lr"] = new

    def get_last_lr(self) -> list[float]:
        """The rates of now, one a group."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]


def _first_rate(group: Any) -> float:  # Any: a Group
    """A group's rate before any schedule: schedules that are joined begin at the same one."""
    if "initial_lr" not in group:
        group["initial_lr"] = float(group["lr"])
    found: float = group["initial_lr"]
    return found


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise BaregradError(f"{name}={value}", why="it counts steps", mend="give a number of at least 1")
