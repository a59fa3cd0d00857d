"""Matrix products: layouts built from the manuals' tables, not from the formulas that the meanings have.

A table has, for each register of a matrix and each 16 lanes, the first k that lies there (CDNA4 ISA 7.1.5.1,
7.5.1), or how a picture shows it (RDNA3 ISA 7.9). Values are small integers, so that floats are exact too.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form, take
from baregrad.isa.amd.meaning.rows_given import tree_of
from baregrad.isa.amd.meaning.rows_matrix import bits_of, matrix
from baregrad.isa.meaning import decode, encode, type_of
from tests.isa.amd.registers import Registers

A, B, C, D = 8, 40, 264, 300  # where the registers of the operands begin: C and D among those for sums

# The first k in each register (a line), for each 16 lanes; the others follow in the register.
# fmt: off
WIDE16 = {  # CDNA4 ISA 7.1.5.1 and tables 34, 36 for B
    "16x16x32 16": ((0, 8, 16, 24), (2, 10, 18, 26), (4, 12, 20, 28), (6, 14, 22, 30)),
    "32x32x16 16": ((0, 0, 8, 8), (2, 2, 10, 10), (4, 4, 12, 12), (6, 6, 14, 14)),
    "16x16x64 8": ((0, 16, 32, 48), (4, 20, 36, 52), (8, 24, 40, 56), (12, 28, 44, 60)),
    "32x32x32 8": ((0, 0, 16, 16), (4, 4, 20, 20), (8, 8, 24, 24), (12, 12, 28, 28)),
    "16x16x64 16": ((0, 8, 16, 24), (2, 10, 18, 26), (4, 12, 20, 28), (6, 14, 22, 30),
                    (32, 40, 48, 56), (34, 42, 50, 58), (36, 44, 52, 60), (38, 46, 54, 62)),
    "32x32x32 16": ((0, 0, 8, 8), (2, 2, 10, 10), (4, 4, 12, 12), (6, 6, 14, 14),
                    (16, 16, 24, 24), (18, 18, 26, 26), (20, 20, 28, 28), (22, 22, 30, 30)),
    "16x16x128 8": ((0, 16, 32, 48), (4, 20, 36, 52), (8, 24, 40, 56), (12, 28, 44, 60),
                    (64, 80, 96, 112), (68, 84, 100, 116), (72, 88, 104, 120), (76, 92, 108, 124)),
    "32x32x64 8": ((0, 0, 16, 16), (4, 4, 20, 20), (8, 8, 24, 24), (12, 12, 28, 28),
                   (32, 32, 48, 48), (36, 36, 52, 52), (40, 40, 56, 56), (44, 44, 60, 60)),
}
# fmt: on


def table_k(shape: str, bits: int, lane: int, item: int) -> int:
    """The k of an item, by the manual's tables; 6 and 4 bits: 32 in a row."""
    m = int(shape.partition("x")[0])
    if bits in (4, 6):
        return 32 * (lane // m) + item
    each = 32 // bits
    return WIDE16[f"{shape} {bits}"][item // each][lane // 16] + item % each


class Case:
    """One product: its form, matrices of small integers, and where the tables say that elements lie."""

    def __init__(
        self, name: str, fields: Mapping[str, int] | None = None, wave: int = 0, arch: str = "cdna4"
    ):
        self.fields = dict(fields or {})
        found = [f for f in forms(arch, wave) if f.entry.name == name]
        if name.endswith("F8F6F4"):
            found = [
                f for f in found if all(value_of(f, key) == self.fields[key] for key in ("cbsz", "blgp"))
            ]
        self.form = found[0]
        given = matrix(self.form, self.fields, False)
        assert given is not None, name
        self.tree, variables = tree_of(given, self.form)
        self.world = Registers(self.tree, variables)
        for role, number in (("D0", D), ("S0", A), ("S1", B), ("S2", C), ("S3", 1), ("S4", 2)):
            self.world.values[f"{role}_NUMBER"] = number if arch == "cdna4" else number & 255

    def put(self, type: str, item: int, register: int, lane: int, value: int, lanes: int = 64) -> None:
        bits = bits_of(type)
        real = type_of(type)
        assert real is not None
        self.world.put_bits(item * bits, bits, register, lane, lanes, encode(real, value))

    def got(self, type: str, item: int, register: int, lane: int, lanes: int = 64) -> float:
        bits = bits_of(type)
        real = type_of(type)
        assert real is not None
        return decode(real, self.world.bits(item * bits, bits, register, lane, lanes))


def value_of(form: Form, name: str) -> int:
    return next(take(one.where, form.value) for one in form.modifiers if one.name == name)


def numbers(seed: int, count: int, most: int = 3, least: int | None = None) -> list[int]:
    rng = random.Random(seed)
    return [rng.randint(-most if least is None else least, most) for _ in range(count)]


def grid(seed: int, rows: int, columns: int, most: int = 3, least: int | None = None) -> list[list[int]]:
    values = numbers(seed, rows * columns, most, least)
    return [values[at * columns : (at + 1) * columns] for at in range(rows)]


def matmul(a: list[list[int]], b: list[list[int]], c: list[list[int]]) -> list[list[int]]:
    columns = list(zip(*b, strict=True))
    return [
        [c[i][j] + sum(x * y for x, y in zip(row, column, strict=True)) for j, column in enumerate(columns)]
        for i, row in enumerate(a)
    ]


def place_of(m: int, register: int, lane: int) -> tuple[int, int]:
    """Row and column of D in a register, by the tables of 7.1.3."""
    if m == 16:
        return 4 * (lane // 16) + register, lane % 16
    return 8 * (register // 4) + 4 * (lane // 32) + register % 4, lane % 32


def run_dense(
    name: str, types: tuple[str, str, str], shape: str, fields: Mapping[str, int] | None = None
) -> None:
    """A product of one block: fill by the tables, run, compare."""
    m, _, depth = map(int, shape.split("x"))
    case = Case(name, fields)
    a, b, c = grid(1, m, depth), grid(2, depth, m), grid(3, m, m, 100)
    for lane in range(64):
        for item in range(m * depth // 64):
            case.put(types[0], item, A, lane, a[lane % m][table_k(shape, bits_of(types[0]), lane, item)])
            case.put(types[1], item, B, lane, b[table_k(shape, bits_of(types[1]), lane, item)][lane % m])
        for register in range(m * m // 64):
            i, j = place_of(m, register, lane)
            case.put(types[2], register, C, lane, c[i][j])
    case.world.go(case.tree)
    compare(case, types[2], m, matmul(a, b, c))


def compare(case: Case, type: str, m: int, wanted: list[list[int]]) -> None:
    for register in range(m * m // 64):
        for lane in range(64):
            i, j = place_of(m, register, lane)
            found = case.got(type, register, D, lane)
            assert found == wanted[i][j], (case.form.name, case.fields, i, j, found, wanted[i][j])


DENSE = [
    ("V_MFMA_F32_16X16X32_BF16", ("bf16", "bf16", "f32"), "16x16x32"),
    ("V_MFMA_F32_32X32X16_F16", ("f16", "f16", "f32"), "32x32x16"),
    ("V_MFMA_I32_16X16X64_I8", ("i8", "i8", "i32"), "16x16x64"),
    ("V_MFMA_I32_32X32X32_I8", ("i8", "i8", "i32"), "32x32x32"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, types, shape", DENSE, ids=[row[0] for row in DENSE])
def test_dense(name: str, types: tuple[str, str, str], shape: str) -> None:
    run_dense(name, types, shape)
