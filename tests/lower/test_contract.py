"""The switch `contract`: products that are added round once with it, and twice without."""

from __future__ import annotations

import pytest

import baregrad as bg
from baregrad import dtype as dt

A, B, C = 1.0 + 2.0**-12, 1.0 + 2.0**-12, -1.0
ONCE, TWICE = 2.0**-11 + 2.0**-24, 2.0**-11


@pytest.mark.parametrize("contract, want", [(False, TWICE), (True, ONCE)])
def test_a_product_that_is_added(contract, want):
    with bg.override(contract=contract):
        a, b, c = (bg.Tensor([x] * 5) for x in (A, B, C))
        assert (a * b + c).tolist() == [want] * 5
        assert (c + a * b).tolist() == [want] * 5


def test_functions_keep_their_roundings():
    numbers = [0.1 * n for n in range(-20, 20)]
    plain = bg.Tensor(numbers).exp().tolist()
    with bg.override(contract=True):
        assert bg.Tensor(numbers).exp().tolist() == plain


def test_integers_stay():
    with bg.override(contract=True):
        a = bg.Tensor([3, 4], dtype=dt.int32)
        assert (a * a + a).tolist() == [12, 20]
