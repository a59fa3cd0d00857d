"""Training steps against the same ones in torch: the demo's, and a GPT's (its model: tests/models/gpt.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import baregrad as bg
from baregrad.cli.digits import BATCH, RATE, Trainer, load_digits, split
from tests.models import gpt

GPT_SIZES = gpt.Sizes(vocabulary=512, context=256, layers=6, width=384, heads=6)
GPT_BATCH = 4
GPT_RATE = 1e-3


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


def gpt_steps(sizes: gpt.Sizes = GPT_SIZES) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """One training step of a GPT with AdamW, ours captured, and torch's; both give the loss.

    The same weights and tokens go into both.
    """
    made, loss_of = gpt.theirs(torch)
    torch.manual_seed(0)
    theirs = made(sizes)
    for parameter in theirs.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, std=0.02)
    mine = gpt.Model(sizes)
    mine.load_state_dict({name: bg.Tensor(t.detach().numpy()) for name, t in theirs.state_dict().items()})
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, sizes.vocabulary, (GPT_BATCH, sizes.context + 1))
    arrays = np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])
    tensors, torches = [bg.Tensor(a) for a in arrays], [torch.from_numpy(a) for a in arrays]
    optimizer = bg.nn.AdamW(mine.parameters(), lr=GPT_RATE, weight_decay=0.01)
    others = torch.optim.AdamW(theirs.parameters(), lr=GPT_RATE, weight_decay=0.01)

    @bg.jit
    def step(x: bg.Tensor, y: bg.Tensor) -> bg.Tensor:
        optimizer.zero_grad()
        loss = gpt.loss_of(mine, x, y)
        loss.backward()
        optimizer.step()
        return loss

    def torch_step() -> Any:
        others.zero_grad()
        loss = loss_of(theirs, *torches)
        loss.backward()
        others.step()
        return loss.detach()

    return lambda: step(*tensors), torch_step
