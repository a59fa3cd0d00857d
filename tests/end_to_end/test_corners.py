# ruff: noqa: E501 - one corner is one line
"""Values in corners, on every device: signs, extremes of unsigned and least integers, powers, infinities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor

INF, NAN = math.inf, math.nan
LEAST = -(2**31)

# fmt: off
CORNERS = [  # name, what is computed, expected
    ("least of unsigned",       lambda: Tensor([5, 0, 3], dtype=dt.uint32).argmin(), 1),
    ("least of the least",      lambda: Tensor([0, LEAST, 3], dtype=dt.int32).argmin(), 1),
    ("least of bool",           lambda: Tensor([True, False]).argmin(), 1),
    ("least with NaN",          lambda: Tensor([1.0, NAN, -5.0]).argmin(), 1),
    ("greatest with NaN",       lambda: Tensor([1.0, NAN, INF]).argmax(), 1),
    ("sign",                    lambda: Tensor([INF, -INF, -0.0, 3.0, -1e-45]).sign(), [1.0, -1.0, 0.0, 1.0, -1.0]),
    ("sign of integers",        lambda: Tensor([LEAST, 0, 7], dtype=dt.int32).sign(), [-1, 0, 1]),
    ("sign of unsigned",        lambda: Tensor([5, 0], dtype=dt.uint32).sign(), [1, 0]),
    ("log of sum, infinite",    lambda: Tensor([[-INF, -INF], [INF, 1.0], [1e38, 1.0]]).logsumexp(1), [-INF, INF, 1e38]),
    ("cross entropy, extreme",  lambda: Tensor([[1e4, -1e4, 0.0]]).cross_entropy(Tensor([1])), 2e4),
    ("softmax, extreme",        lambda: Tensor([1e38, -1e38, 1e38]).softmax(), [0.5, 0.0, 0.5]),
    ("softmax, masked",         lambda: Tensor([1.0, -INF, 1.0]).softmax(), [0.5, 0.0, 0.5]),
    ("power of a number",       lambda: 2 ** Tensor([-1.0, 0.0, 3.0]), [0.5, 1.0, 8.0]),
    ("power of a number, int",  lambda: 2.0 ** Tensor([1, 3]), [2.0, 8.0]),
    ("power of 1",              lambda: 1 ** Tensor([INF, NAN]), [1.0, 1.0]),
    ("power of a negative",     lambda: (-2) ** Tensor([2.0, 3.0]), [4.0, -8.0]),
    ("large odd power",         lambda: Tensor([-1.0, 1.0, 0.0]) ** 65, [-1.0, 1.0, 0.0]),
    ("large even power",        lambda: Tensor([-1.0, 1.0, 0.0]) ** 66, [1.0, 1.0, 0.0]),
    ("infinite power",          lambda: Tensor([0.5, 2.0, 1.0]) ** INF, [0.0, INF, 1.0]),
    ("powers of a negative",    lambda: Tensor([-2.0] * 4) ** Tensor([2.0, 3.0, -1.0, 0.0]), [4.0, -8.0, -0.5, 1.0]),
    ("powers of 0",             lambda: Tensor([0.0] * 3) ** Tensor([0.0, 2.0, -1.0]), [1.0, 0.0, INF]),
    ("roots of a negative",     lambda: Tensor([-2.0, -2.0]) ** Tensor([0.5, -1.5]), [NAN, NAN]),
    ("divided by 0",            lambda: Tensor([1.0, -1.0, 0.0]) / 0, [INF, -INF, NAN]),
    ("integers divided by 0",   lambda: Tensor([7, -7]) // Tensor([0, 0]), [0, 0]),
    ("whole by negative",       lambda: Tensor([7, -7]) // -2, [-4, 3]),
    ("remainder by negative",   lambda: Tensor([7, -7]) % -2, [-1, -1]),
    ("0 with a sign",           lambda: 1 / Tensor([0.0, -0.0]), [INF, -INF]),
    ("denormals stay",          lambda: Tensor([1e-45, 1e-39]) * 1.0, [1e-45, 1e-39]),
    ("variance of one",         lambda: Tensor([[1.0, 2.0]]).var(0), [NAN, NAN]),
    ("mean of none",            lambda: Tensor.zeros(0).mean(), NAN),
    ("sum over no axes",        lambda: Tensor([1.0, 2.0]).sum(()), [1.0, 2.0]),
]
# fmt: on


@pytest.mark.parametrize("name, made, expected", CORNERS, ids=[row[0] for row in CORNERS])
def test_corner(device, name, made, expected):
    found = made().tolist()
    assert np.allclose(found, np.array(expected, np.float32), rtol=2e-6, atol=0, equal_nan=True), found
