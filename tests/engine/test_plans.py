# ruff: noqa: E501 - two graphs are one line
"""Graphs of one structure share a schedule; graphs that differ in anything but their buffers do not."""

from __future__ import annotations

import math

import pytest

import baregrad as bg
from baregrad import Tensor, nn
from baregrad import dtypes as dt
from baregrad.base.config import override
from baregrad.engine import SESSION, plans
from baregrad.engine.plans import structure_of
from baregrad.ir import UOp, const, ops


def structure(*roots):
    return structure_of(roots)[0]


def test_only_buffers_may_differ():
    a, b, c, d = (SESSION.new_buffer((4,), dt.float32, "cpu") for _ in range(4))
    assert structure(a + b) == structure(c + d) == structure(b + a)
    assert structure_of([c * d + c])[1] == [c, d]
    contiguous = [UOp(ops.CONTIGUOUS, dt.float32, (x,), number) for x, number in ((a, 5), (b, 9))]
    assert structure(contiguous[0]) == structure(contiguous[1])


# fmt: off
DIFFERENT = [  # name, two graphs of buffers a and b
    ("one buffer twice", lambda a, b: [a + b],                     lambda a, b: [a + a]),
    ("operation",        lambda a, b: [a + b],                     lambda a, b: [a * b]),
    ("order",            lambda a, b: [a - b, a],                  lambda a, b: [a, a - b]),
    ("roots",            lambda a, b: [a - b],                     lambda a, b: [a - b, a - b]),
    ("zeros",            lambda a, b: [a + const(0.0, dt.float32).expand((4,))], lambda a, b: [a + const(-0.0, dt.float32).expand((4,))]),
    ("constant",         lambda a, b: [a * const(2.0, dt.float32).expand((4,))], lambda a, b: [a * const(3.0, dt.float32).expand((4,))]),
    ("number",           lambda a, b: [UOp(ops.CONTIGUOUS, dt.float32, (a,), 3)], lambda a, b: [UOp(ops.CONTIGUOUS, dt.float32, (a,))]),
    ("dtype",            lambda a, b: [a.cast(dt.int32)],          lambda a, b: [a.cast(dt.uint32)]),
    ("shape",            lambda a, b: [a.reshape((2, 2))],         lambda a, b: [a.reshape((4, 1))]),
    ("buffer's shape",   lambda a, b: [a + b],                     lambda a, b: [SESSION.new_buffer((5,), dt.float32, "cpu") + SESSION.new_buffer((5,), dt.float32, "cpu")]),
    ("assign",           lambda a, b: [a.assign(b)],               lambda a, b: [a.assign(a + b)]),
]
# fmt: on


@pytest.mark.parametrize("name, one, other", DIFFERENT, ids=[row[0] for row in DIFFERENT])
def test_all_else_makes_another_form(name, one, other):
    a, b = (SESSION.new_buffer((4,), dt.float32, "cpu") for _ in range(2))
    assert structure(*one(a, b)) != structure(*other(a, b))


def test_nan_is_itself():
    a = SESSION.new_buffer((4,), dt.float32, "cpu")
    first, second = ((a + const(math.nan, dt.float32).expand((4,))) for _ in range(2))
    assert structure(first) == structure(second)


def losses(steps):
    """An eager loop with state, parts that are kept, and an odd step between."""
    Tensor.manual_seed(5)
    net = nn.Sequential(nn.Linear(2, 2))
    used = nn.SGD(net.parameters(), 0.1, momentum=0.9)
    kept, found = [], []
    for number in range(steps):
        x = Tensor([[0.1 * number, 0.5], [0.3, -0.2]])
        used.zero_grad()
        loss = net(x).square().mean()
        if number == 2:
            kept.append(net[0].weight.detach())
        loss.backward()
        used.step()
        found.append(loss.item())
    return [*found, *(t.tolist() for _, t in net.named_tensors()), *(k.tolist() for k in kept)]


def test_a_loop_on_shared_schedules_is_that_on_its_own(monkeypatch):
    calls = []
    planned = plans._planned
    monkeypatch.setattr(plans, "_planned", lambda *args: calls.append(1) or planned(*args))
    with override(device="cpu"):
        found = losses(6)
        few = len(calls)
        monkeypatch.setattr(plans, "_table", lambda *_: {})
        assert found == losses(6)
    assert few < len(calls) - few


def test_the_table_does_not_grow_for_ever(monkeypatch):
    table = {}
    monkeypatch.setattr(plans, "_table", lambda *_: table)
    monkeypatch.setattr(plans, "MOST", 3)
    with override(device="cpu"):
        assert [(Tensor([1.0]) * k).item() for k in range(2, 8)] == [float(k) for k in range(2, 8)]
    assert len(table) == 3


def test_large_forms_go_sooner(monkeypatch):
    table = {}
    monkeypatch.setattr(plans, "_table", lambda *_: table)
    monkeypatch.setattr(plans, "MOST_NODES", 30)
    with override(device="cpu"):
        for k in range(2, 12):
            assert (Tensor([1.0]) * k + 1).item() == k + 1.0
        assert 2 <= len(table) <= 6
        x = Tensor([1.0])
        for _ in range(40):
            x = x + 1.5
        assert x.item() == 61.0
    assert len(table) == 1, "one larger than all is kept alone"


def test_switches_have_schedules_of_their_own():
    x, y = Tensor([1.0 + 2**-12], device="cpu"), Tensor([-1.0 - 2**-11], device="cpu")
    results = set()
    for contract in (False, True, False):
        with bg.override(contract=contract):
            results.add((x * x + y).item())
    assert len(results) == 2
