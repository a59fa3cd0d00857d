# ruff: noqa: E501 - one case is one line
"""Rolling, tiling, triangles, diagonals, windows and counted values against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, IndexingError, ShapeError
from baregrad.tensor import Tensor
from tests.tensor.api_rows import Row, check_row, floats, ints

A = floats(3, 5)
CUBE = floats(2, 3, 4)
LINE = floats(7)
I = ints(3, 4)
EMPTY = np.zeros((0, 3), np.float32)
SHUFFLED = floats(2, 8, 3, 2)


def shuffled(x, r):
    n, c, h, w = x.shape
    return (
        x.reshape(n, c // r // r, r, r, h, w)
        .transpose(0, 1, 4, 2, 5, 3)
        .reshape(n, c // r // r, h * r, w * r)
    )


def windows(x, size, step):
    return np.lib.stride_tricks.sliding_window_view(x, size, -1)[..., ::step, :]


# fmt: off
ROWS = [
    Row("movedim",        lambda a: a.movedim(0, -1),     lambda a: np.moveaxis(a, 0, -1),    (CUBE,)),
    Row("movedim_two",    lambda a: a.movedim((0, 1), (2, 0)), lambda a: np.moveaxis(a, (0, 1), (2, 0)), (CUBE,)),
    Row("swapaxes",       lambda a: a.swapaxes(0, 2),     lambda a: np.swapaxes(a, 0, 2),     (CUBE,)),
    Row("mT",             lambda a: a.mT,                 lambda a: np.swapaxes(a, 1, 2),     (CUBE,)),
    Row("t",              lambda a: a.t(),                lambda a: a.T,                      (A,)),
    Row("broadcast_to",   lambda a: a.broadcast_to(2, 7), lambda a: np.broadcast_to(a, (2, 7)), (LINE,)),
    Row("view_as",        lambda a, b: a.view_as(b).expand_as(b) + b, lambda a, b: a.reshape(b.shape) + b, (floats(4, 3, 2), CUBE)),
    Row("ravel",          lambda a: a.ravel(),            lambda a: a.ravel(),                (CUBE,)),
    Row("ravel_empty",    lambda a: a.ravel(),            lambda a: a.ravel(),                (EMPTY,)),
    Row("narrow",         lambda a: a.narrow(1, 1, 3),    lambda a: a[:, 1:4],                (A,)),
    Row("narrow_back",    lambda a: a.narrow(1, -2, 2),   lambda a: a[:, -2:],                (A,)),
    Row("select",         lambda a: a.select(1, -1),      lambda a: a[:, -1],                 (CUBE,)),
    Row("unbind",         lambda a: Tensor.stack(a.unbind(1)), lambda a: np.moveaxis(a, 1, 0), (CUBE,)),
    Row("chunk",          lambda a: Tensor.cat(a.chunk(3)[::-1]), lambda a: np.concatenate([a[6:], a[3:6], a[:3]]), (LINE,)),
    Row("unfold",         lambda a: a.unfold(1, 3, 2),    lambda a: windows(a, 3, 2),         (A,)),
    Row("unfold_first",   lambda a: a.unfold(0, 2, 1),    lambda a: np.moveaxis(windows(np.moveaxis(a, 0, -1), 2, 1), -2, 0), (A,)),
    Row("unfold_apart",   lambda a: a.unfold(-1, 2, 3),   lambda a: windows(a, 2, 3),         (CUBE,)),
    Row("tile",           lambda a: a.tile(2),            lambda a: np.tile(a, 2),            (A,)),
    Row("tile_new_axis",  lambda a: a.tile((2, 1, 3)),    lambda a: np.tile(a, (2, 1, 3)),    (A,)),
    Row("interleave",     lambda a: a.repeat_interleave(3, 1), lambda a: np.repeat(a, 3, 1),  (A,)),
    Row("interleave_flat", lambda a: a.repeat_interleave(2), lambda a: np.repeat(a, 2),       (A,)),
    Row("interleave_0",   lambda a: a.repeat_interleave(0, 0), lambda a: np.repeat(a, 0, 0),  (A,)),
    Row("roll",           lambda a: a.roll(2, 1),         lambda a: np.roll(a, 2, 1),         (A,)),
    Row("roll_back",      lambda a: a.roll((-1, 7), (0, 1)), lambda a: np.roll(a, (-1, 7), (0, 1)), (A,)),
    Row("roll_flat",      lambda a: a.roll(4),            lambda a: np.roll(a, 4),            (A,)),
    Row("roll_empty",     lambda a: a.roll(1, 0),         lambda a: np.roll(a, 1, 0),         (EMPTY,)),
    Row("triu",           lambda a: a.triu(),             np.triu,                            (A,)),
    Row("triu_up",        lambda a: a.triu(1),            lambda a: np.triu(a, 1),            (CUBE,)),
    Row("tril",           lambda a: a.tril(),             np.tril,                            (I,)),
    Row("tril_down",      lambda a: a.tril(-1),           lambda a: np.tril(a, -1),           (CUBE,)),
    Row("tril_nan",       lambda a: a.tril(),             np.tril,                            (np.full((3, 3), np.nan, np.float32),)),
    Row("diagonal",       lambda a: a.diagonal(),         lambda a: np.diagonal(a),           (A,)),
    Row("diagonal_up",    lambda a: a.diagonal(2),        lambda a: np.diagonal(a, 2),        (A,)),
    Row("diagonal_down",  lambda a: a.diagonal(-1, 1, 2), lambda a: np.diagonal(a, -1, 1, 2), (CUBE,)),
    Row("diagonal_turn",  lambda a: a.diagonal(0, 2, 0),  lambda a: np.diagonal(a, 0, 2, 0),  (CUBE,)),
    Row("diagonal_none",  lambda a: a.diagonal(9),        lambda a: np.diagonal(a, 9),        (A,)),
    Row("diag_of_line",   lambda a: a.diag(1),            lambda a: np.diag(a, 1),            (LINE,)),
    Row("diag_of_matrix", lambda a: a.diag(-1),           lambda a: np.diag(a, -1),           (A,)),
    Row("diag_embed",     lambda a: a.diag_embed(-2),     lambda a: np.stack([np.diag(row, -2) for row in a]), (A,)),
    Row("trace",          lambda a: a.trace(),            np.trace,                           (A,)),
    Row("pixel_shuffle",  lambda a: a.pixel_shuffle(2),   lambda a: shuffled(a, 2),           (SHUFFLED,)),
    Row("pixel_back",     lambda a: a.pixel_shuffle(2).pixel_unshuffle(2), lambda a: a,       (SHUFFLED,)),
    Row("meshgrid",       lambda a, b: Tensor.stack(Tensor.meshgrid([a, b])), lambda a, b: np.stack(np.meshgrid(a, b, indexing="ij")), (LINE, floats(3))),
    Row("meshgrid_xy",    lambda a, b: Tensor.stack(Tensor.meshgrid([a, b], indexing="xy")), lambda a, b: np.stack(np.meshgrid(a, b)), (LINE, floats(3))),
    Row("hstack",         lambda a, b: Tensor.hstack([a, b]), lambda a, b: np.hstack([a, b]), (A, floats(3, 2))),
    Row("hstack_lines",   lambda a, b: Tensor.hstack([a, b]), lambda a, b: np.hstack([a, b]), (LINE, floats(2))),
    Row("vstack",         lambda a, b: Tensor.vstack([a, b]), lambda a, b: np.vstack([a, b]), (A, floats(5))),
    Row("cat_of_many",    lambda a: Tensor.cat([a * i for i in range(9)], 1), lambda a: np.concatenate([a * i for i in range(9)], 1), (A,)),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_value(device, row):
    check_row(row)


MADE = [  # name, ours, numpy's
    ("linspace", lambda: Tensor.linspace(-1, 2, 7), np.linspace(-1, 2, 7)),
    ("linspace_one", lambda: Tensor.linspace(3, 5, 1), np.array([3.0])),
    ("linspace_none", lambda: Tensor.linspace(3, 5, 0), np.zeros(0)),
    ("linspace_flat", lambda: Tensor.linspace(2, 2, 3), np.full(3, 2.0)),
    ("logspace", lambda: Tensor.logspace(-2, 3, 6), np.logspace(-2, 3, 6)),
    ("logspace_2", lambda: Tensor.logspace(0, 4, 5, 2.0), np.logspace(0, 4, 5, base=2)),
    ("eye_wide", lambda: Tensor.eye(2, 4), np.eye(2, 4)),
    ("eye_tall", lambda: Tensor.eye(3, 2), np.eye(3, 2)),
    ("eye_none", lambda: Tensor.eye(0, 2), np.eye(0, 2)),
    ("empty", lambda: Tensor.empty(2, 3), np.zeros((2, 3))),
    ("new", lambda: Tensor([1.0]).new_full((2,), 3) + Tensor([1.0]).new_ones(2), np.full(2, 4.0)),
]


@pytest.mark.parametrize("name, ours, theirs", MADE, ids=[row[0] for row in MADE])
def test_made(device, name, ours, theirs):
    found = ours()
    assert found.dtype is dt.float32
    np.testing.assert_allclose(found.numpy(), theirs, rtol=3e-6, atol=1e-7)
    assert found.shape == theirs.shape


def test_both_ends_of_linspace_are_exact(device):
    ends = Tensor.linspace(0.1, 0.7, 10).tolist()
    assert [ends[0], ends[-1]] == [np.float32(0.1), np.float32(0.7)]


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("movedim",     lambda: Tensor.zeros(2, 3).movedim((0, 1), 0),     AxisError,     "movedim"),
    ("narrow",      lambda: Tensor.zeros(3).narrow(0, 1, 3),           ShapeError,    "3 elements"),
    ("select",      lambda: Tensor.zeros(3).select(0, 3),              IndexingError, "index 3"),
    ("chunk",       lambda: Tensor.zeros(3).chunk(0),                  AxisError,     "chunk into 0"),
    ("unfold",      lambda: Tensor.zeros(3).unfold(0, 4, 1),           ShapeError,    "windows of 4"),
    ("roll",        lambda: Tensor.zeros(3).roll((1, 2), (0,)),        AxisError,     "one shift"),
    ("triu",        lambda: Tensor.zeros(3).triu(),                    ShapeError,    "triu"),
    ("diagonal",    lambda: Tensor.zeros(3, 3).diagonal(0, 1, 1),      AxisError,     "twice"),
    ("diag",        lambda: Tensor.zeros(3, 3, 3).diag(),              ShapeError,    "diag of"),
    ("shuffle",     lambda: Tensor.zeros(1, 6, 2, 2).pixel_shuffle(2), ShapeError,    "pixel_shuffle"),
    ("meshgrid",    lambda: Tensor.meshgrid([Tensor.zeros(2, 2)]),     ShapeError,    "vectors"),
    ("t",           lambda: Tensor.zeros(2, 2, 2).t(),                 ShapeError,    "more than 2"),
    ("linspace",    lambda: Tensor.linspace(0, 1, -1),                 ShapeError,    "size -1"),
    ("logspace",    lambda: Tensor.logspace(0, 1, 2, -2.0),            ShapeError,    "base"),
    ("interleave",  lambda: Tensor.zeros(2).repeat_interleave(-1),     ShapeError,    "-1 times"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(device, name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend


SLOPES = [
    lambda x: x.roll(1, 1) * x,
    lambda x: x.triu() * x.tril(-1).roll(1, 0),
    lambda x: x.diagonal().square(),
    lambda x: x.unfold(1, 2, 1).square(),
    lambda x: x.repeat_interleave(2, 0).square(),
]


@pytest.mark.parametrize("function", SLOPES)
def test_gradients_on_cpu_are_those_of_reference(function):
    found = []
    for device in ("reference", "cpu"):
        x = Tensor(A, device=device, requires_grad=True)
        function(x).sum().backward()
        found.append(x.grad.tolist())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)
