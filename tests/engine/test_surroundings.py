"""What a captured step found around it and is then changed: each change is refused, never ignored."""

from __future__ import annotations

from collections import namedtuple

import pytest

import baregrad as bg
from baregrad.base.config import override
from baregrad.base.errors import JitError
from baregrad.tensor import Tensor

RATE = [2.0]
Pair = namedtuple("Pair", "a b")


@pytest.fixture(params=["reference", "cpu"], autouse=True)
def device(request):
    """Each device that computes."""
    with override(device=request.param):
        yield request.param


def one():
    return Tensor([1.0])


class Plain:
    rate = 1.0


class Slots:
    __slots__ = ("rate",)


def default():
    def step(x, rate=2.0):
        return x * rate

    return step, lambda: setattr(step, "__defaults__", (3.0,))


def keyword_default():
    def step(x, *, rate=2.0):
        return x * rate

    return step, lambda: step.__kwdefaults__.update(rate=3.0)


def inner_function():
    return lambda x: (lambda y: y * RATE[0])(x), lambda: RATE.__setitem__(0, RATE[0] + 1)


def longer_list():
    parts = [one()]
    return lambda x: sum(parts, x), lambda: parts.append(one())


def shorter_list():
    parts = [1.0, 2.0]
    return lambda x: x * sum(parts), parts.pop


def new_key():
    parts = {"a": one()}
    return lambda x: sum(parts.values(), x), lambda: parts.update(b=one())


def replaced_tuple():
    rates = (1.0, 2.0)

    def change():
        nonlocal rates
        rates = (3.0, 4.0)

    return lambda x: x * sum(rates), change


def replaced_object():
    owner = Plain()

    def change():
        nonlocal owner
        owner = Plain()

    return lambda x: x * owner.rate, change


def new_attribute():
    owner = Plain()
    return lambda x: x * owner.rate, lambda: setattr(owner, "rate", 5.0)


def class_attribute():
    class Own:
        rate = 1.0

    return lambda x: x * Own.rate, lambda: setattr(Own, "rate", 5.0)


def class_attribute_of_an_object():
    class Own:
        rate = 1.0

    owner = Own()
    return lambda x: x * owner.rate, lambda: setattr(Own, "rate", 5.0)


def slot():
    owner = Slots()
    owner.rate = 1.0
    return lambda x: x * owner.rate, lambda: setattr(owner, "rate", 5.0)


CHANGES = [
    default, keyword_default, inner_function, longer_list, shorter_list, new_key, replaced_tuple,
    replaced_object, new_attribute, class_attribute, class_attribute_of_an_object, slot,
]  # fmt: skip


@pytest.mark.parametrize("make", CHANGES)
def test_changed_surroundings_are_refused(make):
    function, change = make()
    step = bg.jit(function)
    results = [step(one()).item() for _ in range(4)]
    assert len(set(results)) == 1
    change()
    with pytest.raises(JitError, match="was replaced since"):
        step(one())
    step.reset()
    assert step(one()).item() == function(one()).item()


def test_an_object_that_is_an_argument_is_looked_into():
    owner = Plain()
    owner.weight = one()
    step = bg.jit(lambda o, x: x * o.weight)
    assert [step(owner, one()).item() for _ in range(3)] == [1.0] * 3
    owner.weight.assign([4.0])
    assert step(owner, one()).item() == 4.0
    owner.weight = one()
    with pytest.raises(JitError, match="weight"):
        step(owner, one())


def test_a_list_that_the_step_writes_notes_in_is_no_change():
    calls = []

    def inside(x):
        calls.append("called")
        return x * 2

    step = bg.jit(inside)
    assert [step(one()).item() for _ in range(4)] == [2.0] * 4
    assert len(calls) == 2


def test_named_tuples_go_in_and_come_out():
    step = bg.jit(lambda p: Pair(p.a + 1, p.b * 2))
    for i in range(4):
        found = step(Pair(Tensor([float(i)]), one()))
        assert (type(found), found.a.item(), found.b.item()) == (Pair, i + 1, 2.0)
