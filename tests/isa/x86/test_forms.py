"""Every form of the tables, encoded with random operands and read back by iced-x86, capstone and our own decoder.

The witnesses know nothing of our tables. `fuzz` runs fifty operand sets a form; the suite runs three.
"""

from __future__ import annotations

import random
import re

import iced_x86

from baregrad.isa.form import Form, Imm, Inst, Mem, Operand, Reg, Value
from baregrad.isa.x86 import EVEX, FORMS, encode, name_of, signature

ALL_FORMS = [form for name in FORMS for form in FORMS[name]]
SEED = 20240817

MNEMONICS = {
    value: name.lower()
    for name, value in vars(iced_x86.Mnemonic).items()
    if isinstance(value, int) and name[0] != "_"
}
REGISTERS = {
    value: name.lower()
    for name, value in vars(iced_x86.Register).items()
    if isinstance(value, int) and name[0] != "_"
}
REGISTERS = {
    value: re.sub(r"^(r\d+)l$", r"\1b", name) for value, name in REGISTERS.items()
}  # iced: r8l; Intel: r8b
KIND = iced_x86.OpKind


def iced_name(name: str) -> str:
    """What iced-x86 calls an instruction of ours."""
    return {"rep_movsb": "movsb", "rep_stosb": "stosb"}.get(name, name.removeprefix("lock_"))


# Random operands -----------------------------------------------------------------------------------------------------


def random_register(rng: random.Random, operand: Operand) -> Reg:
    """A register that the operand takes."""
    limit = operand.limit or {"gpr": 15, "vec": 31, "mask": 7}[operand.bank]
    return Reg(operand.bank, rng.randint(0, limit))


DISPLACEMENTS = (
    0,
    1,
    -1,
    4,
    8,
    16,
    32,
    64,
    -64,
    127,
    -128,
    128,
    254,
    508,
    1016,
    4064,
    8128,
    -8192,
    8192,
    1 << 20,
    -(1 << 31),
)


def random_memory(rng: random.Random, form: Form, kind: str, operand: Operand) -> Mem:
    """A memory operand of a kind."""
    disp = rng.choice(DISPLACEMENTS)
    base = Reg("gpr", rng.randrange(16)) if rng.random() < 0.9 else None
    scale = rng.choice((1, 2, 4, 8))
    if kind.startswith("vm"):
        index = Reg("vec", rng.randint(0, operand.limit))
        return Mem(base, index, scale, disp)
    index = Reg("gpr", rng.choice([n for n in range(16) if n != 4])) if rng.random() < 0.5 else None
    lanes = 0
    if kind.endswith("bcst"):
        whole = next(int(k[1:]) for k in operand.kinds if re.fullmatch(r"m\d+", k))
        lanes = whole // int(kind[1:3])
    return Mem(base, index, scale if index else 1, disp, None, lanes)


IMMEDIATE_RANGE = {"ib": (0, 255), "ibs": (-128, 127), "iw": (-(1 << 15), (1 << 15) - 1), "rel8": (-128, 127)}
IMMEDIATE_RANGE |= {name: (-(1 << 31), (1 << 31) - 1) for name in ("id", "ids", "rel32")}
IMMEDIATE_RANGE["iq"] = (-(1 << 63), (1 << 63) - 1)


def random_operand(rng: random.Random, form: Form, operand: Operand) -> Value:
    """A value for one operand."""
    if operand.fixed is not None:
        return Reg(operand.bank, operand.fixed)
    kind = rng.choice(operand.kinds)
    if kind[:3] in ("imm", "rel"):
        low, high = IMMEDIATE_RANGE[form.encoding.imm]
        return Imm(rng.choice((low, high, 0 if low < 0 else 1, rng.randint(low, high))))
    if re.match(r"m\d*$|m\d+bcst$|vm", kind):
        return random_memory(rng, form, kind, operand)
    return random_register(rng, operand)


def random_inst(rng: random.Random, form: Form) -> Inst:
    """An instruction of a form; gathers get registers that differ, as the manual demands."""
    while True:
        operands = tuple(random_operand(rng, form, operand) for operand in form.operands)
        mask, zeroing = None, False
        rule = form.encoding.mask if isinstance(form.encoding, EVEX) else ""
        if rule == "must" or (rule and rng.random() < 0.5):
            mask = Reg("mask", rng.randrange(1, 8))
            stores = any(
                o.writes and isinstance(v, Mem) for o, v in zip(form.operands, operands, strict=True)
            )
            zeroing = rule in ("kz", "select") and not stores and rng.random() < 0.5
        used = [v.number for v in operands if isinstance(v, Reg) and v.bank == "vec"]
        used += [v.index.number for v in operands if isinstance(v, Mem) and v.index and v.index.bank == "vec"]
        if "gather" not in form.name or len(set(used)) == len(used):
            return Inst(form, operands, mask, zeroing)


def samples(form: Form, count: int) -> list[Inst]:
    """The operand sets of a form, the same in every run."""
    rng = random.Random(f"{SEED} {signature(form)} {type(form.encoding).__name__}")
    return [random_inst(rng, form) for _ in range(count)]


# iced-x86 ------------------------------------------------------------------------------------------------------------


def seen_memory(seen: iced_x86.Instruction) -> tuple[object, ...]:
    """Base, index, scale and displacement as iced sees them."""
    disp = seen.memory_displacement
    disp -= 1 << 64 if disp >= 1 << 63 else 0
    index = REGISTERS[seen.memory_index]
    return REGISTERS[seen.memory_base], index, seen.memory_index_scale if index != "none" else 1, disp


def meant_memory(mem: Mem, kinds: tuple[str, ...]) -> tuple[object, ...]:
    """The same of what was meant."""
    base = name_of(mem.base, 64) if mem.base else "none"
    index = "none"
    if mem.index:
        width = {"x": 128, "y": 256, "z": 512}.get(kinds[0][-1], 64) if mem.index.bank == "vec" else 64
        index = name_of(mem.index, width)
    return base, index, mem.scale if mem.index else 1, mem.disp


def seen_operand(seen: iced_x86.Instruction, n: int) -> object:
    """Operand n as iced sees it: a register's name, a memory tuple, or an integer."""
    kind = seen.op_kind(n)
    if kind == KIND.REGISTER:
        return REGISTERS[seen.op_register(n)]
    if kind == KIND.MEMORY:
        return seen_memory(seen)
    if kind in (KIND.NEAR_BRANCH16, KIND.NEAR_BRANCH32, KIND.NEAR_BRANCH64):
        return seen.near_branch_target
    return seen.immediate(n)


def iced_differences(inst: Inst, code: bytes) -> list[str]:
    """What iced-x86 reads otherwise than it was meant."""
    seen = iced_x86.Decoder(64, code, ip=0x1000).decode()
    form = inst.form
    wrong = []
    if seen.len != len(code):
        wrong.append(f"length {seen.len}, not {len(code)}")
    if MNEMONICS[seen.mnemonic] != iced_name(form.name):
        return [*wrong, f"mnemonic {MNEMONICS[seen.mnemonic]}"]
    meant = [(o, v) for o, v in zip(form.operands, inst.operands, strict=True) if not o.implicit]
    if form.name.startswith("rep_"):
        return wrong if seen.has_rep_prefix else [*wrong, "no rep"]
    if seen.has_lock_prefix != form.name.startswith("lock_"):
        wrong.append("lock")
    if seen.op_count != len(meant):
        return [*wrong, f"{seen.op_count} operands"]
    for n, (operand, value) in enumerate(meant):
        got = seen_operand(seen, n)
        if isinstance(value, Reg):
            ok = got == name_of(value, operand.bits)
        elif isinstance(value, Mem):
            ok = got == meant_memory(value, operand.kinds) and bool(value.broadcast) == seen.is_broadcast
        elif operand.kinds[0].startswith("rel"):
            ok = got == (0x1000 + len(code) + value.value) % (1 << 64)
        else:
            ok = (got - value.value) % (1 << operand.bits) == 0
        if not ok:
            wrong.append(f"operand {n}: {got}, not {value}")
    mask = REGISTERS[seen.op_mask]
    if mask != (name_of(inst.mask, 64) if inst.mask else "none"):
        wrong.append(f"mask {mask}")
    if seen.zeroing_masking != inst.zeroing:
        wrong.append("zeroing")
    return wrong


def check_all(forms: list[Form], count: int) -> tuple[int, list[str]]:
    """Encode `count` operand sets of each form and compare."""
    wrong, done = [], 0
    for form in forms:
        for inst in samples(form, count):
            code = encode(inst)
            done += 1
            wrong += [f"{signature(form)} {code.hex()}: {text}" for text in iced_differences(inst, code)]
    return done, wrong


def test_there_are_enough_forms() -> None:
    assert len(ALL_FORMS) >= 300


def test_iced_agrees() -> None:
    done, wrong = check_all(ALL_FORMS, 3)
    assert not wrong, "\n".join(wrong[:40])
    assert done == 3 * len(ALL_FORMS)
