"""What the allocator, the ordering pass and the emitter must know of x86-64: banks, copies, spills,
branches.

rsp is never given out. Registers that a function must keep (conventions.py) come last.
The spill area lies above the LOCAL memory on the stack, so where it begins is a fact of each
kernel. What is not here: the prologue (abi.py).
"""

from __future__ import annotations

from functools import partial

from baregrad.base import memo
from baregrad.isa.form import Form, Imm, Inst, Label, Mem, Reg, VReg
from baregrad.isa.x86 import CONDITIONS, encode, fixups, form, forms, text
from baregrad.render.machine import Bank, Encoder, MachineTarget
from baregrad.render.x86.conventions import Convention, convention_of
from baregrad.target import Target

RSP = Reg("gpr", 4)
INVERTED = {
    f"j{a}": f"j{b}" for i in range(0, 16, 2) for a, b in (CONDITIONS[i : i + 2], CONDITIONS[i : i + 2][::-1])
}
VECTOR = {128: "xmm", 256: "ymm", 512: "zmm"}
AVX512 = ("avx512f", "avx512vl", "avx512dq", "avx512bw")


def is_wide(target: Target) -> bool:
    """Whether code may use AVX-512: masks, embedded broadcasts, registers 16 to 31."""
    return target.has(*AVX512)


@memo
def banks(wide: bool, convention: Convention) -> dict[str, Bank]:
    """The banks, with what the allocator may use."""
    found = {"gpr": Bank("gpr", convention.gprs, 64, convention.saved)}
    kept = tuple(sorted(convention.saved_vectors))
    free = tuple(n for n in range(16) if n not in kept)
    if wide:
        order = (*free, *range(16, 32), *kept)
        found["vec"] = Bank("vec", order, 512, convention.saved_vectors)
        found["mask"] = Bank("mask", tuple(range(1, 8)), 64)  # k0 as a mask means none
    else:
        found["vec"] = Bank("vec", (*free, *kept), 256, convention.saved_vectors)
    return found


@memo
def copies(bank: str, bits: int, wide: bool) -> tuple[Form, Form, Form]:
    """The forms that copy, load and store a register of a bank."""
    if bank == "gpr":
        kind, size = ("r32", "m32") if bits == 32 else ("r64", "m64")
        return form("mov", kind, kind), form("mov", kind, size), form("mov", size, kind)
    if bank == "mask":
        return form("kmovq", "k", "k"), form("kmovq", "k", "m64"), form("kmovq", "m64", "k")
    kind, size = VECTOR[bits], f"m{bits}"
    return (
        form("vmovaps", kind, kind, evex=wide),
        form("vmovups", kind, size, evex=wide),
        form("vmovups", size, kind, evex=wide),
    )


def _move(wide: bool, to: Reg | VReg, source: Reg | VReg, bits: int) -> Inst:
    widest = bits or (64 if to.bank != "vec" else 512 if wide else 256)
    return Inst(copies(to.bank, widest, wide)[0], (to, source))


def _load(wide: bool, begin: int, register: Reg, offset: int, bits: int) -> Inst:
    return Inst(copies(register.bank, bits, wide)[1], (register, Mem(RSP, disp=begin + offset)))


def _store(wide: bool, begin: int, register: Reg, offset: int, bits: int) -> Inst:
    return Inst(copies(register.bank, bits, wide)[2], (Mem(RSP, disp=begin + offset), register))


def jump(label: Label) -> Inst:
    """An unconditional jump."""
    return Inst(form("jmp", "rel32"), (label,))


def can_remake(instruction: Inst) -> bool:
    """Whether an instruction reads nothing but immediates and the constant pool, and leaves the flags."""
    row = instruction.form
    if row.writes_flags or row.clobbers or instruction.mask is not None or row.memory not in ("", "r"):
        return False
    for value in instruction.operands[1:]:
        if isinstance(value, Mem):
            if value.label is None:
                return False
        elif not isinstance(value, Imm):
            return False
    return bool(row.operands) and row.operands[0].role == "w"


@memo
def short_form(name: str) -> Form | None:
    """The form of a jump or branch with one byte's reach."""
    return next((row for row in forms(name) if row.operands and row.operands[0].kinds == ("rel8",)), None)


def shorten(instruction: Inst) -> Inst | None:
    """A jump or branch to a label in its short form."""
    row = instruction.form
    if row.control not in ("jump", "branch") or row.operands[0].kinds[0] != "rel32":
        return None
    short = short_form(row.name)
    return None if short is None else Inst(short, instruction.operands)


def invert(instruction: Inst) -> Inst | None:
    """The branch that is taken exactly when this one is not."""
    name = INVERTED.get(instruction.form.name)
    return None if name is None else Inst(form(name, "rel32"), instruction.operands)


NOPS = tuple(bytes.fromhex(code) for code in (
    "", "90", "66 90", "0f1f 00", "0f1f 40 00", "0f1f 44 00 00", "66 0f1f 44 00 00", "0f1f 80 00000000",
    "0f1f 84 00 00000000", "66 0f1f 84 00 00000000",
))  # fmt: skip
"""What the SDM recommends for each length (NOP)."""


def nop(count: int) -> bytes:
    """`count` bytes that do nothing, in as few instructions as may be."""
    whole, rest = divmod(count, 9)
    return NOPS[9] * whole + NOPS[rest]


def machine(target: Target, spill_begin: int = 0) -> MachineTarget:
    """The record for a target whose spill area begins `spill_begin` bytes above rsp."""
    wide = is_wide(target)
    return MachineTarget(
        name=target.name,
        banks=banks(wide, convention_of(target)),
        move=partial(_move, wide),
        store_slot=partial(_store, wide, spill_begin),
        load_slot=partial(_load, wide, spill_begin),
        jump=jump,
        rematerialise=can_remake,
        invert=invert,
        encoder=Encoder(encode, fixups, nop, shorten),
        text=text,
    )


__all__ = ["RSP", "is_wide", "machine"]
