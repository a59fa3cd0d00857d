"""Captured steps in detail; the ways in which they go wrong elsewhere are listed in test_jit_list.py."""

from __future__ import annotations

import pytest

import baregrad as bg
from baregrad.base.errors import JitError
from baregrad.tensor import Tensor


@pytest.fixture(params=["reference", "cpu"])
def device(request):
    """Each device that computes."""
    with bg.override(device=request.param):
        yield request.param


def calls(step, *arguments, times=4):
    """The results of some calls with the same arguments: eager, captured, replayed, replayed."""
    return [step(*arguments).tolist() for _ in range(times)]


def captured(function, *arguments):
    """A step that has been captured."""
    step = bg.jit(function)
    step(*arguments)
    step(*arguments)
    return step


def ones(*shape):
    """Realized ones."""
    return Tensor.ones(*shape).realize()


# -- arguments -------------------------------------------------------------------------------------------


def test_lazy_arguments(device):
    step = bg.jit(lambda x: x * 2)
    assert [step(Tensor([1.0]) + i).item() for i in range(4)] == [2.0, 4.0, 6.0, 8.0]


def test_two_arguments_of_one_memory(device):
    step = bg.jit(lambda x, y: x * 10 + y)
    for number in range(4):
        x = Tensor([float(number)])
        assert step(x, x.detach()).item() == 11.0 * number


def test_an_argument_that_is_also_found_outside(device):
    weight = Tensor([2.0])
    step = bg.jit(lambda x: x * 10 + weight)
    assert [step(weight).item() for _ in range(3)] == [22.0] * 3
    try:
        result = step(Tensor([1.0])).item()
    except JitError:
        return
    assert result == 12.0


def test_a_lazy_tensor_outside_after_an_assignment_inside(device):
    a, b = Tensor([1.0]), Tensor([2.0])

    def inside(x):
        a.assign(a + x)
        return a * 10 + b

    step = bg.jit(inside)
    step(ones(1))
    b.assign(b + 1)
    lazy = b * 1
    assert [step(ones(1)).item() for _ in range(3)] == [33.0, 43.0, 53.0]
    assert lazy.item() == 3.0


# fmt: off
CHANGED = [  # name, what it is captured with, what it is then called with
    ("shape",         (lambda: ones(2),),      (lambda: ones(3),)),
    ("ndim",          (lambda: ones(2),),      (lambda: ones(2, 1),)),
    ("dtype",         (lambda: ones(2),),      (lambda: Tensor([1, 2]),)),
    ("number",        (lambda: 2,),            (lambda: 3,)),
    ("number kind",   (lambda: 1,),            (lambda: 1.0,)),
    ("bool",          (lambda: True,),         (lambda: False,)),
    ("none",          (lambda: ones(1),),      (lambda: None,)),
    ("word",          (lambda: "a",),          (lambda: "b",)),
    ("more",          (lambda: ones(1),),      (lambda: ones(1), lambda: ones(1))),
    ("list for tuple", (lambda: (ones(1),),),  (lambda: [ones(1)],)),
    ("key",           (lambda: {"a": ones(1)},), (lambda: {"b": ones(1)},)),
]
# fmt: on


@pytest.mark.parametrize("name, first, second", CHANGED, ids=[row[0] for row in CHANGED])
def test_changed_arguments_are_refused(device, name, first, second):
    step = captured(lambda *args: Tensor([1.0]) + 1, *(make() for make in first))
    with pytest.raises(JitError) as caught:
        step(*(make() for make in second))
    assert caught.value.why
    assert caught.value.mend


def test_a_changed_device_is_refused():
    step = captured(lambda x: x + 1, Tensor([1.0], device="cpu"))
    with pytest.raises(JitError):
        step(Tensor([1.0], device="reference"))


def test_reset(device):
    step = captured(lambda x: x.sum(), ones(2))
    step.reset()
    assert [step(ones(3)).item() for _ in range(3)] == [3.0] * 3


# -- what the step finds around it -----------------------------------------------------------------------


class Owner:
    """An object that a step reaches."""

    def __init__(self):
        self.scale, self.weight, self.parts = 2.0, Tensor([3.0]), [1.0, Tensor([1.0])]

    def step(self, x):
        return x * self.weight * self.scale + self.parts[1]


def test_a_replaced_tensor_in_a_list_is_refused(device):
    owner = Owner()
    step = captured(lambda x: owner.step(x), ones(1))
    owner.parts[1] = Tensor([100.0])
    with pytest.raises(JitError, match="parts"):
        step(ones(1))


def test_methods_have_a_capture_for_each_instance(device):
    class Counter:
        def __init__(self, by):
            self.total, self.by = Tensor([0.0]), Tensor([by])

        @bg.jit
        def step(self):
            self.total.assign(self.total + self.by)
            return self.total + 0

    one, two = Counter(1.0), Counter(10.0)
    results = [(one.step().item(), two.step().item()) for _ in range(4)]
    assert results == [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (4.0, 40.0)]
    assert (one.total.item(), two.total.item()) == (4.0, 40.0)


# -- results ---------------------------------------------------------------------------------------------


def test_a_parameter_returned(device):
    weight = Tensor([1.0])

    @bg.jit
    def step():
        weight.assign(weight + 1)
        return weight

    held = [step() for _ in range(5)]
    assert weight.item() == 6.0
    assert held[-1].item() == 6.0


def test_constants_returned(device):
    kept = Tensor([7.0])
    step = bg.jit(lambda x: (Tensor([5.0]), Tensor.zeros(2), kept, x + 1))
    for i in range(4):
        a, b, c, d = step(Tensor([float(i)]))
        assert (a.item(), b.tolist(), c.item(), d.item()) == (5.0, [0.0, 0.0], 7.0, i + 1)


def test_nothing_returned(device):
    total = Tensor([0.0])
    step = bg.jit(lambda x: total.assign(total + x) and None)
    with pytest.raises(JitError):  # the truth of a tensor is a read-back
        [step(Tensor([1.0])) for _ in range(3)]

    def add(x):
        total.assign(total + x)

    step = bg.jit(add)
    before = total.item()
    assert [step(Tensor([2.0])) for _ in range(4)] == [None] * 4
    assert total.item() == before + 8.0


@pytest.mark.parametrize("value", [1, 2.5, "word"], ids=str)
def test_python_values_returned_are_refused(device, value):
    step = bg.jit(lambda x: (x + 1, value))
    step(ones(1))
    with pytest.raises(JitError, match="returns"):
        step(ones(1))


# -- inside the step -------------------------------------------------------------------------------------

READS = [
    lambda x: x.item(),
    lambda x: x.tolist(),
    lambda x: float(x),
    lambda x: bool(x > 0),
    lambda x: x.numpy(),
]


@pytest.mark.parametrize("place", range(len(READS)))
def test_read_backs_are_refused(device, place):
    def inside(x):
        READS[place](x)
        return x + 1

    step = bg.jit(inside)
    step(ones(1))
    with pytest.raises(JitError, match="read back"):
        step(ones(1))
    assert Tensor([1.0]).item() == 1.0, "the capture is over"


def test_copies_to_another_device_are_refused():
    step = bg.jit(lambda x: x.to("reference") + 1)
    x = Tensor([1.0], device="cpu")
    step(x)
    with pytest.raises(JitError, match="copied"):
        step(x)


def test_an_exception_half_way_leaves_everything_usable(device):
    weight, fail = Tensor([1.0]), [False, True, False, False, False]

    def inside(x):
        weight.assign(weight + x)
        if fail.pop(0):
            raise ValueError("half way")
        return weight * 2

    step = bg.jit(inside)
    assert step(ones(1)).item() == 4.0
    with pytest.raises(ValueError, match="half way"):
        step(ones(1))
    assert weight.item() == 3.0
    assert (Tensor([1.0]) + 1).item() == 2.0
    assert step(ones(1)).item() == 8.0


def test_an_old_version_that_is_read_after_the_new_one_was_computed(device):
    weight = Tensor([1.0])

    def inside(x):
        old = weight * 10
        weight.assign(weight + x)
        weight.realize()
        return old + x

    eager = [inside(ones(1)).item() for _ in range(5)]
    weight.assign([1.0])
    step = bg.jit(inside)
    assert [step(ones(1)).item() for _ in range(5)] == eager


def test_several_assigns_of_one_tensor(device):
    weight = Tensor([1.0])

    def inside(x):
        weight.assign(weight + x)
        middle = weight * 100
        weight.assign(weight * 2)
        return middle + weight

    eager = [inside(ones(1)).item() for _ in range(5)]
    weight.assign([1.0])
    step = bg.jit(inside)
    assert [step(ones(1)).item() for _ in range(5)] == eager


def test_nothing_to_launch(device):
    step = bg.jit(lambda x: x)
    assert [step(Tensor([float(i)])).item() for i in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_empty_tensors(device):
    step = bg.jit(lambda x: (x * 2, x.sum()))
    for _ in range(4):
        empty, total = step(Tensor.zeros(0, 3))
        assert (empty.shape, total.item()) == ((0, 3), 0.0)
