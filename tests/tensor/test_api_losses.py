# ruff: noqa: E501 - one case is one line
"""Losses against their formulas in float64; what torch gives for them is in tests/vectors/torch_api.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from baregrad.base.errors import DTypeError, ShapeError
from baregrad.tensor import Tensor

VECTORS = Path(__file__).parents[1] / "vectors" / "torch_api.json"


@cache
def vectors():
    return json.loads(VECTORS.read_text())


def array(value):
    found = np.array(value["data"]).reshape(value["shape"])
    return found if found.dtype.kind in "ib" else found.astype("float32")


LOSSES = vectors()["losses"]


@pytest.mark.parametrize("name", LOSSES)
def test_as_torch(device, name):
    case = LOSSES[name]
    x = Tensor(array(case["x"]), requires_grad=True)
    facts = {k: Tensor(array(v)) if isinstance(v, dict) else v for k, v in case["facts"].items()}
    found = getattr(x, case["method"])(Tensor(array(case["target"])), **facts)
    np.testing.assert_allclose(found.numpy(), array(case["y"]), rtol=1e-5, atol=1e-6)
    found.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), array(case["grad"]), rtol=2e-5, atol=1e-6)


X = [[0.5, -1.0, 2.0], [100.0, -100.0, 0.0]]


def test_far_logits_are_finite(device):
    x = Tensor(X, requires_grad=True)
    loss = x.binary_cross_entropy_with_logits(Tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.5]]), reduction="sum")
    loss.backward()
    assert loss.item() == pytest.approx(
        np.log1p(np.exp([-0.5, -1.0, -2.0])).sum() + 200 + np.log(2), rel=1e-6
    )
    assert x.grad.tolist()[1] == pytest.approx([1.0, -1.0, 0.0], abs=1e-6)


def test_impossible_classes_that_are_not_chosen(device):
    x = Tensor([[0.0, -float("inf")]], requires_grad=True)
    assert x.nll_loss(Tensor([0])).item() == 0.0


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("reduction", lambda: Tensor(X).mse_loss(Tensor(X), reduction="avg"),         ShapeError, "avg"),
    ("delta",     lambda: Tensor(X).huber_loss(Tensor(X), delta=0.0),             ShapeError, "delta"),
    ("bce",       lambda: Tensor(X).binary_cross_entropy(Tensor([1.0])),          ShapeError, "targets"),
    ("classes",   lambda: Tensor(X).cross_entropy(Tensor([1])),                   ShapeError, "nll_loss"),
    ("floats",    lambda: Tensor(X).nll_loss(Tensor([1.0, 0.0])),                 DTypeError, "name classes"),
    ("weights",   lambda: Tensor(X).cross_entropy(Tensor([1, 0]), Tensor([1.0])), ShapeError, "3 classes"),
    ("smoothing", lambda: Tensor(X).cross_entropy(Tensor([1, 0]), label_smoothing=2.0), ShapeError, "label_smoothing"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(device, name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend
