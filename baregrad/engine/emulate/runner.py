"""The fast mode as a Runner of emu.amd: workgroups run natively on states that waves and witness share.

A Wave of emu.amd keeps its objects, but its cells are moved into memory of ours, at places that stay the
same, so that what was stitched once serves all workgroups. Whatever native code cannot do, `Wave.step` does.
"""

from __future__ import annotations

import ctypes
import mmap
from array import array
from collections.abc import Hashable
from time import perf_counter

from baregrad.base.config import config
from baregrad.emu.amd import STOPS, Layout
from baregrad.emu.amd.allotted import EACH
from baregrad.emu.amd.group import Group, Witness
from baregrad.emu.amd.launch import Launch
from baregrad.emu.amd.memory import Allocation
from baregrad.emu.amd.memory import Memory as DeviceMemory
from baregrad.emu.amd.wave import Wave
from baregrad.emu.modes import NEAREST, Mode
from baregrad.engine.emulate.fast import Memory, Native, Stopped, Waves
from baregrad.engine.emulate.grid import Grid
from baregrad.engine.emulate.hot import Heat
from baregrad.engine.emulate.shipped import path_of, shipped
from baregrad.engine.emulate.templates import Templates, row_of
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.meaning import key_of, meaning_of
from baregrad.lift.amd import CHUNK_BITS
from baregrad.runtime import Device

MOST_WAVES = 32
LDS_BYTES = 1 << 18
HEAT = Heat()
BARRIER = 4  # bytes of s_barrier


class Limits:
    """For every chunk of a memory, where its allocation ends."""

    __slots__ = ("_cells", "_known", "memory", "pointer")

    def __init__(self, memory: DeviceMemory) -> None:
        self.memory = memory
        cells = mmap.mmap(-1, max(4096, (memory.size >> CHUNK_BITS) * 4))
        self._cells = memoryview(cells).cast("I")
        self.pointer = address_of(cells)
        self._known: dict[int, Allocation] = {}

    def refresh(self) -> None:
        """Follow the allocations that were made and freed."""
        now = self.memory.allocations
        if now == self._known:
            return
        for begin in [begin for begin, one in self._known.items() if now.get(begin) != one]:
            self.fill(self._known.pop(begin), 0)
        for begin, one in now.items():
            if begin not in self._known:
                self._known[begin] = one
                self.fill(one, one.end - self.memory.base)

    def fill(self, one: Allocation, limit: int) -> None:
        """Say where an allocation ends."""
        first = one.begin - self.memory.base >> CHUNK_BITS
        count = (one.end - self.memory.base - 1 >> CHUNK_BITS) + 1 - first
        if count > 0:
            self._cells[first : first + count] = memoryview(array("I", [limit]) * count)


def address_of(memory: mmap.mmap) -> int:
    """Where a mapping is."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


class Fast:
    """Runs workgroups natively; `left` counts the instructions that the witness did, `seconds` is the time
    that all others took. `single`: native code counts instruction by instruction (both.py). `heat` says when
    instructions in a row get one function for all; None: never.
    """

    __slots__ = (
        "_device",
        "_lds",
        "_lds_pointer",
        "_limits",
        "_natives",
        "_templates",
        "_waves",
        "heat",
        "left",
        "seconds",
        "single",
    )

    def __init__(self, device: Device, *, single: bool = False, heat: Heat | None = HEAT) -> None:
        self._device, self.single, self.heat = device, single, heat
        self._templates: dict[tuple[str, int], Templates] = {}
        self._waves: dict[tuple[str, int], Waves] = {}
        self._natives: dict[Hashable, Native] = {}
        self._limits: Limits | None = None
        self._lds = mmap.mmap(-1, LDS_BYTES)
        self._lds_pointer = address_of(self._lds)
        self.left, self.seconds = 0, 0.0

    def templates(self, arch: str, layout: Layout) -> Templates:
        """The templates of an architecture."""
        key = (arch, layout.lanes)
        found = self._templates.get(key)
        if found is None:
            target = row_of(self._device)
            there = shipped(path_of(arch_of(arch).chip, target), target)
            found = self._templates[key] = Templates(self._device, layout, meaning_of, key_of, there)
        return found

    @property
    def compiled(self) -> str:
        """What had to be compiled, and why the package did not have it; "" if nothing had."""
        found = [one for one in self._templates.values() if one.compiled]
        count = sum(one.compiled for one in found)
        whys = {one.shipped for one in found if isinstance(one.shipped, str)}
        whys = whys if config().cache else {"the cache is off"}
        return ", ".join([f"{count} templates and blocks were compiled", *sorted(whys)]) if count else ""

    def forget(self) -> None:
        """Give back the native code of another memory: addresses are in it. Templates stay."""
        for native in self._natives.values():
            native.close()
        self._natives.clear()
        for waves in self._waves.values():
            waves.forget()

    def native(self, group: Group) -> Native:
        """The native code of what a group runs."""
        wave = group.waves[0]
        code, memory = wave.code, wave.memory
        limits = self._limits
        if limits is None or limits.memory is not memory:
            self.forget()
            limits = self._limits = Limits(memory)
        limits.refresh()
        entry = wave.get("PC") - code.base
        registers = tuple(sorted(code.registers.items()))
        key = (code.data, code.base, limits.pointer, entry, group.lds.size, registers)
        found = self._natives.get(key)
        if found is None:
            reached = Memory(
                address_of(memory.cells), memory.base, memory.size, limits.pointer, self._lds_pointer,
                group.lds.size,
            )  # fmt: skip
            templates = self.templates(code.arch, code.layout)
            found = self._natives[key] = Native(
                self._device,
                templates,
                code.arch,
                code.data,
                code.base,
                [entry],
                reached,
                code.registers,
                single=self.single,
                heat=self.heat,
            )
        return found

    @property
    def natives(self) -> tuple[Native, ...]:
        """The native code that there is."""
        return tuple(self._natives.values())

    def can(self, group: Group, native: Native) -> bool:
        """Is native code right for a group: for its modes, from where it is?"""
        first = group.waves[0]
        modes = {Mode.of(wave.get("MODE")) for wave in group.waves}
        known = first.get("PC") - first.code.base in native.numbers
        return modes == {NEAREST} and not native.changes_modes and known and len(group.waves) <= MOST_WAVES

    def run(self, group: Group, budget: int) -> int:
        """Do all instructions of a workgroup; gives how many were done. Errors: GpuFault."""
        return self.start(group, budget, None)[0]

    def grid(self, launch: Launch, budget: int) -> tuple[int, int]:
        """Do workgroups of a launch, from its first on, without leaving native code between them; gives how
        many instructions and workgroups were done. Errors: GpuFault.
        """
        group = launch.group((0, 0, 0))
        layout, found = launch.layout, launch.code.registers
        sink = layout.at["SINK"]
        cells = dict.fromkeys(range(3), sink) | {axis: cell for cell, axis in launch.places_at}
        first = layout.at["VGPR"] + layout.lanes * found.get("v", EACH)
        other = layout.at.get("ACC", 0), layout.lanes * found.get("a", EACH) if "ACC" in layout.at else 0
        grid = Grid(
            launch.grid, (cells[0], cells[1], cells[2]), layout.at["GROUP"], ((0, first), other),
            (self._lds_pointer, len(group.lds.bytes)),
        )  # fmt: skip
        try:
            return self.start(group, budget, grid)
        finally:
            launch.release(group)

    def start(self, group: Group, budget: int, grid: Grid | None) -> tuple[int, int]:
        """Do a workgroup, and those of the grid that follow; gives how many instructions and workgroups."""
        native = self.native(group)
        first = group.waves[0]
        entry = first.get("PC") - first.code.base
        if not self.can(group, native):
            return Witness().run(group, budget), 1
        waves = self.adopt(group)

        def step(number: int) -> None:
            began = perf_counter()
            wave = group.waves[number]
            wave.pc, wave.stop = 0, ""  # where it was before is not known
            wave.group = place_of(wave)
            wave.step()
            self.left += 1
            self.seconds -= perf_counter() - began

        began = perf_counter()
        groups = 1 if grid is None else grid.sizes[0] * grid.sizes[1] * grid.sizes[2]
        try:
            left = waves.run(native, entry, len(group.waves), budget, step, grid)
        except Stopped as stopped:
            for wave in group.waves:
                wave.group = place_of(wave)
            hand_over(group, stopped.wave, waves.places(native, len(group.waves)))
            done = budget - stopped.left
            return done + Witness().run(group, stopped.left, done), groups - waves.groups_left + 1
        finally:
            self.seconds += perf_counter() - began
        for wave in group.waves:
            wave.stop = "end"
            wave.set("STOP", STOPS.index("end"))
        return budget - left, groups

    def adopt(self, group: Group) -> Waves:
        """Move the states and the LDS of a group to where native code has them."""
        layout = group.waves[0].layout
        key = (layout.family, layout.lanes)
        waves = self._waves.get(key)
        if waves is None:
            waves = self._waves[key] = Waves(layout, MOST_WAVES)
        for number, wave in enumerate(group.waves):
            state = waves.state(number)
            state[:] = wave.u
            data = state.cast("B")
            wave.u, wave.f, wave.i = state, data.cast("f"), data.cast("i")
        lds = group.lds
        size = len(lds.bytes)
        mine = memoryview(self._lds)[:size]
        mine[:] = lds.bytes
        lds.bytes = mine
        for wave in group.waves:
            wave.refresh()
        return waves


def place_of(wave: Wave) -> tuple[int, int, int]:
    """The place in the grid that a state has."""
    x, y, z = wave.u[(at := wave.layout.at["GROUP"]) : at + 3]
    return x, y, z


def hand_over(group: Group, current: int, places: list[int | None]) -> None:
    """Make waves go on with a witness where native code has left them: those before the current one wait at a
    barrier, for it is there that native code goes to the next.
    """
    for number, (wave, place) in enumerate(zip(group.waves, places, strict=True)):
        if number == current:
            wave.stop = STOPS[wave.get("STOP")] if wave.get("STOP") else ""
            if wave.stop:
                wave.pc = wave.get("PC") - BARRIER
            continue
        wave.stop = "end" if place is None else "barrier" if number < current else ""
        if place is not None:
            wave.set("PC", wave.code.base + place)
            wave.pc = wave.code.base + place - BARRIER


__all__ = ["Fast", "Limits"]
