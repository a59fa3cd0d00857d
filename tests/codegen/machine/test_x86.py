"""x86-64 forms through verifier, ordering, allocator, checker and encoder, with many and few registers."""

from __future__ import annotations

import pytest

from baregrad.isa.form import Inst, VReg
from baregrad.isa.x86 import form
from baregrad.render.machine import MachineTarget, allocate, assemble, check, label, order, verify
from baregrad.render.targets import AVX512
from baregrad.render.x86.machine import machine as machine_of

from . import x86

MACHINES = [("all", x86.target()), ("few", x86.target(5, 6, 2)), ("the compiler's", machine_of(AVX512))]


@pytest.mark.parametrize("block", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 8))])
@pytest.mark.parametrize("name, machine", MACHINES, ids=[row[0] for row in MACHINES])
def test_random_functions(name: str, machine: MachineTarget, block: int) -> None:
    for seed in range(8 * block, 8 * block + 8):
        before = x86.function(seed, 20 + 5 * (seed % 8))
        verify(before, machine)
        for insts in (before, order(before, machine)):
            allocation = allocate(insts, machine)
            check(insts, allocation, machine)
        assemble(allocation.insts, machine)


def test_a_register_tile_has_no_moves_and_no_spills() -> None:
    """24 accumulators, 4 loads and a broadcast a step: the shape of a matrix product."""
    add = form("vfmadd231ps", "zmm", "zmm", "zmm", evex=True)
    load = form("vmovups", "zmm", "m512", evex=True)
    base, step, count = VReg(1, "gpr"), VReg(2, "gpr"), VReg(3, "gpr")
    acc = [VReg(10 + k, "vec", 512) for k in range(24)]
    nexts = [VReg(40 + k, "vec", 512) for k in range(24)]
    tiles = [VReg(70 + k, "vec", 512) for k in range(4)]
    one = VReg(80, "vec", 512)
    from_memory, store = x86.Mem, form("vmovups", "m512", "zmm", evex=True)
    insts = [x86.move(base, x86.Reg("gpr", 7), 64), x86.move(count, x86.Reg("gpr", 6), 64)]
    insts.append(x86.move(step, base, 64))
    insts += [Inst(load, (x, from_memory(base, disp=64 * k))) for k, x in enumerate(acc)]
    insts.append(label("head"))
    insts += [Inst(load, (x, from_memory(step, disp=64 * k))) for k, x in enumerate(tiles)]
    for k, (x, y) in enumerate(zip(acc, nexts, strict=True)):
        if k % 4 == 0:
            insts.append(Inst(load, (one, from_memory(step, disp=1024 + k))))
        insts += [x86.move(y, x, 512), Inst(add, (y, tiles[k % 4], one))]
    insts += [x86.move(x, y, 512) for x, y in zip(acc, nexts, strict=True)]
    insts.append(Inst(form("add", "r64", "imm8"), (step, x86.Imm(64))))
    insts.append(Inst(form("sub", "r64", "imm8"), (count, x86.Imm(1))))
    insts.append(Inst(form("jne", "rel32"), (x86.Label("head"),)))
    insts += [Inst(store, (from_memory(base, disp=64 * k), x)) for k, x in enumerate(acc)]
    machine = x86.target()
    for listed in (insts, order(insts, machine)):
        allocation = allocate(listed, machine)
        check(listed, allocation, machine)
        names = [inst.form.name for inst in allocation.insts]
        assert names.count("vmovaps") == 0
        assert allocation.spills == 0


def test_what_is_needed_behind_a_loop_makes_room_for_its_accumulators() -> None:
    """24 accumulators and 6 vectors a step, and 6 more values that are added when the loop is done."""
    add, plus = (form(name, "zmm", "zmm", "zmm", evex=True) for name in ("vfmadd231ps", "vaddps"))
    load, store = form("vmovups", "zmm", "m512", evex=True), form("vmovups", "m512", "zmm", evex=True)
    base, step, inner, outer = (VReg(n, "gpr") for n in range(1, 5))
    acc = [VReg(10 + k, "vec", 512) for k in range(24)]
    bias = [VReg(40 + k, "vec", 512) for k in range(6)]
    tiles = [VReg(50 + k, "vec", 512) for k in range(6)]
    one, mem = VReg(60, "vec", 512), x86.Mem
    insts = [x86.move(base, x86.Reg("gpr", 7), 64), x86.move(outer, x86.Reg("gpr", 6), 64)]
    insts += [Inst(load, (x, mem(base, disp=64 * k))) for k, x in enumerate(bias)]
    insts += [label("rows"), x86.move(step, base, 64), x86.move(inner, x86.Reg("gpr", 6), 64)]
    insts += [Inst(load, (x, mem(base, disp=64 * k))) for k, x in enumerate(acc)]
    insts.append(label("steps"))
    for k, x in enumerate(acc):
        if k % 6 == 0:
            insts.append(Inst(load, (one, mem(step, disp=1024 + k))))
        if k < 6:
            insts.append(Inst(load, (tiles[k], mem(step, disp=64 * k))))
        insts.append(Inst(add, (x, tiles[k % 6], one)))
    for counter, head in ((inner, "steps"), (outer, "rows")):
        if head == "rows":
            for k, x in enumerate(acc):
                insts.append(Inst(plus, (x, x, bias[k % 6])))
                insts.append(Inst(store, (mem(base, disp=64 * k), x)))
        insts.append(Inst(form("sub", "r64", "imm8"), (counter, x86.Imm(1))))
        insts.append(Inst(form("jne", "rel32"), (x86.Label(head),)))
    allocation = allocate(insts, x86.target())
    check(insts, allocation, x86.target())
    made = allocation.insts
    begin = next(i for i, inst in enumerate(made) if inst.operands == (x86.Label("steps"),))
    end = next(i for i, inst in enumerate(made) if i > begin and inst.operands == (x86.Label("steps"),))
    assert len(made[begin:end]) == 1 + 6 + 4 + 24 + 1, "a step spills or moves something"


def test_a_reload_does_not_move_before_what_is_placed_already() -> None:
    """Once a value that was evicted within a loop came back before that loop."""
    machine = x86.target(5, 6, 2)
    before = order(x86.function(12016, 10 + 12016 * 7 % 70), machine)
    check(before, allocate(before, machine), machine)


def test_copies_left_out_before_a_first_label_are_passed_once() -> None:
    """Once the checker applied them again on each way back to that label, and refused a right list."""
    machine = x86.target()
    before = x86.function(901341, 10 + 901341 * 7 % 70)
    allocation = allocate(before, machine)
    assert allocation.insts[0].form.name == "label"
    assert len(allocation.dropped[0]) == 3
    check(before, allocation, machine)


def test_values_that_come_around_do_not_take_turns_for_ever() -> None:
    """Once each took the other's register again, without end."""
    machine = x86.target(5, 6, 2)
    before = x86.function(37, 10 + 37 * 7 % 70)
    check(before, allocate(before, machine), machine)
