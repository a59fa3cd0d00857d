"""Optimisers: their base, SGD, Adam and AdamW. Others are in optim_more.py.

State and learning rates are tensors, so that a captured step sees them change. `step` assigns the parameters
and the state and computes all of them together with the gradients, so that each new version is written over
the old one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import BaregradError, DeviceError, ShapeError
from baregrad.tensor import Tensor, no_grad

Parameters = Iterable[Tensor] | Iterable[Mapping[str, Any]]
Setting = float | Tensor  # a number, or one that captured steps see change


class Group(MutableMapping[str, Any]):
    """Parameters that share their settings: "params", "lr", and the optimiser's own by name.

    A number given to a setting that is a tensor ("lr" is one) is assigned, which captured steps see; any
    other setting is a Python value, of which a captured step refuses a change.
    """

    def __init__(self, settings: Mapping[str, Any], number: int) -> None:
        self.settings, self.number = dict(settings), number

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]

    def __setitem__(self, name: str, value: Any) -> None:
        old = self.settings.get(name)
        if isinstance(old, Tensor) and not isinstance(value, Tensor):
            old.assign(float(at_least_0(name, value)))
        else:
            self.settings[name] = value

    def __delitem__(self, name: str) -> None:
        del self.settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def as_tensor(self, name: str) -> None:
        """Make a number a tensor, so that captured steps see it change."""
        if not isinstance(self.settings[name], Tensor):
            self.settings[name] = Tensor(float(self.settings[name]), device=self["lr"].device)


class Optimizer:
    """Groups of parameters, their state by name, and the learning rates."""

    def __init__(self, params: Parameters, lr: float, **defaults: Any) -> None:  # Any: numbers, pairs, words
        if not isinstance(params, Iterable) or isinstance(params, Tensor):
            raise BaregradError(
                f"parameters that are of {type(params).__name__}",
                why="an optimiser takes several tensors, or groups of them",
                mend="pass model.parameters(), or a list",
            )
        given = list(params)
        self.defaults = {"lr": lr, **defaults}
        self.parameters: list[Tensor] = []
        self.param_groups: list[Group] = []
        self.state: dict[str, list[Tensor]] = {}
        self.steps: list[Tensor] = []  # of each group: how many there were
        rows = [part for part in given if isinstance(part, Mapping)]
        if rows and len(rows) != len(given):
            raise BaregradError(
                "parameters and groups of them", why="it is one or the other", mend="give groups alone"
            )
        if not given:
            _check_parameters([])
        for row in rows or [{"params": given}]:
            self.add_param_group(row)

    def add_param_group(self, row: Mapping[str, Any]) -> None:
        """More parameters: "params", and settings that differ from those of the optimiser.

        Errors: BaregradError for unknown settings, no parameters, or some that another group has.
        """
        params = row.get("params", ())
        found = list({id(p): p for p in ([params] if isinstance(params, Tensor) else params)}.values())
        _check_parameters([*self.parameters, *found] if found else [])
        unknown = row.keys() - self.defaults.keys() - {"params"}
        if unknown or {id(p) for p in found} & {id(p) for p in self.parameters}:
            raise BaregradError(
                f"a group with {', '.join(sorted(unknown)) or 'parameters that another has'}",
                why=f"the settings are {', '.join(self.defaults)}, and a parameter is in one group",
                mend="leave them out",
            )
        settings = {**self.defaults, **row, "params": found}
        self.check(settings)
        self.device = found[0].device
        settings["lr"] = Tensor(float(at_least_0("lr", settings["lr"])), device=self.device)
        self.parameters += found
        self.param_groups.append(Group(settings, len(self.param_groups)))
        self.steps.append(Tensor(0.0, device=self.device))
        for states in self.state.values():
            states += [_zeros_like(p) for p in found]
        settings["lr"].realize(self.steps[-1], *found)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse settings. Errors: BaregradError."""
        for name in ("weight_decay", "eps", "momentum"):
            if not isinstance(settings.get(name, 0.0), Tensor):
                at_least_0(name, settings.get(name, 0.0))
        for beta in settings.get("betas", ()):
            if not isinstance(beta, Tensor) and not 0 <= beta < 1:
                raise BaregradError(
                    f"betas {settings['betas']}",
                    why="they are weights of a mean",
                    mend="give numbers in [0, 1)",
                )

    @property
    def lr(self) -> Tensor:
        """The first group's learning rate; a number assigned holds for all groups, and captured steps."""
        rate: Tensor = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, lr: float) -> None:
        for group in self.param_groups:
            group["lr"] = lr

    def add_state(self, name: str, value: float = 0.0) -> None:
        """Zeros, or a value, in the shape of each parameter."""
        self.state[name] = [_zeros_like(p, value) for p in self.parameters]
        self.lr.realize(*self.state[name])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or make them zeros."""
        for parameter in self.parameters:
            if set_to_none:  # not looked at: a captured step would depend on it
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.zeros_like()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # Any: what the closure gives
        """Move each parameter that has a gradient, and compute everything that changed in one go.

        A closure computes the loss and its gradients first; what it gives is given back.
        """
        result = None if closure is None else closure()
        changed: list[Tensor] = []
        with no_grad():
            place = 0
            for group in self.param_groups:
                if any(p.grad is not None for p in group["params"]):
                    changed += self.before(group)
                for parameter in group["params"]:
                    grad = parameter.grad
                    if grad is not None:
                        self.update(group, place, parameter, grad)
                        changed += [parameter, grad, *(state[place] for state in self.state.values())]
                    place += 1
        if changed:
            changed[0].realize(*changed[1:])
        return result

    def before(self, group: Group) -> list[Tensor]:
        """What a step of a group changes beside the parameters: assigned and returned here."""
        steps = self.steps[group.number]
        return [steps.assign(steps + 1)]

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its state."""
        raise NotImplementedError(
            f"{type(self).__name__} has no update: write one that assigns the parameter"
        )

    # -- the state ---------------------------------------------------------------------------------------

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """State, rates and counts with their names: "mean.0", "lr.0", "steps.0"."""
        for name, states in self.state.items():
            yield from ((f"{name}.{place}", tensor) for place, tensor in enumerate(states))
        for number, group in enumerate(self.param_groups):
            settings = ((name, value) for name, value in group.items() if isinstance(value, Tensor))
            yield from ((f"{name}.{number}", value) for name, value in settings)
            yield f"steps.{number}", self.steps[number]

    def state_dict(self) -> dict[str, Tensor]:
        """All of it by name, as it is now, whatever is assigned later."""
        return {name: tensor.detach() for name, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Assign all of it by name. Errors: BaregradError, ShapeError unless names and shapes fit."""
        own = dict(self.named_tensors())
        if own.keys() != state.keys():
            raise BaregradError(
                f"a state with {', '.join(sorted(own.keys() ^ state.keys())[:6])} on one side only",
                why=f"{type(self).__name__} has the state of {len(self.parameters)} parameters",
                mend="load the state of an optimiser of the same kind and network",
            )
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                raise ShapeError(
                    f"{name} of {state[name].shape}",
                    why=f"it is of {tensor.shape}",
                    mend="load another state",
                )
        with no_grad():
            for name, tensor in own.items():
                tensor.assign(state[name].cast(tensor.dtype).to(tensor.device))


class SGD(Optimizer):
    """Steepest descent: v = momentum * v + (1 - dampening) * g; p -= lr * v.

    nesterov: p -= lr * (g + momentum * v). The first v is g, which is the gradient plus weight_decay * p.
    Source: Sutskever and others 2013, eq. 1-4, in PyTorch's scale.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        facts = {"momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, lr, **facts, nesterov=nesterov)
        if any(has(group["momentum"]) for group in self.param_groups):
            self.add_state("velocity")

    def check(self, settings: Mapping[str, Any]) -> None:
        """Errors: BaregradError."""
        super().check(settings)
        if settings["nesterov"] and (not settings["momentum"] or settings["dampening"]):
            raise BaregradError(
                "nesterov without momentum, or with dampening",
                why="it looks ahead along the momentum",
                mend="give momentum > 0 and no dampening",
            )

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its velocity."""
        grad, momentum = decayed(group, parameter, grad), group["momentum"]
        if has(momentum):
            velocity = self.state["velocity"][place]
            momentum = of_dtype(momentum, grad)
            new = grad
            if group["dampening"]:
                first = self.steps[group.number].cast(grad.dtype).eq(1)
                new = grad.where(first, grad * (1 - group["dampening"]))
            velocity.assign(velocity * momentum + new)
            grad = grad + velocity * momentum if group["nesterov"] else velocity
        parameter.assign(parameter.detach() - grad * group["lr"].cast(parameter.dtype))


class Adam(Optimizer):
    """p -= lr * m / (sqrt(v) + eps), m and v being means of g and its square, freed of their start.

    Weight decay is added to the gradient; amsgrad takes the greatest v so far. Source: Kingma, Ba 2015,
    algorithm 1; Reddi, Kale, Kumar 2018, algorithm 2.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
        self.add_state("mean")
        self.add_state("square")
        if any(group["amsgrad"] for group in self.param_groups):
            self.add_state("greatest")
        self.weights = Weights(self)

    def before(self, group: Group) -> list[Tensor]:
        """One step more."""
        return [*super().before(group), *self.weights.renew(group)]

    def update(self, group: Group, place: int, parameter: Tensor, grad: Tensor) -> None:
        """Assign one parameter and its means."""
        mean, square = self.state["mean"][place], self.state["square"][place]
        beta1, beta2 = (of_dtype(beta, grad) for beta in group["betas"])
        now = parameter.detach()
        grad, now = self.decayed(group, grad, now)
        mean.assign(mean * beta1 + grad * (1 - beta1))
        square.assign(square * beta2 + grad * grad * (1 - beta2))
        if group["amsgrad"]:
            greatest = self.state["greatest"][place]
            square = greatest.assign(greatest.maximum(square))
        weight1, weight2 = self.weights.of(group.number, parameter.dtype)
        rate = group["lr"].cast(parameter.dtype) / weight1
        parameter.assign(now - rate * mean / (square.sqrt() / weight2.sqrt() + group["eps"]))

    def decayed(self, group: Group, grad: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and parameter with weight decay."""
        return (grad + now * group["weight_decay"] if group["weight_decay"] else grad), now


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter instead of adding to the gradient.

    Source: Loshchilov, Hutter 2019, algorithm 2.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)

    def decayed(self, group: Group, grad: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and parameter with weight decay."""
        if not group["weight_decay"]:
            return grad, now
        return grad, now * (1 - group["lr"].cast(now.dtype) * group["weight_decay"])


# -- parts that optimisers share ---------------------------------------------------------------------------


class Weights:
    """1 - beta ** steps of each group and beta: what the means have seen of the gradients."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.tensors: list[list[Tensor]] = []

    def renew(self, group: Group) -> list[Tensor]:
        """Assign those of a group, behind its number of steps."""
        number = group.number
        while len(self.tensors) <= number:
            device = group["lr"].device
            made = [Tensor(0.0, device=device) for _ in group["betas"]]
            self.tensors.append([tensor.realize() for tensor in made])
        steps = self.optimizer.steps[number]
        for tensor, beta in zip(self.tensors[number], group["betas"], strict=True):
            power = beta.log() if isinstance(beta, Tensor) else (math.log(beta) if beta else -math.inf)
            tensor.assign(-(steps * power).expm1())  # without a difference of nearly equal numbers
        return self.tensors[number]

    def of(self, number: int, dtype: dt.DType) -> list[Tensor]:
        """Those of a group, in a dtype."""
        return [tensor.cast(dtype) for tensor in self.tensors[number]]


def decayed(group: Group, parameter: Tensor, grad: Tensor) -> Tensor:
    """The gradient with weight decay added."""
    return grad + parameter.detach() * group["weight_decay"] if group["weight_decay"] else grad


def has(setting: Setting) -> bool:
    """Whether a setting is other than 0."""
    return isinstance(setting, Tensor) or setting != 0


def of_dtype(setting: Setting, like: Tensor) -> Setting:
    """A setting, in a gradient's dtype if it is a tensor."""
    return setting.cast(like.dtype) if isinstance(setting, Tensor) else setting


def at_least_0(name: str, value: float) -> float:
    """A number. Errors: BaregradError below 0."""
    if not value >= 0:
        raise BaregradError(f"{name}={value}", why="it is a number of at least 0", mend="give such a number")
    return value


def _zeros_like(parameter: Tensor, value: float = 0.0) -> Tensor:
    made = Tensor(value, dtype=parameter.dtype, device=parameter.device)
    return made.expand(parameter.shape).contiguous()


def _check_parameters(parameters: list[Tensor]) -> None:
    if not parameters:
        raise BaregradError(
            "an optimiser of no parameters", why="nothing would move", mend="pass model.parameters()"
        )
    for parameter in parameters:
        if not isinstance(parameter, Tensor):
            raise BaregradError(
                f"a parameter that is of {type(parameter).__name__}",
                why="parameters are tensors",
                mend="pass model.parameters()",
            )
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
