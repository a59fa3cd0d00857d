"""The text form: round trips of written and random graphs of all levels."""

import math
import random

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import Buffer, UOp, const, index, ops
from baregrad.ir.text import parse, text


def test_a_graph_reads_as_it_should():
    x = UOp(ops.BUFFER, dt.float32, (), Buffer(3, (2, 3)))
    node = (x + 0.1).reduce("add", (1,)).reshape((2,))
    assert text(node) == (
        "%0 = buffer float32 | buffer(3, (2, 3), ('cpu',), None)\n"
        "%1 = const float32 | 0.10000000149011612\n"
        "%2 = add float32 %0 %1\n"
        "%3 = reduce float32 %2 | ('add', (1,))\n"
        "%4 = reshape float32 %3 | (2,)"
    )
    assert parse(text(node))[-1] is node


ARGUMENTS = [math.inf, -math.inf, math.nan, -0.0, 5e-324, 1e308, 0.1, 1e22, -1.5]


@pytest.mark.parametrize("value", ARGUMENTS)
def test_floats_come_back_exactly(value):
    node = const(value, dt.float64)
    assert parse(text(node)) == [node]


@pytest.mark.parametrize("name", ["r_4", "it's", "a\\b", 'quo"te', "naïve | #"])
def test_strings_come_back_exactly(name):
    node = UOp(ops.SINK, dt.void, (), name)
    assert parse(text(node)) == [node]


def test_symbolic_sizes_are_written_first():
    n = UOp(ops.LOAD, dt.int64, (UOp(ops.INDEX, dt.int64, (UOp(ops.PARAM, dt.int64, (), (9, 1)), index(0))),))
    node = UOp(ops.IOTA, dt.int32, (), n * 2)
    assert parse(text(node))[-1] is node


def test_a_list_keeps_its_order_and_shows_loops():
    n = index(3)
    loop = UOp(ops.RANGE, dt.int64, (n, index(0)), (0, "loop"))
    carry = UOp(ops.CARRY, dt.int64, (loop,), 0)
    more = carry + loop
    end = UOp(ops.END, dt.void, (loop, more))
    lines = [n, index(0), loop, carry, more, end, UOp(ops.RESULT, dt.int64, (end,), 0)]
    shown = text(lines)
    assert shown.splitlines()[3:6] == [
        "  %3 = carry int64 %2 | 0", "  %4 = add int64 %3 %2", "%5 = end void %2 %4",
    ]  # fmt: skip
    assert parse(shown) == lines


STEPS = [
    lambda rng, a, b: a + b,
    lambda rng, a, b: a * b,
    lambda rng, a, b: (a < b).where(a, b),
    lambda rng, a, b: a.cast(dt.int32).cast(dt.float32),
    lambda rng, a, b: a.expand((2, 3)).permute((1, 0)).permute((1, 0)),
    lambda rng, a, b: a.expand((2, 3)).flip((0, 1)),
    lambda rng, a, b: a.expand((2, 3)).pad(((1, 0), (0, 2))).shrink(((1, 3), (0, 3))),
    lambda rng, a, b: a.expand((2, 3)).reduce(rng.choice(["add", "max"]), (0, 1)).expand((2, 3)),
]


def random_graph(rng):
    pool = [UOp(ops.BUFFER, dt.float32, (), Buffer(n, (2, 3))) for n in range(2)]
    pool += [const(rng.uniform(-9, 9), dt.float32), const(rng.choice(ARGUMENTS), dt.float32)]
    for _ in range(rng.randint(1, 20)):
        pool.append(rng.choice(STEPS)(rng, rng.choice(pool), rng.choice(pool)))
    return UOp(ops.SINK, dt.void, tuple(pool[-3:]), rng.choice([None, "k"]))


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_come_back(seed):
    graph = random_graph(random.Random(seed))
    assert parse(text(graph))[-1] is graph
    assert text(parse(text(graph))[-1]) == text(graph)


BAD = [  # name, line
    ("op", "%0 = frobnicate int32 | 3"),
    ("dtype", "%0 = const int33 | 3"),
    ("source", "%0 = neg int32 %7"),
    ("argument", "%0 = const int32 | (3"),
    ("rest", "%0 = const int32 | 3 4"),
    ("shape", "%0"),
]


@pytest.mark.parametrize("name, line", BAD, ids=[row[0] for row in BAD])
def test_bad_lines_are_named(name, line):
    with pytest.raises(IRError, match="line 2 is no node"):
        parse("# a comment\n" + line)
