"""What the machine does itself: ends, barriers, traps, hardware registers; by an entry's name or its control.

An action is a function of the wave and the instruction; it may give the address where the wave goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from baregrad.emu.amd.faults import Trouble
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.operands import Literal, Reg

if TYPE_CHECKING:
    from baregrad.emu.amd.wave import Wave

# Numbers of hardware registers -> a part of the state. Source: RDNA3 ISA 3.4, CDNA4 ISA 3.3
HARDWARE = {1: "MODE", 2: "STATUS", 3: "TRAPSTS", 29: "CYCLE"}
WRITABLE = ("MODE", "TRAPSTS")


def _end(wave: Wave, inst: Inst) -> None:
    wave.stop = "end"


def _code_end(wave: Wave, inst: Inst) -> None:
    raise Trouble("bad_opcode", "s_code_end: the program has no end before its padding", lane=False)


def _barrier(wave: Wave, inst: Inst) -> None:
    wave.stop = "barrier"


def _trap(wave: Wave, inst: Inst) -> None:
    raise Trouble("trap", f"s_trap {inst.operands[0] if inst.operands else ''}", lane=False)


def _halt(wave: Wave, inst: Inst) -> None:
    if inst.operands and inst.operands[0]:
        raise Trouble("trap", f"{inst.form.name}: nobody starts the wave again", lane=False)


def _nothing(wave: Wave, inst: Inst) -> None:
    """Time, caches and messages: nothing of the state."""


def _field(inst: Inst) -> tuple[str, int, int]:
    """The hardware register that an instruction names, the lowest bit and how many."""
    word = next(
        one for one, slot in zip(inst.operands, inst.form.slots, strict=True) if slot.role == "SIMM16"
    )
    assert isinstance(word, int), "a hardware register is a number"
    word &= 0xFFFF
    return HARDWARE.get(word & 63, ""), word >> 6 & 31, (word >> 11 & 31) + 1


def _getreg(wave: Wave, inst: Inst) -> None:
    name, low, bits = _field(inst)
    value = wave.get(name) if name else wave.hardware(inst)
    register = inst.operands[0]
    if isinstance(register, Reg) and register.file != "null":
        wave.u[wave.layout.cell(register)] = value >> low & (1 << bits) - 1


def _setreg(wave: Wave, inst: Inst) -> None:
    name, low, bits = _field(inst)
    source = inst.operands[-1]
    if isinstance(source, Literal):
        value = source.bits
    else:
        assert isinstance(source, Reg), "a hardware register is set from a register"
        value = wave.u[wave.layout.cell(source)]
    if name in WRITABLE:
        mask = (1 << bits) - 1
        wave.set(name, wave.get(name) & ~(mask << low) | (value & mask) << low)
        wave.refresh()


def _refresh(wave: Wave, inst: Inst) -> None:
    wave.refresh()


ACTIONS: dict[str, Callable[[Wave, Inst], int | None]] = {
    "end": _end, "S_CODE_END": _code_end, "barrier": _barrier, "trap": _trap, "halt": _halt, "wait": _nothing,
    "delay": _nothing, "message": _nothing, "sleep": _nothing, "priority": _nothing, "hint": _nothing,
    "cache": _nothing, "S_GETREG_B32": _getreg, "S_SETREG_B32": _setreg, "S_SETREG_IMM32_B32": _setreg,
    "mode": _refresh,
}  # fmt: skip
"""Actions by the name of an entry, by control (isa/amd/effect_rows.py), or by the action of a meaning."""
