"""A network of inverted residuals with depthwise convolutions, with our nn and, line for line, with torch's.

Source: Sandler and others 2018, table 1.
"""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True})


class Block(nn.Module):
    """To `wide` channels, a filter on each of them, and back; added to what came in where that fits."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        wide = 3 * inputs
        self.added = stride == 1 and inputs == outputs
        self.expand = nn.Conv2d(inputs, wide, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.depthwise = nn.Conv2d(wide, wide, 3, stride=stride, padding=1, groups=wide, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.project = nn.Conv2d(wide, outputs, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.expand(x)).relu6()
        y = self.norm2(self.depthwise(y)).relu6()
        y = self.norm3(self.project(y))
        return x + y if self.added else y


class Model(nn.Module):
    """Shapes: (n, 3, 32, 32) -> (n, 10)."""

    def __init__(self) -> None:
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 12, 2), Block(12, 12, 1), Block(12, 16, 2))
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).relu6()
        return self.head(self.blocks(x).mean((2, 3)))


def loss_of(model: Model, x: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy."""
    return model(x).cross_entropy(labels)


def inputs(rng: Random, count: int = 4, size: int = 32) -> Arrays:
    """Images, and their labels."""
    return rng.spread(count, 3, size, size), rng.classes(10, count)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            wide = 3 * inputs
            self.added = stride == 1 and inputs == outputs
            self.expand = nn.Conv2d(inputs, wide, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(wide)
            self.depthwise = nn.Conv2d(wide, wide, 3, stride=stride, padding=1, groups=wide, bias=False)
            self.norm2 = nn.BatchNorm2d(wide)
            self.project = nn.Conv2d(wide, outputs, 1, bias=False)
            self.norm3 = nn.BatchNorm2d(outputs)

        def forward(self, x: Any) -> Any:
            y = functional.relu6(self.norm1(self.expand(x)))
            y = functional.relu6(self.norm2(self.depthwise(y)))
            y = self.norm3(self.project(y))
            return x + y if self.added else y

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(8)
            self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 12, 2), Block(12, 12, 1), Block(12, 16, 2))
            self.head = nn.Linear(16, 10)

        def forward(self, x: Any) -> Any:
            x = functional.relu6(self.norm(self.stem(x)))
            return self.head(self.blocks(x).mean((2, 3)))

    def loss_of(model: Any, x: Any, labels: Any) -> Any:
        return functional.cross_entropy(model(x), labels)

    return Model, loss_of
