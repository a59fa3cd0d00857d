"""From a LINEAR list to machine code: select, order, allocate, check, frame, assemble."""

from __future__ import annotations

from functools import partial

from baregrad.base import config
from baregrad.isa.form import Inst, Reg
from baregrad.lower import Linear
from baregrad.render.machine import allocate, assemble, check, order, verify
from baregrad.render.program import Program
from baregrad.render.x86.abi import around, frame_of
from baregrad.render.x86.alias import alias
from baregrad.render.x86.listing import listing
from baregrad.render.x86.machine import machine
from baregrad.render.x86.select import select
from baregrad.target import Target

ALIGN_LOOPS = 32  # bytes: a line of the decoded instruction cache holds 32 or 64


def render(linear: Linear, target: Target) -> Program:
    """Machine code for a kernel.

    Errors: CompileError for a line that has no code; with config.check also for a bad list or allocation.
    Cost: about 60 microseconds a line in all.
    """
    state = select(linear.uops, target)
    record = machine(target, linear.local_bytes)
    checking = config().check
    if checking:
        verify(state.out, record)
    insts = order(state.out, record, alias(state.unsteady, state.roots))
    allocation = allocate(insts, record)
    if checking:
        check(insts, allocation, record)
    before, after = around(frame_of(allocation, linear.local_bytes), state.widest > 128)
    body = [inst for inst in allocation.insts if not is_idle(inst)]
    done = assemble([*before, *body, *after], record, state.pool, align_loops=ALIGN_LOOPS)
    return Program(linear.name, done.data, linear.grid, linear.slots, partial(listing, linear.name, done))


def is_idle(inst: Inst) -> bool:
    """Whether a vector register is copied to itself: only lanes that nothing reads could change."""
    if not inst.form.is_move or inst.mask is not None or len(inst.operands) != 2:
        return False
    to, source = inst.operands
    return to == source and isinstance(to, Reg) and to.bank == "vec"
