"""Random programs over two variables: captured once on the CPU and replayed for values around whole vectors,
against the interpreter, which knows nothing of kernels.
"""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad.base.errors import ShapeError
from baregrad.render.targets import AVX2

N, M = bg.Variable("n", 1, 70), bg.Variable("m", 1, 9)
VALUES = ((5, 2), (6, 3), (1, 1), (16, 9), (17, 8), (65, 4), (70, 9), (64, 5))
FEATURES = ("", ",".join(sorted(AVX2.features)))

# fmt: off
STEPS = (  # a and b are values so far, r a random number, m a size
    lambda a, b, r, m: a + 1.5,
    lambda a, b, r, m: a * b if a.shape == b.shape else a * a,
    lambda a, b, r, m: a.transpose(0, -1),
    lambda a, b, r, m: a.sum(r % a.ndim, keepdim=a.ndim == 1),
    lambda a, b, r, m: a.max(r % a.ndim, keepdim=a.ndim == 1),
    lambda a, b, r, m: a.mean(0, keepdim=True),
    lambda a, b, r, m: a.softmax(-1),
    lambda a, b, r, m: a @ b.T if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[1] else a.abs(),
    lambda a, b, r, m: a @ b if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0] else a - 3,
    lambda a, b, r, m: a.pad([(r % 3, r % 2)] + [(0, 1)] * (a.ndim - 1)),
    lambda a, b, r, m: a.flip(r % a.ndim),
    lambda a, b, r, m: a.reshape(-1),
    lambda a, b, r, m: Tensor.cat([a, a * 2], r % a.ndim),
    lambda a, b, r, m: a.unsqueeze(0).expand(3, *a.shape).sum(0),
    lambda a, b, r, m: a.exp().contiguous() * 0.1,
    lambda a, b, r, m: a[:: 1 + r % 3],
    lambda a, b, r, m: a[-1:],
    lambda a, b, r, m: a.where(Tensor.arange(a.shape[-1]) < m, -1.0),
    lambda a, b, r, m: a * Tensor.arange(a.shape[-1]),
    lambda a, b, r, m: a.unsqueeze(-1).expand(*a.shape, m).sum(-1),
)
# fmt: on


def choices(seed):
    """What a program does: a step, which two values so far, and a number, some times."""
    rng = Random(seed)
    return [
        (rng.choice(STEPS), rng.random(), rng.random(), rng.randrange(1000))
        for _ in range(rng.randrange(3, 9))
    ]


def program(chosen, x, y, n, m):
    """Random steps over parts of x (70, 9) and y (9, 70); what bounds can't decide is left out."""
    pool = [x[:n], y[:, :n], x[:n] * 2, y[:m, :n], x[:n, :m]]
    for step, first, second, r in chosen:
        try:
            made = step(pool[int(first * len(pool))], pool[int(second * len(pool))], r, m)
        except ShapeError:
            continue
        if 0 < made.ndim < 3:
            pool.append(made)
    return pool[5:]


def check(seed):
    rng, chosen = np.random.default_rng(seed), choices(seed)
    x, y = (rng.standard_normal(shape).astype("float32") / 2 for shape in ((70, 9), (9, 70)))
    with bg.override(device="cpu", features=FEATURES[seed % 2], threads=1 + seed // 2 % 2):
        step = bg.jit(lambda x, y, n, m: program(chosen, x, y, n, m))
        tensors = Tensor(x), Tensor(y)
        found = [[t.numpy() for t in step(*tensors, N.bind(n), M.bind(m))] for n, m in VALUES]
    with bg.override(device="reference"):
        tensors = Tensor(x), Tensor(y)
        for (n, m), got in zip(VALUES, found, strict=True):
            expected = [t.numpy() for t in program(chosen, *tensors, N.bind(n), M.bind(m))]
            assert len(got) == len(expected)
            for place, (a, b) in enumerate(zip(got, expected, strict=True)):
                assert a.shape == b.shape, (seed, n, m, place)
                assert np.allclose(a, b, rtol=1e-3, atol=1e-3, equal_nan=True), (seed, n, m, place)


def test_a_program():
    check(1)


@pytest.mark.fuzz
@pytest.mark.parametrize("first", range(0, 120, 10))
def test_more_programs(first):
    for seed in range(first, first + 10):
        check(seed)
