"""A small convolutional network with batch norm, with our nn and, line for line, with torch's."""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("Adam", {"lr": 1e-3})


class Model(nn.Module):
    """Shapes: (n, 3, 16, 16) -> (n, 10)."""

    def __init__(self) -> None:
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 12, 5, stride=2)
        self.last = nn.Linear(12 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv1(x)).relu().max_pool2d(2)
        x = self.conv2(x).relu()
        return self.last(x.flatten(1))


def loss_of(model: Model, x: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy with smoothed labels."""
    return model(x).cross_entropy(labels, label_smoothing=0.1)


def inputs(rng: Random, count: int = 8) -> Arrays:
    """Images, and their labels."""
    return rng.spread(count, 3, 16, 16), rng.classes(10, count)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(8)
            self.conv2 = nn.Conv2d(8, 12, 5, stride=2)
            self.last = nn.Linear(12 * 4, 10)

        def forward(self, x: Any) -> Any:
            x = functional.max_pool2d(self.norm(self.conv1(x)).relu(), 2)
            x = self.conv2(x).relu()
            return self.last(x.flatten(1))

    def loss_of(model: Any, x: Any, labels: Any) -> Any:
        return functional.cross_entropy(model(x), labels, label_smoothing=0.1)

    return Model, loss_of
