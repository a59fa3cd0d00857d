"""A compiled kernel in the emulator: its list over physical registers, called by its target's convention."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from baregrad.emu import Memory
from baregrad.emu.x86 import State, execute
from baregrad.isa.form import Inst, Label, Reg
from baregrad.lower import Linear
from baregrad.render.x86.conventions import convention_of
from baregrad.render.x86.machine import machine
from baregrad.render.x86.renderer import finished
from baregrad.render.x86.select import select
from baregrad.target import Target

POOL, BLOCK, BUFFERS, TOP = 0x10000, 0x1000, 0x100000, 0x8000000
STACK_BYTES = 1 << 17


def call(
    linear: Linear, target: Target, buffers: Sequence[bytes | bytearray], item: int, memory: Memory
) -> tuple[State, list[bytearray]]:
    """One item of the grid. Buffers are exactly as long as they are: what reads beyond them faults. The
    caller's registers hold marks, and those that the convention keeps are compared.
    """
    convention = convention_of(target)
    state = select(linear.uops, target)
    insts = finished(state, machine(target, linear.local_bytes), linear.local_bytes, convention)
    items: list[Inst | Label] = [i.operands[0] if i.form.name == "label" else i for i in insts]  # type: ignore[misc]
    made = State(memory, {label.name: POOL + 64 * n for n, label in enumerate(state.pool.entries.values())})
    for n, content in enumerate(state.pool.entries):
        memory.map(POOL + 64 * n, content)
    places = [BUFFERS + 0x100000 * n for n in range(len(buffers))]
    kept = [memory.map(place, content) for place, content in zip(places, buffers, strict=True)]
    memory.map(BLOCK, struct.pack(f"<{len(places)}Q", *places))
    for n in range(16):
        made[Reg("gpr", n)] = 0xABCD0000 + n
        made[Reg("vec", n)] = (1 << 511) + 77 * n
    made[convention.argument(0)], made[convention.argument(1)] = BLOCK, item
    made[Reg("gpr", 4)] = TOP - 8 - 16 * 3
    before = dict(made.registers)
    execute(items, made)
    for n in convention.saved | {4}:
        assert made[Reg("gpr", n)] == before[Reg("gpr", n)], f"general register {n}"
    for n in convention.saved_vectors:
        assert (made[Reg("vec", n)] ^ before[Reg("vec", n)]) & ((1 << 128) - 1) == 0, f"vector register {n}"
    return made, kept


def run(linear: Linear, target: Target, buffers: Sequence[bytes | bytearray], grid: int = 1) -> list[bytes]:
    """As tests/codegen/x86/kernels.run, by emulation."""
    found = [bytes(content) for content in buffers]
    for item in range(grid):
        memory = Memory()
        memory.map(TOP - STACK_BYTES, bytes(STACK_BYTES + 64))
        _, kept = call(linear, target, found, item, memory)
        found = [bytes(content) for content in kept]
    return found
