"""Threads that use tensors at the same time: each sees its own values, captures and gradients only."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

import baregrad as bg
from baregrad.base.config import override
from baregrad.engine import SESSION, Session
from baregrad.tensor import Tensor


@pytest.fixture(params=["reference", "cpu"])
def device(request) -> Iterator[str]:
    """Each device that computes; threads name it themselves, since switches are a thread's own."""
    with override(device=request.param):
        yield request.param


@pytest.fixture
def often() -> Iterator[None]:
    """Threads take turns every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(count: int, work: Callable[[int], object], device: str) -> None:
    """Run work(0), work(1), ...; raise the first error of any."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            with override(device=device):
                work(number)
        except BaseException as error:  # it is raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


def test_a_device_is_opened_once(often):
    for _ in range(5):
        session, found = Session(), []
        in_threads(4, lambda _, s=session, f=found: f.append(s.device("cpu")), "cpu")
        assert len(set(map(id, found))) == 1


def test_values_assignments_and_gradients(device, often):
    def work(k):
        for i in range(8):
            x = Tensor([float(k), float(i)])
            y = (x * 2 + 1).realize()
            x.assign(x + y)
            assert (x @ x + y.sum()).item() == (3 * k + 1) ** 2 + (3 * i + 1) ** 2 + 2 * k + 2 * i + 2
            w = Tensor([[1.0, 2.0]], requires_grad=True)
            (w * x * k).sum().backward()
            assert w.grad.tolist() == [[k * (3.0 * k + 1), k * (3.0 * i + 1)]]

    in_threads(3, work, device)


def test_a_capture_in_each_thread(device, often):
    def work(k):
        weight = Tensor([float(k)])

        @bg.jit
        def step(x):
            weight.assign(weight + 1)
            return x * weight

        for i in range(8):
            assert step(Tensor([float(i)])).item() == i * (k + i + 1)

    in_threads(3, work, device)


def test_a_thread_that_computes_while_another_one_captures(device):
    other, mine = Tensor([1.0]), Tensor([1.0])

    def outside(_):
        other.assign(other + 1)
        assert (other * 10).item() == 20.0 * other.item() / 2

    @bg.jit
    def step(x):
        mine.assign(mine * 2)
        in_threads(1, outside, device)  # it may realize, and takes nothing of this capture
        return mine + x

    assert [step(Tensor([1.0])).item() for _ in range(4)] == [3.0, 5.0, 9.0, 17.0]
    assert (mine.item(), other.item()) == (16.0, 3.0)


def test_an_assignment_of_another_thread_is_seen_by_a_replay(device):
    weight = Tensor([1.0])
    step = bg.jit(lambda x: x * weight)
    for _ in range(3):
        step(Tensor([1.0]))
    in_threads(1, lambda _: weight.assign([5.0]), device)
    assert step(Tensor([2.0])).item() == 10.0


def test_random_numbers_are_not_drawn_twice(device, often):
    drawn = []

    def work(_):
        for _ in range(5):
            drawn.append(tuple(Tensor.rand(4).tolist()))

    in_threads(3, work, device)
    assert len(set(drawn)) == 15


def test_an_assignment_inside_a_step_stays_inside_when_a_lazy_tensor_is_read(device):
    weight, lazy = Tensor([1.0]), Tensor([2.0]) * 3

    @bg.jit
    def step(x):
        weight.assign(weight + x)
        return weight * lazy

    assert [step(Tensor([1.0])).item() for _ in range(5)] == [12.0, 18.0, 24.0, 30.0, 36.0]


def test_the_lock_is_free_after_errors(device):
    with pytest.raises(bg.BaregradError):
        (Tensor([1.0], device="cpu") + Tensor([1.0], device="reference")).realize()
    assert SESSION.lock.acquire(blocking=False)
    SESSION.lock.release()
    in_threads(1, lambda _: (Tensor([1.0]) + 1).item(), device)
