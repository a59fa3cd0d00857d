"""Gradients of every public operation against differences of its values, second ones against those of first.

In float64 on the reference device, along one random direction of all inputs at once, for the smooth samples
of the records. A record whose `gradient` or `second` says why there is none must keep that, too.
"""

from __future__ import annotations

import random
from typing import NamedTuple
from zlib import crc32

import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor
from baregrad.tensor.records import Record, Sample
from tests.tensor.from_records import ALL, cases, given, inputs, ours, tensor

STEP = 1e-5
by_name = {"ids": lambda record: record.name}


class Slope(NamedTuple):
    """Sums at two sides, and the gradients that should say how they differ along the directions."""

    what: str
    sides: list[Tensor]
    grads: list[Tensor]
    directions: list[list[float]]
    h: float

    def check(self) -> None:
        """The central difference is the gradients times the directions."""
        found = sum(
            g * d
            for grad, line in zip(self.grads, self.directions, strict=True)
            for g, d in zip(grad.reshape(-1).tolist(), line, strict=True)
        )
        above, below = (t.item() for t in self.sides)
        wanted = (above - below) / (2 * self.h)
        scale = abs(above) + abs(below)
        assert found == pytest.approx(wanted, rel=3e-6, abs=1e-8 + 1e-10 * scale), self.what


class Moved:
    """Makes inputs that lie `by` times a direction beside a sample's; directions are drawn once."""

    def __init__(self, seed: str) -> None:
        self.seed, self.directions = seed, []

    def __call__(self, by: float):
        draw = random.Random(crc32(self.seed.encode()))
        self.directions = []

        def put(array, data, dtype):
            if dtype.is_float:
                fixed = bool(array.data) or array.whole  # targets that say which, counts
                line = [0.0 if fixed else draw.uniform(-1, 1) for _ in data]
                self.directions.append(line)
                data = [v + by * d for v, d in zip(data, line, strict=True)]
            return tensor("reference")(array, data, dtype)

        return put


def weighed(results: list[Tensor], seed: str) -> Tensor:
    """The sum of all results, each element times a fixed random number."""
    draw = random.Random(crc32(f"{seed} weights".encode()))
    total = None
    for part in results:
        if part.dtype.is_float:
            count = part.numel()
            numbers = [draw.uniform(-1, 1) for _ in range(count)]
            weight = tensor_of(numbers).reshape(part.shape)
            one = (part * weight).sum()
            total = one if total is None else total + one
    return total


def tensor_of(data: list[float]) -> Tensor:
    """A vector on the reference device."""
    return Tensor(data, dtype=dt.float64, device="reference")


def derivative(y: Tensor, xs: list[Tensor], again: bool) -> list[Tensor]:
    """The gradient of a scalar, on a tape itself if it is differentiated again."""
    found = y.gradient(*xs, create_graph=again, allow_unused=True)
    return [x * 0 if grad is None else grad for x, grad in zip(xs, found, strict=True)]


def first(record: Record, what: str, sample: Sample) -> Slope:
    """The gradient that backward() gives."""
    moved = Moved(what)
    call = given(record, sample, dt.float64, moved(0.0))
    xs = [x.requires_grad_() for x in inputs(call)]
    weighed(ours(record, call), what).backward()
    grads = [x.grad if x.grad is not None else x.detach() * 0 for x in xs]
    sides = [weighed(ours(record, given(record, sample, dt.float64, moved(h))), what) for h in (STEP, -STEP)]
    return Slope(what, sides, grads, moved.directions, STEP)


def second(record: Record, what: str, sample: Sample) -> Slope:
    """The gradient of the slope along a direction."""
    moved = Moved(what)

    def slope(by: float) -> tuple[Tensor, list[Tensor]]:
        xs = inputs(call := given(record, sample, dt.float64, moved(by)))
        for x in xs:
            x.requires_grad_()
        lines = [tensor_of(d).reshape(x.shape) for d, x in zip(moved.directions, xs, strict=True)]
        grads = derivative(weighed(ours(record, call), what), xs, again=True)
        parts = [(g * d).sum() for g, d in zip(grads, lines, strict=True)]
        return sum(parts[1:], start=parts[0]), xs

    middle, xs = slope(0.0)
    grads = derivative(middle, xs, again=False)
    return Slope(what, [slope(h)[0] for h in (STEP, -STEP)], grads, moved.directions, STEP)


def check(record: Record, samples: list[tuple[str, Sample]], make) -> None:
    """All samples in one realize."""
    slopes = [make(record, what, sample) for what, sample in samples]
    flat = [t for slope in slopes for t in (*slope.sides, *slope.grads)]
    if flat:
        flat[0].realize(*flat[1:])
    for slope in slopes:
        slope.check()


def smooth(record: Record) -> list[tuple[str, Sample]]:
    """The samples that have a gradient."""
    return [(what, sample) for what, sample in cases(record, dt.float64) if sample.smooth]


WITH = [record for record in ALL if not record.gradient and not record.same]
TWICE = [record for record in WITH if not record.second]


@pytest.mark.parametrize("record", WITH, **by_name)
def test_gradient(record):
    check(record, smooth(record)[:1], first)


@pytest.mark.parametrize("record", TWICE, **by_name)
def test_second_derivative(record):
    check(record, smooth(record)[-1:], second)


@pytest.mark.slow
@pytest.mark.parametrize("record", WITH, **by_name)
def test_all_gradients(record):
    check(record, smooth(record)[1:], first)


@pytest.mark.slow
@pytest.mark.parametrize("record", TWICE, **by_name)
def test_all_second_derivatives(record):
    check(record, smooth(record)[:-1], second)


def test_there_are_samples_with_a_gradient():
    assert [record.name for record in WITH if not smooth(record)] == []


WITHOUT = [r for r in ALL if r.gradient and r.takes(dt.float64) and not r.random]


def test_what_has_no_gradient_gives_none():
    for record in WITHOUT:
        what, sample = next(cases(record, dt.float64))
        call = given(record, sample, dt.float64, tensor("reference"))
        xs = [x.requires_grad_() for x in inputs(call)]
        for part in ours(record, call):
            if part.requires_grad:
                part.sum().backward(retain_graph=True)
        assert all(x.grad is None or not any(x.grad.reshape(-1).tolist()) for x in xs), what
