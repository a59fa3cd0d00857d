"""Random numbers: distributions, seeds, captured steps."""

from __future__ import annotations

import numpy as np
import pytest

import baregrad as bg
from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.tensor import Tensor

COUNT = 4000


# fmt: off
MOMENTS = [  # name, numbers, mean, standard deviation
    ("rand",        lambda: Tensor.rand(COUNT),                       0.5, 12**-0.5),
    ("rand double", lambda: Tensor.rand(COUNT, dtype=dt.float64),     0.5, 12**-0.5),
    ("rand half",   lambda: Tensor.rand(COUNT, dtype=dt.float16),     0.5, 12**-0.5),
    ("randn",       lambda: Tensor.randn(COUNT),                      0.0, 1.0),
    ("normal",      lambda: Tensor.normal(2.0, 3.0, (COUNT,)),        2.0, 3.0),
    ("randint",     lambda: Tensor.randint(-1, 3, (COUNT,)),          0.5, 1.25**0.5),
    ("bernoulli",   lambda: Tensor.full((COUNT,), 0.2).bernoulli(),   0.2, 0.4),
    ("dropout",     lambda: Tensor.ones(COUNT).dropout(0.5),          1.0, 1.0),
    ("multinomial", lambda: Tensor([3.0, 0.0, 1.0]).multinomial(COUNT, True), 0.5, 0.75**0.5),
]
# fmt: on


QUICK = ("randn", "randint", "bernoulli")  # the others compile a kernel each, too
CASES = [row if row[0] in QUICK else pytest.param(*row, marks=pytest.mark.slow) for row in MOMENTS]


@pytest.mark.parametrize("name, draw, mean, deviation", CASES, ids=[row[0] for row in MOMENTS])
def test_moments(name, draw, mean, deviation):
    Tensor.manual_seed(11)
    found = np.array(draw().tolist(), dtype=float)
    assert abs(found.mean() - mean) < 4 * deviation / COUNT**0.5
    assert found.std() == pytest.approx(deviation, rel=0.06)


@pytest.mark.slow  # a kernel of its own
def test_half_is_below_1():
    Tensor.manual_seed(0)
    assert Tensor.rand(COUNT, dtype=dt.bfloat16).max().item() < 1


def test_permutations_and_draws_without_replacement(device):
    Tensor.manual_seed(5)
    assert sorted(Tensor.randperm(9).tolist()) == list(range(9))
    drawn = Tensor([[1.0, 2.0, 0.0, 1.0]]).expand(50, 4).contiguous().multinomial(3).tolist()
    assert {tuple(sorted(row)) for row in drawn} == {(0, 1, 3)}
    assert len({tuple(row) for row in drawn}) > 1


@pytest.mark.slow  # a dozen kernels
def test_replays_draw_what_eager_steps_draw(device):
    def step(x):
        return x + Tensor.randn(3), Tensor.randperm(4), x.softmax().multinomial(2), x.dropout2d(0.5)

    def five(run):
        Tensor.manual_seed(7)
        return [[t.tolist() for t in run(Tensor([[0.0, 1.0, 2.0]]))] for _ in range(5)]

    eager = five(step)
    assert five(bg.jit(step)) == eager
    assert eager[0] != eager[1]


REFUSED = [
    ("randn", lambda: Tensor.randn(2, dtype=dt.int32), DTypeError, "randn of int32"),
    ("randint", lambda: Tensor.randint(3, 3, (2,)), DTypeError, "randint"),
    ("bernoulli", lambda: Tensor([1, 0]).bernoulli(), DTypeError, "bernoulli of int64"),
    ("normal", lambda: Tensor.normal(0.0, -1.0, (2,)), DTypeError, "normal"),
    ("multinomial", lambda: Tensor([1.0, 2.0]).multinomial(3), ShapeError, "multinomial of 3"),
]


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend
