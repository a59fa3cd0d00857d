"""What the models of this directory share: numbers, weights by torch's names, the training step.

Each file has a model in our nn (Model) and the same in torch (theirs), OPTIMIZER, inputs and loss_of. The
step stands here, once for both, as it is the same text in both worlds. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from baregrad import nn
from baregrad.tensor import Tensor

NAMES = ("mlp", "cnn", "resnet", "mobilenet", "unet", "gan", "lstm", "vit", "encoder", "gpt")
STEPS = 5
# on the reference device: sizes of inputs that take a moment, and models whose step does
SMALL = {
    "mlp": (4,),
    "cnn": (3,),
    "resnet": (1, 32),
    "mobilenet": (1, 16),
    "unet": (1, 8, 12),
    "gan": (1,),
    "lstm": (1,),
    "vit": (1,),
    "encoder": (1,),
    "gpt": (1, 8),
}
STEPPED = ("mlp", "cnn", "lstm", "vit", "encoder", "gpt")

Arrays = tuple[Any, ...]  # of numpy
Step = Callable[..., Any]


class Random:
    """Numbers that are the same everywhere: a counter, hashed. Source: Steele, Lea, Flood 2014."""

    def __init__(self, seed: int) -> None:
        self.next = seed << 32

    def bits(self, count: int) -> Any:
        """64 random bits each."""
        x = np.arange(self.next + 1, self.next + count + 1, dtype=np.uint64)
        self.next += count
        x = x * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))

    def even(self, *shape: int) -> Any:
        """Evenly in [-1, 1)."""
        wide = (self.bits(math.prod(shape)) >> np.uint64(40)).astype(np.float32)
        return (wide * np.float32(2.0**-23) - np.float32(1)).reshape(shape)

    def spread(self, *shape: int) -> Any:
        """Of mean 0 and variance 1."""
        return self.even(*shape) * np.float32(math.sqrt(3))

    def classes(self, count: int, *shape: int) -> Any:
        """Whole numbers below count, as int64."""
        return (self.bits(math.prod(shape)) % np.uint64(count)).astype(np.int64).reshape(shape)


def module_of(name: str) -> ModuleType:
    """The file of a model."""
    return import_module(f"tests.models.{name}")


def weights(shapes: Mapping[str, Sequence[int]], seed: int = 1) -> dict[str, Any]:
    """Numbers for each name, in the sizes that layers begin with; of norms near 1, and 0."""
    rng = Random(seed)
    found = {}
    for name in sorted(shapes):
        shape = shapes[name]
        if name.endswith("num_batches_tracked"):
            found[name] = np.zeros(shape, np.int64)
            continue
        values = rng.even(*shape)
        if len(shape) > 1:
            values = values / np.float32(math.sqrt(max(1, math.prod(shape[1:]))))
        else:
            values = values * np.float32(0.1)
            if name.endswith(("weight", "running_var")):
                values = values + np.float32(1)
        found[name] = values
    return found


def step_of(model: Any, optimizers: tuple[Any, ...], loss_of: Callable[..., Any]) -> Step:
    """One step of training: the loss before it. The same text for both."""
    (optimizer,) = optimizers

    def step(*batch: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model, *batch)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def training(module: ModuleType, model: Any, optim: Any, loss_or_step: Any) -> Step:
    """The step of a model with its optimisers, made in nn or in torch.optim."""
    name, facts = module.OPTIMIZER
    networks = [getattr(model, part) for part in getattr(module, "PARTS", ())] or [model]
    optimizers = tuple(getattr(optim, name)(network.parameters(), **facts) for network in networks)
    if hasattr(module, "step_of"):
        step: Step = loss_or_step(model, optimizers)
        return step
    return step_of(model, optimizers, loss_or_step)


def ours(module: ModuleType, state: Mapping[str, Any], *sizes: int) -> tuple[Any, Step, list[Tensor]]:
    """Our model with these weights (of numpy), its step and its inputs."""
    model = module.Model()
    model.load_state_dict({name: Tensor(values) for name, values in state.items()})
    found = module.step_of if hasattr(module, "step_of") else module.loss_of
    return model, training(module, model, nn, found), [Tensor(a) for a in module.inputs(Random(2), *sizes)]


def in_torch(torch: Any, module: ModuleType, *sizes: int) -> tuple[Any, Step, list[Any]]:
    """torch's model with weights of its own, its step and its inputs."""
    made, found = module.theirs(torch)
    torch.manual_seed(0)
    model = made()
    batch = [torch.from_numpy(a) for a in module.inputs(Random(2), *sizes)]
    return model, training(module, model, torch.optim, found), batch


def state_of(theirs: Any) -> dict[str, Any]:
    """The state of torch's model as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in theirs.state_dict().items()}


def apart(got: Any, expected: Any, least: float = 1e-30) -> float:
    """The greatest difference, of the greatest value (or `least`)."""
    a, b = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    assert a.shape == b.shape, f"{a.shape} is not {b.shape}"
    return float(np.abs(a - b).max() / max(np.abs(b).max(), least))
