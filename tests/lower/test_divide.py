"""Division by multiplication is exact up to the bound, and stays inside the dtype."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops
from baregrad.lower.divide import divide, multiplier
from tests.kernel.kernels import axis

BOUNDS = [6, 7, 99, 1000, 12345, 46340, 2**20 + 1, 2**31 - 1, 2**40]
DIVISORS = [3, 5, 6, 7, 9, 10, 11, 28, 49, 100, 196, 641, 784, 1000, 65537]


@pytest.mark.parametrize("high", BOUNDS)
def test_ends_are_exact(high):
    """The error grows with x and jumps where x + 1 is a multiple: the places by multiples near the ends."""
    for by in DIVISORS:
        found = multiplier(by, high, 2**100)
        assert found is not None
        m, s = found
        near = {
            0,
            high,
            *(max(0, min(high, k * by + d)) for k in (1, high // by - 1, high // by) for d in (-1, 0, 1)),
        }
        for x in near:
            assert x * m >> s == x // by, f"{x} // {by} up to {high} by {m} >> {s}"


def test_small_bounds_are_exact_everywhere():
    for by in (3, 5, 7, 10, 28):
        m, s = multiplier(by, 2000, 2**31 - 1)
        assert all(x * m >> s == x // by for x in range(2001))


@pytest.mark.parametrize("by", [1, 2, 3, 7, 8, 10])
def test_graph_keeps_its_value(by):
    i = axis(0, 50)
    for x, value in ((i * 3 + 1, lambda v: v * 3 + 1), (i - 20, lambda v: v - 20)):
        for node, meaning in ((x // by, lambda v: v // by), (x % by, lambda v: v % by)):
            new = divide(node)
            assert not any(n.op in (ops.IDIV, ops.MOD) for n in new.toposort())
            assert [run(new, i, v) for v in range(50)] == [meaning(value(v)) for v in range(50)]


def test_unbounded_stays():
    x = UOp(ops.LOAD, dt.int64, (UOp(ops.INDEX, dt.int64, (UOp(ops.PARAM, dt.int64, (), (0, 4)), index(0))),))
    assert divide(x // 7) is x // 7


def run(node, counter, value):
    known = {counter: value}
    for n in node.toposort():
        if n not in known:
            known[n] = (
                n.arg
                if n.op is ops.CONST
                else dt.normalize(n.op.meaning(*[known[s] for s in n.src]), n.dtype)
            )
    return known[node]


def test_lanes_keep_to_32_bits():
    """A product of more than 32 bits would halve the lanes: the division stays."""
    block, lane = axis(0, 100_000), axis(1, 16, "vector")
    place = block * 16 + lane
    assert divide(place // 7) is place // 7
    assert divide((lane + 100) // 7) is not (lane + 100) // 7
    assert divide((block * 16) // 7) is not (block * 16) // 7
