"""Integers of more than 64 bits that are moved, not computed with: rows of parts, or words of 64 bits.

A shift by a known count, a mask, a choice of bits cut such a row at other places and leave nothing to do. A
count that is not known chooses among words, bit by bit of it, and shifts pairs of them: so a table that is
packed into a constant is read. What is not here: sums of more than 64 bits (contained.py). Read pieces.py
first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from baregrad import dtype as dt
from baregrad.ir import Op, UOp, const, ops
from baregrad.isa.meaning import Type
from baregrad.lift import pieces
from baregrad.lift.pieces import Part, Value, node_of
from baregrad.lift.world import simple, single

WORD, U64 = Type("u", 32), Type("u", 64)
BITWISE = {"and": ops.AND, "or": ops.OR, "xor": ops.XOR}


def moved(op: str, type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value | None:
    """An operation of a long integer that only moves bits or asks for them; None for others."""
    if op == "convert":
        return converted(type, types[0], values[0])
    if types[0].bits <= 64:
        return None
    if op in BITWISE:
        return bitwise(op, type.bits, values)
    if op == "not":
        return bitwise("xor", type.bits, (values[0], (1 << type.bits) - 1))
    if op in ("eq", "ne"):
        return compared(op, types[0].bits, values)
    if op in ("shl", "shr") and types[0].kind == "u":
        return shifted(op, types[0].bits, values[0], single(values[1], types[1]))
    if op in ("element", "slice") and not isinstance(values[1], int):
        return picked(type, types[0].bits, values[0], single(values[1], types[1]), op == "element")
    return None


def row_of(value: Value, bits: int) -> tuple[Part, ...] | None:
    """A value as parts of which none is a long expression, if it is such a row."""
    if isinstance(value, (tuple, int)):
        return pieces.parts_of(value, bits)
    source = value.src[0] if value.op is ops.CAST else value
    type = pieces.type_of(source.dtype)
    if source is value or type.is_float or type.kind != "u" or type.bits > 64:
        return None
    return (Part(type, source), Part(Type("u", bits - type.bits), 0))


def value_of(parts: list[Part]) -> Value:
    """Parts as a value: what is known side by side is one part."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if last is not None and isinstance(last.value, int) and isinstance(part.value, int):
            known = last.value | part.value << last.type.bits
            found[-1] = Part(Type("u", last.type.bits + part.type.bits), known)
        else:
            found.append(part)
    return found[0].value if len(found) == 1 else tuple(found)


def converted(type: Type, source: Type, value: Value) -> Value | None:
    """With more bits, or without the upper ones."""
    if type.is_float or source.is_float or source.kind != "u":
        return None
    if source.bits > 64 and type.bits <= source.bits:
        parts = row_of(value, source.bits)
        return None if parts is None else pieces.extract(parts, source.bits, 0, type)
    if type.kind != "u" or type.bits <= max(64, source.bits) or isinstance(value, int):
        return None
    size = source.bits
    if size < WORD.bits and type.bits % WORD.bits == 0:  # rows that are chosen among are then cut at words
        size = WORD.bits
        value = node_of(pieces.retype(single(value, source), source), source).cast(dt.uint32)
    parts = pieces.parts_of(value, size) if size <= 64 else row_of(value, size)
    return None if parts is None else (*parts, Part(Type("u", type.bits - size), 0))


# -- bits ------------------------------------------------------------------------------------------


def bitwise(op: str, bits: int, values: Sequence[Value]) -> Value | None:
    """And, or, xor of two rows, cut where either is."""
    a, b = (row_of(value, bits) for value in values)
    if a is None or b is None:
        return None
    found = []
    for type, x, y in side_by_side(a, b):
        if isinstance(x, int) and isinstance(y, int):
            made: int | UOp = {"and": x & y, "or": x | y, "xor": x ^ y}[op]
        elif op == "xor" and (1 << type.bits) - 1 in (x, y):
            node = node_of(y if isinstance(x, int) else x, type)
            made = UOp(ops.NOT, node.dtype, (node,))
        else:
            first, second = node_of(x, type), node_of(y, type)
            made = simple(BITWISE[op], UOp(BITWISE[op], first.dtype, (first, second)))
        found.append(Part(type, made))
    return value_of(found)


def side_by_side(a: Sequence[Part], b: Sequence[Part]) -> Iterator[tuple[Type, int | UOp, int | UOp]]:
    """The parts of two rows between the places where one of them is cut."""
    at = [0, 0]  # which part of each, and how many of its bits are done
    done = [0, 0]
    rows = (a, b)
    while at[0] < len(a):
        heads = [row[n] for row, n in zip(rows, at, strict=True)]
        bits = min(head.type.bits - gone for head, gone in zip(heads, done, strict=True))
        type = Type("u", bits)
        x, y = (
            pieces.retype(head.value, type) if bits == head.type.bits else pieces.cut(head, gone, bits)
            for head, gone in zip(heads, done, strict=True)
        )
        yield type, x, y
        for n, head in enumerate(heads):
            done[n] += bits
            if done[n] == head.type.bits:
                at[n], done[n] = at[n] + 1, 0


def compared(op: str, bits: int, values: Sequence[Value]) -> Value | None:
    """Are two rows equal, or not?"""
    a, b = (row_of(value, bits) for value in values)
    if a is None or b is None:
        return None
    differs: UOp | None = None
    for type, x, y in side_by_side(a, b):
        if isinstance(x, int) and isinstance(y, int):
            if x != y:
                return int(op == "ne")
            continue
        node = node_of(x, type).ne(node_of(y, type))
        differs = node if differs is None else differs | node
    if differs is None:
        return int(op == "eq")
    return differs if op == "ne" else ~differs


# -- shifts ----------------------------------------------------------------------------------------


def shifted(op: str, bits: int, value: Value, count: int | UOp) -> Value | None:
    """A shift without a sign: beyond the width all bits go out."""
    parts = row_of(value, bits)
    if parts is None:
        return None
    if not isinstance(count, int):
        words, most = _words(parts, bits), (1 << count.dtype.bits) - 1
        count = count if count.dtype is dt.uint64 else count.cast(dt.uint64)
        return _cut_off(_up(words, count, most) if op == "shl" else _down(words, count, most), bits)
    count = min(count, bits)
    zeros = (Part(Type("u", count), 0),) if count else ()
    if op == "shl":
        return value_of([*zeros, *pieces.split(parts, bits, 0, bits - count)])
    return value_of([*pieces.split(parts, bits, count, bits - count), *zeros])


def picked(type: Type, bits: int, value: Value, place: int | UOp, whole: bool) -> Value | None:
    """Bits at a place that is not known; `whole`: of elements, which the place counts."""
    parts = row_of(value, bits)
    if parts is None or type.bits > 64:
        return None
    number, scale = node_of(place, U64), type.bits if whole else 1
    most = scale * ((1 << number.dtype.bits) - 1)
    number = number if number.dtype is dt.uint64 else number.cast(dt.uint64)
    if most >> 64:
        number = number.minimum(number.const_like(bits))
    crossing = not whole or 64 % scale != 0
    found = _down(_words(parts, bits), number * scale if scale > 1 else number, most, 1, crossing)[0]
    return pieces.extract(found, 64, 0, type)


def _words(parts: tuple[Part, ...], bits: int) -> list[int | UOp]:
    """A row as words of 64 bits."""
    found = [pieces.extract(parts, bits, low, U64) for low in range(0, bits, 64)]
    return [single(word, U64) for word in found]


def _cut_off(words: Sequence[int | UOp], bits: int) -> Value:
    """Words as a value of so many bits."""
    parts = [Part(U64, word) for word in words]
    if bits % 64:
        rest = Type("u", bits % 64)
        parts[-1] = Part(rest, pieces.cut(parts[-1], 0, rest.bits))
    return value_of(parts)


def _down(words: Sequence[int | UOp], count: UOp, most: int, wanted: int = 0, crossing: bool = True
          ) -> list[int | UOp]:  # fmt: skip
    """The lowest words (all, or as many as are wanted) of words shifted down by a count of at most `most`.
    Not `crossing`: what is asked for lies in one word.
    """
    wanted = wanted or len(words)
    moved, rest, fits = _skipped(words, count, wanted + crossing), count & 63, _fits(count, most, len(words))
    found = []
    for n in range(wanted):
        word = _shift(ops.SHR, moved[n], rest)
        if crossing:
            word = _or(word, _shift(ops.SHL, moved[n + 1], const(64, dt.uint64) - rest))
        found.append(_if(fits, word))
    return found


def _up(words: Sequence[int | UOp], count: UOp, most: int) -> list[int | UOp]:
    """Words shifted up."""
    moved, rest = _skipped(words[::-1], count, len(words) + 1), count & 63
    fits = _fits(count, most, len(words))
    found = [
        _or(_shift(ops.SHL, word, rest), _shift(ops.SHR, below, const(64, dt.uint64) - rest))
        for word, below in pairwise(moved)
    ]
    return [_if(fits, word) for word in found][::-1]


def _fits(count: UOp, most: int, words: int) -> UOp | None:
    """Is a count below the power of two that its bits are looked at up to? None: it always is."""
    limit = 64 << _levels(words)
    return None if most < limit else count < limit


def _levels(words: int) -> int:
    """Bits of a number of words."""
    return (words - 1).bit_length()


def _skipped(words: Sequence[int | UOp], count: UOp, wanted: int) -> list[int | UOp]:
    """As many words as are wanted, from the one on that the count begins in, and 0 beyond the last: each bit
    of the number of words, from the lowest one up, chooses between neighbours.
    """
    row = list(words)
    needed = set(range(min(wanted, len(words))))
    steps = []
    for level in reversed(range(_levels(len(words)))):
        steps.append((level, needed))
        needed = needed | {n + (1 << level) for n in needed if n + (1 << level) < len(words)}
    for level, places in reversed(steps):
        bit = (count & (64 << level)).ne(0)
        far = [row[n + (1 << level)] if n + (1 << level) < len(row) else 0 for n in range(len(row))]
        row = [pieces.chosen(bit, U64, far[n], row[n]) if n in places else row[n] for n in range(len(row))]
    return (row + [0] * wanted)[:wanted]


def _shift(op: Op, word: int | UOp, by: UOp) -> int | UOp:
    return 0 if word == 0 else UOp(op, dt.uint64, (node_of(word, U64), by))


def _or(a: int | UOp, b: int | UOp) -> int | UOp:
    if isinstance(a, int) or isinstance(b, int):
        return a if b == 0 else b
    return a | b


def _if(condition: UOp | None, word: int | UOp) -> int | UOp:
    return word if condition is None else pieces.chosen(condition, U64, word, 0)
