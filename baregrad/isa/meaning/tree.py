"""Meaning trees: what an instruction does, as data. One small language for every instruction set.

A meaning is a list of statements over variables that are bits: operands, flags, register files, and names of
its own. A value has a type (`u32`, `i32`, `f32`, `bf16`, `u1` …: what its bits are read as); every node knows
its own, found when it is parsed, so that whoever runs or translates a tree decides nothing. Example, the text
of a packed addition and of an unsigned compare-and-carry:

    for i in dst.f32 { dst.f32[i] = a.f32[i] + b.f32[i] }
    r = a + b; CF = r < a; ZF = r == u32(0); dst = r

`x.T[i]` is element i of x as a vector of T, `x.T` the same bits as T, `x[7:4]` and `x[n]` bits, `T(x)` the
*value* in another type. Operations mean what the type of their operands says; the rows of OPS tell the rest.
Nothing here runs anything: text.py has the text form, values.py the arithmetic, worlds.py the order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple


class Type(NamedTuple):
    """What bits are read as: kind "u", "i", "f", "fp" (small floats with more mantissa: fp8 is E4M3, fp6
    E2M3, fp4 E2M1) or "bf" (with more exponent: bfloat16, bf8 is E5M2, bf6 E3M2), and how many there are.
    """

    kind: str
    bits: int

    @property
    def is_float(self) -> bool:
        """Whether it is a float."""
        return self.kind not in "ui"

    @property
    def name(self) -> str:
        """As the text writes it."""
        return f"{self.kind}{self.bits}"


TYPE_NAME = re.compile(r"(?:([ui])([1-9]\d*)|(f)(16|32|64)|(bf)(16|8|6)|(fp)(8|6|4))$")


def type_of(name: str) -> Type | None:
    """The type of that name, None if it is none.

    >>> type_of("f32"), type_of("u1"), type_of("count")
    (Type(kind='f', bits=32), Type(kind='u', bits=1), None)
    """
    found = TYPE_NAME.match(name)
    if found is None:
        return None
    kind, bits = (part for part in found.groups() if part)
    return Type(kind, int(bits))


U1, U64, I32 = Type("u", 1), Type("u", 64), Type("i", 32)


@dataclass(frozen=True, slots=True)
class Node:
    """One expression or statement (`type` None). `arg` is plain data: see OPS and STATEMENTS."""

    op: str
    type: Type | None
    src: tuple[Node, ...] = ()
    arg: Any = None  # a const's bits (int), a name (str), a loop's (name, count)

    @property
    def t(self) -> Type:
        """The type of an expression."""
        assert self.type is not None, f"{self.op} is a statement"
        return self.type


class Row(NamedTuple):
    """One operation. `rule` says what types it takes and gives; `symbol` is its sign in the text."""

    name: str
    arity: int
    rule: str
    symbol: str
    doc: str


# rule      sources                          result
# same      all of one type                  that type
# int       all of one integer type          that type
# float     all of one float type            that type
# shift     any, then an integer             the first one's type
# test      two of one type                  u1
# scale     any float, then an i32           the first one's type
# given     as the row says                  written in the text
# fmt: off
ROWS: tuple[Row, ...] = (
    Row("add",       2, "same",  "+",  "Integers wrap; floats are rounded to nearest even, as everywhere."),
    Row("sub",       2, "same",  "-",  "As add."),
    Row("mul",       2, "same",  "*",  "As add."),
    Row("div",       2, "float", "/",  "Floats alone."),
    Row("neg",       1, "same",  "-",  "Integers wrap; floats change their sign bit, a NaN's too."),
    Row("and",       2, "int",   "&",  "Bits."),
    Row("or",        2, "int",   "|",  "Bits."),
    Row("xor",       2, "int",   "^",  "Bits."),
    Row("not",       1, "int",   "~",  "Bits."),
    Row("shl",       2, "shift", "<<", "By an unsigned count; all bits go out from the width on."),
    Row("shr",       2, "shift", ">>", "As shl; i keeps its sign, so that from the width on it is 0 or -1."),
    Row("eq",        2, "test",  "==", "False if either is NaN; -0.0 equals 0.0."),
    Row("ne",        2, "test",  "!=", "Not eq: true if either is NaN."),
    Row("lt",        2, "test",  "<",  "False if either is NaN."),
    Row("le",        2, "test",  "<=", "False if either is NaN."),
    Row("quotient",  2, "int",   "",   "Rounded toward zero; 0 for a divisor 0."),
    Row("remainder", 2, "int",   "",   "a - quotient(a, b) * b: it has the sign of a."),
    Row("sqrt",      1, "float", "",   "Correctly rounded."),
    Row("fma",       3, "float", "",   "a * b + c, rounded once."),
    Row("exp2",      1, "float", "",   "2 to a power; this and the next three: made in float64, rounded."),
    Row("log2",      1, "float", "",   "The logarithm to 2; NaN below zero, -infinity of zero."),
    Row("sin",       1, "float", "",   "Of radians; NaN of infinity."),
    Row("cos",       1, "float", "",   "As sin."),
    Row("ldexp",     2, "scale", "",   "a * 2**n, rounded once."),
    Row("trunc",     1, "float", "",   "To an integer toward zero; the sign of zero is kept."),
    Row("floor",     1, "float", "",   "To an integer below."),
    Row("ceil",      1, "float", "",   "To an integer above."),
    Row("even",      1, "float", "",   "To the nearest integer, ties to even."),
    Row("select",    3, "given", "?:", "(condition u1, a, b): a if it is 1, else b."),
    Row("convert",   1, "given", "T()", "The value in another type: integers wrap, floats are rounded, "
        "a float as an integer is cut toward zero and saturates, NaN is 0."),
    Row("as",        1, "given", ".T", "The same bits."),
    Row("element",   2, "given", ".T[]", "(x, i): element i of x as a vector of T; 0 beyond its end."),
    Row("slice",     2, "given", "[:]", "(x, low): bits from low up; 0 beyond its end."),
    Row("cat",       2, "given", "",   "(high, low): bits side by side."),
)
# fmt: on
OPS: dict[str, Row] = {row.name: row for row in ROWS}
"""Operations by name. A NaN that an operation makes is one value; its sign and payload mean nothing."""

LEAVES = {
    "const": "A constant; arg is its bits.",
    "var": "A variable as a whole; arg is its name.",
    "index": "A loop's counter, as u64; arg is its name.",
    "load": 'Memory at an address (source, u64); arg is the space: "", or another memory by its name (lds).',
    "address": "The effective address of a memory operand (arg: its name); source: which lane, of many.",
    "undefined": "Any value: the manual promises none.",
}
STATEMENTS = {
    "set": "(place, value): a variable, or an element or slice of one, becomes value.",
    "store": "(address, value) to memory; arg is the space, as a load's.",
    "for": "arg (name, count); the sources are done for 0, 1 … count - 1.",
    "if": "(condition, then as a block, else as a block).",
    "block": "The sources in order.",
    "trap": "(condition): where it holds the instruction faults; arg is the fault's name.",
}
assert not set(OPS) & (set(LEAVES) | set(STATEMENTS)), "a name of a node has one meaning"

Tree = tuple[Node, ...]
"""A meaning: its statements, in order. Operands hold what they had before, until they are set."""


def const(type: Type, value: int) -> Node:
    """A constant of an integer type, or of a float type by its bits."""
    return Node("const", type, (), value & ((1 << type.bits) - 1))


def walk(tree: Tree) -> list[Node]:
    """Every node, statements and expressions, outer ones first."""
    found: list[Node] = []
    rest = list(reversed(tree))
    while rest:
        node = rest.pop()
        found.append(node)
        rest.extend(reversed(node.src))
    return found


def written(tree: Tree) -> frozenset[str]:
    """The names of the variables that a meaning sets."""
    places = (node.src[0] for node in walk(tree) if node.op == "set")
    return frozenset(place.arg if place.op == "var" else place.src[0].arg for place in places)
