"""A network in the shape of ResNet-18, an eighth as wide, with our nn and, line for line, with torch's.

Source: He, Zhang, Ren, Sun 2016, table 1; names are those of torchvision's.
"""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("SGD", {"lr": 0.0005, "momentum": 0.9, "weight_decay": 1e-4})


class Block(nn.Module):
    """Two convolutions, added to what came in."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class Model(nn.Module):
    """Shapes: (n, 3, 64, 64) -> (n, 10)."""

    def __init__(self, width: int = 8) -> None:
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(Block(width, width, 1), Block(width, width, 1))
        self.layer2 = nn.Sequential(Block(width, 2 * width, 2), Block(2 * width, 2 * width, 1))
        self.layer3 = nn.Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 1))
        self.layer4 = nn.Sequential(Block(4 * width, 8 * width, 2), Block(8 * width, 8 * width, 1))
        self.fc = nn.Linear(8 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu().max_pool2d(3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def loss_of(model: Model, x: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy."""
    return model(x).cross_entropy(labels)


def inputs(rng: Random, count: int = 8, size: int = 64) -> Arrays:
    """Images, and their labels."""
    return rng.spread(count, 3, size, size), rng.classes(10, count)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride > 1 or inputs != outputs:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            y = self.bn1(self.conv1(x)).relu()
            y = self.bn2(self.conv2(y))
            return (y + (x if self.downsample is None else self.downsample(x))).relu()

    class Model(nn.Module):
        def __init__(self, width: int = 8) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.layer1 = nn.Sequential(Block(width, width, 1), Block(width, width, 1))
            self.layer2 = nn.Sequential(Block(width, 2 * width, 2), Block(2 * width, 2 * width, 1))
            self.layer3 = nn.Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 1))
            self.layer4 = nn.Sequential(Block(4 * width, 8 * width, 2), Block(8 * width, 8 * width, 1))
            self.fc = nn.Linear(8 * width, 10)

        def forward(self, x: Any) -> Any:
            x = functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, stride=2, padding=1)
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(x.mean((2, 3)))

    def loss_of(model: Any, x: Any, labels: Any) -> Any:
        return functional.cross_entropy(model(x), labels)

    return Model, loss_of
