# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/elementwise.py and functions.py. Read record.py first."""

from __future__ import annotations

import math

from baregrad import dtype as dt
from baregrad.tensor.records.record import NONE, Kind, array, call, edge, numbers, op, refused

FUNCTION = Kind("bool int float", "float", elementwise=True)
ARITHMETIC = Kind("int float", elementwise=True)
WITH_BOOL = Kind("bool int float", elementwise=True)
STEPS = Kind("bool int float", gradient="it is constant but for steps", elementwise=True)
TEST = Kind("bool int float", "bool", gradient="it gives bool", elementwise=True)
BITS = Kind("bool int", gradient="it works on integers", elementwise=True)
CAST = Kind("bool int float", gradient="", elementwise=True)

X = array(3, 5)
WIDE = array(3, 5, low=-3.0, high=3.0)
POSITIVE = array(3, 5, low=0.1, high=9.0)
DIVISOR = array(3, 5, low=1.0, high=9.0)
UNIT = array(3, 5, low=-0.95, high=0.95)
OVER_1 = array(3, 5, low=1.05, high=9.0)
MASK = array(3, 5, dtype="bool")
FEW = array(3, 5, low=-9.0, high=9.0)
SHIFT = array(3, 5, low=0.0, high=3.0)
SPECIAL = (
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
    math.inf,
    -math.inf,
    math.nan,
)
EDGES = numbers(*SPECIAL)
TURNED = numbers(*SPECIAL[::-1])
FINITE = numbers(*SPECIAL[:15])
UNEQUAL = refused(r"\(3, 5\) and \(4,\)", X, array(4))

# fmt: off
RECORDS = (
    # -- arithmetic
    op("add",         WITH_BOOL,  "x + alpha * other if alpha != 1 else x + other", call(X, X), call(X, 2.5).only("float"), call(X, 2).only("int float"), call(X, X, alpha=3).only("int float"), edge(EDGES, TURNED), errors=(UNEQUAL,), operator="x + other"),
    op("sub",         ARITHMETIC, "x - alpha * other", call(FEW, X), call(X, 2.5).only("float"), call(FEW, X, alpha=2), edge(EDGES, TURNED), errors=(UNEQUAL,), operator="x - other"),
    op("mul",         WITH_BOOL,  "x * other", call(X, X), call(X, 3).only("int float"), edge(EDGES, TURNED), errors=(UNEQUAL,), operator="x * other"),
    op("div",         FUNCTION,   "x / other", call(X, DIVISOR), call(X, 4), edge(EDGES, TURNED), errors=(UNEQUAL,), operator="x / other"),
    op("neg",         ARITHMETIC, "-x", call(X), edge(EDGES), operator="-x"),
    op("floor_divide", STEPS,     "x // other", call(FEW, DIVISOR), call(FEW, -2).only("int8 int16 int32 int64 float"), call(FEW, array(3, 5, low=-9.0, high=-1.0)).only("int8 int16 int32 int64 float"), dtypes="int float", operator="x // other", tinygrad="div", errors=(UNEQUAL, refused("by 0", array(2, dtype="int32"), 0, kind="ZeroDivisionError"))),
    op("remainder",   ARITHMETIC, "x % other", call(FEW, DIVISOR), call(FEW, -4).only("int8 int16 int32 int64 float"), call(FEW, array(3, 5, low=-9.0, high=-1.0)).only("int8 int16 int32 int64 float"), tolerance=2, operator="x % other", tinygrad="mod", errors=(UNEQUAL, refused("by 0", array(2, dtype="int32"), 0, kind="ZeroDivisionError"))),
    op("fmod",        ARITHMETIC, "np.fmod(x, other)", call(FEW, DIVISOR), call(FEW, -4).only("int8 int16 int32 int64 float"), call(FEW, array(3, 5, low=-9.0, high=-1.0)).only("int8 int16 int32 int64 float"), tolerance=2, errors=(UNEQUAL,)),
    op("pow",         FUNCTION,   "np.power(x, exponent)", call(POSITIVE, X).only("float"), call(X, 2).only("float"), call(X, 3).only("float"), call(X, 0).only("float"), call(POSITIVE, -2).only("float"), call(POSITIVE, 0.5), call(POSITIVE, 1.7), edge(FEW, 2).only("int").giving("same"), edge(DIVISOR, SHIFT).only("int").giving("same"), edge(EDGES, TURNED).only("float"), tolerance=4, operator="x ** exponent", errors=(UNEQUAL,)),
    op("maximum",     WITH_BOOL,  "np.maximum(x, other)", call(X, X), call(X, 0.5).only("float"), edge(EDGES, TURNED), errors=(UNEQUAL,)),
    op("minimum",     WITH_BOOL,  "np.minimum(x, other)", call(X, X), call(X, 1).only("int float"), edge(EDGES, TURNED), errors=(UNEQUAL,)),
    op("clamp",       WITH_BOOL, "np.clip(x, min, max)", call(X, -1, 0.5).only("float"), call(FEW, 1, 5).only("int float"), call(FEW, min=3).only("int float"), call(FEW, max=3).only("int float"), call(MASK, False, True).only("bool"), edge(EDGES, -1, 1).only("float")),
    op("clip",        WITH_BOOL, "np.clip(x, min, max)", call(FEW, max=X), call(WIDE, X, 1.0).only("float"), call(FEW, 1, 5).only("int float"), edge(EDGES, -1, 1).only("float"), torch="Tensor.clip(x, min, None if max is None else torch.as_tensor(max, dtype=x.dtype)) if isinstance(min, torch.Tensor) else Tensor.clip(x, min, max)"),
    op("clamp_min",   WITH_BOOL,  "np.maximum(x, min)", call(X, X), call(X, -1).only("float"), tinygrad="clamp"),
    op("clamp_max",   WITH_BOOL,  "np.minimum(x, max)", call(X, X), call(X, 1).only("int float"), tinygrad="clamp"),
    op("abs",         ARITHMETIC, "np.abs(x)", call(FEW), edge(EDGES)),
    op("sign",        STEPS,      "x if x.dtype == bool else np.sign(x)", call(FEW), edge(EDGES).unlike("0 of NaN")),
    op("square",      WITH_BOOL,  "x * x", call(X).only("int float"), edge(X).only("bool").unlike("int64 of bool"), edge(FINITE).only("int float")),
    op("where",       WITH_BOOL,  "np.where(condition, x, other)", call(X, MASK, X), call(X, MASK, 0).only("int float"), edge(EDGES, array(19, dtype="bool"), TURNED), torch="torch.where(condition, x, other)", errors=(refused("where", X, array(2, dtype="bool"), 0), refused("condition", X, X, 0, kind="DTypeError"))),
    op("masked_fill", WITH_BOOL,  "np.where(mask, value, x)", call(X, MASK, 1), edge(X, MASK, -math.inf).only("float"), edge(EDGES, array(19, dtype="bool"), 7).only("int float")),
    op("lerp",        ARITHMETIC, "x + weight * (end - x)", call(WIDE, WIDE, 0.25), call(WIDE, WIDE, 0.75), call(WIDE, WIDE, UNIT), dtypes="float"),
    op("addcmul",     WITH_BOOL, "x + value * a * b if value != 1 else x + a * b", call(X, X, X), call(X, X, X, value=3).only("int float"), torch="Tensor.addcmul", tinygrad=NONE),
    op("addcdiv",     FUNCTION, "x + value * a / b", call(X, X, DIVISOR), call(X, X, DIVISOR, value=3), tinygrad=NONE),
    # -- casts
    op("cast",        CAST,       "x.astype(dtype.name)", edge(FEW, dt.float32), call(FEW, dt.float64), torch="Tensor.to(x, dtype)", gives="dtype"),
    op("float",       CAST,       "x.astype('float32')", call(FEW), edge(EDGES), gives="float32", same="x.cast(dt.float32)"),
    op("int",         CAST,       "x.astype('int32')", call(FEW), gives="int32", gradient="it gives integers", same="x.cast(dt.int32)"),
    op("bool",        CAST,       "x != 0", call(FEW), edge(EDGES), gives="bool", gradient="it gives bool", same="x.cast(dt.bool_)"),
    op("bitcast",     CAST,       "x.astype(like).view(dtype.name)", call(X, dt.int32).only("float32"), call(X, dt.float32).only("int32"), call(X, dt.int64).only("float64"), call(X, dt.uint16).only("float16"), call(X, dt.int8).only("uint8"), gives="dtype", gradient="it works on bits", torch="Tensor.view(x, dtype)", errors=(refused("size", X, dt.int64, kind="BaregradError"),)),
    # -- functions
    op("sqrt",        FUNCTION,   "np.sqrt(x)", call(POSITIVE), edge(EDGES)),
    op("rsqrt",       FUNCTION,   "1 / np.sqrt(x)", call(POSITIVE), edge(EDGES)),
    op("reciprocal",  FUNCTION,   "1.0 / x", call(POSITIVE), edge(EDGES)),
    op("exp",         FUNCTION,   "np.exp(x)", call(X), edge(EDGES)),
    op("exp2",        FUNCTION,   "np.exp2(x)", call(X), edge(EDGES)),
    op("expm1",       FUNCTION,   "np.expm1(x)", call(X), edge(EDGES), tinygrad=NONE),
    op("log",         FUNCTION,   "np.log(x)", call(POSITIVE), edge(EDGES)),
    op("log2",        FUNCTION,   "np.log2(x)", call(POSITIVE), edge(EDGES)),
    op("log10",       FUNCTION,   "np.log10(x)", call(OVER_1), edge(EDGES)),
    op("log1p",       FUNCTION,   "np.log1p(x)", call(UNIT), edge(EDGES), tinygrad=NONE),
    op("sin",         FUNCTION,   "np.sin(x)", call(WIDE), edge(EDGES)),
    op("cos",         FUNCTION,   "np.cos(x)", call(WIDE), edge(EDGES)),
    op("tan",         FUNCTION,   "np.tan(x)", call(UNIT), edge(FINITE)),
    op("asin",        FUNCTION,   "np.arcsin(x)", call(UNIT), edge(EDGES)),
    op("acos",        FUNCTION,   "np.arccos(x)", call(UNIT), edge(EDGES)),
    op("atan",        FUNCTION,   "np.arctan(x)", call(WIDE), edge(EDGES)),
    op("sinh",        FUNCTION,   "np.sinh(x)", call(WIDE), edge(EDGES)),
    op("cosh",        FUNCTION,   "np.cosh(x)", call(WIDE), edge(EDGES)),
    op("tanh",        FUNCTION,   "np.tanh(x)", call(X), edge(EDGES)),
    op("asinh",       FUNCTION,   "np.arcsinh(x)", call(WIDE), edge(EDGES)),
    op("acosh",       FUNCTION,   "np.arccosh(x)", call(OVER_1), edge(EDGES)),
    op("atanh",       FUNCTION,   "np.arctanh(x)", call(UNIT), edge(EDGES)),
    op("erf",         FUNCTION,   "sp.erf(x)", call(X), edge(EDGES)),
    op("erfc",        FUNCTION,   "sp.erfc(x)", call(WIDE), edge(EDGES), tinygrad=NONE),
    op("erfinv",      FUNCTION,   "sp.erfinv(x)", call(UNIT), edge(EDGES), tinygrad=NONE),
    op("cbrt",        FUNCTION,   "np.cbrt(x)", call(POSITIVE), edge(EDGES), torch=NONE, tinygrad=NONE),
    op("sinc",        FUNCTION,   "np.sinc(x)", call(X), edge(FINITE).only("float32 float64"), tolerance=4, tinygrad=NONE),
    op("deg2rad",     FUNCTION,   "np.deg2rad(x)", call(WIDE), edge(EDGES), tinygrad=NONE),
    op("rad2deg",     FUNCTION,   "np.rad2deg(x)", call(WIDE), tinygrad=NONE),
    op("logit",       FUNCTION,   "np.log(x / (1 - x)) if eps is None else np.log(np.clip(x, eps, 1 - eps) / (1 - np.clip(x, eps, 1 - eps)))", call(array(3, 5, low=0.05, high=0.95)), call(array(3, 5, low=0.05, high=0.95), 0.01).only("float16 bfloat16 float32 float64"), edge(WIDE, 0.25), tolerance=4, tinygrad=NONE),
    op("atan2",       FUNCTION,   "np.arctan2(x, other)", call(X, X), edge(EDGES, TURNED), tinygrad=NONE, errors=(UNEQUAL,)),
    op("hypot",       FUNCTION,   "np.hypot(x, other)", call(WIDE, WIDE), edge(EDGES, TURNED), tinygrad=NONE, errors=(UNEQUAL,)),
    op("logaddexp",   FUNCTION,   "np.logaddexp(x, other)", call(WIDE, WIDE), edge(EDGES, EDGES), tolerance=2, errors=(UNEQUAL,)),
    op("xlogy",       FUNCTION,   "sp.xlogy(x, other)", call(X, POSITIVE), edge(EDGES, TURNED), tinygrad=NONE, errors=(UNEQUAL,)),
    op("copysign",    FUNCTION,   "np.copysign(x, other)", call(FEW, X), edge(EDGES, TURNED), errors=(UNEQUAL,)),
    op("nan_to_num",  WITH_BOOL,  "np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)", call(X), edge(EDGES, 7.0, 8.0, -9.0), edge(EDGES).only("float64"), tinygrad=NONE),
    # -- steps
    op("floor",       STEPS,      "np.floor(x)", call(FEW), edge(EDGES)),
    op("ceil",        STEPS,      "np.ceil(x)", call(FEW), edge(EDGES)),
    op("trunc",       STEPS,      "np.trunc(x)", call(FEW), edge(EDGES)),
    op("round",       STEPS,      "np.round(x, decimals)", call(FEW), edge(EDGES), call(X, decimals=2).only("float32 float64"), call(array(3, 5, low=-99.0, high=99.0), decimals=-1).only("float32 float64")),
    op("frac",        ARITHMETIC, "x - np.trunc(x)", call(FEW), edge(FINITE), tinygrad=NONE),
    # -- tests
    op("eq",          TEST,       "x == other", call(X, X), call(FEW, 1), edge(EDGES, TURNED), operator="x == other", errors=(UNEQUAL,)),
    op("ne",          TEST,       "x != other", call(X, X), call(FEW, 1), edge(EDGES, TURNED), operator="x != other", errors=(UNEQUAL,)),
    op("lt",          TEST,       "x < other", call(X, X), call(FEW, 1), edge(EDGES, TURNED), operator="x < other", tinygrad="__lt__", errors=(UNEQUAL,)),
    op("le",          TEST,       "x <= other", call(X, X), call(FEW, 1), edge(EDGES, TURNED), operator="x <= other", tinygrad="__le__", errors=(UNEQUAL,)),
    op("gt",          TEST,       "x > other", call(X, X), call(FEW, 1), edge(EDGES, TURNED), operator="x > other", tinygrad="__gt__", errors=(UNEQUAL,)),
    op("ge",          TEST,       "x >= other", call(X, X), call(FEW, 1), edge(EDGES, TURNED), operator="x >= other", tinygrad="__ge__", errors=(UNEQUAL,)),
    op("isnan",       TEST,       "np.isnan(x)", call(X), edge(EDGES)),
    op("isinf",       TEST,       "np.isinf(x)", call(X), edge(EDGES)),
    op("isposinf",    TEST,       "x == np.inf", call(X), edge(EDGES), tinygrad="isinf"),
    op("isneginf",    TEST,       "x == -np.inf", call(X), edge(EDGES), tinygrad="isinf"),
    op("isfinite",    TEST,       "np.isfinite(x)", call(X), edge(EDGES)),
    op("signbit",     TEST,       "np.signbit(x) if x.dtype.kind == 'f' else x < 0", call(FEW), edge(EDGES), tinygrad=NONE),
    op("isclose",     TEST,       "np.isclose(x, other, rtol, atol, equal_nan)", call(FEW, FEW, 0.5, 0.1), edge(EDGES, EDGES), edge(EDGES, EDGES, equal_nan=True), errors=(UNEQUAL,)),
    op("allclose",    TEST,       "np.allclose(x, other, rtol, atol, equal_nan)", call(array(), array()), call(array(0), array(0)), call(array(1, 1), array(1, 1)), call(FEW, FEW, 0.5, 0.1), call(FEW, FEW, 9, 9), edge(EDGES, EDGES), edge(EDGES, EDGES, equal_nan=True), elementwise=False, jit="it reads its result back", errors=(UNEQUAL,)),
    op("logical_and", TEST,       "np.logical_and(x, other)", call(X, X), call(FEW, True), tinygrad=NONE, torch="torch.logical_and(x, torch.as_tensor(other))", errors=(UNEQUAL,)),
    op("logical_or",  TEST,       "np.logical_or(x, other)", call(X, X), call(FEW, False), tinygrad=NONE, torch="torch.logical_or(x, torch.as_tensor(other))", errors=(UNEQUAL,)),
    op("logical_xor", TEST,       "np.logical_xor(x, other)", call(X, X), call(FEW, True), tinygrad=NONE, torch="torch.logical_xor(x, torch.as_tensor(other))", errors=(UNEQUAL,)),
    op("logical_not", TEST,       "np.logical_not(x)", call(X), edge(EDGES)),
    # -- bits
    op("bitwise_and", BITS,       "x & other", call(FEW, FEW), call(FEW, 6).only("int"), operator="x & other", errors=(UNEQUAL,)),
    op("bitwise_or",  BITS,       "x | other", call(FEW, FEW), call(FEW, 6).only("int"), operator="x | other", errors=(UNEQUAL,)),
    op("bitwise_xor", BITS,       "x ^ other", call(FEW, FEW), call(FEW, 6).only("int"), operator="x ^ other", errors=(UNEQUAL,)),
    op("bitwise_not", BITS,       "~x", call(FEW), operator="~x"),
    op("bitwise_left_shift", BITS, "x << other", call(FEW, SHIFT), call(FEW, 3), dtypes="int", operator="x << other", tinygrad="lshift", errors=(UNEQUAL,)),
    op("bitwise_right_shift", BITS, "x >> other", call(FEW, SHIFT), call(FEW, 1), dtypes="int", operator="x >> other", tinygrad="rshift", errors=(UNEQUAL,)),
    # -- gamma and others
    op("lgamma",      FUNCTION,   "np.where(x == -np.inf, np.inf, sp.gammaln(x))", call(POSITIVE), call(array(3, 5, low=-2.9, high=-2.1)).only("float32 float64"), edge(EDGES).only("float32 float64"), tolerance=8, tinygrad=NONE),
    op("digamma",     FUNCTION,   "sp.digamma(x)", call(POSITIVE), call(array(3, 5, low=-2.8, high=-2.2)).only("float32 float64"), tolerance=8, tinygrad=NONE),
    op("logaddexp2",  FUNCTION,   "np.logaddexp2(x, other)", call(WIDE, WIDE), edge(EDGES, EDGES), tolerance=2, tinygrad=NONE, errors=(UNEQUAL,)),
    op("heaviside",   STEPS,      "np.heaviside(x, values)", call(FEW, X), edge(numbers(0.0, -0.0, 1.0, -1.0), numbers(0.5, 3.0, 7.0, 7.0)), tinygrad=NONE, errors=(UNEQUAL,)),
)
# fmt: on
