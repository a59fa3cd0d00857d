"""Layers without a window: a few tensors and one formula each. Initial values are distributed as torch's.

Their numbers come from Tensor.manual_seed's generator, so that they are the same on every device.
Convolutions, norms, pooling, recurrent layers, attention and activations have files of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.nn.module import Module
from baregrad.tensor import Tensor


def uniform_parameter(
    *shape: int, bound: float, dtype: DType = dt.float32, device: str | None = None
) -> Tensor:
    """A trainable tensor, uniform in [-bound, bound)."""
    return Tensor.uniform(*shape, low=-bound, high=bound, device=device).cast(dtype).requires_grad_()


def inverse_root(fan_in: int) -> float:
    """Kaiming's uniform bound for slope sqrt(5). Source: He and others 2015, eq. 10."""
    return 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0


class Identity(Module):
    """x."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, x: Tensor) -> Tensor:
        """X itself."""
        return x


class Linear(Module):
    """x @ weight.T + bias. Shapes: (…, in_features) -> (…, out_features)."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        bound = inverse_root(in_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = uniform_parameter(out_features, in_features, bound=bound, dtype=dtype, device=device)
        self.bias = uniform_parameter(out_features, bound=bound, dtype=dtype, device=device) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.linear(self.weight, self.bias)


class Bilinear(Module):
    """x @ weight[o] @ y + bias[o] for each output o. Shapes: (…, in1), (…, in2) -> (…, out)."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        bound = inverse_root(in1_features)
        shape = (out_features, in1_features, in2_features)
        self.weight = uniform_parameter(*shape, bound=bound, dtype=dtype, device=device)
        self.bias = uniform_parameter(out_features, bound=bound, dtype=dtype, device=device) if bias else None

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The formula."""
        out, first, second = self.weight.shape
        half = x.matmul(self.weight.permute(1, 0, 2).reshape(first, out * second))
        whole = (half.unflatten(-1, (out, second)) * y.unsqueeze(-2)).sum(-1)
        return whole if self.bias is None else whole + self.bias


class Embedding(Module):
    """Rows of a table by number. Shapes: integers (…) -> (…, embedding_dim).

    Row padding_idx begins as zeros and gets no gradient.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx
        made = Tensor.randn(num_embeddings, embedding_dim, dtype=dtype, device=device)
        if padding_idx is not None:
            made = made.index_fill(0, padding_idx, 0)
        self.weight = made.requires_grad_()

    def __call__(self, x: Tensor) -> Tensor:
        """The rows. Errors: IndexingError out of range, as Tensor.embedding()."""
        return x.embedding(self.weight, self.padding_idx)


class EmbeddingBag(Module):
    """The mean, sum or max of a table's rows for each bag of numbers: Tensor.embedding_bag().

    Shapes: integers (bags, n), or (n,) with offsets (bags,) -> (bags, embedding_dim). Row padding_idx begins
    as zeros, gets no gradient and does not count.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        mode: str = "mean",
        padding_idx: int | None = None,
        *,
        include_last_offset: bool = False,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        table = Embedding(num_embeddings, embedding_dim, padding_idx, dtype=dtype, device=device)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.mode, self.padding_idx, self.include_last_offset = mode, padding_idx, include_last_offset
        self.weight = table.weight

    def __call__(
        self, x: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        """One row for each bag. Errors: as Tensor.embedding_bag()."""
        return x.embedding_bag(
            self.weight,
            offsets,
            self.mode,
            per_sample_weights=per_sample_weights,
            padding_idx=self.padding_idx,
            include_last_offset=self.include_last_offset,
        )


class Dropout(Module):
    """In training each element 0 with probability p, else divided by 1 - p."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        self.p = p  # inplace is torch's; nothing is written in place here

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.dropout(self.p, self.training)


class Dropout1d(Dropout):
    """In training each channel of (n, channels, l) 0 with probability p, else divided by 1 - p."""

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.dropout1d(self.p, self.training)


class Dropout2d(Dropout):
    """In training each channel of (n, channels, h, w) 0 with probability p, else divided by 1 - p."""

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.dropout2d(self.p, self.training)


class Dropout3d(Dropout):
    """In training each channel of (n, channels, d, h, w) 0 with probability p, else divided by 1 - p."""

    def __call__(self, x: Tensor) -> Tensor:
        """The formula."""
        return x.dropout3d(self.p, self.training)


class Flatten(Module):
    """Neighbouring axes joined to one: all but the first unless given."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def __call__(self, x: Tensor) -> Tensor:
        """Tensor.flatten."""
        return x.flatten(self.start_dim, self.end_dim)


class Unflatten(Module):
    """One axis split to several."""

    def __init__(self, axis: int, sizes: Sequence[int]) -> None:
        self.axis, self.sizes = axis, tuple(sizes)

    def __call__(self, x: Tensor) -> Tensor:
        """Tensor.unflatten."""
        return x.unflatten(self.axis, self.sizes)


class CosineSimilarity(Module):
    """Tensor.cosine_similarity along an axis."""

    def __init__(self, axis: int = 1, eps: float = 1e-8) -> None:
        self.axis, self.eps = axis, eps

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The formula."""
        return x.cosine_similarity(y, self.axis, self.eps)


class PairwiseDistance(Module):
    """Tensor.pairwise_distance along the last axis."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The formula."""
        return x.pairwise_distance(y, self.p, self.eps, self.keepdim)
