"""Optimisers: SGD and Adam. State and learning rate are tensors, so that a captured step sees them change.

`step` assigns the parameters and the state and computes all of them together with the gradients, so that each
new version is written over the old one.
"""

from __future__ import annotations

from collections.abc import Iterable

from baregrad.base.errors import BaregradError, DeviceError
from baregrad.tensor import Tensor, no_grad


class Optimizer:
    """Parameters, their state by name, and the learning rate."""

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        self.parameters = list({id(p): p for p in parameters}.values())
        _check_parameters(self.parameters)
        self.device = self.parameters[0].device
        self._lr = Tensor(float(_at_least_0("lr", lr)), device=self.device)
        self.state: dict[str, list[Tensor]] = {}
        self._lr.realize(*self.parameters)

    @property
    def lr(self) -> Tensor:
        """The learning rate: assigning a number to it holds for captured steps too."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr.assign(float(_at_least_0("lr", lr)))

    def add_state(self, name: str) -> None:
        """Zeros in the shape of each parameter."""
        self.state[name] = [
            Tensor(0.0, dtype=p.dtype, device=p.device).expand(p.shape).contiguous() for p in self.parameters
        ]
        self._lr.realize(*self.state[name])

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Move each parameter that has a gradient, and compute everything that changed in one go."""
        changed: list[Tensor] = []
        with no_grad():
            changed += self.before()
            for place, parameter in enumerate(self.parameters):
                grad = parameter.grad
                if grad is None:
                    continue
                self.update(place, parameter, grad)
                changed += [parameter, grad, *(state[place] for state in self.state.values())]
        if changed:
            changed[0].realize(*changed[1:])

    def before(self) -> list[Tensor]:
        """What a step changes beside the parameters: assigned and returned here."""
        return []

    def update(self, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its state."""
        raise NotImplementedError(
            f"{type(self).__name__} has no update: write one that assigns the parameter"
        )


class SGD(Optimizer):
    """Steepest descent: v = momentum * v + g; p -= lr * v (nesterov: lr * (g + momentum * v)).

    g is the gradient plus weight_decay * p. Source: Sutskever and others 2013, eq. 1-4, in PyTorch's scale.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = _at_least_0("momentum", momentum)
        self.weight_decay = _at_least_0("weight_decay", weight_decay)
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise BaregradError(
                "nesterov without momentum", why="it looks ahead along it", mend="give momentum > 0"
            )
        if momentum:
            self.add_state("velocity")

    def update(self, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its velocity."""
        if self.weight_decay:
            grad = grad + parameter.detach() * self.weight_decay
        if self.momentum:
            velocity = self.state["velocity"][place]
            velocity.assign(velocity * self.momentum + grad)
            grad = grad + velocity * self.momentum if self.nesterov else velocity
        parameter.assign(parameter.detach() - grad * self.lr.cast(parameter.dtype))


class Adam(Optimizer):
    """p -= lr * m / (sqrt(v) + eps), m and v being means of g and its square, freed of their start.

    Weight decay is added to the gradient. Source: Kingma, Ba 2015, algorithm 1.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        for beta in betas:
            if not 0 <= beta < 1:
                raise BaregradError(
                    f"betas {betas}", why="they are weights of a mean", mend="give numbers in [0, 1)"
                )
        self.beta1, self.beta2 = betas
        self.eps = _at_least_0("eps", eps)
        self.weight_decay = _at_least_0("weight_decay", weight_decay)
        self.add_state("mean")
        self.add_state("square")
        # 1 - beta ** steps, by q -> beta * q + (1 - beta): no difference of nearly equal numbers, float32 is
        # enough
        self.weights = [Tensor(0.0, device=self.device) for _ in betas]

    def before(self) -> list[Tensor]:
        """One step more."""
        for weight, beta in zip(self.weights, (self.beta1, self.beta2), strict=True):
            weight.assign(weight * beta + (1 - beta))
        return self.weights

    def update(self, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its means."""
        mean, square = self.state["mean"][place], self.state["square"][place]
        now = parameter.detach()
        grad, now = self.decayed(grad, now)
        mean.assign(mean * self.beta1 + grad * (1 - self.beta1))
        square.assign(square * self.beta2 + grad * grad * (1 - self.beta2))
        weight1, weight2 = (weight.cast(parameter.dtype) for weight in self.weights)
        rate = self.lr.cast(parameter.dtype) / weight1
        parameter.assign(now - rate * mean / (square.sqrt() / weight2.sqrt() + self.eps))

    def decayed(self, grad: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and parameter with weight decay."""
        return (grad + now * self.weight_decay if self.weight_decay else grad), now


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter instead of adding to the gradient.

    Source: Loshchilov, Hutter 2019, algorithm 2.
    """

    def decayed(self, grad: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and parameter with weight decay."""
        if not self.weight_decay:
            return grad, now
        return grad, now * (1 - self.lr.cast(now.dtype) * self.weight_decay)


def _check_parameters(parameters: list[Tensor]) -> None:
    if not parameters:
        raise BaregradError(
            "an optimiser of no parameters", why="nothing would move", mend="pass model.parameters()"
        )
    for parameter in parameters:
        if not (parameter.requires_grad and parameter.is_leaf):
            raise BaregradError(
                f"a parameter of shape {parameter.shape} is no leaf with requires_grad",
                why="gradients would never arrive at it",
                mend="call requires_grad_() on a tensor that no other one with gradients went into",
            )
    if len({p.device for p in parameters}) > 1:
        raise DeviceError(
            "parameters on several devices", why="a step is one computation", mend="use an optimiser for each"
        )


def _at_least_0(name: str, value: float) -> float:
    if not value >= 0:
        raise BaregradError(f"{name}={value}", why="it is a number of at least 0", mend="give such a number")
    return value
