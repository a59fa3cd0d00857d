"""What each dtype and each elementwise op is in C11: one row a dtype, one row an op. Read this before c.py.

A row has an expression for each kind of source ("bool", "int", "uint", "float"), for a pair of kinds where
the result's matters, or for "any"; and shorter ones for where a condition of CONDITIONS is known to hold. In
expressions a b c are the sources, which have no side effects and may stand twice; t is the result's type, s
the source's, w the unsigned type that its integers are computed in (where overflow wraps, as in no signed
type), bits its width, f the ending of its functions' names. The value of an expression is converted to the
result's type when it is stored, which wraps integers and rounds floats.
What is not here: memory, loops and lanes (c.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from baregrad import dtype as dt
from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, bounds, exact, ops


@dataclass(frozen=True, slots=True)
class CType:
    """A dtype in C: its type, the unsigned type that it is computed in, the ending of its literals and of its
    functions in math.h.
    """

    name: str
    kind: str
    work: str = ""
    literal: str = ""
    ending: str = ""


# fmt: off
TYPES: Mapping[DType, CType] = {
    dt.bool_:   CType("bool",     "bool"),
    dt.int8:    CType("int8_t",   "int",   "uint32_t"),
    dt.int16:   CType("int16_t",  "int",   "uint32_t"),
    dt.int32:   CType("int32_t",  "int",   "uint32_t"),
    dt.int64:   CType("int64_t",  "int",   "uint64_t", "LL"),
    dt.uint8:   CType("uint8_t",  "uint",  "uint32_t", "u"),
    dt.uint16:  CType("uint16_t", "uint",  "uint32_t", "u"),
    dt.uint32:  CType("uint32_t", "uint",  "uint32_t", "u"),
    dt.uint64:  CType("uint64_t", "uint",  "uint64_t", "ULL"),
    dt.float32: CType("float",    "float", literal="f", ending="f"),
    dt.float64: CType("double",   "float"),
}
# fmt: on


def in_double(name: str, sources: str = "a") -> dict[str, str]:
    """A function of math.h that is computed in double and then rounded: 0.5 ulp for float, nearly always."""
    return {"float": f"{name}({', '.join(f'(double){{{source}}}' for source in sources)})"}


UNLIKE = "{a} % {b} && ({a} % {b} < 0) != ({b} < 0)"  # C divides toward zero: the quotient is one too high
FLOOR_DIVIDE = f"{{b}} == 0 ? 0 : {{b}} == -1 ? 0 - ({{w}}){{a}} : {{a}} / {{b}} - ({UNLIKE})"
FLOOR_REST = f"{{b}} == 0 ? {{a}} : {{b}} == -1 ? 0 : {{a}} % {{b}} + ({UNLIKE} ? {{b}} : 0)"

# An expression is one line, as in the table of ops.
# fmt: off
ROWS: Mapping[Op, Mapping[str, str]] = {
    ops.ADD:        {"bool": "{a} + {b}", "any": "({w}){a} + ({w}){b}", "float": "{a} + {b}",
                     "exact": "{a} + {b}"},
    ops.SUB:        {"bool": "{a} - {b}", "any": "({w}){a} - ({w}){b}", "float": "{a} - {b}",
                     "exact": "{a} - {b}"},
    ops.MUL:        {"bool": "{a} * {b}", "any": "({w}){a} * ({w}){b}", "float": "{a} * {b}",
                     "exact": "{a} * {b}"},
    ops.DIV:        {"float": "{a} / {b}"},
    ops.NEG:        {"bool": "{a}", "any": "0 - ({w}){a}", "float": "-{a}", "exact": "-{a}"},
    ops.IDIV:       {"int": FLOOR_DIVIDE, "uint": "{b} == 0 ? 0 : {a} / {b}", "natural": "{a} / {b}"},
    ops.MOD:        {"int": FLOOR_REST, "uint": "{b} == 0 ? {a} : {a} % {b}", "natural": "{a} % {b}"},
    ops.MAX:        {"any": "{a} > {b} ? {a} : {b}", "float": "{a} != {a} || {a} > {b} ? {a} : {b}"},
    ops.MIN:        {"any": "{a} < {b} ? {a} : {b}", "float": "{a} != {a} || {a} < {b} ? {a} : {b}"},
    ops.AND:        {"any": "{a} & {b}"},
    ops.OR:         {"any": "{a} | {b}"},
    ops.XOR:        {"any": "{a} ^ {b}"},
    ops.NOT:        {"bool": "!{a}", "any": "~{a}"},
    ops.SHL:        {"any": "({w}){b} < {bits} ? ({w}){a} << {b} : 0", "in_width": "({w}){a} << {b}"},
    ops.SHR:        {"int": "{a} >> (({w}){b} < {bits} ? {b} : {bits} - 1)",
                     "uint": "{b} < {bits} ? {a} >> {b} : 0", "in_width": "{a} >> {b}"},
    ops.CMPLT:      {"any": "{a} < {b}"},
    ops.CMPLE:      {"any": "{a} <= {b}"},
    ops.CMPEQ:      {"any": "{a} == {b}"},
    ops.CMPNE:      {"any": "{a} != {b}"},
    ops.SELECT:     {"any": "{a} ? {b} : {c}"},
    ops.SQRT:       {"float": "sqrt{f}({a})"},
    ops.RECIPROCAL: {"float": "1 / {a}"},
    ops.TRUNC:      {"float": "trunc{f}({a})"},
    ops.FLOOR:      {"float": "floor{f}({a})"},
    ops.FMA:        {"float": "fma{f}({a}, {b}, {c})"},
    ops.EXP:        in_double("exp"),
    ops.LOG:        in_double("log"),
    ops.EXP2:       in_double("exp2"),
    ops.LOG2:       in_double("log2"),
    ops.EXPM1:      in_double("expm1"),
    ops.LOG1P:      in_double("log1p"),
    ops.LOG10:      in_double("log10"),
    ops.SIN:        in_double("sin"),
    ops.COS:        in_double("cos"),
    ops.TAN:        in_double("tan"),
    ops.ASIN:       in_double("asin"),
    ops.ACOS:       in_double("acos"),
    ops.ATAN:       in_double("atan"),
    ops.ATAN2:      in_double("atan2", "ab"),
    ops.SINH:       in_double("sinh"),
    ops.COSH:       in_double("cosh"),
    ops.TANH:       in_double("tanh"),
    ops.ASINH:      in_double("asinh"),
    ops.ACOSH:      in_double("acosh"),
    ops.ATANH:      in_double("atanh"),
    ops.ERF:        in_double("erf"),
    ops.ERFC:       in_double("erfc"),
    ops.POW:        in_double("pow", "ab"),
    ops.CBRT:       in_double("cbrt"),
    ops.RSQRT:      in_double("1 / sqrt"),
    ops.CAST:       {"any": "({t}){a}",
                     "float>int": "{a} != {a} ? 0 : {a} < {least} ? {low} : {a} < {over} ? ({t}){a} : {high}",
                     "float>uint": "{a} > 0 ? ({a} < {over} ? ({t}){a} : {high}) : 0"},
    ops.BITCAST:    {"any": "BITS_AS({t}, {s}, {a})", "uint>bool": "{a} != 0", "int>bool": "{a} != 0"},
}
# fmt: on


def in_width(node: UOp) -> bool:
    """Whether a shift surely shifts by less than the width."""
    low, high = bounds(node.src[1])
    return low >= 0 and high < node.dtype.bits


def natural(node: UOp) -> bool:
    """Whether a division surely has no negative source and does not divide by 0."""
    return bounds(node.src[0])[0] >= 0 and bounds(node.src[1])[0] > 0


CONDITIONS: Mapping[str, Callable[[UOp], bool]] = {"exact": exact, "in_width": in_width, "natural": natural}
"""What the bounds of an integer node can show."""

PRELUDE = """\
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
_Static_assert(FLT_EVAL_METHOD == 0, "each operation is rounded to its own type");
#define BITS_AS(to, from, x) (((union { from a; to b; }){ .a = (x) }).b)
"""
"""What stands before every kernel; it may stand before several in one file."""


def c_type(dtype: DType) -> CType:
    """The row of a dtype. Errors: CompileError where C has no such type."""
    found = TYPES.get(dtype)
    if found is None:
        raise CompileError(
            f"{dtype} in C",
            why=f"C has types for {', '.join(d.name for d in TYPES)}",
            mend="lower for a target whose native dtypes are those",
        )
    return found


def expression(node: UOp) -> str:
    """The expression of an elementwise node, with {0} {1} {2} for its sources.

    Errors: CompileError for an op without row, and for a dtype that its row has no expression for.
    """
    known = ""
    if node.dtype.is_int:
        known = next(
            (key for key in ROWS.get(node.op, ()) if key in CONDITIONS and CONDITIONS[key](node)), ""
        )
    return _expression(node.op, node.src[-1].dtype, node.dtype, known)


@memo
def _expression(op: Op, source: DType, result: DType, known: str) -> str:
    """The expression of an op; `source` is its last source's dtype, `known` a condition that holds."""
    forms, of, to = ROWS.get(op, {}), c_type(source), c_type(result)
    form = forms.get(known) or forms.get(f"{of.kind}>{to.kind}") or forms.get(of.kind) or forms.get("any")
    if form is None:
        raise CompileError(
            f"no C expression for {op} of {source}",
            why="its row in render/text/c_rows.py has none for this kind of dtype",
            mend="add one, or lower for a target without the op",
        )
    facts = {
        "a": "{0}",
        "b": "{1}",
        "c": "{2}",
        "t": to.name,
        "s": of.name,
        "w": of.work,
        "bits": source.bits,
    }
    if source.is_float and result.is_int:
        low, high = int(result.min), int(result.max)
        facts |= {"low": literal(low, result), "high": literal(high, result)}
        facts |= {"least": literal(float(low), source), "over": literal(float(high + 1), source)}
    return form.format(**facts, f=of.ending)


def literal(value: bool | int | float, dtype: DType) -> str:
    """A constant in C, in brackets where it has a sign.

    >>> literal(-1.5, dt.float32), literal(-(2**31), dt.int32), literal(7, dt.uint64)
    ('(-1.5f)', '(-2147483647 - 1)', '7ULL')
    """
    ending = c_type(dtype).literal
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value < 0 and value == dtype.min:
            return f"(-{-1 - value}{ending} - 1)"
        return f"(-{-value}{ending})" if value < 0 else f"{value}{ending}"
    if value != value:
        return "NAN"
    text = "INFINITY" if math.isinf(value) else f"{abs(value)!r}{ending}"
    return f"(-{text})" if math.copysign(1.0, value) < 0 else text
