"""A Vision Transformer, with our nn and, line for line, with torch's.

Source: Dosovitskiy and others 2021, eq. 1-4.
"""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("AdamW", {"lr": 1e-3, "weight_decay": 0.1, "eps": 1e-4})
IMAGE, PATCH, WIDTH, HEADS, LAYERS = 16, 4, 24, 3, 2
PLACES = (IMAGE // PATCH) ** 2 + 1


class Block(nn.Module):
    """Attention and two linear layers, each added to what came in."""

    def __init__(self) -> None:
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.fc2(self.fc1(self.norm2(x)).gelu())


class Model(nn.Module):
    """Shapes: (n, 3, 16, 16) -> (n, 10)."""

    def __init__(self) -> None:
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.token = nn.Parameter(Tensor.zeros(1, 1, WIDTH))
        self.places = nn.Parameter(Tensor.zeros(1, PLACES, WIDTH))
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = Tensor.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def loss_of(model: Model, x: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy."""
    return model(x).cross_entropy(labels)


def inputs(rng: Random, count: int = 4) -> Arrays:
    """Images, and their labels."""
    return rng.spread(count, 3, IMAGE, IMAGE), rng.classes(10, count)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(WIDTH)
            self.attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
            self.norm2 = nn.LayerNorm(WIDTH)
            self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
            self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            y = self.norm1(x)
            x = x + self.attn(y, y, y, need_weights=False)[0]
            return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
            self.token = nn.Parameter(torch.zeros(1, 1, WIDTH))
            self.places = nn.Parameter(torch.zeros(1, PLACES, WIDTH))
            self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
            self.norm = nn.LayerNorm(WIDTH)
            self.head = nn.Linear(WIDTH, 10)

        def forward(self, x: Any) -> Any:
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x)[:, 0])

    def loss_of(model: Any, x: Any, labels: Any) -> Any:
        return functional.cross_entropy(model(x), labels)

    return Model, loss_of
