"""Bounds against all values that an expression takes; ranges_of."""

import itertools
import random

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import UOp, bounds, const, index, ops, ranges_of

I = UOp(ops.RANGE, dt.int64, (index(7),), (0, "loop"))
J = UOp(ops.RANGE, dt.int64, (index(3),), (1, "loop"))


def run(node, values):
    if node in values:
        return values[node]
    if node.op is ops.CONST:
        return node.arg
    got = [run(s, values) for s in node.src]
    return dt.normalize(got[0] if node.op is ops.CAST else node.op.meaning(*got), node.dtype)


def random_node(rng, depth):
    if depth == 0:
        return rng.choice([I, J, index(rng.randint(-9, 9))])
    row = rng.choice(
        [
            ops.ADD,
            ops.SUB,
            ops.MUL,
            ops.IDIV,
            ops.MOD,
            ops.MAX,
            ops.MIN,
            ops.AND,
            ops.OR,
            ops.XOR,
            ops.NEG,
            ops.NOT,
            ops.SHR,
            ops.SHL,
            ops.SELECT,
            ops.CAST,
        ]
    )
    a, b = random_node(rng, depth - 1), random_node(rng, depth - 1)
    if row is ops.SELECT:
        return rng.choice([a < b, a <= b, a.eq(b), a.ne(b)]).where(a, b)
    if row is ops.CAST:
        return a.cast(rng.choice([dt.int8, dt.uint8, dt.bool_, dt.uint64])).cast(dt.int64)
    return UOp(row, dt.int64, (a, b)[: row.arity])


@pytest.mark.parametrize("seed", range(300))
def test_every_value_is_inside(seed):
    node = random_node(random.Random(seed), 3)
    low, high = bounds(node)
    for i, j in itertools.product(range(7), range(3)):
        assert low <= run(node, {I: i, J: j}) <= high, (seed, node, i, j)


EXACT = [  # name, node, bounds
    ("range", I, (0, 6)),
    ("affine", I * 4 - J + 1, (-1, 25)),
    ("negative_division", (I - 3) // 2, (-2, 1)),
    ("mod", I % 4, (0, 3)),
    ("mod_inside", (I + 8) % 20, (8, 14)),
    ("compare_true", I < 7, (1, 1)),
    ("compare_false", I.eq(9), (0, 0)),
    ("wraps", I.cast(dt.int8) * 100, (-128, 127)),
    ("unsigned_wraps", const(0, dt.uint8) - I.cast(dt.uint8), (0, 255)),
    ("shift", I << 2, (0, 24)),
    ("grid", UOp(ops.GRID, dt.int64, (), 12), (0, 11)),
]


@pytest.mark.parametrize("name, node, expected", EXACT, ids=[row[0] for row in EXACT])
def test_exact(name, node, expected):
    assert bounds(node) == expected


def test_floats_have_none():
    with pytest.raises(IRError, match="no integer dtype"):
        bounds(const(1.0, dt.float32))


def test_ranges():
    value = I * 3 + J
    assert ranges_of(value) == {I, J}
    total = UOp(ops.REDUCE, dt.int64, (value, J), ("add", ()))
    assert ranges_of(total) == {I}
    assert ranges_of(total + J) == {I, J}
    assert ranges_of(index(3)) == frozenset()
