"""Every operation on every device against numpy in float64; dtypes and shapes as torch's rule says."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.tensor import Tensor
from tests.tensor.table_ops import ALL, wide

EPS = 2.0**-24


def test_no_name_twice():
    names = [row.name for row in ALL]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("row", ALL, ids=[row.name for row in ALL])
def test_value(device, row):
    ours = row.ours(*(Tensor(array) for array in row.arrays))
    with np.errstate(all="ignore"):
        theirs = np.asarray(row.theirs(*(wide(array) for array in row.arrays)))
    assert ours.shape == theirs.shape
    found = ours.numpy()
    if not ours.dtype.is_float:
        assert found.tolist() == theirs.tolist()
        return
    assert theirs.dtype.kind == "f", f"{ours.dtype} for {theirs.dtype}"
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    np.testing.assert_allclose(
        found, theirs, rtol=32 * row.scale * EPS, atol=8 * row.scale * EPS * scale, equal_nan=True
    )


SMALL = [name for name in dt.BY_NAME if name != "void"]
ON_CPU = {"bool", "int32", "int64", "uint32", "uint64", "float32"}


@pytest.mark.parametrize("name", SMALL)
def test_every_dtype_keeps_its_values(device, name):
    values = [True, False, True] if name == "bool" else [0, 1, 3]
    x = Tensor(values, dtype=dt.BY_NAME[name])
    assert x.dtype.name == name
    assert [v == w for v, w in zip(x.tolist(), values, strict=True)] == [True] * 3
    assert x.reshape(3, 1).tolist() == [[v] for v in x.tolist()]


@pytest.mark.parametrize("name", SMALL)
def test_arithmetic_in_every_dtype(device, name):
    if device == "cpu" and name not in ON_CPU:
        pytest.skip("the CPU has no such arithmetic yet")
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


CONV = [  # image, filters, stride, padding, dilation, groups
    ((1, 1, 4, 4), (1, 1, 3, 3), 1, 0, 1, 1),
    ((2, 2, 5, 4), (3, 2, 3, 2), 1, 1, 1, 1),
    ((1, 2, 6, 6), (2, 2, 3, 3), 2, 1, 1, 1),
    ((1, 1, 7, 7), (1, 1, 2, 2), (2, 3), (1, 0), 2, 1),
    ((1, 4, 3, 3), (4, 2, 2, 2), 1, 0, 1, 2),
    ((1, 2, 3, 3), (2, 1, 1, 1), 1, 0, 1, 2),
]


def convolve(x, w, stride, padding, dilation, groups):
    """Cross-correlation, one product at a time."""
    (sh, sw), (ph, pw), (dh, dw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    n, (out, inner, kh, kw) = x.shape[0], w.shape
    height = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    width = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((n, out, height, width))
    for o in range(out):
        first = o // (out // groups) * inner
        for c, i, j in np.ndindex(inner, kh, kw):
            part = x[:, first + c, i * dh :, j * dw :][:, : height * sh : sh, : width * sw : sw]
            y[:, o] += part[:, :height, :width] * w[o, c, i, j]
    return y


@pytest.mark.parametrize("image, filters, stride, padding, dilation, groups", CONV)
def test_conv2d(device, image, filters, stride, padding, dilation, groups):
    generator = np.random.default_rng(3)
    x, w = (generator.normal(size=shape).astype("float32") for shape in (image, filters))
    b = generator.normal(size=filters[0]).astype("float32")
    facts = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    ours = Tensor(x).conv2d(Tensor(w), Tensor(b), **facts).numpy()
    theirs = convolve(x.astype("float64"), w, stride, padding, dilation, groups) + b[:, None, None]
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


def test_pooling(device):
    x = np.random.default_rng(5).normal(size=(2, 1, 4, 6)).astype("float32")
    blocks = x.reshape(2, 1, 2, 2, 3, 2)
    assert Tensor(x).max_pool2d(2).tolist() == blocks.max((3, 5)).tolist()
    np.testing.assert_allclose(Tensor(x).avg_pool2d(2).numpy(), blocks.mean((3, 5)), rtol=1e-5, atol=1e-6)
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::2, ::2]
    assert Tensor(x).max_pool2d(3, stride=2, padding=1).tolist() == windows.max((4, 5)).tolist()


def test_losses(device):
    scores = np.random.default_rng(6).normal(size=(4, 3)).astype("float32")
    target = np.array([0, 2, 1, 1])
    powers = np.exp(scores.astype("float64"))
    expected = -np.log(powers / powers.sum(1, keepdims=True))[np.arange(4), target].mean()
    assert Tensor(scores).cross_entropy(Tensor(target)).item() == pytest.approx(expected, rel=1e-6)
    assert Tensor(scores).mse_loss(Tensor(scores + 2)).item() == pytest.approx(4.0, rel=1e-6)
