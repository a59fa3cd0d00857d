"""Loops: carried values of every kind, sizes that are values, nests, spilling, and the frame that a
kernel keeps.
"""

from __future__ import annotations

import random

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError, DTypeError
from baregrad.ir import UOp, const, index, ops
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.target import Target

from .kernels import TARGETS, Lines, broadcast, compiled, device, pack, run, run_program, unpack

IDS = [t.name for t in TARGETS]
each = pytest.mark.parametrize("target", TARGETS, ids=IDS)
F32, I64 = dt.float32, dt.int64


@each
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_size_that_is_a_value(target: Target, count: int) -> None:
    lines = Lines()
    n, x, y = lines.param(I64, 1), lines.param(F32, 8), lines.param(F32, 1)
    size = lines.load(n, index(0))
    loop = lines.range(size, lines.add(const(0.5, F32)))
    total = lines.add(lines.carry(loop, 0) + lines.load(x, loop))
    end = lines.end(loop, total)
    lines.store(y, index(0), lines.result(end, 0))
    data = list(range(1, 9))
    got = run(lines.linear(), target, [pack([count], I64), pack(data, F32), bytes(4)])[-1]
    assert unpack(got, F32) == [0.5 + sum(data[:count])]


@each
@pytest.mark.parametrize("count", [0, 1, 3])
def test_size_that_is_a_value_with_strides(target: Target, count: int) -> None:
    lines = Lines()
    n, y = lines.param(I64, 1), lines.param(I64, 8)
    size = lines.load(n, index(0))
    loop = lines.range(size)
    three = lines.add(loop * 3)
    lines.store(y, lines.add(loop * 2), three)
    lines.end(loop)
    got = unpack(run(lines.linear(), target, [pack([count], I64), bytes(64)])[-1], I64)
    assert got == [3 * (i // 2) if i % 2 == 0 and i // 2 < count else 0 for i in range(8)]


@each
def test_carried_values_change_places(target: Target) -> None:
    """Fibonacci: each next value reads the other carried one."""
    lines = Lines()
    y = lines.param(I64, 2)
    loop = lines.range(10, lines.add(index(0)), lines.add(index(1)))
    a, b = lines.carry(loop, 0), lines.carry(loop, 1)
    end = lines.end(loop, b, lines.add(a + b))
    lines.store(y, index(0), lines.result(end, 0))
    lines.store(y, index(1), lines.result(end, 1))
    assert unpack(run(lines.linear(), target, [bytes(16)])[0], I64) == [55, 89]


@each
def test_three_carried_values_rotate(target: Target) -> None:
    lines = Lines()
    y = lines.param(F32, 3)
    loop = lines.range(4, *[lines.add(const(float(i), F32)) for i in range(3)])
    a, b, c = (lines.carry(loop, i) for i in range(3))
    end = lines.end(loop, c, a, b)
    for i in range(3):
        lines.store(y, index(i), lines.result(end, i))
    assert unpack(run(lines.linear(), target, [bytes(12)])[0], F32) == [2, 0, 1]


@each
def test_carried_offsets_step_at_the_end(target: Target) -> None:
    lines = Lines()
    x, y = lines.param(F32, 32), lines.param(F32, 1)
    loop = lines.range(4, lines.add(index(0)), lines.add(const(0.0, F32)))
    at, total = lines.carry(loop, 0), lines.carry(loop, 1)
    following = lines.add(at + 8)  # stands before the loads that read the old offset
    value = lines.load(x, at)
    other = lines.load(x, lines.add(at + 1))
    end = lines.end(loop, following, lines.add(total + lines.add(value * other)))
    lines.store(y, index(0), lines.result(end, 1))
    data = list(range(32))
    got = unpack(run(lines.linear(), target, [pack(data, F32), bytes(4)])[1], F32)
    assert got == [sum(data[i] * data[i + 1] for i in range(0, 32, 8))]


@each
def test_bool_vectors_are_carried(target: Target) -> None:
    """Whether any of three rows is above its limit, by lane."""
    lines = Lines()
    x, y = lines.param(F32, 12), lines.param(dt.bool_, 4)
    none = lines.add(broadcast(const(False, dt.bool_), 4))
    loop = lines.range(3, none)
    row = lines.load(x, lines.add(loop * 4), 4)
    above = lines.add(lines.add(broadcast(const(7.0, F32), 4)) < row)
    end = lines.end(loop, lines.add(lines.carry(loop, 0) | above))
    lines.store(y, index(0), lines.result(end, 0))
    data = [1, 8, 3, 4, 5, 6, 9, 2, 3, 8, 1, 0]
    got = run(lines.linear(), target, [pack(data, F32), bytes(4)])[1]
    assert unpack(got, dt.bool_) == [False, True, True, False]


@each
def test_nested_accumulators(target: Target) -> None:
    """The inner loop begins with the outer one's carried value and gives it back."""
    lines = Lines()
    x, y = lines.param(F32, 12), lines.param(F32, 2)
    outer = lines.range(3, lines.add(const(0.0, F32)), lines.add(const(1.0, F32)))
    inner = lines.range(4, lines.carry(outer, 0))
    at = lines.add(lines.add(outer * 4) + inner)
    end = lines.end(inner, lines.add(lines.carry(inner, 0) + lines.load(x, at)))
    total = lines.result(end, 0)
    done = lines.end(outer, total, lines.add(lines.carry(outer, 1) + total))
    lines.store(y, index(0), lines.result(done, 0))
    lines.store(y, index(1), lines.result(done, 1))
    data = list(range(12))
    got = unpack(run(lines.linear(), target, [pack(data, F32), bytes(8)])[1], F32)
    assert got == [66.0, 1.0 + 6 + 28 + 66]


def many(target: Target, count: int) -> Lines:
    """`count` accumulators of vectors, each of its own row; more than there are registers."""
    lanes = target.lanes(4)
    lines = Lines()
    x, y = lines.param(F32, 3 * count * lanes), lines.param(F32, count * lanes)
    zero = lines.add(broadcast(const(0.0, F32), lanes))
    loop = lines.range(3, *[zero] * count)
    at = lines.add(loop * (count * lanes))
    totals = [lines.carry(loop, i) for i in range(count)]
    end = lines.end(
        loop,
        *[lines.add(lines.load(x, lines.add(at + i * lanes), lanes) + totals[i]) for i in range(count)],
    )
    for i in range(count):
        lines.store(y, index(i * lanes), lines.result(end, i))
    return lines


@each
@pytest.mark.parametrize("count", [1, 8, 14, 33, 60])
def test_more_accumulators_than_registers(target: Target, count: int) -> None:
    size = count * target.lanes(4)
    data = [random.Random(count).randrange(-99, 99) for _ in range(3 * size)]
    got = run(many(target, count).linear(), target, [pack(data, F32), bytes(4 * size)])[1]
    assert unpack(got, F32) == [data[i] + data[size + i] + data[2 * size + i] for i in range(size)]


@each
def test_more_integers_than_registers(target: Target) -> None:
    lines = Lines()
    x, y = lines.param(I64, 40), lines.param(I64, 40)
    values = [lines.load(x, index(i)) for i in range(40)]
    sums = [lines.add(values[i] * values[(i * 7 + 3) % 40]) for i in range(40)]
    for i in range(40):
        lines.store(y, index(i), lines.add(sums[i] - values[39 - i]))
    data = [i * i - 300 for i in range(40)]
    got = unpack(run(lines.linear(), target, [pack(data, I64), bytes(320)])[1], I64)
    assert got == [data[i] * data[(i * 7 + 3) % 40] - data[39 - i] for i in range(40)]


@each
def test_more_masks_than_registers(target: Target) -> None:
    lines = Lines()
    x, y = lines.param(F32, 4), lines.param(F32, 12 * 4)
    value = lines.load(x, index(0), 4)
    limits = [lines.add(broadcast(const(float(i), F32), 4)) for i in range(12)]
    masks = [lines.add(value < limit) for limit in limits]
    for i in range(12):
        both = lines.add(masks[i] & masks[(i * 5 + 1) % 12])
        lines.store(y, index(4 * i), lines.add(both.where(limits[i], value)))
    data = [0.5, 4.5, 7.5, 11.5]
    got = unpack(run(lines.linear(), target, [pack(data, F32), bytes(192)])[1], F32)
    assert got == [i if v < i and v < (i * 5 + 1) % 12 else v for i in range(12) for v in data]


@each
def test_branches_further_than_127_bytes(target: Target) -> None:
    code = compiled(many(target, 60).linear(), target).listing
    loop = code.index("L1:")
    assert "jl L1" in code[loop:]


@each
def test_grid_items(target: Target) -> None:
    lines = Lines()
    y = lines.param(I64, 6)
    grid = lines.add(UOp(ops.GRID, I64))
    lines.store(y, grid, lines.add(grid * 3))
    got = run(lines.linear(grid=6), target, [bytes(48)], grid=6)[0]
    assert unpack(got, I64) == [0, 3, 6, 9, 12, 15]


KEPT = ("rbx", "rbp", "r12", "r13", "r14", "r15")


@each
@pytest.mark.parametrize("kind", ["vectors", "integers", "local"])
def test_what_the_caller_keeps(target: Target, kind: str) -> None:
    """Called through code that fills the kept registers, and sees them, rsp and the upper halves of
    vectors after.
    """
    if kind == "vectors":
        linear, sizes = many(target, 60).linear(), [3 * 60 * 64, 60 * 64]
    else:
        lines = Lines()
        x, y = lines.param(I64, 40), lines.param(I64, 40)
        values = [lines.load(x, index(i)) for i in range(40)]
        if kind == "local":
            scratch = lines.add(UOp(ops.LOCAL, I64, (), (0, 8)))
            for i in range(8):
                lines.store(scratch, index(i), values[i])
        for i in range(40):
            lines.store(y, index(i), lines.add(values[i] + values[39 - i]))
        linear, sizes = lines.linear(local_bytes=64 if kind == "local" else 0), [320, 320]
    program = compiled(linear, target)
    cpu = device()
    kernel = cpu.load(program.code, "kernel")
    seen = cpu.allocate(8 * (len(KEPT) + 2))
    buffers = [cpu.allocate(size) for size in sizes]
    block = cpu.allocate(8 * len(buffers))
    cpu.write(block, b"".join(int(b).to_bytes(8, "little") for b in buffers))
    code = [inst("push", name) for name in KEPT]
    code += [inst("mov", name, 1000 + i) for i, name in enumerate(KEPT)]
    code += [inst("mov", "rax", int(seen)), inst("push", "rax"), inst("mov", mem("rax", disp=48), "rsp")]
    code += [
        inst("mov", "rdi", int(block)),
        inst("mov", "esi", 0),
        inst("mov", "rax", kernel.entry),
        inst("call", "rax"),
    ]
    code += [inst("pop", "rax"), inst("mov", mem("rax", disp=56), "rsp")]
    code += [inst("mov", mem("rax", disp=8 * i), name) for i, name in enumerate(KEPT)]
    code += [*(inst("pop", name) for name in reversed(KEPT)), inst("ret")]
    caller = cpu.load(assemble(code), "caller")
    cpu.launch(caller, [])
    got = unpack(cpu.read(seen, 8 * (len(KEPT) + 2)), I64)
    assert got[: len(KEPT)] == [1000 + i for i in range(len(KEPT))]
    assert got[7] == got[6] + 8
    for kernel_ in (kernel, caller):
        cpu.unload(kernel_)
    for place in (seen, block, *buffers):
        cpu.free(place)


@each
def test_only_wide_vectors_are_followed_by_vzeroupper(target: Target) -> None:
    assert "vzeroupper" in compiled(many(target, 2).linear(), target).listing
    lines = Lines()
    x = lines.param(F32, 4)
    lines.store(x, index(0), lines.add(lines.load(x, index(0), 4) + lines.load(x, index(0), 4)))
    assert "vzeroupper" not in compiled(lines.linear(), target).listing


@each
def test_constants_are_made_before_the_loop(target: Target) -> None:
    lanes = target.lanes(4)
    lines = Lines()
    x = lines.param(F32, 4 * lanes)
    loop = lines.range(4)
    at = lines.add(loop * lanes)
    value = lines.load(x, at, lanes)
    lines.store(x, at, lines.add(value * broadcast(const(3.0, F32), lanes)))
    lines.end(loop)
    program = compiled(lines.linear(), target)
    before, body = program.listing.split("L1:")
    assert "pool" in before
    assert "pool" not in body
    data = list(range(4 * lanes))
    assert unpack(run_program(program, [pack(data, F32)])[0], F32) == [3 * v for v in data]


def test_values_before_their_sources_are_refused() -> None:
    lines = Lines()
    x = lines.param(F32, 4)
    value = UOp(ops.LOAD, F32, (UOp(ops.INDEX, F32, (x, index(0))),))
    lines.seen.add(value)
    lines.store(x, index(1), lines.add(value + const(1.0, F32)))
    with pytest.raises(CompileError, match="before it has a value"):
        compiled(lines.linear(), TARGETS[0])


def test_foreign_dtypes_are_refused() -> None:
    lines = Lines()
    x = lines.param(dt.bfloat16, 4)
    lines.store(x, index(1), lines.load(x, index(0)))
    with pytest.raises(DTypeError, match="bfloat16"):
        compiled(lines.linear(), TARGETS[0])


@each
def test_masks_with_too_many_lanes_are_refused(target: Target) -> None:
    lines = Lines()
    x = lines.param(dt.bool_, 64)
    lines.store(x, index(32), lines.load(x, index(0), 32))
    with pytest.raises(CompileError, match="32 lanes"):
        compiled(lines.linear(), target)


def test_ops_without_code_are_refused() -> None:
    lines = Lines()
    x = lines.param(F32, 4)
    lines.add(UOp(ops.REDUCE, F32, (x,), ("add", ())))
    with pytest.raises(CompileError, match="reduce"):
        compiled(lines.linear(), TARGETS[0])
