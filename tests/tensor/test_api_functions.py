# ruff: noqa: E501 - one case is one line
"""Functions and activations by torch's names against closed forms in float64, special values included."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.tensor import Tensor
from tests.tensor.api_rows import I, J, Row, check_row, floats

X = floats(3, 5, low=-3.0, high=3.0)
Y = floats(3, 5, low=-3.0, high=3.0)
UNIT = floats(3, 5, low=-0.95, high=0.95)
OVER_1 = floats(3, 5, low=1.05, high=9.0)
EDGES = np.array(
    [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        3.0,
        -3.0,
        6.0,
        20.5,
        100.0,
        -100.0,
        3e38,
        np.inf,
        -np.inf,
        np.nan,
    ],
    np.float32,
)
TURNED = EDGES[::-1].copy()


def each(function):
    return lambda x: np.vectorize(function, otypes="d")(x)


def softplus(x):
    return np.logaddexp(x, 0)


def sigmoid(x):
    return np.exp(-softplus(-x))


def where_above(x, y):
    return np.where(x > 0, x, np.where(np.isnan(x), x, y))


def hard(x, low, high):
    return np.clip(x, low, high)


# fmt: off
FUNCTIONS = [
    Row("expm1",          lambda a: a.expm1(),            np.expm1,                           (X,)),
    Row("log1p",          lambda a: a.log1p(),            np.log1p,                           (UNIT,)),
    Row("log10",          lambda a: a.log10(),            np.log10,                           (OVER_1,)),
    Row("sinh",           lambda a: a.sinh(),             np.sinh,                            (X,)),
    Row("cosh",           lambda a: a.cosh(),             np.cosh,                            (X,)),
    Row("asinh",          lambda a: a.asinh(),            np.arcsinh,                         (X,)),
    Row("acosh",          lambda a: a.acosh(),            np.arccosh,                         (OVER_1,)),
    Row("atanh",          lambda a: a.atanh(),            np.arctanh,                         (UNIT,)),
    Row("sin",            lambda a: a.sin(),              np.sin,                             (X,)),
    Row("cos",            lambda a: a.cos(),              np.cos,                             (X,)),
    Row("tan",            lambda a: a.tan(),              np.tan,                             (UNIT,)),
    Row("asin",           lambda a: a.asin(),             np.arcsin,                          (UNIT,)),
    Row("acos",           lambda a: a.acos(),             np.arccos,                          (UNIT,)),
    Row("atan",           lambda a: a.atan(),             np.arctan,                          (EDGES,)),
    Row("atan2",          lambda a, b: a.atan2(b),        np.arctan2,                         (EDGES, TURNED)),
    Row("erf",            lambda a: a.erf(),              each(math.erf),                     (EDGES,)),
    Row("erfc",           lambda a: a.erfc(),             each(math.erfc),                    (X,)),
    Row("erfinv",         lambda a: a.erf().erfinv(),     lambda a: a,                        (UNIT,), 4),
    Row("cbrt",           lambda a: a.cbrt(),             np.cbrt,                            (EDGES,)),
    Row("sinc",           lambda a: a.sinc(),             np.sinc,                            (EDGES[:12],), 4),
    Row("pow_tensor",     lambda a, b: a.pow(b),          np.power,                           (EDGES, TURNED)),
    Row("ceil",           lambda a: a.ceil(),             np.ceil,                            (EDGES,)),
    Row("round",          lambda a: a.round(),            np.rint,                            (EDGES,)),
    Row("round_2",        lambda a: a.round(2),           lambda a: np.round(a, 2),           (X,)),
    Row("round_tens",     lambda a: (a * 40).round(-1),   lambda a: np.round(a * 40, -1),     (X,)),
    Row("round_int",      lambda a: a.round() + a.ceil(), lambda a: a + a,                    (I,)),
    Row("frac",           lambda a: a.frac(),             lambda a: a - np.trunc(a),          (X,)),
    Row("fmod",           lambda a, b: a.fmod(b),         np.fmod,                            (X, OVER_1), 4),
    Row("fmod_int",       lambda a, b: a.fmod(b),         np.fmod,                            (I, J)),
    Row("fmod_int_neg",   lambda a, b: a.fmod(-b),        lambda a, b: np.fmod(a, -b),        (I, J)),
    Row("fmod_number",    lambda a: a.fmod(-4),           lambda a: np.fmod(a, -4),           (I,)),
    Row("remainder",      lambda a, b: a.remainder(b),    np.remainder,                       (I, -J)),
    Row("floor_divide",   lambda a, b: a.floor_divide(b), np.floor_divide,                    (I, -J)),
    Row("isnan",          lambda a: a.isnan(),            np.isnan,                           (EDGES,)),
    Row("isinf",          lambda a: a.isinf(),            np.isinf,                           (EDGES,)),
    Row("isposinf",       lambda a: a.isposinf(),         np.isposinf,                        (EDGES,)),
    Row("isneginf",       lambda a: a.isneginf(),         np.isneginf,                        (EDGES,)),
    Row("isfinite",       lambda a: a.isfinite(),         np.isfinite,                        (EDGES,)),
    Row("is_int",         lambda a: a.isfinite() & ~a.isnan() & ~a.isinf(), np.isfinite,      (I,)),
    Row("signbit",        lambda a: a.signbit(),          np.signbit,                         (EDGES,)),
    Row("isclose",        lambda a, b: a.isclose(b, 0.1), lambda a, b: np.isclose(a, b, 0.1), (EDGES, np.float32(1.05) * EDGES)),
    Row("isclose_nan",    lambda a, b: a.isclose(b, equal_nan=True), lambda a, b: np.isclose(a, b, equal_nan=True), (EDGES, EDGES)),
    Row("names",          lambda a, b: a.eq(b) | a.ne(b) & a.lt(b), lambda a, b: (a == b) | (a != b) & (a < b), (I, J)),
    Row("names_2",        lambda a, b: a.le(b) ^ a.gt(b) ^ a.ge(b), lambda a, b: (a <= b) ^ (a > b) ^ (a >= b), (I, J)),
    Row("logical_and",    lambda a, b: a.logical_and(b),  np.logical_and,                     (I, X)),
    Row("logical_or",     lambda a, b: a.logical_or(b),   np.logical_or,                      (I, I * 0)),
    Row("logical_xor",    lambda a, b: a.logical_xor(b),  np.logical_xor,                     (I, J)),
    Row("logical_not",    lambda a: a.logical_not(),      np.logical_not,                     (EDGES,)),
    Row("bitwise",        lambda a, b: a.bitwise_and(b).bitwise_or(a.bitwise_not()).bitwise_xor(b), lambda a, b: ((a & b) | ~a) ^ b, (I, J)),
    Row("bitwise_shift",  lambda a: a.bitwise_left_shift(3).bitwise_right_shift(1), lambda a: (a << 3) >> 1, (I,)),
    Row("clip",           lambda a, b: a.clip(b, 1.0),    lambda a, b: np.clip(a, b, 1.0),    (X, Y)),
    Row("clamp_sides",    lambda a: a.clamp_min(-1).clamp_max(0.5), lambda a: np.clip(a, -1, 0.5), (X,)),
    Row("lerp",           lambda a, b: a.lerp(b, 0.25),   lambda a, b: a + 0.25 * (b - a),    (X, Y)),
    Row("lerp_far",       lambda a, b: a.lerp(b, 0.75),   lambda a, b: a + 0.75 * (b - a),    (X, Y)),
    Row("lerp_tensor",    lambda a, b, w: a.lerp(b, w),   lambda a, b, w: a + w * (b - a),    (X, Y, UNIT)),
    Row("addcmul",        lambda a, b: a.addcmul(b, a, value=0.5), lambda a, b: a + 0.5 * a * b, (X, Y)),
    Row("addcdiv",        lambda a, b: a.addcdiv(a, b, value=2), lambda a, b: a + 2 * a / b,  (X, OVER_1)),
    Row("copysign",       lambda a, b: a.copysign(b),     np.copysign,                        (EDGES, TURNED)),
    Row("hypot",          lambda a, b: a.hypot(b),        np.hypot,                           (X, Y)),
    Row("hypot_edges",    lambda a, b: a.hypot(b) * 1e-38, lambda a, b: np.hypot(a, b) * 1e-38, (EDGES, TURNED)),
    Row("logaddexp",      lambda a, b: a.logaddexp(b),    np.logaddexp,                       (X, Y), 2),
    Row("logaddexp_edges", lambda a, b: a.logaddexp(b),   np.logaddexp,                       (EDGES, EDGES)),
    Row("xlogy",          lambda a, b: a.xlogy(b),        lambda a, b: np.where((a == 0) & ~np.isnan(b), 0, a * np.log(b)), (EDGES, TURNED)),
    Row("nan_to_num",     lambda a: a.nan_to_num(7.0, 8.0, -9.0), lambda a: np.nan_to_num(a, nan=7.0, posinf=8.0, neginf=-9.0), (EDGES,)),
    Row("logit",          lambda a: (a * 0.5 + 0.5).logit(), lambda a: np.log((a * 0.5 + 0.5) / (0.5 - 0.5 * a)), (UNIT,), 4),
    Row("logit_eps",      lambda a: a.logit(0.01),        lambda a: np.log(np.clip(a, 0.01, 0.99) / (1 - np.clip(a, 0.01, 0.99))), (X,), 4),
    Row("degrees",        lambda a: a.deg2rad() + a.rad2deg(), lambda a: np.deg2rad(a) + np.rad2deg(a), (X,)),
]
ACTIVATIONS = [
    Row("sigmoid",        lambda a: a.sigmoid(),          sigmoid,                            (EDGES,), 4),
    Row("gelu",           lambda a: a.gelu(),             lambda a: a / 2 * (1 + each(math.erf)(a / 2**0.5)), (X,), 2),
    Row("elu",            lambda a: a.elu(1.5),           lambda a: where_above(a, 1.5 * np.expm1(a)), (EDGES,)),
    Row("selu",           lambda a: a.selu(),             lambda a: 1.0507009873554805 * where_above(a, 1.6732632423543772 * np.expm1(a)), (X,)),
    Row("celu",           lambda a: a.celu(2.0),          lambda a: where_above(a, 2 * np.expm1(a / 2)), (EDGES,)),
    Row("softplus",       lambda a: a.softplus(),         softplus,                           (EDGES,), 2),
    Row("softplus_beta",  lambda a: a.softplus(2.0, 30),  lambda a: softplus(2 * a) / 2,      (X,), 2),
    Row("logsigmoid",     lambda a: a.logsigmoid(),       lambda a: -softplus(-a),            (EDGES,), 2),
    Row("softsign",       lambda a: a.softsign(),         lambda a: a / (1 + np.abs(a)),      (EDGES[:-3],)),
    Row("mish",           lambda a: a.mish(),             lambda a: a * np.tanh(softplus(a)), (X,), 2),
    Row("hardtanh",       lambda a: a.hardtanh(-1, 2),    lambda a: hard(a, -1, 2),           (EDGES,)),
    Row("relu6",          lambda a: a.relu6(),            lambda a: hard(a, 0, 6),            (EDGES,)),
    Row("hardsigmoid",    lambda a: a.hardsigmoid(),      lambda a: hard(a + 3, 0, 6) / 6,    (EDGES,)),
    Row("hardswish",      lambda a: a.hardswish(),        lambda a: a * hard(a + 3, 0, 6) / 6, (X,)),
    Row("tanhshrink",     lambda a: a.tanhshrink(),       lambda a: a - np.tanh(a),           (X,), 2),
    Row("softshrink",     lambda a: a.softshrink(),       lambda a: np.sign(a) * np.maximum(np.abs(a) - 0.5, 0), (X,)),
    Row("hardshrink",     lambda a: a.hardshrink(),       lambda a: np.where(np.abs(a) <= 0.5, 0, a), (EDGES,)),
    Row("threshold",      lambda a: a.threshold(0.5, -7.0), lambda a: np.where(a <= 0.5, -7.0, a), (EDGES,)),
    Row("glu",            lambda a: a.glu(0),             lambda a: a[:2] * sigmoid(a[2:]),   (floats(4, 3),), 2),
    Row("prelu",          lambda a, w: a.prelu(w),        lambda a, w: np.where(a > 0, a, a * w), (X, floats(5))),
    Row("prelu_one",      lambda a, w: a.prelu(w),        lambda a, w: np.where(a > 0, a, a * w), (X, floats(1))),
    Row("softmin",        lambda a: a.softmin(0),         lambda a: np.exp(-a) / np.exp(-a).sum(0), (X,), 2),
]
# fmt: on
ALL = FUNCTIONS + ACTIVATIONS


@pytest.mark.parametrize("row", ALL, ids=[row.name for row in ALL])
def test_value(device, row):
    check_row(row)


SLOPES = [  # name, function, x, the slope there
    ("sigmoid", Tensor.sigmoid, [-200.0, 0.0, 200.0], [0.0, 0.25, 0.0]),
    ("silu", Tensor.silu, [-200.0, 0.0, 200.0], [0.0, 0.5, 1.0]),
    ("elu", Tensor.elu, [-200.0, 0.0, 200.0], [0.0, 1.0, 1.0]),
    ("celu", Tensor.celu, [-200.0, 0.0, 200.0], [0.0, 1.0, 1.0]),
    ("softplus", Tensor.softplus, [-200.0, 0.0, 200.0], [0.0, 0.5, 1.0]),
    ("logsigmoid", Tensor.logsigmoid, [-200.0, 0.0, 200.0], [1.0, 0.5, 0.0]),
    ("hardtanh", Tensor.hardtanh, [-1.0, 0.5, 1.0], [0.0, 1.0, 0.0]),
    ("mish", Tensor.mish, [-200.0, 0.0, 200.0], [0.0, 0.6, 1.0]),
    ("softsign", Tensor.softsign, [-3.0, 0.0, 1.0], [1 / 16, 1.0, 0.25]),
    ("hardswish", Tensor.hardswish, [-4.0, 0.0, 4.0], [0.0, 0.5, 1.0]),
]


@pytest.mark.parametrize("name, function, at, slopes", SLOPES, ids=[row[0] for row in SLOPES])
def test_slopes_where_branches_meet_and_far_out(device, name, function, at, slopes):
    x = Tensor(at, requires_grad=True)
    function(x).sum().backward()
    assert x.grad.tolist() == pytest.approx(slopes, rel=1e-6, abs=1e-7)


def test_minus_zero_is_rounded_to_itself(device):
    x = Tensor([-0.0, 0.0, -0.4, 0.4])
    assert np.signbit(x.round().numpy()).tolist() == [True, False, True, False]
    assert np.signbit(x.ceil().numpy()).tolist() == [True, False, True, False]


def test_allclose(device):
    x = Tensor([1.0, math.inf])
    assert x.allclose(x + 1e-7)
    assert not x.allclose(-x)
    assert not Tensor([math.nan]).allclose(Tensor([math.nan]))


# fmt: off
REFUSED = [  # name, what is done, the class, words of the message
    ("lerp",     lambda: Tensor([1]).lerp(Tensor([2]), 0.5),       DTypeError, "lerp"),
    ("bitwise",  lambda: Tensor([1.0]).bitwise_and(Tensor([1.0])), DTypeError, "bits"),
    ("glu",      lambda: Tensor([1.0, 2.0, 3.0]).glu(),            ShapeError, "odd"),
    ("prelu",    lambda: Tensor([[1.0, 2.0]]).prelu(Tensor([1.0, 2.0, 3.0])), ShapeError, "one a channel"),
]
# fmt: on


@pytest.mark.parametrize("name, act, cls, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(device, name, act, cls, words):
    with pytest.raises(cls, match=words) as caught:
        act()
    assert caught.value.mend


def test_dtypes(device):
    assert Tensor([1, 2]).log10().dtype is dt.float32
    assert Tensor([1, 2], dtype=dt.int32).fmod(2).dtype is dt.int32
    assert Tensor([1, 2]).logical_and(Tensor([0.0, 1.0])).dtype is dt.bool_
