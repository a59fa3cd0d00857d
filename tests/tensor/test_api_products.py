# ruff: noqa: E501 - one case is one line
"""Norms, running sums, products of named axes and attention against numpy in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, DTypeError, ShapeError
from baregrad.tensor import Tensor
from tests.tensor.api_rows import I, Row, check_row, close, floats

A = floats(3, 5)
B = floats(3, 5)
CUBE = floats(2, 3, 4)
LONG = floats(2, 77)
NEAR_1 = floats(2, 77, low=0.9, high=1.1)
HOLES = np.where(A > 0.5, np.float32(np.nan), A)
ZEROS = np.zeros((2, 3), np.float32)


def unit(x, axis=1):
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


# fmt: off
ROWS = [
    Row("amax_amin",      lambda a: a.amax(0) - a.amin((0, 1)), lambda a: a.max(0) - a.min(), (A,)),
    Row("aminmax",        lambda a: Tensor.stack(a.aminmax(1)), lambda a: np.stack([a.min(1), a.max(1)]), (A,)),
    Row("var_mean",       lambda a: Tensor.stack(a.var_mean(1)), lambda a: np.stack([a.var(1, ddof=1), a.mean(1)]), (A,)),
    Row("std_mean",       lambda a: Tensor.stack(a.std_mean(0, correction=0)), lambda a: np.stack([a.std(0), a.mean(0)]), (A,)),
    Row("count_nonzero",  lambda a: a.count_nonzero(1),   lambda a: np.count_nonzero(a, 1),   (I,)),
    Row("nansum",         lambda a: a.nansum(0),          lambda a: np.nansum(a, 0),          (HOLES,)),
    Row("nanmean",        lambda a: a.nanmean(),          np.nanmean,                         (HOLES,)),
    Row("norm",           lambda a: a.norm(),             np.linalg.norm,                     (A,)),
    Row("norm_1",         lambda a: a.norm(1, 0),         lambda a: np.abs(a).sum(0),         (A,)),
    Row("norm_3",         lambda a: a.norm(3, 1, keepdim=True), lambda a: (np.abs(a) ** 3).sum(1, keepdims=True) ** (1 / 3), (A,)),
    Row("norm_inf",       lambda a: a.norm(math.inf, 1) + a.norm(-math.inf, 1), lambda a: np.abs(a).max(1) + np.abs(a).min(1), (A,)),
    Row("norm_0",         lambda a: a.norm(0, 1),         lambda a: (a != 0).sum(1) * 1.0,    (I.astype("float32"),)),
    Row("norm_of_0",      lambda a: a.norm(2, 1),         lambda a: a.sum(1),                 (ZEROS,)),
    Row("normalize",      lambda a: a.normalize(),        unit,                               (A,)),
    Row("normalize_0",    lambda a: a.normalize(axis=0),  lambda a: a,                        (ZEROS,)),
    Row("cosine",         lambda a, b: a.cosine_similarity(b), lambda a, b: (unit(a) * unit(b)).sum(1), (A, B)),
    Row("distance",       lambda a, b: a.pairwise_distance(b), lambda a, b: np.linalg.norm(a - b + 1e-6, axis=1), (A, B)),
    Row("cumsum",         lambda a: a.cumsum(1),          lambda a: a.cumsum(1),              (A,)),
    Row("cumsum_0",       lambda a: a.cumsum(0),          lambda a: a.cumsum(0),              (CUBE,)),
    Row("cumsum_int",     lambda a: a.cumsum(-1),         lambda a: a.cumsum(-1),             (I,)),
    Row("cumsum_blocks",  lambda a: a.cumsum(1),          lambda a: a.cumsum(1),              (LONG,)),
    Row("cumsum_levels",  lambda a: a.cumsum(0),          lambda a: a.cumsum(0),              (floats(1300),), 2),
    Row("cumsum_empty",   lambda a: a.cumsum(0),          lambda a: a.cumsum(0),              (np.zeros((0, 2), np.float32),)),
    Row("cumprod",        lambda a: a.cumprod(1),         lambda a: a.cumprod(1),             (A,)),
    Row("cumprod_blocks", lambda a: a.cumprod(1),         lambda a: a.cumprod(1),             (NEAR_1,), 2),
    Row("cummax",         lambda a: a.cummax_values(1),   lambda a: np.maximum.accumulate(a, 1), (LONG,)),
    Row("cummin",         lambda a: a.cummin_values(0),   lambda a: np.minimum.accumulate(a, 0), (I,)),
    Row("logcumsumexp",   lambda a: a.logcumsumexp(1),    lambda a: np.logaddexp.accumulate(a, 1), (A,), 2),
    Row("diff",           lambda a: a.diff(2),            lambda a: np.diff(a, 2),            (A,)),
    Row("dot",            lambda a, b: a.dot(b),          np.dot,                             (floats(7), floats(7)), 2),
    Row("mv",             lambda a, b: a.mv(b),           np.dot,                             (A, floats(5))),
    Row("bmm",            lambda a, b: a.bmm(b),          np.matmul,                          (CUBE, floats(2, 4, 3))),
    Row("baddbmm",        lambda c, a, b: c.baddbmm(a, b, beta=0.5, alpha=2), lambda c, a, b: c * 0.5 + 2 * (a @ b), (floats(3, 3), CUBE, floats(2, 4, 3))),
    Row("addmm",          lambda c, a, b: c.addmm(a, b),  lambda c, a, b: c + a @ b,          (floats(2), A, floats(5, 2))),
    Row("outer",          lambda a, b: a.outer(b),        np.outer,                           (floats(3), floats(5))),
    Row("cross",          lambda a, b: a.cross(b),        np.cross,                           (floats(4, 3), floats(4, 3))),
]
EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)), ("ij->ji", (3, 4)), ("ij->", (3, 4)), ("ij->j", (3, 4)),
    ("ii->i", (3, 3)), ("ii", (3, 3)), ("iji->j", (3, 2, 3)), ("i,j->ij", (3,), (4,)), ("i,i", (3,), (3,)), ("ij,ij->ij", (2, 3), (2, 3)),
    ("ba,c", (2, 3), (4,)), ("bhqd, bhkd -> bhqk", (2, 2, 3, 4), (2, 2, 5, 4)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,j,i->", (2, 3), (3,), (2,)), ("ijk,lj->ikl", (2, 3, 4), (5, 3)), ("aab,bc->ac", (2, 2, 3), (3, 4)), ("ij,kl->ik", (2, 3), (4, 5)),
    (",i->i", (), (3,)),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_value(device, row):
    check_row(row)


@pytest.mark.parametrize(
    "formula, shapes", [(row[0], row[1:]) for row in EINSUMS], ids=[r[0] for r in EINSUMS]
)
def test_einsum(device, formula, shapes):
    arrays = [floats(*shape) for shape in shapes]
    expected = np.einsum(formula, *(a.astype("float64") for a in arrays))
    close(Tensor.einsum(formula, *map(Tensor, arrays)), np.asarray(expected), 2)


def attention(q, k, v, mask=None, scale=None):
    """In float64; rows that see nothing are zeros."""
    scores = q.astype("float64") @ np.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    scores = scores if mask is None else scores + mask
    top = scores.max(-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isinf(top), 0, top))
    return powers / np.where(np.isinf(top), 1, powers.sum(-1, keepdims=True)) @ v


def added(mask):
    return np.where(mask, 0.0, -np.inf)


Q, K, V = floats(2, 3, 4), floats(2, 5, 4), floats(2, 5, 3)
SEEN = np.array([[True, False, True, True, False], [False] * 5, [False, False, True, False, False]])
# fmt: off
ATTENTIONS = [  # name, keywords of ours, of the formula
    ("plain",  {},                                        {}),
    ("scale",  {"scale": 0.3},                            {"scale": 0.3}),
    ("mask",   {"attn_mask": SEEN},                       {"mask": added(SEEN)}),
    ("bias",   {"attn_mask": floats(3, 5)},               None),
    ("blind",  {"attn_mask": added(SEEN).astype("float32")}, {"mask": added(SEEN)}),
    ("causal", {"is_causal": True},                       {"mask": added(np.tril(np.ones((3, 5), bool)))}),
]
# fmt: on


@pytest.mark.parametrize("name, ours, theirs", ATTENTIONS, ids=[row[0] for row in ATTENTIONS])
def test_attention(device, name, ours, theirs):
    facts = theirs if theirs is not None else {"mask": ours["attn_mask"]}
    given = {key: Tensor(v) if isinstance(v, np.ndarray) else v for key, v in ours.items()}
    q, k, v = (Tensor(a, requires_grad=True) for a in (Q, K, V))
    found = q.scaled_dot_product_attention(k, v, **given)
    close(found, attention(Q, K, V, **facts), 4)
    found.sum().backward()
    assert all(np.isfinite(x.grad.numpy()).all() for x in (q, k, v))


def test_gradients_of_norm_and_running_sums(device):
    for function, slopes in (
        (lambda x: x.norm(), [0.6, 0.8, 0.0]),
        (lambda x: (x * 0).norm(), [0.0, 0.0, 0.0]),
        (lambda x: x.cumsum(0).sum(), [3.0, 2.0, 1.0]),
        (lambda x: (x + 1).cumprod(0).sum(), [11.0, 8.0, 20.0]),
    ):
        x = Tensor([3.0, 4.0, 0.0], requires_grad=True)
        function(x).backward()
        assert x.grad.tolist() == pytest.approx(slopes, rel=1e-5)


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("dot",       lambda: Tensor.zeros(2, 2).dot(Tensor.zeros(2)),                         ShapeError, "dot"),
    ("bmm",       lambda: Tensor.zeros(2, 2, 2).bmm(Tensor.zeros(3, 2, 2)),                ShapeError, "first axis"),
    ("cross",     lambda: Tensor.zeros(2).cross(Tensor.zeros(2)),                          ShapeError, "3 elements"),
    ("letters",   lambda: Tensor.einsum("i...->i", Tensor.zeros(2)),                       ShapeError, "einsum"),
    ("sizes",     lambda: Tensor.einsum("ij,jk", Tensor.zeros(2, 3), Tensor.zeros(2, 3)),  ShapeError, "one size"),
    ("count",     lambda: Tensor.einsum("ij,jk", Tensor.zeros(2, 3)),                      ShapeError, "einsum"),
    ("unknown",   lambda: Tensor.einsum("ij->k", Tensor.zeros(2, 3)),                      ShapeError, "einsum"),
    ("keys",      lambda: Tensor(Q).scaled_dot_product_attention(Tensor(V), Tensor(V)),    ShapeError, "queries"),
    ("batches",   lambda: Tensor(Q).scaled_dot_product_attention(Tensor.zeros(3, 5, 4), Tensor.zeros(3, 5, 4)), ShapeError, "attend"),
    ("both",      lambda: Tensor(Q).scaled_dot_product_attention(Tensor(K), Tensor(V), Tensor(SEEN), 0.0, True), ShapeError, "is_causal"),
    ("mask",      lambda: Tensor(Q).scaled_dot_product_attention(Tensor(K), Tensor(V), Tensor([1])), DTypeError, "mask of int64"),
    ("dtypes",    lambda: Tensor(Q).scaled_dot_product_attention(Tensor(K), Tensor(V).cast(dt.float64)), DTypeError, "one dtype"),
    ("cumsum",    lambda: Tensor.zeros(2).cumsum(1),                                       AxisError,  "axis 1"),
    ("diff",      lambda: Tensor.zeros(2).diff(-1),                                        ShapeError, "-1 times"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(device, name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend
