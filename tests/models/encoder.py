"""A Transformer encoder of sentences with padding, with our nn and with torch's own nn.TransformerEncoder.

Layers norm what they added up (torch's default). Source: Vaswani and others 2017, figure 1.
"""

from __future__ import annotations

from typing import Any

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("AdamW", {"lr": 1e-3, "weight_decay": 0.05, "eps": 1e-5})
TOKENS, LENGTH, WIDTH, HEADS, LAYERS = 29, 12, 24, 4, 2


class Model(nn.Module):
    """Shapes: integers (n, l), of which 0 is padding -> (n, 3)."""

    def __init__(self) -> None:
        self.table = nn.Embedding(TOKENS, WIDTH)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 3 * WIDTH, dropout=0.0, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS)
        self.last = nn.Linear(WIDTH, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        """The mean of what stands at words, and a linear layer."""
        words = tokens != 0
        x = self.encoder(self.table(tokens), src_key_padding_mask=~words)
        count = words.sum(1, keepdim=True)
        return self.last(x.masked_fill(~words.unsqueeze(-1), 0).sum(1) / count)


def loss_of(model: Model, tokens: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy."""
    return model(tokens).cross_entropy(labels)


def inputs(rng: Random, count: int = 6) -> Arrays:
    """Sentences of 1 to 12 words, and their labels."""
    tokens = rng.classes(TOKENS - 1, count, LENGTH) + 1
    for row, length in enumerate((12, 1, 7, 3, 11, 5)[:count]):
        tokens[row, length:] = 0
    return tokens, rng.classes(3, count)


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(TOKENS, WIDTH)
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, 3 * WIDTH, dropout=0.0, activation="gelu", batch_first=True
            )
            self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
            self.last = nn.Linear(WIDTH, 3)

        def forward(self, tokens: Any) -> Any:
            words = tokens != 0
            x = self.encoder(self.table(tokens), src_key_padding_mask=~words)
            count = words.sum(1, keepdim=True)
            return self.last(x.masked_fill(~words.unsqueeze(-1), 0).sum(1) / count)

    def loss_of(model: Any, tokens: Any, labels: Any) -> Any:
        return functional.cross_entropy(model(tokens), labels)

    return Model, loss_of
