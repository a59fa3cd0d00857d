# ruff: noqa: E501 - one refusal is one line
"""Layers, losses, optimisers against what PyTorch computed (tests/vectors, by tools/torch_vectors.py)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import baregrad as bg
from baregrad import nn
from baregrad.base.errors import BaregradError, DeviceError, DTypeError, ShapeError
from baregrad.tensor import Tensor


@cache
def vectors():
    return json.loads((Path(__file__).parents[1] / "vectors" / "torch.json").read_text())


def array(stored):
    kind = "int64" if all(isinstance(v, int) for v in stored["data"]) else "float32"
    return np.array(stored["data"], kind).reshape(stored["shape"])


def close(ours, stored, scale=1.0):
    theirs = array(stored)
    assert ours.shape == theirs.shape
    atol = 2e-6 * scale * max(1.0, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5 * scale, atol=atol)


LAYERS = {
    "linear": lambda: nn.Linear(4, 3),
    "linear_3d": lambda: nn.Linear(4, 3),
    "linear_no_bias": lambda: nn.Linear(4, 3, bias=False),
    "conv": lambda: nn.Conv2d(2, 3, 3, padding=1),
    "conv_strided": lambda: nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0), groups=2),
    "conv_dilated": lambda: nn.Conv2d(1, 2, 2, dilation=2, bias=False),
    "batch_norm": lambda: nn.BatchNorm(3),
    "batch_norm_eval": lambda: nn.BatchNorm(3).eval(),
    "layer_norm": lambda: nn.LayerNorm(6),
    "layer_norm_2": lambda: nn.LayerNorm((2, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(device, name):
    case, layer = vectors()["layers"][name], LAYERS[name]()
    layer.load_state_dict({key: Tensor(array(value)) for key, value in case["state"].items()})
    x = Tensor(array(case["x"]), requires_grad=True)
    y = layer(x)
    close(y, case["y"])
    (y * Tensor(array(case["weight"]))).sum().backward()
    close(x.grad, case["grad_x"], 4)
    for key, tensor in layer.named_tensors():
        if key in case["grads"]:
            close(tensor.grad, case["grads"][key], 4)
        close(tensor, case["after"][key])


OPTIMIZERS = {"sgd": nn.SGD, "adam": nn.Adam, "adamw": nn.AdamW}


@pytest.mark.parametrize("captured", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", ["sgd", "sgd_momentum", "sgd_nesterov", "adam", "adam_decay", "adamw"])
def test_optimizer(device, name, captured):
    case = vectors()["optimizers"][name]
    w, b = (Tensor(array(case["start"][key]), requires_grad=True) for key in "wb")
    used = OPTIMIZERS[name.partition("_")[0]]([w, b], **case["settings"])

    def step(x, y):
        used.zero_grad()
        value = (x @ w + b).tanh().mse_loss(y)
        value.backward()
        used.step()
        return value

    run = bg.jit(step) if captured else step
    inputs, targets = array(case["inputs"]), array(case["targets"])
    for number in range(5):
        if number == 3:
            used.lr = case["settings"]["lr"] * 0.5
        loss = run(Tensor(inputs[number]), Tensor(targets[number]))
        assert loss.item() == pytest.approx(case["losses"][number], rel=2e-5)
        close(w, case["states"][number]["w"], 4)
        close(b, case["states"][number]["b"], 4)


def test_initial_values_have_the_bounds_of_torch(device):
    Tensor.manual_seed(0)
    weight = nn.Linear(64, 32).weight.numpy()
    assert np.abs(weight).max() <= 1 / 8
    assert np.abs(weight).max() > 0.95 / 8
    assert abs(weight.mean()) < 0.01
    assert weight.std() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)
    assert np.abs(nn.Conv2d(4, 8, 3).weight.numpy()).max() <= 1 / 6


def test_the_same_seed_gives_the_same_network_everywhere():
    weights = []
    for device in ("reference", "cpu"):
        with bg.override(device=device):
            Tensor.manual_seed(3)
            weights.append({k: v.tolist() for k, v in nn.Linear(5, 4).state_dict().items()})
    assert weights[0] == weights[1]


class Network(nn.Module):
    """Modules as attributes, in a list and in a dict."""

    def __init__(self):
        self.first = nn.Linear(2, 3)
        self.more = [nn.Linear(3, 3), nn.Dropout(0.5)]
        self.named = {"norm": nn.BatchNorm(3)}
        self.again = self.first
        self.count = 7

    def __call__(self, x):
        return self.named["norm"](self.more[1](self.more[0](self.first(x))))


def test_names(reference):
    state = Network().state_dict()
    assert sorted(state) == sorted(
        [f"{part}.{name}" for part in ("first", "more.0", "again") for name in ("weight", "bias")]
        + [f"named.norm.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
        + ["named.norm.num_batches_tracked"]
    )
    assert len(Network().parameters()) == 6


def test_names_in_a_sequence_are_places():
    class Named(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(2, 3), Tensor.relu, nn.Linear(3, 2, bias=False))
            self.last = nn.Sequential(nn.Linear(2, 1))

    names = [name for name, _ in Named().named_tensors()]
    assert names == ["0.weight", "0.bias", "2.weight", "last.0.weight", "last.0.bias"]


def test_state_goes_round(reference):
    Tensor.manual_seed(1)
    one, two = (nn.Sequential(nn.Linear(2, 2)) for _ in range(2))
    x = Tensor([[1.0, -2.0], [0.5, 3.0]])
    assert one(x).tolist() != two(x).tolist()
    two.load_state_dict(one.state_dict())
    assert one(x).tolist() == two(x).tolist()


def test_a_state_is_as_it_was(reference):
    layer = nn.Linear(2, 1)
    state = layer.state_dict()
    before = state["bias"].tolist()
    with bg.no_grad():
        layer.bias.assign(layer.bias + 1)
    assert state["bias"].tolist() == before
    assert layer.bias.tolist() != before
    assert not state["bias"].requires_grad


def test_train_and_eval_reach_everything(reference):
    network = Network()
    assert all(module.training for module in network.modules())
    network.eval()
    assert not any(module.training for module in network.modules())
    assert network.train().named["norm"].training


def test_a_frozen_network_is_thawed_but_for_its_buffers():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = [name for name, _ in network.named_parameters()]
    network.requires_grad_(False)
    assert not network.parameters()
    network.requires_grad_()
    assert [name for name, _ in network.named_parameters()] == before


def test_dropout(device):
    Tensor.manual_seed(0)
    layer = nn.Dropout(0.25)
    y = np.array(layer(Tensor.ones(40, 50)).tolist())
    assert set(np.unique(y).tolist()) == {0.0, np.float32(4 / 3)}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.04)
    assert layer.eval()(Tensor.ones(3)).tolist() == [1.0] * 3


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("missing",      lambda: nn.Linear(2, 2).load_state_dict({"weight": Tensor.zeros(2, 2)}), BaregradError, "lacks bias"),
    ("unknown",      lambda: nn.Linear(2, 2).load_state_dict({**nn.Linear(2, 2).state_dict(), "x": Tensor(1.0)}), BaregradError, "unknown x"),
    ("shape",        lambda: nn.Linear(2, 2).load_state_dict(nn.Linear(3, 2).state_dict()), ShapeError, r"weight has shape \(2, 2\)"),
    ("dtype",        lambda: nn.Linear(1, 1, bias=False).load_state_dict({"weight": Tensor([[1]])}), DTypeError, "int64"),
    ("no parameters", lambda: nn.SGD([], 0.1), BaregradError, "no parameters"),
    ("no leaf",      lambda: nn.SGD([Tensor([1.0])], 0.1), BaregradError, "no leaf"),
    ("negative lr",  lambda: nn.Adam(nn.Linear(1, 1).parameters(), -1.0), BaregradError, "lr=-1.0"),
    ("nan lr",       lambda: nn.Adam(nn.Linear(1, 1).parameters(), float("nan")), BaregradError, "lr=nan"),
    ("betas",        lambda: nn.Adam(nn.Linear(1, 1).parameters(), betas=(0.9, 1.0)), BaregradError, "betas"),
    ("nesterov",     lambda: nn.SGD(nn.Linear(1, 1).parameters(), nesterov=True), BaregradError, "momentum"),
    ("two devices",  lambda: nn.SGD([*nn.Linear(1, 1, device="cpu").parameters(), *nn.Linear(1, 1, device="reference").parameters()]), DeviceError, "several"),
    ("groups",       lambda: nn.Conv2d(3, 4, 1, groups=2), ShapeError, "groups"),
    ("norm shape",   lambda: nn.BatchNorm(3)(Tensor.zeros(2, 4)), ShapeError, "3 channels"),
    ("norm of one",  lambda: nn.BatchNorm(3)(Tensor.zeros(1, 3)), ShapeError, "no variance"),
    ("layer shape",  lambda: nn.LayerNorm(3)(Tensor.zeros(2, 4)), ShapeError, "last axes"),
    ("inputs",       lambda: nn.Linear(3, 2)(Tensor.zeros(2, 4)), ShapeError, "multiply"),
    ("rank",         lambda: nn.BatchNorm2d(3)(Tensor.zeros(2, 3)), ShapeError, "3 channels, of 4 axes"),
    ("a module",     lambda: nn.Adam(nn.Linear(1, 1)), BaregradError, "model.parameters"),
    ("a number",     lambda: nn.Adam([5]), BaregradError, "of int"),
    ("a misspelt group", lambda: nn.Adam([{"parms": []}]), BaregradError, "no parameters"),
    ("no layer",     lambda: nn.Sequential(3), BaregradError, "3 in a Sequential"),
    ("no inputs",    lambda: nn.Linear(-1, 2), ShapeError, "size -1"),
    ("fans",         lambda: nn.init.kaiming_uniform_(Tensor([1.0])), ShapeError, "outputs, inputs"),
    ("dropout",      lambda: nn.Dropout(1.5)(Tensor.zeros(2)), DTypeError, "p=1.5"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, act, cls, words):
    with bg.override(device="reference"), pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.why
    assert caught.value.mend


def test_a_state_that_does_not_fit_changes_nothing(reference):
    layer = nn.Linear(2, 2)
    before = {name: value.tolist() for name, value in layer.state_dict().items()}
    with pytest.raises(ShapeError):
        layer.load_state_dict({"weight": Tensor.zeros(2, 2), "bias": Tensor.zeros(3)})
    assert {name: value.tolist() for name, value in layer.state_dict().items()} == before


def test_not_strict_loads_what_is_there(reference):
    layer = nn.Linear(2, 2)
    layer.load_state_dict({"bias": Tensor([5.0, 6.0]), "other": Tensor(1.0)}, strict=False)
    assert layer.bias.tolist() == [5.0, 6.0]


def test_a_step_takes_no_more_memory(device):
    layer = nn.Linear(2, 1)
    used = nn.Adam(layer.parameters(), 0.1)
    facts = []
    for _ in range(4):
        used.zero_grad()
        layer(Tensor.ones(1, 2)).square().sum().backward()
        used.step()
        place = used.state["mean"][1].value.own.address.value
        facts.append((bg.Device(device).usage.in_use, place))
    assert facts[3][0] <= facts[1][0]
    assert len({place for _, place in facts[1:]}) == 1
