"""The operands of an instruction as places of a template, and the words that tell it where they are.

What instructions share is in the places (kinds, sizes, halves), so that one template serves many; what is
their own, cells and constants, is in the words of the argument block. Read lift/amd.py first.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping
from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.emu.amd import Layout
from baregrad.emu.amd.binding import control_of
from baregrad.emu.amd.lanes import Control, source
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Slot, take, width
from baregrad.isa.amd.modifiers import SIGNED
from baregrad.isa.amd.operands import NULL, Changed, Literal, Operand, Reg, float_bits
from baregrad.lift.amd import (
    FETCH,
    FIRST,
    FIRST_WITHOUT_MEMORY,
    NO_LANE,
    NO_RESULT,
    ZERO_IF_OFF,
    Place,
)

CELLS = {
    "src_scc": "SCC", "src_shared_base": "SHARED_BASE", "src_private_base": "PRIVATE_BASE",
}  # fmt: skip
"""Named sources that are cells of the state."""

DERIVED = {
    "src_shared_limit": ("limit", "SHARED_BASE"), "src_private_limit": ("limit", "PRIVATE_BASE"),
    "src_vccz": ("empty", "VCC"), "src_execz": ("empty", "EXEC"),
}  # fmt: skip
"""Named sources that are made of cells: the kind of place, and of what."""

REGISTERS = {"VCC": 106, "EXEC": 126}
FILES = ("VGPR", "ACC", "SGPR")
LITERALS = ("SIMM16", "SIMM32")
M0 = {"rdna": 125, "cdna": 124}


class Bound(NamedTuple):
    """An instruction's places, and its words from the first one of its own on."""

    places: tuple[Place, ...]
    words: tuple[int, ...]


class Binder:
    """The places of one instruction while they are found."""

    __slots__ = ("control", "first", "inst", "layout", "places", "scope", "words")

    def __init__(self, inst: Inst, scope: str, layout: Layout, memory: bool) -> None:
        self.inst, self.scope, self.layout = inst, scope, layout
        self.control = control_of(inst)
        self.first = FIRST if memory else FIRST_WITHOUT_MEMORY
        self.places: list[Place] = []
        self.words: list[int] = []

    def slot(self, *words: int) -> int:
        """Put words into the block; the slot of the first one."""
        found = self.first + len(self.words)
        self.words += words
        return found

    def bind(self, name: str, bits: int, slot: Slot | None, operand: Operand | None) -> None:
        """Find the place of a variable."""
        if name == "laneId":
            return
        if slot is not None and operand is not None:
            self.places.append(self.operand(name, bits, slot, operand))
        elif name in REGISTERS:
            self.places.append(self.fixed(name, bits, REGISTERS[name]))
        elif name in FILES:
            self.places.append(Place(name, "file", bits, -1, self.layout.at[name]))
        elif name == "M0":
            self.places.append(Place(name, "scalar", bits, -1, M0[self.layout.family]))
        elif name in self.layout.at:
            self.places.append(Place(name, "scalar", bits, -1, self.layout.at[name]))
        else:
            self.constant(name, bits, self.field(name))

    def fixed(self, name: str, bits: int, code: int) -> Place:
        """A scalar register of a known place."""
        kind = "mask" if bits == 1 and self.scope == "lane" else "scalar"
        return Place(name, kind, bits, -1, self.layout.at["SGPR"] + code)

    def field(self, name: str) -> int:
        """A field of the instruction that is a number."""
        if name.endswith("_NUMBER"):
            return self.number(name.removesuffix("_NUMBER"))
        if name in LITERALS:  # the word behind, by the name that the manual gives it
            for operand in self.inst.operands:
                if isinstance(operand, Literal):
                    return operand.bits
        for one in self.inst.form.modifiers:
            if one.name.upper() == name:
                value, size = take(one.where, self.inst.word), width(one.where)
                return value - (1 << size) if one.style in SIGNED and value >> size - 1 else value
        raise CompileError(
            f"{name} of {self.inst.form.name}", why="no operand, register or field is that", mend="bind it"
        )

    def number(self, role: str) -> int:
        """The number of an operand's register: accumulation registers lie behind the vector registers."""
        for slot, operand in zip(self.inst.form.slots, self.inst.operands, strict=True):
            value = operand.value if isinstance(operand, Changed) else operand
            if slot.role == role and isinstance(value, Reg) and value.file in ("v", "a"):
                return value.first + (256 if value.file == "a" else 0)
            if slot.role == role and isinstance(value, Reg) and value != NULL:
                return self.layout.cell(value) - self.layout.at["SGPR"]
        raise CompileError(f"{role} of {self.inst.form.name}", why="it is no register", mend="leave it")

    def constant(self, name: str, bits: int, value: int) -> None:
        """A number of the instruction's own."""
        value &= (1 << bits) - 1
        words = [value >> 32 * n & 0xFFFFFFFF for n in range(max(1, -(-bits // 32)))]
        self.places.append(Place(name, "constant", bits, self.slot(*words)))

    def operand(self, name: str, bits: int, slot: Slot, operand: Operand) -> Place:
        """An operand that is written in the text."""
        if isinstance(operand, Changed):
            operand = operand.value
        if isinstance(operand, Reg):
            return self.register(name, bits, slot, operand)
        value = number_of(operand, slot, bits)
        words = [value >> 32 * n & 0xFFFFFFFF for n in range(max(1, -(-bits // 32)))]
        return Place(name, "constant", bits, self.slot(*words))

    def register(self, name: str, bits: int, slot: Slot, register: Reg) -> Place:
        """A register."""
        half = int(register.half == "h")
        if register.file in ("v", "a"):
            keeps = self.layout.family == "rdna" or bool(register.half)
            cell = self.layout.cell(register)
            if self.control is not None and name == "S0":
                slot_ = self.slot(cell, moves(self.control, self.layout.lanes).address)
                return Place(name, "moved", bits, slot_, 0, half, keeps)
            return Place(name, "vector", bits, self.slot(cell), 0, half, keeps)
        if register.file in (NULL.file, "off"):
            return Place(name, "none", bits)
        if register.file in CELLS:
            return Place(name, "scalar", bits, -1, self.layout.at[CELLS[register.file]])
        mask = bits == 1 and self.scope == "lane"
        if register.file in DERIVED and not mask:
            kind, name_ = DERIVED[register.file]
            first = self.layout.at["SGPR"] + REGISTERS[name_] if kind == "empty" else self.layout.at[name_]
            return Place(name, kind, bits, -1, first)
        try:
            cell = self.layout.cell(register)
        except KeyError:  # one of those as a mask
            raise CompileError(
                f"{register!r} of {self.inst.form.name}", why="no cell of the state has it", mend="leave it"
            ) from None
        return Place(name, "mask" if mask else "scalar", bits, self.slot(cell), 0, half)


class Moves:
    """The table of a lane control, in memory that stays where it is."""

    __slots__ = ("_cells", "address")

    def __init__(self, cells: list[int]) -> None:
        self._cells = (ctypes.c_uint32 * 64)(*cells)
        self.address = ctypes.addressof(self._cells)


@memo
def moves(control: Control, lanes: int) -> Moves:
    """Which lane each lane reads, and what is done if there is none."""
    of = source(control)
    zero = control.bound or control.eight
    found = []
    for lane in range(lanes):
        place, move = of(lane), FETCH if control.fetch else 0
        if zero:
            move |= ZERO_IF_OFF
        if not (control.rows >> (lane >> 4) & 1 and control.banks >> (lane >> 2 & 3) & 1):
            move |= NO_RESULT
        elif not 0 <= place < lanes:
            move |= NO_LANE if zero else NO_RESULT
        found.append(move | max(0, min(place, lanes - 1)))
    return Moves(found)


def number_of(operand: Operand, slot: Slot, bits: int) -> int:
    """The bits that a constant has as an operand of so many."""
    if isinstance(operand, Literal):
        if bits == 64 and slot.type == "f":
            return operand.bits << 32
        if bits == 64 and slot.type == "i" and operand.bits >> 31:
            return operand.bits | 0xFFFFFFFF << 32
        return operand.bits & ((1 << bits) - 1)
    if isinstance(operand, int):
        return operand & ((1 << bits) - 1)
    if isinstance(operand, float):
        if bits == 64 and (slot.type != "b" or slot.kind == "ssrc"):
            return int(struct.unpack("<Q", struct.pack("<d", operand))[0])
        return float_bits(operand, "f16" if bits == 16 else "f32")
    raise CompileError(f"{operand!r} as a number", why="it is none", mend="bind it")


def bind(inst: Inst, scope: str, variables: Mapping[str, int], layout: Layout, memory: bool) -> Bound:
    """The places of an instruction's variables.

    Errors: CompileError for what has no place.
    """
    binder = Binder(inst, scope, layout, memory)
    found = {slot.role: (slot, one) for slot, one in zip(inst.form.slots, inst.operands, strict=True)}
    for name, bits in variables.items():
        slot, operand = found.get(name, (None, None))
        binder.bind(name, bits, slot, operand)
    return Bound(tuple(binder.places), tuple(binder.words))
