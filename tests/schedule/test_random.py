"""Random graphs: the schedule gives the values that the graph means."""

from __future__ import annotations

from itertools import count
from math import prod

import numpy as np
import pytest

from baregrad.ir import Buffer, UOp, interpret, ops
from baregrad.schedule import RATES, Rates, schedule
from tests.fuzz.graphs import random_graph
from tests.schedule.numeric import evaluate, numpy_dtype, run

# what decides where graphs are cut: as it is, and so that everything, much, or nothing is stored
RATES_OF = (
    RATES,
    Rates(traffic=0, load=0, launch=0, large=1, parallel=4, joined=1, cap=6),
    Rates(traffic=2, load=1, launch=20, large=8, parallel=8, cap=12),
    Rates(traffic=4, load=0, launch=0, large=64),
    Rates(traffic=1000, launch=100000, large=1 << 20, joined=1000),
)


def new_buffers():
    numbers = count(10_000)
    return lambda shape, dtype: UOp(ops.BUFFER, dtype, (), Buffer(next(numbers), tuple(shape)))


def check(seed, nodes):
    graph = random_graph(seed, nodes)
    dtypes = {n.arg.number: n.dtype for root in graph.roots for n in root.toposort() if n.op is ops.BUFFER}
    memory = {
        number: np.array(values, numpy_dtype(dtypes[number]))
        for number, values in graph.memory.items()
        if number in dtypes
    }
    want = evaluate(graph.roots, memory)
    plan = schedule(graph.roots, new_buffers(), rates=RATES_OF[seed % len(RATES_OF)])
    for in_place in (True, False):
        got = run(plan, memory, in_place)
        for root, expected in zip(graph.roots, want):
            np.testing.assert_allclose(
                got[root], expected, rtol=1e-4, atol=1e-4, err_msg=f"seed {seed}, {nodes} nodes: {root!r}"
            )


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_small_random_graphs(start):
    for seed in range(start, start + 20):
        check(seed, 8)


@pytest.mark.parametrize("start", range(0, 50, 5))
def test_larger_random_graphs(start):
    for seed in range(start, start + 5):
        check(seed, 40)


@pytest.mark.fuzz
@pytest.mark.parametrize("start", range(1000, 5000, 100))
def test_many_random_graphs(start):
    for seed in range(start, start + 100):
        check(seed, 5 + seed % 30)


def interpreted(graph):
    """What the interpreter says of a graph, and of its schedule."""
    memory = {number: list(values) for number, values in graph.memory.items()}
    want = interpret.evaluate(graph.roots, memory)
    plan = schedule(graph.roots, new_buffers(), rates=RATES_OF[graph.seed % len(RATES_OF)])
    for item in plan.items:
        for slot in item.writes:
            buffer = item.buffers[slot]
            memory.setdefault(buffer.arg.number, [None] * prod(buffer.shape))  # a scatter's base is there
        interpret.run_kernel(item.ast, [memory[buffer.arg.number] for buffer in item.buffers])
    got = [memory.get(plan.outputs[root].arg.number, []) for root in graph.roots]
    return want, got


@pytest.mark.parametrize("start", range(100_000, 100_060, 6))
def test_the_interpreter_agrees(start):
    for seed in range(start, start + 6):
        graph = random_graph(seed, 12)
        for root, want, got in zip(graph.roots, *interpreted(graph)):
            assert got == pytest.approx(want, rel=1e-4, abs=1e-4), f"seed {seed}: {root!r}"
