"""Orders: what records of one op can't say: both ways of sorting, ties, captured steps, sets."""

from __future__ import annotations

import math

import numpy as np
import pytest

import baregrad as bg
from baregrad.base.errors import AxisError, ShapeError
from baregrad.tensor import Tensor
from baregrad.tensor.ops import sorting

MIXED = [0.0, math.nan, -0.0, math.inf, -1.0, 0.0, -math.inf]


@pytest.mark.parametrize("ranked", [1024, 4], ids=["ranked", "network"])
def test_ties_keep_their_order_and_nan_is_last(device, monkeypatch, ranked):
    monkeypatch.setattr(sorting, "RANKED", ranked)
    assert Tensor(MIXED).argsort().tolist() == [6, 4, 0, 2, 5, 3, 1]
    assert Tensor(MIXED).argsort(descending=True).tolist() == [1, 3, 0, 2, 5, 4, 6]


def test_64_bits_through_the_network(device, monkeypatch):
    monkeypatch.setattr(sorting, "RANKED", 4)
    numbers = np.array([2**40, -1, 2**40 + 1, 0, -(2**63), 2**63 - 1])
    assert Tensor(numbers).argsort().tolist() == np.argsort(numbers).tolist()


def test_topk_of_blocks(device, monkeypatch):
    monkeypatch.setattr(sorting, "RANKED", 8)
    numbers = [3, 9, 1, 9, 5, 0, 2, 7, 8, 9, 4, 6]
    values, places = Tensor(numbers).topk(2)
    assert (values.tolist(), places.tolist()) == ([9, 9], [1, 3])


@pytest.mark.slow  # ten kernels
def test_a_captured_sort_sees_new_elements(device, monkeypatch):
    monkeypatch.setattr(sorting, "RANKED", 4)
    order = bg.jit(lambda x: x.argsort())
    for numbers in ([3.0, 1.0, 2.0, 5.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0]):
        assert order(Tensor(numbers).realize()).tolist() == np.argsort(numbers).tolist()


def test_gradient_of_sort_goes_where_elements_came_from(device):
    x = Tensor([3.0, 1.0, 2.0], requires_grad=True)
    (x.sort()[0] * Tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_unique(device):
    values, inverse, counts = Tensor([3, 1, 3, 2, 1]).unique(return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 2, 3], [2, 0, 2, 1, 0], [2, 1, 2])


REFUSED = [
    ("topk", lambda: Tensor([1.0]).topk(2), AxisError, "topk of 2 of 1"),
    ("kthvalue", lambda: Tensor([1.0]).kthvalue(0), AxisError, "kthvalue 0"),
    ("median", lambda: Tensor.zeros(0).median(), ShapeError, "no element"),
    ("quantile", lambda: Tensor([1.0]).quantile(2.0), ShapeError, "q in"),
]


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend


def test_a_long_row_is_halved():
    rng = np.random.default_rng(3)
    with bg.override(device="reference"):
        for size in (33, 64, 100):
            row = np.sort(rng.integers(-20, 20, size)).astype("f")
            values = rng.integers(-22, 22, (3, 4)).astype("f")
            for right in (False, True):
                found = Tensor(row).searchsorted(Tensor(values), right)
                assert found.tolist() == np.searchsorted(row, values, "right" if right else "left").tolist()
