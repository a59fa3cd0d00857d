"""A GPT that writes token by token: keys and values in a cache, the position a variable, one captured step
for all of them; against the whole sequence at once, and against torch doing the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import baregrad as bg
from baregrad.base import listen
from tests.models import gpt
from tests.models.common import Random, apart, weights
from tests.models.test_models import stored

SIZES = gpt.Sizes()
COUNT = 3
START = bg.Variable("start", 0, SIZES.context - 1)


def model_and_tokens() -> tuple[gpt.Model, Any]:
    """Ours, with weights that torch's can have, too."""
    model = gpt.Model(SIZES)
    state = weights(stored("gpt")["shapes"])
    model.load_state_dict({name: bg.Tensor(values) for name, values in state.items()})
    return model.eval(), Random(3).classes(SIZES.vocabulary, COUNT, SIZES.context)


def decoded(model: gpt.Model, tokens: Any, places: range, caches: Any, captured: bool) -> Any:
    """The scores at each place."""

    def step(token: bg.Tensor, start: Any) -> bg.Tensor:
        with bg.no_grad():
            return model.decode(token, caches, start)

    call = bg.jit(step) if captured else step
    return [call(bg.Tensor(tokens[:, i : i + 1].copy()), START.bind(i)).numpy()[:, 0] for i in places]


def test_a_few_places():
    with bg.override(device="reference"):
        model, tokens = model_and_tokens()
        caches = gpt.caches_of(SIZES, 1)
        whole = model(bg.Tensor(tokens[:1, :4].copy())).numpy()
        for place, scores in enumerate(decoded(model, tokens[:1], range(4), caches, captured=True)):
            assert apart(scores, whole[:, place]) < 1e-5, place


@pytest.mark.slow
def test_all_places_with_one_captured_step():
    model, tokens = model_and_tokens()
    whole = model(bg.Tensor(tokens)).numpy()
    caches = gpt.caches_of(SIZES, COUNT)
    for _ in range(2):  # the second sequence is written over the first one
        for place, scores in enumerate(decoded(model, tokens, range(SIZES.context), caches, captured=True)):
            assert apart(scores, whole[:, place]) < 1e-5, place
    fresh, made = gpt.caches_of(SIZES, COUNT), []
    eager = decoded(model, tokens, range(2), fresh, captured=False)
    with listen(lambda event: made.append(event.facts["name"]), "compiled", "cached"):
        eager += decoded(model, tokens, range(2, SIZES.context), fresh, captured=False)
    assert not made, "kernels of one place"
    again = decoded(model, tokens, range(SIZES.context), caches, captured=True)
    assert np.array_equal(eager, again)


@pytest.mark.compare
def test_as_in_torch():
    torch = pytest.importorskip("torch", reason="make compare installs it")
    model, tokens = model_and_tokens()
    made, _ = gpt.theirs(torch)
    theirs = made(SIZES)
    theirs.load_state_dict({name: torch.from_numpy(t.numpy()) for name, t in model.state_dict().items()})
    ours = decoded(model, tokens, range(SIZES.context), gpt.caches_of(SIZES, COUNT), captured=True)
    shape = (COUNT, SIZES.heads, SIZES.context, SIZES.width // SIZES.heads)
    caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(SIZES.layers)]
    for place, scores in enumerate(ours):
        with torch.no_grad():
            expected = theirs.decode(torch.from_numpy(tokens[:, place : place + 1]), caches, place)
        assert apart(scores, expected.numpy()[:, 0]) < 1e-5, place
