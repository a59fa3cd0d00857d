"""An instruction's variables as places of a wave's state: what its compiled meaning is called with.

Kinds of places depend on the kinds of operands alone, so that one function serves all instructions of a form
with such operands; register numbers and constants are arguments. What is not here: how meanings are compiled
(emu/source.py), the state (state.py).
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from baregrad.base.errors import EncodingError
from baregrad.emu.amd.lanes import Control
from baregrad.emu.amd.state import M0, TTMP, VCC, Layout, scalar_code, sink
from baregrad.emu.places import EXEC, Spot
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Slot, take, width
from baregrad.isa.amd.modifiers import SIGNED
from baregrad.isa.amd.operands import Changed, Label, Literal, Operand, Reg, float_bits

MASKS = {"VCC": VCC, "EXEC": EXEC}
FILES = ("VGPR", "ACC", "SGPR")
PLAIN = {"laneId": "lane", "PC": "pc", "TBA": "none", "HW_ID": "none"}
SPECIAL = {"src_vccz": "vccz", "src_execz": "execz", "src_shared_limit": "shared_limit",
           "src_private_limit": "private_limit"}  # fmt: skip
NAMED = {"src_scc": "SCC", "src_shared_base": "SHARED_BASE", "src_private_base": "PRIVATE_BASE"}

Argument = int | Control


class Bound(NamedTuple):
    """Places by variable, their key, and the arguments by parameter."""

    spots: dict[str, Spot]
    key: Hashable
    arguments: dict[str, Argument]


def bind(inst: Inst, scope: str, variables: Mapping[str, int], layout: Layout) -> Bound:
    """The places of an instruction's variables. Errors: EncodingError for a name that is none."""
    roles = {slot.role: (slot, one) for slot, one in zip(inst.form.slots, inst.operands, strict=True)}
    spots: dict[str, Spot] = {}
    arguments: dict[str, Argument] = {}
    control = control_of(inst)
    for name, bits in variables.items():
        slot, operand = roles.get(name, (None, None))
        if slot is not None and operand is not None:
            spot, argument = place(slot, operand, bits, scope, layout)
            if name == "S0" and control is not None and spot.kind in ("vector", "low", "high"):
                spot = Spot("dpp", bits, name=spot.kind)
                arguments["S0_DPP"] = control
        else:
            spot, argument = implicit(inst, name, bits, scope, layout)
        spots[name] = spot
        if argument is not None:
            arguments[name] = argument
    return Bound(spots, tuple(sorted(spots.items())), arguments)


def place(slot: Slot, operand: Operand, bits: int, scope: str, layout: Layout) -> tuple[Spot, int | None]:
    """Where an operand is, and the argument that says which one."""
    if isinstance(operand, Changed):
        operand = operand.value
    if not isinstance(operand, Reg):
        return Spot("constant", bits), number(operand, slot, bits)
    if sink(operand) or operand.file == "off":
        return Spot("none", bits), None
    if operand.file in NAMED:
        return Spot("scalar", bits, layout.at[NAMED[operand.file]]), None
    if operand.file in SPECIAL:
        return Spot("special", bits, name=SPECIAL[operand.file]), None
    cell = layout.cell(operand)
    if operand.file in ("v", "a"):
        half = "high" if operand.half == "h" else "low" if operand.half or layout.family == "rdna" else ""
        return Spot(half if half and bits == 16 else "vector", bits), cell
    return Spot("mask" if scope == "lane" and bits == 1 else "scalar", bits), cell


def implicit(inst: Inst, name: str, bits: int, scope: str, layout: Layout) -> tuple[Spot, int | None]:
    """Where a variable is that is no operand."""
    if name in PLAIN:
        return Spot(PLAIN[name], bits), None
    if name in MASKS:
        return Spot("mask" if scope == "lane" and bits == 1 else "scalar", bits, MASKS[name]), None
    if name in FILES:
        return Spot("file", bits, layout.at[name]), None
    if name in layout.at or name == "M0":
        return Spot("scalar", bits, layout.at[name] if name != "M0" else layout.cell(M0)), None
    return field(inst, name, bits, layout)


def field(inst: Inst, name: str, bits: int, layout: Layout) -> tuple[Spot, int | None]:
    """A variable that is a number of the instruction, or a trap register."""
    if name.startswith("TTMP") and name[4:].isdigit():
        return Spot("scalar", bits, TTMP + int(name[4:])), None
    if name in ("SIMM16", "SIMM32"):  # the word behind, by the name that the manual gives it
        for operand in inst.operands:
            if isinstance(operand, Literal):
                return Spot("constant", bits), operand.bits & (1 << bits) - 1
    if name.endswith("_NUMBER"):
        return Spot("constant", bits), register_number(inst, name.removesuffix("_NUMBER"), layout)
    for one in inst.form.modifiers:
        if one.name.upper() == name:
            value = take(one.where, inst.word)
            size = width(one.where)
            if one.style in SIGNED and value >> size - 1:
                value -= 1 << size
            return Spot("constant", bits), value & (1 << bits) - 1
    raise EncodingError(
        f"{name} of {inst.form.name}", why="no operand, register or field has this name", mend="place it"
    )


def register_number(inst: Inst, role: str, layout: Layout) -> int:
    """The number of an operand's register: accumulation registers lie behind the vector registers."""
    for slot, operand in zip(inst.form.slots, inst.operands, strict=True):
        if slot.role == role:
            value = operand.value if isinstance(operand, Changed) else operand
            if isinstance(value, Reg) and value.file in ("v", "a"):
                return value.first + (256 if value.file == "a" else 0)
            if isinstance(value, Reg) and not sink(value):
                return scalar_code(layout.family, value)
    raise EncodingError(f"{role} of {inst!r}", why="it is no register", mend="its meaning asks for a number")


def number(operand: int | float | Literal | Label, slot: Slot, bits: int) -> int:
    """The bits of a constant as an operand of so many.

    Sources: RDNA3 ISA 6.5, CDNA4 ISA 5.6: a literal of a double is its upper half.
    """
    if isinstance(operand, Literal):
        if bits == 64 and slot.type == "f":
            return operand.bits << 32
        if bits == 64 and slot.type == "i" and operand.bits >> 31:
            return operand.bits | 0xFFFFFFFF << 32
        return operand.bits & (1 << bits) - 1
    if isinstance(operand, float):
        if bits == 64 and (slot.type != "b" or slot.kind == "ssrc"):
            return int(struct.unpack("<Q", struct.pack("<d", operand))[0])
        return float_bits(operand, "f16" if bits == 16 else "f32") & (1 << bits) - 1  # a count has 5
    assert isinstance(operand, int), f"{operand!r} is placed when the program is whole"
    return operand & (1 << bits) - 1


def control_of(inst: Inst) -> Control | None:
    """The lane control of an instruction with DPP."""
    found = {one.name: take(one.where, inst.word) for one in inst.form.modifiers}
    fetch = bool(found.get("fi", 0))
    if "dpp8" in found:
        return Control(found["dpp8"], True, fetch=fetch or inst.form.encoding.endswith("FI"))
    if "dpp" not in found:
        return None
    return Control(
        found["dpp"], False, found["row_mask"], found["bank_mask"], bool(found["bound_ctrl"]), fetch
    )
