"""Loops that memory takes apart are two loops: values stay, and no division is left in an index."""

from __future__ import annotations

import pytest

from baregrad.ir import ops
from tests.schedule import nets
from tests.schedule.nets import Buffers
from tests.schedule.test_schedule import check


def product_of_heads(b):
    """A product whose right side lies in memory head by head."""
    x = b.input(3, 5, 16).permute((1, 0, 2)).reshape((5, 48))
    return [nets.matmul(b.input(7, 5), x)]


def heads_of_a_product(b):
    """A product that is stored head by head."""
    x = nets.matmul(b.input(7, 5), b.input(5, 48))
    return [x.reshape((7, 3, 16)).permute((1, 0, 2)).contiguous()]


def twice(b):
    """Two reshapes of one axis, one inside of the other."""
    one = b.input(2, 6, 8, 5).permute((3, 0, 1, 2)).reshape((5, 96))
    two = b.input(2, 48, 5).permute((2, 0, 1)).reshape((5, 96))
    return [one + two]


def reduced(b):
    """A sum over an axis that is two in memory."""
    return [b.input(3, 7, 16).permute((1, 0, 2)).reshape((7, 48)).reduce("add", (1,))]


@pytest.mark.parametrize("make", [product_of_heads, heads_of_a_product, twice, reduced])
def test_no_division_is_left(make):
    buffers = Buffers()
    plan = check(make(buffers), buffers)
    for item in plan.items:
        left = [n for n in item.ast.toposort() if n.op in (ops.IDIV, ops.MOD)]
        assert not left, f"{item.ast.arg} divides: {left}"
