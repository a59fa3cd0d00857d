"""The tape: what is summed, cut off, kept and refused. Each operation: test_records_gradients.py."""

from __future__ import annotations

import pytest

from baregrad.base.errors import GradientError
from baregrad.tensor import Tensor, no_grad


def test_gradients_are_summed(device):
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_a_value_used_twice(device):
    x = Tensor([2.0], requires_grad=True)
    y = x * x
    (y * y + y).sum().backward()
    assert x.grad.tolist() == [4 * 8.0 + 4.0]


def test_realize_in_between_changes_nothing(device):
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).realize()
    z = (y.exp() * x).realize()
    z.sum().realize().backward()
    w = Tensor([1.0, 2.0], requires_grad=True)
    ((w * w).exp() * w).sum().backward()
    assert x.grad.tolist() == pytest.approx(w.grad.tolist(), rel=1e-6)


def test_detach_stops(device):
    x = Tensor([3.0], requires_grad=True)
    (x * x.detach()).sum().backward()
    assert x.grad.tolist() == [3.0]
    assert not x.detach().requires_grad


def test_detach_stops_in_memory_too(device):
    x = Tensor([3.0], requires_grad=True)
    (x * x.detach().realize()).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_no_grad_stops(device):
    x = Tensor([3.0], requires_grad=True)
    with no_grad():
        y = x * x
    assert not y.requires_grad
    (x * y).sum().backward()
    assert x.grad.tolist() == [9.0]


def test_backward_with_a_gradient(device):
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x * x).backward(Tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


def test_retain_graph(device):
    x = Tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]


def test_a_leaf_that_is_not_reached_has_no_gradient(device):
    x, y = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    (x * 2).sum().backward()
    assert y.grad is None


def test_assign_after_use_does_not_change_the_gradient(device):
    x = Tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    with no_grad():
        x.assign(Tensor([100.0]))
    y.backward()
    assert x.grad.tolist() == [4.0]
    assert y.item() == 4.0


def test_the_loss_is_as_it_was_before_the_step(device):
    x = Tensor([2.0], requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    with no_grad():
        x.assign(x.detach() - x.grad)
    x.realize()
    assert loss.item() == 4.0
    assert x.tolist() == [-2.0]


REFUSED = [  # name, what is done, words of the message
    ("no tape", lambda x: Tensor([1.0]).sum().backward(), "without a tape"),
    ("used up", lambda x: [y := (x * x).sum(), y.backward(), y.backward()], "without a tape"),
    ("not a scalar", lambda x: (x * x).backward(), "without a gradient"),
    ("assign to computed", lambda x: (x * x).assign(Tensor([1.0, 2.0])), "computed with gradients"),
]


@pytest.mark.parametrize("name, act, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(device, name, act, words):
    with pytest.raises(GradientError, match=words) as caught:
        act(Tensor([1.0, 2.0], requires_grad=True))
    assert caught.value.why
    assert caught.value.mend


def test_a_leaf_that_gets_its_memory_after_its_use(device):
    x = Tensor.rand(3).requires_grad_()
    y = (x * x).sum()
    x.realize()
    y.backward()
    assert x.grad.tolist() == pytest.approx([2 * v for v in x.tolist()])


def test_an_assigned_leaf_that_gets_its_memory_after_its_use(device):
    x = Tensor([1.0, 2.0], requires_grad=True)
    with no_grad():
        x.assign(x + 1)
    y = (x * x).sum()
    x.realize()
    (y + x.sum()).backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_a_tracked_value_is_not_assigned_silently(device):
    x, total = Tensor([1.0], requires_grad=True), Tensor([0.0])
    with pytest.raises(GradientError, match="assign"):
        total.assign(total + x)
    with no_grad():
        total.assign(total + x)
    assert not total.requires_grad
    assert total.tolist() == [1.0]


def test_two_leaves_of_one_memory(device):
    x = Tensor([1.0]).realize()
    y = x.detach()
    x.requires_grad_()
    y.requires_grad_()
    (x * 2 + y * 3).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([2.0], [3.0])


def test_a_view_made_under_no_grad_is_cut_off(device):
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with no_grad():
        y = x.reshape(2).realize()
    (x.reshape(2) * y).sum().backward()
    assert x.grad.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("seed", range(3))
def test_the_greatest_of_sums_is_found_again(device, seed):
    Tensor.manual_seed(seed)
    x, w = (Tensor.rand(6, 5) - 0.5).realize().requires_grad_(), Tensor.rand(5, 9).realize()
    y = x @ w
    y.max(1).sum().backward()
    places, columns = y.argmax(1).tolist(), w.tolist()
    expected = [[row[place] for row in columns] for place in places]
    assert x.grad.tolist() == [pytest.approx(row, rel=1e-5) for row in expected]


def test_the_greatest_of_convolutions_is_found_again(device):
    Tensor.manual_seed(5)
    x, f = Tensor.rand(2, 3, 4, 3).realize().requires_grad_(), (Tensor.rand(8, 3, 1, 1) - 0.5).realize()
    x.conv2d(f, stride=2).relu().max(1).sum().backward()
    found = x.grad.permute(0, 2, 3, 1)[:, ::2, ::2].reshape(-1, 3).tolist()
    assert all(any(value != 0 for value in row) for row in found)
