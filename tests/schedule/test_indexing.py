"""Index arithmetic against plain integers: every expression is evaluated at all points of its loops."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops
from baregrad.schedule.indexing import ZERO, Indexer
from baregrad.schedule.views import SOURCE_INDICES, Place, groups


def loop(number, size):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, "loop"))


def value(node, point):
    if node.op is ops.RANGE:
        return point[node.arg[0]]
    return node.arg if node.op is ops.CONST else node.op.meaning(*(value(s, point) for s in node.src))


def text(node):
    if node.op is ops.RANGE:
        return f"r{node.arg[0]}"
    return (
        str(node.arg) if node.op is ops.CONST else f"({text(node.src[0])}{node.op.symbol}{text(node.src[1])})"
    )


def points(ranges):
    return product(*(range(r.src[0].arg) for r in ranges))


def grown(random, indexer, ranges):
    """A random expression and its value at each point, by plain arithmetic."""
    node = random.choice(ranges)
    want = {p: value(node, p) for p in points(ranges)}
    for _ in range(6):
        how = random.randrange(4)
        if how == 0:
            other, step = random.choice(ranges), random.choice((-7, -3, -1, 1, 2, 3, 4, 6, 12))
            node = indexer.combine(0, (1, step), (node, other))
            want = {p: v + step * value(other, p) for p, v in want.items()}
        elif how == 1:
            amount = random.randint(-9, 9)
            node, want = indexer.add(node, amount), {p: v + amount for p, v in want.items()}
        else:
            divisor = random.choice((1, 2, 3, 4, 6, 8, 12))
            node = indexer.divmod(node, divisor)[how - 2]
            want = {p: divmod(v, divisor)[how - 2] for p, v in want.items()}
    return node, want


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_random_expressions_keep_their_value_and_bounds(start):
    for seed in range(start, start + 50):
        random, indexer = Random(seed), Indexer()
        ranges = [loop(n, random.choice((2, 3, 4, 5, 6, 12))) for n in range(2)]
        node, want = grown(random, indexer, ranges)
        low, high = indexer.bounds(node)
        for point, expected in want.items():
            got = value(node, point)
            assert got == expected, f"seed {seed}: {text(node)} at {point}"
            assert low <= got <= high, f"seed {seed}: {text(node)} at {point} is outside of {low}..{high}"
        limit = random.randint(-5, 40)
        for check, meaning in ((indexer.below, int.__lt__), (indexer.at_least, int.__ge__)):
            made = check(node, limit)
            for point, expected in want.items():
                found = made if isinstance(made, bool) else value(made, point)
                assert found == meaning(expected, limit), f"seed {seed}: {text(node)} and {limit} at {point}"


R, C, K = loop(0, 4), loop(1, 6), loop(2, 3)
SIMPLE = [
    ("a split undone", lambda ix: ix.flatten(tuple(ix.split(R, (2, 2))), (2, 2)), "r0"),
    ("a merge undone", lambda ix: ix.split(ix.flatten((R, C), (4, 6)), (4, 6))[0], "r0"),
    ("the rest of a merge", lambda ix: ix.split(ix.flatten((R, C), (4, 6)), (4, 6))[1], "r1"),
    ("a divisor of the stride", lambda ix: ix.divmod(ix.flatten((R, C), (4, 6)), 3)[1], "(r1%3)"),
    ("a nested quotient", lambda ix: ix.divmod(ix.divmod(C, 2)[0], 2)[0], "(r1//4)"),
    ("what is left of a quotient", lambda ix: ix.combine(0, (1, -2), (C, ix.divmod(C, 2)[0])), "(r1%2)"),
    ("backwards twice", lambda ix: ix.reflect(ix.reflect(C, 6), 6), "r1"),
    ("bounds decide", lambda ix: ix.divmod(ix.combine(6, (1, 1), (R, K)), 6)[0], "1"),
    ("one order of terms", lambda ix: ix.combine(0, (1, 6), (C, R)), "((r0*6)+r1)"),
]


@pytest.mark.parametrize("make, expected", [row[1:] for row in SIMPLE], ids=[row[0] for row in SIMPLE])
def test_expressions_become_simple(make, expected):
    assert text(make(Indexer())) == expected


RESHAPES = [
    ((6,), (2, 3)), ((2, 3), (6,)), ((4, 6), (6, 4)), ((2, 3, 4), (4, 6)), ((1, 6, 1), (2, 1, 3)),
    ((12,), (12,)), ((3, 4), (2, 6)), ((2, 2, 3), (12,)), ((), (1,)), ((5, 1), (5,)),
]  # fmt: skip


@pytest.mark.parametrize("source, result", RESHAPES)
def test_reshape_finds_the_element(source, result):
    indexer = Indexer()
    x = UOp(ops.IOTA, dt.int64, (), 1).expand((1,)).reshape((1,) * len(source)).expand(source)
    node = UOp(ops.RESHAPE, dt.int64, (x,), result)
    ranges = [loop(n, size) for n, size in enumerate(result)]
    at = Place(tuple(ZERO if r.src[0].arg == 1 else r for r in ranges))
    inner = SOURCE_INDICES[ops.RESHAPE](indexer, node, at)
    for flat, point in enumerate(points(ranges)):
        position = 0
        for i, size in zip(inner.indices, source):
            position = position * size + value(i, point)
        assert position == flat, f"{[text(i) for i in inner.indices]} at {point}"


def test_axes_that_stay_are_not_divided():
    assert groups((2, 3, 20, 1, 7), (6, 1, 4, 5, 7)) == [((0, 1), (0,)), ((2,), (2, 3)), ((4,), (4,))]
