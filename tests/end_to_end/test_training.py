"""Whole networks on the CPU and on the reference device: the same losses, gradients and parameters."""

from __future__ import annotations

import numpy as np
import pytest

import baregrad as bg
from baregrad import nn
from baregrad.cli.digits import HELD_OUT, Digits, Network, Trainer, score_of, split, step_of
from baregrad.tensor import Tensor


class Tiny(nn.Module):
    """One convolution, one linear layer."""

    def __init__(self):
        self.conv = nn.Conv2d(1, 2, 3)
        self.last = nn.Linear(8, 3)

    def __call__(self, x):
        return self.last(self.conv(x).relu().flatten(1))


def trained(device, optimizer):
    """Losses and parameters of five captured steps."""
    with bg.override(device=device):
        Tensor.manual_seed(0)
        net = Tiny()
        used = optimizer(net.parameters())
        step, losses = bg.jit(step_of(net, used)), []
        for _ in range(5):
            losses.append(
                step(Tensor.rand(4, 1, 4, 4).realize(), Tensor.randint(0, 3, (4,)).realize()).item()
            )
        return losses, {name: tensor.numpy() for name, tensor in net.state_dict().items()}


OPTIMIZERS = {"sgd": lambda p: nn.SGD(p, 0.1, momentum=0.9), "adam": lambda p: nn.Adam(p, 0.01)}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_five_steps_are_the_same(name):
    (ours, weights), (theirs, expected) = (trained(d, OPTIMIZERS[name]) for d in ("cpu", "reference"))
    assert ours == pytest.approx(theirs, rel=1e-5)
    for key, value in expected.items():
        np.testing.assert_allclose(weights[key], value, rtol=1e-4, atol=1e-5, err_msg=key)


def gradients(device, state, images, labels):
    """The demo network's loss and gradients from given weights."""
    with bg.override(device=device):
        net = Network()
        net.load_state_dict({name: Tensor(value) for name, value in state.items()})
        loss = net(Tensor(images)).cross_entropy(Tensor(labels))
        loss.backward()
        parameters = {name: t for name, t in net.named_tensors() if t.requires_grad}
        loss.realize(*(t.grad for t in parameters.values()))
        grads = {name: t.grad.numpy() for name, t in parameters.items()}
        return loss.item(), grads, {name: t.numpy() for name, t in net.state_dict().items()}


@pytest.mark.slow
def test_the_demo_network_has_the_same_gradients():
    generator = np.random.default_rng(1)
    with bg.override(device="cpu"):
        Tensor.manual_seed(0)
        state = {name: t.numpy() for name, t in Network().state_dict().items()}
    for _ in range(3):
        images = generator.uniform(0, 1, (4, 1, 8, 8)).astype("float32")
        labels = generator.integers(0, 10, 4)
        loss, grads, after = gradients("cpu", state, images, labels)
        expected, theirs, theirs_after = gradients("reference", state, images, labels)
        assert loss == pytest.approx(expected, rel=1e-5)
        largest = max(float(np.abs(g).max()) for g in theirs.values())
        for name, grad in theirs.items():
            assert float(np.abs(grads[name] - grad).max()) <= 1e-4 * largest, name
        for name, value in theirs_after.items():
            np.testing.assert_allclose(after[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
        state = {
            name: v - 0.1 * theirs[name] if name in theirs else theirs_after[name]
            for name, v in state.items()
        }


def fake_digits(count):
    """Images whose label is the column that is bright: learnt in a few steps."""
    generator = np.random.default_rng(2)
    labels = np.arange(count) % 8
    images = generator.uniform(0, 0.3, (count, 1, 8, 8)).astype("float32")
    images[np.arange(count), 0, :, labels] += 1.0
    return Digits(images, labels.astype("int64"))


@pytest.mark.slow
def test_the_trainer_learns():
    with bg.override(device="cpu"):
        trainer = Trainer(fake_digits(256), fake_digits(40), seed=0, epochs=3)
        losses = [[loss.item() for loss in trainer.epoch(number)] for number in range(3)]
        assert sum(losses[-1]) < 0.2 * sum(losses[0])
        assert trainer.accuracy() > 0.9


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run():
    runs = []
    for _ in range(2):
        with bg.override(device="cpu"):
            trainer = Trainer(fake_digits(128), fake_digits(40), seed=3, epochs=1)
            runs.append([loss.item() for loss in trainer.epoch(0)])
    assert runs[0] == runs[1]


def test_the_split_is_stratified_and_fixed():
    digits = Digits(np.arange(200).reshape(200, 1, 1, 1), np.arange(200) % 10)
    training, held_out = split(digits)
    assert (len(training), len(held_out)) == (160, round(200 * HELD_OUT))
    assert np.bincount(held_out.labels).tolist() == [4] * 10
    seen = {*training.images.ravel().tolist(), *held_out.images.ravel().tolist()}
    assert seen == set(range(200))
    assert split(digits)[1].images.tolist() == held_out.images.tolist()


def test_the_score_counts():
    with bg.override(device="reference"):
        score = score_of(lambda x: x)
        found = score(Tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]), Tensor([1, 1, 1]))
    assert found.item() == 2
