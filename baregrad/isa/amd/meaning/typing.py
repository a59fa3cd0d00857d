"""Types and widths of the pseudocode: what a suffix says, what a literal becomes, how two values meet.

A literal gives way to the type of the other side; two values of different types meet as in C (the wider one,
unsigned if either is), and an assignment converts to the place's type. `either` and `when`
make branches. What is not here: names and statements (values.py, statements.py).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import NamedTuple

from baregrad.base.errors import BadFile
from baregrad.isa.meaning import OPS, U1, Node, Type, const, encode
from baregrad.isa.pseudocode import Node as Code
from baregrad.isa.pseudocode import written

I32, U32, I64, F32, F64 = Type("i", 32), Type("u", 32), Type("i", 64), Type("f", 32), Type("f", 64)
SUFFIX = re.compile(r"(bf|fp|[biuf])(\d*)")
NUMBER = re.compile(r"(?:(\d+):-?)?(0x[0-9a-fA-F]+|\d+\.\d*(?:[eE][-+]?\d+)?|\d+)(ULL|LL|U|L|F)?")
SIZES = {"ULL": Type("u", 64), "LL": I64, "L": I64, "U": U32, "F": F32, "": I32}


class Untyped(BadFile):
    """Pseudocode that has no meaning in our language; the message names the construct."""


def untyped(what: str, code: Code = "") -> Untyped:
    """The error for a construct."""
    return Untyped(
        what,
        why=written(code)[:200] or "the pseudocode",
        mend="write a row in isa/amd/meaning/rows_vector.py",
    )


class Number(NamedTuple):
    """A literal: its type is only what it has where no other type is wanted."""

    value: int | float
    type: Type


Value = Node | Number


def type_named(name: str) -> Type | None:
    """The type of a suffix; without bits it has 32. None for other words.

    >>> type_named("b64"), type_named("f"), type_named("X")
    (Type(kind='u', bits=64), Type(kind='f', bits=32), None)
    """
    match = SUFFIX.fullmatch(name)
    if match is None:
        return None
    return Type("u" if match[1] == "b" else match[1], int(match[2] or 32))


def cast_type(name: str) -> Type:
    """The type of a sized cast: 64F, 65B, 32U."""
    bits = re.match(r"\d+", name)
    assert bits is not None, f"{name} is no sized cast"
    kind = name[bits.end() :].lower()
    return Type("u" if kind == "b" else kind, int(bits[0]))


def number(text: str) -> Number:
    """A literal with a suffix or a size.

    >>> number("1:0U"), number("0.5"), number("16:1.0")
    (Number(value=0, type=Type(kind='u', bits=1)), Number(value=0.5, type=Type(kind='f', bits=64)), \
Number(value=1.0, type=Type(kind='f', bits=16)))
    """
    match = NUMBER.fullmatch(text)
    if match is None:
        raise untyped(f"no number {text!r}")
    size, digits, suffix = match.groups()
    if "." in digits:
        return Number(float(digits), Type("f", int(size or (32 if suffix == "F" else 64))))
    value = int(digits, 0)
    if size:
        return Number(value, Type("u" if suffix == "U" or digits.startswith("0x") else "i", int(size)))
    return Number(value, SIZES[suffix or ""])


def node(value: Value) -> Node:
    """A value with its type."""
    return const(value.type, encode(value.type, value.value)) if isinstance(value, Number) else value


def type_of(value: Value) -> Type:
    """Its type."""
    return value.type if isinstance(value, Number) else value.t


def as_type(value: Node, type: Type) -> Node:
    """The same bits as a type of as many."""
    if value.t == type:
        return value
    if value.op == "const":
        return const(type, value.arg)
    return as_type(value.src[0], type) if value.op == "as" else Node("as", type, (value,))


def bits_of(value: Value) -> Node:
    """The same bits as an unsigned integer."""
    made = node(value)
    return as_type(made, Type("u", made.t.bits))


def truth(value: Value) -> Value:
    """Whether a value is not 0."""
    if isinstance(value, Number):
        return Number(int(value.value != 0), U1)
    return value if value.t == U1 else Node("ne", U1, (value, const(value.t, 0)))


def fit(value: Value, type: Type) -> Node:
    """The value in another type, as an assignment converts it."""
    if isinstance(value, Number):
        if not type.is_float and isinstance(value.value, float):
            return const(type, encode(type, math.trunc(value.value)))
        return const(type, encode(type, value.value))
    if value.t == type:
        return value
    if value.t.bits == type.bits and not value.t.is_float and not type.is_float:
        return as_type(value, type)
    if value.op == "const" and not value.t.is_float and not type.is_float:
        signed = value.t.kind == "i" and value.arg >> (value.t.bits - 1)
        return const(type, value.arg - (1 << value.t.bits) if signed else value.arg)
    return Node("convert", type, (value,))


def low(value: Node, bits: int) -> Node:
    """The lowest bits."""
    if value.op == "const":
        return const(Type("u", bits), value.arg)
    return Node("slice", Type("u", bits), (value, const(Type("u", 64), 0)))


def reread(value: Value, type: Type) -> Value:
    """What `.T` gives: the same bits, the lowest of a wider value, zeros or the sign above a narrower one."""
    if isinstance(value, Number):
        if type.is_float and isinstance(value.value, int):
            return const(type, value.value)
        return Number(value.value, type)
    if value.t.bits < type.bits:
        whole = value if value.t.kind == "i" else bits_of(value)
        return as_type(fit(whole, Type(whole.t.kind, type.bits)), type)
    return as_type(value if value.t.bits == type.bits else low(bits_of(value), type.bits), type)


def meet(a: Value, b: Value) -> tuple[Value, Value]:
    """Two values of one type."""
    if isinstance(a, Number) and isinstance(b, Number):
        return a, b
    if isinstance(a, Number):
        made = literal(a, type_of(b))
        return made, fit(b, made.t)
    if isinstance(b, Number):
        made = literal(b, a.t)
        return fit(a, made.t), made
    if a.t == b.t:
        return a, b
    if a.t.is_float or b.t.is_float:
        wide = max((t for t in (a.t, b.t) if t.is_float), key=lambda t: t.bits)
    else:
        signed = a.t.kind == b.t.kind == "i"
        wide = Type("i" if signed else "u", max(a.t.bits, b.t.bits))
    return fit(a, wide), fit(b, wide)


def literal(value: Number, other: Type) -> Node:
    """A literal beside a value of a type: of that type, wider where it does not fit."""
    if other.is_float or isinstance(value.value, float):
        return fit(value, other if other.is_float else value.type)
    if other.bits < value.type.bits and value.value >= 1 << other.bits:
        return fit(value, value.type)
    return fit(value, other)


SIGNS: dict[str, str] = {
    "+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor", "<<": "shl", ">>": "shr",
    "==": "eq", "<": "lt", "<=": "le", ">": "lt", ">=": "le", "/": "div", "%": "remainder",
}  # fmt: skip
FOLDED: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "/": lambda a, b: a / b if isinstance(a, float) or isinstance(b, float) else int(a / b),
    "&": lambda a, b: int(a) & int(b), "|": lambda a, b: int(a) | int(b), "^": lambda a, b: int(a) ^ int(b),
    "%": lambda a, b: math.fmod(a, b) if isinstance(a, float) else int(math.fmod(a, b)),
    "<<": lambda a, b: int(a) << int(b), ">>": lambda a, b: int(a) >> int(b), "**": lambda a, b: a**b,
}  # fmt: skip
ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "<<"))
TESTS = frozenset(("==", "!=", "<", "<=", ">", ">="))


def binary(sign: str, a: Value, b: Value) -> Value:
    """An operation of two values."""
    if isinstance(a, Number) and isinstance(b, Number):
        made = FOLDED[sign](a.value, b.value)
        wide = a.type if a.type.is_float or (a.type.bits >= b.type.bits and not b.type.is_float) else b.type
        return Number(int(made), U1) if sign in TESTS else Number(made, wide)
    a, b = (promoted(sign, value) for value in (a, b))
    if sign in ("<<", ">>"):
        return shift(sign, node(a), b)
    if sign == "**":
        return power(a, b)
    left, right = (node(value) for value in meet(a, b))
    if sign == "+" and not left.t.is_float and right.op == "const":
        return plus(left, right)
    if sign == "!=":
        return unequal(left, right)
    op = SIGNS[sign]
    if sign == "/" and not left.t.is_float:
        op = "quotient"
    if sign in (">", ">="):
        left, right = right, left
    if OPS[op].rule == "int" and left.t.is_float:
        raise untyped(f"{sign} of {left.t.name}")
    return Node(op, U1 if sign in TESTS else left.t, (left, right))


def promoted(sign: str, value: Value) -> Value:
    """A piece of a register in a sum, a product or a shift: as C does, in 32 bits. 16 bits are types of
    instructions and wrap.
    """
    if sign not in ARITHMETIC or isinstance(value, Number) or value.t.is_float or value.t.bits >= 16:
        return value
    return fit(value, Type(value.t.kind, 32))


def plus(value: Node, number: Node) -> Node:
    """A sum with a number; two numbers become one."""
    if value.op == "add" and value.src[1].op == "const":
        return plus(value.src[0], const(value.t, value.src[1].arg + number.arg))
    return Node("add", value.t, (value, number)) if number.arg else value


def shift(sign: str, a: Node, count: Value) -> Node:
    """A shift; the count keeps its own type, and is unsigned."""
    if isinstance(count, Number):
        return Node(SIGNS[sign], a.t, (a, const(Type("u", 64), int(count.value))))
    return Node(SIGNS[sign], a.t, (a, bits_of(count)))


def power(a: Value, b: Value) -> Node:
    """2 to a power: of an integer, exactly; of a float, rounded."""
    if not isinstance(a, Number) or a.value != 2 or isinstance(b, Number):
        raise untyped("a power of another number than 2")
    if b.t.is_float:
        return Node("exp2", b.t, (b,))
    return Node("ldexp", a.type, (fit(Number(1.0, a.type), a.type), fit(b, I32)))


def unequal(a: Node, b: Node) -> Node:
    """`!=` and `<>`, which floats use for less or greater: false if either is NaN."""
    if not a.t.is_float:
        return Node("ne", U1, (a, b))
    return Node("or", U1, (Node("lt", U1, (a, b)), Node("lt", U1, (b, a))))


def choose(condition: Value, a: Value, b: Value) -> Value:
    """One of two values."""
    if isinstance(condition, Number):
        return a if condition.value else b
    left, right = meet(a, b)
    if isinstance(left, Number) and isinstance(right, Number):
        wide = left.type if left.type.bits >= right.type.bits else right.type
        left, right = fit(left, wide), fit(right, wide)
    first, second = node(left), node(right)
    return Node("select", first.t, (node(truth(condition)), first, second))


def when(condition: Node, inside: tuple[Node, ...]) -> Node:
    """Statements under a condition."""
    return either(condition, inside, ())


def either(condition: Node, then: tuple[Node, ...], otherwise: tuple[Node, ...]) -> Node:
    """One of two."""
    return Node("if", None, (condition, Node("block", None, then), Node("block", None, otherwise)))
