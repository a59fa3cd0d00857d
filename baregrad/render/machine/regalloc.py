"""The register allocator, one for every instruction set: from virtual to physical registers.

`allocate` writes fixed operands as copies to and from their registers, finds where values live
(liveness.py), merges what copies connect (coalesce.py), places what is left (scan.py) and writes the list
with the moves, stores and reloads that this asks for (spill.py). What a form demands of its operands stands
in its row; nothing here knows an architecture. `check` (checker.py) proves the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.base.errors import CompileError
from baregrad.isa.form import Inst, Reg, Sub, Value, VReg
from baregrad.render.machine.coalesce import Coalesced
from baregrad.render.machine.inst import Facts, FactsTable, bits_of
from baregrad.render.machine.liveness import Values
from baregrad.render.machine.rewrite import Allocation, Rewriter
from baregrad.render.machine.scan import Scan
from baregrad.render.machine.spill import Plan
from baregrad.render.machine.target import MachineTarget


def allocate(insts: Sequence[Inst], machine: MachineTarget) -> Allocation:
    """Give every virtual register of a list a physical one, adding what spilling needs.

    Errors: CompileError when one instruction needs more registers than there are.
    Cost: near-linear; about 25 microseconds an instruction.
    """
    table = FactsTable()
    work, origin = expand_fixed(insts, machine, table)
    if not work:
        return Allocation([], [], 0, 1, frozenset(), 0)
    values = Values(work, machine, table)
    coalesced = Coalesced(values)
    scan = Scan(values, coalesced)
    scan.run()
    return Rewriter(Plan(values, coalesced, scan), origin).run()


def expand_fixed(
    insts: Sequence[Inst], machine: MachineTarget, table: FactsTable
) -> tuple[list[Inst], list[int]]:
    """The list with each fixed operand in its physical register, copied there before and from there after.

    The second list tells which instruction each one was, -1 for the copies.
    """
    work: list[Inst] = []
    origin: list[int] = []
    for i, inst in enumerate(insts):
        facts = table.get(id(inst.form)) or table.of(inst.form)
        if not facts.pinned:
            work.append(inst)
            origin.append(i)
            continue
        fixed, before, after = fix_operands(i, inst, facts, machine)
        work += [*before, fixed, *after]
        origin += [-1] * len(before) + [i] + [-1] * len(after)
    return work, origin


def fix_operands(
    i: int, inst: Inst, facts: Facts, machine: MachineTarget
) -> tuple[Inst, list[Inst], list[Inst]]:
    """An instruction with its fixed operands in their registers, the copies before it and those after it."""
    operands: list[Value] = list(inst.operands)
    before: list[Inst] = []
    after: list[Inst] = []
    for index, reads, writes, _, _, number in facts.rows:
        value = operands[index]
        bank = inst.form.operands[index].bank
        if number is None or value == Reg(bank, number):
            continue
        if not isinstance(value, VReg) or value.count > 1:
            kind = "a part of a tuple" if isinstance(value, Sub) else "another register"
            raise CompileError(
                f"instruction {i} ({inst.form.name}) has {value} where its form wants {bank}{number}",
                why=f"regalloc: a fixed operand takes a virtual register or its own, not {kind}",
                mend="copy the value to a virtual register first",
            )
        register = Reg(bank, number)
        bits = bits_of(value)
        if reads:
            before.append(machine.move(register, value, bits))
        if writes:
            after.append(machine.move(value, register, bits))
        operands[index] = register
    if after and facts.ends:
        raise CompileError(
            f"instruction {i} ({inst.form.name}) ends a block and writes a fixed register",
            why="regalloc: nothing can be copied after a jump",
            mend="write the physical register itself",
        )
    return (
        Inst(inst.form, tuple(operands), inst.mask, inst.zeroing, inst.comment),
        before,
        after,
    )
