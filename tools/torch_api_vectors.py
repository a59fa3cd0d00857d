"""Layers of the wider API as PyTorch computes them: needs torch, the tests do not.

python tools/torch_api_vectors.py > tests/vectors/torch_api.json

Each case has its inputs, so that a test needs no random numbers of PyTorch's.
"""

from __future__ import annotations

import json
import sys

import torch
from torch import nn
from torch_vectors import layer

torch.set_num_threads(1)


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
