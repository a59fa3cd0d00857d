"""Moves across lanes, appending, transposing loads, hardware registers: against the manuals' own examples.

The examples of DS_SWIZZLE, DS_PERMUTE, DS_BPERMUTE and V_PERMLANE16 are numbers of lanes from the manuals;
the others are what their prose says.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from baregrad.emu.memory import Memory
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning import meaning
from baregrad.isa.amd.meaning.rows_given import Given, tree_of
from baregrad.isa.amd.meaning.rows_ours import ours
from baregrad.isa.meaning import Tree
from tests.isa.amd.registers import Registers
from tests.isa.amd.without_body import FILE, lines

D, S, A = 3, 5, 7  # registers of the result, of what is moved, of addresses
CHIPS = (("cdna4", 64), ("rdna3", 32), ("rdna3", 64))


def first(arch: str, wave: int, name: str) -> Form:
    return next(form for form in forms(arch, wave) if form.entry.name == name)


def started(form: Form, fields: Mapping[str, int] | None = None, **values: int) -> tuple[Registers, Tree]:
    """A world in which lane l has l + 1 in S and 0x1000 + l in D, and the tree."""
    given = ours(form, fields or {})
    assert isinstance(given, Given)
    tree, variables = tree_of(given, form)
    world = Registers(tree, variables)
    if "VGPR" in world.files:
        for lane in range(form.wave):
            world.put(S, lane, form.wave, lane + 1)
            world.put(D, lane, form.wave, 0x1000 + lane)
    world.values |= {"D0_NUMBER": D, "S0_NUMBER": S, "DATA0_NUMBER": S, "ADDR_NUMBER": A, "LDS_SIZE": 4096}
    world.values |= {"EXEC": (1 << form.wave) - 1} | values
    world.spaces["lds"] = Memory()
    world.spaces["lds"].map(0, bytes(at * 7 & 0xFF for at in range(4096)))
    return world, tree


def moved(
    arch: str, wave: int, name: str, fields: Mapping[str, int] | None = None, **values: int
) -> list[int]:
    """What the lanes have in D afterwards."""
    form = first(arch, wave, name)
    world, tree = started(form, fields, **values)
    world.go(tree)
    return [world.cell(D, lane, wave) for lane in range(wave)]


# offset -> the 32 lanes that are read, counted from 1, as the manual's examples print them (in hexadecimal)
SWIZZLES = (
    (0xE000, "1 11 9 19 5 15 d 1d 3 13 b 1b 7 17 f 1f 2 12 a 1a 6 16 e 1e 4 14 c 1c 8 18 10 20"),
    (0xE010, "1 9 5 d 3 b 7 f 2 a 6 e 4 c 8 10 11 19 15 1d 13 1b 17 1f 12 1a 16 1e 14 1c 18 20"),
    (0xE01F, "1 2 3 4 5 6 7 8 9 a b c d e f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20"),
    (0xC020, "2 3 4 5 6 7 8 9 a b c d e f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 1"),
    (0xC420, "20 1 2 3 4 5 6 7 8 9 a b c d e f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f"),
    (0xC021, "1 4 3 6 5 8 7 a 9 c b e d 10 f 12 11 14 13 16 15 18 17 1a 19 1c 1b 1e 1d 20 1f 2"),
    (0xC421, "1f 2 1 4 3 6 5 8 7 a 9 c b e d 10 f 12 11 14 13 16 15 18 17 1a 19 1c 1b 1e 1d 20"),
    (0x401F, " ".join(f"{(at ^ 16) + 1:x}" for at in range(32))),  # SWAPX16
    (0x7C1F, " ".join(f"{32 - at:x}" for at in range(32))),  # REVERSEX32
    (0x00B8, " ".join(f"{(at & 24 | 5) + 1:x}" for at in range(32))),  # lane 5 of each eight
    (0x801B, " ".join(f"{(at ^ 3) + 1:x}" for at in range(32))),  # fours turned round
)


def test_swizzle() -> None:
    swizzle("rdna3", 32, 2)
    swizzle("cdna4", 64, 10)


@pytest.mark.slow
def test_every_swizzle() -> None:
    swizzle("rdna3", 32, 1)
    swizzle("rdna3", 64, 1)
    swizzle("cdna4", 64, 1)


def swizzle(arch: str, wave: int, step: int) -> None:
    """The examples, every so many of them."""
    form = first(arch, wave, "DS_SWIZZLE_B32")
    world, tree = started(form, ADDR_NUMBER=S)
    for offset, lanes in SWIZZLES[::step]:
        world.values["OFFSET"] = offset
        world.go(tree)
        wanted = [int(lane, 16) for lane in lanes.split()]
        wanted += [lane + 32 for lane in wanted] if wave == 64 else []
        assert [world.cell(D, lane, wave) for lane in range(wave)] == wanted, hex(offset)
    world.values |= {"EXEC": 0x5, "OFFSET": 0x801B}
    world.go(tree)
    assert [world.cell(D, lane, wave) for lane in range(4)] == [0, wanted[1], 0, wanted[3]]  # off lanes: 0


OFF = -1
PERMUTES = (  # what four lanes have after it, of 1 2 3 4 sent by 0 0 12 4: the manual's examples
    ("DS_PERMUTE_B32", 0xF, (2, 4, 0, 3)),
    ("DS_PERMUTE_B32", 0xA, (OFF, 4, OFF, 0)),
    ("DS_BPERMUTE_B32", 0xF, (1, 1, 4, 2)),
    ("DS_BPERMUTE_B32", 0xA, (OFF, 0, OFF, 2)),
)


@pytest.mark.parametrize("arch, wave", CHIPS)
def test_permutes(arch: str, wave: int) -> None:
    for name, mask, wanted in PERMUTES:
        world, tree = started(first(arch, wave, name), EXEC=mask)
        for lane, address in enumerate((0, 0, 12, 4)):
            world.put(A, lane, wave, address)
        world.values["OFFSET"] = 0
        world.go(tree)
        found = [world.cell(D, lane, wave) for lane in range(5)]
        assert found == [
            0x1000 + lane if value == OFF else value for lane, value in enumerate((*wanted, OFF))
        ], (name, mask, found)


def test_permute_in_halves() -> None:
    """With 64 lanes RDNA's permutes stay within 32, CDNA's do not."""
    for arch, other in (("cdna4", 1), ("rdna3", 33)):
        world, tree = started(first(arch, 64, "DS_BPERMUTE_B32"), OFFSET=256)
        world.put(A, 40, 64, 0)
        world.go(tree)
        assert world.cell(D, 40, 64) == other


def rotation(lane: int) -> int:
    """What the example of V_PERMLANE16 gives: the next lane of the row, from 1."""
    return (lane & ~15) + (lane + 1 & 15) + 1


@pytest.mark.parametrize("wave", [32, 64])
def test_permlane(wave: int) -> None:
    selects = {"S1": 0x87654321, "S2": 0x0FEDCBA9}
    every = [rotation(lane) for lane in range(wave)]
    assert moved("rdna3", wave, "V_PERMLANE16_B32", **selects) == every
    crossed = [rotation(lane ^ 16) for lane in range(wave)]
    assert moved("rdna3", wave, "V_PERMLANEX16_B32", **selects) == crossed
    off = (1 << wave) - 1 & ~0x8000_8000_8000_8000
    for chosen, at14 in ((0, 0x1000 + 14), (1, 16), (2, 0), (3, 16)):  # FI, BOUND_CTRL
        found = moved("rdna3", wave, "V_PERMLANE16_B32", {"op_sel": chosen}, EXEC=off, **selects)
        assert found == [
            0x1000 + lane
            if lane % 16 == 15
            else at14 + lane // 16 * 16 * (at14 > 0)
            if lane % 16 == 14
            else value
            for lane, value in enumerate(every)
        ], chosen


def test_rows_change_places() -> None:
    """Odd rows of the first operand and even rows of the second; its second half and the other's first."""
    for name, step in (("V_PERMLANE16_SWAP_B32", 16), ("V_PERMLANE32_SWAP_B32", 32)):
        world, tree = started(first("cdna4", 64, name))
        world.go(tree)
        for lane in range(64):
            low = lane // step % 2 == 0
            found = world.cell(D, lane, 64), world.cell(S, lane, 64)
            assert found == ((0x1000 + lane, 0x1000 + lane + step) if low else (lane - step + 1, lane + 1)), (
                name,
                lane,
            )
    assert moved("rdna3", 64, "V_PERMLANE64_B32") == [(lane ^ 32) + 1 for lane in range(64)]
    assert moved("rdna3", 32, "V_PERMLANE64_B32") == [0x1000 + lane for lane in range(32)]


@pytest.mark.parametrize("arch, wave", CHIPS)
def test_one_lane(arch: str, wave: int) -> None:
    world, tree = started(first(arch, wave, "V_READFIRSTLANE_B32"))
    for mask, lane in ((0b101000, 3), (0, 0), (1 << wave - 1, wave - 1)):
        world.values["EXEC"] = mask
        world.go(tree)
        assert world.values["D0"] == lane + 1
    world, tree = started(first(arch, wave, "V_READLANE_B32"), S1=wave + 9)
    world.go(tree)
    assert world.values["D0"] == 10
    world, tree = started(first(arch, wave, "V_WRITELANE_B32"), S1=wave + 9, S0=77, EXEC=0)
    world.go(tree)
    assert [world.cell(D, lane, wave) for lane in (8, 9, 10)] == [0x1008, 77, 0x100A]


INDEXED = (  # name, M0, then D and S of lane 2 (3 and 0x1002 if nothing happens) and register 9 and 10 there
    ("V_MOVRELD_B32", 6, {9: 55}),
    ("V_MOVRELS_B32", 4, {D: 109}),
    ("V_MOVRELSD_B32", 5, {8: 110}),
    ("V_MOVRELSD_2_B32", 6 << 16 | 5, {9: 110}),
    ("V_MOVRELD_B32", 253, {}),
    ("V_MOVRELS_B32", 251, {D: 100}),
    ("V_SWAPREL_B32", 6 << 16 | 5, {9: 110, 10: 109}),
    ("V_SWAPREL_B32", 253 << 16 | 5, {}),
)
SCALAR: tuple[tuple[str, dict[str, int], dict[int, int]], ...] = (
    ("S_MOVRELS_B32", {"M0": 5}, {}),
    ("S_MOVRELD_B64", {"M0": 4, "S0": 7 << 32 | 6}, {D + 4: 6, D + 5: 7}),
    ("S_MOVRELSD_2_B32", {"M0": 2 << 16 | 3}, {D + 2: S + 3}),
    ("S_MOVRELD_B32", {"M0": 105}, {}),
)


def test_chosen_registers() -> None:
    for name, m0, changes in INDEXED:
        world, tree = started(first("rdna3", 32, name), M0=m0, laneId=2, S0=55)
        for register in range(16):
            world.put(register, 2, 32, 100 + register)
        world.go(tree)
        found = {at: world.cell(at, 2, 32) for at in range(16) if world.cell(at, 2, 32) != 100 + at}
        assert found == changes, (name, m0)
    for name, values, changes in SCALAR:
        world, tree = started(first("rdna3", 32, name), **values)
        for register in range(128):
            world.put(register, 0, 1, register, "SGPR")
        world.go(tree)
        found = {at: world.cell(at, 0, 1, "SGPR") for at in range(128) if world.cell(at, 0, 1, "SGPR") != at}
        assert found == changes, name
        assert name != "S_MOVRELS_B32" or world.values["D0"] == S + 5


def test_append() -> None:
    for arch, wave in CHIPS:
        for name, sign in (("DS_APPEND", 1), ("DS_CONSUME", -1)):
            world, tree = started(first(arch, wave, name), M0=64, OFFSET=16, EXEC=0b1011)
            before = world.spaces["lds"].read(80, 32)
            world.go(tree)
            assert world.spaces["lds"].read(80, 32) == before + 3 * sign
            assert [world.cell(D, lane, wave) for lane in range(4)] == [before, before, 0x1002, before]


@pytest.mark.parametrize("bits, element", [(64, 16), (64, 8), (64, 4), (96, 6)])
def test_transposing_load(bits: int, element: int) -> None:
    """Sixteen lanes read rows of 16 elements, a row in as many lanes as it needs; each gets a column."""
    world, tree = started(first("cdna4", 64, f"DS_READ_B{bits}_TR_B{element}"), OFFSET=256)
    items, size = bits // element, bits // 8
    for lane in range(64):
        world.put(A, lane, 64, size * lane)
    memory = world.spaces["lds"].read(256, 64 * bits)
    world.go(tree)
    for lane in range(64):
        for row in range(items):
            number = lane // 16 * 16 * items + row * 16 + lane % 16  # of the rows written one after another
            wanted = memory >> number * element & ((1 << element) - 1)
            assert world.bits(row * element, element, D, lane, 64) == wanted, (lane, row)


def test_load_into_local_memory() -> None:
    """A byte with its sign becomes a dword at M0 + offset + 4 * lane; beyond the end nothing is written."""
    for name, step, wanted in (("SBYTE", 4, 0xFFFFFF90), ("DWORDX3", 16, 0x938271605F4E3D2C1B0A9190)):
        world, tree = started(first("cdna4", 64, f"GLOBAL_LOAD_LDS_{name}"), ADDR=0x5000, M0=0x43)
        world.spaces[""].map(0x5008, bytes.fromhex("90910a1b2c3d4e5f607182930000"))
        world.values |= {"OFFSET": 8, "laneId": 5, "LDS_SIZE": 4096}
        world.go(tree)
        assert world.spaces["lds"].read(0x40 + 8 + 5 * step, 96 if step == 16 else 32) == wanted, name
        world.values["LDS_SIZE"] = 0x40
        world.go(tree)


def test_hardware_registers() -> None:
    for arch in ("cdna4", "rdna3"):
        values = {"MODE": 0x2F0, "STATUS": 0x61, "TRAPSTS": 5, "CYCLE": 9, "SCRATCH_BASE": 0}
        values |= {"SHARED_BASE": 0x1234 << 48, "PRIVATE_BASE": 0x4321 << 48}
        world, tree = started(first(arch, 0, "S_GETREG_B32"), **values)
        for code, wanted in (
            (1 | 31 << 11, 0x2F0),
            (1 | 4 << 6 | 3 << 11, 15),
            (3 | 2 << 11, 5),
            (15 | 31 << 11, 0x12344321),
        ):
            world.values["SIMM16"] = code
            world.go(tree)
            assert world.values["D0"] == wanted, hex(code)
        world, tree = started(first(arch, 0, "S_SETREG_B32"), S0=0xABCD, **values)
        for code, mode in ((1 | 4 << 6 | 3 << 11, 0x2D0), (2 | 31 << 11, 0x2D0), (1 | 31 << 11, 0xABCD)):
            world.values["SIMM16"] = code
            world.go(tree)
            assert (world.values["MODE"], world.values["STATUS"]) == (mode, 0x61), hex(code)


def test_every_entry_without_a_body() -> None:
    """Each has a meaning of ours or a reason, as vectors/without_body.txt says."""
    found = lines()
    assert found == FILE.read_text().splitlines(), "python -m tests.isa.amd.without_body writes it again"
    assert not [line for line in found if line.endswith(": nothing")]


def test_pairs() -> None:
    """Both halves read what was there before: here the one's result is the other's source."""
    form = next(form for form in forms("rdna3") if form.name == "v_dual_fmac_f32 :: v_dual_lshlrev_b32")
    found = meaning(form)
    assert found is not None
    world = Registers(found.tree, found.variables)
    two, three = 0x40000000, 0x40400000
    world.values |= {"DX": three, "S0X": two, "S1X": two, "S0Y": 3, "S1Y": three, "DY": 5}
    world.go(found.tree)
    assert (world.values["DX"], world.values["DY"]) == (0x40E00000, three << 3 & 0xFFFFFFFF)


def test_buffer_load_into_local_memory() -> None:
    """As a load into registers, and then to the lane's place; beyond the buffer's end it is 0."""
    for name, step, bits in (("BUFFER_LOAD_USHORT", 4, 32), ("BUFFER_LOAD_DWORDX4", 16, 128)):
        form = next(
            form for form in forms("cdna4")
            if form.entry.name == name and any(one.name == "lds" for one in form.modifiers)
        )  # fmt: skip
        found = meaning(form)
        assert found is not None
        world = Registers(found.tree, found.variables)
        world.spaces["lds"] = Memory()
        world.spaces["lds"].map(0, bytes(4096))
        world.spaces[""].map(0x5000, bytes(range(1, 17)))
        world.values |= {"SOFFSET": 0, "OFFSET": 0, "laneId": 5, "LDS_SIZE": 4096, "M0": 64, "VADDR": 0}
        world.files["SRSRC"][:] = (0x5000 | 16 << 64).to_bytes(16, "little")
        world.go(found.tree)
        wanted = int.from_bytes(bytes(range(1, 17)), "little") if bits == 128 else 0x0201
        assert world.spaces["lds"].read(64 + 5 * step, bits) == wanted, name
