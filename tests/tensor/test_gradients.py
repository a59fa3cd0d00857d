"""Gradients against finite differences, on the reference device in float64: exact enough for differences."""

from __future__ import annotations

import random

import pytest

from baregrad import dtype as dt
from baregrad.base.config import override
from baregrad.base.errors import GradientError
from baregrad.tensor import Tensor, no_grad

STEP = 1e-5

# fmt: off
CASES = [  # name, function, shapes, range of the values
    ("add",         lambda a, b: a + b,                       ((2, 3), (3,)),      (-2, 2)),
    ("sub",         lambda a, b: a - b,                       ((2, 1), (2, 3)),    (-2, 2)),
    ("mul",         lambda a, b: a * b,                       ((2, 3), ()),        (-2, 2)),
    ("div",         lambda a, b: a / b,                       ((2, 3), (2, 3)),    (0.5, 2)),
    ("reflected",   lambda a: 2 / (1 - a),                    ((4,),),             (-2, 0.5)),
    ("square",      lambda a: a * a,                          ((3,),),             (-2, 2)),
    ("pow",         lambda a: a**3 + a**-2 + a**0.5,          ((3,),),             (0.5, 2)),
    ("pow_tensor",  lambda a, b: a**b,                        ((3,), (3,)),        (0.5, 2)),
    ("sqrt",        lambda a: a.sqrt() + a.rsqrt(),           ((3,),),             (0.5, 2)),
    ("exp_log",     lambda a: a.exp() + a.log() + a.exp2() + a.log2(), ((3,),),    (0.5, 2)),
    ("tanh",        lambda a: a.tanh(),                       ((3,),),             (-2, 2)),
    ("sigmoid",     lambda a: a.sigmoid() + a.silu() + a.gelu(), ((3,),),          (-2, 2)),
    ("relu",        lambda a: a.relu() + a.leaky_relu(),      ((5,),),             (-2, 2)),
    ("abs",         lambda a: a.abs(),                        ((5,),),             (-2, 2)),
    ("maximum",     lambda a, b: a.maximum(b) - a.minimum(b * 0.5), ((5,), (5,)),  (-2, 2)),
    ("clamp",       lambda a: a.clamp(-1, 1),                 ((7,),),             (-2, 2)),
    ("where",       lambda a, b: a.where(a > b, b),           ((2, 3), (3,)),      (-2, 2)),
    ("floor",       lambda a: a * a.floor().detach() + a,     ((4,),),             (-2, 2)),
    ("reshape",     lambda a: a.reshape(3, 2).T * a.flatten()[:3], ((2, 3),),      (-2, 2)),
    ("expand",      lambda a: a.expand(4, 2, 3) * 2,          ((2, 1),),           (-2, 2)),
    ("pad",         lambda a: (a.pad([(1, 0), (0, 2)]) + 1).square(), ((2, 2),),   (-2, 2)),
    ("pad_value",   lambda a: a.pad([(1, 1)], 3.0).square(),  ((3,),),             (-2, 2)),
    ("flip",        lambda a: a.flip(0) * a,                  ((4,),),             (-2, 2)),
    ("index",       lambda a: a[1:, ::2] * a[0, 1] + a[::-1][0, 0], ((3, 4),),     (-2, 2)),
    ("cat",         lambda a, b: Tensor.cat([a, b, a]).square(), ((2,), (3,)),     (-2, 2)),
    ("stack",       lambda a, b: Tensor.stack([a, b]).prod(0), ((3,), (3,)),       (0.5, 2)),
    ("repeat",      lambda a: a.repeat(2, 2).square(),        ((2, 1),),           (-2, 2)),
    ("sum",         lambda a: a.sum(0) * a.sum(),             ((2, 3),),           (-2, 2)),
    ("prod",        lambda a: a.prod(1),                      ((2, 3),),           (0.5, 2)),
    ("max",         lambda a: a.max(1) * a.min(),             ((2, 3),),           (-2, 2)),
    ("mean_var",    lambda a: a.mean(0) + a.var(0) + a.std(),  ((3, 2),),          (-2, 2)),
    ("softmax",     lambda a: a.softmax() * a,                ((2, 3),),           (-2, 2)),
    ("log_softmax", lambda a: a.log_softmax(0).square(),      ((2, 3),),           (-2, 2)),
    ("logsumexp",   lambda a: a.logsumexp(1),                 ((2, 3),),           (-2, 2)),
    ("layer_norm",  lambda a: a.layer_norm() * a,             ((2, 4),),           (-2, 2)),
    ("matmul",      lambda a, b: a @ b,                       ((2, 3), (3, 2)),    (-2, 2)),
    ("batched",     lambda a, b: (a @ b).square(),            ((2, 2, 2), (2, 2)), (-2, 2)),
    ("vector",      lambda a, b: a @ b,                       ((3,), (3,)),        (-2, 2)),
    ("twice",       lambda a: a @ a.T,                        ((2, 3),),           (-2, 2)),
    ("linear",      lambda x, w, b: x.linear(w, b).square(),  ((2, 3), (2, 3), (2,)), (-2, 2)),
    ("conv",        lambda x, w: x.conv2d(w, padding=1).square(), ((1, 2, 3, 3), (2, 2, 2, 2)), (-1, 1)),
    ("conv_stride", lambda x, w: x.conv2d(w, stride=2, dilation=2), ((1, 1, 5, 5), (1, 1, 2, 2)), (-1, 1)),
    ("conv_groups", lambda x, w: x.conv2d(w, groups=2).square(), ((1, 2, 3, 3), (2, 1, 2, 2)), (-1, 1)),
    ("max_pool",    lambda x: x.max_pool2d(2).square(),       ((1, 1, 4, 4),),     (-2, 2)),
    ("max_overlap", lambda x: x.max_pool2d(3, stride=1, padding=1).square(), ((1, 1, 3, 3),), (-2, 2)),
    ("avg_pool",    lambda x: x.avg_pool2d(2, stride=1).square(), ((1, 1, 3, 3),), (-2, 2)),
    ("mse",         lambda a, b: a.mse_loss(b),               ((2, 3), (2, 3)),    (-2, 2)),
    ("nll",         lambda a: a.cross_entropy(Tensor([2, 0])), ((2, 3),),          (-2, 2)),
]
# fmt: on


def numbers(shape, low, high, generator):
    """Values that are not near a place where a gradient jumps, except by bad luck that the seed rules out."""
    count = 1
    for size in shape:
        count *= size
    flat = [generator.uniform(low, high) for _ in range(count)]
    return Tensor(flat, dtype=dt.float64).reshape(shape)


@pytest.mark.parametrize("name, function, shapes, limits", CASES, ids=[row[0] for row in CASES])
def test_against_differences(name, function, shapes, limits):
    with override(device="reference"):
        generator = random.Random(name)
        values = [numbers(shape, *limits, generator).realize() for shape in shapes]
        directions = [numbers(shape, -1, 1, generator).realize() for shape in shapes]
        inputs = [Tensor.of(value.value).requires_grad_() for value in values]
        weight = None
        sums = []
        for sign in (0, 1, -1):
            moved = (
                [v + d * (sign * STEP) for v, d in zip(values, directions, strict=True)] if sign else inputs
            )
            result = function(*moved)
            if weight is None:
                weight = numbers(result.shape, -1, 1, generator).realize()
            sums.append((result * weight).sum())
        sums[0].backward()
        slope = sum((x.grad * d).sum().item() for x, d in zip(inputs, directions, strict=True))
        assert (sums[1].item() - sums[2].item()) / (2 * STEP) == pytest.approx(slope, rel=1e-6, abs=1e-8)
        assert [x.grad.shape for x in inputs] == [tuple(shape) for shape in shapes]


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
