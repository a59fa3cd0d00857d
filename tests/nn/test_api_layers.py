# ruff: noqa: E501 - one case is one line
"""Layers, schedules and clipping of the wider API: as torch computes them, and what they refuse."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import baregrad as bg
from baregrad import nn
from baregrad.base.errors import BaregradError, ShapeError
from baregrad.tensor import Tensor

VECTORS = Path(__file__).parents[1] / "vectors" / "torch_api.json"


@cache
def vectors():
    return json.loads(VECTORS.read_text())


def array(value):
    found = np.array(value["data"]).reshape(value["shape"])
    return found if found.dtype.kind in "ib" else found.astype("float32")


def twice(cell, joined):
    def run(x):
        found = cell(x, cell(x))
        return Tensor.cat(found) if joined else found

    return run


LAYERS = {  # name: the module, what is run
    "rms_norm": (lambda: nn.RMSNorm(6), lambda layer: layer),
    "group_norm": (lambda: nn.GroupNorm(2, 4), lambda layer: layer),
    "instance_norm": (lambda: nn.InstanceNorm(3, affine=True), lambda layer: layer),
    "lstm": (lambda: nn.LSTMCell(3, 4), lambda layer: twice(layer, True)),
    "gru": (lambda: nn.GRUCell(3, 4), lambda layer: twice(layer, False)),
    "attention": (
        lambda: nn.MultiheadAttention(6, 2, batch_first=True),
        lambda layer: lambda x: layer(x, x, x, is_causal=True)[0],
    ),
}


SLOW = ("lstm", "gru", "attention")  # many kernels, each compiled
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in LAYERS]


@pytest.mark.parametrize("name", NAMES)
def test_as_torch(device, name):
    case = vectors()["layers"][name]
    make, run = LAYERS[name]
    layer = make()
    state = {key: Tensor(array(value)) for key, value in case["state"].items()}
    layer.load_state_dict(state)
    x = Tensor(array(case["x"]), requires_grad=True)
    y = run(layer)(x)
    np.testing.assert_allclose(y.numpy(), array(case["y"]), rtol=2e-5, atol=4e-6)
    (y * Tensor(array(case["weight"]))).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), array(case["grad_x"]), rtol=1e-4, atol=2e-5)
    for key, tensor in layer.named_tensors():
        if key in case["grads"]:
            np.testing.assert_allclose(
                tensor.grad.numpy(), array(case["grads"][key]), rtol=1e-4, atol=2e-5, err_msg=key
            )


def test_embedding(device):
    Tensor.manual_seed(2)
    layer = nn.Embedding(7, 3)
    table = layer.weight.tolist()
    found = layer(Tensor([[6, 0], [1, 1]]))
    assert found.tolist() == [[table[6], table[0]], [table[1], table[1]]]
    found.sum().backward()
    assert layer.weight.grad.tolist() == [[n] * 3 for n in (1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0)]


def test_embedding_bag(device):
    layer = nn.EmbeddingBag(7, 3, "sum", padding_idx=2)
    table = layer.weight.numpy()
    assert table[2].tolist() == [0.0] * 3
    found = layer(Tensor([6, 0, 2, 1]), Tensor([0, 0, 3]))
    assert np.allclose(found.numpy(), [[0.0] * 3, table[6] + table[0], table[1]])
    found.sum().backward()
    assert layer.weight.grad.tolist() == [[n] * 3 for n in (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)]


def test_embeddings_start_normal(device):
    Tensor.manual_seed(2)
    weight = nn.Embedding(40, 50).weight.numpy()
    assert weight.mean() == pytest.approx(0, abs=0.07)
    assert weight.std() == pytest.approx(1, abs=0.05)


def test_losses_are_methods(device):
    x, y = Tensor([1.0, 3.0]), Tensor([2.0, 1.0])
    assert nn.MSELoss()(x, y).item() == 2.5
    assert nn.L1Loss(reduction="sum")(x, y).item() == 3.0
    assert nn.CrossEntropyLoss()(Tensor([[0.0, 0.0]]), Tensor([1])).item() == pytest.approx(math.log(2))


def test_clip_grad_norm(device):
    x, y, z = (Tensor([value], requires_grad=True) for value in (3.0, 4.0, 1.0))
    ((x * x + y * y) * 0.5).sum().backward()
    assert nn.clip_grad_norm_([x, y, z], 10.0).item() == pytest.approx(5.0)
    assert x.grad.item() == 3.0
    nn.clip_grad_norm_([x, y, z], 1.0)
    assert [x.grad.item(), y.grad.item()] == pytest.approx([0.6, 0.8], rel=1e-5)
    nn.clip_grad_value_([x, y, z], 0.7)
    assert [x.grad.item(), y.grad.item()] == pytest.approx([0.6, 0.7], rel=1e-5)
    assert z.grad is None


SCHEDULES = [  # name, the schedule, rates from 0.1 on
    ("step", lambda o: nn.StepLR(o, 2), [0.1, 0.1, 0.01, 0.01, 0.001]),
    ("exponential", lambda o: nn.ExponentialLR(o, 0.5), [0.1, 0.05, 0.025, 0.0125]),
    ("linear", lambda o: nn.LinearLR(o, 0.5, total_iters=2), [0.05, 0.075, 0.1, 0.1]),
    ("cosine", lambda o: nn.CosineAnnealingLR(o, 2, 0.02), [0.1, 0.06, 0.02]),
    ("lambda", lambda o: nn.LambdaLR(o, lambda step: 1 / (step + 1)), [0.1, 0.05, 0.1 / 3]),
]


@pytest.mark.parametrize("name, make, rates", SCHEDULES, ids=[row[0] for row in SCHEDULES])
def test_schedules(name, make, rates):
    optimizer = nn.SGD([Tensor([1.0], requires_grad=True)], lr=0.1)
    schedule = make(optimizer)
    found = [optimizer.lr.item()]
    for _ in rates[1:]:
        schedule.step()
        found.append(optimizer.lr.item())
    assert found == pytest.approx(rates, rel=1e-5)


def test_a_captured_step_sees_the_schedule(device):
    x = Tensor([0.0], requires_grad=True)
    optimizer = nn.SGD([x], lr=1.0)
    schedule = nn.ExponentialLR(optimizer, 0.5)

    def step():
        optimizer.zero_grad()
        loss = x.sum()
        loss.backward()
        optimizer.step()
        return loss

    run = bg.jit(step)
    for _ in range(4):
        run()
        schedule.step()
    assert x.item() == -(1 + 0.5 + 0.25 + 0.125)


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("rms",       lambda: nn.RMSNorm(3)(Tensor.zeros(2, 4)),      ShapeError,    "RMS norm"),
    ("groups",    lambda: nn.GroupNorm(2, 3),                     ShapeError,    "2 groups"),
    ("channels",  lambda: nn.GroupNorm(1, 3)(Tensor.zeros(2, 4)), ShapeError,    "3 channels"),
    ("cell",      lambda: nn.LSTMCell(3, 4)(Tensor.zeros(2, 4)),  ShapeError,    "LSTMCell"),
    ("heads",     lambda: nn.MultiheadAttention(6, 4),            ShapeError,    "4 heads"),
    ("step size", lambda: nn.StepLR(nn.SGD([Tensor([1.0], requires_grad=True)]), 0), BaregradError, "step_size=0"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend
