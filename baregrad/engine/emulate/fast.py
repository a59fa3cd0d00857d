"""Running waves of a kernel as native code: decoded once, stitched, and run until all waves have ended.

What has no template, or was refused (an access out of bounds), comes back to Python, is done by a witness on
the same state, and goes on behind it. Where native code cannot go on at all (a jump to what was not decoded,
the end of the budget), `Waves.run` raises Stopped and `Waves.places` says where all waves are, for a witness
to do the rest. Read stitch.py and templates.py first.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from baregrad.base.errors import BaregradError, CompileError, DTypeError, EncodingError, Fault
from baregrad.emu.amd import STOPS, Layout, beyond
from baregrad.engine.emulate import stitch
from baregrad.engine.emulate.grid import GROUPS, Grid, fill
from baregrad.engine.emulate.hot import Heat, Part, parts
from baregrad.engine.emulate.stitch import Item
from baregrad.engine.emulate.templates import Made, Templates, cells_of
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.program import goes_to
from baregrad.lift.amd import FIRST
from baregrad.runtime import Device

SKIPPED = frozenset(("wait", "delay", "priority", "hint", "sleep", "message"))
"""Controls that change nothing where instructions are done one after the other."""

CONDITIONAL = {"S_CBRANCH_" + name.upper(): name for name in stitch.CONDITIONS if name}


FAULTING = ("S_CODE_END", "S_SENDMSGHALT")  # ends that no wave should come to: the witness says so


class Decoded(NamedTuple):
    """An instruction at its place in the code; None where code goes on and none is known."""

    at: int
    size: int
    inst: Inst | None


class Stopped(Fault):
    """Native code cannot go on with a wave: `left` is what is left of the budget."""

    def __init__(self, wave: int, why: str, left: int) -> None:
        super().__init__(f"wave {wave} leaves native code", why=why, mend="let a witness do the rest")
        self.wave, self.left = wave, left


class Memory(NamedTuple):
    """What instructions reach: the device's memory (where it is in this process, its address on the device,
    its bytes, the table of limits), and LDS.
    """

    pointer: int = 0
    base: int = 0
    size: int = 0
    limits: int = 0
    lds: int = 0
    lds_size: int = 0


class Native:
    """A kernel's code made native: decoded from its entry on, each instruction with its template.

    `heat` says when instructions in a row get one function for all (None: never), `together` how many times
    they did. `changes_modes`: an instruction may set rounding or denormals, which templates have as usual;
    `blocks` and `functions` are where the tables are that the code reads; `fallbacks` counts the instructions
    that a witness must do, by name. `single`: each instruction is a stretch, so that a budget of 1 does one.
    """

    __slots__ = (
        "_blocks", "_device", "_functions", "_kernel", "_late", "_made", "_parts", "_table", "_words", "base",
        "blocks", "changes_modes", "code", "entry", "fallbacks", "functions", "heat", "items", "numbers",
        "order", "registers", "templates", "together",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - all that native code is made of
        self, device: Device, templates: Templates, arch: str, code: bytes, base: int, entries: Sequence[int],
        memory: Memory, registers: Mapping[str, int] = MappingProxyType({}), *, single: bool = False,
        heat: Heat | None = None,
    ) -> None:  # fmt: skip
        self.heat, self.together = heat, 0
        self.templates, self.base, self.registers = templates, base, registers
        self.order = reachable(arch, code, entries, templates.lanes)
        if any(one.inst and one.inst.effects.control in ("jump", "call") for one in self.order):
            self.order = reachable(arch, code, entries, templates.lanes, whole=True)
        self.changes_modes = any(
            one.inst and one.inst.effects.control == "mode" and "GETREG" not in one.inst.form.entry.name
            for one in self.order
        )
        self.numbers = {one.at: number for number, one in enumerate(self.order) if one.inst}
        self._functions: list[int] = []
        self._words: list[int] = []
        self.fallbacks: dict[str, int] = {}
        self._made: list[Made | None] = []
        self.items = [self.item(one, memory) for one in self.order]
        more = (
            range(len(self.items)) if single else [self.numbers[at] for at in entries if at in self.numbers]
        )
        self._parts: dict[int, Part] = {}
        self._late: set[int] = set()
        if heat is not None and not single:
            self.divide(heat, more)
        self._blocks = (ctypes.c_uint64 * max(1, len(self._words)))(*self._words)
        self._table = (ctypes.c_uint64 * max(1, len(self._functions)))(*self._functions)
        self.blocks, self.functions = ctypes.addressof(self._blocks), ctypes.addressof(self._table)
        self.code = stitch.stitch(self.items, cells_of(templates.layout), templates.lanes, more)
        self._device, self._kernel = device, device.load(self.code.data, "emulated")
        self.entry = self._kernel.entry
        for number, ways in self.code.ways.items():
            self.take(number, ways.counted)

    def item(self, one: Decoded, memory: Memory) -> Item:
        """What is stitched for an instruction."""
        inst = one.inst
        self._made.append(None)
        if inst is None:
            return self.left("nothing")
        name = inst.form.entry.name
        if name in FAULTING or beyond(inst, self.registers):
            return self.left(name)
        control = inst.effects.control
        if control in SKIPPED and not inst.writes:
            return Item("skip")
        if control in ("end", "barrier"):
            return Item(control)
        if control in ("branch", "conditional"):
            condition = "" if control == "branch" else CONDITIONAL.get(name)
            target = self.numbers.get(goes_to(inst, one.at), -1)
            if condition is None or target < 0:
                return self.left(name)
            return Item("branch", condition=condition, target=target)
        if control:
            return self.left(name)
        made = self.templates.of(inst)
        if made is None:
            return self.left(name)
        self._made[-1] = made
        block = [0]
        if made.memory:
            block = [0, *memory]
            assert len(block) == FIRST, "what instructions share"
        at = len(self._words)
        self._words += (*block, *made.words)
        self._functions.append(made.entry)
        place = 8 * (len(self._functions) - 1)
        return Item("checked" if made.memory else "call", place, 8 * at)

    def divide(self, heat: Heat, more: Sequence[int]) -> None:
        """Find the blocks. Their functions have one argument block, which says where the states are."""
        shared = 8 * len(self._words)
        self._words.append(0)
        for part in parts(self.items, self._made, stitch.Stitcher.leading(self.items).union(more)):
            way, count = 8 * len(self._functions), 8 * len(self._words)
            self._functions += (0, 0)
            self._words.append(max(1, heat.known))
            head = stitch.Block(part.length, way, way + 8, shared, count)
            self._parts[part.first] = part
            self.items[part.first] = self.items[part.first]._replace(head=head)

    def take(self, number: int, way: int) -> None:
        """Say which way goes through a block from now on."""
        head = self.items[number].head
        assert head is not None, "a block begins there"
        self._table[head.way // 8] = self.entry + way

    def warm(self, number: int) -> None:
        """A block was come to often: take its function if there is one, compile it if it was come to very
        often, leave its instructions apart if they cannot be compiled together.
        """
        head, ways, heat = self.items[number].head, self.code.ways[number], self.heat
        assert head is not None, "a block begins there"
        assert heat is not None, "blocks are counted"
        key, late = (number, "block"), number in self._late
        try:
            found = self.templates.block(self._parts[number].made, late or heat.new <= heat.known)
        except (CompileError, DTypeError, EncodingError) as error:
            self.templates.refused[key] = f"block at {self.order[number].at:#x}: {error}".split("\n")[0]
            self.take(number, ways.apart)
            return
        if found is None:
            self._late.add(number)
            self._blocks[head.passes // 8] = heat.new - heat.known
            return
        self._table[head.function // 8] = found
        self.together += 1
        self.take(number, ways.together)

    def close(self) -> None:
        """Give back the memory of the code."""
        self._device.unload(self._kernel)

    def left(self, name: str) -> Item:
        """An instruction that the witness does."""
        self.fallbacks[name] = self.fallbacks.get(name, 0) + 1
        return Item("leave")

    def place(self, states: int) -> None:
        """Tell all blocks where the states are."""
        for item in self.items:
            if item.head is not None:
                self._blocks[item.head.block // 8] = states
            if item.kind in ("call", "checked"):
                self._blocks[item.block // 8] = states

    def start(self, at: int, inside: bool = False) -> int:
        """The native address of the instruction at an offset of the code."""
        number = self.numbers[at]
        return self.entry + (self.code.inside if inside else self.code.starts)[number]

    def leads(self, at: int) -> bool:
        """Does a stretch begin there, which asks the budget for all its instructions?"""
        return self.numbers.get(at) in self.code.leaders

    def uncounted(self, at: int) -> int:
        """How many instructions are in a stretch from an offset on; none if it begins there."""
        number = end = self.numbers[at]
        while end not in self.code.leaders and end < len(self.items):
            end += 1
        return end - number


def reachable(
    arch: str, code: bytes, entries: Sequence[int], wave: int, *, whole: bool = False
) -> list[Decoded]:
    """The instructions that can be reached from some places, in order; `whole`: and all that stand behind,
    since a jump goes to where only a register says.
    """
    found: dict[int, Decoded] = {}
    waiting = list(entries)
    while waiting:
        at = waiting.pop()
        while at not in found and 0 <= at < len(code):
            try:
                inst, size = decode(arch, code, at, wave=wave)
            except BaregradError:
                break
            control = inst.effects.control
            found[at] = Decoded(at, size, inst)
            if control in ("branch", "conditional"):
                waiting.append(goes_to(inst, at))
            at += size
            if control in ("branch", "jump", "end") and not whole:
                break
    order: list[Decoded] = []
    for at in sorted(found):
        if order and order[-1].at + order[-1].size != at:
            order.append(Decoded(order[-1].at + order[-1].size, 0, None))
        order.append(found[at])
    if order:
        order.append(Decoded(order[-1].at + order[-1].size, 0, None))
    return order


Step = Callable[[int], None]
"""Does one instruction of a wave, by its number, at the PC of its state."""


class Waves:
    """The states of the waves of a workgroup, one behind the other, and the frame of a run."""

    __slots__ = (
        "_cells",
        "_frame",
        "_image",
        "_run",
        "_waves",
        "count",
        "layout",
        "memory",
        "pointer",
        "stride",
    )

    PAGE = 1024  # cells

    def __init__(self, layout: Layout, count: int) -> None:
        self.layout, self.count = layout, count
        self.stride = -(-layout.size // self.PAGE) * self.PAGE
        self.memory = mmap.mmap(-1, 4 * self.stride * count)
        self._cells = memoryview(self.memory).cast("I")
        self.pointer = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self._frame = (ctypes.c_uint64 * stitch.FRAME_WORDS)()
        self._waves = (ctypes.c_uint64 * (stitch.WAVE_WORDS * count))()
        self._run: dict[int, Callable[[int], int]] = {}
        self._image: mmap.mmap | None = None

    def state(self, wave: int) -> memoryview:
        """The cells of a wave."""
        return self._cells[wave * self.stride : wave * self.stride + self.layout.size]

    def run(
        self, native: Native, entry: int, count: int, budget: int, step: Step, grid: Grid | None = None
    ) -> int:
        """Run the first `count` waves from an offset of the code to their ends, then those of the other
        workgroups of a grid; what is left of the budget.

        Errors: Stopped where native code cannot go on, and what `step` raises.
        """
        self.begin(native, entry, count, budget, grid)
        while (result := self.go(native)) & 7 != stitch.END:
            self.outside(native, result >> 3, result & 7, step)
        return self.left

    def begin(
        self, native: Native, entry: int, count: int, budget: int = 0, grid: Grid | None = None
    ) -> None:
        """Put waves at their first instruction."""
        frame, waves = self._frame, self._waves
        native.place(self.pointer)
        first = native.start(entry)
        base = ctypes.addressof(waves)
        for wave in range(count):
            waves[2 * wave], waves[2 * wave + 1] = wave * self.stride, first
        frame[stitch.STATES], frame[stitch.BLOCKS] = self.pointer, native.blocks
        frame[stitch.FUNCTIONS], frame[stitch.BUDGET_LEFT] = native.functions, budget
        frame[stitch.WAVE] = frame[stitch.WAVES] = base
        frame[stitch.WAVES_END], frame[stitch.LIVE] = base + 16 * count, count
        frame[stitch.MET] = 0
        image = self.image(count) if grid is not None else 0
        fill(frame, grid, image, 4 * self.stride, count, first)
        frame[stitch.GONE] = native.entry + stitch.common()[1]["next"]

    def go(self, native: Native, budget: int | None = None) -> int:
        """Go on with the current wave until there is something to be done in Python: what stitch.py says."""
        if budget is not None:
            self._frame[stitch.BUDGET_LEFT] = budget
        run = self._run.get(native.entry)
        if run is None:
            run = self._run[native.entry] = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)(native.entry)
        at = ctypes.addressof(self._frame)
        while (result := run(at)) & 7 == stitch.HOT:
            native.warm(result >> 3)
            self.move(self.current, native.entry + native.code.inside[result >> 3])
        return result

    @property
    def left(self) -> int:
        """What is left of the budget."""
        return int(self._frame[stitch.BUDGET_LEFT])

    @property
    def current(self) -> int:
        """The wave that native code goes on with."""
        return int(self._frame[stitch.WAVE] - ctypes.addressof(self._waves)) // (8 * stitch.WAVE_WORDS)

    def move(self, wave: int, address: int) -> None:
        """Make a wave go on at a native address."""
        self._waves[2 * wave + 1] = address

    def place_of(self, wave: int) -> int:
        """The native address at which a wave goes on that is not the current one."""
        return int(self._waves[2 * wave + 1])

    def forget(self) -> None:
        """Code that was run is there no more."""
        self._run.clear()

    def image(self, count: int) -> int:
        """Keep the states as they are now; the address of the copy."""
        size = 4 * self.stride * count
        if self._image is None or len(self._image) < size:
            self._image = mmap.mmap(-1, size)
        self._image[:size] = self.memory[:size]
        return ctypes.addressof(ctypes.c_char.from_buffer(self._image))

    @property
    def groups_left(self) -> int:
        """How many workgroups have not ended."""
        return int(self._frame[GROUPS])

    def places(self, native: Native, count: int) -> list[int | None]:
        """Where waves go on in the code; None for those that have ended."""
        at = {
            native.entry + start: one.at for one, start in zip(native.order, native.code.inside, strict=True)
        }
        at |= {
            native.entry + start: one.at for one, start in zip(native.order, native.code.starts, strict=True)
        }
        return [at.get(self._waves[2 * wave + 1]) for wave in range(count)]

    def outside(self, native: Native, number: int, reason: int, step: Step) -> None:
        """What is to be done in Python: an instruction, by the witness."""
        layout, frame, base = self.layout, self._frame, ctypes.addressof(self._waves)
        wave = (frame[stitch.WAVE] - base) // 16
        state, at = self.state(wave), layout.at
        if reason == stitch.BARRIER:
            number = next(n for n, start in enumerate(native.code.starts)
                          if native.entry + start == self._waves[2 * wave + 1])  # fmt: skip
        one = native.order[number]
        address = native.base + one.at
        state[at["PC"]], state[at["PC"] + 1] = address & 0xFFFFFFFF, address >> 32
        state[at["STOP"]] = STOPS.index("barrier") if reason == stitch.BARRIER else 0
        if reason == stitch.BARRIER:
            raise Stopped(wave, "others wait at another barrier", frame[stitch.BUDGET_LEFT])
        if reason == stitch.BUDGET:
            raise Stopped(wave, "the budget of instructions is used up", frame[stitch.BUDGET_LEFT])
        step(wave)
        stopped = STOPS[state[at["STOP"]]]
        there = (state[at["PC"]] | state[at["PC"] + 1] << 32) - native.base
        inside = there == one.at + one.size and reason == stitch.REFUSED and not native.leads(there)
        if stopped == "barrier" or (there not in native.numbers and stopped != "end"):
            raise Stopped(wave, f"nothing was decoded at {there:#x}", frame[stitch.BUDGET_LEFT])
        if stopped == "end":
            self._waves[2 * wave + 1] = native.entry + stitch.common()[1]["end"]
            return
        self._waves[2 * wave + 1] = native.start(there, inside)
        count = 0 if inside else native.uncounted(there)
        if count > self.left:
            raise Stopped(wave, "the budget of instructions is used up", self.left)
        frame[stitch.BUDGET_LEFT] -= count


__all__ = ["Decoded", "Memory", "Native", "Stopped", "Waves", "reachable"]
