"""Ordering keeps what a list shows, hides latencies, saves registers and keeps flags together."""

from __future__ import annotations

import time

import pytest

from baregrad.isa.form import Form, Inst, Mem, Operand, VReg
from baregrad.render.machine import allocate, check, order, verify

from . import toy
from .generate import function

MACHINE = toy.target()


@pytest.mark.parametrize("block", range(5))
def test_random_functions_show_the_same(block: int) -> None:
    for seed in range(500 + 12 * block, 512 + 12 * block):
        before = function(seed, 50)
        after = order(before, MACHINE)
        assert sorted(map(id, after)) == sorted(map(id, before))
        verify(after, MACHINE)
        assert toy.run(after) == toy.run(before), f"seed {seed}"
        allocation = allocate(after, MACHINE)
        check(after, allocation, MACHINE)
        assert toy.run(allocation.insts) == toy.run(before), f"seed {seed}"


def chain(count: int) -> list[Inst]:
    """So many loads, each followed at once by what uses it; one sum of all."""
    total, base = VReg(0, "vec", 128), VReg(1, "int")
    insts = [toy.make("const", base, 0), toy.make("vconst", total, 0)]
    for k in range(count):
        x, y = VReg(10 + 2 * k, "vec", 128), VReg(11 + 2 * k, "vec", 128)
        insts += [
            toy.make("vld", x, Mem(base, disp=k)),
            toy.make("vadd", y, x, x),
            toy.make("vadd", total, total, y),
        ]
    return [*insts, toy.make("vout", total)]


def test_loads_come_before_what_waits() -> None:
    names = [inst.form.name for inst in order(chain(4), MACHINE)]
    assert names.index("vadd") > max(k for k, name in enumerate(names) if name == "vld")


@pytest.mark.parametrize("registers", [8, 16, 32])
def test_pressure_stays_within_the_bank(registers: int) -> None:
    machine = toy.target(16, registers)
    assert allocate(order(chain(100), machine), machine).spills == 0


def test_a_load_stays_before_the_store_over_it_however_many_accesses_there_are() -> None:
    base, late, old, spare = (VReg(k, "int") for k in range(4))
    insts = [toy.make("const", base, 0), toy.make("mul", late, base, base)]
    insts += [toy.make("mul", late, late, late) for _ in range(9)]
    insts += [toy.make("ld", spare, Mem(base, disp=8 + 8 * k)) for k in range(64)]
    insts += [
        toy.make("ld", old, Mem(late)),
        toy.make("st", Mem(base, disp=4), base),  # so many accesses that those before are forgotten
        toy.make("st", Mem(base), base),
        toy.make("out", old),
    ]

    def place(inst: Inst) -> int | None:
        return next((one.disp for one in inst.operands if isinstance(one, Mem)), None)

    after = [
        (inst.form.name, place(inst)) for inst in order(insts, MACHINE, lambda a, b: place(a) == place(b))
    ]
    assert after.index(("ld", 0)) < after.index(("st", 0))


def test_stores_and_loads_keep_their_order_unless_they_are_apart() -> None:
    base, a, b, c = (VReg(k, "int") for k in range(4))
    insts = [
        toy.make("const", base, 0),
        toy.make("mul", a, base, base),
        toy.make("mul", a, a, a),
        toy.make("st", Mem(base), a),
        toy.make("ld", b, Mem(base, disp=8)),
        toy.make("mul", c, b, b),
        toy.make("out", c),
    ]
    names = [inst.form.name for inst in order(insts, MACHINE)]
    assert names.index("st") < names.index("ld")
    apart = [
        inst.form.name
        for inst in order(
            insts, MACHINE, lambda one, other: {one.form.name, other.form.name} == {"out", "st"}
        )
    ]
    assert apart.index("ld") < apart.index("st")


TEST = Form("test", (Operand("a", ("r64",), "r", "int"),), None, writes_flags=True)
SET = Form("set", (Operand("d", ("r64",), "w", "int"),), None, reads_flags=True)
BRANCH = Form("jz", (Operand("to", ("rel32",), "r"),), None, reads_flags=True, control="branch")


def test_nothing_comes_between_a_flag_and_its_reader() -> None:
    a, b, c, d = (VReg(k, "int") for k in range(4))
    insts = [
        toy.make("const", a, 1),
        toy.make("const", b, 1),
        toy.make("dec", b),
        Inst(TEST, (a,)),
        Inst(SET, (c,)),
        toy.make("mul", d, a, a),
        toy.make("addt", d, a),
        toy.make("addt", b, d),
        toy.make("out", b),
        toy.make("out", c),
    ]
    after = order(insts, MACHINE)
    flags = [inst.form.name for inst in after if inst.form.writes_flags or inst.form.reads_flags]
    assert flags[flags.index("test") + 1] == "set"


def test_the_flags_of_a_branch_are_written_last() -> None:
    a, b = VReg(1, "int"), VReg(2, "int")
    insts = [
        toy.make("const", a, 3),
        toy.make("mul", b, a, a),
        toy.make("addt", b, a),
        toy.make("dec", b),
        Inst(TEST, (a,)),
        Inst(BRANCH, toy.make("jump", "L").operands),
    ]
    after = order(insts, MACHINE)
    assert [inst.form.name for inst in after][-2:] == ["test", "jz"]


@pytest.mark.slow
def test_time_grows_with_length_only() -> None:
    times = []
    for count in (300, 3000):
        insts = chain(count)
        start = time.perf_counter()
        order(insts, MACHINE)
        times.append(time.perf_counter() - start)
    assert times[1] < 25 * times[0]
