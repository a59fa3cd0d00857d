"""What the machine does itself: ends, barriers, traps; by entry, by control or by a meaning's action.

An action is a function of the wave and the instruction; it may give the address where the wave goes on. What
is not here: instructions with a meaning (emu/source.py), which action an instruction has (code.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from baregrad.emu.amd.faults import Trouble
from baregrad.isa.amd.inst import Inst

if TYPE_CHECKING:
    from baregrad.emu.amd.wave import Wave


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


def _kill(wave: Wave, inst: Inst) -> None:
    if inst.operands[0] == 1:
        wave.stop = "end"


def _refresh(wave: Wave, inst: Inst) -> None:
    wave.refresh()


ACTIONS: dict[str, Callable[[Wave, Inst], int | None]] = {
    "end": _end, "S_CODE_END": _code_end, "barrier": _barrier, "trap": _trap, "halt": _halt, "wait": _nothing,
    "delay": _nothing, "message": _nothing, "sleep": _nothing, "priority": _nothing, "hint": _nothing,
    "cache": _nothing, "kill": _kill,
    "mode": _refresh,
}  # fmt: skip
"""Actions by the name of an entry, by control (isa/amd/effect_rows.py), or by the action of a meaning."""
