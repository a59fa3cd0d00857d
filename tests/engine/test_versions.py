# ruff: noqa: E501 - one program is one line
"""Random programs of assignments, views and realizing against numpy: in no order does laziness leak.

Every tensor of a program has an array beside it that is computed at once. What was found this way stands in
tests of its own.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from baregrad.base.config import override
from baregrad.engine import SESSION
from baregrad.tensor import Tensor

SHAPE = (3, 3)


@pytest.fixture(params=["reference", "cpu"])
def device(request):
    """Each device that computes; new tensors are made there."""
    with override(device=request.param):
        yield request.param


def in_use(device):
    return SESSION.device(device).usage().in_use


# fmt: off
MADE = [  # name, tensor of two tensors, array of two arrays
    ("add",        lambda x, y: x + y,                          lambda x, y: x + y),
    ("scaled",     lambda x, y: x * 0.5 - y,                    lambda x, y: x * np.float32(0.5) - y),
    ("flip",       lambda x, y: x.flip(0),                      lambda x, y: x[::-1]),
    ("turned",     lambda x, y: x.T,                            lambda x, y: x.T),
    ("sum",        lambda x, y: x.sum(0, keepdim=True).expand(*SHAPE), lambda x, y: np.broadcast_to(x.sum(0), SHAPE)),
    ("alias",      lambda x, y: x.reshape(9).reshape(*SHAPE),   lambda x, y: x),
    ("contiguous", lambda x, y: x.contiguous(),                 lambda x, y: x),
    ("detached",   lambda x, y: x.detach(),                     lambda x, y: x),
    ("backwards",  lambda x, y: x[::-1][:, ::-1],               lambda x, y: x[::-1, ::-1]),
    ("the other",  lambda x, y: y,                              lambda x, y: y),
    ("itself",     lambda x, y: x,                              lambda x, y: x),
    ("centred",    lambda x, y: x - x.max(1, keepdim=True),     lambda x, y: x - x.max(1, keepdims=True)),
    ("rolled",     lambda x, y: Tensor.cat([x[1:], x[:1]]),     lambda x, y: np.concatenate([x[1:], x[:1]])),
    ("mixed",      lambda x, y: x * 0.5 + y.T,                  lambda x, y: x * np.float32(0.5) + y.T),
    ("chosen",     lambda x, y: x.where(x > 0, y),              lambda x, y: np.where(x > 0, x, y)),
]
# fmt: on
DEEDS = ("make", "make", "assign", "assign", "assign", "realize", "realize both", "read", "drop", "exchange")


def run_program(rng: random.Random) -> None:
    """Some 25 deeds, then everything is read in a random order."""
    arrays = [
        np.array([[rng.randint(-4, 4) for _ in range(3)] for _ in range(3)], np.float32) for _ in range(2)
    ]
    boxes = [(Tensor(a.tolist()), a) for a in arrays] + [(Tensor.full(SHAPE, 2.0), np.full(SHAPE, 2.0, "f4"))]
    log = []
    for _ in range(25):
        deed, (name, made, array) = rng.choice(DEEDS), rng.choice(MADE)
        i, j = rng.randrange(len(boxes)), rng.randrange(len(boxes))
        (x, a), (y, b) = boxes[i], boxes[j]
        log.append(f"{deed} {name} {i} {j}")
        if deed == "make" and name not in ("the other", "itself"):
            boxes.append((made(x, y), array(a, b).copy()))
        elif deed == "assign":
            boxes[i] = (x.assign(made(x, y)), array(a, b).copy())
        elif deed == "realize":
            x.realize()
        elif deed == "realize both":
            x.realize(y)
        elif deed == "read":
            assert np.array_equal(x.numpy(), a), log
        elif deed == "drop" and len(boxes) > 3:
            boxes.pop(i)
        elif deed == "exchange" and i != j:
            old = x.detach()
            boxes[i], boxes[j] = (x.assign(y), b), (y.assign(old), a)
    rng.shuffle(boxes)
    for x, a in boxes:
        assert np.array_equal(x.numpy(), a), log


@pytest.mark.parametrize("part", range(4))
def test_random_programs(device, part, rng):
    before = in_use(device)
    run_program(rng)
    assert in_use(device) == before, "all memory is given back"


def test_a_settled_value_lets_go_of_what_is_another_ones_memory(device):
    x = Tensor([1.0, 2.0])
    first = (x + 0).realize()
    same, twice = x + 0, first * 2
    del first  # only `twice` holds the memory that `same` is found in
    twice.realize(same)
    assert (same.tolist(), twice.tolist()) == ([1.0, 2.0], [2.0, 4.0])


def test_an_old_version_that_is_wanted_itself_is_not_given_away(device):
    x = Tensor([1.0, 2.0]).realize()
    first = (x + 0).realize()
    same = x + 0  # known to lie in memory already: in that of `first`
    first.assign(first * 2)
    first.realize(same)
    assert (first.tolist(), same.tolist(), x.tolist()) == ([2.0, 4.0], [1.0, 2.0], [1.0, 2.0])
