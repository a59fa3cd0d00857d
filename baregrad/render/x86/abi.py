"""The frame of a kernel: saved registers, the stack, vzeroupper.

From rsp up: LOCAL memory, the spill area, saved vector registers, and, where the frame must be aligned beyond
the 16 bytes that a caller gives, the caller's rsp; above that what was pushed. A kernel calls nothing, so it
needs no frame pointer, and without LOCALs, spills and saved registers no frame at all. Which registers are
saved, and whether pages are touched in order, are facts of the convention's row (conventions.py).
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base.integers import align_up
from baregrad.isa.form import Imm, Inst, Label, Mem, Reg
from baregrad.isa.x86 import form
from baregrad.render.machine import Allocation, label
from baregrad.render.x86.conventions import Convention
from baregrad.render.x86.machine import RSP

RAX, R11 = Reg("gpr", 0), Reg("gpr", 11)  # no convention wants them kept, and they hold no argument
CALL_BYTES = 8  # the return address
ALIGNED = 16  # what a caller aligns the stack to, before the call
VECTOR_BYTES = 16  # of a vector register that is saved


class Frame(NamedTuple):
    """What a kernel needs: bytes of LOCAL memory and spills, alignment, registers to save, and how many bytes
    may lie between touches of the stack (0: any).
    """

    local_bytes: int
    spill_bytes: int
    align: int
    saved: tuple[int, ...]
    saved_vectors: tuple[int, ...] = ()
    probe: int = 0

    @property
    def vectors_at(self) -> int:
        """Where above rsp the saved vector registers lie."""
        return align_up(self.local_bytes + self.spill_bytes, VECTOR_BYTES)

    @property
    def wanted(self) -> int:
        """Bytes of the stack below what is pushed."""
        if self.saved_vectors:
            return self.vectors_at + VECTOR_BYTES * len(self.saved_vectors)
        return self.local_bytes + self.spill_bytes


def frame_of(allocation: Allocation, local_bytes: int, convention: Convention) -> Frame:
    """The frame that an allocation asks for."""
    used = {register.number for register in allocation.used_registers if register.bank == "gpr"}
    vectors = {register.number for register in allocation.used_registers if register.bank == "vec"}
    align = max(64 if local_bytes else 1, allocation.frame_align if allocation.frame_bytes else 1)
    return Frame(
        local_bytes,
        allocation.frame_bytes,
        align,
        tuple(sorted(used & convention.saved)),
        tuple(sorted(vectors & convention.saved_vectors)),
        convention.probe,
    )


def push(number: int) -> Inst:
    """Save a register."""
    return Inst(form("push", "r64"), (Reg("gpr", number), RSP))


def pop(number: int) -> Inst:
    """Get a register back."""
    return Inst(form("pop", "r64"), (Reg("gpr", number), RSP))


def around(frame: Frame, vectors: bool, again: Label) -> tuple[list[Inst], list[Inst]]:
    """The prologue and the epilogue with its return; `vectors`: registers wider than xmm were used; `again`
    is a label that nothing else has.
    """
    before = [push(number) for number in frame.saved]
    after = [pop(number) for number in reversed(frame.saved)]
    if frame.wanted:
        taken, given = stack(frame, again)
        before += taken
        after = [*given, *after]
    if vectors:
        after = [Inst(form("vzeroupper"), ()), *after]
    return before, [*after, Inst(form("ret"), ())]


def stack(frame: Frame, again: Label) -> tuple[list[Inst], list[Inst]]:
    """Taking a frame's bytes from the stack, vector registers saved in it, and the way back."""
    if frame.align > ALIGNED:
        size = align_up(frame.wanted + 8, frame.align)
        home = Mem(RSP, disp=size - 8)
        taken = [
            Inst(form("mov", "r64", "r64"), (RAX, RSP)),
            Inst(form("sub", "r64", "imm32"), (RSP, Imm(size))),
            Inst(form("and", "r64", "imm8"), (RSP, Imm(-frame.align))),
            Inst(form("mov", "m64", "r64"), (home, RAX)),
        ]
        given = [Inst(form("mov", "r64", "m64"), (RSP, home))]
    else:
        pushed = CALL_BYTES + 8 * len(frame.saved)
        size = align_up(frame.wanted + pushed, ALIGNED) - pushed
        taken = [Inst(form("sub", "r64", "imm32"), (RSP, Imm(size)))]
        given = [Inst(form("add", "r64", "imm32"), (RSP, Imm(size)))]
    for place, number in enumerate(frame.saved_vectors):
        register, where = Reg("vec", number), Mem(RSP, disp=frame.vectors_at + VECTOR_BYTES * place)
        taken.append(Inst(form("vmovups", "m128", "xmm"), (where, register)))
        given = [Inst(form("vmovups", "xmm", "m128"), (register, where)), *given]
    if frame.probe and size + frame.align > frame.probe:
        taken = [*touch(size + frame.align, frame.probe, again), *taken]
    return taken, given


def touch(size: int, step: int, again: Label) -> list[Inst]:
    """Read the stack a page at a time down to `size` bytes below rsp: the system maps the next page when the
    last one that it has mapped is touched, and no other.
    """
    return [
        Inst(form("lea", "r64", "m"), (RAX, Mem(RSP, disp=-size))),
        Inst(form("mov", "r64", "r64"), (R11, RSP)),
        label(again.name),
        Inst(form("sub", "r64", "imm32"), (R11, Imm(step))),
        Inst(form("test", "m32", "r32"), (Mem(R11), RAX)),
        Inst(form("cmp", "r64", "r64"), (R11, RAX)),
        Inst(form("ja", "rel32"), (again,)),
    ]
