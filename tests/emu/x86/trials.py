"""Random instructions and states for every form that has a meaning, and what makes two states differ."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterable, Iterator

from baregrad.emu.x86 import State
from baregrad.isa.form import Form, Imm, Inst, Mem, Operand, Reg, Value
from baregrad.isa.meaning import Tree, Type, is_nan, walk
from baregrad.isa.x86 import EVEX, FORMS
from baregrad.isa.x86.meanings import FLAGS, meaning

GPRS = (0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14)
BASE = Reg("gpr", 6)
# fmt: off
SPECIAL32 = (
    0, 1, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000,
    0x7F800001, 0x4F000000, 0xCF000000, 0x4F800000, 0x5F000000, 0x3F000000, 0x40200000, 0x00000001, 31, 32,
    0x477FF000, 0x33000000, 0x387FC000, 0xBF400000,
)
SPECIAL64 = (
    0, 1, 1 << 63, (1 << 63) - 1, (1 << 64) - 1, 0x3FF0000000000000, 0xBFF8000000000000, 0x7FF0000000000000,
    0x7FF8000000000000, 0x7FF0000000000001, 0x41E0000000000000, 0xC1E0000000200000, 0x43E0000000000000,
    0x43F0000000000000, 0x3FE0000000000000, 0x4004000000000000, 63, 64, 0x41DFFFFFFFE00000,
)
# fmt: on


NOT_TRIED = ("push", "pop", "vzeroupper", "nop", "pause", "lfence", "mfence", "sfence")


def runnable(names: Iterable[str]) -> Iterator[tuple[Form, bool]]:
    """Every form of these names with a meaning, and whether its memory form is meant."""
    for name in names:
        for form in FORMS[name]:
            if form.control or meaning(form) is None or name in NOT_TRIED:
                continue
            kinds = {kind for operand in form.operands for kind in operand.kinds}
            if not any(kind[0] == "m" for kind in kinds):
                yield form, False
                continue
            if not any(o.kinds[0][0] == "m" for o in form.operands):
                yield form, False
            yield form, True


def random_inst(rng: random.Random, form: Form, memory: bool) -> Inst:
    """An instruction of a form; a gather's registers differ."""
    operands: tuple[Value, ...] = ()
    for _ in range(100):
        operands = tuple(random_operand(rng, form, operand, memory) for operand in form.operands)
        used = [v.number for v in operands if isinstance(v, Reg)]
        used += [v.index.number for v in operands if isinstance(v, Mem) and v.index is not None]
        fixed = [o.fixed for o in form.operands if o.fixed is not None]
        if len(set(used)) == len(used) or not (fixed or "gather" in form.name or form.name == "mulx"):
            break
    rule = form.encoding.mask if isinstance(form.encoding, EVEX) else ""
    if rule != "must" and (not rule or rng.random() < 0.4):
        return Inst(form, operands)
    stores = any(o.writes and isinstance(v, Mem) for o, v in zip(form.operands, operands, strict=True))
    zeroing = rule in ("kz", "select") and not stores and rng.random() < 0.5
    return Inst(form, operands, Reg("mask", rng.randrange(1, 8)), zeroing)


def random_operand(rng: random.Random, form: Form, operand: Operand, memory: bool) -> Value:
    """A register, memory based on rsi, or an immediate."""
    if operand.fixed is not None:
        return Reg(operand.bank, operand.fixed)
    if operand.kinds[0][:3] == "imm":
        bits = operand.bits
        value = rng.choice((0, 1, rng.randrange(1 << bits), rng.randrange(16), bits - 1))
        signed = form.encoding.imm not in ("ib",)
        return Imm(value - (1 << bits) if signed and value >> (bits - 1) else value)
    places = [kind for kind in operand.kinds if re.match(r"m\d*$|m\d+bcst$", kind)]
    if operand.kinds[0][:2] == "vm":
        return Mem(BASE, Reg("vec", rng.randrange(16)), rng.choice((1, 2, 4)), 160)
    if places and (memory or not operand.bank):
        kind = rng.choice(places)
        if not kind.endswith("bcst"):
            return Mem(BASE, None, 1, 64 * rng.randrange(4))
        whole = next(int(k[1:]) for k in operand.kinds if re.fullmatch(r"m\d+", k))
        return Mem(BASE, None, 1, 8 * rng.randrange(8), None, whole // int(kind[1:3]))
    if operand.bank == "gpr":
        return Reg("gpr", rng.choice(GPRS))
    if operand.bank == "mask":
        return Reg("mask", rng.randrange(8))
    return Reg("vec", rng.randrange(20 if isinstance(form.encoding, EVEX) else 16))


def random_bits(rng: random.Random, bits: int) -> int:
    """Bits whose elements are often special, small, or close to one another."""
    how = rng.randrange(6)
    if how == 0:
        return rng.getrandbits(bits)
    if how == 1:
        return join(rng, SPECIAL32, 32, bits)
    if how == 2:
        return join(rng, SPECIAL64, 64, bits)
    if how == 3:
        return join(rng, tuple(rng.randrange(70) for _ in range(8)), 32, bits)
    if how == 4:
        return join(rng, floats(rng, "<f", 11), 32, bits)
    return join(rng, floats(rng, "<d", 21), 64, bits)


def floats(rng: random.Random, letter: str, power: int) -> tuple[int, ...]:
    """The bits of some floats up to a power of ten."""
    numbers = (rng.uniform(-1, 1) * 10 ** rng.randint(-3, power) for _ in range(8))
    return tuple(int.from_bytes(struct.pack(letter, number), "little") for number in numbers)


def join(rng: random.Random, choices: tuple[int, ...], size: int, bits: int) -> int:
    """Random elements side by side."""
    return sum(rng.choice(choices) << at for at in range(0, max(bits, size), size)) & ((1 << bits) - 1)


def fill(rng: random.Random, state: State, one: Inst) -> None:
    """Random registers, flags and memory; indices of a gather small."""
    for n in GPRS:
        state[Reg("gpr", n)] = random_bits(rng, 64)
    used = {value for value in one.operands if isinstance(value, Reg)}
    for register in (Reg("vec", n) for n in range(20)):
        state[register] = random_bits(rng, 512) if register in used else rng.getrandbits(512)
    for n in range(8):
        state[Reg("mask", n)] = rng.choice((rng.getrandbits(64), (1 << 64) - 1, 0))
    for flag in FLAGS:
        state.flags[flag] = rng.getrandbits(1)
    for operand, value in zip(one.form.operands, one.operands, strict=True):
        if isinstance(value, Mem) and value.index is not None:
            size = int(operand.kinds[0][2:4])
            indices = [rng.randrange(-40, 80) & ((1 << size) - 1) for _ in range(512 // size)]
            state[value.index] = sum(index << size * i for i, index in enumerate(indices))
    state[BASE] = state.memory.pieces[0][0]
    state.memory.pieces[0][1][:] = random_bits(rng, 8 * 512).to_bytes(512, "little")


def float_written(tree: Tree) -> Type | None:
    """The float type of a meaning's elements: its NaNs are all the same."""
    found = {
        n.src[0].t for n in walk(tree) if n.op == "set" and n.src[0].op == "element" and n.src[0].t.is_float
    }
    return found.pop() if found else None


def same(type: Type | None, a: int, b: int, bits: int) -> bool:
    """Whether two registers are equal but for which NaN an element is."""
    if a == b or type is None:
        return a == b
    mask = (1 << type.bits) - 1
    pairs = (((a >> at) & mask, (b >> at) & mask) for at in range(0, bits, type.bits))
    return all(x == y or (is_nan(type, x) and is_nan(type, y)) for x, y in pairs)


def differences(tree: Tree, expected: State, found: State) -> list[str]:
    """What a processor did that the meaning does not say."""
    type = float_written(tree)
    wrong = [f"{r}: {expected[r]:#x}, the processor {found[r]:#x}" for r in found.registers
             if not same(type, expected[r], found[r], 512 if r.bank == "vec" else 64)]  # fmt: skip
    for flag in FLAGS:
        if expected.flags[flag] is not None and expected.flags[flag] != found.flags[flag]:
            wrong.append(f"{flag}: {expected.flags[flag]}, the processor {found.flags[flag]}")
    a, b = (int.from_bytes(state.memory.pieces[0][1], "little") for state in (expected, found))
    if not same(type, a, b, 8 * 512):
        wrong.append(f"memory: {a:x}, the processor {b:x}")
    return wrong
