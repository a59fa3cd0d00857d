"""Values, handles and realizing: memory is freed, shared and given up when it may be, and never before."""

from __future__ import annotations

import sys

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.engine import SESSION
from baregrad.tensor import Tensor

DEVICES = ["reference", "cpu"]


@pytest.fixture(params=DEVICES)
def device(request):
    """Each device that computes."""
    return request.param


def in_use(device: str) -> int:
    return SESSION.device(device).usage().in_use


def test_memory_goes_with_the_last_tensor(device):
    before = in_use(device)
    x = Tensor([1.0] * 100, device=device)
    y = (x * 2).realize()
    assert in_use(device) >= before + 800
    del x, y
    assert in_use(device) == before


def test_a_lazy_value_keeps_what_it_reads(device):
    x = Tensor([1.0, 2.0], device=device)
    y = x * 2
    del x
    assert y.tolist() == [2.0, 4.0]


def test_assign_is_in_place_when_nobody_reads_the_old_version(device):
    x = Tensor([1.0, 2.0], device=device)
    place = x.value.own.address.value
    x.assign(x + 1).realize()
    assert x.tolist() == [2.0, 3.0]
    assert x.value.own.address.value == place


def test_assign_copies_when_somebody_reads_the_old_version(device):
    x = Tensor([1.0, 2.0], device=device)
    old = x.reshape(2, 1)
    x.assign(x + 1).realize()
    assert (x.tolist(), old.tolist()) == ([2.0, 3.0], [[1.0], [2.0]])


def test_assign_from_another_place_is_right(device):
    x = Tensor([1.0, 2.0, 3.0], device=device)
    x.assign(x.flip(0)).realize()
    assert x.tolist() == [3.0, 2.0, 1.0]


def test_two_tensors_that_exchange_their_values(device):
    a, b = Tensor([1.0], device=device), Tensor([2.0], device=device)
    old = a + 0
    a.assign(b)
    b.assign(old)
    assert (a.tolist(), b.tolist()) == ([2.0], [1.0])


def test_a_chain_of_assigns_runs_once_and_in_order(device):
    x = Tensor([0.0], device=device)
    seen = []
    for i in range(5):
        x.assign(x * 2 + i)
        seen.append(x + 0)
    assert x.tolist() == [26.0]
    assert [s.item() for s in seen] == [0.0, 1.0, 4.0, 11.0, 26.0]


def test_what_is_realized_is_not_computed_again(device):
    x = Tensor([1.0, 2.0], device=device)
    y = x * 3
    z = y + 1  # built before y is in memory
    y.realize()
    number = y.value.own.number
    x.assign(Tensor([0.0, 0.0], device=device)).realize()
    assert z.tolist() == [4.0, 7.0]
    assert y.value.own.number == number


def test_a_view_of_a_buffer_needs_no_kernel(device):
    x = Tensor([[1.0, 2.0]], device=device)
    y = x.reshape(2).realize()
    assert y.value.own is x.value.own


def test_copies_between_devices():
    x = Tensor([1.0, 2.0], device="reference")
    y = (x * 2).to("cpu") + 1
    assert y.device == "cpu"
    assert y.to("reference").tolist() == [3.0, 5.0]


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()], ids=str)
def test_empty_and_scalar(device, shape):
    x = Tensor.ones(*shape, device=device) if shape else Tensor(1.0, device=device)
    assert (x + 1).sum().item() == (2.0 if shape == () else 0.0)
    assert (x + 1).shape == shape


def test_an_assignment_that_cannot_be_compiled_stops_nothing_else(monkeypatch):
    module = sys.modules["baregrad.engine.compile"]
    compile_program = module.compile_program

    def refuse(ast, target):
        if any(node.dtype is dt.float16 for node in ast.toposort()):
            raise CompileError("no float16 here", why="a test", mend="nothing")
        return compile_program(ast, target)

    monkeypatch.setattr(module, "compile_program", refuse)
    x = Tensor([1.0, 2.0], device="cpu", dtype=dt.float16)
    x.assign(x + 1.0625)
    with pytest.raises(CompileError, match="float16") as caught:
        (Tensor([3.0], device="cpu") * 2).item()
    assert "test_realize.py:" in caught.value.where
    assert (Tensor([3.0], device="cpu") * 2).item() == 6.0
    with pytest.raises(CompileError, match="float16"):
        x.tolist()


def test_a_failed_run_keeps_what_waits(monkeypatch):
    x = Tensor([1.0, 2.0], device="cpu")
    x.assign(x + 1)
    with monkeypatch.context() as broken:
        module = sys.modules["baregrad.engine.realize"]  # its name in the package is the function
        broken.setattr(module, "compile_graph", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Tensor([3.0], device="cpu").mul(2).realize()
    assert SESSION.take_pending() == [x.value]
    assert x.tolist() == [2.0, 3.0]
