"""Losses where records say too little: far logits, classes of probability 0."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad.tensor import Tensor

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
