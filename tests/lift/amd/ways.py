"""A body run in several ways on one state: its tree by isa.meaning.run (the reference), as Python source, as
UOps by the IR's interpreter, and as compiled code.

The state is that of emu.amd: operands get registers of their own, so that what is tested is what a body
computes, not how operands are bound. What is not here: inputs (inputs.py), which bodies (bodies.py).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from baregrad.base.errors import BaregradError, CompileError
from baregrad.emu import Plain
from baregrad.emu.amd import layout
from baregrad.emu.places import Spot
from baregrad.emu.source import compiled
from baregrad.engine.compile import target_of
from baregrad.engine.emulate.templates import cells_of
from baregrad.ir import UOp, compile_kernel, const, ops, substitute
from baregrad.isa.meaning import Type, is_nan, nan_of, run, type_of, walk, written
from baregrad.lift.amd import CHUNK_BITS, FIRST, GRID, LDS, MEMORY, STATE, Place
from baregrad.lift.lanes import template
from baregrad.lift.wave import whole
from baregrad.lower import lower
from baregrad.render import render
from baregrad.runtime import Device
from tests.lift.amd import inputs
from tests.lift.amd.bodies import Body

SPECIAL = {"VCC": 106, "EXEC": 126}
FILES = ("VGPR", "ACC", "SGPR")
NAN_TYPES = ((8, ("fp8", "bf8")), (16, ("f16", "bf16")), (32, ("f32",)), (64, ("f64",)))
NANS = {bits: [type for name in names if (type := type_of(name))] for bits, names in NAN_TYPES}


Variables = dict[str, int | None]


class Refused(Exception):
    """An access to memory that is not there, or a trap."""


class Bytes:
    """A memory with bounds, as Plain wants one."""

    def __init__(self, base: int, data: memoryview) -> None:
        self.base, self.data = base, data
        self.whole = False  # accesses are aligned to their size, not only to words

    def read(self, address: int, bits: int) -> int:
        """Little-endian bits."""
        at = self.place(address, bits)
        return int.from_bytes(self.data[at : at + bits // 8], "little")

    def write(self, address: int, bits: int, value: int) -> None:
        """Store bits."""
        at = self.place(address, bits)
        self.data[at : at + bits // 8] = value.to_bytes(bits // 8, "little")

    def place(self, address: int, bits: int) -> int:
        """Where it is."""
        at = address - self.base
        if not 0 <= at <= len(self.data) - bits // 8 or at % (bits // 8 if self.whole else min(bits // 8, 4)):
            raise Refused(f"{bits} bits at {address:#x}")
        return at


F32 = Type("f", 32)


class Held(NamedTuple):
    """Everything that a body may change."""

    cells: bytes
    memory: bytes
    local: bytes


class Machine:
    """A state, a memory and an LDS at fixed places; what compiled meanings call."""

    def __init__(self, arch: str, lanes: int) -> None:
        self.layout, self.lanes = layout(arch, lanes), lanes
        self.buffers = [mmap.mmap(-1, size) for size in (4 * self.layout.size, inputs.SIZE, inputs.LOCAL)]
        view = memoryview(self.buffers[0])
        self.u, self.f, self.i = view.cast("I"), view.cast("f"), view.cast("i")
        self.memory = Bytes(inputs.BASE, memoryview(self.buffers[1]))
        self.local = Bytes(0, memoryview(self.buffers[2]))
        limits = (ctypes.c_uint32 * (inputs.SIZE >> CHUNK_BITS))(*[inputs.SIZE] * (inputs.SIZE >> CHUNK_BITS))
        self.limits = limits
        at = [ctypes.addressof(ctypes.c_char.from_buffer(one)) for one in (*self.buffers, limits)]
        words = (at[0], at[1], inputs.BASE, inputs.SIZE, at[3], at[2], inputs.LOCAL)
        self.block = (ctypes.c_uint64 * COPIES)(*words)
        cells = [memoryview(one).cast("I") for one in self.buffers]
        self.slots = [cells[0], cells[1], inputs.BASE, inputs.SIZE, list(limits), cells[2], inputs.LOCAL, 0]
        self.slots += [0] * (COPIES - len(self.slots))
        self.lane, self.pc = -1, 0

    def held(self) -> Held:
        """All of it."""
        return Held(*(bytes(one) for one in self.buffers))

    def hold(self, held: Held) -> None:
        """Make it so."""
        for one, data in zip(self.buffers, held, strict=True):
            one[:] = data

    def load(self, address: int, bits: int) -> int:
        """Memory."""
        return self.memory.read(address, bits)

    def store(self, address: int, bits: int, value: int) -> None:
        """Memory."""
        self.memory.write(address, bits, value)

    def load_lds(self, address: int, bits: int) -> int:
        """LDS."""
        return self.local.read(address, bits)

    def store_lds(self, address: int, bits: int, value: int) -> None:
        """LDS."""
        self.local.write(address, bits, value)

    def trap(self, name: str) -> None:
        """A fault."""
        raise Refused(name)


class Where(NamedTuple):
    """A variable's place: kind vector, low, high, scalar, mask, file, lane or constant; its cell or
    slot."""

    kind: str
    bits: int
    cell: int


class Ways:
    """A body on a machine."""

    def __init__(self, machine: Machine, body: Body, half: str = "") -> None:
        self.machine, self.body = machine, body
        self.lanes = machine.lanes
        self.places = self.placed(half)
        self.written = written(body.tree)
        floats = {node.t for node in walk(body.tree) if node.type is not None and node.t.is_float}
        bits = {node.t.bits for node in walk(body.tree) if node.op == "var" and node.arg == "d0_"}
        self.wholes = [type for type in floats if type.bits in bits and "_sdwa" in body.name]
        self.open: set[int] = set()  # cells with a part of a NaN that was made, which may be of any NaN
        spots = {name: Spot(one.kind, one.bits, None if one.kind == "constant" else one.cell)
                 for name, one in self.places.items()}  # fmt: skip
        self.python = compiled(body.tree, body.scope, spots, self.lanes)

    def placed(self, half: str) -> dict[str, Where]:
        """A place for each variable."""
        at, rows, scalars, numbers = self.machine.layout.at, 2, 4, FIRST + 1
        found: dict[str, Where] = {}
        for name, bits in self.body.variables.items():
            mask = bits == 1 and self.body.scope == "lane"
            if name == "laneId":
                found[name] = Where("lane", 32, 0)
            elif name in FILES:
                found[name] = Where("file", bits, at[name])
            elif name.endswith("_NUMBER"):
                found[name] = Where("constant", bits, numbers)
                numbers += 1
            elif name in SPECIAL:
                found[name] = Where("mask" if mask else "scalar", bits, SPECIAL[name])
            elif name in at:
                found[name] = Where("scalar", bits, at[name])
            elif name in self.body.plain and self.body.scope == "lane" and not mask:
                kind = half if bits == 16 and half else "vector"
                found[name] = Where(kind, bits, at["VGPR"] + rows * self.lanes)
                rows += (bits + 31) // 32
            else:
                found[name] = Where("mask" if mask else "scalar", bits, scalars)
                scalars += 2 * -(-bits // 64)
        return found

    # -- values in the state -----------------------------------------------------------------------

    def put(self, name: str, lane: int, value: int) -> None:
        """Set a variable (of a lane)."""
        kind, bits, cell = self.places[name]
        u = self.machine.u
        if kind == "mask":
            u[cell + lane // 32] = u[cell + lane // 32] & ~(1 << lane % 32) | value << lane % 32
        elif kind in ("low", "high"):
            shift = 16 * (kind == "high")
            u[cell + lane] = u[cell + lane] & ~(0xFFFF << shift) | value << shift
        elif kind == "constant":
            self.machine.block[cell] = self.machine.slots[cell] = value
        elif kind in ("vector", "scalar"):
            step = self.lanes if kind == "vector" else 1
            at = cell + lane if kind == "vector" else cell
            for n in range((bits + 31) // 32):
                u[at + n * step] = value >> 32 * n & 0xFFFFFFFF

    def get(self, name: str, lane: int, u: Sequence[int]) -> int:
        """A variable (of a lane) in a state."""
        kind, bits, cell = self.places[name]
        if kind == "mask":
            return u[cell + lane // 32] >> lane % 32 & 1
        if kind == "lane":
            return lane
        if kind == "constant":
            return int(self.machine.block[cell])
        if kind == "file":
            return int.from_bytes(memoryview(u)[cell : cell + bits // 32].tobytes(), "little")  # type: ignore
        if kind in ("low", "high"):
            return u[cell + lane] >> 16 * (kind == "high") & 0xFFFF
        step, at = (self.lanes, cell + lane) if kind == "vector" else (1, cell)
        return sum(u[at + n * step] << 32 * n for n in range((bits + 31) // 32)) & (1 << bits) - 1

    # -- ways --------------------------------------------------------------------------------------

    def reference(self) -> int:
        """By the tree itself; lanes whose accesses are refused are switched off. Gives EXEC as it then is.

        Errors: Refused where the body is one for the wave.
        """
        machine, body = self.machine, self.body
        if body.scope != "lane":
            self.keep(-1, self.once(-1))
            return 0
        mask = self.lanes_on()
        self.open.clear()
        done: dict[int, tuple[Variables, Variables]] = {}
        for lane in range(self.lanes):
            if not mask >> lane & 1:
                continue
            before = machine.held() if body.memory else None
            try:
                done[lane] = self.once(lane)
            except Refused:
                assert before is not None, "only memory refuses"
                machine.hold(before)
                mask &= ~(1 << lane)
                continue
            if any(name in FILES for name in self.written):
                self.keep(lane, done.pop(lane))
        for name, place in self.places.items():
            if place.kind == "mask" and name in self.written:
                machine.u[place.cell : place.cell + self.lanes // 32] = memoryview(
                    bytes(self.lanes // 8)
                ).cast("I")  # a mask that is written has 0 for lanes that are off
        for lane, values in done.items():
            self.keep(lane, values)
            if self.made(values[1].get("d0_")):
                self.open.add(self.places["D0"].cell + lane)
        return mask

    def made(self, whole: int | None) -> bool:
        """Is a result, of which SDWA may store a part, the NaN that operations make?"""
        return whole is not None and any(made_nan(type, whole, whole) for type in self.wholes)

    def once(self, lane: int) -> tuple[Variables, Variables]:
        """The variables before and after the tree."""
        plain = Plain(self.machine.memory)  # type: ignore[arg-type]
        plain.spaces["lds"] = self.machine.local  # type: ignore[assignment]
        plain.widths = dict(self.body.variables)
        before: Variables = {name: self.get(name, lane, self.machine.u) for name in self.places}
        plain.values = dict(before)
        try:
            run(self.body.tree, plain)
        except BaregradError as error:
            raise Refused(str(error)) from error
        return before, plain.values

    def keep(self, lane: int, both: tuple[Variables, Variables]) -> None:
        """Bring what was written into the state; of a register file, the cells that have changed."""
        before, values = both
        for name in self.written & self.places.keys():
            value = values[name] or 0
            kind, bits, cell = self.places[name]
            if kind == "file":
                old_cells, new_cells = (as_cells(x, bits) for x in (before[name], value))
                for n, (old, new) in enumerate(zip(old_cells, new_cells, strict=True)):
                    if old != new:
                        self.machine.u[cell + n] = new
            else:
                self.put(name, lane, value)

    def source(self) -> int:
        """As Python; gives the lanes that are on, 0 where it is not done by lanes."""
        self.python.function(
            self.machine, *(self.get(name, 0, self.machine.u) for name in self.python.parameters)
        )
        return self.lanes_on() if self.body.scope == "lane" else 0

    def lanes_on(self) -> int:
        """EXEC."""
        return sum(self.machine.u[126 + n] << 32 * n for n in range(self.lanes // 32))

    def kernel(self, width: int) -> UOp:
        """As UOps, with vectors of `width` words. Errors: CompileError."""
        kinds = {"low": "vector", "high": "vector"}
        keeps = any(one.kind in kinds for one in self.places.values())
        places = [
            Place(name, "constant", one.bits, one.cell)
            if one.kind == "constant"
            else Place(
                name, kinds.get(one.kind, one.kind), one.bits, -1, one.cell, int(one.kind == "high"), keeps
            )
            for name, one in self.places.items()
            if one.kind != "lane"
        ]
        cells = cells_of(self.machine.layout)
        if self.body.scope == "wave":
            return whole("body", self.body.tree, places, cells, self.lanes, width)
        return template("body", self.body.tree, self.body.scope, places, cells, self.lanes, width)


class Interpreted:
    """A kernel by the interpreter of KERNEL graphs."""

    def __init__(self, machine: Machine, kernel: UOp) -> None:
        there: dict[UOp, UOp] = {GRID: const(0, GRID.dtype)}
        for node in kernel.toposort():
            if node.op is ops.RANGE and node.arg[1] == "serial":
                raise CompileError(
                    "lanes one by one", why="each store has its own loop", mend="run it natively"
                )
            if node.op is ops.PARAM:
                slot, parts = node.arg[0], 32 // node.dtype.bits
                size = len(machine.slots[slot]) * parts
                there[node] = UOp(ops.PARAM, node.dtype, (), (slot + PARTS.get(parts, 0), size))
        # Everything is read from the state before anything is written: it is read from a copy.
        made = substitute(kernel, there)
        self.machine = machine
        self.run = compile_kernel(read_from_copy(made))

    def __call__(self) -> None:
        slots = dict(enumerate(self.machine.slots))
        for n in (STATE, MEMORY, LDS):
            slots[COPIES + n] = bytes_as_cells(slots[n])
            for parts, first in PARTS.items():
                slots[first + n] = memoryview(slots[n]).cast("B").cast("B" if parts == 4 else "H")
        self.run([slots.get(n, ()) for n in range(max(slots) + 1)])


def as_cells(value: int | None, bits: int) -> memoryview:
    """Bits as cells."""
    return memoryview((value or 0).to_bytes(bits // 8, "little")).cast("I")


def bytes_as_cells(cells: memoryview) -> memoryview:
    """A copy of cells."""
    return memoryview(bytes(cells)).cast("I")


COPIES = 32  # slots of copies
PARTS = {2: COPIES + 8, 4: COPIES + 16}
"""Slots of memories as halves and as bytes, by how many make a word."""


def is_plain_load(node: UOp) -> bool:
    """Is it a load of memory that waits for nothing?"""
    return node.op is ops.LOAD and len(node.src) == 1 and node.src[0].src[0].op is ops.PARAM


def read_from_copy(root: UOp) -> UOp:
    """A kernel that reads elsewhere than it writes, but where one lane is to see what those before stored."""
    done: dict[UOp, UOp] = {}
    for node in root.toposort():
        src = tuple(done[one] for one in node.src)
        if node.op is ops.END:
            src = tuple(one for one in src if one.op is not ops.CONST)  # once: there is one wave
        if is_plain_load(node) and src[0].src[0].arg[0] in (STATE, MEMORY, LDS):
            where = src[0]
            slot, size = where.src[0].arg
            other = UOp(ops.PARAM, where.src[0].dtype, (), (COPIES + slot, size))
            src = (UOp(ops.INDEX, where.dtype, (other, *where.src[1:])), *src[1:])
        done[node] = node if src == node.src else UOp(node.op, node.dtype, src, node.arg)
    return done[root]


class Native:
    """A kernel as machine code."""

    def __init__(self, machine: Machine, kernel: UOp, device: Device) -> None:
        target = target_of(device)
        program = render(lower(kernel, target), target)
        self.loaded = device.load(program.code, program.name)
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64)
        self.function, self.block = kind(self.loaded.entry), ctypes.addressof(machine.block)

    def __call__(self) -> None:
        self.function(self.block, 0)


# -- equality --------------------------------------------------------------------------------------


def differences(ways: Ways, wanted: Held, found: Held, quieted: bool = False) -> list[str]:
    """Where two states differ that may not: a NaN that was made may be any NaN; `quieted`: one that was moved
    may have become quiet (numbers of Python are float64).
    """
    if wanted == found:
        return []
    types = {node.t for node in walk(ways.body.tree) if node.type is not None and node.t.is_float}
    shown = []
    sink = ways.machine.layout.at["SINK"]
    for name, first, second in zip(wanted._fields, wanted, found, strict=True):
        a, b = (memoryview(one).cast("I") for one in (first, second))
        for at in differing(first, second):
            if quieted and is_nan(F32, a[at]) and b[at] == a[at] | 1 << 22:
                continue
            if name == "cells" and (0 <= at - sink < ways.lanes * 32 or at in ways.open):
                continue
            if not same_nan(a, b, at, types, ways.lanes):
                shown.append(f"{name}[{at}] {a[at]:#010x} became {b[at]:#010x}")
    return shown


def differing(first: bytes, second: bytes) -> Iterator[int]:
    """The words in which two memories differ."""
    for low in range(0, len(first), 1024):
        if first[low : low + 1024] != second[low : low + 1024]:
            a, b = (memoryview(one[low : low + 1024]).cast("I") for one in (first, second))
            yield from (low // 4 + n for n in range(len(a)) if a[n] != b[n])


def same_nan(a: memoryview, b: memoryview, at: int, types: set[object], lanes: int) -> bool:
    """Are two words, or their halves, NaNs, where the first is the one that operations make?"""
    for bits in NANS:
        for type in NANS[bits]:
            if type not in types:
                continue
            if bits == 64:
                for low, high in ((at, at + 1), (at - 1, at), (at, at + lanes), (at - lanes, at)):
                    if (
                        low >= 0
                        and high < len(a)
                        and made_nan(type, a[low] | a[high] << 32, b[low] | b[high] << 32)
                    ):
                        return True
                continue
            mask = (1 << bits) - 1
            parts = [(a[at] >> low & mask, b[at] >> low & mask) for low in range(0, 32, bits)]
            if all(x == y or made_nan(type, x, y) for x, y in parts):
                return True
    return False


def made_nan(type: object, wanted: int, found: int) -> bool:
    """Is the first the NaN that is made, with or without a sign, and the second one too?"""
    canonical = nan_of(type)  # type: ignore[arg-type]
    sign = 1 << type.bits - 1  # type: ignore[attr-defined]
    return wanted & ~sign == canonical and is_nan(type, found)  # type: ignore[arg-type]
