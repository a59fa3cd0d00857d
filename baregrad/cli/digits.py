"""What the demo learns: the digits that ship inside scikit-learn, a split of them, a network.

1797 images of 8×8 pixels with 16 grey levels. The split is the same for every seed of the training.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import baregrad as bg
from baregrad.base import optional
from baregrad.tensor import Tensor

SPLIT_SEED = 8
HELD_OUT = 0.2
BATCH = 64
RATE = 5e-3


class Digits(NamedTuple):
    """Images (n, 1, 8, 8) of float32 in 0..1 and labels (n,) of int64, as numpy arrays."""

    images: Any  # numpy.ndarray: numpy comes with scikit-learn, which is optional
    labels: Any

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, places: list[int]) -> Digits:
        """Some of them."""
        return Digits(self.images[places], self.labels[places])

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Copies on the device."""
        return Tensor(self.images), Tensor(self.labels)


def load_digits() -> Digits:
    """All of them. Errors: ConfigError without scikit-learn."""
    found = optional("sklearn.datasets", wanted_for="the digits of the demo", extra="demo").load_digits()
    images = (found.images / 16).astype("float32").reshape(-1, 1, 8, 8)
    return Digits(images, found.target.astype("int64"))


def split(digits: Digits, fraction: float = HELD_OUT) -> tuple[Digits, Digits]:
    """Training and held-out digits, the same fraction of every class held out."""
    generator = random.Random(SPLIT_SEED)
    training: list[int] = []
    held_out: list[int] = []
    for label in range(10):
        places = [place for place, own in enumerate(digits.labels.tolist()) if own == label]
        generator.shuffle(places)
        count = round(len(places) * fraction)
        held_out += places[:count]
        training += places[count:]
    return digits.part(training), digits.part(held_out)


class Network(bg.nn.Module):
    """Two convolutions with batch norm, one pooling, one linear layer. Shapes: (n, 1, 8, 8) -> (n, 10)."""

    def __init__(self) -> None:
        self.conv1 = bg.nn.Conv2d(1, 16, 3, padding=1)
        self.norm1 = bg.nn.BatchNorm(16)
        self.conv2 = bg.nn.Conv2d(16, 32, 3, padding=1)
        self.norm2 = bg.nn.BatchNorm(32)
        self.last = bg.nn.Linear(32 * 4 * 4, 10)

    def __call__(self, x: Tensor) -> Tensor:
        """The scores of the ten digits."""
        x = self.norm1(self.conv1(x)).relu()
        x = self.norm2(self.conv2(x)).relu().max_pool2d(2)
        return self.last(x.flatten(1))


class Trainer:
    """A network, its optimiser, and the two captured steps."""

    def __init__(self, training: Digits, held_out: Digits, seed: int, epochs: int) -> None:
        Tensor.manual_seed(seed)
        self.training, self.epochs = training, epochs
        self.order = random.Random(seed)
        self.network = Network()
        self.optimizer = bg.nn.Adam(self.network.parameters(), lr=RATE)
        self.held_out = held_out.tensors()
        self.step = bg.jit(step_of(self.network, self.optimizer))
        self.score = bg.jit(score_of(self.network))

    @property
    def steps(self) -> int:
        """Steps of an epoch; what does not fill a batch waits for the next epoch."""
        return len(self.training) // BATCH

    def epoch(self, number: int) -> Iterator[Tensor]:
        """One pass over the training digits in a new order: the loss of each step."""
        self.network.train()
        self.optimizer.lr = RATE * 0.5 * (1 + math.cos(math.pi * number / self.epochs))
        places = list(range(len(self.training)))
        self.order.shuffle(places)
        for start in range(0, self.steps * BATCH, BATCH):
            yield self.step(*self.training.part(places[start : start + BATCH]).tensors())

    def accuracy(self) -> float:
        """The fraction of the held-out digits that are recognised."""
        self.network.eval()
        images, labels = self.held_out
        return int(self.score(images, labels).item()) / len(labels)


def step_of(network: Network, optimizer: bg.nn.Optimizer) -> Callable[[Tensor, Tensor], Tensor]:
    """One step of training."""

    def step(images: Tensor, labels: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = network(images).cross_entropy(labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def score_of(network: Network) -> Callable[[Tensor, Tensor], Tensor]:
    """How many digits are recognised."""

    def score(images: Tensor, labels: Tensor) -> Tensor:
        with bg.no_grad():
            return (network(images).argmax(1) == labels).sum()

    return score
