"""From a LINEAR list to machine code: select, order, allocate, check, frame, assemble.

A kernel that stores past the caches, which takes aligned pointers, has a second version for others.
"""

from __future__ import annotations

from functools import partial

from baregrad.base import config
from baregrad.isa.form import Imm, Inst, Label, Mem, Reg
from baregrad.isa.x86 import form
from baregrad.lower import Linear
from baregrad.render.machine import MachineTarget, allocate, assemble, check, label, order, verify
from baregrad.render.program import Program
from baregrad.render.x86.abi import RAX, around, frame_of
from baregrad.render.x86.alias import alias
from baregrad.render.x86.conventions import Convention, convention_of
from baregrad.render.x86.listing import listing
from baregrad.render.x86.machine import machine
from baregrad.render.x86.select import select
from baregrad.render.x86.selector import Selector
from baregrad.target import Target

LINE = 64  # bytes, of the caches
ALIGN_LOOPS = 32  # bytes: a line of the decoded instruction cache holds 32 or 64


def render(linear: Linear, target: Target) -> Program:
    """Machine code for a kernel.

    Errors: CompileError for a line that has no code; with config.check also for a bad list or allocation.
    Cost: about 60 microseconds a line in all.
    """
    record, convention = machine(target, linear.local_bytes), convention_of(target)
    state = select(linear.uops, target)
    insts = finished(state, record, linear.local_bytes, convention)
    if state.streams:
        other = state.label()
        second = finished(select(linear.uops, target, state), record, linear.local_bytes, convention)
        insts = [
            *branch_unaligned(sorted(state.streams), other, convention),
            *insts,
            label(other.name),
            *second,
        ]
    done = assemble(insts, record, state.pool, align_loops=ALIGN_LOOPS)
    return Program(linear.name, done.data, linear.grid, linear.slots, partial(listing, linear.name, done))


def finished(state: Selector, record: MachineTarget, local_bytes: int, convention: Convention) -> list[Inst]:
    """A function of what was selected: ordered, in registers, with its frame."""
    checking = config().check
    if checking:
        verify(state.out, record)
    insts = order(state.out, record, alias(state.unsteady, state.roots))
    allocation = allocate(insts, record)
    if checking:
        check(insts, allocation, record)
    before, after = around(frame_of(allocation, local_bytes, convention), state.widest > 128, state.label())
    if state.streams:
        after = [
            Inst(form("sfence"), ()),
            *after,
        ]  # others see these stores before they hear that we are done
    return [*before, *(inst for inst in allocation.insts if not is_idle(inst)), *after]


def branch_unaligned(slots: list[int], other: Label, convention: Convention) -> list[Inst]:
    """To another version of the kernel if a pointer that is stored past the caches is not aligned."""
    first, *rest = (Mem(convention.argument(0), disp=8 * slot) for slot in slots)
    return [
        Inst(form("mov", "r64", "m64"), (RAX, first)),
        *(Inst(form("or", "r64", "m64"), (RAX, place)) for place in rest),
        Inst(form("test", "r32", "imm32"), (RAX, Imm(LINE - 1))),
        Inst(form("jne", "rel32"), (other,)),
    ]


def is_idle(inst: Inst) -> bool:
    """Whether a vector register is copied to itself: only lanes that nothing reads could change."""
    if not inst.form.is_move or inst.mask is not None or len(inst.operands) != 2:
        return False
    to, source = inst.operands
    return to == source and isinstance(to, Reg) and to.bank == "vec"
