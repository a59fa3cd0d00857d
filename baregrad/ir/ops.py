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


# -- meanings that need more than an expression ----------------------------------------------------------


def _idiv(a: int, b: int) -> int:
    return a // b if b else 0


def _mod(a: int, b: int) -> int:
    return a % b if b else a


def _shl(a: int, b: int) -> int:
    return a << b if 0 <= b < 64 else 0


def _shr(a: int, b: int) -> int:
    return a >> b if 0 <= b < 64 else (-1 if a < 0 else 0)


def _maximum(a: Any, b: Any) -> Any:
    return a if a != a or a > b else b


def _minimum(a: Any, b: Any) -> Any:
    return a if a != a or a < b else b


def _div(a: float, b: float) -> float:
    if b:
        return a / b
    if a != a or b != b or not a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _sqrt(a: float) -> float:
    return math.sqrt(a) if a >= 0 else (a if a == 0 else math.nan)


def _exp(a: float) -> float:
    return math.exp(a) if a < 709.0 else (math.nan if a != a else math.inf)


def _exp2(a: float) -> float:
    return 2.0**a if a < 1023.0 else (math.nan if a != a else math.inf)


def _log(a: float) -> float:
    return math.log(a) if a > 0 else (-math.inf if a == 0 else math.nan)


def _log2(a: float) -> float:
    return math.log2(a) if a > 0 else (-math.inf if a == 0 else math.nan)


def _trunc(a: float) -> float:
    return math.copysign(float(math.trunc(a)), a) if math.isfinite(a) else a


def _floor(a: float) -> float:
    return math.copysign(float(math.floor(a)), a) if math.isfinite(a) else a


def _not(a: int) -> int:
    return not a if isinstance(a, bool) else ~a


def _fma(a: float, b: float, c: float) -> float:
    """Exact for float32 sources: the float64 sum is rounded to odd, so that rounding it again to float32 is
    right.
    """
    product = a * b
    total = product + c
    if not math.isfinite(total) or total == 0.0:
        return total
    back = total - product
    error = (product - (total - back)) + (c - back)
    if error == 0.0:
        return total
    if math.frexp(total)[0] * 2.0**53 % 2 == 0:  # even last bit: go to the odd neighbour on the error's side
        return math.nextafter(total, math.inf if error > 0 else -math.inf)
    return total


LN2 = math.log(2.0)
FLOATS: Samples = (0.0, -0.0, 1.0, -1.5, 3.25, 1e-40, 3e38, math.inf, -math.inf, math.nan)
INTS: Samples = (0, 1, -1, 2, 7, -8, 31, 2**31 - 1, -(2**31))
BOTH: Samples = FLOATS + INTS


def _extreme_gradient(g: Any, first: Any, second: Any) -> tuple[Any, ...]:
    """To the source that was chosen; half to each if they are equal."""
    half, none = g * 0.5, g * 0.0
    return (first.where(g, second.where(none, half)), second.where(g, first.where(none, half)))


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

    Each row gives one axis of y as that of its source axis, the one with the least step; steps above 1 are
    undone by putting zeros between g's elements first. Where g is a product with a factor that is the same
    for all windows (the filters of a convolution), only the other factor is viewed: outside, zeros are
    multiplied by the filters, as the padding is going forward.
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
        primary.append(min(mine, key=lambda axis: abs(rows[row][1][axis])))
    others = [axis for axis in range(len(shape)) if axis not in primary]
    wide = (*x.shape, *(shape[axis] for axis in others))
    windows, same = _same_in_windows(g, rows, primary, x.shape)
    viewed = _windows_of(windows, rows, primary, others, wide)
    if same is not None:
        turned = same.permute((*primary, *others))
        viewed = viewed * turned.expand(wide)
    return (viewed.reduce("add", tuple(range(len(primary), len(wide)))).reshape(x.shape),)


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
        if rows[row][1][axis] > 1:
            g = _spread(g, axis, rows[row][1][axis])
    place = {axis: i for i, axis in enumerate([*primary, *others])}
    back = []
    for axis in range(len(place)):
        steps = [0] * len(place)
        steps[place[axis]] = 1
        begin = 0
        if axis in primary:
            begin, along = rows[primary.index(axis)]
            begin = -begin
            for other in others:
                steps[place[other]] = -along[other]
        back.append((begin, tuple(steps)))
    return g.view(wide, tuple(back))


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
DIV        = alu("div", "a / b of floats, correctly rounded.", 2, "float", _div, symbol="/", samples=FLOATS,
                 flops=4,
                 gradient=lambda g, y, a, b: (g / b, -(g * y) / b))
NEG        = alu("neg", "-a.", 1, "same", lambda a: -a, samples=BOTH,
                 gradient=lambda g, y, a: (-g,))
IDIV       = alu("idiv", "a // b of integers, to minus infinity; a // 0 is 0.", 2, "int", _idiv, symbol="//",
                 samples=INTS, flops=8)
MOD        = alu("mod", "a - a // b * b of integers; a % 0 is a.", 2, "int", _mod, symbol="%", samples=INTS,
                 flops=8)
MAX        = alu("max", "The greater; NaN if either is NaN; b if equal.", 2, "same", _maximum, samples=BOTH,
                 gradient=lambda g, y, a, b: _extreme_gradient(g, a > b, b > a))
MIN        = alu("min", "The smaller; NaN if either is NaN; b if equal.", 2, "same", _minimum, samples=BOTH,
                 gradient=lambda g, y, a, b: _extreme_gradient(g, a < b, b < a))
AND        = alu("and", "Bits of a and b.", 2, "bits", lambda a, b: a & b, commutes=True, symbol="&",
                 samples=INTS)
OR         = alu("or", "Bits of a or b.", 2, "bits", lambda a, b: a | b, commutes=True, symbol="|",
                 samples=INTS)
XOR        = alu("xor", "Bits of a that differ from b.", 2, "bits", lambda a, b: a ^ b, commutes=True,
                 symbol="^", samples=INTS)
NOT        = alu("not", "All bits flipped.", 1, "bits", _not, samples=INTS)
SHL        = alu("shl", "a shifted left by b; 0 unless 0 <= b < bits.", 2, "int", _shl, symbol="<<",
                 samples=INTS)
SHR        = alu("shr", "a shifted right by b, sign kept; only sign unless 0 <= b < bits.", 2, "int", _shr,
                 symbol=">>", samples=INTS)
CMPLT      = alu("cmplt", "a < b.", 2, "bool", lambda a, b: a < b, symbol="<", samples=BOTH)
CMPLE      = alu("cmple", "a <= b.", 2, "bool", lambda a, b: a <= b, symbol="<=", samples=BOTH)
CMPEQ      = alu("cmpeq", "a == b.", 2, "bool", lambda a, b: a == b, commutes=True, symbol="==", samples=BOTH)
CMPNE      = alu("cmpne", "a != b.", 2, "bool", lambda a, b: a != b, commutes=True, symbol="!=", samples=BOTH)
SELECT     = alu("select", "a where the mask is true, else b.", 3, "select", lambda m, a, b: a if m else b,
                 samples=BOTH,
                 gradient=lambda g, y, m, a, b: (None, m.where(g, g * 0.0), m.where(g * 0.0, g)))
SQRT       = alu("sqrt", "The square root, correctly rounded.", 1, "float", _sqrt, samples=FLOATS, flops=4,
                 gradient=lambda g, y, a: (g * 0.5 / y,))
RECIPROCAL = alu("reciprocal", "1 / a, correctly rounded.", 1, "float", lambda a: _div(1.0, a),
                 samples=FLOATS, flops=4,
                 gradient=lambda g, y, a: (-(g * y * y),))
EXP        = alu("exp", "e to the power a.", 1, "float", _exp, samples=FLOATS, ulp=2, flops=12,
                 gradient=lambda g, y, a: (g * y,))
LOG        = alu("log", "The natural logarithm.", 1, "float", _log, samples=FLOATS, ulp=2, flops=14,
                 gradient=lambda g, y, a: (g / a,))
EXP2       = alu("exp2", "2 to the power a.", 1, "float", _exp2, samples=FLOATS, ulp=2, flops=10,
                 gradient=lambda g, y, a: (g * y * LN2,))
LOG2       = alu("log2", "The logarithm to base 2.", 1, "float", _log2, samples=FLOATS, ulp=2, flops=12,
                 gradient=lambda g, y, a: (g / (a * LN2),))
TANH       = alu("tanh", "The hyperbolic tangent.", 1, "float", math.tanh, samples=FLOATS, ulp=2, flops=20,
                 gradient=lambda g, y, a: (g * (1.0 - y * y),))
TRUNC      = alu("trunc", "Rounded to an integer toward zero.", 1, "float", _trunc, samples=FLOATS)
FLOOR      = alu("floor", "Rounded to an integer toward minus infinity.", 1, "float", _floor, samples=FLOATS)
FMA        = alu("fma", "a * b + c, rounded once.", 3, "float", _fma, samples=FLOATS, flops=2)
CAST       = op("cast", "The value in another dtype.", "TKL", 1, "given", rule.elementwise, samples=BOTH,
                flops=1,
                gradient=lambda g, y, x: (g.cast(x.dtype) if x.dtype.is_float else None,))
BITCAST    = op("bitcast", "The same bits read as another dtype of the same size.", "TKL", 1, "given",
                rule.elementwise, flops=0)

# -- values and views (TENSOR) ---------------------------------------------------------------------------
CONST      = op("const", "A constant.", "TKL", 0, "given", rule.scalar)
BUFFER     = op("buffer", "A buffer of a device.", "T", 0, "given", rule.buffer)
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
REDUCE     = op("reduce", "Elements joined by add, mul, max or min in any grouping.", "TK", None, "first",
                rule.reduce,
                gradient=_reduce_gradient)
CONTIGUOUS = op("contiguous", "The value, realized here.", "T", 1, "same", rule.first,
                gradient=lambda g, y, x: (g,))
DETACH     = op("detach", "The value, without a gradient.", "T", 1, "same", rule.first)
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
STORE      = op("store", "Write a value.", "KL", None, "void", rule.scalar)
END        = op("end", "The end of loops.", "KL", None, "void", rule.scalar)
CARRY      = op("carry", "A value carried into this iteration.", "L", 1, "given", rule.carry)
RESULT     = op("result", "A carried value after the loop.", "L", 1, "given", rule.result)
BROADCAST  = op("broadcast", "A scalar in every lane.", "L", 1, "same", rule.lanes)
LANES      = op("lanes", "0, 1, ... lanes - 1.", "L", 0, "given", rule.lanes)
SLICE      = op("slice", "Neighbouring lanes.", "L", 1, "same", rule.slice_)
STACK      = op("stack", "Scalars as lanes.", "L", None, "same", rule.stack)
GRID       = op("grid", "Which item of the grid this is.", "L", 0, "given", rule.scalar)
# fmt: on

BY_NAME: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
REDUCERS: dict[str, Op] = {"add": ADD, "mul": MUL, "max": MAX, "min": MIN}
MOVEMENT: frozenset[Op] = frozenset((RESHAPE, EXPAND, PERMUTE, PAD, SHRINK, VIEW, FLIP))
