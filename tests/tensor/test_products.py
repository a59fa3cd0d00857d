"""Gradients at edges: norms of zeros, products with a zero, queries that see nothing."""

from __future__ import annotations

import math

import pytest

from baregrad.tensor import Tensor


def test_gradients_of_norm_and_running_sums(device):
    for function, slopes in (
        (lambda x: x.norm(), [0.6, 0.8, 0.0]),
        (lambda x: (x * 0).norm(), [0.0, 0.0, 0.0]),
        (lambda x: x.cumsum(0).sum(), [3.0, 2.0, 1.0]),
        (lambda x: (x + 1).cumprod(0).sum(), [11.0, 8.0, 20.0]),
    ):
        x = Tensor([3.0, 4.0, 0.0], requires_grad=True)
        function(x).backward()
        assert x.grad.tolist() == pytest.approx(slopes, rel=1e-5)


@pytest.mark.parametrize(
    "mask", [[[True, False], [False, False]], [[0.0, -math.inf], [-math.inf, -math.inf]]]
)
def test_gradients_of_attention_are_finite_where_nothing_is_seen(device, mask):
    q, k, v = (Tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True) for _ in range(3))
    q.scaled_dot_product_attention(k, v, Tensor(mask)).sum().backward()
    assert all(math.isfinite(x) for t in (q, k, v) for row in t.grad.tolist() for x in row)
    assert q.grad.tolist()[1] == [0.0, 0.0]
