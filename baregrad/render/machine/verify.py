"""The rules of a MACHINE list before register allocation, checked.

Operands fit their forms' kinds and banks, virtual registers keep their shape, everything read was written
on every path, labels stand once and every jump has one. What is not here: whether an allocation is right
(checker.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from baregrad.base.errors import CompileError
from baregrad.isa.form import Imm, Inst, Label, Mem, Operand, Reg, Sub, Value, VReg
from baregrad.render.machine.inst import FactsTable, Register, accesses, bank_of, targets, tuple_count
from baregrad.render.machine.liveness import Values
from baregrad.render.machine.target import MachineTarget
from baregrad.render.machine.text import line

MEMORY_KINDS, LABEL_KINDS, NUMBER_KINDS = ("m", "vm"), ("rel", "label"), ("imm", "1")


def verify(insts: Sequence[Inst], machine: MachineTarget) -> None:
    """Check a list with virtual registers.

    Errors: CompileError naming the instruction and the rule.
    """
    shapes: dict[int, VReg] = {}
    places: set[str] = set()
    for i, inst in enumerate(insts):
        if inst.form.name == "label":
            name = targets(inst)[0]
            if name in places:
                fail(i, inst, f"label {name!r} stands twice", "a label is one place")
            places.add(name)
            continue
        verify_operands(i, inst, machine, shapes)
    for i, inst in enumerate(insts):
        for name in targets(inst) if inst.form.control in ("jump", "branch") else ():
            if name not in places:
                fail(i, inst, f"no label {name!r}", "every jump has a place to go to")
    verify_written(insts, machine)


def fail(i: int, inst: Inst, what: str, why: str) -> NoReturn:
    """Raise the error for an instruction."""
    raise CompileError(
        f"{what} at instruction {i}: {line(inst).strip()}",
        why=f"machine.verify: {why}",
        mend="correct what selected this instruction",
    )


def verify_operands(i: int, inst: Inst, machine: MachineTarget, shapes: dict[int, VReg]) -> None:
    """Check one instruction's operands against its form."""
    form = inst.form
    if len(inst.operands) != len(form.operands):
        fail(i, inst, f"{len(inst.operands)} operands", f"{form.name} has {len(form.operands)}")
    for operand, value in zip(form.operands, inst.operands, strict=True):
        if not fits(operand, value):
            fail(i, inst, f"{value} for operand {operand.name}", f"it takes {'/'.join(operand.kinds)}")
    for place, register, _, _ in accesses(inst):
        verify_register(i, inst, place, register, machine)
        whole = register.of if isinstance(register, Sub) else register
        if isinstance(whole, VReg):
            known = shapes.setdefault(whole.id, whole)
            if (known.bank, known.count, known.align) != (whole.bank, whole.count, whole.align):
                fail(i, inst, f"{whole} was {known}", "a virtual register keeps its bank and count")


def fits(operand: Operand, value: Value) -> bool:
    """Whether a value is of a kind that the operand takes."""
    kinds = operand.kinds
    if isinstance(value, Mem):
        return any(kind.startswith(MEMORY_KINDS) for kind in kinds)
    if isinstance(value, Label):
        return any(kind.startswith(LABEL_KINDS) for kind in kinds)
    if isinstance(value, Imm):
        return any(kind.startswith(NUMBER_KINDS) for kind in kinds)
    return operand.bank == bank_of(value)


def verify_register(
    i: int, inst: Inst, operand: Operand | None, register: Register, machine: MachineTarget
) -> None:
    """Check one register: the bank is known, the tuple is as long as the form says, the part exists."""
    if not isinstance(register, Reg) and bank_of(register) not in machine.banks:
        fail(i, inst, f"bank {bank_of(register)!r}", f"{machine.name} has {sorted(machine.banks)}")
    if isinstance(register, Sub) and not 0 <= register.index < register.of.count:
        fail(i, inst, f"part {register.index}", f"the tuple has {register.of.count}")
    if operand is not None and isinstance(register, VReg | Sub) and tuple_count(register) != operand.count:
        fail(i, inst, f"{register} for operand {operand.name}", f"it takes {operand.count} registers")


def verify_written(insts: Sequence[Inst], machine: MachineTarget) -> None:
    """Check that what is read was written on every path: nothing virtual is live at the start."""
    if not insts:
        return
    values = Values(insts, machine, FactsTable())
    missing = {unit for unit in values.live_in[0] if values.pinned[unit] is None}
    if not missing:
        return
    i = next(i for i, read in enumerate(values.reads) if missing.intersection(read))
    register = values.name[next(unit for unit in values.reads[i] if unit in missing)]
    assert isinstance(register, VReg), "physical registers may hold something at the start"
    fail(
        i, insts[i], f"%v{register.id} may be read before it is written", "every path to a read writes first"
    )
