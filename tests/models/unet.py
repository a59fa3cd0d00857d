"""A U-Net, with our nn and, line for line, with torch's.

Source: Ronneberger, Fischer, Brox 2015, figure 1; with group norm and padded convolutions.
"""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("AdamW", {"lr": 1e-3, "eps": 1e-4})


class Pair(nn.Module):
    """Two convolutions with group norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = nn.GroupNorm(2, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(2, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(self.conv1(x)).silu()
        return self.norm2(self.conv2(x)).silu()


class Model(nn.Module):
    """Shapes: (n, 1, 16, 24) -> the same."""

    def __init__(self) -> None:
        self.down1, self.down2 = Pair(1, 6), Pair(6, 8)
        self.middle = Pair(8, 12)
        self.up2, self.pair2 = nn.ConvTranspose2d(12, 8, 2, stride=2), Pair(16, 8)
        self.up1, self.pair1 = nn.ConvTranspose2d(8, 6, 2, stride=2), Pair(12, 6)
        self.last = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(a.max_pool2d(2))
        x = self.middle(b.max_pool2d(2))
        x = self.pair2(Tensor.cat([b, self.up2(x)], 1))
        x = self.pair1(Tensor.cat([a, self.up1(x)], 1))
        return self.last(x)


def loss_of(model: Model, x: Tensor, target: Tensor) -> Tensor:
    """The mean of squared differences."""
    return model(x).mse_loss(target)


def inputs(rng: Random, count: int = 3, height: int = 16, width: int = 24) -> Arrays:
    """Images, and what they should become."""
    return rng.spread(count, 1, height, width), rng.spread(count, 1, height, width)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Pair(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
            self.norm1 = nn.GroupNorm(2, outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
            self.norm2 = nn.GroupNorm(2, outputs)

        def forward(self, x: Any) -> Any:
            x = functional.silu(self.norm1(self.conv1(x)))
            return functional.silu(self.norm2(self.conv2(x)))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2 = Pair(1, 6), Pair(6, 8)
            self.middle = Pair(8, 12)
            self.up2, self.pair2 = nn.ConvTranspose2d(12, 8, 2, stride=2), Pair(16, 8)
            self.up1, self.pair1 = nn.ConvTranspose2d(8, 6, 2, stride=2), Pair(12, 6)
            self.last = nn.Conv2d(6, 1, 1)

        def forward(self, x: Any) -> Any:
            a = self.down1(x)
            b = self.down2(functional.max_pool2d(a, 2))
            x = self.middle(functional.max_pool2d(b, 2))
            x = self.pair2(torch.cat([b, self.up2(x)], 1))
            x = self.pair1(torch.cat([a, self.up1(x)], 1))
            return self.last(x)

    def loss_of(model: Any, x: Any, target: Any) -> Any:
        return functional.mse_loss(model(x), target)

    return Model, loss_of
