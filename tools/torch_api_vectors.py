"""Losses and layers of the wider API as PyTorch computes them: needs torch, the tests do not.

python tools/torch_api_vectors.py > tests/vectors/torch_api.json

Each case has its inputs, so that a test needs no random numbers of PyTorch's.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch_vectors import layer, shown

torch.set_num_threads(1)


def loss(method: str, x: torch.Tensor, target: torch.Tensor, **facts: Any) -> dict[str, object]:
    """One loss and its gradient."""
    x = x.requires_grad_()
    y = getattr(functional, method)(x, target, **facts)
    y.sum().backward()
    given = {key: shown(v) if isinstance(v, torch.Tensor) else v for key, v in facts.items()}
    return {
        "method": method,
        "x": shown(x),
        "target": shown(target),
        "facts": given,
        "y": shown(y),
        "grad": shown(x.grad),
    }


def losses() -> dict[str, object]:
    """Every loss, with each keyword at least once."""
    classes, weight = torch.tensor([0, 3, 1, 1, 2]), torch.tensor([0.5, 2.0, 1.0, 3.0])
    some, image = torch.tensor([0, -100, 1, -100, 2]), torch.randint(0, 4, (2, 3, 2))

    def x(*shape: int) -> torch.Tensor:
        return torch.randn(*shape or (5, 4))

    rows: dict[str, tuple[str, torch.Tensor, torch.Tensor, dict[str, Any]]] = {
        "l1": ("l1_loss", x(), x(), {}),
        "mse_sum": ("mse_loss", x(), x(), {"reduction": "sum"}),
        "mse_none": ("mse_loss", x(), x(), {"reduction": "none"}),
        "smooth_l1": ("smooth_l1_loss", x(), x(), {"beta": 0.5}),
        "huber": ("huber_loss", x(), x(), {"delta": 1.5}),
        "bce": ("binary_cross_entropy", torch.rand(5, 4), torch.rand(5, 4), {}),
        "bce_weight": ("binary_cross_entropy", torch.rand(5, 4), torch.rand(5, 4), {"weight": weight}),
        "bce_logits": ("binary_cross_entropy_with_logits", x(), torch.rand(5, 4), {}),
        "bce_pos": (
            "binary_cross_entropy_with_logits",
            x(),
            torch.rand(5, 4),
            {"pos_weight": weight, "reduction": "none"},
        ),
        "kl": ("kl_div", x().log_softmax(1), x().softmax(1), {"reduction": "batchmean"}),
        "kl_log": (
            "kl_div",
            x().log_softmax(1),
            x().log_softmax(1),
            {"log_target": True, "reduction": "sum"},
        ),
        "nll": ("nll_loss", x().log_softmax(1), classes, {}),
        "nll_weight": ("nll_loss", x().log_softmax(1), classes, {"weight": weight}),
        "nll_ignore": ("nll_loss", x().log_softmax(1), some, {"weight": weight}),
        "entropy": ("cross_entropy", x(), classes, {}),
        "entropy_none": ("cross_entropy", x(), some, {"weight": weight, "reduction": "none"}),
        "entropy_sum": ("cross_entropy", x(), classes, {"ignore_index": 1, "reduction": "sum"}),
        "entropy_smooth": ("cross_entropy", x(), classes, {"label_smoothing": 0.2}),
        "entropy_all": ("cross_entropy", x(), some, {"weight": weight, "label_smoothing": 0.1}),
        "entropy_image": ("cross_entropy", x(2, 4, 3, 2), image, {"weight": weight}),
        "entropy_parts": ("cross_entropy", x(), x().softmax(1), {"label_smoothing": 0.1}),
        "entropy_one": ("cross_entropy", x(4), torch.tensor(2), {}),
    }
    return {
        name: loss(method, given, target, **facts) for name, (method, given, target, facts) in rows.items()
    }


def window(method: str, *shapes: tuple[int, ...], **facts: Any) -> dict[str, object]:
    """A convolution, a pooling or a resizing, and its gradients."""
    given = [torch.randn(*shape).requires_grad_() for shape in shapes]
    settings = {("size" if key == "kernel_size" else key): value for key, value in facts.items()}
    y = getattr(functional, method)(*given, **facts)
    y.square().sum().backward()
    return {
        "method": method,
        "given": [shown(x) for x in given],
        "facts": settings,
        "y": shown(y),
        "grads": [shown(x.grad) for x in given],
    }


def windows() -> dict[str, object]:
    """Convolutions over 1 and 3 axes, transposed ones, pooling, nearest elements."""
    return {
        "conv1d": window("conv1d", (2, 2, 7), (3, 2, 3), (3,), stride=2, padding=1),
        "conv1d_groups": window("conv1d", (1, 4, 6), (2, 2, 2), dilation=2, groups=2),
        "conv3d": window("conv3d", (1, 2, 3, 4, 3), (2, 2, 2, 2, 2), (2,), padding=(1, 0, 1)),
        "spread1d": window(
            "conv_transpose1d", (2, 2, 4), (2, 3, 3), (3,), stride=2, padding=1, output_padding=1
        ),
        "spread2d": window("conv_transpose2d", (1, 4, 3, 2), (4, 1, 2, 2), (2,), stride=2, groups=2),
        "spread_cut": window("conv_transpose1d", (1, 1, 5), (1, 1, 2), padding=2, dilation=2),
        "spread3d": window("conv_transpose3d", (1, 1, 2, 2, 2), (1, 1, 2, 2, 2), stride=(1, 2, 1)),
        "max_pool1d": window("max_pool1d", (2, 7), kernel_size=3, stride=2, padding=1),
        "max_pool3d": window("max_pool3d", (1, 1, 4, 2, 4), kernel_size=2),
        "avg_pool1d": window("avg_pool1d", (2, 2, 6), kernel_size=2),
        "avg_pool3d": window("avg_pool3d", (1, 1, 3, 3, 3), kernel_size=2, stride=1),
        "nearest": window("interpolate", (1, 2, 3, 4), size=(5, 3)),
        "nearest_twice": window("interpolate", (1, 1, 2, 3), scale_factor=2),
    }


class Attention(nn.MultiheadAttention):
    """Self-attention that gives only the result."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Every place looks at itself and what is before it."""
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return super().forward(x, x, x, attn_mask=mask, need_weights=False)[0]


class Memory(nn.LSTMCell):
    """Two steps, of which the hidden state and the cell are joined."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same input twice."""
        return torch.cat(super().forward(x, super().forward(x)))


class Gated(nn.GRUCell):
    """Two steps."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same input twice."""
        return super().forward(x, super().forward(x))


def main() -> None:
    """Write all cases."""
    torch.manual_seed(6)
    cases = {
        "losses": losses(),
        "windows": windows(),
        "layers": {
            "rms_norm": layer(nn.RMSNorm(6), 3, 6),
            "group_norm": layer(nn.GroupNorm(2, 4), 3, 4, 2, 3),
            "instance_norm": layer(nn.InstanceNorm2d(3, affine=True), 2, 3, 2, 4),
            "lstm": layer(Memory(3, 4), 2, 3),
            "gru": layer(Gated(3, 4), 2, 3),
            "attention": layer(Attention(6, 2, batch_first=True), 2, 4, 6),
        },
    }
    header = {"made by": "tools/torch_api_vectors.py", "torch": torch.__version__, "seed": 6}
    json.dump({"header": header, **cases}, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
