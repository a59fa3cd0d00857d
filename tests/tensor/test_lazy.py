"""Laziness never leaks: a value reads its inputs as they were, whatever is assigned, drawn or freed later."""

from __future__ import annotations

import gc

import pytest

import baregrad as bg
from baregrad import dtype as dt
from baregrad.tensor import Tensor, no_grad


def test_a_value_reads_what_was_there_before_an_assign(device):
    x = Tensor([1.0, 2.0])
    y = x * 10
    x.assign(x + 1)
    z = x * 10
    assert (y.tolist(), z.tolist(), x.tolist()) == ([10.0, 20.0], [20.0, 30.0], [2.0, 3.0])


def test_in_another_order(device):
    x = Tensor([1.0, 2.0])
    y = x * 10
    x.assign(x + 1)
    assert x.tolist() == [2.0, 3.0]
    assert y.tolist() == [10.0, 20.0]


def test_views_are_values(device):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    row, turned, same = x[0], x.T, x.detach()
    x.assign(Tensor.zeros(2, 2))
    assert row.tolist() == [1.0, 2.0]
    assert turned.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert same.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert x.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_view_assigned_to_its_own_tensor(device):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    x.assign(x.T)
    assert x.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    x.assign(x.flip(0))
    assert x.tolist() == [[2.0, 4.0], [1.0, 3.0]]
    x.assign(x + x[0])
    assert x.tolist() == [[4.0, 8.0], [3.0, 7.0]]


def test_a_shift_in_place(device):
    x = Tensor([1.0, 2.0, 3.0, 4.0]).realize()
    x.assign(x[1:].pad([(0, 1)]))
    assert x.tolist() == [2.0, 3.0, 4.0, 0.0]
    x.assign(x[:-1].pad([(1, 0)]))
    assert x.tolist() == [0.0, 2.0, 3.0, 4.0]


def test_a_sum_assigned_to_what_is_summed(device):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    x.assign(x - x.sum(0, keepdim=True))
    assert x.tolist() == [[-3.0, -4.0], [-1.0, -2.0]]
    x.assign(x @ x)
    assert x.tolist() == [[13.0, 20.0], [5.0, 8.0]]


def test_chained_assigns(device):
    x = Tensor([1.0])
    seen = []
    for _ in range(5):
        x.assign(x * 2)
        seen.append(x + 0)
    assert [s.item() for s in reversed(seen)] == [32.0, 16.0, 8.0, 4.0, 2.0]
    assert x.item() == 32.0


def test_a_long_chain_of_assigns(device):
    x = Tensor([0.0])
    for _ in range(40):
        x.assign(x + 1)
    assert x.item() == 40.0


def test_two_tensors_exchanged(device):
    x, y = Tensor([1.0]), Tensor([2.0])
    old = x.detach()
    x.assign(y)
    y.assign(old)
    assert (x.item(), y.item()) == (2.0, 1.0)


def test_assigned_tensors_do_not_share(device):
    x, y = Tensor([1.0]), Tensor([2.0])
    x.assign(y)
    y.assign(y + 5)
    assert (x.item(), y.item()) == (2.0, 7.0)
    x.assign(x + 1)
    assert (x.item(), y.item()) == (3.0, 7.0)


def test_two_tensors_of_one_expression(device):
    x = Tensor([1.0])
    a, b = x + 1, x + 1
    a.assign(a * 10)
    assert (a.item(), b.item()) == (20.0, 2.0)


def test_assign_to_a_lazy_tensor(device):
    x = Tensor.zeros(3)
    x.assign(x + Tensor.ones(3))
    assert x.tolist() == [1.0] * 3
    x.assign([4.0, 5.0, 6.0])
    assert x.tolist() == [4.0, 5.0, 6.0]


def test_constants_are_not_shared(device):
    x, y = Tensor.zeros(2).realize(), Tensor.zeros(2).realize()
    x.assign(x + 1)
    assert (x.tolist(), y.tolist()) == ([1.0, 1.0], [0.0, 0.0])
    assert Tensor.zeros(2).tolist() == [0.0, 0.0]


def test_what_is_read_outlives_its_tensor(device):
    x = Tensor([1.0, 2.0])
    y = (x * 2)[1:]
    del x
    gc.collect(0)
    assert y.tolist() == [4.0]


def test_realize_twice_is_one_value(device):
    x = Tensor([1.0]) + 1
    place = x.realize().value.own.address.value
    assert x.realize().value.own.address.value == place


def test_several_at_once(device):
    x = Tensor([1.0, 2.0])
    a, b = x + 1, x.sum()
    a.realize(b)
    assert (a.tolist(), b.item()) == ([2.0, 3.0], 3.0)


def test_random_numbers_are_drawn_once(device):
    Tensor.manual_seed(1)
    x = Tensor.rand(4)
    y = x + 0
    assert x.tolist() == y.tolist() == x.tolist()
    assert Tensor.rand(4).tolist() != x.tolist()


def test_random_numbers_do_not_depend_on_when_they_are_looked_at(device):
    Tensor.manual_seed(1)
    first, second = Tensor.rand(3), Tensor.rand(3)
    late = (second.tolist(), first.tolist())
    Tensor.manual_seed(1)
    early = (Tensor.rand(3).tolist(), Tensor.rand(3).tolist())
    assert late == early[::-1]


def test_random_numbers_are_the_same_on_every_device():
    drawn = []
    for name in ("reference", "cpu"):
        with bg.override(device=name):
            Tensor.manual_seed(9)
            drawn.append((Tensor.rand(7).tolist(), Tensor.randint(-3, 9, (7,)).tolist()))
    assert drawn[0] == drawn[1]


def test_random_numbers_are_uniform(device):
    Tensor.manual_seed(2)
    values = sorted(Tensor.rand(500).tolist())
    assert all(0 <= v < 1 for v in values)
    gap = max(abs(v - (i + 0.5) / 500) for i, v in enumerate(values))
    assert gap < 1.63 / 500**0.5, "Kolmogorov and Smirnov: one in a hundred seeds would be further off"
    whole = Tensor.randint(-2, 3, (500,)).tolist()
    assert set(whole) == {-2, -1, 0, 1, 2}


def test_copies_between_devices():
    x = Tensor([1.0, 2.0], device="reference")
    y = (x * 2).to("cpu") + Tensor([1.0, 1.0], device="cpu")
    x.assign(x * 100)
    assert (y.device, y.tolist()) == ("cpu", [3.0, 5.0])
    assert y.to("reference").to("cpu").tolist() == [3.0, 5.0]


def test_gradients_through_a_copy():
    x = Tensor([1.0, 2.0], device="reference", requires_grad=True)
    (x.to("cpu") * Tensor([3.0, 4.0], device="cpu")).sum().backward()
    assert (x.grad.device, x.grad.tolist()) == ("reference", [3.0, 4.0])


def test_a_graph_that_is_deep(device):
    x = Tensor([1.0])
    for _ in range(300):
        x = x + 1
    assert x.item() == 301.0


def test_no_grad_ends(device):
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError("inside")
    assert (Tensor([1.0], requires_grad=True) * 2).requires_grad


SHOWN = [  # what is made, its repr
    (lambda: Tensor([1.0, 2.5]), "Tensor([1., 2.5])"),
    (lambda: Tensor([[1, 2], [3, 4]]), "Tensor([[1, 2], [3, 4]])"),
    (lambda: Tensor(3), "Tensor(3)"),
    (lambda: Tensor([True, False]), "Tensor([True, False])"),
    (lambda: Tensor([1], dtype=dt.int32), "Tensor([1], dtype=int32)"),
    (lambda: Tensor([float("nan"), float("-inf"), -0.0]), "Tensor([nan, -inf, -0.])"),
    (lambda: Tensor([1e20, 1e-7]), "Tensor([1e+20, 1e-07])"),
    (lambda: Tensor([1.0], requires_grad=True), "Tensor([1.], requires_grad=True)"),
    (lambda: Tensor.zeros(0, 3), "Tensor([])"),
    (lambda: Tensor.zeros(2, 0), "Tensor([[], []])"),
]


@pytest.mark.parametrize("make, expected", SHOWN, ids=[row[1] for row in SHOWN])
def test_repr(device, make, expected):
    assert repr(make()) == expected


def test_repr_of_many_elements(device):
    expected = f"Tensor(shape=(2000,), dtype=float32, device={device!r})"
    assert repr(Tensor.zeros(2000)) == expected


def test_to_python(device):
    x = Tensor([[1, 2], [3, 4]])
    assert (len(x), [row.tolist() for row in x]) == (2, [[1, 2], [3, 4]])
    assert (float(Tensor(2)), int(Tensor([3.7])), bool(Tensor([0.0]))) == (2.0, 3, False)
    assert Tensor(True).item() is True
    assert x.numpy().tolist() == [[1, 2], [3, 4]]


GIVEN = [  # what Tensor takes, the dtype it gets
    (1, "int64"),
    (1.0, "float32"),
    (True, "bool"),
    ([1, 2.0], "float32"),
    ([True, 2], "int64"),
    ([], "float32"),
    (((1, 2), (3, 4)), "int64"),
    ([[], []], "float32"),
]


@pytest.mark.parametrize("given, expected", GIVEN, ids=[str(row[0]) for row in GIVEN])
def test_dtype_of_numbers(device, given, expected):
    assert Tensor(given).dtype.name == expected


def test_dtype_that_is_given(device):
    assert Tensor([1.9, -1.9], dtype=dt.int32).tolist() == [1, -1]
    assert Tensor([300], dtype=dt.uint8).tolist() == [44]
