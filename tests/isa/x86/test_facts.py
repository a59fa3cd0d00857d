"""What the rows say besides bytes (roles, implicit registers, memory, flags, features), against iced-x86."""

from __future__ import annotations

from collections import defaultdict

import iced_x86
import pytest

from baregrad.isa import Form, Inst, Mem, Operand, Reg
from baregrad.isa.x86 import encode, name_of, signature
from tests.isa.x86.samples import ALL_FORMS, AT, REGISTERS, names_of, samples

CHUNKS = 8
ACCESS = names_of(iced_x86.OpAccess)
FEATURE_NAMES = names_of(iced_x86.CpuidFeature)
INFO = iced_x86.InstructionInfoFactory()

# What iced says: the roles that a row may say. A conditional write may keep the old value: then it reads.
ROLES = {
    "none": ("",),
    "no_mem_access": ("",),
    "read": ("r",),
    "cond_read": ("r",),
    "write": ("w",),
    "cond_write": ("w", "rw"),
    "read_write": ("rw",),
    "read_cond_write": ("rw",),
}
KEEPS_FLAGS = {  # names: why the row reads flags where iced does not say so
    ("inc", "dec", "lock_inc", "lock_dec"): "the carry flag stays",
    ("shl", "shr", "sar", "rol", "ror"): "all flags stay when cl is 0",
}
READS_FLAGS = {name for names in KEEPS_FLAGS for name in names}
# They read the direction flag, which is always 0 here, or save all flags in r11.
UNSAID = {"rep_movsb", "rep_stosb", "syscall"}

# Features that every x86-64 CPU has, or whose instructions do nothing where they are missing.
BASELINE = {"intel8086", "intel286", "intel386", "intel486", "x64", "cmov", "sse", "sse2", "tsc", "cpuid"}
BASELINE |= {"pause", "multibytenop", "cet_ibt", "prefetchw", "rdtscp", "xsave", "syscall"}
# A row may need more than iced says: avx2 where a memory source needs only avx.
IMPLIED = {"avx2": {"avx"}, "avx512vl": {"avx512f"}}


def look(inst: Inst) -> tuple[iced_x86.Instruction, iced_x86.InstructionInfo]:
    seen = iced_x86.Decoder(64, encode(inst), ip=AT).decode()
    return seen, INFO.info(seen)


def role_of(inst: Inst, operand: Operand, value: object) -> str:
    """What the row and the mask say of an operand."""
    form = inst.form
    if isinstance(value, Mem):
        return operand.role if form.memory else ""
    keeps = inst.mask is not None and not inst.zeroing and form.merges and operand.bank == "vec"
    return "rw" if operand.writes and keeps else operand.role


def is_zero_idiom(inst: Inst) -> bool:
    """Whether iced says that nothing is read, since x - x and x ^ x are zero."""
    values = inst.operands[-2:]
    return len(set(values)) == 1 and isinstance(values[0], Reg)


def role_differences(inst: Inst) -> list[str]:
    _, info = look(inst)
    if is_zero_idiom(inst) or inst.form.name.startswith("rep_"):
        return []
    written = [(o, v) for o, v in zip(inst.form.operands, inst.operands, strict=True) if not o.implicit]
    wrong = []
    for n, (operand, value) in enumerate(written):
        if isinstance(value, Reg | Mem):
            said = ACCESS[info.op_access(n)]
            role = role_of(inst, operand, value)
            if role not in ROLES[said]:
                wrong.append(f"{signature(inst.form)}: {operand.name} is {role!r}, iced: {said}")
    return wrong


def implicit_differences(inst: Inst) -> list[str]:
    """Implicit operands against the registers that iced sees used."""
    written = [v for o, v in zip(inst.form.operands, inst.operands, strict=True) if not o.implicit]
    addressed = set(written) | {r for v in written if isinstance(v, Mem) for r in (v.base, v.index)}
    _, info = look(inst)
    used = defaultdict(set)
    for register in info.used_registers():
        used[REGISTERS[iced_x86.RegisterExt.full_register(register.register)]].add(ACCESS[register.access])
    wrong = []
    for operand in inst.form.operands:
        if operand.implicit:
            said = used[name_of(Reg("gpr", operand.fixed), 64)]
            reads = any("read" in access for access in said)
            writes = any("write" in access for access in said)
            if Reg("gpr", operand.fixed) in addressed or inst.form.name == "syscall":
                continue  # also read as another operand; the system's calling convention is not the row's
            if (operand.reads, operand.writes) != (reads, writes):
                wrong.append(f"{signature(inst.form)}: implicit {operand.name}={operand.role}, iced: {said}")
    return wrong


def flag_differences(form: Form, insts: list[Inst]) -> list[str]:
    """A form writes or reads flags if some instruction of it does."""
    seen = [look(inst)[0] for inst in insts]
    reads, writes = any(s.rflags_read for s in seen), any(s.rflags_modified for s in seen)
    if form.writes_flags != writes and "imm8" not in form.operands[-1].kinds:
        return [f"{signature(form)}: writes flags {form.writes_flags}, iced: {writes}"]
    if form.reads_flags == reads or (form.reads_flags and form.name in READS_FLAGS) or form.name in UNSAID:
        return []
    return [f"{signature(form)}: reads flags {form.reads_flags}, iced: {reads}"]


def feature_differences(form: Form, insts: list[Inst]) -> list[str]:
    """A row needs all that iced names, and no more than that and what comes with it."""
    said = {FEATURE_NAMES[f] for inst in insts for f in look(inst)[0].cpuid_features()} - BASELINE
    whole = set(form.needs).union(*(IMPLIED.get(name, ()) for name in form.needs))
    extra = set(form.needs) - said - {"avx512f", "avx512vl", "avx2"}
    return (
        [f"{signature(form)}: needs {sorted(form.needs)}, iced: {said}"] if extra or not said <= whole else []
    )


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_facts_are_those_of_iced(chunk):
    wrong = []
    for form in ALL_FORMS[chunk::CHUNKS]:
        insts = samples(form, 3)
        for inst in insts:
            wrong += role_differences(inst) + implicit_differences(inst)
        wrong += flag_differences(form, insts) + feature_differences(form, insts)
    assert not wrong, "\n".join(wrong[:40])
