"""The checker accepts what the allocator makes, and finds each kind of error that is planted in it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from baregrad.base.errors import CompileError
from baregrad.isa.form import Form, Inst, Reg, VReg
from baregrad.render.machine import Allocation, allocate, check, label

from . import toy
from .generate import function

TIGHT = toy.target(4, 8, 4)


@pytest.mark.parametrize("block", range(5))
def test_right_allocations_pass(block: int) -> None:
    for seed in range(1000 + 8 * block, 1008 + 8 * block):
        before = function(seed, 30)
        for machine in (toy.target(), TIGHT):
            check(before, allocate(before, machine), machine)


def test_an_empty_list_passes() -> None:
    check([], allocate([], TIGHT), TIGHT)


def swapped(allocation: Allocation, k: int, one: Reg, other: Reg) -> Allocation:
    """The allocation with two registers exchanged in one instruction."""
    names = {one: other, other: one}
    insts = list(allocation.insts)
    old = insts[k]
    insts[k] = Inst(old.form, tuple(names.get(v, v) for v in old.operands), old.mask, old.zeroing)  # type: ignore[arg-type]
    return replace(allocation, insts=insts)


def without(allocation: Allocation, k: int) -> Allocation:
    """The allocation without one of its added instructions."""

    def moved(j: int) -> int:
        return j - (j > k)

    return replace(
        allocation,
        insts=allocation.insts[:k] + allocation.insts[k + 1 :],
        origin=allocation.origin[:k] + allocation.origin[k + 1 :],
        added={moved(j): what for j, what in allocation.added.items() if j != k},
        dropped={moved(j): what for j, what in allocation.dropped.items()},
    )


PLAIN = [
    toy.make("const", VReg(1, "int"), 1),
    toy.make("const", VReg(2, "int"), 2),
    toy.make("add", VReg(3, "int"), VReg(1, "int"), VReg(1, "int")),
    toy.make("mul", VReg(4, "int"), VReg(3, "int"), VReg(2, "int")),
    toy.make("out", VReg(4, "int")),
]


def test_swapped_registers_are_found() -> None:
    machine = toy.target()
    allocation = allocate(PLAIN, machine)
    a, b = allocation.insts[3].operands[1:]
    assert isinstance(a, Reg)
    assert isinstance(b, Reg)
    with pytest.raises(CompileError, match="is not in"):
        check(PLAIN, swapped(allocation, 3, a, b), machine)


@pytest.mark.parametrize("what", ["load", "store", "move", "make"])
def test_each_dropped_transfer_is_found(what: str) -> None:
    found = 0
    for seed in range(12):
        before = function(seed, 40)
        allocation = allocate(before, TIGHT)
        for k in [k for k, row in allocation.added.items() if row[0] == what][:4]:
            try:
                check(before, without(allocation, k), TIGHT)
            except CompileError:
                found += 1
                continue
            # What the checker lets pass without it must be needless: the run shows the same.
            assert toy.run(without(allocation, k).insts) == toy.run(before), f"seed {seed}, instruction {k}"
    assert found > 10


def test_ignored_clobbers_are_found() -> None:
    value, other = VReg(1, "int"), VReg(2, "int")
    before = [
        toy.make("const", value, 1),
        toy.make("add", other, value, value),
        toy.make("wipe"),
        toy.make("out", other),
    ]
    # The allocator is told of a form without clobbers, the checker of the true one.
    careless = Inst(Form("wipe", (), None), ())
    told = [*before[:2], careless, *before[3:]]
    allocation = allocate(told, toy.target())
    insts = [before[2] if inst == careless else inst for inst in allocation.insts]
    with pytest.raises(CompileError, match="is not in"):
        check(before, replace(allocation, insts=insts), toy.target())


QUAD = VReg(1, "vec", 128, 4, 4)
I, F, V = VReg(1, "int"), VReg(1, "flag"), VReg(1, "vec")
R0, R1, R2, R5 = (Reg("int", n) for n in (0, 1, 2, 5))
K0, K2 = Reg("flag", 0), Reg("flag", 2)
# fmt: off
DEMANDS = [  # name, the instruction, a wrong allocation of it, what the error says
    ("bank",      toy.make("vconst", V, 1),        toy.make("vconst", R1, 1),           "bank"),
    ("aligned",   toy.make("qzero", QUAD, 1),      toy.make("qzero", Reg("vec", 2), 1), "aligned"),
    ("limit",     toy.make("low", I, R0),          toy.make("low", R5, R0),             "goes up"),
    ("handed",    toy.make("fmov", F, K2),         toy.make("fmov", K0, K2),            "hand"),
    ("virtual",   toy.make("out", I),              toy.make("out", I),                  "only registers"),
    ("immediate", toy.make("const", I, 1),         toy.make("const", R1, 2),            "only registers"),
    ("form",      toy.make("out", R0),             toy.make("vout", Reg("vec", 0)),     "form"),
    ("fixed",     toy.make("call", I),             toy.make("call", R1),                "is not in|must be"),
    ("early",     toy.make("early", I, R1, R2),    toy.make("early", R1, R1, R2),       "before the others"),
]
# fmt: on


@pytest.mark.parametrize("name, right, wrong, says", DEMANDS, ids=[row[0] for row in DEMANDS])
def test_what_a_form_demands_is_checked(name: str, right: Inst, wrong: Inst, says: str) -> None:
    allocation = Allocation([wrong], [0], 0, 1, frozenset(), 0)
    with pytest.raises(CompileError, match=says):
        check([right], allocation, toy.target())


def test_a_left_out_instruction_is_found() -> None:
    allocation = allocate(PLAIN, toy.target())
    with pytest.raises(CompileError, match="missing"):
        check(
            PLAIN,
            replace(allocation, insts=allocation.insts[:-1], origin=allocation.origin[:-1]),
            toy.target(),
        )


def test_a_value_that_is_there_on_one_path_only_is_found() -> None:
    value, test = VReg(1, "int"), VReg(2, "int")
    before = [
        toy.make("const", test, 1),
        toy.make("const", value, 5),
        toy.make("brz", test, "skip"),
        toy.make("add", value, value, value),
        label("skip"),
        toy.make("out", value),
    ]
    allocation = allocate(before, toy.target())
    place = allocation.insts[5].operands[0]
    insts = list(allocation.insts)
    insts[3] = toy.make("add", Reg("int", 9), place, place)
    with pytest.raises(CompileError, match="is not in"):
        check(before, replace(allocation, insts=insts), toy.target())


def test_random_register_changes_that_pass_are_harmless() -> None:
    rng = random.Random(5)
    caught = 0
    for seed in range(25):
        before = function(seed, 30)
        machine = toy.target()
        allocation = allocate(before, machine)
        places = [
            k for k, inst in enumerate(allocation.insts)
            if allocation.origin[k] >= 0 and any(getattr(v, "bank", "") == "int" for v in inst.operands)
        ]  # fmt: skip
        k = rng.choice(places)
        wrong = swapped(allocation, k, Reg("int", rng.randrange(16)), Reg("int", rng.randrange(16)))
        try:
            check(before, wrong, machine)
        except CompileError:
            caught += 1
            continue
        assert toy.run(wrong.insts) == toy.run(before), f"seed {seed}"
    assert caught
