"""Symbolic sizes from Tensor to machine code: values against numpy for all values of a variable, one program
for all of them, steps captured once, caches of keys and values, gradients, and what is refused.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad.base.config import override
from baregrad.base.errors import BaregradError, IndexingError, JitError, ShapeError
from baregrad.base.events import listen
from baregrad.formats import load_safetensors, save_safetensors

N = bg.Variable("n", 1, 40)
START = bg.Variable("start", 0, 31)
BOUNDARIES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 39, 40)  # of vectors of 8 and 16 lanes, and tails
RNG = np.random.default_rng(0)
DATA = RNG.standard_normal((40, 6)).astype("float32")


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sums(x, n):
    """The first n rows elementwise and reduced."""
    y = x[:n]
    return {
        "elementwise": y * 2 + 1,
        "sum of rows": y.sum(0),
        "sum of columns": y.sum(1),
        "whole sum": y.sum(),
        "mean": y.mean(0),
        "variance": y.var(0, correction=0),
        "max": y.max(0),
        "place of the max": y.argmax(0),
    }


def products(x, n):
    """Products over the first n rows."""
    y = x[:n]
    weights = (y @ y.T).softmax(-1)
    return {
        "softmax": weights,
        "product over n": weights @ y,
        "product to n": x @ y.T,
        "causal": y.scaled_dot_product_attention(y, y, is_causal=True),
    }


def views(x, n):
    """Movement of the first n rows."""
    y = x[:n]
    return {
        "arange": Tensor.arange(n) * 2,
        "arange from n": Tensor.arange(n, n + 3),
        "zeros": Tensor.zeros(n, 2) + 1,
        "row": y[n // 2],
        "last row": y[-1],
        "one row": x[n - 1 : n],
        "from n": x[n - 1 :],
        "every second": y[::2],
        "flip": y.flip(0),
        "pad": y.pad([(1, 2), (0, 0)]),
        "cat": Tensor.cat([y, x, y]),
        "transposed and flat": y.T.reshape(n * 6),
        "flat": y.reshape(-1),
        "split axes": y.reshape(n, 2, 3).permute(1, 0, 2).reshape(2, n * 3),
        "expand": x[0].expand(n, 6),
        "mask": Tensor.arange(40) < n,
        "number": x[0] * n,
        "dtype": y.cast(bg.dtypes.float16).cast(bg.dtypes.float32),
    }


def many_of_numpy(x, v):
    y = x[:v]
    weights = softmax(y @ y.T)
    causal = np.where(np.tri(v, dtype=bool), y @ y.T / np.sqrt(np.float32(6)), -np.inf)
    return {
        "elementwise": y * 2 + 1,
        "sum of rows": y.sum(0),
        "sum of columns": y.sum(1),
        "whole sum": y.sum(),
        "mean": y.mean(0),
        "variance": y.var(0),
        "max": y.max(0),
        "place of the max": y.argmax(0),
        "softmax": weights,
        "product over n": weights @ y,
        "product to n": x @ y.T,
        "arange": np.arange(v) * 2,
        "arange from n": np.arange(v, v + 3),
        "zeros": np.ones((v, 2)),
        "row": y[v // 2],
        "last row": y[-1],
        "one row": x[v - 1 : v],
        "from n": x[v - 1 :],
        "every second": y[::2],
        "flip": y[::-1],
        "pad": np.pad(y, [(1, 2), (0, 0)]),
        "cat": np.concatenate([y, x, y]),
        "transposed and flat": y.T.reshape(-1),
        "flat": y.reshape(-1),
        "split axes": y.reshape(v, 2, 3).transpose(1, 0, 2).reshape(2, -1),
        "expand": np.broadcast_to(x[0], (v, 6)),
        "mask": np.arange(40) < v,
        "number": x[0] * v,
        "causal": softmax(causal) @ y,
        "dtype": y.astype("float16").astype("float32"),
    }


def check_many(found, value):
    every = many_of_numpy(DATA, value)
    assert every.keys() >= found.keys()
    for name, result in found.items():
        got, expected = result.numpy(), every[name]
        assert got.shape == expected.shape, (name, value)
        assert np.allclose(got, expected, atol=2e-4), (name, value)


@pytest.mark.parametrize("function", [sums, products, views])
def test_a_captured_step_for_all_values(function):
    step, x = bg.jit(function), Tensor(DATA)
    with override(device="cpu"):
        for value in (5, 6, *range(1, 41)):
            check_many(step(x, N.bind(value)), value)


@pytest.mark.parametrize("function", [sums, products, views])
def test_the_reference_device(function):
    with override(device="reference"):
        x, step = Tensor(DATA), bg.jit(function)
        for value in (1, 17, 40, 9):
            check_many(step(x, N.bind(value)), value)


@pytest.mark.slow
@pytest.mark.parametrize("function", [sums, products, views])
def test_c_text(function):
    try:
        Tensor([1.0], device="c")
    except BaregradError:
        pytest.skip("no C compiler")
    with override(device="c"):
        x, step = Tensor(DATA), bg.jit(function)
        for value in (5, 6, *BOUNDARIES):
            check_many(step(x, N.bind(value)), value)


def test_one_program_for_all_values():
    x, made = Tensor(DATA), []
    with listen(lambda event: made.append(event.facts["name"]), "compiled", "cached"):
        for value in BOUNDARIES:
            y = x[: N.bind(value)] * 3.25
            total = y.sum(0)
            assert np.allclose(total.numpy(), DATA[:value].sum(0) * 3.25, atol=1e-4)
            assert y.numpy().shape == (value, 6)
    assert len(made) == len(set(made)) <= 2


def test_shapes_show_the_variable():
    x, n = Tensor(DATA), N.bind(10)
    y = x[:n]
    assert y.shape == (n, 6)
    assert y.numel() == 6 * n
    assert repr(y.shape) == "(n=10, 6)"
    assert len(y.tolist()) == 10


# -- caches ----------------------------------------------------------------------------------------------


def attention_step(weights, keys, values):
    """One token of attention with a cache: its row is put at `start`, all rows so far are looked at."""

    def step(x, start):
        q, k, v = ((x @ w).reshape(1, 2, 8).transpose(0, 1) for w in weights)
        keys[:, start : start + 1] = k
        values[:, start] = v.reshape(2, 8)
        seen = start + 1
        return q.scaled_dot_product_attention(keys[:, :seen], values[:, :seen]).transpose(0, 1).reshape(1, 16)

    return step


def attention_of_numpy(xs, weights):
    q, k, v = ((xs @ w).reshape(-1, 2, 8).transpose(1, 0, 2) for w in weights)
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(8)
    scores = np.where(np.tri(len(xs), dtype=bool), scores, -np.inf)
    return (softmax(scores) @ v).transpose(1, 0, 2).reshape(-1, 16)


@pytest.mark.parametrize("captured", [False, True])
def test_a_cache_of_keys_and_values(captured):
    weights = RNG.standard_normal((3, 16, 16)).astype("float32") * 0.3
    xs = RNG.standard_normal((32, 16)).astype("float32")
    keys, values = Tensor.zeros(2, 32, 8).realize(), Tensor.zeros(2, 32, 8).realize()
    step = attention_step([Tensor(w) for w in weights], keys, values)
    step = bg.jit(step) if captured else step
    for _ in range(2 if captured else 1):  # the second round writes over the first
        expected = attention_of_numpy(xs, weights)
        for start in range(32 if captured else 2):
            got = step(Tensor(xs[start : start + 1]), START.bind(start))
            assert np.allclose(got.numpy()[0], expected[start], atol=1e-4), start
        xs = xs[::-1]


def test_a_part_that_is_assigned_to_is_put_into_the_whole():
    x = np.zeros((2, 5, 3), "float32")
    cache = Tensor(x)
    before = cache * 1
    for start in (0, 3, 4):
        k = RNG.standard_normal((2, 1, 3)).astype("float32")
        s = bg.Variable("s", 0, 4).bind(start)
        cache[:, s : s + 1].assign(Tensor(k))
        x[:, start : start + 1] = k
        assert np.array_equal(cache.numpy(), x)
    assert not before.numpy().any()  # computed before, though looked at later


INDICES = [
    -1,
    slice(1, 3),
    slice(None, None, -1),
    slice(5, 1, -2),
    (..., 2),
    (None, slice(0, 2)),
    slice(2, 2),
    (),
]
INDICES += [(slice(None, None, -3), slice(None, None, 5))]


def test_parts_put_into_a_tensor():
    for index in INDICES:
        x = RNG.standard_normal((7, 6)).astype("float32")
        tensor, part = Tensor(x), RNG.standard_normal(x[index].shape).astype("float32")
        old = tensor + 0
        tensor[index] = Tensor(part)
        expected = x.copy()
        expected[index] = part
        assert np.array_equal(tensor.numpy(), expected), index
        tensor[index] = 3
        expected[index] = 3
        assert np.array_equal(tensor.numpy(), expected), index
        assert np.array_equal(old.numpy(), x), index
    with pytest.raises(ShapeError, match="assign"):
        Tensor(DATA)[0] = Tensor([1.0, 2.0])


# -- gradients -------------------------------------------------------------------------------------------


def test_gradients_through_symbolic_parts():
    @bg.jit
    def step(x, n):
        x.grad = None
        y = x[:n]
        product = y @ y.T
        loss = (product * product).sum() + (y * Tensor.arange(n).reshape(n, 1)).mean()
        loss.backward()
        return x.grad

    x = Tensor(DATA, requires_grad=True)
    for value in (4, 5, 16, 17):
        y = DATA[:value]
        expected = np.zeros_like(DATA)
        expected[:value] = 4 * y @ y.T @ y + np.arange(value)[:, None] / (6 * value)
        assert np.allclose(step(x, N.bind(value)).numpy(), expected, rtol=1e-4, atol=1e-4), value


# -- refused ---------------------------------------------------------------------------------------------


def mixed():
    x = Tensor(DATA)
    return (x[: N.bind(3)].sum() + x[: N.bind(4)].sum()).item()


REFUSED = [
    (lambda x, n: x[:N], ShapeError, "has no value"),
    (lambda x, n: x[N], ShapeError, "has no value"),
    (lambda x, n: Tensor.zeros(N), ShapeError, "has no value"),
    (lambda x, n: mixed(), ShapeError, "n is 3 and 4"),
    (lambda x, n: x[:n] + x[: N.bind(4)], ShapeError, "is not n=4"),
    (lambda x, n: x[:n] + x[:10], ShapeError, "is not 10"),
    (lambda x, n: x[:n][:5], ShapeError, "depends on values"),
    (lambda x, n: x[: bg.Variable("m", 1, 99).bind(4)], ShapeError, "depends on values"),
    (lambda x, n: x[:n][5], ShapeError, "depends on values"),
    (lambda x, n: x[n], ShapeError, "depends on values"),
    (lambda x, n: x[n + 40], IndexingError, "index"),
    (lambda x, n: x[:n].reshape(60), ShapeError, "cannot reshape"),
    (lambda x, n: x[:n].split(3), ShapeError, "Python number"),
    (lambda x, n: list(x[:n]), ShapeError, "Python number"),
    (lambda x, n: x[1::n], IndexingError, "a step is a number"),
    (lambda x, n: Tensor.arange(0.5, n), ShapeError, "integers"),
    (lambda x, n: x[:n].reshape(1, 1, n, 6).interpolate(scale_factor=2), ShapeError, "interpolate"),
]


@pytest.mark.parametrize("case, kind, message", REFUSED)
def test_what_cannot_be_symbolic_says_so(case, kind, message):
    with pytest.raises(kind, match=message) as found:
        case(Tensor(DATA), N.bind(10))
    assert found.value.why
    assert found.value.mend


def test_steps_that_a_replay_would_get_wrong():
    x, n = Tensor(DATA), N.bind(3)

    def closed(x, m):
        return x[:n].sum(0), x[:m].sum(0)

    step = bg.jit(closed)
    step(x, N.bind(3))
    step(x, N.bind(3))
    with pytest.raises(JitError, match="among the arguments it is 4"):
        step(x, N.bind(4))
    inner = bg.jit(lambda x, n: x[: N.bind(2)].sum(0).realize() + x[:n].sum(0))
    inner(x, N.bind(3))
    with pytest.raises((JitError, ShapeError), match="2"):
        inner(x, N.bind(3))
    part = x[:n].realize()
    found = bg.jit(lambda m: Tensor.arange(m) + part.sum())
    for value in (3, 3):
        found(N.bind(value))
    with pytest.raises(JitError, match="finds by itself"):
        found(N.bind(4))
    typed = bg.jit(lambda x, n: x[:n] * 2)
    for size in (n, n):
        typed(x, size)
    with pytest.raises(JitError, match="called with"):
        typed(x, n + 1)


def test_numbers_of_sizes_are_refused_in_a_captured_step():
    step = bg.jit(lambda x, n: x[:n] * (n + 1).value)
    step(Tensor(DATA), N.bind(3))
    with pytest.raises(JitError, match="number of a symbolic size"):
        step(Tensor(DATA), N.bind(3))
    step = bg.jit(lambda x: x * x.shape[0].value)
    step(Tensor(DATA)[: N.bind(3)])
    with pytest.raises(JitError, match="number of a symbolic size"):
        step(Tensor(DATA)[: N.bind(3)])


def test_tensors_with_symbolic_shapes_as_arguments():
    step = bg.jit(lambda y: (y * 2, y.sum(0)))
    for value in (3, 9, 33, 4, 40):
        y = Tensor(DATA)[: N.bind(value)].realize()
        doubled, total = step(y)
        assert np.allclose(doubled.numpy(), DATA[:value] * 2)
        assert np.allclose(total.numpy(), DATA[:value].sum(0), atol=1e-4)
        assert doubled.shape == y.shape


def test_results_of_replays_are_held_apart():
    step = bg.jit(lambda x, n: x[:n] * 2)
    x = Tensor(DATA)
    held = [step(x, N.bind(value)) for value in (5, 6, 7, 7, 3, 40)]
    for result, value in zip(held, (5, 6, 7, 7, 3, 40), strict=True):
        assert np.allclose(result.numpy(), DATA[:value] * 2)


def test_a_symbolic_tensor_is_kept_with_its_numbers(tmp_path):
    y = Tensor(DATA)[: N.bind(7)] * 1
    assert pickle.loads(pickle.dumps(y)).shape == (7, 6)
    assert copy.deepcopy(y).shape == y.shape
    assert np.array_equal(np.asarray(y), DATA[:7])
    save_safetensors(tmp_path / "y.safetensors", {"y": y})
    assert np.array_equal(load_safetensors(tmp_path / "y.safetensors")["y"].numpy(), DATA[:7])


def test_windows_over_a_symbolic_axis():
    data, filters = RNG.standard_normal((1, 2, 40)).astype("float32"), RNG.standard_normal((3, 2, 3))
    size = bg.Variable("length", 5, 40)
    step = bg.jit(lambda x, w, n: x[:, :, :n].conv1d(w, stride=2, padding=1))
    x, w = Tensor(data), Tensor(filters.astype("float32"))
    for value in (5, 6, 17, 40):
        found = step(x, w, size.bind(value)).numpy()
        padded = np.pad(data[0, :, :value], [(0, 0), (1, 1)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, 3, 1)[:, ::2]
        assert np.allclose(found[0], np.einsum("cnk,ock->on", windows, filters), atol=1e-4), value
