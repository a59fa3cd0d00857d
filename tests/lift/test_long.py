"""Rows of more than 64 bits: operations that move bits, against the same ones of numbers."""

from __future__ import annotations

import random

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp
from baregrad.isa.meaning import Type, apply
from baregrad.lift import Part, variable
from baregrad.lift.long import moved
from baregrad.lift.pieces import Value, node_of, parts_of, retype
from tests.lift.values import evaluate

CASES = 12
LEAVES = {1: dt.bool_, 8: dt.uint8, 16: dt.uint16, 32: dt.uint32, 64: dt.uint64}
WIDE = (65, 96, 128, 192, 512, 1201)
# op, bits of the result and of the second operand (0: as wide as the first), which is known or not
OPS = [
    ("and", 0, 0), ("or", 0, 0), ("xor", 0, 0), ("not", 0, None), ("eq", 1, 0), ("ne", 1, 0),
    ("shl", 0, 8), ("shl", 0, 32), ("shr", 0, 16), ("shr", 0, 64),
    ("convert", 2048, None), ("convert", 32, None), ("element", 32, 8), ("element", 6, 32),
    ("element", 16, 64), ("slice", 1, 32), ("slice", 24, 64),
]  # fmt: skip

Given = dict[UOp, list[int]]


def leaf(bits: int, value: int, given: Given) -> UOp:
    """A leaf that has this value."""
    made = variable(f"v{len(given)}", LEAVES[bits])
    given[made] = [bool(value) if bits == 1 else value]
    return made


def row(bits: int, rng: random.Random, given: Given) -> tuple[Value, int]:
    """A row of known parts and leaves, and its bits."""
    parts, total, at = [], 0, 0
    while at < bits:
        size = rng.choice([n for n in (*LEAVES, 5, 100) if n <= bits - at])
        value = rng.choice((0, (1 << size) - 1, rng.getrandbits(size)))
        known = size not in LEAVES or rng.random() < 0.4
        parts.append(Part(Type("u", size), value if known else leaf(size, value, given)))
        total, at = total | value << at, at + size
    return tuple(parts), total


def number_of(value: Value, bits: int, given: Given) -> int:
    """The bits of a value."""
    parts = parts_of(value, bits)
    nodes = [node_of(retype(part.value, Type("u", part.type.bits)), part.type) for part in parts]
    total = at = 0
    for part, column in zip(parts, evaluate(nodes, given, 1), strict=True):
        total |= (int(column[0]) & (1 << part.type.bits) - 1) << at
        at += part.type.bits
    assert at == bits, f"{at} of {bits} bits"
    return total


@pytest.mark.parametrize("op, result, second", OPS, ids=[f"{op}-{bits}-{count}" for op, bits, count in OPS])
def test_bits_move_as_those_of_numbers(op: str, result: int, second: int | None) -> None:
    rng = random.Random(f"{op} {result} {second}")
    for number in range(CASES):
        bits = WIDE[number % len(WIDE)]
        given: Given = {}
        value, plain = row(bits, rng, given)
        types, values, numbers = [Type("u", bits)], [value], [plain]
        if second is not None:
            types.append(Type("u", second or bits))
            other, n = row(bits, rng, given) if not second else (0, 0)
            if second:
                size = result if op == "element" else 1
                n = rng.randrange((bits + 70) // size) & (1 << second) - 1
                n |= 1 << 63 if second == 64 and number % 3 == 0 else 0
                other = leaf(second, n, given) if op in ("element", "slice") or number % 2 else n
            if op in ("eq", "ne") and number % 2:
                other, n = value, plain
            values.append(other)
            numbers.append(n)
        type = Type("u", result or bits)
        found = moved(op, type, types, values)
        assert found is not None, f"{op} of {bits} bits is left to others"
        wanted = apply(op, type, types, numbers)
        assert number_of(found, type.bits, given) == wanted, f"{op} of {bits} bits: {plain:#x} {numbers[1:]}"


@pytest.mark.parametrize("bits", [1, 6, 16, 40, 64])
def test_what_gets_more_bits_and_loses_them(bits: int) -> None:
    rng, type = random.Random(bits), Type("u", bits)
    for number in range(CASES):
        given, wide = dict[UOp, list[int]](), Type("u", (192, 200)[number % 2])
        value, plain = row(bits, rng, given)
        found = moved("convert", wide, [type], [value])
        assert found is not None, "a row"
        assert number_of(found, wide.bits, given) == plain
        back = moved("convert", type, [wide], [found])
        assert back is not None, "a part"
        assert number_of(back, bits, given) == plain


def test_a_table_that_is_packed_is_read() -> None:
    table = [n * n * 37 % 251 for n in range(19)]
    known = sum(value << 8 * n for n, value in enumerate(table))
    type, given = Type("u", 8), dict[UOp, list[int]]()
    place = leaf(8, 0, given)
    found = moved("element", type, [Type("u", 152), type], [known, place])
    assert isinstance(found, UOp), "a choice"
    columns = evaluate([found], {place: list(range(30))}, 30)
    assert list(columns[0]) == table + [0] * 11
