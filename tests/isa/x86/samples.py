"""Random operands for every form, the same in every run; and the names that iced-x86 gives things."""

from __future__ import annotations

import random
import re

import iced_x86

from baregrad.isa import Form, Imm, Inst, Mem, Operand, Reg, Value
from baregrad.isa.x86 import EVEX, FORMS, RIP, signature

SEED = 20240817
AT = 0x1000  # where the instructions are said to be
ALL_FORMS = [form for name in FORMS for form in FORMS[name]]
DISPLACEMENTS = (0, 1, -1, 4, 8, 16, 32, 64, -64, 127, -128, 128, 254, 508, 1016, 4064, 8128)
DISPLACEMENTS += (-8192, 8192, 1 << 20, -(1 << 31), (1 << 31) - 1)
LAST = {"gpr": 15, "vec": 31, "mask": 7}


def random_register(rng: random.Random, operand: Operand) -> Reg:
    return Reg(operand.bank, rng.randint(0, operand.limit or LAST[operand.bank]))


def random_memory(rng: random.Random, kind: str, operand: Operand) -> Mem:
    disp = rng.choice(DISPLACEMENTS)
    base = Reg("gpr", rng.randrange(16)) if rng.random() < 0.9 else None
    scale = rng.choice((1, 2, 4, 8))
    if kind.startswith("vm"):
        return Mem(base, Reg("vec", rng.randint(0, operand.limit)), scale, disp)
    lanes = 0
    if kind.endswith("bcst"):
        whole = next(int(k[1:]) for k in operand.kinds if re.fullmatch(r"m\d+", k))
        lanes = whole // int(kind[1:3])
    if rng.random() < 0.05:
        return Mem(label=RIP, disp=disp, broadcast=lanes)
    index = Reg("gpr", rng.choice([n for n in range(16) if n != 4])) if rng.random() < 0.5 else None
    return Mem(base, index, scale if index else 1, disp, None, lanes)


IMMEDIATE_RANGE = {"ib": (0, 255), "ibs": (-128, 127), "rel8": (-128, 127), "iw": (-(1 << 15), (1 << 15) - 1)}
IMMEDIATE_RANGE |= dict.fromkeys(("id", "ids", "rel32"), (-(1 << 31), (1 << 31) - 1))
IMMEDIATE_RANGE["iq"] = (-(1 << 63), (1 << 63) - 1)


def random_operand(rng: random.Random, form: Form, operand: Operand) -> Value:
    if operand.fixed is not None:
        return Reg(operand.bank, operand.fixed)
    kind = rng.choice(operand.kinds)
    if kind[:3] in ("imm", "rel"):
        low, high = IMMEDIATE_RANGE[form.encoding.imm]
        return Imm(rng.choice((low, high, 0 if low < 0 else 1, rng.randint(low, high))))
    if re.match(r"m\d*$|m\d+bcst$|vm", kind):
        return random_memory(rng, kind, operand)
    return random_register(rng, operand)


def is_allowed(form: Form, operands: tuple[Value, ...]) -> bool:
    """Whether the manual allows the registers: those of a gather must differ."""
    used = [v.number for v in operands if isinstance(v, Reg) and v.bank == "vec"]
    used += [v.index.number for v in operands if isinstance(v, Mem) and v.index and v.index.bank == "vec"]
    return "gather" not in form.name or len(set(used)) == len(used)


def random_inst(rng: random.Random, form: Form) -> Inst:
    operands: tuple[Value, ...] = ()
    while not operands or not is_allowed(form, operands):
        operands = tuple(random_operand(rng, form, operand) for operand in form.operands)
        if not form.operands:
            break
    mask, zeroing = None, False
    rule = form.encoding.mask if isinstance(form.encoding, EVEX) else ""
    if rule == "must" or (rule and rng.random() < 0.5):
        mask = Reg("mask", rng.randrange(1, 8))
        stores = any(o.writes and isinstance(v, Mem) for o, v in zip(form.operands, operands, strict=True))
        zeroing = rule in ("kz", "select") and not stores and rng.random() < 0.5
    return Inst(form, operands, mask, zeroing)


def samples(form: Form, count: int) -> list[Inst]:
    """Operand sets of a form, the same in every run."""
    rng = random.Random(f"{SEED} {signature(form)} {type(form.encoding).__name__}")
    return [random_inst(rng, form) for _ in range(count)]


def names_of(enum: object) -> dict[int, str]:
    """The names of an enumeration of iced-x86; r8l is Intel's r8b."""
    pairs = [(value, name.lower()) for name, value in vars(enum).items() if isinstance(value, int)]
    return {value: re.sub(r"^(r\d+)l$", r"\1b", name) for value, name in pairs if name[0] != "_"}


MNEMONICS, REGISTERS = names_of(iced_x86.Mnemonic), names_of(iced_x86.Register)
