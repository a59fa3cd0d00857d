"""Loops give what isa.meaning.run gives, whatever is moved out of them: as Python source, and with the tables
that machine code makes of them.
"""

from __future__ import annotations

import random

import pytest

from baregrad.emu import Memory, Plain
from baregrad.emu.places import Spot
from baregrad.emu.source import compiled
from baregrad.isa.meaning import Tree, parse, run, walk
from baregrad.lift.tables import tabulated
from tests.emu.trees import Cells

CELLS = 512
VARIABLES = {"VGPR": 32 * CELLS, "S0_NUMBER": 32}
COPY = "for x < 256 { VGPR.u32[256 + x] = RESULT.u32[x] }"
BEGIN = "RESULT = u8192(0); s = u64(S0_NUMBER)"

# name -> (text, how many lists hold what was moved out, how many tables machine code has)
NESTS = {
    "a product": (
        "for i < 16 { for j < 9 { c = VGPR.f32[s + i * 9 + j]; for k < 9 {"
        " c = fma(f32(VGPR.fp8[(s + k) * 16 + i]), f32(VGPR.f16[j * 9 + k]), c) };"
        " RESULT.f32[i * 16 + j] = c } }",
        3, 1,
    ),
    "a sum of integers, four steps at once": (
        "for i < 16 { for j < 16 { c = i32(i); for k < 4 {"
        " c = c + i32(VGPR.i8[i * 4 + k]) * i32(-VGPR.i8[j * 4 + k]) }; RESULT.i32[j * 16 + i] = c } }",
        4, 2,
    ),
    "a condition": (
        "for i < 9 { for j < 9 { c = VGPR.f32[j]; for k < 9 { if VGPR.u8[j] > VGPR.u8[k + i] {"
        " c = fma(f32(VGPR.bf16[i * 9 + k]), f32(VGPR.bf16[j * 9 + k]), c) } };"
        " RESULT.f32[i * 16 + j] = c } }",
        3, 0,
    ),
    "a float that a step may leave": (
        "c = u32(0xFF812345).f32; for k < 9 { if VGPR.u8[k] > 254 { c = c + f32(VGPR.f16[k]) } };"
        " RESULT.f32[0] = c",
        0, 0,
    ),
    "a variable that changes": (
        "o = u64(0); for i < 16 { for j < 16 { o = o + 1;"
        " RESULT.i32[i * 16 + j] = i32(VGPR.i16[o]) + i32(VGPR.i8[i]) } }",
        0, 0,
    ),
    "registers that change": (
        "for i < 9 { for j < 9 { VGPR.u8[j] = VGPR.u8[j] + VGPR.u8[i];"
        " RESULT.u32[i * 16 + j] = u32(VGPR.u8[j]) } }",
        0, 0,
    ),
    "a float whose bits are read": (
        "c = f32(1.0); b = u32(0); for i < 16 { for j < 16 { c = c + f32(VGPR.f16[j]); b = b ^ c.u32;"
        " RESULT.u32[i * 16 + j] = b } }",
        1, 0,
    ),
    "a float that is read behind": (
        "c = f32(1.0); for i < 256 { t = f32(VGPR.f16[i]); c = c * f32(0.5) + t }; RESULT.f32[3] = c + t",
        0, 0,
    ),
}  # fmt: skip


def by_meaning(tree: Tree, cells: bytes, number: int) -> bytes:
    """The registers that isa.meaning.run leaves."""
    world = Plain(Memory())
    world.widths = dict(VARIABLES)
    world.values = {"VGPR": int.from_bytes(cells, "little"), "S0_NUMBER": number}
    run(tree, world)
    return (world.values["VGPR"] or 0).to_bytes(4 * CELLS, "little")


def by_source(tree: Tree, cells: bytes, number: int) -> tuple[bytes, str]:
    """The registers that Python source leaves, and the source."""
    spots = {"VGPR": Spot("file", 32 * CELLS, 0), "S0_NUMBER": Spot("constant", 32)}
    made, wave = compiled(tree, "wave", spots, 64), Cells(CELLS)
    wave.data[:] = cells
    made.function(wave, number)
    return bytes(wave.data), made.text


@pytest.mark.parametrize("name", NESTS)
def test_what_is_moved_out_of_loops(name: str) -> None:
    text, lists, tables = NESTS[name]
    tree = parse(f"{BEGIN}; {text}; {COPY}", VARIABLES)
    finite = bytes(n & 0xBF for n in range(256))
    cells = random.Random(name).randbytes(4 * CELLS).translate(finite)
    found, source = by_source(tree, cells, 5)
    assert found == by_meaning(tree, cells, 5), source
    assert source.count("= []\n") == lists, source
    other = tabulated(tree, ["VGPR"])
    named = {node.arg for node in walk(other) if node.op == "var" and str(node.arg).startswith("TABLE")}
    assert len(named) == tables, f"{named} in {other}"
    again, source = by_source(other, cells, 5)
    assert again == found, source
