"""The record of what the passes of this package must know of an instruction set beyond its rows.

An instruction set gives one `MachineTarget`: which registers may be used, how a value is copied, stored to
and loaded from a spill slot, how a jump is written, and how an instruction becomes bytes. Nothing here
knows any architecture. Read inst.py first for what a MACHINE list is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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


Fixup = tuple[int, int, Label, int, int]
"""A field of the bytes that waits for a label: (offset, size, label, addend, end).

It gets, little-endian and signed, the label's address + addend - (the instruction's address + end).
"""


def never(_inst: Inst) -> bool:
    """No instruction is made again instead of being reloaded."""
    return False


def none(_inst: Inst) -> Inst | None:
    """No instruction has another form."""
    return None


def name_only(inst: Inst) -> str:
    """The form's name: what a listing shows when the target has no text of its own."""
    return inst.form.name


@dataclass(frozen=True, slots=True)
class Encoder:
    """How an instruction set becomes bytes.

    encode   the bytes of an instruction of physical registers; fields that wait for labels are 0. fixups
    (instruction, its bytes): those fields. shorten  a jump or branch in its short form, None where there is
    none. The emitter takes it where it reaches. nop      that many bytes that do nothing.
    """

    encode: Callable[[Inst], bytes]
    fixups: Callable[[Inst, bytes], Sequence[Fixup]]
    nop: Callable[[int], bytes]
    shorten: Callable[[Inst], Inst | None] = none


@dataclass(frozen=True, slots=True)
class MachineTarget:
    """What an instruction set tells the allocator, the ordering pass and the emitter.

    move          (to, from, bits): copy a register; flags stay as they are.
    store_slot    (register, offset, bits): to the spill area, `offset` bytes from its start; flags stay.
    load_slot     (register, offset, bits): from there.
    jump          an unconditional jump to a label, in its long form.
    rematerialise whether the instruction may be made again elsewhere instead of reloading its result: it
                  reads no register and no memory that changes, and touches no flags.
    invert        a branch as the one that is taken exactly when it is not, None if there is none.
    encoder       how it becomes bytes; None for a machine whose lists are never emitted.
    text          one instruction as a line.
    """

    name: str
    banks: Mapping[str, Bank]
    move: Callable[[Reg | VReg, Reg | VReg, int], Inst]
    store_slot: Callable[[Reg, int, int], Inst]
    load_slot: Callable[[Reg, int, int], Inst]
    jump: Callable[[Label], Inst]
    rematerialise: Callable[[Inst], bool] = never
    invert: Callable[[Inst], Inst | None] = none
    encoder: Encoder | None = None
    text: Callable[[Inst], str] = name_only
