"""Operations together, dtypes and promotion, borders of integers. Each operation: test_records.py."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor

A = np.arange(15, dtype=np.float32).reshape(3, 5) * 0.37 - 2
B = np.arange(20, dtype=np.float32).reshape(4, 5) * -0.21 + 1
# fmt: off
COMPOSED = [  # ours, numpy's
    ("view of view", lambda a, b: a.T[1:4].flip(0).reshape(-1), lambda a, b: a.T[1:4][::-1].reshape(-1)),
    ("add views",    lambda a, b: a.T[:, :2] + b[::2].T,        lambda a, b: a.T[:, :2] + b[::2].T),
    ("sum of view",  lambda a, b: a.T[1:4].sum(0),              lambda a, b: a.T[1:4].sum(0)),
    ("sum of sum",   lambda a, b: (a - a.sum(1, True)).sum(0), lambda a, b: (a - a.sum(1)[:, None]).sum(0)),
    ("reflected",    lambda a, b: (2.5 - a) * 3 + 2 / b,        lambda a, b: (2.5 - a[:3]) * 3 + 2 / b[:3]),
    ("cat of ints",  lambda a, b: Tensor.cat([a.int(), b]),     lambda a, b: np.vstack([np.trunc(a), b])),
]
# fmt: on


@pytest.mark.parametrize("name, mine, theirs", COMPOSED, ids=[row[0] for row in COMPOSED])
def test_composed(device, name, mine, theirs):
    a, b = A, B[:3] if name == "reflected" else B
    np.testing.assert_allclose(mine(Tensor(a), Tensor(b)).numpy(), theirs(a, b), rtol=1e-5, atol=1e-5)


SMALL = [name for name in dt.BY_NAME if name != "void"]


@pytest.mark.parametrize("name", SMALL)
def test_every_dtype_keeps_its_values(device, name):
    values = [True, False, True] if name == "bool" else [0, 1, 3]
    x = Tensor(values, dtype=dt.BY_NAME[name])
    assert x.dtype.name == name
    assert [v == w for v, w in zip(x.tolist(), values, strict=True)] == [True] * 3
    assert x.reshape(3, 1).tolist() == [[v] for v in x.tolist()]


@pytest.mark.parametrize("name", SMALL)
def test_arithmetic_in_every_dtype(device, name):
    if name == "bool":
        pytest.skip("bool has no arithmetic")
    x = Tensor([0, 1, 3], dtype=dt.BY_NAME[name])
    assert (x * 2 + 1).tolist() == [1, 3, 7]
    assert (x * 2 + 1).dtype.name == name
    assert (x > 1).tolist() == [False, False, True]
    assert x.sum().item() == 4


WRAPS = [  # dtype, value, what value + 1 is
    ("int32", 2**31 - 1, -(2**31)),
    ("uint32", 2**32 - 1, 0),
    ("int64", 2**63 - 1, -(2**63)),
    ("uint64", 2**64 - 1, 0),
]


@pytest.mark.parametrize("name, value, after", WRAPS, ids=[row[0] for row in WRAPS])
def test_integers_wrap(device, name, value, after):
    assert (Tensor([value, 0], dtype=dt.BY_NAME[name]) + 1).tolist() == [after, 1]


CONVERSIONS = [  # what a float becomes as an int32
    (300.7, 300),
    (-300.7, -300),
    (3e9, 2**31 - 1),
    (-3e9, -(2**31)),
    (float("nan"), 0),
    (float("inf"), 2**31 - 1),
]


def test_float_to_int_saturates(device):
    given = Tensor([row[0] for row in CONVERSIONS])
    assert given.int().tolist() == [row[1] for row in CONVERSIONS]


def test_integer_zero_inside_a_tensor_gives_zero(device):
    x, zero = Tensor([7, -7], dtype=dt.int32), Tensor([0, 0], dtype=dt.int32)
    assert (x // zero).tolist() == [0, 0]
    assert (x % zero).tolist() == [7, -7]


def test_denormals_are_kept(device):
    assert (Tensor([1e-40]) * 2).item() == pytest.approx(2e-40, rel=1e-4)


def test_minus_zero_is_kept(device):
    assert np.signbit((Tensor([-0.0, 0.0]) * 1.0).numpy()).tolist() == [True, False]


PROMOTIONS = [
    ("int32", "float32", "float32"),
    ("bool", "int32", "int32"),
    ("int32", "int64", "int64"),
    ("bool", "float32", "float32"),
    ("int64", "float32", "float32"),
]


@pytest.mark.parametrize("a, b, expected", PROMOTIONS, ids=["-".join(row[:2]) for row in PROMOTIONS])
def test_promotion(device, a, b, expected):
    x, y = Tensor([1, 0], dtype=dt.BY_NAME[a]), Tensor([1, 1], dtype=dt.BY_NAME[b])
    assert (x + y).dtype.name == expected
    assert (x + y).tolist() == [2, 1]
    assert (x + y).tolist() == (y + x).tolist()


def test_python_numbers_are_weak(device):
    assert (Tensor([1], dtype=dt.int32) + 1).dtype is dt.int32
    assert (Tensor([1], dtype=dt.int32) + 1.5).dtype is dt.float32
    assert (Tensor([1.0]) + 1).dtype is dt.float32
