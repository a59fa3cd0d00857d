"""The memory plan: values that live at the same time never share bytes, and others do."""

from __future__ import annotations

import pytest

from baregrad.ir import Buffer, UOp, Variable, ops, sized
from baregrad.schedule import Rates, lifetimes, plan_memory, schedule
from tests.fuzz.graphs import random_graph
from tests.schedule import nets
from tests.schedule.nets import Buffers

STORE_ALL = Rates(traffic=0, load=0, launch=0, large=1, parallel=4, joined=1, cap=4)


def chain(length, size):
    """A chain of values that are all stored."""
    buffers = Buffers()
    node = buffers.input(size)
    for _ in range(length):
        node = (node * 2.0).contiguous().flip((0,))
    return schedule([node], buffers)


def kept(plan):
    return {buffer.arg.number for buffer in plan.outputs.values()}


def check_disjoint(items, plan):
    alive = lifetimes(items, ())
    alive = [life for life in alive if life.buffer.arg.number in plan.places]
    for i, a in enumerate(alive):
        one = plan.places[a.buffer.arg.number]
        assert one.offset % 64 == 0
        assert one.offset + one.nbytes <= plan.nbytes
        for b in alive[:i]:
            other = plan.places[b.buffer.arg.number]
            if a.first <= b.last and b.first <= a.last:
                apart = one.offset + one.nbytes <= other.offset or other.offset + other.nbytes <= one.offset
                assert apart, f"{a} and {b} share bytes: {one}, {other}"


def test_a_chain_needs_two_places():
    made = chain(20, 100)
    plan = plan_memory(made.items, kept(made))
    assert len(plan.places) == 20
    assert plan.nbytes == 2 * 448
    check_disjoint(made.items, plan)


def test_what_is_kept_has_no_place():
    made = chain(3, 5)
    everything = {buffer.arg.number for item in made.items for buffer in item.buffers}
    assert plan_memory(made.items, everything).nbytes == 0


@pytest.mark.parametrize("start", range(0, 100, 20))
def test_random_plans_never_overlap(start):
    for seed in range(start, start + 20):
        graph = random_graph(seed, 30)
        made = schedule(graph.roots, Buffers(10_000), rates=STORE_ALL)
        plan = plan_memory(made.items, kept(made))
        check_disjoint(made.items, plan)


def test_layernorm_backward_has_a_small_arena():
    buffers = Buffers()
    x, w, b, g = buffers.input(64, 48), buffers.input(48), buffers.input(48), buffers.input(64, 48)
    made = schedule(nets.gradients(nets.layernorm(x, w, b), [x, w, b], g), buffers)
    assert plan_memory(made.items, kept(made)).nbytes <= 3 * 256  # a few values of each row


def test_a_symbolic_size_counts_with_its_greatest_value():
    made = chain(2, 3)
    unknown = UOp(ops.BUFFER, nets.F, (), Buffer(77, (sized(Variable("n", 1, 100)), 2)))
    items = [made.items[0]._replace(buffers=(unknown, *made.items[0].buffers[1:]))]
    assert plan_memory(items, ()).nbytes >= 800
