"""Layers of the wider API: embedding, norms, attention. Read layers.py first.

Initial values have the distributions of PyTorch's layers.
"""

from __future__ import annotations

import math

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.dtype import DType
from baregrad.nn.layers import Linear, uniform_parameter
from baregrad.nn.module import Module
from baregrad.tensor import Tensor, no_grad


class Embedding(Module):
    """Rows of a table by number. Shapes: integers (…) -> (…, size).

    Row padding_idx begins as zeros and gets no gradient.
    """

    def __init__(
        self,
        count: int,
        size: int,
        padding_idx: int | None = None,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        self.count = count
        self.padding_idx = padding_idx
        self.weight = Tensor.randn(count, size, dtype=dtype, device=device).requires_grad_()
        if padding_idx is not None:
            with no_grad():
                self.weight.assign(self.weight.index_fill(0, padding_idx, 0))

    def __call__(self, x: Tensor) -> Tensor:
        """The rows. Errors: IndexingError out of range, as Tensor.embedding()."""
        return x.embedding(self.weight, self.padding_idx)


class RMSNorm(Module):
    """x / sqrt(mean(x * x) + eps) * weight over the last axes, `shape`. Source: Zhang, Sennrich 2019, eq. 4.

    eps None is the dtype's epsilon.
    """

    def __init__(
        self,
        shape: int | tuple[int, ...],
        *,
        eps: float | None = None,
        affine: bool = True,
        device: str | None = None,
    ) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.eps = eps
        self.weight = Tensor.ones(*self.shape, device=device).requires_grad_() if affine else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError unless x ends in the shape."""
        lead = x.ndim - len(self.shape)
        if lead < 0 or x.shape[lead:] != self.shape:
            raise ShapeError(
                f"RMS norm of {x.shape}", why=f"its last axes are not {self.shape}", mend="reshape it"
            )
        eps = x.dtype.epsilon if self.eps is None else self.eps
        y = x * ((x * x).mean(tuple(range(lead, x.ndim)), keepdim=True) + eps).rsqrt()
        return y if self.weight is None else y * self.weight


class GroupNorm(Module):
    """Groups of channels shifted and scaled to mean 0 and variance 1, then by weight and bias of a channel.

    Shapes: (n, channels, …) -> the same. Source: Wu, He 2018, eq. 1-5. Errors: ShapeError unless the groups
    divide the channels.
    """

    def __init__(
        self,
        groups: int,
        channels: int,
        *,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | None = None,
    ) -> None:
        if groups < 1 or channels % groups:
            raise ShapeError(
                f"group norm of {channels} channels in {groups} groups",
                why="each group has as many channels",
                mend="give a number of groups that divides them",
            )
        self.groups, self.channels, self.eps = groups, channels, eps
        self.weight = Tensor.ones(channels, device=device).requires_grad_() if affine else None
        self.bias = Tensor.zeros(channels, device=device).requires_grad_() if affine else None

    def __call__(self, x: Tensor) -> Tensor:
        """The formula. Errors: ShapeError unless axis 1 has the channels."""
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise ShapeError(
                f"group norm of {x.shape}", why=f"axis 1 has not {self.channels} channels", mend="reshape it"
            )
        y = x.reshape(x.shape[0], self.groups, -1).layer_norm(1, self.eps).reshape(x.shape)
        if self.weight is None or self.bias is None:
            return y
        shape = (1, self.channels) + (1,) * (x.ndim - 2)
        return y * self.weight.reshape(shape) + self.bias.reshape(shape)


class InstanceNorm(GroupNorm):
    """GroupNorm with a group a channel. Source: Ulyanov, Vedaldi, Lempitsky 2016, eq. 1."""

    def __init__(
        self, channels: int, *, eps: float = 1e-5, affine: bool = False, device: str | None = None
    ) -> None:
        super().__init__(channels, channels, eps=eps, affine=affine, device=device)


class MultiheadAttention(Module):
    """Attention of several heads between projections in and out.

    Shapes: (n, l, size), (n, m, size), (n, m, size) -> (n, l, size). Batches come first (torch's
    batch_first=True), and the weights of attention are not returned. Source: Vaswani and others 2017, section
    3.2.2. Errors: ShapeError unless the heads divide the size.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        if heads < 1 or size % heads:
            raise ShapeError(
                f"attention of size {size} with {heads} heads",
                why="each head has as many features",
                mend="give a number of heads that divides the size",
            )
        self.heads, self.dropout = heads, dropout
        bound = math.sqrt(6 / (4 * size)) if size else 0.0  # Glorot, Bengio 2010, eq. 16
        self.in_proj_weight = uniform_parameter(3 * size, size, bound=bound, dtype=dtype, device=device)
        zeros = Tensor.zeros(3 * size, dtype=dtype, device=device)
        self.in_proj_bias = zeros.requires_grad_() if bias else None
        self.out_proj = Linear(size, size, bias=bias, dtype=dtype, device=device)
        if self.out_proj.bias is not None:
            self.out_proj.bias = Tensor.zeros(size, dtype=dtype, device=device).requires_grad_()

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The formula; masks as in Tensor.scaled_dot_product_attention (a bool one says where to look)."""
        weights = self.in_proj_weight.chunk(3)
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        q, k, v = (
            x.linear(w, b).unflatten(-1, (self.heads, -1)).transpose(-3, -2)
            for x, w, b in zip((query, key, value), weights, biases, strict=True)
        )
        dropped = self.dropout if self.training else 0.0
        y = q.scaled_dot_product_attention(k, v, attn_mask, dropped, is_causal)
        return self.out_proj(y.transpose(-3, -2).flatten(-2))
