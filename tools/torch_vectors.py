"""Layers, losses and optimisers as PyTorch computes them, stored for tests/nn: needs torch, the tests do not.

python tools/torch_vectors.py > tests/vectors/torch.json

Each case has its inputs, so that a test needs no random numbers of PyTorch's.
"""

from __future__ import annotations

import json
import sys

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)


def shown(value: torch.Tensor) -> dict[str, object]:
    """Shape and elements."""
    flat = value.detach().reshape(-1).tolist()
    return {
        "shape": list(value.shape),
        "data": [float(f"{x:.9g}") if isinstance(x, float) else x for x in flat],
    }


def layer(module: nn.Module, *shape: int) -> dict[str, object]:
    """A layer's result, and the gradients of the result's product with fixed weights."""
    x = torch.randn(*shape, requires_grad=True)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.5 + 0.1)
    state = {name: shown(value) for name, value in module.state_dict().items()}
    y = module(x)
    weight = torch.randn(y.shape)
    (y * weight).sum().backward()
    return {
        "x": shown(x),
        "state": state,
        "y": shown(y),
        "weight": shown(weight),
        "grad_x": shown(x.grad),
        "grads": {name: shown(p.grad) for name, p in module.named_parameters()},
        "after": {name: shown(value) for name, value in module.state_dict().items()},
    }


def optimizer(make: type[torch.optim.Optimizer], **settings: object) -> dict[str, object]:
    """Five steps of a small network; the learning rate is halved after the third."""
    w, b = torch.randn(3, 2, requires_grad=True), torch.randn(2, requires_grad=True)
    inputs, targets = torch.randn(5, 4, 3), torch.randn(5, 4, 2)
    used = make([w, b], **settings)
    start = {"w": shown(w), "b": shown(b)}
    states, losses = [], []
    for number in range(5):
        if number == 3:
            used.param_groups[0]["lr"] *= 0.5
        used.zero_grad()
        value = functional.mse_loss(torch.tanh(inputs[number] @ w + b), targets[number])
        value.backward()
        used.step()
        losses.append(value.item())
        states.append({"w": shown(w), "b": shown(b)})
    return {
        "settings": settings,
        "start": start,
        "inputs": shown(inputs),
        "targets": shown(targets),
        "losses": losses,
        "states": states,
    }


def main() -> None:
    """Write all cases."""
    torch.manual_seed(5)
    evaluated = nn.BatchNorm2d(3).eval()
    evaluated.running_mean.copy_(torch.randn(3))
    evaluated.running_var.copy_(torch.rand(3) + 0.5)
    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    cases = {
        "layers": {
            "linear": layer(nn.Linear(4, 3), 5, 4),
            "linear_3d": layer(nn.Linear(4, 3), 2, 3, 4),
            "linear_no_bias": layer(nn.Linear(4, 3, bias=False), 5, 4),
            "conv": layer(nn.Conv2d(2, 3, 3, padding=1), 2, 2, 5, 4),
            "conv_strided": layer(nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0), groups=2), 2, 2, 5, 6),
            "conv_dilated": layer(nn.Conv2d(1, 2, 2, dilation=2, bias=False), 1, 1, 5, 5),
            "batch_norm": layer(nn.BatchNorm2d(3), 4, 3, 2, 2),
            "batch_norm_eval": layer(evaluated, 2, 3, 2, 2),
            "layer_norm": layer(nn.LayerNorm(6), 3, 6),
            "layer_norm_2": layer(nn.LayerNorm((2, 3)), 4, 2, 3),
        },
        "optimizers": {
            "sgd": optimizer(sgd, lr=0.1),
            "sgd_momentum": optimizer(sgd, lr=0.1, momentum=0.9, weight_decay=0.01),
            "sgd_nesterov": optimizer(sgd, lr=0.1, momentum=0.9, nesterov=True),
            "adam": optimizer(adam, lr=0.02),
            "adam_decay": optimizer(adam, lr=0.02, betas=(0.8, 0.99), weight_decay=0.1),
            "adamw": optimizer(adamw, lr=0.02, weight_decay=0.1),
        },
    }
    header = {"made by": "tools/torch_vectors.py", "torch": torch.__version__, "seed": 5}
    json.dump({"header": header, **cases}, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
