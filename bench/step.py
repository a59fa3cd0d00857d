"""The demo's training step against the same step in torch."""

from __future__ import annotations

import torch
from torch import nn

import baregrad as bg
from baregrad.cli.digits import BATCH, RATE, Trainer, load_digits, split


def ours() -> tuple[Trainer, tuple[bg.Tensor, bg.Tensor]]:
    """The demo's captured step, and a batch."""
    training, held_out = split(load_digits())
    trainer = Trainer(training, held_out, seed=0, epochs=1)
    return trainer, training.part(list(range(BATCH))).tensors()


class Torchs:
    """The same network and optimiser in torch."""

    def __init__(self) -> None:
        self.network = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(512, 10),
        )  # fmt: skip
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=RATE)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """One step of training."""
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.network(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()
