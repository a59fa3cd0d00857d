"""Attention of several heads, and Transformer layers. Weights, masks and the order of axes are torch's.

A mask of bool says where not to look; one of floats is added to the scores. (In Tensor's own
scaled_dot_product_attention a mask of bool says where to look, as torch has it.)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

from baregrad import dtype as dt
from baregrad.base.errors import BaregradError, ShapeError
from baregrad.dtype import DType
from baregrad.nn.containers import ModuleList
from baregrad.nn.layers import Dropout, Linear, uniform_parameter
from baregrad.nn.module import Module
from baregrad.nn.norms import LayerNorm
from baregrad.tensor import Tensor


class MultiheadAttention(Module):
    """Attention of several heads between projections in and out.

    Shapes: (l, n, embed), (m, n, kdim), (m, n, vdim) -> (l, n, embed) and weights (n, l, m); with batch_first
    n comes first; without n, too. Source: Vaswani and others 2017, section 3.2.2.
    Errors: ShapeError unless the heads divide the size.
    """

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> None:
        if num_heads < 1 or embed_dim % num_heads:
            raise ShapeError(
                f"attention of size {embed_dim} with {num_heads} heads",
                why="each head has as many features",
                mend="give a number of heads that divides the size",
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        sizes = (embed_dim, kdim or embed_dim, vdim or embed_dim)
        self.in_proj_weight = self.q_proj_weight = self.k_proj_weight = self.v_proj_weight = None
        if sizes == (embed_dim,) * 3:
            self.in_proj_weight = _glorot(3 * embed_dim, embed_dim, dtype, device)
        else:
            made = [_glorot(embed_dim, size, dtype, device) for size in sizes]
            self.q_proj_weight, self.k_proj_weight, self.v_proj_weight = made
        zeros = Tensor.zeros(3 * embed_dim, dtype=dtype, device=device)
        self.in_proj_bias = zeros.requires_grad_() if bias else None
        self.bias_k = self.bias_v = None
        if add_bias_kv:  # a key and a value more
            scale = math.sqrt(2 / (1 + embed_dim))
            more = ((Tensor.randn(1, 1, embed_dim, device=device) * scale).cast(dtype) for _ in "kv")
            self.bias_k, self.bias_v = (x.requires_grad_() for x in more)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype, device=device)
        if self.out_proj.bias is not None:
            self.out_proj.bias = Tensor.zeros(embed_dim, dtype=dtype, device=device).requires_grad_()

    def __call__(  # noqa: PLR0913 - torch's arguments
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The formula and the weights of attention, means over heads or of each; without them if not needed.

        A query that may look nowhere gets zeros.
        Shapes: key_padding_mask (n, m), attn_mask (l, m) or (n * heads, l, m). Errors: ShapeError otherwise.
        """
        given = (query, key, value)
        if query.ndim == 2:
            given = tuple(x.unsqueeze(0) for x in given)  # type: ignore[assignment]  # three of them
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        elif not self.batch_first:
            given = tuple(x.transpose(0, 1) for x in given)  # type: ignore[assignment]  # as above
        q, k, v = self._projected(*given)
        mask = self._mask(q.shape, given[1].shape[1], key_padding_mask, attn_mask, is_causal)
        added = k.shape[-2] - given[1].shape[1]
        if mask is not None and added:
            mask = mask.pad([(0, 0)] * (mask.ndim - 1) + [(0, added)], mask.dtype is dt.bool_)
        dropped = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            weights = q.attention_weights(k, mask).dropout(dropped)
            y = weights.matmul(v)
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            y = q.scaled_dot_product_attention(k, v, mask, dropped)
        out = self.out_proj(y.transpose(1, 2).flatten(-2))
        if query.ndim == 2:
            return out.squeeze(0), None if weights is None else weights.squeeze(0)
        return (out if self.batch_first else out.transpose(0, 1)), weights

    def _projected(self, *given: Tensor) -> list[Tensor]:
        """Queries, keys and values of each head. Shapes: (n, l, …) -> (n, heads, l, size)."""
        weights = (
            [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
            if self.in_proj_weight is None
            else self.in_proj_weight.chunk(3)
        )
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        rows = zip(given, weights, biases, strict=True)
        q, k, v = (x.linear(w, b) for x, w, b in rows if w is not None)
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (self._longer(x, more) for x, more in ((k, self.bias_k), (v, self.bias_v)))
        if self.add_zero_attn:
            k, v = (x.pad([(0, 0), (0, 1), (0, 0)]) for x in (k, v))
        made = (q, k, v)
        return [x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for x in made]

    def _longer(self, x: Tensor, more: Tensor) -> Tensor:
        return Tensor.cat([x, more.expand(x.shape[0], 1, x.shape[2])], 1)

    def _mask(
        self, shape: tuple[int, ...], m: int, padding: Tensor | None, mask: Tensor | None, is_causal: bool
    ) -> Tensor | None:
        """Where to look, or what is added to the scores, as scaled_dot_product_attention takes it."""
        n, heads, length = shape[:3]
        masks: list[Tensor] = []
        if padding is not None:
            _check_mask("key_padding_mask", padding, [(n, m)])
            masks.append(padding.reshape(n, 1, 1, m))
        if mask is not None:
            _check_mask("attn_mask", mask, [(length, m), (n * heads, length, m)])
            masks.append(mask if mask.ndim == 2 else mask.unflatten(0, (n, heads)))
        elif is_causal:
            masks.append(Tensor.ones(length, m, dtype=dt.bool_, device=self.out_proj.weight.device).triu(1))
        if not masks:
            return None
        if all(each.dtype is dt.bool_ for each in masks):
            return ~masks[0] if len(masks) == 1 else ~(masks[0] | masks[1])
        added = [_as_added(each) for each in masks]
        return added[0] if len(added) == 1 else added[0] + added[1]


def _glorot(rows: int, columns: int, dtype: DType, device: str | None) -> Tensor:
    """A uniform matrix. Source: Glorot, Bengio 2010, eq. 16."""
    bound = math.sqrt(6 / (rows + columns)) if rows + columns else 0.0
    return uniform_parameter(rows, columns, bound=bound, dtype=dtype, device=device)


def _check_mask(name: str, mask: Tensor, shapes: list[tuple[int, ...]]) -> None:
    if mask.shape not in shapes:
        raise ShapeError(
            f"{name} of {mask.shape}", why=f"it is of {' or '.join(map(str, shapes))}", mend="reshape it"
        )


def _as_added(mask: Tensor) -> Tensor:
    """-inf where a mask of bool says not to look."""
    if mask.dtype is not dt.bool_:
        return mask
    return Tensor.full(mask.shape, -math.inf, dtype=dt.float32, device=mask.device).where(mask, 0.0)


# -- Transformers ------------------------------------------------------------------------------------------

Activation = str | Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": Tensor.relu, "gelu": Tensor.gelu}


def _activation(given: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(given, str):
        return given
    if given not in ACTIVATIONS:
        raise BaregradError(
            f"activation {given!r}", why=f"the names are {', '.join(ACTIVATIONS)}", mend="give a function"
        )
    return ACTIVATIONS[given]


class _Layer(Module):
    """What encoder and decoder layers share: attention to itself, and two linear layers behind it."""

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        device: str | None = None,
    ) -> None:
        self.norm_first, self.activation = norm_first, _activation(activation)
        self.self_attn = self._attention(d_model, nhead, dropout, bias, batch_first, device)
        self.linear1 = Linear(d_model, dim_feedforward, bias, device=device)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, device=device)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, device=device)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, device=device)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)

    def _attention(
        self, size: int, heads: int, dropout: float, bias: bool, first: bool, device: str | None
    ) -> MultiheadAttention:
        return MultiheadAttention(size, heads, dropout, bias, batch_first=first, device=device)

    def _residual(self, x: Tensor, norm: LayerNorm, part: Callable[[Tensor], Tensor]) -> Tensor:
        """X and a part of it added, normed before the part or behind the sum."""
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))

    def _forward_part(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention to itself and two linear layers, each with dropout, residual and norm.

    Source: Vaswani and others 2017, section 3.1; norm_first: Xiong and others 2020.
    """

    def __call__(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The formula; masks as in MultiheadAttention."""

        def attend(x: Tensor) -> Tensor:
            y, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return self.dropout1(y)

        x = self._residual(src, self.norm1, attend)
        return self._residual(x, self.norm2, lambda y: self.dropout2(self._forward_part(y)))


class TransformerDecoderLayer(_Layer):
    """Attention to itself, attention to the encoder's output, and two linear layers.

    Source: Vaswani and others 2017, section 3.1.
    """

    def __init__(  # noqa: PLR0913 - torch's arguments
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        device: str | None = None,
    ) -> None:
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            device=device,
        )
        self.multihead_attn = self._attention(d_model, nhead, dropout, bias, batch_first, device)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, device=device)
        self.dropout3 = Dropout(dropout)

    def __call__(  # noqa: PLR0913 - torch's arguments
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The formula; masks as in MultiheadAttention."""

        def attend(x: Tensor) -> Tensor:
            y, _ = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)
            return self.dropout1(y)

        def look(x: Tensor) -> Tensor:
            masks = (memory_key_padding_mask, False, memory_mask)
            y, _ = self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal)
            return self.dropout2(y)

        x = self._residual(tgt, self.norm1, attend)
        x = self._residual(x, self.norm2, look)
        return self._residual(x, self.norm3, lambda y: self.dropout3(self._forward_part(y)))


class TransformerEncoder(Module):
    """Copies of an encoder layer one after the other, and a norm behind them if given."""

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList(copy.deepcopy(encoder_layer) for _ in range(num_layers))
        self.norm = norm

    def __call__(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """All layers; masks as in MultiheadAttention."""
        x = src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, is_causal)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Copies of a decoder layer one after the other, and a norm behind them if given."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList(copy.deepcopy(decoder_layer) for _ in range(num_layers))
        self.norm = norm

    def __call__(self, tgt: Tensor, memory: Tensor, *masks: Tensor | None, **facts: Tensor | bool) -> Tensor:
        """All layers; masks as in TransformerDecoderLayer."""
        x = tgt
        for layer in self.layers:
            x = layer(x, memory, *masks, **facts)
        return x if self.norm is None else self.norm(x)
