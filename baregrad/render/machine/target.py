"""The record of what the passes of this package must know of an instruction set beyond its rows.

An instruction set gives one `MachineTarget`: which registers may be used, how a value is copied, stored to
and loaded from a spill slot, how a jump is written, and how an instruction becomes bytes. Nothing here
knows any architecture. Read inst.py first for what a MACHINE list is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from baregrad.isa.form import Inst, Label, Reg, VReg


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank's registers that may be given to virtual registers, in the order in which they are tried.

    `bits` is the width of one register: what a copy or a spill moves when the width of the value is not
    known. `saved` are those that a function must leave as it found them; they are best put last in `order`.
    """

    name: str
    order: tuple[int, ...]
    bits: int = 64
    saved: frozenset[int] = frozenset()


def never(_inst: Inst) -> bool:
    """No instruction is made again instead of being reloaded."""
    return False


def no_reach(_inst: Inst) -> tuple[int, int] | None:
    """No instruction has a short form."""
    return None


def no_text(inst: Inst) -> str:
    """The form's name: what a listing shows when the target has no text of its own."""
    return inst.form.name


@dataclass(frozen=True, slots=True)
class MachineTarget:
    """What an instruction set tells the allocator, the ordering pass and the emitter.

    move          (to, from, bits): copy a register; flags stay as they are. store_slot    (register,
    offset, bits): to the spill area, `offset` bytes from its start; flags stay. load_slot     (register,
    offset, bits): from there. jump          an unconditional jump to a label. rematerialise whether the
    instruction may be made again elsewhere instead of reloading its result: it reads no
                  register and no memory that changes, and touches no flags.
    inverted      the form name of a branch -> the name of the branch taken exactly when it is not.
    encode        the bytes of an instruction without labels.
    encode_label  (inst, distance, wide): the bytes of one with a label, `distance` bytes from the end of the
                  instruction to the label; `wide` chooses the long form.
    short_reach   the least and greatest distance of the short form, None where there is one form only.
    nop           that many bytes that do nothing.
    text          one instruction as a line.
    """

    name: str
    banks: Mapping[str, Bank]
    move: Callable[[Reg | VReg, Reg | VReg, int], Inst]
    store_slot: Callable[[Reg, int, int], Inst]
    load_slot: Callable[[Reg, int, int], Inst]
    jump: Callable[[Label], Inst]
    rematerialise: Callable[[Inst], bool] = never
    inverted: Mapping[str, str] = field(default_factory=dict)
    encode: Callable[[Inst], bytes] | None = None
    encode_label: Callable[[Inst, int, bool], bytes] | None = None
    short_reach: Callable[[Inst], tuple[int, int] | None] = no_reach
    nop: Callable[[int], bytes] | None = None
    text: Callable[[Inst], str] = no_text
