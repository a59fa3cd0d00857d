"""More optimisers: RMSprop, Adagrad, Adadelta, Adamax, LAMB, Muon. Read optim.py first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from baregrad.base.errors import BaregradError, ShapeError
from baregrad.nn.optim import Adam, Group, Optimizer, Parameters, Weights, decayed, has, of_dtype
from baregrad.tensor import Tensor


class RMSprop(Optimizer):
    """p -= lr * g / (sqrt(v) + eps), v being the mean of g * g, less the square of the mean if `centered`.

    With momentum the quotient goes into a velocity first. Source: Tieleman, Hinton 2012, lecture 6.5.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        facts = {"alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, lr, **facts, centered=centered)
        self.add_state("square")
        if any(has(group["momentum"]) for group in self.param_groups):
            self.add_state("velocity")
        if any(group["centered"] for group in self.param_groups):
            self.add_state("mean")

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its state."""
        grad, alpha, square = decayed(group, parameter, grad), group["alpha"], self.state["square"][place]
        square.assign(square * alpha + grad * grad * (1 - alpha))
        spread = square
        if group["centered"]:
            mean = self.state["mean"][place]
            mean.assign(mean * alpha + grad * (1 - alpha))
            spread = square - mean * mean
        move = grad / (spread.sqrt() + group["eps"])
        if has(group["momentum"]):
            velocity = self.state["velocity"][place]
            velocity.assign(velocity * of_dtype(group["momentum"], grad) + move)
            move = velocity
        parameter.assign(parameter.detach() - move * group["lr"].cast(parameter.dtype))


class Adagrad(Optimizer):
    """p -= lr / (1 + (steps - 1) * lr_decay) * g / (sqrt(sum of g * g) + eps).

    Source: Duchi, Hazan, Singer 2011, section 1.1.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(params, lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)
        self.add_state("square", initial_accumulator_value)

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its sum."""
        grad, square = decayed(group, parameter, grad), self.state["square"][place]
        square.assign(square + grad * grad)
        steps = self.steps[group.number]
        rate = (group["lr"] / ((steps - 1) * group["lr_decay"] + 1)).cast(parameter.dtype)
        parameter.assign(parameter.detach() - rate * grad / (square.sqrt() + group["eps"]))


class Adadelta(Optimizer):
    """p -= lr * d with d = g * sqrt(u + eps) / sqrt(v + eps), v and u being means of g * g and d * d.

    Source: Zeiler 2012, algorithm 1.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, rho=rho, eps=eps, weight_decay=weight_decay)
        self.add_state("square")
        self.add_state("moved")

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its means."""
        grad, rho, eps = decayed(group, parameter, grad), group["rho"], group["eps"]
        square, moved = self.state["square"][place], self.state["moved"][place]
        square.assign(square * rho + grad * grad * (1 - rho))
        move = grad * (moved + eps).sqrt() / (square + eps).sqrt()
        moved.assign(moved * rho + move * move * (1 - rho))
        parameter.assign(parameter.detach() - move * group["lr"].cast(parameter.dtype))


class Adamax(Optimizer):
    """Adam with the greatest |g|, which fades, in place of sqrt(v). Source: Kingma, Ba 2015, algorithm 2."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.add_state("mean")
        self.add_state("greatest")
        self.weights = Weights(self)

    def before(self, group: Group) -> list[Tensor]:
        """One step more."""
        return [*super().before(group), *self.weights.renew(group)]

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its state."""
        grad = decayed(group, parameter, grad)
        mean, greatest = self.state["mean"][place], self.state["greatest"][place]
        beta1, beta2 = (of_dtype(beta, grad) for beta in group["betas"])
        mean.assign(mean * beta1 + grad * (1 - beta1))
        greatest.assign((greatest * beta2).maximum(grad.abs() + group["eps"]))
        weight1, _ = self.weights.of(group.number, parameter.dtype)
        rate = group["lr"].cast(parameter.dtype) / weight1
        parameter.assign(parameter.detach() - rate * mean / greatest)


class LAMB(Adam):
    """Adam whose step has the parameter's own norm: p -= lr * |p| / |d| * d.

    d = m / (sqrt(v) + eps) + weight_decay * p, m and v freed of their start. Where one of the norms is 0
    their quotient counts as 1. Source: You and others 2020, algorithm 2.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its means."""
        mean, square = self.state["mean"][place], self.state["square"][place]
        beta1, beta2 = (of_dtype(beta, grad) for beta in group["betas"])
        now = parameter.detach()
        mean.assign(mean * beta1 + grad * (1 - beta1))
        square.assign(square * beta2 + grad * grad * (1 - beta2))
        weight1, weight2 = self.weights.of(group.number, parameter.dtype)
        move = mean / weight1 / ((square / weight2).sqrt() + group["eps"]) + now * group["weight_decay"]
        own, long = now.square().sum().sqrt(), move.square().sum().sqrt()
        both = (own > 0) & (long > 0)
        trust = (own / long.where(both, 1)).where(both, 1)
        parameter.assign(now - move * (trust * group["lr"].cast(parameter.dtype)))


class Muon(Optimizer):
    """Momentum whose matrices are made orthogonal: p -= lr * decay * p; p -= lr' * orthogonal(v).

    v = momentum * v + (1 - momentum) * g (nesterov: the same again towards g), made orthogonal by ns_steps of
    x -> a x + (b x xᵀ + c (x xᵀ)²) x from x = v / |v| on. lr' is lr * sqrt(max(1, rows / columns)), or with
    adjust_lr_fn="match_rms_adamw" lr * 0.2 * sqrt(max(rows, columns)). Matrices only. Source: Jordan and
    others 2024, «Muon: an optimizer for hidden layers».
    """

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        params: Parameters,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if adjust_lr_fn not in ADJUSTED:
            raise BaregradError(
                f"adjust_lr_fn={adjust_lr_fn!r}", why="it is original or match_rms_adamw", mend="give one"
            )
        facts: dict[str, Any] = {"weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        facts |= {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps}
        super().__init__(params, lr, **facts, adjust_lr_fn=adjust_lr_fn)
        for parameter in self.parameters:
            if parameter.ndim != 2:
                raise ShapeError(
                    f"Muon of a parameter of {parameter.shape}",
                    why="it is for matrices",
                    mend="use AdamW for the others",
                )
        self.add_state("velocity")

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its velocity."""
        velocity, momentum = self.state["velocity"][place], of_dtype(group["momentum"], grad)
        velocity.assign(velocity * momentum + grad * (1 - momentum))
        towards = grad * (1 - momentum) + velocity * momentum if group["nesterov"] else velocity
        move = orthogonal(towards, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rate, now = group["lr"].cast(parameter.dtype), parameter.detach()
        scale = ADJUSTED[group["adjust_lr_fn"]](*parameter.shape)
        parameter.assign(now * (1 - rate * group["weight_decay"]) - move * (rate * scale))


def _original(rows: int, columns: int) -> float:
    return math.sqrt(max(1.0, rows / columns))


def _as_adamw(rows: int, columns: int) -> float:
    return 0.2 * math.sqrt(max(rows, columns))


ADJUSTED: dict[str | None, Callable[[int, int], float]] = {
    None: _original,
    "original": _original,
    "match_rms_adamw": _as_adamw,
}


def orthogonal(x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """A matrix with the directions of x and singular values of about 1, by Newton and Schulz' iteration."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = (x / x.square().sum().sqrt().maximum(eps)).contiguous()
    for _ in range(steps):
        square = (x @ x.T).contiguous()
        x = (x * a + (square * b + (square @ square) * c).contiguous() @ x).contiguous()
    return x.T if tall else x
