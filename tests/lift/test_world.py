"""Meanings lifted to UOps against the same meanings run in Python: random instructions on random
registers.
"""

from __future__ import annotations

import random

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError, Fault
from baregrad.emu.x86 import State, shown, step
from baregrad.ir import UOp
from baregrad.isa.form import Form, Inst, Mem, Reg
from baregrad.isa.meaning import Type
from baregrad.isa.x86 import FORMS, inst
from baregrad.isa.x86.meanings import FLAGS, masked, meaning, meant
from baregrad.lift import Part, Registers, lift, variable
from baregrad.lift.pieces import node_of, parts_of, retype, type_of
from tests.emu.x86.trials import fill, float_written, random_inst, runnable, same
from tests.lift.values import evaluate, leaves_of

SIZES = {"gpr": 64, "vec": 512, "mask": 64}


def registers_of(state: State) -> tuple[Registers, dict[UOp, int]]:
    """Registers as leaves of a word each, and the bits that the leaves stand for."""
    made, given = Registers(), {}
    for register in [
        Reg(bank, n) for bank, last in (("gpr", 16), ("vec", 20), ("mask", 8)) for n in range(last)
    ]:
        parts = []
        for at in range(0, SIZES[register.bank], 32):
            leaf = variable(f"{register.bank}{register.number}.{at}", dt.uint32)
            parts.append(Part(Type("u", 32), leaf))
            given[leaf] = state[register] >> at & 0xFFFFFFFF
        made[register] = tuple(parts)
    for flag in FLAGS:
        leaf = variable(flag, dt.bool_)
        made.flags[flag], given[leaf] = leaf, bool(state.flags[flag])
    return made, given


Lifted = dict[object, tuple[Part, ...]]


def numbers(values: Lifted, given: dict[UOp, int]) -> dict[object, int]:
    """What lifted values are for some bits of the leaves; what is undefined is 0."""
    nodes = [node_of(retype(p.value, Type("u", p.type.bits)), p.type) for v in values.values() for p in v]
    leaves = {leaf: [given.get(leaf, 0)] for leaf in leaves_of(nodes)}
    bits = iter([int(column[0]) for column in evaluate(nodes, leaves, 1)])
    found = {}
    for name, parts in values.items():
        total = at = 0
        for part in parts:
            total |= (next(bits) & ((1 << part.type.bits) - 1)) << at
            at += part.type.bits
        found[name] = total
    return found


def check(one: Inst, rng: random.Random) -> list[str]:
    """What differs between running and lifting an instruction."""
    state = State()
    state.memory.map(4096, bytes(512))
    fill(rng, state, one)
    registers, given = registers_of(state)
    try:
        lift([one], registers)
        step(state, one)
    except CompileError as error:
        return [] if "not known" in str(error) else [str(error)]
    except Fault as fault:  # a division that faults has no result to compare
        return [] if fault.what == "a fault: divide" else [str(fault)]
    tree = (meaning(one.form) if one.mask is None else masked(one.form, False, one.zeroing)) or ()
    lifted: Lifted = {r: parts_of(v, SIZES[r.bank]) for r, v in registers.registers.items()}
    lifted |= {name: parts_of(flag, 1) for name, flag in registers.flags.items()}
    wrong = []
    for name, found in numbers(lifted, given).items():
        wanted = state.flags[name] if isinstance(name, str) else state.registers.get(name, 0)
        if wanted is not None and not same(float_written(tree), wanted, found, 512):
            wrong.append(f"{shown(one)}: {name} is {wanted:#x}, lifted {found:#x}")
    return wrong


def liftable(names: list[str]) -> list[Form]:
    """Forms on registers alone."""
    found = []
    for form, memory in runnable(names):
        addressed = any(kind[:2] == "vm" for operand in form.operands for kind in operand.kinds)
        if not memory and not addressed and form.mask_role != "rw":
            found.append(form)
    return found


def test_a_sample_of_forms() -> None:
    rng = random.Random(3)
    forms = [form for name in rng.sample(sorted(meant()), 20) for form in liftable([name])[:1]]
    for form in forms:
        assert check(random_inst(rng, form, False), rng) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_forms(part: int) -> None:
    rng = random.Random(part)
    for form in liftable(list(FORMS))[part::8]:
        assert check(random_inst(rng, form, False), rng) == []


def test_what_a_list_leaves() -> None:
    registers = Registers()
    a, b = variable("a", dt.float32), variable("b", dt.float32)
    for n, leaf in enumerate((a, b)):
        registers[Reg("vec", n)] = tuple(Part(type_of(dt.float32), leaf) for _ in range(16))
    lift([inst("vmulps", "zmm2", "zmm0", "zmm1"), inst("vaddps", "zmm2", "zmm2", "zmm0")], registers)
    lanes = parts_of(registers[Reg("vec", 2)], 512)
    assert {part.value for part in lanes} == {a * b + a}


NOT_LIFTED = {
    "control": inst("ret"),
    "no meaning": inst("cpuid"),
    "memory": inst("mov", "rax", Mem(Reg("gpr", 3))),
}


@pytest.mark.parametrize("one", NOT_LIFTED.values(), ids=NOT_LIFTED)
def test_what_is_not_lifted(one: Inst) -> None:
    with pytest.raises(CompileError):
        lift([one], Registers())
