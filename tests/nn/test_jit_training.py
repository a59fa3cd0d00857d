"""Captured steps that train: replays equal eager steps to the bit; gradients, parameters and memory."""

from __future__ import annotations

import gc

import pytest

import baregrad as bg
from baregrad import nn
from baregrad.base.errors import BaregradError, JitError
from baregrad.tensor import Tensor, no_grad
from tests.engine.test_jit import captured, ones


def regression(optimizer, captured, clear="zero_grad", whole=False):
    """Losses, parameters and gradients of a small network over some steps."""
    Tensor.manual_seed(2)
    small = (nn.Linear(3, 1, bias=False), Tensor.tanh)
    large = (nn.Linear(3, 4), Tensor.tanh, nn.BatchNorm(4), nn.Dropout(0.2), nn.Linear(4, 1))
    net = nn.Sequential(*(large if whole else small))
    used = optimizer(net.parameters())

    def step(x, y):
        if clear == "zero_grad":
            used.zero_grad()
        loss = net(x).mse_loss(y)
        loss.backward()
        used.step()
        return loss

    run = bg.jit(step) if captured else step
    losses = []
    for number in range(6):
        if number == 4:
            used.lr = 0.01
        losses.append(run(Tensor.rand(5, 3).realize(), Tensor.rand(5, 1).realize()).item())
        if clear == "outside":
            used.zero_grad()
    state = {name: tensor.tolist() for name, tensor in net.state_dict().items()}
    return losses, state, [None if p.grad is None else p.grad.tolist() for p in net.parameters()]


OPTIMIZERS = {
    "sgd": lambda p: nn.SGD(p, 0.1),
    "momentum": lambda p: nn.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: nn.Adam(p, 0.1),
    "adamw": lambda p: nn.AdamW(p, 0.1, weight_decay=0.1),
}


FEW = [
    name if name in ("momentum", "adam") else pytest.param(name, marks=pytest.mark.slow)
    for name in OPTIMIZERS
]


@pytest.mark.parametrize("name", FEW)
def test_replayed_steps_equal_eager_ones_to_the_bit(device, name):
    assert regression(OPTIMIZERS[name], True) == regression(OPTIMIZERS[name], False)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_replayed_steps_of_many_layers_equal_eager_ones_to_the_bit(device, name):
    assert regression(OPTIMIZERS[name], True, whole=True) == regression(OPTIMIZERS[name], False, whole=True)


def test_gradients_cleared_outside(device):
    assert regression(OPTIMIZERS["sgd"], True, "outside") == regression(OPTIMIZERS["sgd"], False, "outside")


def test_gradients_that_add_up(device):
    weight = Tensor([2.0], requires_grad=True)

    def inside(x):
        (weight * x).sum().backward()

    step = bg.jit(inside)
    weight.grad = None
    step(ones(1))
    step(ones(1))
    try:
        step(ones(1))
    except JitError:
        return
    assert weight.grad.tolist() == [3.0]


def test_gradients_that_vanish_are_refused_or_right(device):
    weight = Tensor([2.0], requires_grad=True)

    def inside(x):
        (weight * x).sum().backward()
        return weight.grad * 1

    step = bg.jit(inside)
    for _ in range(2):
        weight.grad = None
        assert step(ones(1)).tolist() == [1.0]
    weight.grad = Tensor([100.0])
    try:
        found = step(ones(1)).tolist()
    except JitError:
        return
    assert found == [101.0]


def test_a_parameter_that_is_replaced_in_the_network_is_refused(device):
    net = nn.Linear(2, 1)
    used = nn.SGD(net.parameters(), 0.1)

    def inside(x):
        used.zero_grad()
        loss = net(x).sum()
        loss.backward()
        used.step()
        return loss

    step = captured(inside, ones(1, 2))
    net.weight = Tensor.zeros(1, 2).requires_grad_()
    with pytest.raises(JitError, match="weight"):
        step(ones(1, 2))


def test_loading_weights_between_replays(device):
    net = nn.Linear(2, 1)
    step = captured(lambda x: net(x), ones(1, 2))
    net.load_state_dict({"weight": Tensor([[2.0, 3.0]]), "bias": Tensor([1.0])})
    assert step(ones(1, 2)).tolist() == [[6.0]]


def test_no_grad_inside(device):
    weight = Tensor([2.0], requires_grad=True)

    def inside(x):
        with no_grad():
            return weight * x

    step = bg.jit(inside)
    results = [step(ones(1)) for _ in range(4)]
    assert not any(r.requires_grad for r in results)


def test_backward_of_a_replayed_result_is_refused(device):
    weight = Tensor([2.0], requires_grad=True)
    step = captured(lambda x: (weight * x).sum(), ones(1))
    with pytest.raises(BaregradError):
        step(ones(1)).backward()


def test_memory_does_not_grow(device):
    net = nn.Linear(2, 1)  # as in other tests, whose kernels serve here
    used = nn.SGD(net.parameters(), 0.01, momentum=0.9)

    def inside(x):
        used.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        used.step()
        return loss

    step, facts = bg.jit(inside), []
    for _ in range(2):
        for _ in range(4):
            step(ones(1, 2))
        gc.collect(0)
        facts.append(bg.Device(device).usage.in_use)
    assert facts[0] == facts[1]


def test_a_dropped_step_gives_its_memory_back(device):
    gc.collect(0)
    before = bg.Device(device).usage.in_use
    step = captured(lambda x: (x @ x).relu() @ x, ones(8, 8))
    step(ones(8, 8))
    del step
    gc.collect(0)
    assert bg.Device(device).usage.in_use == before
