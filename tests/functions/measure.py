"""Points, references and distances for the functions: what tests/functions and tools/ulps.py measure with.

A reference gives the value in a wider format: float64 for float32, and for float64 the 64-bit mantissa of
numpy's longdouble, or mpmath where numpy lacks the function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
from scipy import special

from baregrad import dtype as dt
from baregrad.ir import Op, UOp, ops
from baregrad.ir.decompose import decompose
from baregrad.target import Target
from tests.ir.decompose.evaluate import evaluate

Array = np.ndarray
Reference = Callable[..., Array]
Span = tuple[float, float]

CORE = frozenset((
    "add", "sub", "mul", "div", "neg", "and", "or", "xor", "not", "shl", "shr", "cmplt", "cmple", "cmpeq",
    "cmpne", "select", "fma", "cast", "bitcast", "trunc", "floor", "sqrt", "idiv", "max", "min",
))  # fmt: skip
NATIVE = frozenset({"bool", "int32", "int64", "float32", "float64"})
TARGET = Target("core", "none", native_ops=CORE, native_dtypes=NATIVE)


@dataclass(frozen=True, slots=True)
class Case:
    """One function: its op, a reference on float64 arrays, one on longdouble arrays, and where most of the
    random points lie.
    """

    op: Op
    wide: Reference
    wider: Reference
    spans: tuple[Span, ...]
    second: tuple[Span, ...] = ()
    few: int = 2_000  # points of float64 in the fast suite
    many: int = 20_000  # points of float32

    def __repr__(self) -> str:
        return self.op.name


def log_gamma(x: mpmath.mpf) -> mpmath.mpf:
    with mpmath.workprec(180):
        if x > 0:
            return mpmath.loggamma(x)
        return mpmath.log(mpmath.pi / abs(mpmath.sin(mpmath.pi * x))) - mpmath.loggamma(1 - x)


def by_mpmath(name: str) -> Reference:
    """A function of mpmath's on arrays, as the sum of two floats; slow. The op's meaning where the value is
    no normal number, or the argument beyond what mpmath does at once.
    """
    function = log_gamma if name == "lgamma" else getattr(mpmath, name)
    meaning = ops.BY_NAME[name].meaning
    assert meaning is not None

    def one(x: float) -> np.longdouble:
        plain = meaning(x)
        within = 1e-300 < abs(x) < (1e16 if function is log_gamma else 1e4)
        if not 0 < abs(plain) < np.inf or not within:
            return np.longdouble(plain)
        with mpmath.workprec(90):
            mantissa, exponent = mpmath.frexp(function(mpmath.mpf(x)))
            high = float(mantissa)
            return np.ldexp(np.longdouble(high) + np.longdouble(float(mantissa - high)), exponent)

    return lambda x: np.array([one(float(v)) for v in x])


def erfinv(x: Array) -> Array:
    return np.copysign(special.erfinv(x), x)


def both(name: str) -> tuple[Reference, Reference]:
    """numpy's function in both widths."""
    return getattr(np, name), getattr(np, name)


def rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)


def lgamma(x: Array) -> Array:
    """The op's meaning: scipy's is not relatively exact near 1 and 2."""
    assert ops.LGAMMA.meaning is not None
    return np.array(list(map(ops.LGAMMA.meaning, x.tolist())))


# fmt: off
CASES = (
    Case(ops.EXP, *both("exp"), ((-105, 90), (-746, 711))),
    Case(ops.EXP2, *both("exp2"), ((-152, 130), (-1076, 1026))),
    Case(ops.EXPM1, *both("expm1"), ((-2, 2), (-20, 90), (-40, 711))),
    Case(ops.LOG, *both("log"), ((0.2, 5),)),
    Case(ops.LOG2, *both("log2"), ((0.2, 5),)),
    Case(ops.LOG10, *both("log10"), ((0.2, 5), (0, 1000))),
    Case(ops.LOG1P, *both("log1p"), ((-1, 1), (-0.5, 5), (0, 1e5))),
    Case(ops.SINH, *both("sinh"), ((-3, 3), (-90, 90), (-711, 711))),
    Case(ops.COSH, *both("cosh"), ((-3, 3), (-90, 90), (-711, 711))),
    Case(ops.TANH, *both("tanh"), ((-1, 1), (-10, 10), (-20, 20))),
    Case(ops.ASINH, *both("arcsinh"), ((-3, 3), (-1e5, 1e5))),
    Case(ops.ACOSH, *both("arccosh"), ((1, 1.1), (1, 5), (0, 1e5))),
    Case(ops.ATANH, *both("arctanh"), ((-1, 1), (-0.3, 0.3), (0.99, 1))),
    Case(ops.SIN, *both("sin"), ((-4, 4), (-1000, 1000), (-1e9, 1e9))),
    Case(ops.COS, *both("cos"), ((-4, 4), (-1000, 1000), (-1e9, 1e9))),
    Case(ops.TAN, *both("tan"), ((-4, 4), (-1000, 1000), (-1e9, 1e9))),
    Case(ops.ASIN, *both("arcsin"), ((-1, 1), (0.9, 1))),
    Case(ops.ACOS, *both("arccos"), ((-1, 1), (0.9, 1))),
    Case(ops.ATAN, *both("arctan"), ((-1, 1), (-5, 5))),
    Case(ops.ATAN2, *both("arctan2"), ((-1, 1), (-5, 5)), ((-1, 1), (-5, 5))),
    Case(ops.ERF, special.erf, by_mpmath("erf"), ((-4, 4), (-7, 7), (0.8, 1.2)), few=600),
    Case(ops.ERFC, special.erfc, by_mpmath("erfc"), ((-4, 4), (-1, 11), (-7, 28)), few=600),
    Case(ops.ERFINV, erfinv, by_mpmath("erfinv"), ((-1, 1), (-0.5, 0.5), (0.99, 1)), few=100),
    Case(ops.LGAMMA, lgamma, by_mpmath("lgamma"), ((0, 3), (0, 10), (0.9, 1.1), (1.9, 2.1)), few=200,
         many=4_000),
    Case(ops.POW, np.power, np.power, ((0, 4), (-10, 10)), ((-4, 4), (-100, 100)), few=1_000),
    Case(ops.CBRT, np.cbrt, np.cbrt, ((-9, 9),)),
    Case(ops.RSQRT, rsqrt, rsqrt, ((0, 4),)),
)
# fmt: on
BORDERS = [
    0.0,
    -0.0,
    1,
    -1,
    0.5,
    -0.5,
    2,
    -2,
    0.25,
    0.75,
    1.5,
    3,
    np.inf,
    -np.inf,
    np.nan,
    1e-40,
    -1e-40,
    5e-324,
    -5e-324,
    1e-45,
    -1e-45,
    2.0**-126,
    2.0**-1022,
    3.4e38,
    -3.4e38,
    1.79e308,
    -1.79e308,
    88.72283,
    88.72284,
    -87.33,
    -87.34,
    -103.97,
    -103.98,
    -104,
    127.99999,
    128,
    -149,
    -149.5,
    -150,
    9.01,
    9.2,
    0.62,
    709.78,
    709.79,
    -745.13,
    -745.14,
    89.4159,
    89.416,
    710.4758,
    710.476,
    1.57079632679,
    0.99999994,
    1.0000001,
    16367173 * 2.0**72,
    6381956970095103 * 2.0**797,  # the nearest to a multiple of pi / 2
    -(2.0**52 + 1),  # odd, and half a unit more is rounded
]  # fmt: skip


def points(kind: type, count: int, spans: tuple[Span, ...], seed: int) -> Array:
    """Random bit patterns, random points of the spans and near zero, every power of two, borders."""
    rng = np.random.default_rng(seed)
    ints = np.uint32 if kind is np.float32 else np.uint64
    share = count // (len(spans) + 2)
    patterns = rng.integers(0, np.iinfo(ints).max, share, dtype=ints, endpoint=True).view(kind)
    reach = 40 if kind is np.float32 else 80
    small = np.exp2(rng.uniform(-reach, 2, share)) * rng.choice([-1, 1], share)
    powers = np.exp2(np.arange(-149, 128) if kind is np.float32 else np.arange(-1074, 1024, 7))
    inside = [rng.uniform(low, high, share) for low, high in spans]
    quarters = np.concatenate([np.arange(1, 200), rng.integers(1, 2**30, 200)]) * (np.pi / 2)
    integers = np.arange(-200, 200) if count > 1000 else np.arange(-30, 30)
    if count <= 1000:
        powers = powers[::3]
        quarters = quarters[::20]
    parts = [*inside, quarters, small, integers, powers, -powers, BORDERS]
    with np.errstate(all="ignore"):
        return np.concatenate([patterns, *[np.asarray(part).astype(kind) for part in parts]])


def pairs(kind: type, count: int, case: Case, seed: int) -> tuple[Array, ...]:
    """The points of each source; the second ones shuffled, and every pair of borders."""
    x = points(kind, count, case.spans, seed)
    if case.op.arity == 1:
        return (x,)
    y = np.random.default_rng(seed + 1).permutation(points(kind, count, case.second, seed + 2))[: len(x)]
    y = np.resize(y, len(x))
    with np.errstate(all="ignore"):
        borders = np.array([*BORDERS, 3, -3, 4, -4, 1e30, -1e30, 0.1], np.float64).astype(kind)
    a, b = np.meshgrid(borders, borders)
    return np.concatenate([x, a.ravel()]), np.concatenate([y, b.ravel()])


def ulps(got: Array, want: Array) -> Array:
    """The distance in units of the last place of the value next to `want`; where that is infinite or NaN,
    0 if both are so, else infinity. Overflow one unit early is one unit.
    """
    kind = got.dtype.type
    top = np.finfo(kind).max
    with np.errstate(all="ignore"):
        near = want.astype(kind)
        unit = np.spacing(np.where(np.isfinite(near), np.abs(near), top)).astype(want.dtype)
        limit = want.dtype.type(top) + unit
        clipped = np.where(np.isinf(got), np.copysign(limit, got), got.astype(want.dtype))
        error = np.abs(clipped - np.clip(want, -limit, limit)) / unit
    exact = (got == near) & ~np.isfinite(near) | (np.isnan(got) & np.isnan(near))
    one_nan = np.isnan(got) != np.isnan(near)
    pole = np.isinf(want) & ~np.isinf(got)
    return np.where(exact, 0.0, np.where(one_nan | pole, np.inf, error)).astype(np.float64)


def graph(op: Op, dtype: dt.DType, target: Target = TARGET) -> tuple[UOp, tuple[UOp, ...]]:
    """(the decomposition, its sources)."""
    sources = tuple(UOp(ops.PARAM, dtype, (), (slot, 1)) for slot in range(op.arity or 1))
    return decompose(sources[0].alu(op, *sources[1:]), target), sources


def compute(op: Op, arrays: tuple[Array, ...]) -> Array:
    """The decomposition's value on arrays of one dtype."""
    root, sources = graph(op, dt.float32 if arrays[0].dtype == np.float32 else dt.float64)
    return evaluate(root, dict(zip(sources, arrays, strict=True)))


def worst(case: Case, kind: type, count: int, seed: int = 7) -> tuple[float, str]:
    """(the greatest distance, a sentence that says where), and a wrong sign of a zero as an infinite one."""
    arrays = pairs(kind, count, case, seed)
    got = compute(case.op, arrays)
    reference, wide = (case.wide, np.float64) if kind is np.float32 else (case.wider, np.longdouble)
    with np.errstate(all="ignore"):
        want = reference(*[a.astype(wide) for a in arrays])
    error = ulps(got, want)
    if case.op is ops.LGAMMA and kind is np.float64:  # its zeros below 0: units of the greater of value and 1
        with np.errstate(all="ignore"):
            error = np.where(
                (arrays[0] < 0) & (np.abs(want) < 1), np.abs(got - want).astype(float) * 2.0**52, error
            )
    signs = (np.signbit(got) != np.signbit(want)) & ~np.isnan(want)
    error = np.where(signs, np.inf, error)
    at = int(np.argmax(error))
    shown = ", ".join(repr(a[at]) for a in arrays)
    return float(error[at]), f"{case.op.name}({shown}) = {got[at]!r}, not {want[at]!r}: {error[at]} ulp"
