"""A decoder GPT, with our nn and, line for line, with torch's; weights have torch's names.

The token table is also the last layer's weight, as in GPT-2. The training step of a larger one is a row of
the bench.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from baregrad import nn
from baregrad.tensor import Tensor
from tests.models.common import Arrays, Random

OPTIMIZER = ("AdamW", {"lr": 1e-3, "weight_decay": 0.1, "eps": 1e-5})


class Sizes(NamedTuple):
    """What a GPT is built from."""

    vocabulary: int = 31
    context: int = 16
    layers: int = 2
    width: int = 24
    heads: int = 3


Cache = tuple[Tensor, Tensor]  # keys and values: (n, heads, context, width of a head)


class Attention(nn.Module):
    """Each place looks at itself and at those before it."""

    def __init__(self, s: Sizes) -> None:
        self.heads = s.heads
        self.c_attn = nn.Linear(s.width, 3 * s.width)
        self.c_proj = nn.Linear(s.width, s.width)

    def forward(self, x: Tensor, cache: Cache | None = None, start: Any = 0) -> Tensor:
        """Shapes: (n, l, width) -> the same; with a cache l is 1, and `start` the place of the token."""
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, -1)
        )
        if cache is not None:
            keys, values = cache
            keys[:, :, start : start + 1] = k
            values[:, :, start : start + 1] = v
            k, v = keys[:, :, : start + 1], values[:, :, : start + 1]
        y = q.scaled_dot_product_attention(k, v, is_causal=cache is None)
        return self.c_proj(y.transpose(1, 2).flatten(-2))


class Block(nn.Module):
    """Attention and two linear layers, each added to what came in."""

    def __init__(self, s: Sizes) -> None:
        self.ln_1 = nn.LayerNorm(s.width)
        self.attn = Attention(s)
        self.ln_2 = nn.LayerNorm(s.width)
        self.c_fc = nn.Linear(s.width, 4 * s.width)
        self.c_proj = nn.Linear(4 * s.width, s.width)

    def forward(self, x: Tensor, cache: Cache | None = None, start: Any = 0) -> Tensor:
        """Shapes: (n, l, width) -> the same."""
        x = x + self.attn(self.ln_1(x), cache, start)
        return x + self.c_proj(self.c_fc(self.ln_2(x)).gelu())


class Model(nn.Module):
    """Scores of the next token at each place. Shapes: integers (n, l) -> (n, l, vocabulary)."""

    def __init__(self, s: Sizes = Sizes()) -> None:  # noqa: B008 - a record that nobody changes
        self.wte = nn.Embedding(s.vocabulary, s.width)
        self.wpe = nn.Embedding(s.context, s.width)
        self.h = nn.ModuleList([Block(s) for _ in range(s.layers)])
        self.ln_f = nn.LayerNorm(s.width)

    def forward(self, tokens: Tensor) -> Tensor:
        places = Tensor.arange(tokens.shape[1])
        x = self.wte(tokens) + self.wpe(places)
        for block in self.h:
            x = block(x)
        return self.ln_f(x).linear(self.wte.weight)

    def decode(self, tokens: Tensor, caches: list[Cache], start: Any) -> Tensor:
        """The last token only, at place `start`, a number or a bound variable; what the earlier ones had is
        in the caches. Shapes: integers (n, 1) -> (n, 1, vocabulary).
        """
        x = self.wte(tokens) + self.wpe.weight[start : start + 1]
        for block, cache in zip(self.h, caches, strict=True):
            x = block(x, cache, start)
        return self.ln_f(x).linear(self.wte.weight)


def caches_of(s: Sizes, count: int) -> list[Cache]:
    """Keys and values of each layer, of zeros."""
    shape = (count, s.heads, s.context, s.width // s.heads)
    return [(Tensor.zeros(*shape).realize(), Tensor.zeros(*shape).realize()) for _ in range(s.layers)]


def loss_of(model: Model, tokens: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of the next tokens."""
    return model(tokens).flatten(0, 1).cross_entropy(targets.flatten())


def inputs(rng: Random, count: int = 3, length: int = Sizes().context) -> Arrays:
    """Tokens, and those that follow them."""
    tokens = rng.classes(Sizes().vocabulary, count, length + 1)
    return tokens[:, :-1].copy(), tokens[:, 1:].copy()


def attention_of(torch: Any) -> Any:
    """Attention in torch."""
    nn = torch.nn
    functional = nn.functional

    class Attention(nn.Module):
        def __init__(self, s: Sizes) -> None:
            super().__init__()
            self.heads = s.heads
            self.c_attn = nn.Linear(s.width, 3 * s.width)
            self.c_proj = nn.Linear(s.width, s.width)

        def forward(self, x: Any, cache: Any = None, start: int = 0) -> Any:
            q, k, v = (
                part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, -1)
            )
            if cache is not None:
                keys, values = cache
                keys[:, :, start : start + 1] = k
                values[:, :, start : start + 1] = v
                k, v = keys[:, :, : start + 1], values[:, :, : start + 1]
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
            return self.c_proj(y.transpose(1, 2).flatten(-2))

    return Attention


def theirs(torch: Any) -> Any:
    """The model, and its loss, in torch."""
    nn = torch.nn
    functional = nn.functional

    Attention = attention_of(torch)

    class Block(nn.Module):
        def __init__(self, s: Sizes) -> None:
            super().__init__()
            self.ln_1 = nn.LayerNorm(s.width)
            self.attn = Attention(s)
            self.ln_2 = nn.LayerNorm(s.width)
            self.c_fc = nn.Linear(s.width, 4 * s.width)
            self.c_proj = nn.Linear(4 * s.width, s.width)

        def forward(self, x: Any, cache: Any = None, start: int = 0) -> Any:
            x = x + self.attn(self.ln_1(x), cache, start)
            return x + self.c_proj(functional.gelu(self.c_fc(self.ln_2(x))))

    class Model(nn.Module):
        def __init__(self, s: Sizes = Sizes()) -> None:  # noqa: B008 - a record that nobody changes
            super().__init__()
            self.wte = nn.Embedding(s.vocabulary, s.width)
            self.wpe = nn.Embedding(s.context, s.width)
            self.h = nn.ModuleList([Block(s) for _ in range(s.layers)])
            self.ln_f = nn.LayerNorm(s.width)

        def forward(self, tokens: Any) -> Any:
            places = torch.arange(tokens.shape[1])
            x = self.wte(tokens) + self.wpe(places)
            for block in self.h:
                x = block(x)
            return functional.linear(self.ln_f(x), self.wte.weight)

        def decode(self, tokens: Any, caches: Any, start: int) -> Any:
            x = self.wte(tokens) + self.wpe.weight[start : start + 1]
            for block, cache in zip(self.h, caches, strict=True):
                x = block(x, cache, start)
            return functional.linear(self.ln_f(x), self.wte.weight)

    def loss_of(model: Any, tokens: Any, targets: Any) -> Any:
        return functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())

    return Model, loss_of
