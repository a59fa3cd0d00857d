# ruff: noqa: E501 - one case is one line
"""Operations, what numpy gives for them, and the arrays that they are tried on: one row a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from baregrad import dtype as dt
from baregrad.tensor import Tensor as T

rng = np.random.default_rng(7)


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Random float32."""
    return rng.uniform(low, high, shape).astype(np.float32)


def ints(*shape: int, low: int = -9, high: int = 9, dtype: str = "int32") -> np.ndarray:
    """Random integers."""
    return rng.integers(low, high, shape).astype(dtype)


class Row(NamedTuple):
    """A case. `scale` multiplies the tolerance."""

    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    scale: float = 1.0


A = floats(3, 5)
B = floats(3, 5)
POSITIVE = floats(3, 5, low=0.1, high=9.0)
CUBE = floats(2, 3, 4)
LINE = floats(7)
SCALAR = np.float32(1.5).reshape(())
EMPTY = np.zeros((0, 3), np.float32)
ONE = floats(1, 1)
I, J = ints(3, 5), ints(3, 5, low=1)
M = A > 0
N = B > 0
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-40], np.float32)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(x) / sum(exp(x))."""
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def wide(x: np.ndarray) -> np.ndarray:
    """Floats as float64, so that numpy rounds less than we do."""
    return x.astype(np.float64) if x.dtype == np.float32 else x


# fmt: off
ELEMENTWISE = [
    Row("add",            lambda a, b: a + b,             lambda a, b: a + b,                 (A, B)),
    Row("sub",            lambda a, b: a - b,             lambda a, b: a - b,                 (A, B)),
    Row("mul",            lambda a, b: a * b,             lambda a, b: a * b,                 (A, B)),
    Row("div",            lambda a, b: a / b,             lambda a, b: a / b,                 (A, POSITIVE)),
    Row("add_int",        lambda a, b: a + b,             lambda a, b: a + b,                 (I, J)),
    Row("mul_int64",      lambda a, b: a * b,             lambda a, b: a * b,                 (I.astype("int64"), J.astype("int64"))),
    Row("div_int",        lambda a, b: a / b,             lambda a, b: a / b,                 (I, J)),
    Row("floordiv_int",   lambda a, b: a // b,            lambda a, b: a // b,                (I, J)),
    Row("mod_int",        lambda a, b: a % b,             lambda a, b: a % b,                 (I, J)),
    Row("floordiv_neg",   lambda a, b: a // b,            lambda a, b: a // b,                (I, -J)),
    Row("mod_neg",        lambda a, b: a % b,             lambda a, b: a % b,                 (I, -J)),
    Row("floordiv",       lambda a, b: a // b,            lambda a, b: a // b,                (A, POSITIVE)),
    Row("mod",            lambda a, b: a % b,             lambda a, b: a % b,                 (A, POSITIVE), 4),
    Row("radd",           lambda a: 2 + a,                lambda a: 2 + a,                    (A,)),
    Row("rsub",           lambda a: 2.5 - a,              lambda a: 2.5 - a,                  (A,)),
    Row("rmul",           lambda a: 3 * a,                lambda a: 3 * a,                    (I,)),
    Row("rtruediv",       lambda a: 2 / a,                lambda a: 2 / a,                    (POSITIVE,)),
    Row("row_broadcast",  lambda a, b: a + b,             lambda a, b: a + b,                 (A, floats(5))),
    Row("col_broadcast",  lambda a, b: a * b,             lambda a, b: a * b,                 (A, floats(3, 1))),
    Row("both_broadcast", lambda a, b: a - b,             lambda a, b: a - b,                 (floats(3, 1), floats(1, 5))),
    Row("scalar_tensor",  lambda a, b: a * b,             lambda a, b: a * b,                 (A, SCALAR)),
    Row("zero_d",         lambda a, b: a + b,             lambda a, b: a + b,                 (SCALAR, SCALAR)),
    Row("empty",          lambda a, b: a + b,             lambda a, b: a + b,                 (EMPTY, EMPTY)),
    Row("empty_and_row",  lambda a, b: a * b,             lambda a, b: a * b,                 (EMPTY, floats(3))),
    Row("size_1",         lambda a, b: a + b,             lambda a, b: a + b,                 (ONE, ONE)),
    Row("neg",            lambda a: -a,                   lambda a: -a,                       (A,)),
    Row("and_or_xor",     lambda a, b: (a & b) | (a ^ b), lambda a, b: (a & b) | (a ^ b),     (I, J)),
    Row("bool_logic",     lambda a, b: (a & ~b) | (a ^ b), lambda a, b: (a & ~b) | (a ^ b),   (M, N)),
    Row("invert",         lambda a: ~a,                   lambda a: ~a,                       (I,)),
    Row("shifts",         lambda a: (a << 3) >> 1,        lambda a: (a << 3) >> 1,            (I,)),
    Row("lt",             lambda a, b: a < b,             lambda a, b: a < b,                 (A, B)),
    Row("le",             lambda a, b: a <= b,            lambda a, b: a <= b,                (I, J)),
    Row("gt",             lambda a, b: a > b,             lambda a, b: a > b,                 (A, B)),
    Row("ge",             lambda a, b: a >= b,            lambda a, b: a >= b,                (I, J)),
    Row("eq",             lambda a, b: a == b,            lambda a, b: a == b,                (I, J)),
    Row("ne",             lambda a, b: a != b,            lambda a, b: a != b,                (I, J)),
    Row("eq_special",     lambda a, b: a == b,            lambda a, b: a == b,                (SPECIAL, SPECIAL)),
    Row("lt_special",     lambda a, b: a < b,             lambda a, b: a < b,                 (SPECIAL, SPECIAL[::-1].copy())),
    Row("maximum",        lambda a, b: a.maximum(b),      np.maximum,                         (A, B)),
    Row("maximum_nan",    lambda a, b: a.maximum(b),      np.maximum,                         (SPECIAL, SPECIAL[::-1].copy())),
    Row("minimum_nan",    lambda a, b: a.minimum(b),      np.minimum,                         (SPECIAL, SPECIAL[::-1].copy())),
    Row("minimum",        lambda a, b: a.minimum(b),      np.minimum,                         (I, J)),
    Row("clamp",          lambda a: a.clamp(-1, 0.5),     lambda a: np.clip(a, -1, 0.5),      (A,)),
    Row("clamp_min",      lambda a: a.clamp(min=0),       lambda a: np.maximum(a, 0),         (A,)),
    Row("where",          lambda m, a, b: a.where(m, b),  np.where,                           (M, A, B)),
    Row("where_scalar",   lambda m, a: a.where(m, 0),     lambda m, a: np.where(m, a, 0),     (M, A)),
    Row("where_wide",     lambda m, a: a.where(m, -1.0),  lambda m, a: np.where(m, a, -1.0),  (M[:1], A)),
    Row("masked_fill",    lambda m, a: a.masked_fill(m, 7), lambda m, a: np.where(m, 7, a),   (M, A)),
    Row("pow_2",          lambda a: a**2,                 lambda a: a**2,                     (A,)),
    Row("pow_3",          lambda a: a**3,                 lambda a: a**3,                     (A,), 2),
    Row("pow_0",          lambda a: a**0,                 lambda a: a**0,                     (A,)),
    Row("pow_minus_2",    lambda a: a**-2,                lambda a: a**-2.0,                  (POSITIVE,), 4),
    Row("pow_half",       lambda a: a**0.5,               lambda a: a**0.5,                   (POSITIVE,)),
    Row("pow_1.7",        lambda a: a**1.7,               lambda a: a**1.7,                   (POSITIVE,), 8),
    Row("pow_tensor",     lambda a, b: a**b,              lambda a, b: a**b,                  (POSITIVE, B), 8),
    Row("sqrt",           lambda a: a.sqrt(),             np.sqrt,                            (POSITIVE,)),
    Row("rsqrt",          lambda a: a.rsqrt(),            lambda a: 1 / np.sqrt(a),           (POSITIVE,)),
    Row("reciprocal",     lambda a: a.reciprocal(),       lambda a: 1 / a,                    (POSITIVE,)),
    Row("exp",            lambda a: a.exp(),              np.exp,                             (A,)),
    Row("exp2",           lambda a: a.exp2(),             np.exp2,                            (A,)),
    Row("log",            lambda a: a.log(),              np.log,                             (POSITIVE,)),
    Row("log2",           lambda a: a.log2(),             np.log2,                            (POSITIVE,)),
    Row("tanh",           lambda a: a.tanh(),             np.tanh,                            (A,)),
    Row("floor",          lambda a: a.floor(),            np.floor,                           (A,)),
    Row("trunc",          lambda a: a.trunc(),            np.trunc,                           (A,)),
    Row("exp_int",        lambda a: a.exp(),              lambda a: np.exp(a * 1.0),          (J,)),
    Row("square",         lambda a: a.square(),           np.square,                          (A,)),
    Row("abs",            lambda a: a.abs(),              np.abs,                             (A,)),
    Row("abs_int",        lambda a: a.abs(),              np.abs,                             (I,)),
    Row("sign",           lambda a: a.sign(),             np.sign,                            (A,)),
    Row("sign_int",       lambda a: a.sign(),             np.sign,                            (I,)),
    Row("relu",           lambda a: a.relu(),             lambda a: np.maximum(a, 0),         (A,)),
    Row("sigmoid",        lambda a: a.sigmoid(),          lambda a: 1 / (1 + np.exp(-a)),     (A,)),
    Row("silu",           lambda a: a.silu(),             lambda a: a / (1 + np.exp(-a)),     (A,)),
    Row("gelu",           lambda a: a.gelu("tanh"),       lambda a: 0.5 * a * (1 + np.tanh((a + 0.044715 * a**3) * np.sqrt(2 / np.pi))), (A,), 2),
    Row("leaky_relu",     lambda a: a.leaky_relu(0.1),    lambda a: np.where(a > 0, a, a * 0.1), (A,)),
    Row("cast_int",       lambda a: a.int(),              lambda a: a.astype("int32"),        (A,)),
    Row("cast_float",     lambda a: a.float(),            lambda a: a.astype("float32"),      (I,)),
    Row("cast_bool",      lambda a: a.bool(),             lambda a: a != 0,                   (I,)),
    Row("cast_int64",     lambda a: a.cast(dt.int64),     lambda a: a.astype("int64"),        (I,)),
    Row("from_bool",      lambda a: a.float() + 1,        lambda a: a.astype("float32") + 1,  (M,)),
    Row("bitcast",        lambda a: a.bitcast(dt.int32),  lambda a: a.astype("float32").view("int32"), (A,)),
]

MOVEMENT = [
    Row("reshape",        lambda a: a.reshape(5, 3),      lambda a: a.reshape(5, 3),          (A,)),
    Row("reshape_minus1", lambda a: a.reshape(-1, 2, 3),  lambda a: a.reshape(-1, 2, 3),      (CUBE,)),
    Row("reshape_0d",     lambda a: a.reshape(1, 1),      lambda a: a.reshape(1, 1),          (SCALAR,)),
    Row("reshape_empty",  lambda a: a.reshape(3, 0),      lambda a: a.reshape(3, 0),          (EMPTY,)),
    Row("flatten",        lambda a: a.flatten(1),         lambda a: a.reshape(2, 12),         (CUBE,)),
    Row("unflatten",      lambda a: a.unflatten(2, (2, 2)), lambda a: a.reshape(2, 3, 2, 2),  (CUBE,)),
    Row("permute",        lambda a: a.permute(2, 0, 1),   lambda a: a.transpose(2, 0, 1),     (CUBE,)),
    Row("transpose",      lambda a: a.transpose(-1, -2),  lambda a: a.swapaxes(-1, -2),       (CUBE,)),
    Row("T",              lambda a: a.T,                  lambda a: a.T,                      (A,)),
    Row("expand",         lambda a: a.expand(4, 3, 5),    lambda a: np.broadcast_to(a, (4, 3, 5)), (floats(3, 1),)),
    Row("expand_minus1",  lambda a: a.expand(-1, 5),      lambda a: np.broadcast_to(a, (3, 5)), (floats(3, 1),)),
    Row("squeeze",        lambda a: a.squeeze(),          np.squeeze,                         (floats(1, 3, 1),)),
    Row("squeeze_axis",   lambda a: a.squeeze(0),         lambda a: a.squeeze(0),             (floats(1, 3, 1),)),
    Row("unsqueeze",      lambda a: a.unsqueeze(-1),      lambda a: a[..., None],             (A,)),
    Row("flip",           lambda a: a.flip(0, 1),         lambda a: a[::-1, ::-1],            (A,)),
    Row("pad",            lambda a: a.pad([(1, 2), (0, 3)]), lambda a: np.pad(a, [(1, 2), (0, 3)]), (A,)),
    Row("pad_value",      lambda a: a.pad([(1, 0), (2, 1)], -1.5), lambda a: np.pad(a, [(1, 0), (2, 1)], constant_values=-1.5), (A,)),
    Row("shrink",         lambda a: a.shrink([(1, 3), (0, 4)]), lambda a: a[1:3, 0:4],        (A,)),
    Row("repeat",         lambda a: a.repeat(2, 3),       lambda a: np.tile(a, (2, 3)),       (A,)),
    Row("repeat_new",     lambda a: a.repeat(2, 1, 2),    lambda a: np.tile(a, (2, 1, 2)),    (A,)),
    Row("contiguous",     lambda a: a.T.contiguous(),     lambda a: a.T,                      (A,)),
    Row("view_of_view",   lambda a: a.T[1:4].flip(0).reshape(-1), lambda a: a.T[1:4][::-1].reshape(-1), (A,)),
    Row("add_views",      lambda a, b: a.T + b[::2, :3].T, lambda a, b: a.T + b[::2, :3].T,    (floats(2, 3), floats(4, 5))),
    Row("index_int",      lambda a: a[1],                 lambda a: a[1],                     (A,)),
    Row("index_negative", lambda a: a[-1, -2],            lambda a: a[-1, -2],                (A,)),
    Row("index_slice",    lambda a: a[1:, 1:4],           lambda a: a[1:, 1:4],               (A,)),
    Row("index_step",     lambda a: a[:, ::2],            lambda a: a[:, ::2],                (A,)),
    Row("index_back",     lambda a: a[::-2, ::-1],        lambda a: a[::-2, ::-1],            (A,)),
    Row("index_back_cut", lambda a: a[5:1:-2],            lambda a: a[5:1:-2],                (LINE,)),
    Row("index_none",     lambda a: a[None, :, None, 1],  lambda a: a[None, :, None, 1],      (A,)),
    Row("index_ellipsis", lambda a: a[..., 0],            lambda a: a[..., 0],                (CUBE,)),
    Row("index_middle",   lambda a: a[0, ..., 1],         lambda a: a[0, ..., 1],             (CUBE,)),
    Row("index_empty",    lambda a: a[2:2],               lambda a: a[2:2],                   (A,)),
    Row("index_beyond",   lambda a: a[1:99],              lambda a: a[1:99],                  (A,)),
    Row("index_none_first", lambda a: a[None],            lambda a: a[None],                  (SCALAR,)),
    Row("cat",            lambda a, b: T.cat([a, b]),     lambda a, b: np.concatenate([a, b]), (A, floats(2, 5))),
    Row("cat_axis",       lambda a, b: T.cat([a, b], -1), lambda a, b: np.concatenate([a, b], -1), (A, floats(3, 2))),
    Row("cat_bool",       lambda a, b: T.cat([a, b]),     lambda a, b: np.concatenate([a, b]), (M, N)),
    Row("cat_promotes",   lambda a, b: T.cat([a, b]),     lambda a, b: np.concatenate([a * 1.0, b]), (I, A)),
    Row("stack",          lambda a, b: T.stack([a, b], 1), lambda a, b: np.stack([a, b], 1),  (A, B)),
    Row("split",          lambda a: a.split(2, 1)[2],     lambda a: a[:, 4:],                 (A,)),
    Row("one_hot",        lambda a: a.one_hot(5),         lambda a: np.eye(5, dtype="int64")[a], (ints(4, low=0, high=5),)),
]

REDUCE = [
    Row("sum",            lambda a: a.sum(),              np.sum,                             (A,)),
    Row("sum_axis",       lambda a: a.sum(1),             lambda a: a.sum(1),                 (CUBE,)),
    Row("sum_axes_keep",  lambda a: a.sum((0, -1), keepdim=True), lambda a: a.sum((0, 2), keepdims=True), (CUBE,)),
    Row("sum_0d",         lambda a: a.sum(),              np.sum,                             (SCALAR,)),
    Row("sum_empty",      lambda a: a.sum(0),             lambda a: a.sum(0),                 (EMPTY,)),
    Row("sum_size_1",     lambda a: a.sum(1),             lambda a: a.sum(1),                 (ONE,)),
    Row("sum_int",        lambda a: a.sum(0),             lambda a: a.sum(0, dtype="int64"),  (I,)),
    Row("sum_bool",       lambda a: a.sum(),              np.sum,                             (M,)),
    Row("sum_view",       lambda a: a.T[1:4].sum(0),      lambda a: a.T[1:4].sum(0),          (A,)),
    Row("sum_expanded",   lambda a: a.expand(4, 3, 5).sum(0), lambda a: a * 4,                (A,)),
    Row("sum_of_sum",     lambda a: (a - a.sum(1, keepdim=True)).sum(0), lambda a: (a - a.sum(1, keepdims=True)).sum(0), (A,), 8),
    Row("prod",           lambda a: a.prod(1),            lambda a: a.prod(1),                (A,), 4),
    Row("prod_int",       lambda a: a.prod(0),            lambda a: a.prod(0, dtype="int64"), (I,)),
    Row("prod_empty",     lambda a: a.prod(0),            lambda a: a.prod(0),                (EMPTY,)),
    Row("max",            lambda a: a.max(),              np.max,                             (A,)),
    Row("max_axis",       lambda a: a.max(0),             lambda a: a.max(0),                 (A,)),
    Row("max_nan",        lambda a: a.max(),              np.max,                             (SPECIAL,)),
    Row("min_int",        lambda a: a.min(1),             lambda a: a.min(1),                 (I,)),
    Row("max_kept_empty", lambda a: a.max(1),             lambda a: a.max(1),                 (EMPTY,)),
    Row("all",            lambda a: a.all(1),             lambda a: a.all(1),                 (M,)),
    Row("any",            lambda a: a.any(0),             lambda a: a.any(0),                 (M,)),
    Row("mean",           lambda a: a.mean(),             np.mean,                            (A,)),
    Row("mean_axis",      lambda a: a.mean((0, 2)),       lambda a: a.mean((0, 2)),           (CUBE,)),
    Row("mean_int",       lambda a: a.mean(0),            lambda a: a.mean(0),                (I,)),
    Row("var",            lambda a: a.var(1),             lambda a: a.var(1, ddof=1),         (A,), 4),
    Row("var_correction", lambda a: a.var(correction=0),  lambda a: a.var(),                  (A,), 4),
    Row("std",            lambda a: a.std(0),             lambda a: a.std(0, ddof=1),         (A,), 4),
    Row("argmax",         lambda a: a.argmax(1),          lambda a: a.argmax(1),              (A,)),
    Row("argmax_all",     lambda a: a.argmax(),           np.argmax,                          (A,)),
    Row("argmax_ties",    lambda a: a.argmax(1),          lambda a: a.argmax(1),              (ints(4, 6, low=0, high=2),)),
    Row("argmax_nan",     lambda a: a.argmax(0),          lambda a: a.argmax(0),              (SPECIAL,)),
    Row("argmin",         lambda a: a.argmin(0),          lambda a: a.argmin(0),              (A,)),
    Row("softmax",        lambda a: a.softmax(),          softmax,                            (A,), 2),
    Row("softmax_axis",   lambda a: a.softmax(0),         lambda a: softmax(a, 0),            (A,), 2),
    Row("softmax_large",  lambda a: (a * 100).softmax(),  lambda a: softmax(a * 100),         (A,), 64),
    Row("log_softmax",    lambda a: a.log_softmax(),      lambda a: np.log(softmax(a)),       (A,), 2),
    Row("logsumexp",      lambda a: a.logsumexp(1),       lambda a: np.log(np.exp(a).sum(1)), (A,), 2),
    Row("layer_norm",     lambda a: a.layer_norm(),       lambda a: (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-5), (A,), 4),
]

LINEAR = [
    Row("matmul",         lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(3, 5), floats(5, 4)), 4),
    Row("matmul_batch",   lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(2, 3, 4), floats(2, 4, 2)), 4),
    Row("matmul_wide",    lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(2, 3, 4), floats(4, 2)), 4),
    Row("vector_matrix",  lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(5), floats(5, 4)), 4),
    Row("matrix_vector",  lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(4, 5), floats(5)), 4),
    Row("dot",            lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(7), floats(7)), 4),
    Row("matmul_int",     lambda a, b: a @ b,             lambda a, b: a @ b,                 (ints(3, 4), ints(4, 2))),
    Row("matmul_empty",   lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(3, 0), floats(0, 4))),
    Row("matmul_one",     lambda a, b: a @ b,             lambda a, b: a @ b,                 (floats(1, 5), floats(5, 1)), 4),
    Row("matmul_views",   lambda a, b: a.T @ b.T,         lambda a, b: a.T @ b.T,             (floats(5, 3), floats(4, 5)), 4),
    Row("matmul_self",    lambda a: a @ a.T,              lambda a: a @ a.T,                  (floats(7, 3),), 4),
    Row("chain",          lambda a, b, c: a @ b @ c,      lambda a, b, c: a @ b @ c,          (floats(3, 4), floats(4, 5), floats(5, 2)), 16),
    Row("linear",         lambda x, w, b: x.linear(w, b), lambda x, w, b: x @ w.T + b,        (floats(4, 5), floats(3, 5), floats(3)), 4),
]

CREATE = [
    Row("zeros",          lambda: T.zeros(2, 3),          lambda: np.zeros((2, 3), "float32"), ()),
    Row("ones_int",       lambda: T.ones(3, dtype=dt.int32), lambda: np.ones(3, "int32"),     ()),
    Row("full",           lambda: T.full((2, 2), 7),      lambda: np.full((2, 2), 7, "int64"), ()),
    Row("full_0d",        lambda: T.full((), 2.5),        lambda: np.float32(2.5),            ()),
    Row("full_like",      lambda a: a.full_like(3),       lambda a: np.full_like(a, 3),       (A,)),
    Row("zeros_like",     lambda a: a.zeros_like(),       np.zeros_like,                      (I,)),
    Row("arange",         lambda: T.arange(7),            lambda: np.arange(7, dtype="int64"), ()),
    Row("arange_from",    lambda: T.arange(2, 20, 3),     lambda: np.arange(2, 20, 3, dtype="int64"), ()),
    Row("arange_back",    lambda: T.arange(5, 0, -2),     lambda: np.arange(5, 0, -2, dtype="int64"), ()),
    Row("arange_float",   lambda: T.arange(0, 1, 0.25),   lambda: np.arange(0, 1, 0.25, dtype="float32"), ()),
    Row("arange_none",    lambda: T.arange(3, 3),         lambda: np.arange(3, 3, dtype="int64"), ()),
    Row("eye",            lambda: T.eye(4),               lambda: np.eye(4, dtype="float32"), ()),
]
# fmt: on

ALL = [*ELEMENTWISE, *MOVEMENT, *REDUCE, *LINEAR, *CREATE]
