"""The allocator on the toy machine: functions show what they should; copies go; loops stay clean."""

from __future__ import annotations

import pytest

from baregrad.isa.form import Inst, Reg, VReg
from baregrad.render.machine import allocate, label

from . import toy
from .generate import Generator, function

MACHINES = [("roomy", 16, 32, 8), ("tight", 4, 8, 4)]


@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("name, ints, vecs, flags", MACHINES, ids=[row[0] for row in MACHINES])
def test_random_functions_show_the_same(name: str, ints: int, vecs: int, flags: int, block: int) -> None:
    machine = toy.target(ints, vecs, flags)
    for seed in range(10 * block, 10 * block + 10):
        before = function(seed, 20 + seed % 50)
        after = allocate(before, machine)
        assert toy.run(after.insts) == toy.run(before), f"seed {seed}"


def accumulators(count: int, after: bool) -> list[Inst]:
    """A loop that updates `count` accumulators, in place or by way of a new name that is copied back."""
    acc = [VReg(k, "vec", 128) for k in range(count)]
    counter, a, b = VReg(100, "int"), VReg(101, "vec", 128), VReg(102, "vec", 128)
    insts = [toy.make("const", counter, 5), toy.make("vconst", a, 3), toy.make("vconst", b, 4)]
    insts += [toy.make("vconst", x, k) for k, x in enumerate(acc)]
    insts.append(label("head"))
    fresh = [VReg(200 + k, "vec", 128) for k in range(count)]
    for x, y in zip(acc, fresh, strict=True):
        if after:
            insts += [toy.make("vmov", y, x), toy.make("vfma", y, a, b)]
        else:
            insts.append(toy.make("vfma", x, a, b))
    if after:
        insts += [toy.make("vmov", x, y) for x, y in zip(acc, fresh, strict=True)]
    insts += [toy.make("dec", counter), toy.make("brnz", counter, "head")]
    return [*insts, *(toy.make("vout", x) for x in acc), toy.make("ret")]


@pytest.mark.parametrize("after", [False, True], ids=["in_place", "carried"])
def test_accumulators_stay_in_place(after: bool) -> None:
    before = accumulators(24, after)
    allocation = allocate(before, toy.target())
    names = [inst.form.name for inst in allocation.insts]
    assert names.count("vmov") == 0
    assert allocation.spills == 0
    assert toy.run(allocation.insts) == toy.run(before)


def test_fixed_operands_need_no_copies_when_they_fit() -> None:
    a, b, c = (VReg(k, "int") for k in range(3))
    before = [
        toy.make("const", a, 100),
        toy.make("const", b, 7),
        toy.make("const", c, 3),
        toy.make("div", a, b, c),
        toy.make("out", a),
        toy.make("out", b),
    ]
    after = allocate(before, toy.target())
    assert [inst.form.name for inst in after.insts] == ["const", "const", "const", "div", "out", "out"]
    assert after.insts[3].operands[:2] == (Reg("int", 0), Reg("int", 2))


def test_arguments_in_registers_stay_where_they_are() -> None:
    a, b = VReg(1, "int"), VReg(2, "int")
    before = [toy.make("mov", a, Reg("int", 7)), toy.make("add", b, a, a), toy.make("out", b)]
    after = allocate(before, toy.target())
    assert [inst.form.name for inst in after.insts] == ["add", "out"]
    assert after.insts[0].operands[1] == Reg("int", 7)


@pytest.mark.slow
def test_long_lists() -> None:
    """20,000 instructions with high pressure: no recursion, no blow-up."""
    before = Generator(3, 20000, rich=True).function()
    allocation = allocate(before, toy.target())
    assert allocation.spills > 1000
    assert toy.run(allocation.insts, 10**7) == toy.run(before, 10**7)
