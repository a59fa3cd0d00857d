"""A multilayer perceptron, with our nn and, line for line, with torch's."""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("SGD", {"lr": 0.1, "momentum": 0.9})


class Model(nn.Module):
    """Shapes: (n, 20) -> (n, 5)."""

    def __init__(self) -> None:
        self.net = nn.Sequential(nn.Linear(20, 33), nn.ReLU(), nn.Linear(33, 17), nn.Tanh(), nn.Linear(17, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def loss_of(model: Model, x: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy."""
    return model(x).cross_entropy(labels)


def inputs(rng: Random, count: int = 16) -> Arrays:
    """A batch, and its labels."""
    return rng.spread(count, 20), rng.classes(5, count)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                nn.Linear(20, 33), nn.ReLU(), nn.Linear(33, 17), nn.Tanh(), nn.Linear(17, 5)
            )

        def forward(self, x: Any) -> Any:
            return self.net(x)

    def loss_of(model: Any, x: Any, labels: Any) -> Any:
        return nn.functional.cross_entropy(model(x), labels)

    return Model, loss_of
