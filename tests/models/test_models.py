"""Ten models in our nn against the same in torch: outputs, losses, weights.

The comparison with torch itself runs with `make compare`. Without torch, what torch 2.13.0 computed is stored
(tests/vectors/models.json, made by tools/model_vectors.py): outputs and steps of small inputs, which the
reference device computes here, and steps of the usual ones, which are slow to compile.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import baregrad as bg
from tests.models.common import (
    NAMES,
    SMALL,
    STEPPED,
    STEPS,
    apart,
    in_torch,
    module_of,
    ours,
    state_of,
    weights,
)

# Differences of the greatest value. What is compared after five steps is at least LEAST: an element that is 0
# in exact arithmetic (a running mean behind another norm, a bias of keys) is rounding noise in both.
OUTPUT, LOSS, WEIGHT, LEAST = 1e-5, 1e-5, 1e-4, 0.01
VECTORS = Path(__file__).parents[1] / "vectors" / "models.json"


def losses_of(step: Any, batch: Any, count: int = STEPS) -> list[float]:
    """The losses of some steps."""
    return [step(*batch).item() for _ in range(count)]


def arrays_of(model: Any) -> dict[str, Any]:
    """Our state as arrays."""
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.mark.compare
@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_torchs(name):
    torch = pytest.importorskip("torch", reason="make compare installs it")
    module = module_of(name)
    theirs, their_step, their_batch = in_torch(torch, module)
    state = state_of(theirs)
    model, step, batch = ours(module, state)
    with torch.no_grad():
        expected = theirs.eval()(their_batch[0]).numpy()
    with bg.no_grad():
        got = model.eval()(batch[0]).numpy()
    assert apart(got, expected) < OUTPUT, "outputs"
    theirs.train(), model.train()
    expected, got = losses_of(their_step, their_batch), losses_of(step, batch)
    for number, pair in enumerate(zip(got, expected, strict=True)):
        assert apart(*pair) < LOSS, f"loss of step {number}: {pair}"
    after, mine = state_of(theirs), arrays_of(model)
    for key, values in after.items():
        assert apart(mine[key], values, LEAST) < WEIGHT, f"{key} after {STEPS} steps"
    captured, step, batch = ours(module, state)
    assert losses_of(bg.jit(step), batch) == got, "losses of a captured step"
    for key, values in arrays_of(captured).items():
        assert np.array_equal(values, mine[key]), f"{key} after {STEPS} captured steps"


def stored(name: str) -> dict[str, Any]:
    """What torch had."""
    found: dict[str, Any] = json.loads(VECTORS.read_text())["models"][name]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_small_inputs(name):
    module, expected = module_of(name), stored(name)
    with bg.override(device="reference"):
        model, step, batch = ours(module, weights(expected["shapes"]), *SMALL[name])
        with bg.no_grad():
            got = model.eval()(batch[0]).numpy()
        assert apart(got.reshape(-1), expected["output"]) < OUTPUT
        if name in STEPPED:
            model.train()
            losses = [step(*batch).item(), module.loss_of(model, *batch).item()]
            assert apart(losses, expected["small_losses"]) < LOSS


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_steps(name):
    module, expected = module_of(name), stored(name)
    model, step, batch = ours(module, weights(expected["shapes"]))
    assert apart(losses_of(step, batch, 2), expected["losses"]) < LOSS
    for key, values in arrays_of(model).items():
        first = expected["first"][key]
        assert apart(values.reshape(-1)[: len(first)], first, LEAST) < WEIGHT, key
