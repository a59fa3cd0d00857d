"""Ends of counted values, and gradients of views on the CPU. Values of each operation: test_records.py."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad.tensor import Tensor


def test_both_ends_of_linspace_are_exact(device):
    ends = Tensor.linspace(0.1, 0.7, 10).tolist()
    assert [ends[0], ends[-1]] == [np.float32(0.1), np.float32(0.7)]


SLOPES = [
    lambda x: x.roll(1, 1) * x,
    lambda x: x.triu() * x.tril(-1).roll(1, 0),
    lambda x: x.diagonal().square(),
    lambda x: x.unfold(1, 2, 1).square(),
    lambda x: x.repeat_interleave(2, 0).square(),
]


@pytest.mark.parametrize("function", SLOPES)
def test_gradients_on_cpu_are_those_of_reference(function):
    found = []
    for device in ("reference", "cpu"):
        x = Tensor(np.arange(15, dtype=np.float32).reshape(3, 5), device=device, requires_grad=True)
        function(x).sum().backward()
        found.append(x.grad.tolist())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)
