"""One row an op: arity, dtype and shape rule, meaning, gradient, samples. Read this file first of the IR.

`meaning` takes Python values (int, float, bool) and gives the exact result, which the interpreter then brings
into the result's dtype (integers wrap, floats round to nearest even). `gradient(g, y, *src)` gives a gradient
or None for each source, as UOps, through the methods of UOp: no op knows more than this row. The rules that
shapes follow are in shape.py.

Integers are total: IDIV and MOD round to minus infinity, x // 0 is 0 and x % 0 is x (so x == x // y * y + x %
y always holds), INT_MIN // -1 wraps; a shift by a count outside 0..bits-1 shifts everything out. Floats: MAX
and MIN give NaN if either source is NaN and the second source if they compare equal; denormals are kept; a
cast to an integer saturates and NaN gives 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from baregrad.base.errors import GradientError
from baregrad.ir import meanings as mean
from baregrad.ir import places
from baregrad.ir import shape as rule

Samples = tuple[Any, ...]  # Python values of mixed type
Gradient = Callable[..., tuple[Any, ...]]  # UOps, which are defined above this floor


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One row. `dtype` names the dtype rule: "same" (as the sources), "bool", "given" (by the maker),
    "float", "bits", "void".
    """

    name: str
    doc: str
    levels: str
    arity: int | None  # None: any number
    dtype: str
    shape: Callable[[tuple[Any, ...], Any], tuple[Any, ...]]
    meaning: Callable[..., Any] | None = None
    gradient: Gradient | None = None
    commutes: bool = False
    symbol: str = ""
    samples: Samples = ()
    ulp: float = 0.0  # how far a target may be from the meaning (float32)
    flops: int = 0  # what one element costs, for the scheduler and for figures

    @property
    def elementwise(self) -> bool:
        """Whether it works element by element (casts included)."""
        return self.shape is rule.elementwise

    def __repr__(self) -> str:
        return self.name.upper()


def op(name: str, doc: str, levels: str, arity: int | None, dtype: str, shape: Any, **facts: Any) -> Op:
    """Make a row."""
    return Op(name, doc, levels, arity, dtype, shape, **facts)


def alu(name: str, doc: str, arity: int, dtype: str, meaning: Callable[..., Any], **facts: Any) -> Op:
    """Make the row of an elementwise op: legal at every level."""
    facts.setdefault("flops", 1)
    return Op(name, doc, "TKL", arity, dtype, rule.elementwise, meaning, **facts)


LN2 = math.log(2.0)
LN10 = math.log(10.0)
HALF_ROOT_PI = mean.HALF_ROOT_PI
FLOATS: Samples = (0.0, -0.0, 1.0, -1.5, 3.25, 1e-40, 3e38, math.inf, -math.inf, math.nan)
ANGLES: Samples = (0.0, -0.0, 0.5, -1.5, 3.25, 1e-40, 710.0, -1e22, 3e38, math.inf, -math.inf, math.nan)
UNIT: Samples = (0.0, -0.0, 1.0, -1.0, 0.5, -0.25, 0.999, 1e-40, 1.5, math.inf, -math.inf, math.nan)
INTS: Samples = (0, 1, -1, 2, 7, -8, 31, 2**31 - 1, -(2**31))
BOTH: Samples = FLOATS + INTS


def _extreme_gradient(g: Any, first: Any, second: Any) -> tuple[Any, ...]:
    """To the source that was chosen; half to each if they are equal."""
    half, none = g * 0.5, g * 0.0
    return (first.where(g, second.where(none, half)), second.where(g, first.where(none, half)))


def _sin_gradient(g: Any, y: Any, a: Any) -> tuple[Any, ...]:
    return (g * a.alu(COS),)


def _sinh_gradient(g: Any, y: Any, a: Any) -> tuple[Any, ...]:
    return (g * a.alu(COSH),)


def _pow_gradient(g: Any, y: Any, a: Any, b: Any) -> tuple[Any, ...]:
    """b * a**(b - 1), and a**b * log(a): 0 where b is 0 or a is 0."""
    none = g * 0.0
    power = b.eq(0.0).where(none, g * b * a.alu(POW, b - 1.0))
    return (power, a.eq(0.0).where(none, g * y * a.alu(LOG)))


def _digamma(a: Any) -> Any:
    """The derivative of lgamma, to about 1e-12: reflected below 0, moved up by 8, then the asymptotic
    series (Abramowitz and Stegun, 6.3.7, 6.3.6 and 6.3.18).
    """
    below = a < 0.0
    b = below.where(1.0 - a, a)
    moved = b + 8.0
    z = moved.alu(RECIPROCAL)
    s = z * z
    series = s * (
        1 / 12 + s * (-1 / 120 + s * (1 / 252 + s * (-1 / 240 + s * (1 / 132 + s * (-691 / 32760)))))
    )
    total = moved.alu(LOG) - z * 0.5 - series
    for step in range(8):
        total = total - (b + float(step)).alu(RECIPROCAL)
    angle = (a - a.alu(FLOOR)) * math.pi
    return below.where(total - math.pi / angle.alu(TAN), total)


def _atan2_gradient(g: Any, y: Any, a: Any, b: Any) -> tuple[Any, ...]:
    """(b, -a) / (a*a + b*b)."""
    scaled = g / (a * a + b * b)
    return (scaled * b, -(scaled * a))


def _reduce_gradient(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    name = y.arg[0]
    wide = g.expand(x.shape)
    if name == "add":
        return (wide,)
    if name == "mul":
        return (wide * y.expand(x.shape) / x,)
    hit = x.eq(y.expand(x.shape)).cast(x.dtype)
    return (hit * (g / hit.reduce("add", y.arg[1])).expand(x.shape),)


def _pad_gradient(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    return (g.shrink(tuple((before, before + n) for (before, _), n in zip(y.arg, x.shape, strict=True))),)


def _shrink_gradient(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    return (g.pad(tuple((begin, n - end) for (begin, end), n in zip(y.arg, x.shape, strict=True))),)


def _permute_gradient(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    return (g.permute(tuple(sorted(range(len(y.arg)), key=y.arg.__getitem__))),)


def _expand_gradient(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    sizes = zip(x.shape, y.shape, strict=True)
    axes = tuple(axis for axis, (a, b) in enumerate(sizes) if a is not b and a != b)
    return (g.reduce("add", axes) if axes else g,)


def _view_gradient(g: Any, y: Any, x: Any) -> tuple[Any, ...]:
    """The sum of all windows: a view of g, indexed by x's axes and by every axis of y but one a row, then a
    sum.

    Each row gives one axis of y as that of its source axis, the one with the least step that the fewest rows
    move along; steps above 1 are undone by putting zeros between g's elements first. Where g is a product
    with a factor that is the same for all windows (the filters of a convolution), only the other factor is
    viewed: outside, zeros are multiplied by the filters, as the padding is going forward.
    """
    shape, rows = y.arg
    primary: list[int] = []
    for row, (_, steps) in enumerate(rows):
        one = x.shape[row] == 1
        free = [axis for axis, step in enumerate(steps) if step and axis not in primary]
        mine = [axis for axis in free if one or shape[axis] != 1]
        if not mine:  # this axis of x is read at one place: y gets an axis of size 1 for it
            g, shape = g.reshape((*shape, 1)), (*shape, 1)
            rows = tuple((begin, (*other, int(i == row))) for i, (begin, other) in enumerate(rows))
            mine = [len(shape) - 1]
        primary.append(min(mine, key=lambda axis: (abs(rows[row][1][axis]), _movers(rows, axis))))
    others = [axis for axis in range(len(shape)) if axis not in primary]
    wide = (*x.shape, *(shape[axis] for axis in others))
    windows, same = _same_in_windows(g, rows, primary, x.shape)
    viewed = _windows_of(windows, rows, primary, others, wide)
    if same is not None:
        turned = same.permute((*primary, *others))
        viewed = viewed * turned.expand(wide)
    return (viewed.reduce("add", tuple(range(len(primary), len(wide)))).reshape(x.shape),)


def _movers(rows: Any, axis: int) -> int:
    """How many rows of a view move along an axis of the result."""
    return sum(bool(steps[axis]) for _, steps in rows)


def _same_in_windows(g: Any, rows: Any, primary: list[int], sizes: tuple[Any, ...]) -> tuple[Any, Any]:
    """(a, b) where g = a * expand(b) and b is the same along the axes that move a window; else (g, None)."""
    if g.op is not MUL:
        return g, None
    for a, b in (g.src, g.src[::-1]):
        if b.op is not EXPAND or b.src[0].op is CONST:
            continue
        kept = b.src[0].shape
        moving = (p for p, (row, size) in zip(primary, zip(rows, sizes, strict=True), strict=True)
                  if not _is_whole(row, p, g.shape, size))  # fmt: skip
        if all(kept[p] == 1 for p in moving):
            return a, b.src[0]
    return g, None


def _is_whole(row: Any, axis: int, shape: tuple[Any, ...], size: Any) -> bool:
    """Whether a row of a view is just one axis of the result."""
    begin, steps = row
    return begin == 0 and shape[axis] == size and all(step == (i == axis) for i, step in enumerate(steps))


def _windows_of(g: Any, rows: Any, primary: list[int], others: list[int], wide: tuple[Any, ...]) -> Any:
    """The view of g that is summed: at each element of x, what each window that holds it has there."""
    for row, axis in enumerate(primary):
        step = abs(rows[row][1][axis])
        if step > 1:
            g = _spread(g, axis, step)
    found: list[tuple[int, list[int]] | None] = [None] * len(primary)
    while None in found:
        before = found.count(None)
        for row, done in enumerate(found):
            found[row] = done or _place_in_window(row, rows, primary, others, found)
        if found.count(None) == before:
            raise GradientError(
                f"the gradient of a view by {rows}",
                why="its axes move each other in a circle",
                mend="contiguous() what is viewed",
            )
    place = {axis: i for i, axis in enumerate([*primary, *others])}
    back = []
    for axis in range(len(place)):
        known = found[primary.index(axis)] if axis in primary else None
        back.append(known or (0, [int(i == place[axis]) for i in range(len(place))]))
    return g.view(wide, tuple((begin, tuple(steps)) for begin, steps in back))


def _place_in_window(
    row: int, rows: Any, primary: list[int], others: list[int], found: list[tuple[int, list[int]] | None]
) -> tuple[int, list[int]] | None:
    """Where on its axis of y an element of x lies, times the step: from its place on x's axis, on the other
    axes of y, and on the axes of y that belong to other rows; None while one of these is not known.
    """
    begin, along = rows[row]
    total, steps = -begin, [int(i == row) for i in range(len(primary))] + [-along[axis] for axis in others]
    for other, axis in enumerate(primary):
        if other == row or not along[axis]:
            continue
        known, step = found[other], abs(rows[other][1][axis])
        if known is None or along[axis] % step:
            return None
        times = along[axis] // step
        total -= times * known[0]
        steps = [a - times * b for a, b in zip(steps, known[1], strict=True)]
    sign = 1 if along[primary[row]] > 0 else -1
    return sign * total, [sign * step for step in steps]


def _spread(g: Any, axis: int, step: int) -> Any:
    """step - 1 zeros after each element of an axis."""
    shape = g.shape
    apart = g.reshape((*shape[: axis + 1], 1, *shape[axis + 1 :]))
    amounts = tuple((0, step - 1) if i == axis + 1 else (0, 0) for i in range(len(shape) + 1))
    return apart.pad(amounts).reshape((*shape[:axis], shape[axis] * step, *shape[axis + 1 :]))


# -- elementwise -----------------------------------------------------------------------------------------
# fmt: off
ADD        = alu("add", "a + b.", 2, "same", lambda a, b: a + b, commutes=True, symbol="+", samples=BOTH,
                 gradient=lambda g, y, a, b: (g, g))
SUB        = alu("sub", "a - b.", 2, "same", lambda a, b: a - b, symbol="-", samples=BOTH,
                 gradient=lambda g, y, a, b: (g, -g))
MUL        = alu("mul", "a * b.", 2, "same", lambda a, b: a * b, commutes=True, symbol="*", samples=BOTH,
                 gradient=lambda g, y, a, b: (g * b, g * a))
DIV        = alu("div", "a / b of floats, correctly rounded.", 2, "float", mean.div, symbol="/",
                 samples=FLOATS, flops=4,
                 gradient=lambda g, y, a, b: (g / b, -(g * y) / b))
NEG        = alu("neg", "-a.", 1, "same", lambda a: -a, samples=BOTH,
                 gradient=lambda g, y, a: (-g,))
IDIV       = alu("idiv", "a // b of integers, to minus infinity; a // 0 is 0.", 2, "int", mean.idiv,
                 symbol="//", samples=INTS, flops=8)
MOD        = alu("mod", "a - a // b * b of integers; a % 0 is a.", 2, "int", mean.mod, symbol="%",
                 samples=INTS, flops=8)
MAX        = alu("max", "The greater; NaN if either is NaN; b if equal.", 2, "same", mean.maximum,
                 samples=BOTH, gradient=lambda g, y, a, b: _extreme_gradient(g, a > b, b > a))
MIN        = alu("min", "The smaller; NaN if either is NaN; b if equal.", 2, "same", mean.minimum,
                 samples=BOTH, gradient=lambda g, y, a, b: _extreme_gradient(g, a < b, b < a))
AND        = alu("and", "Bits of a and b.", 2, "bits", lambda a, b: a & b, commutes=True, symbol="&",
                 samples=INTS)
OR         = alu("or", "Bits of a or b.", 2, "bits", lambda a, b: a | b, commutes=True, symbol="|",
                 samples=INTS)
XOR        = alu("xor", "Bits of a that differ from b.", 2, "bits", lambda a, b: a ^ b, commutes=True,
                 symbol="^", samples=INTS)
NOT        = alu("not", "All bits flipped.", 1, "bits", mean.inverted, samples=INTS)
SHL        = alu("shl", "a shifted left by b; 0 unless 0 <= b < bits.", 2, "int", mean.shl, symbol="<<",
                 samples=INTS)
SHR        = alu("shr", "a shifted right by b, sign kept; only sign unless 0 <= b < bits.", 2, "int",
                 mean.shr, symbol=">>", samples=INTS)
CMPLT      = alu("cmplt", "a < b.", 2, "bool", lambda a, b: a < b, symbol="<", samples=BOTH)
CMPLE      = alu("cmple", "a <= b.", 2, "bool", lambda a, b: a <= b, symbol="<=", samples=BOTH)
CMPEQ      = alu("cmpeq", "a == b.", 2, "bool", lambda a, b: a == b, commutes=True, symbol="==", samples=BOTH)
CMPNE      = alu("cmpne", "a != b.", 2, "bool", lambda a, b: a != b, commutes=True, symbol="!=", samples=BOTH)
SELECT     = alu("select", "a where the mask is true, else b.", 3, "select", lambda m, a, b: a if m else b,
                 samples=BOTH,
                 gradient=lambda g, y, m, a, b: (None, m.where(g, g * 0.0), m.where(g * 0.0, g)))
SQRT       = alu("sqrt", "The square root, correctly rounded.", 1, "float", mean.sqrt, samples=FLOATS,
                 flops=4, gradient=lambda g, y, a: (g * 0.5 / y,))
RECIPROCAL = alu("reciprocal", "1 / a, correctly rounded.", 1, "float", lambda a: mean.div(1.0, a),
                 samples=FLOATS, flops=4,
                 gradient=lambda g, y, a: (-(g * y * y),))
EXP        = alu("exp", "e to the power a.", 1, "float", mean.exp, samples=FLOATS, ulp=2, flops=12,
                 gradient=lambda g, y, a: (g * y,))
LOG        = alu("log", "The natural logarithm.", 1, "float", mean.log, samples=FLOATS, ulp=2, flops=14,
                 gradient=lambda g, y, a: (g / a,))
EXP2       = alu("exp2", "2 to the power a.", 1, "float", mean.exp2, samples=FLOATS, ulp=2, flops=10,
                 gradient=lambda g, y, a: (g * y * LN2,))
LOG2       = alu("log2", "The logarithm to base 2.", 1, "float", mean.log2, samples=FLOATS, ulp=2, flops=12,
                 gradient=lambda g, y, a: (g / (a * LN2),))
TANH       = alu("tanh", "The hyperbolic tangent.", 1, "float", math.tanh, samples=FLOATS, ulp=2, flops=20,
                 gradient=lambda g, y, a: (g * (1.0 - y * y),))
EXPM1      = alu("expm1", "e to the power a, less 1.", 1, "float", mean.expm1, samples=FLOATS, ulp=2,
                 flops=16, gradient=lambda g, y, a: (g * (y + 1.0),))
LOG1P      = alu("log1p", "The natural logarithm of 1 + a.", 1, "float",
                 lambda a: mean.log_family(math.log1p, a, -1.0), samples=FLOATS, ulp=2, flops=24,
                 gradient=lambda g, y, a: (g / (a + 1.0),))
LOG10      = alu("log10", "The logarithm to base 10.", 1, "float",
                 lambda a: mean.log_family(math.log10, a, 0.0), samples=FLOATS, ulp=2, flops=20,
                 gradient=lambda g, y, a: (g / (a * LN10),))
SIN        = alu("sin", "The sine, of any finite a.", 1, "float", lambda a: mean.circular(math.sin, a),
                 samples=ANGLES, ulp=2, flops=100,
                 gradient=_sin_gradient)
COS        = alu("cos", "The cosine, of any finite a.", 1, "float", lambda a: mean.circular(math.cos, a),
                 samples=ANGLES, ulp=2, flops=100,
                 gradient=lambda g, y, a: (-(g * a.alu(SIN)),))
TAN        = alu("tan", "The tangent, of any finite a.", 1, "float", lambda a: mean.circular(math.tan, a),
                 samples=ANGLES, ulp=2, flops=110,
                 gradient=lambda g, y, a: (g * (y * y + 1.0),))
ASIN       = alu("asin", "The arc sine; NaN outside -1..1.", 1, "float",
                 lambda a: mean.inside(math.asin, a, -1.0, 1.0), samples=UNIT, ulp=2, flops=24,
                 gradient=lambda g, y, a: (g / ((1.0 - a) * (a + 1.0)).alu(SQRT),))
ACOS       = alu("acos", "The arc cosine; NaN outside -1..1.", 1, "float",
                 lambda a: mean.inside(math.acos, a, -1.0, 1.0), samples=UNIT, ulp=2, flops=24,
                 gradient=lambda g, y, a: (-(g / ((1.0 - a) * (a + 1.0)).alu(SQRT)),))
ATAN       = alu("atan", "The arc tangent.", 1, "float", math.atan, samples=FLOATS, ulp=2, flops=24,
                 gradient=lambda g, y, a: (g / (a * a + 1.0),))
ATAN2      = alu("atan2", "The angle of the point (b, a), with the signs of both zeros.", 2, "float",
                 math.atan2, samples=FLOATS, ulp=2, flops=40, gradient=_atan2_gradient)
SINH       = alu("sinh", "The hyperbolic sine.", 1, "float", mean.sinh, samples=FLOATS, ulp=2, flops=36,
                 gradient=_sinh_gradient)
COSH       = alu("cosh", "The hyperbolic cosine.", 1, "float", mean.cosh, samples=FLOATS, ulp=2, flops=28,
                 gradient=lambda g, y, a: (g * a.alu(SINH),))
ASINH      = alu("asinh", "The inverse of sinh.", 1, "float", math.asinh, samples=FLOATS, ulp=2, flops=40,
                 gradient=lambda g, y, a: (g / (a * a + 1.0).alu(SQRT),))
ACOSH      = alu("acosh", "The inverse of cosh, 0 and more; NaN below 1.", 1, "float",
                 lambda a: mean.inside(math.acosh, a, 1.0, math.inf), samples=FLOATS, ulp=2, flops=44,
                 gradient=lambda g, y, a: (g / ((a - 1.0).alu(SQRT) * (a + 1.0).alu(SQRT)),))
ATANH      = alu("atanh", "The inverse of tanh; infinite at -1 and 1, NaN outside.", 1, "float", mean.atanh,
                 samples=UNIT, ulp=2, flops=40,
                 gradient=lambda g, y, a: (g / ((1.0 - a) * (a + 1.0)),))
ERF        = alu("erf", "The error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to a.", 1,
                 "float", math.erf, samples=FLOATS, ulp=2, flops=40,
                 gradient=lambda g, y, a: (g * (a * a * -1.0).alu(EXP) * (1.0 / HALF_ROOT_PI),))
ERFC       = alu("erfc", "1 - erf(a), accurate where that is small.", 1, "float", math.erfc, samples=FLOATS,
                 ulp=2, flops=50,
                 gradient=lambda g, y, a: (g * (a * a * -1.0).alu(EXP) * (-1.0 / HALF_ROOT_PI),))
ERFINV     = alu("erfinv", "The inverse of erf; infinite at -1 and 1, NaN outside.", 1, "float", mean.erfinv,
                 samples=UNIT, ulp=2, flops=60,
                 gradient=lambda g, y, a: (g * (y * y).alu(EXP) * HALF_ROOT_PI,))
LGAMMA     = alu("lgamma", "log |Gamma(a)|; float64 loses digits near its zeros below 0.", 1, "float",
                 mean.lgamma, samples=FLOATS, ulp=2, flops=200, gradient=lambda g, y, a: (g * _digamma(a),))
POW        = alu("pow", "a to the power b; 1 if b is 0 or a is 1; NaN if a < 0 and b is no integer.", 2,
                 "float", mean.power, samples=FLOATS, ulp=2, flops=60, gradient=_pow_gradient)
CBRT       = alu("cbrt", "The cube root.", 1, "float", mean.cbrt, samples=FLOATS, ulp=2, flops=30,
                 gradient=lambda g, y, a: (g / (y * y * 3.0),))
RSQRT      = alu("rsqrt", "1 / sqrt(a).", 1, "float", mean.rsqrt, samples=FLOATS, ulp=2, flops=8,
                 gradient=lambda g, y, a: (g * y * y * y * -0.5,))
TRUNC      = alu("trunc", "Rounded to an integer toward zero.", 1, "float", mean.trunc, samples=FLOATS)
FLOOR      = alu("floor", "Rounded to an integer toward minus infinity.", 1, "float", mean.floor,
                 samples=FLOATS)
FMA        = alu("fma", "a * b + c, rounded once.", 3, "float", mean.fma, samples=FLOATS, flops=2)
CAST       = op("cast", "The value in another dtype.", "TKL", 1, "given", rule.elementwise, samples=BOTH,
                flops=1,
                gradient=lambda g, y, x: (g.cast(x.dtype) if x.dtype.is_float else None,))
BITCAST    = op("bitcast", "The same bits read as another dtype of the same size.", "TKL", 1, "given",
                rule.elementwise, flops=0)

# -- values and views (TENSOR) ---------------------------------------------------------------------------
CONST      = op("const", "A constant.", "TKL", 0, "given", rule.scalar)
BUFFER     = op("buffer", "A buffer of a device.", "T", 0, "given", rule.buffer)
VARIABLE   = op("variable", "The value of a variable.", "TKL", 0, "given", rule.scalar)
IOTA       = op("iota", "0, 1, ... size - 1.", "T", 0, "given", rule.iota)
RESHAPE    = op("reshape", "The same elements in row-major order under another shape.", "T", 1, "same",
                rule.reshape,
                gradient=lambda g, y, x: (g.reshape(x.shape),))
EXPAND     = op("expand", "Axes of size 1 repeated.", "T", 1, "same", rule.expand, gradient=_expand_gradient)
PERMUTE    = op("permute", "Axes in another order.", "T", 1, "same", rule.permute, gradient=_permute_gradient)
PAD        = op("pad", "Zeros before and after.", "T", 1, "same", rule.pad, gradient=_pad_gradient)
SHRINK     = op("shrink", "A box cut out.", "T", 1, "same", rule.shrink, gradient=_shrink_gradient)
VIEW       = op("view",
                "Affine: element o is x[begin + steps . o], 0 where that lies outside. Windows are views.",
                "T", 1, "same",
                rule.view, gradient=_view_gradient)
FLIP       = op("flip", "Axes run backwards.", "T", 1, "same", rule.first,
                gradient=lambda g, y, x: (g.flip(y.arg),))
GATHER     = op("gather",
                "Along axis arg the element that index names, which is clamped into the axis (torch.gather).",
                "T", 2, "first", rule.gather, flops=4, gradient=places.gather_gradient)
SCATTER    = op("scatter",
                "base with each value put or joined (arg[1]) where index names along axis arg[0], in "
                "row-major order; values for places outside are left out.",
                "T", 3, "first", rule.scatter, flops=4, gradient=places.scatter_gradient)
REDUCE     = op("reduce", "Elements joined by add, mul, max or min in any grouping.", "TK", None, "first",
                rule.reduce,
                gradient=_reduce_gradient)
CONTIGUOUS = op("contiguous", "The value, realized here.", "T", 1, "same", rule.first,
                gradient=lambda g, y, x: (g,))
DETACH     = op("detach", "The value, without a gradient.", "T", 1, "same", rule.first)
CUSTOM     = op("custom", "The first source; its gradient goes to the others, by a rule of the tape.",
                "T", None, "first", rule.first)
COPY       = op("copy", "The value on another device.", "T", 1, "same", rule.first,
                gradient=lambda g, y, x: (g.copy_to(x.device),))
ASSIGN     = op("assign", "The next version of a buffer.", "T", 2, "same", rule.first)
SINK       = op("sink", "All that is wanted.", "TK", None, "void", rule.scalar)

# -- kernels ---------------------------------------------------------------------------------------------
PARAM      = op("param", "A pointer of the argument block.", "KL", 0, "given", rule.scalar)
LOCAL      = op("local", "Scratch memory of one grid item.", "KL", 0, "given", rule.scalar)
RANGE      = op("range", "A loop; its value is the counter.", "KL", None, "given", rule.scalar)
INDEX      = op("index", "The address of an element, with a mask.", "KL", None, "given", rule.index)
LOAD       = op("load", "The element at an address; 0 where masked off.", "KL", None, "given", rule.load)
STORE      = op("store", "Write a value; KERNEL: or join it, by arg, to what is there.", "KL", None, "void",
                rule.scalar)
END        = op("end", "The end of loops.", "KL", None, "void", rule.scalar)
CARRY      = op("carry", "A value carried into this iteration.", "L", 1, "given", rule.carry)
RESULT     = op("result", "A carried value after the loop.", "L", 1, "given", rule.result)
BROADCAST  = op("broadcast", "A scalar in every lane.", "L", 1, "same", rule.lanes)
LANES      = op("lanes", "0, 1, ... lanes - 1.", "L", 0, "given", rule.lanes)
SLICE      = op("slice", "Neighbouring lanes.", "L", 1, "same", rule.slice_)
STACK      = op("stack", "Scalars as lanes.", "L", None, "same", rule.stack)
GRID       = op("grid", "Which item of the grid this is.", "L", 0, "given", rule.scalar)
CHOSEN     = op("chosen", "A clamped index that is a value, while its kernel is planned.", "", None, "given",
                rule.scalar)
# fmt: on

BY_NAME: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
REDUCERS: dict[str, Op] = {"add": ADD, "mul": MUL, "max": MAX, "min": MIN}
COMBINES: frozenset[str] = frozenset(("set", *REDUCERS))  # how SCATTER joins a value to what is there
MOVEMENT: frozenset[Op] = frozenset((RESHAPE, EXPAND, PERMUTE, PAD, SHRINK, VIEW, FLIP))
