# ruff: noqa: E501 - one case is one line
"""Optimisers beyond SGD and Adam, groups, schedules that take more than a step's number, first values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import baregrad as bg
from baregrad import nn
from baregrad.base.errors import BaregradError, ShapeError
from baregrad.tensor import Tensor


def moved(make, steps=2):
    """x after steps down 2 * x, from 3 on."""
    x = Tensor([3.0], requires_grad=True)
    optimizer = make([x])
    for _ in range(steps):
        optimizer.zero_grad()
        (x * x).sum().backward()
        optimizer.step()
    return x.item()


# fmt: off
AFTER = [  # name, optimiser, x after two steps as torch 2.13.0 gives it (LAMB: by its formula)
    ("dampened", lambda p: nn.SGD(p, 0.1, momentum=0.9, dampening=0.5), 3 - 0.6 - 0.1 * (0.9 * 6 + 0.5 * 4.8)),
    ("amsgrad",  lambda p: nn.Adam(p, 0.1, amsgrad=True),               2.800102710723877),
    ("rmsprop",  lambda p: nn.RMSprop(p, 0.1, momentum=0.5, centered=True), 0.9313909411430359),
    ("adagrad",  lambda p: nn.Adagrad(p, 0.1, lr_decay=0.5),            2.853665351867676),
    ("adadelta", nn.Adadelta,                                           2.9935948848724365),
    ("adamax",   lambda p: nn.Adamax(p, 0.1),                           2.8016562461853027),
    ("lamb",     lambda p: nn.LAMB(p, 0.1, weight_decay=0.0),           3 * 0.9 * 0.9),
]
# fmt: on


@pytest.mark.parametrize("name, make, expected", AFTER, ids=[row[0] for row in AFTER])
def test_two_steps(name, make, expected):
    assert moved(make) == pytest.approx(expected, rel=2e-5)


@pytest.mark.slow  # an iteration's kernels
def test_muon_moves_by_an_orthogonal_matrix():
    x = Tensor.eye(2, 3).requires_grad_()
    optimizer = nn.Muon([x], 1.0, weight_decay=0.0)
    (x * Tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]])).sum().backward()
    optimizer.step()
    sizes = np.linalg.svd(np.eye(2, 3) - x.numpy())[1]
    assert sizes.min() > 0.6
    assert sizes.max() < 1.3


def test_groups_have_settings_of_their_own():
    x, y = (Tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = nn.SGD([{"params": [x]}, {"params": [y], "lr": 0.5}], lr=0.1)
    (x + y).sum().backward()
    optimizer.step()
    assert (x.item(), y.item()) == pytest.approx((0.9, 0.5))
    optimizer.param_groups[1]["lr"] = 0.25
    optimizer.step()
    assert (x.item(), y.item()) == pytest.approx((0.8, 0.25))


def test_the_state_goes_round():
    def made():
        x = Tensor([3.0], requires_grad=True)
        return x, nn.Adam([x], 0.1)

    (x, one), (y, two) = made(), made()
    (x * x).sum().backward()
    one.step()
    two.load_state_dict(one.state_dict())
    y.assign(x.detach()).grad = x.grad
    one.step()
    two.step()
    assert x.item() == y.item()
    with pytest.raises(BaregradError, match="on one side only"):
        two.load_state_dict({})


# fmt: off
RATES = [  # name, the schedule, rates from 0.1 on
    ("multi",     lambda o: nn.MultiStepLR(o, [1, 3]),            [0.1, 0.01, 0.01, 0.001]),
    ("constant",  lambda o: nn.ConstantLR(o, 0.5, 2),             [0.05, 0.05, 0.1, 0.1]),
    ("poly",      lambda o: nn.PolynomialLR(o, 2),                [0.1, 0.05, 0.0, 0.0]),
    ("restarts",  lambda o: nn.CosineAnnealingWarmRestarts(o, 2), [0.1, 0.05, 0.1, 0.05]),
    ("chained",   lambda o: nn.ChainedScheduler([nn.ConstantLR(o, 0.5, 1), nn.ExponentialLR(o, 0.5)]), [0.05, 0.05, 0.025]),
    ("one cycle", lambda o: nn.OneCycleLR(o, 1.0, 4, pct_start=0.5, cycle_momentum=False), [0.04, 1.0, 0.500002, 4e-6]),
    ("warmup",    lambda o: nn.SequentialLR(o, [nn.LinearLR(o, 0.5, total_iters=2), nn.ExponentialLR(o, 0.1)], [2]), [0.05, 0.075, 0.1, 0.01]),
]
# fmt: on


@pytest.mark.parametrize("name, make, rates", RATES, ids=[row[0] for row in RATES])
def test_schedules(name, make, rates):
    optimizer = nn.SGD([Tensor([1.0], requires_grad=True)], lr=0.1)
    schedule = make(optimizer)
    found = [optimizer.lr.item()]
    for _ in rates[1:]:
        schedule.step()
        found.append(optimizer.lr.item())
    assert found == pytest.approx(rates, rel=1e-5, abs=1e-9)


def test_a_plateau_reduces_the_rate():
    optimizer = nn.SGD([Tensor([1.0], requires_grad=True)], lr=0.1)
    schedule = nn.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    rates = []
    for metric in (3.0, 2.0, 2.0, 2.0, 1.0):
        schedule.step(metric)
        rates.append(optimizer.lr.item())
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05])


@pytest.mark.slow  # two steps of several kernels each
def test_a_captured_step_sees_the_momentum_of_a_cycle():
    def run(wrap):
        x = Tensor([1.0], requires_grad=True)
        optimizer = nn.SGD([x], lr=0.1, momentum=0.9)
        schedule = nn.OneCycleLR(optimizer, 0.5, 6)

        def step():
            optimizer.zero_grad()
            loss = (x * x).sum()
            loss.backward()
            optimizer.step()
            return loss

        step = wrap(step)
        for _ in range(5):
            step()
            schedule.step()
        return x.item()

    assert run(bg.jit) == run(lambda step: step)


@pytest.mark.slow  # three kernels of random numbers
def test_first_values():
    Tensor.manual_seed(3)
    x = Tensor.zeros(60, 50).contiguous()
    assert nn.init.kaiming_normal_(x, nonlinearity="relu").numpy().std() == pytest.approx(0.2, rel=0.05)
    bound = math.sqrt(6 / 110)
    assert 0.95 * bound < np.abs(nn.init.xavier_uniform_(x).numpy()).max() <= bound
    assert np.abs(nn.init.trunc_normal_(x, std=2.0).numpy()).max() <= 2


@pytest.mark.slow  # 48 steps of an iteration
def test_orthogonal_first_values():
    rows = nn.init.orthogonal_(Tensor.zeros(4, 6).contiguous(), 2.0).numpy()
    np.testing.assert_allclose(rows @ rows.T, 4 * np.eye(4), atol=1e-5)


REFUSED = [
    ("muon", lambda: nn.Muon([Tensor([1.0], requires_grad=True)]), ShapeError, "for matrices"),
    (
        "cycle",
        lambda: nn.OneCycleLR(nn.SGD([Tensor([1.0], requires_grad=True)]), 1.0),
        BaregradError,
        "0 steps",
    ),
    (
        "setting",
        lambda: nn.SGD([{"params": [Tensor([1.0], requires_grad=True)], "beta": 1}]),
        BaregradError,
        "beta",
    ),
    ("fans", lambda: nn.init.xavier_uniform_(Tensor.zeros(3).contiguous()), ShapeError, "fans"),
]


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend
