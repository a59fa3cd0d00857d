"""What a variable holds when it is lifted: bits that are known, expressions, and rows of both.

A value is an int (known bits), a UOp (its dtype is its type), or a tuple of parts from the lowest bits up, as
a vector register is. Reading gives the smallest thing that has those bits: a lane that was written as float32
comes back as the very node, without a shift. Integers wider than 64 bits have dtypes of their own here
(`uint128`): proofs read them; code for them would be made by taking them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.dtype import DType, Kind
from baregrad.ir import UOp, const, ops
from baregrad.isa.meaning import FLOATS, Type, decode


class Part(NamedTuple):
    """Neighbouring bits of a value: an int or a UOp, and its type."""

    type: Type
    value: int | UOp


Value = int | UOp | tuple[Part, ...]
"""Bits: known, an expression, or parts of both kinds."""


@memo
def dtype_of(type: Type) -> DType:
    """The dtype of a type: u1 is bool; integers of other sizes get one of their own."""
    if type.is_float:
        return FLOATS[type.name]
    if type == Type("u", 1):
        return dt.bool_
    name = f"{'' if type.kind == 'i' else 'u'}int{type.bits}"
    found = dt.BY_NAME.get(name)
    return found or DType(name, type.bits, Kind.INT if type.kind == "i" else Kind.UINT)


@memo
def type_of(dtype: DType) -> Type:
    """The type of a dtype."""
    if dtype is dt.bool_:
        return Type("u", 1)
    if dtype.is_float:
        return next(Type(name.rstrip("0123456789"), d.bits) for name, d in FLOATS.items() if d is dtype)
    return Type("i" if dtype.kind is Kind.INT else "u", dtype.bits)


def variable(name: str, dtype: DType) -> UOp:
    """A leaf: a value that comes from outside."""
    return UOp(ops.PARAM, dtype, (), (name, 1))


def node_of(value: int | UOp, type: Type) -> UOp:
    """A value as a node."""
    if isinstance(value, UOp):
        return value
    number = decode(type, value)
    return const(bool(number) if type == Type("u", 1) else number, dtype_of(type))


def retype(value: int | UOp, type: Type, depth: int = 5) -> int | UOp:
    """The same bits as another type of as many; `depth` choices within each other are retyped inside."""
    if isinstance(value, int):
        return value
    wanted = dtype_of(type)
    while value.op is ops.BITCAST:
        value = value.src[0]
    if value.dtype is wanted:
        return value
    if value.op is ops.SELECT and depth:  # the choice is among values: their bits may be known
        a, b = (retype(source, type, depth - 1) for source in value.src[1:])
        return UOp(ops.SELECT, wanted, (value.src[0], node_of(a, type), node_of(b, type)))
    if value.op is ops.CONST:
        bits = dt.to_bits(value.dtype, value.arg) if value.dtype.bits <= 64 else value.arg
        return node_of(bits & ((1 << type.bits) - 1), type)
    return UOp(ops.BITCAST, wanted, (value,))


def parts_of(value: Value, bits: int) -> tuple[Part, ...]:
    """A value of so many bits as parts."""
    if isinstance(value, tuple):
        return value
    return (Part(Type("u", bits) if isinstance(value, int) else type_of(value.dtype), value),)


def cut(part: Part, low: int, bits: int) -> int | UOp:
    """Bits of a part, as unsigned."""
    type = Type("u", bits)
    if isinstance(part.value, int):
        return part.value >> low & ((1 << bits) - 1)
    whole = node_of(retype(part.value, Type("u", part.type.bits)), part.type)
    if whole.op is ops.SELECT and whole.src[1].op is ops.CONST and whole.src[2].op is ops.CONST:
        a, b = (source.arg >> low & ((1 << bits) - 1) for source in whole.src[1:])  # of a mask's lane
        if type == Type("u", 1):
            return a if a == b else whole.src[0] if a else UOp(ops.NOT, dt.bool_, (whole.src[0],))
        return UOp(ops.SELECT, dtype_of(type), (whole.src[0], node_of(a, type), node_of(b, type)))
    if whole.dtype is dt.bool_:
        return whole
    shifted = whole if low == 0 else UOp(ops.SHR, whole.dtype, (whole, whole.const_like(low)))
    if bits == 1:
        one = whole.const_like(1)
        return UOp(ops.AND, whole.dtype, (shifted, one)).ne(0)
    return shifted.cast(dtype_of(type))


def split(value: Value, width: int, low: int, bits: int) -> tuple[Part, ...]:
    """The parts of bits low … low + bits of a value of `width` bits."""
    found: list[Part] = []
    at = 0
    for part in parts_of(value, width):
        begin, end = max(low, at), min(low + bits, at + part.type.bits)
        if begin < end:
            whole = begin == at and end == at + part.type.bits
            found.append(part if whole else Part(Type("u", end - begin), cut(part, begin - at, end - begin)))
        at += part.type.bits
    return tuple(found)


def extract(value: Value, width: int, low: int, type: Type) -> Value:
    """Bits of a value as a type; 0 beyond its end. What is wider than 64 bits stays in parts."""
    parts = split(value, width, low, type.bits)
    missing = type.bits - sum(part.type.bits for part in parts)
    if missing:
        parts = (*parts, Part(Type("u", missing), 0))
    if len(parts) == 1:
        return retype(parts[0].value, type)
    if all(isinstance(part.value, int) for part in parts):
        return together(parts)
    if type.bits > 64:
        return parts
    return retype(joined(parts, type.bits), type)


def together(parts: Sequence[Part]) -> int:
    """Known bits side by side."""
    found = at = 0
    for part in parts:
        assert isinstance(part.value, int), "known bits"
        found |= part.value << at
        at += part.type.bits
    return found


def joined(parts: Sequence[Part], bits: int) -> int | UOp:
    """Parts side by side as one unsigned integer."""
    same = same_condition(parts) or extended(parts)
    if same is not None:
        return same
    whole = Type("u", bits)
    dtype = dtype_of(whole)
    if bits > 64 and parts[-1].value == 0 and bits - parts[-1].type.bits <= 64:  # a word with zeros above
        rest = bits - parts[-1].type.bits
        low = joined(parts[:-1], rest)
        return low if isinstance(low, int) else low.cast(dtype)
    found: UOp | None = None
    known = at = 0
    for part in parts:
        unsigned = Type("u", part.type.bits)
        if isinstance(part.value, int):
            known |= part.value << at
        else:
            moved = node_of(retype(part.value, unsigned), unsigned).cast(dtype)
            moved = moved << at if at else moved
            found = moved if found is None else found | moved
        at += part.type.bits
    if found is None:
        return known
    return found | node_of(known, whole) if known else found


def extended(parts: Sequence[Part]) -> UOp | None:
    """A word and what is nothing but its sign, as the word in a wider type (what cqo leaves for idiv)."""
    if len(parts) != 2 or parts[0].type.bits != parts[1].type.bits:
        return None
    signed = Type("i", parts[0].type.bits)
    low, high = (retype(part.value, signed) for part in parts)
    if not isinstance(low, UOp) or not isinstance(high, UOp) or high.op is not ops.SHR:
        return None
    if high.src[0] is not low or high.src[1].op is not ops.CONST or high.src[1].arg != signed.bits - 1:
        return None
    whole = Type("u", 2 * signed.bits)
    return node_of(retype(low.cast(dtype_of(Type("i", whole.bits))), whole), whole)


def same_condition(parts: Sequence[Part]) -> UOp | None:
    """Lanes of one mask (all bits or none, by one condition) as a wider lane."""
    conditions = set()
    for part in parts:
        value = part.value
        if isinstance(value, int) or value.op is not ops.SELECT or value.src[1].op is not ops.CONST:
            return None
        ones = retype(value, Type("u", part.type.bits))
        assert isinstance(ones, UOp), "a choice is a node"
        if ones.src[1].arg != (1 << part.type.bits) - 1 or ones.src[2].op is not ops.CONST or ones.src[2].arg:
            return None
        conditions.add(value.src[0])
    if len(conditions) != 1:
        return None
    whole = Type("u", sum(part.type.bits for part in parts))
    return UOp(
        ops.SELECT,
        dtype_of(whole),
        (conditions.pop(), node_of((1 << whole.bits) - 1, whole), node_of(0, whole)),
    )


def insert(value: Value, width: int, low: int, type: Type, new: Value) -> Value:
    """A value with some of its bits replaced."""
    if low == 0 and type.bits == width:
        return new
    parts = (*split(value, width, 0, low), *parts_of(new, type.bits),
             *split(value, width, low + type.bits, width - low - type.bits))  # fmt: skip
    return together(parts) if all(isinstance(part.value, int) for part in parts) else parts


def merge(condition: UOp, a: Value, b: Value, width: int) -> Value:
    """Either of two values, part by part."""
    if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
        return a
    parts: list[Part] = []
    at = 0
    rest_a, rest_b = list(parts_of(a, width)), list(parts_of(b, width))
    while at < width:
        first, second = rest_a[0], rest_b[0]
        bits = min(first.type.bits, second.type.bits)
        type = _common(first, second, bits)
        x, y = extract(a, width, at, type), extract(b, width, at, type)
        if isinstance(x, tuple) or isinstance(y, tuple):
            raise CompileError(
                f"a choice of {bits} bits", why="lift makes lanes of at most 128", mend="use lanes"
            )
        parts.append(Part(type, chosen(condition, type, x, y)))
        rest_a, rest_b = _less(rest_a, bits), _less(rest_b, bits)
        at += bits
    return parts[0].value if len(parts) == 1 else tuple(parts)


def _common(first: Part, second: Part, bits: int) -> Type:
    """The type to choose in: one of the two that has so many bits; no small float, whose NaNs are changed by
    being computed with in a larger one.
    """
    for part in (first, second):
        if part.type.bits == bits and not isinstance(part.value, int):
            return Type("u", bits) if part.type.is_float and bits < 32 else part.type
    return Type("u", bits)


def _less(parts: list[Part], bits: int) -> list[Part]:
    """Parts without the lowest bits: only their sizes matter."""
    first = parts[0]
    if first.type.bits == bits:
        return parts[1:]
    rest = first.value >> bits if isinstance(first.value, int) else first.value
    return [Part(Type("u", first.type.bits - bits), rest), *parts[1:]]


def chosen(condition: UOp, type: Type, a: int | UOp, b: int | UOp) -> int | UOp:
    """A choice between two values of a type."""
    if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
        return a
    if type == Type("u", 1) and isinstance(a, int) and isinstance(b, int):
        return condition if a else UOp(ops.NOT, dt.bool_, (condition,))
    return UOp(ops.SELECT, dtype_of(type), (condition, node_of(a, type), node_of(b, type)))
