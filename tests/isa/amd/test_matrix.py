"""Matrix products: layouts built from the manuals' tables, not from the formulas that the meanings have.

A table has, for each register of a matrix and each 16 lanes, the first k that lies there (CDNA4 ISA 7.1.5.1,
7.5.1), or how a picture shows it (RDNA3 ISA 7.9). Values are small integers, so that floats are exact too.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form, take
from baregrad.isa.amd.meaning.rows_given import tree_of
from baregrad.isa.amd.meaning.rows_matrix import FORMATS, bits_of, matrix
from baregrad.isa.meaning import decode, encode, type_of
from tests.isa.amd.registers import Registers

A, B, C, D, SCALE_A, SCALE_B = 8, 40, 264, 300, 1, 2  # registers where operands begin; from 256 on: sums

# The first k in each register (a line), for each 16 lanes; the others follow in the register.
# fmt: off
TABLES = {  # CDNA4 ISA 7.1.5.1 and tables 34, 36 for B
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


def table_k(m: int, depth: int, bits: int, chunk: int, lane: int, item: int) -> int:
    """The k of an item: by the manual's tables, or in a row from lane to lane (7.1.3; 6 and 4 bits)."""
    table = TABLES.get(f"{m}x{m}x{depth} {bits}")
    if table is None:
        return chunk * (m * depth // 64 if m * depth >= 64 else 1) + item
    each = 32 // bits
    return table[item // each][lane // 16] + item % each


class Case:
    """One product: its form with these fields, and a world whose operands begin at A, B, C, D."""

    def __init__(
        self, name: str, fields: Mapping[str, int] | None = None, wave: int = 64, arch: str = "cdna4"
    ):
        self.fields, self.wave = dict(fields or {}), wave
        found = [form for form in forms(arch, wave) if form.entry.name == name]
        if name.endswith("F8F6F4"):
            found = [
                f for f in found if all(value_of(f, key) == self.fields[key] for key in ("cbsz", "blgp"))
            ]
        self.form = found[0]
        given = matrix(self.form, self.fields, constant=False)
        assert given is not None, name
        self.tree, variables = tree_of(given, self.form)
        self.world = Registers(self.tree, variables)
        places = {"D0": D, "S0": A, "S1": B, "S2": C, "S3": SCALE_A, "S4": SCALE_B}
        if arch == "rdna3":
            places |= {"D0": 80, "S2": 120}
        self.at = places
        self.world.values |= {f"{role}_NUMBER": number for role, number in places.items()}

    def put(self, role: str, type: str, item: int, lane: int, value: float) -> None:
        """An element of an operand: item by item in a lane's registers."""
        real = type_of(type)
        assert real is not None
        bits = real.bits
        self.world.put_bits(item * bits, bits, self.at[role], lane, self.wave, encode(real, value))

    def got(self, type: str, item: int, lane: int) -> float:
        """An element of the result."""
        real = type_of(type)
        assert real is not None
        return decode(real, self.world.bits(item * real.bits, real.bits, self.at["D0"], lane, self.wave))

    def go(self) -> None:
        """Run, as Python source."""
        self.world.go_compiled(self.tree, self.wave)


def value_of(form: Form, name: str) -> int:
    return next(take(one.where, form.value) for one in form.modifiers if one.name == name)


Grid = list[list[int]]


def grid(seed: int, rows: int, columns: int, least: int = -3, most: int = 3) -> Grid:
    rng = random.Random(seed)
    return [[rng.randint(least, most) for _ in range(columns)] for _ in range(rows)]


def matmul(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], c: Grid) -> list[list[float]]:
    columns = list(zip(*b, strict=True))
    return [
        [c[i][j] + sum(x * y for x, y in zip(row, column, strict=True)) for j, column in enumerate(columns)]
        for i, row in enumerate(a)
    ]


def place_of(m: int, wide: bool, item: int, lane: int) -> tuple[int, int, int]:
    """Block, row and column of an item of D, by the tables of 7.1.3 (4 x 4 of f64: by 7.1.4.2)."""
    if wide:
        return (lane // 16, lane // 4 % 4, lane % 4) if m == 4 else (0, 4 * item + lane // 16, lane % 16)
    if m == 4:
        return lane // 4, item, lane % 4
    if m == 16:
        return item // 4, 4 * (lane // 16) + item % 4, lane % 16
    part = item % 16
    return item // 16, 8 * (part // 4) + 4 * (lane // 32) + part % 4, lane % 32


class Row(NamedTuple):
    """A shape and its types."""

    name: str
    a: str
    b: str
    d: str
    m: int
    depth: int
    blocks: int = 1


def run_dense(row: Row, fields: Mapping[str, int] | None = None, plain: bool = False) -> None:
    """Fill by the tables, run, compare; broadcasts and signs are done on the blocks."""
    m, depth, blocks = row.m, row.depth, row.blocks
    case = Case(row.name, fields)
    whole = (-128, 127) if row.d == "i32" else (-3, 3)
    a = [grid(1 + block, m, depth, *whole) for block in range(blocks)]
    b = [grid(50 + block, depth, m, *whole) for block in range(blocks)]
    c = [
        grid(90 + block, m, m, *((-(1 << 31), (1 << 31) - 1) if row.d == "i32" else (-99, 99)))
        for block in range(blocks)
    ]
    for lane in range(64):
        group = lane // m
        block, chunk = group % blocks, group // blocks
        for item in range(m * depth * blocks // 64):
            k = table_k(m, depth, bits_of(row.a), chunk, lane, item)
            case.put("S0", row.a, item, lane, a[block][lane % m][k])
            k = table_k(m, depth, bits_of(row.b), chunk, lane, item)
            case.put("S1", row.b, item, lane, b[block][k][lane % m])
        for item in range(m * m * blocks // 64):
            block, i, j = place_of(m, row.d == "f64", item, lane)
            case.put("S2", row.d, item, lane, c[block][i][j])
    if plain:
        case.world.go(case.tree)
    else:
        case.go()
    a, b, c = broadcast(row, a, b, c, case.fields)
    compare(case, row, [matmul(*each) for each in zip(a, b, c, strict=True)])


def broadcast(
    row: Row, a: list[Grid], b: list[Grid], c: list[Grid], fields: Mapping[str, int]
) -> tuple[list[Grid], ...]:
    """What CBSZ, ABID and BLGP make of the blocks (of 16 rows, 4 of them), or the signs of f64."""
    if row.d == "f64":
        signs = [-1 if fields.get("neg", 0) >> at & 1 else 1 for at in range(3)]
        return tuple(
            [[[sign * x for x in line] for line in block] for block in blocks]
            for sign, blocks in zip(signs, (a, b, c), strict=True)
        )
    if row.blocks > 1:
        of = row.blocks >> fields.get("cbsz", 0)
        a = [a[at % of + of * fields.get("abid", 0)] for at in range(row.blocks)]
    if row.blocks == 4:
        b = [b[at] for at in BLGP[fields.get("blgp", 0)]]
    return a, b, c


BLGP = ((0, 1, 2, 3), (0, 1, 0, 1), (2, 3, 2, 3), (1, 2, 3, 0), (0,) * 4, (1,) * 4, (2,) * 4, (3,) * 4)
"""The block of 16 lanes that each reads B from: CDNA4 ISA table 29."""


def compare(case: Case, row: Row, wanted: Sequence[Sequence[Sequence[float]]]) -> None:
    for item in range(row.m * row.m * row.blocks // 64):
        for lane in range(64):
            block, i, j = place_of(row.m, row.d == "f64", item, lane)
            value = wanted[block][i][j]
            if row.d == "i32":
                value = (int(value) + (1 << 31)) % (1 << 32) - (1 << 31)
            found = case.got(row.d, item, lane)
            assert found == value, (row.name, case.fields, block, i, j, found, value)


# fmt: off
DENSE = (
    Row("V_MFMA_F32_32X32X1_2B_F32", "f32", "f32", "f32", 32, 1, 2),
    Row("V_MFMA_F32_16X16X1_4B_F32", "f32", "f32", "f32", 16, 1, 4),
    Row("V_MFMA_F32_4X4X1_16B_F32", "f32", "f32", "f32", 4, 1, 16),
    Row("V_MFMA_F32_32X32X2_F32", "f32", "f32", "f32", 32, 2),
    Row("V_MFMA_F32_16X16X4_F32", "f32", "f32", "f32", 16, 4),
    Row("V_MFMA_F32_32X32X4_2B_F16", "f16", "f16", "f32", 32, 4, 2),
    Row("V_MFMA_F32_16X16X4_4B_F16", "f16", "f16", "f32", 16, 4, 4),
    Row("V_MFMA_F32_4X4X4_16B_F16", "f16", "f16", "f32", 4, 4, 16),
    Row("V_MFMA_F32_32X32X8_F16", "f16", "f16", "f32", 32, 8),
    Row("V_MFMA_F32_16X16X16_F16", "f16", "f16", "f32", 16, 16),
    Row("V_MFMA_F32_32X32X4_2B_BF16", "bf16", "bf16", "f32", 32, 4, 2),
    Row("V_MFMA_F32_16X16X4_4B_BF16", "bf16", "bf16", "f32", 16, 4, 4),
    Row("V_MFMA_F32_4X4X4_16B_BF16", "bf16", "bf16", "f32", 4, 4, 16),
    Row("V_MFMA_F32_32X32X8_BF16", "bf16", "bf16", "f32", 32, 8),
    Row("V_MFMA_F32_16X16X16_BF16", "bf16", "bf16", "f32", 16, 16),
    Row("V_MFMA_F32_16X16X32_F16", "f16", "f16", "f32", 16, 32),
    Row("V_MFMA_F32_32X32X16_F16", "f16", "f16", "f32", 32, 16),
    Row("V_MFMA_F32_16X16X32_BF16", "bf16", "bf16", "f32", 16, 32),
    Row("V_MFMA_F32_32X32X16_BF16", "bf16", "bf16", "f32", 32, 16),
    Row("V_MFMA_I32_32X32X4_2B_I8", "i8", "i8", "i32", 32, 4, 2),
    Row("V_MFMA_I32_16X16X4_4B_I8", "i8", "i8", "i32", 16, 4, 4),
    Row("V_MFMA_I32_4X4X4_16B_I8", "i8", "i8", "i32", 4, 4, 16),
    Row("V_MFMA_I32_32X32X16_I8", "i8", "i8", "i32", 32, 16),
    Row("V_MFMA_I32_16X16X32_I8", "i8", "i8", "i32", 16, 32),
    Row("V_MFMA_I32_16X16X64_I8", "i8", "i8", "i32", 16, 64),
    Row("V_MFMA_I32_32X32X32_I8", "i8", "i8", "i32", 32, 32),
    Row("V_MFMA_F64_16X16X4_F64", "f64", "f64", "f64", 16, 4),
    Row("V_MFMA_F64_4X4X4_4B_F64", "f64", "f64", "f64", 4, 4, 4),
    *(Row(f"V_MFMA_F32_{m}X{m}X{depth}_{a.upper()}_{b.upper()}", a, b, "f32", m, depth)
      for m, depth in ((16, 32), (32, 16)) for a in ("fp8", "bf8") for b in ("fp8", "bf8")),
)
# fmt: on
BY_NAME = {row.name: row for row in DENSE}


def test_dense_sample() -> None:
    for name in ("V_MFMA_F32_4X4X4_16B_F16", "V_MFMA_I32_16X16X64_I8", "V_MFMA_F64_16X16X4_F64"):
        run_dense(BY_NAME[name])


@pytest.mark.slow
@pytest.mark.parametrize("row", DENSE, ids=lambda row: row.name)
def test_dense(row: Row) -> None:
    run_dense(row)


def test_every_dense_name_is_tested() -> None:
    names = {form.entry.name for form in forms("cdna4") if form.entry.name.startswith("V_MFMA_")}
    left = {name for name in names - set(BY_NAME) if "F8F6F4" not in name}
    assert left == {"V_MFMA_LD_SCALE_B32"}


@pytest.mark.slow
def test_broadcasts() -> None:
    for cbsz, abid in ((1, 0), (1, 1)):
        run_dense(BY_NAME["V_MFMA_F32_32X32X1_2B_F32"], {"cbsz": cbsz, "abid": abid})
    for cbsz, abid, blgp in ((0, 0, 1), (1, 1, 2), (2, 3, 3), (2, 0, 4), (0, 0, 5), (2, 2, 6), (1, 0, 7)):
        run_dense(BY_NAME["V_MFMA_I32_16X16X4_4B_I8"], {"cbsz": cbsz, "abid": abid, "blgp": blgp})


def test_signs_of_doubles() -> None:
    """Without the compiler of meanings between."""
    run_dense(BY_NAME["V_MFMA_F64_4X4X4_4B_F64"], {"neg": 5, "cbsz": 1, "abid": 1}, plain=True)


# -- small floats and scales -----------------------------------------------------------------------


def run_small(m: int, first: int, second: int, scales: bool, byte: int = 0, nan: int = -1) -> None:
    """A product of formats; scales are powers of two, one for each 32 values of k of a row."""
    depth = 2048 // m
    name = f"V_MFMA_{'SCALE_' if scales else ''}F32_{m}X{m}X{depth}_F8F6F4"
    fields = {"cbsz": first, "blgp": second, "op_sel": (byte & 1) * 3, "op_sel_hi": (byte >> 1) * 3}
    case = Case(name, fields)
    types = FORMATS[first], FORMATS[second]
    a, b, c = grid(1, m, depth), grid(2, depth, m), grid(3, m, m, -99, 99)
    powers = grid(4, m, depth // 32, -2, 2), grid(5, m, depth // 32, -2, 2)
    for lane in range(64):
        row, chunk = lane % m, lane // m
        for item in range(32):
            case.put(
                "S0", types[0], item, lane, a[row][table_k(m, depth, bits_of(types[0]), chunk, lane, item)]
            )
            case.put(
                "S1", types[1], item, lane, b[table_k(m, depth, bits_of(types[1]), chunk, lane, item)][row]
            )
        for role, each in zip(("S3", "S4"), powers, strict=True):
            case.put(role, "u32", 0, lane, 0x01020304)
            case.put(role, "u8", byte, lane, 255 if lane == nan else 127 + each[row][chunk])
        for item in range(m * m // 64):
            _, i, j = place_of(m, False, item, lane)
            case.put("S2", "f32", item, lane, c[i][j])
    case.go()
    if nan >= 0:
        each = [(item, lane) for item in range(m * m // 64) for lane in range(64)]
        lost = [place_of(m, False, *at)[1:] for at in each if math.isnan(case.got("f32", *at))]
        assert sorted(lost) == sorted({(i, j) for i in range(m) for j in range(m) if nan % m in (i, j)})
        return
    scale = [
        [[2.0 ** (each[row][k // 32] * scales) for k in range(depth)] for row in range(m)] for each in powers
    ]
    real_a = [[x * y for x, y in zip(*pair, strict=True)] for pair in zip(a, scale[0], strict=True)]
    real_b = [[b[k][j] * scale[1][j][k] for j in range(m)] for k in range(depth)]
    compare(case, Row(name, *types, "f32", m, depth), [matmul(real_a, real_b, c)])


def test_small_floats_sample() -> None:
    run_small(16, 0, 4, True, 2)


@pytest.mark.slow
@pytest.mark.parametrize("m", [16, 32])
def test_small_floats(m: int) -> None:
    for first in range(5):
        for second in range(5):
            run_small(m, first, second, False)
            run_small(m, first, second, True, (first + second) % 4)


@pytest.mark.slow
def test_scale_that_is_no_number() -> None:
    run_small(16, 0, 0, True, nan=21)
    run_small(32, 4, 4, True, nan=40)


# -- sparse ----------------------------------------------------------------------------------------

TYPES = (
    ("f16", "f16", "F16", "F32", (32, 64)), ("bf16", "bf16", "BF16", "F32", (32, 64)),
    ("i8", "i8", "I8", "I32", (64, 128)),
    *((a, b, f"{a}_{b}".upper(), "F32", (64, 128)) for a in ("fp8", "bf8") for b in ("fp8", "bf8")),
)  # fmt: skip
SPARSE = tuple(
    Row(f"V_SMFMAC_{d}_{m}X{m}X{depth * 16 // m}_{name}", a, b, d.lower(), m, depth * 16 // m)
    for a, b, name, d, depths in TYPES
    for m in (16, 32)
    for depth in depths
)


def run_sparse(row: Row, abid: int = 0, cbsz: int = 0) -> None:
    """Two of four values of k in A: which, is in the bits of S2 that tables 35, 37 and 7.5.1.3 name."""
    m, depth = row.m, row.depth
    case = Case(row.name, {"abid": abid, "cbsz": cbsz})
    rng = random.Random(depth + m + abid)
    b, c = grid(2, depth, m), grid(3, m, m, -99, 99)
    a = [[0] * depth for _ in range(m)]
    held = m * depth // 128  # values of A in a lane
    sets = 32 // (2 * held)
    for lane in range(64):
        index = rng.getrandbits(32)
        low = 2 * held * (0 if cbsz else abid % sets)
        for pair in range(held // 2):
            one, two = sorted(rng.sample(range(4), 2))
            for part, at in ((0, one), (1, two)):
                item = 2 * pair + part
                value = rng.randint(-3, 3)
                case.put("S0", row.a, item, lane, value)
                a[lane % m][table_k(m, depth, bits_of(row.a), 0, lane, 4 * pair + at)] = value
                index = index & ~(3 << low + 2 * item) | at << low + 2 * item
        case.put("S2", "u32", 0, lane, index)
        for item in range(m * depth // 64):
            case.put("S1", row.b, item, lane, b[table_k(m, depth, bits_of(row.b), 0, lane, item)][lane % m])
        for item in range(m * m // 64):
            _, i, j = place_of(m, False, item, lane)
            case.put("D0", row.d, item, lane, c[i][j])
    case.go()
    compare(case, row, [matmul(a, b, c)])


def test_sparse_sample() -> None:
    run_sparse(SPARSE[0], abid=3)


@pytest.mark.slow
@pytest.mark.parametrize("row", SPARSE, ids=lambda row: row.name)
def test_sparse(row: Row) -> None:
    for abid, cbsz in ((0, 0), (1, 0), (3, 0), (1, 1)):
        run_sparse(row, abid, cbsz)


def test_every_sparse_name_is_tested() -> None:
    names = {form.entry.name for form in forms("cdna4") if form.entry.name.startswith("V_SMFMAC")}
    assert names == {row.name for row in SPARSE}


# -- RDNA3 -----------------------------------------------------------------------------------------


def run_wmma(
    name: str, types: tuple[str, str, str], wave: int, fields: Mapping[str, int] | None = None
) -> None:
    """As the picture of RDNA3 ISA 7.9 has it: row i of A in lane i, two rows of D in a register (or four)."""
    case = Case(name, fields, wave, "rdna3")
    first, second, d = types
    half = case.fields.get("op_sel", 0) >> 2 & 1
    least = [0 if type[0] == "u" else -3 for type in types]
    a, b, c = grid(1, 16, 16, least[0], 3), grid(2, 16, 16, least[1], 3), grid(3, 16, 16, -99, 99)
    rows, narrow = wave // 16, d in ("f16", "bf16")
    for lane in range(wave):
        for k in range(16):
            case.put("S0", first, k, lane, a[lane % 16][k])
            case.put("S1", second, k, lane, b[k][lane % 16])
        for register in range(16 // rows):
            place = 2 * register + half if narrow else register
            value = c[rows * register + lane // 16][lane % 16]
            case.put("S2", d, place, lane, value)
            case.world.put(case.at["D0"] + register, lane, wave, 0xABCDABCD)
    case.go()
    low, high = case.fields.get("neg_lo", 0), case.fields.get("neg_hi", 0)
    if d != "i32":
        a = [[-x if (high if k % 2 else low) & 1 else x for k, x in enumerate(line)] for line in a]
        b = [[-x if (high if k % 2 else low) & 2 else x for x in line] for k, line in enumerate(b)]
        c = [[abs(x) if high & 4 else x for x in line] for line in c]
        c = [[-x if low & 4 else x for x in line] for line in c]
    wanted = matmul(a, b, c)
    for lane in range(wave):
        for register in range(16 // rows):
            i, j = rows * register + lane // 16, lane % 16
            found = case.got(d, 2 * register + half if narrow else register, lane)
            assert found == wanted[i][j], (name, wave, case.fields, i, j, found, wanted[i][j])
            if narrow:
                assert case.got("u16", 2 * register + 1 - half, lane) == 0xABCD


WMMA = (
    ("V_WMMA_F32_16X16X16_F16", ("f16", "f16", "f32"), ({}, {"neg_lo": 1, "neg_hi": 6})),
    ("V_WMMA_F32_16X16X16_BF16", ("bf16", "bf16", "f32"), ({}, {"neg_lo": 6, "neg_hi": 1})),
    ("V_WMMA_F16_16X16X16_F16", ("f16", "f16", "f16"), ({}, {"op_sel": 4}, {"neg_lo": 7, "neg_hi": 7})),
    ("V_WMMA_BF16_16X16X16_BF16", ("bf16", "bf16", "bf16"), ({"op_sel": 4}, {"neg_lo": 3, "neg_hi": 3})),
    ("V_WMMA_I32_16X16X16_IU8", ("u8", "u8", "i32"), ({}, {"clamp": 1})),
    ("V_WMMA_I32_16X16X16_IU8", ("i8", "u8", "i32"), ({"neg_lo": 1},)),
    ("V_WMMA_I32_16X16X16_IU4", ("u4", "i4", "i32"), ({"neg_lo": 2},)),
    ("V_WMMA_I32_16X16X16_IU4", ("i4", "i4", "i32"), ({"neg_lo": 3, "clamp": 1},)),
)


def test_wmma_sample() -> None:
    run_wmma("V_WMMA_F32_16X16X16_F16", ("f16", "f16", "f32"), 32)
    run_wmma("V_WMMA_I32_16X16X16_IU4", ("u4", "i4", "i32"), 64, {"neg_lo": 2})


@pytest.mark.slow
@pytest.mark.parametrize("wave", [32, 64])
def test_wmma(wave: int) -> None:
    for name, types, every in WMMA:
        for fields in every:
            run_wmma(name, types, wave, fields)


@pytest.mark.slow
def test_wmma_clamps() -> None:
    """A sum beyond 32 bits stays at the end, or comes around."""
    for clamp, wanted in ((1, 0x7FFFFFFF), (0, 0x7FFFFFFF + 16 * 9 - (1 << 32))):
        case = Case("V_WMMA_I32_16X16X16_IU8", {"clamp": clamp}, 32, "rdna3")
        for lane in range(32):
            for k in range(16):
                case.put("S0", "u8", k, lane, 3)
                case.put("S1", "u8", k, lane, 3)
            case.put("S2", "u32", 0, lane, 0x7FFFFFFF)
        case.go()
        assert (case.got("i32", 0, 5), case.got("i32", 1, 5)) == (wanted, 144)


CONSTANTS = (  # name, chip, what an f32 operand has, what D has then
    ("V_MFMA_F32_4X4X1_16B_F32", "cdna4", 0x40000000, 0x40000000),
    ("V_MFMA_F64_4X4X4_4B_F64", "cdna4", 0x40000000, 0x4000000000000000),
    ("V_MFMA_F64_4X4X4_4B_F64", "cdna4", 0x3E22F983, 0x3FC45F306DC9C882),
    ("V_MFMA_F64_4X4X4_4B_F64", "cdna4", 0xFFFFFFFD, 0x7FF8000000000000),
    ("V_MFMA_I32_4X4X4_16B_I8", "cdna4", 0xFFFFFFFD, 0xFFFFFFFD),
    ("V_WMMA_F16_16X16X16_F16", "rdna3", 0x40000000, 0x4000),
    ("V_WMMA_F16_16X16X16_F16", "rdna3", 5, 5),
    ("V_WMMA_BF16_16X16X16_BF16", "rdna3", 0x40000000, 0x4000),
)


@pytest.mark.slow
@pytest.mark.parametrize("name, arch, given, wanted", CONSTANTS)
def test_constant_c(name: str, arch: str, given: int, wanted: int) -> None:
    """C as one number: a float in the type of C, an integer as bits (-3 is a NaN of doubles)."""
    form = next(form for form in forms(arch) if form.entry.name == name)
    found = matrix(form, {}, constant=True)
    assert found is not None
    tree, variables = tree_of(found, form)
    assert "S2_NUMBER" not in variables
    world = Registers(tree, variables)
    world.values |= {"S2": given, "D0_NUMBER": 40, "S0_NUMBER": 1, "S1_NUMBER": 9}
    world.go(tree)
    bits = max(16, wanted.bit_length())
    assert world.bits(0, bits, 40, 3, form.wave) == wanted
