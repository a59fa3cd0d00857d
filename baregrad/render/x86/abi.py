"""The System V frame of a kernel: saved registers, the stack, vzeroupper.

From rsp up: LOCAL memory, the spill area, and, where the frame must be aligned beyond the 16 bytes
that a caller gives, the caller's rsp. A kernel calls nothing, so it needs no frame pointer, and
without LOCALs, spills and saved registers no frame at all. Source: System V ABI, AMD64 supplement,
3.2.
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base.integers import align_up
from baregrad.isa.form import Imm, Inst, Mem, Reg
from baregrad.isa.x86 import form
from baregrad.render.machine import Allocation
from baregrad.render.x86.machine import RSP, SAVED

RAX = Reg("gpr", 0)
CALL_BYTES = 8  # the return address
ALIGNED = 16  # what a caller aligns the stack to, before the call


class Frame(NamedTuple):
    """What a kernel needs: bytes of LOCAL memory and spills, alignment, registers to save."""

    local_bytes: int
    spill_bytes: int
    align: int
    saved: tuple[int, ...]


def frame_of(allocation: Allocation, local_bytes: int) -> Frame:
    """The frame that an allocation asks for."""
    used = {register.number for register in allocation.used_registers if register.bank == "gpr"}
    align = max(64 if local_bytes else 1, allocation.frame_align if allocation.frame_bytes else 1)
    return Frame(local_bytes, allocation.frame_bytes, align, tuple(sorted(used & SAVED)))


def push(number: int) -> Inst:
    """Save a register."""
    return Inst(form("push", "r64"), (Reg("gpr", number), RSP))


def pop(number: int) -> Inst:
    """Get a register back."""
    return Inst(form("pop", "r64"), (Reg("gpr", number), RSP))


def around(frame: Frame, vectors: bool) -> tuple[list[Inst], list[Inst]]:
    """The prologue and the epilogue with its return; `vectors`: registers wider than xmm were used."""
    before = [push(number) for number in frame.saved]
    after = [pop(number) for number in reversed(frame.saved)]
    wanted = frame.local_bytes + frame.spill_bytes
    if wanted and frame.align > ALIGNED:
        size = align_up(wanted + 8, frame.align)
        home = Mem(RSP, disp=size - 8)
        before += [
            Inst(form("mov", "r64", "r64"), (RAX, RSP)),
            Inst(form("sub", "r64", "imm32"), (RSP, Imm(size))),
            Inst(form("and", "r64", "imm8"), (RSP, Imm(-frame.align))),
            Inst(form("mov", "m64", "r64"), (home, RAX)),
        ]
        after = [Inst(form("mov", "r64", "m64"), (RSP, home)), *after]
    elif wanted:
        pushed = CALL_BYTES + 8 * len(frame.saved)
        size = align_up(wanted + pushed, ALIGNED) - pushed
        before.append(Inst(form("sub", "r64", "imm32"), (RSP, Imm(size))))
        after = [Inst(form("add", "r64", "imm32"), (RSP, Imm(size))), *after]
    if vectors:
        after = [Inst(form("vzeroupper"), ()), *after]
    return before, [*after, Inst(form("ret"), ())]
