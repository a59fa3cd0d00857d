"""A language model of two LSTM layers, gradients clipped, with our nn and, line for line, with torch's."""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("Adam", {"lr": 2e-3})
TOKENS, LENGTH, WIDTH, HIDDEN, LAYERS = 23, 9, 12, 20, 2
NORM = 0.25


class Model(nn.Module):
    """Shapes: integers (n, l) -> (n, l, tokens)."""

    def __init__(self) -> None:
        self.table = nn.Embedding(TOKENS, WIDTH)
        self.lstm = nn.LSTM(WIDTH, HIDDEN, LAYERS, batch_first=True)
        self.last = nn.Linear(HIDDEN, TOKENS)

    def forward(self, tokens: Tensor) -> Tensor:
        x, _ = self.lstm(self.table(tokens))
        return self.last(x)


def loss_of(model: Model, tokens: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of the next tokens."""
    return model(tokens).flatten(0, 1).cross_entropy(targets.flatten())


def step_of(model: Model, optimizers: tuple[nn.Optimizer]) -> Any:
    """One step of training."""
    (optimizer,) = optimizers

    def step(tokens: Tensor, targets: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, tokens, targets)
        loss.backward()
        nn.clip_grad_norm_(model.parameters(), NORM)
        optimizer.step()
        return loss.detach()

    return step


def inputs(rng: Random, count: int = 4) -> Arrays:
    """Tokens, and those that follow them."""
    tokens = rng.classes(TOKENS, count, LENGTH + 1)
    return tokens[:, :-1].copy(), tokens[:, 1:].copy()


def theirs(torch: Any) -> Any:
    """The model, and its step, in torch."""
    nn = torch.nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(TOKENS, WIDTH)
            self.lstm = nn.LSTM(WIDTH, HIDDEN, LAYERS, batch_first=True)
            self.last = nn.Linear(HIDDEN, TOKENS)

        def forward(self, tokens: Any) -> Any:
            x, _ = self.lstm(self.table(tokens))
            return self.last(x)

    def loss_of(model: Any, tokens: Any, targets: Any) -> Any:
        return nn.functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())

    def step_of(model: Any, optimizers: Any) -> Any:
        (optimizer,) = optimizers

        def step(tokens: Any, targets: Any) -> Any:
            optimizer.zero_grad()
            loss = loss_of(model, tokens, targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), NORM)
            optimizer.step()
            return loss.detach()

        return step

    return Model, step_of
