"""The models of tests/models as PyTorch computes them, stored: needs torch, the tests do not.

python -m tools.model_vectors > tests/vectors/models.json

Weights and inputs are computed from counters (tests/models/common.py), so that only results are stored: what
a small input gives, the losses of two training steps, and the first elements of each tensor after them.
"""

from __future__ import annotations

import json
import sys

import torch

from tests.models.common import NAMES, SMALL, STEPPED, in_torch, module_of, state_of, weights

KEPT = 3


def shown(tensor: torch.Tensor) -> list[float]:
    """The elements."""
    return [float(f"{x:.9g}") for x in tensor.detach().reshape(-1).tolist()]


def vectors(name: str) -> dict[str, object]:
    """The shapes and results of one model."""
    model, step, small = in_torch(torch, module_of(name), *SMALL[name])
    shapes = {key: tuple(values.shape) for key, values in state_of(model).items()}
    state = {key: torch.from_numpy(values) for key, values in weights(shapes).items()}
    model.load_state_dict(state)
    output = model.eval()(small[0])
    model.train()
    small_losses = [step(*small).item() for _ in range(2)] if name in STEPPED else []
    model, step, batch = in_torch(torch, module_of(name))
    model.load_state_dict(state)
    losses = [step(*batch).item() for _ in range(2)]
    first = {key: shown(torch.from_numpy(values))[:KEPT] for key, values in state_of(model).items()}
    found = {"shapes": shapes, "output": shown(output), "small_losses": small_losses}
    return {**found, "losses": losses, "first": first}


def main() -> int:
    """All models."""
    torch.set_num_threads(1)
    made = f"torch {torch.__version__}, by tools/model_vectors.py"
    json.dump({"made": made, "models": {name: vectors(name) for name in NAMES}}, sys.stdout)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
