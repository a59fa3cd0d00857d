"""Convolutions and pooling over 1 and 3 axes, transposed ones and resizing, as torch computes them."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad.base.errors import ShapeError
from baregrad.tensor import Tensor
from tests.tensor.test_api_losses import array, vectors

WINDOWS = vectors()["windows"]


@pytest.mark.parametrize("name", WINDOWS)
def test_values_as_torch(device, name):
    case = WINDOWS[name]
    first, *others = (Tensor(array(value)) for value in case["given"])
    found = getattr(first, case["method"])(*others, **case["facts"])
    np.testing.assert_allclose(found.numpy(), array(case["y"]), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", WINDOWS)
def test_gradients_as_torch(name):
    case = WINDOWS[name]
    given = [Tensor(array(value), device="reference", requires_grad=True) for value in case["given"]]
    getattr(given[0], case["method"])(*given[1:], **case["facts"]).square().sum().backward()
    for tensor, grad in zip(given, case["grads"], strict=True):
        np.testing.assert_allclose(tensor.grad.numpy(), array(grad), rtol=1e-4, atol=2e-5)


# fmt: off
REFUSED = [  # name, what is done, words of the message
    ("channels", lambda: Tensor.zeros(1, 2, 5).conv1d(Tensor.zeros(1, 3, 2)),           "cannot convolve"),
    ("window",   lambda: Tensor.zeros(1, 2, 5).conv1d(Tensor.zeros(1, 2, 7)),           "windows of"),
    ("spread",   lambda: Tensor.zeros(1, 2, 5).conv_transpose1d(Tensor.zeros(3, 1, 2)), "transposed"),
    ("stride",   lambda: Tensor.zeros(1, 2, 5).conv1d(Tensor.zeros(1, 2, 2), stride=(1, 2)), "for 1 axes"),
    ("pool",     lambda: Tensor.zeros(2).max_pool3d(2),                                 "pooling"),
    ("size",     lambda: Tensor.zeros(1, 1, 2).interpolate(),                           "interpolate"),
]
# fmt: on


@pytest.mark.parametrize("name, act, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(device, name, act, words):
    with pytest.raises(ShapeError, match=words) as caught:
        act()
    assert caught.value.mend
