"""Launching a kernel: its code and arguments into memory, registers as the chip sets them, all workgroups.

Sources: AMDGPUUsage of LLVM, "Initial Kernel Execution State" and "Kernarg Preload"; what Triton's kernels
expect was the check. `emulate` does all; a Launch is for those who want single steps (watch.py). What is
not here: the bytes of arguments (kernarg.py), what a descriptor allots (allotted.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, runtime_checkable

from baregrad.base.errors import BadFile, ConfigError
from baregrad.emu.amd.allotted import check, registers
from baregrad.emu.amd.code import Code, Meanings
from baregrad.emu.amd.group import Group, Runner, Witness
from baregrad.emu.amd.kernarg import Argument, Buffer, Three, filled, packet, rows_of
from baregrad.emu.amd.memory import Local, Memory
from baregrad.emu.amd.state import TTMP, layout
from baregrad.emu.amd.wave import Wave
from baregrad.emu.places import EXEC
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.code_object import CodeObject, Descriptor
from baregrad.isa.amd.meaning import key_of, meaning_of

BUDGET = 1 << 32
MEANINGS = Meanings(meaning_of, key_of)
SHARED_BASE, PRIVATE_BASE = 2 << 48, 1 << 48  # as Linux sets the apertures
PRELOADED = 256  # a kernel with preloaded arguments begins so many bytes on
MOST_THREADS = (1 << 32) - 1  # on an axis: the dispatch packet has 32 bits
LIMITS = {"rdna3": 65536, "rdna4": 65536, "cdna3": 65536, "cdna4": 163840}


class Result(NamedTuple):
    """What a launch did."""

    instructions: int
    groups: int


class Launch:
    """A kernel that is ready to run; `group` makes the waves of one workgroup."""

    def __init__(  # noqa: PLR0913 - all that a launch is
        self, one: CodeObject, kernel: str, grid: Three, block: Three, args: Sequence[Argument] | bytes, *,
        memory: Memory | None = None, lds: int | None = None, meanings: Meanings = MEANINGS,
        lenient: bool = False,
    ) -> None:  # fmt: skip
        self.kernel, self.grid, self.block = one.kernel(kernel), grid, block
        self.descriptor = self.kernel.descriptor
        self.arch = arch_of(one.target.chip.name).name
        self.memory = Memory() if memory is None else memory
        self.lds = self.descriptor["group_segment_fixed_size"] if lds is None else lds
        self.lenient = lenient
        self.layout = layout(self.arch, self._lanes())
        self._check()
        check(self.kernel, self.layout.lanes, self.memory.size)
        self._load(one, meanings)
        size = self.descriptor["kernarg_size"]
        if isinstance(args, bytes):
            arguments, self.buffers = bytearray(args), list[Buffer]()
        else:
            rows = rows_of(one.metadata, kernel)
            arguments, self.buffers = filled(self.memory, rows, args, size, grid, block)
        self.arguments = bytes(arguments)
        self.kernarg = self.memory.put(arguments, "the arguments")
        self.packet = self.memory.put(
            packet(grid, block, self.lds, self.scratch, self.entry, self.kernarg), "the dispatch packet"
        )

    def _lanes(self) -> int:
        """The lanes of the kernel's waves."""
        narrow = self.descriptor.fields.get("wavefront_size32")
        return 32 if narrow else 64

    def _check(self) -> None:
        """Errors: ConfigError for a launch that the chip cannot do."""
        threads = self.block[0] * self.block[1] * self.block[2]
        if not 0 < threads <= 1024 or min(self.grid) < 1:
            raise ConfigError(
                f"a grid of {self.grid} workgroups of {self.block}",
                why="a workgroup has 1 to 1024 work-items, a grid at least one workgroup",
                mend="give others",
            )
        if any(count * size > MOST_THREADS for count, size in zip(self.grid, self.block, strict=True)):
            raise ConfigError(
                f"a grid of {self.grid} workgroups of {self.block}",
                why=f"an axis has at most {MOST_THREADS} work-items", mend="launch it in parts",
            )  # fmt: skip
        if not 0 <= self.lds <= LIMITS[self.arch]:
            raise ConfigError(
                f"{self.lds} bytes of LDS", why=f"{self.arch} has {LIMITS[self.arch]}", mend="use less"
            )

    def _load(self, one: CodeObject, meanings: Meanings) -> None:
        """Put the file's parts where they belong, and the code where it is decoded."""
        parts = [part for part in one.elf.sections if part.address and len(part.data)]
        if not parts:  # not linked: the kernel alone
            base = self.memory.put(self.kernel.code, self.kernel.name)
            self.code, self.entry = self._code(self.kernel.code, base, meanings), base
        else:
            end = max(part.address + len(part.data) for part in parts)
            text = next((p for p in parts if 0 <= self.kernel.entry - p.address < len(p.data)), None)
            if end > self.memory.size or text is None:
                raise BadFile(
                    f"{one.elf.source}: sections to {end:#x}, {self.kernel.name} at {self.kernel.entry:#x}",
                    why=f"memory has {self.memory.size} bytes, and code lies in a section",
                    mend="the file is corrupt, or wants a larger Memory",
                )
            base = self.memory.allocate(end, "the code object")
            for part in parts:
                self.memory.view(base + part.address, len(part.data))[:] = part.data
            self.code = self._code(bytes(text.data), base + text.address, meanings)
            self.entry = base + self.kernel.entry
        self.start = self.entry + (PRELOADED if self.preloaded else 0)

    def _code(self, data: bytes, base: int, meanings: Meanings) -> Code:
        """Code at an address, that may use the registers of the kernel."""
        return Code(self.arch, data, base, self.layout, meanings, registers(self.descriptor))

    @property
    def preloaded(self) -> int:
        """How many registers are loaded from the arguments."""
        return self.descriptor.fields.get("kernarg_preload_length", 0)

    @property
    def scratch(self) -> int:
        """Bytes of scratch of a lane."""
        return self.descriptor["private_segment_fixed_size"]

    def places(self) -> Iterator[Three]:
        """All workgroups, x first."""
        for z in range(self.grid[2]):
            for y in range(self.grid[1]):
                for x in range(self.grid[0]):
                    yield x, y, z

    def group(self, place: Three) -> Group:
        """The waves of a workgroup, before their first instruction."""
        lds, lanes = Local(self.lds), self.layout.lanes
        threads = self.block[0] * self.block[1] * self.block[2]
        waves = []
        for number in range(-(-threads // lanes)):
            wave = Wave(self.code, self.memory, lds, place, number)
            wave.kernel = self.kernel.name
            self._registers(wave, threads)
            waves.append(wave)
        return Group(place, waves, lds)

    def release(self, group: Group) -> None:
        """Give back what a workgroup had of the memory."""
        for wave in reversed(group.waves):
            base = wave.get("SCRATCH_BASE")
            if base:
                self.memory.free(base)

    def _registers(self, wave: Wave, threads: int) -> None:
        """The state that a wave begins with."""
        one, lanes = self.descriptor, self.layout.lanes
        sgprs = self.user_sgprs()
        ids = wave.group
        if self.arch == "rdna4":
            wave.u[TTMP + 9] = ids[0]
            wave.u[TTMP + 7] = ids[1] & 0xFFFF | ids[2] << 16
        elif one["workgroup_info"]:
            sgprs += [0] * len(self.places_at) + [wave.number]
        for code, value in enumerate(sgprs):
            wave.u[code] = value
        for code, axis in self.places_at:
            wave.u[code] = ids[axis]
        first = wave.number * lanes
        x, y, _ = self.block
        at = self.layout.at["VGPR"]
        for lane in range(min(lanes, threads - first)):
            item = first + lane
            wave.u[at + lane] = item % x | item // x % y << 10 | item // (x * y) << 20
        mask = (1 << min(lanes, threads - first)) - 1
        wave.u[EXEC], wave.u[EXEC + 1] = mask & 0xFFFFFFFF, mask >> 32
        wave.set("PC", self.start)
        wave.set("MODE", mode_of(one))
        wave.set("LDS_SIZE", self.lds if self.lenient else 0xFFFFFFFF)
        wave.set("SHARED_BASE", SHARED_BASE)
        wave.set("PRIVATE_BASE", PRIVATE_BASE)
        wave.set("WAVE", wave.number)
        for n in range(3):
            wave.u[self.layout.at["GROUP"] + n] = ids[n]
        if self.scratch:
            base = self.memory.allocate(self.scratch * lanes, f"scratch of wave {wave.number}")
            wave.set("SCRATCH_BASE", base)
            wave.set("SCRATCH_SIZE", self.scratch)
            if self.layout.family == "cdna":
                wave.u[102], wave.u[103] = base & 0xFFFFFFFF, base >> 32
        wave.refresh()

    @property
    def places_at(self) -> list[tuple[int, int]]:
        """The scalar registers that have the workgroup's place in the grid, each with its axis."""
        asked = [n for n, axis in enumerate("xyz") if self.descriptor[f"workgroup_id_{axis}"]]
        return [] if self.arch == "rdna4" else list(enumerate(asked, len(self.user_sgprs())))

    def user_sgprs(self) -> list[int]:
        """The scalar registers that the packet processor sets, in its order."""
        one, found = self.descriptor, list[int]()
        known, none = one.fields, [0, 0]
        arguments, dispatch = _pair(self.kernarg), _pair(self.packet)
        for name, value in (
            ("private_segment_buffer", none + none), ("dispatch_ptr", dispatch), ("queue_ptr", none),
            ("kernarg_segment_ptr", arguments), ("dispatch_id", none), ("flat_scratch_init", none),
            ("private_segment_size", [self.scratch]),
        ):  # fmt: skip
            found += value if known.get(name) else []
        if self.preloaded:
            begin = 4 * known["kernarg_preload_offset"]
            data = self.arguments[begin : begin + 4 * self.preloaded].ljust(4 * self.preloaded, b"\0")
            found += memoryview(data).cast("I").tolist()
        return (found + [0] * 32)[: max(len(found), one["user_sgpr_count"])]

    def run(self, runner: Runner, budget: int, each: Callable[[Group], None] | None = None) -> Result:
        """Run all workgroups, and copy buffers back. Errors: as `emulate`."""
        done = groups = 0
        try:
            if isinstance(runner, Grids) and each is None and self.arch != "rdna4":
                done, groups = runner.grid(self, budget)
            for place in islice(self.places(), groups, None):
                group = self.group(place)
                if each is not None:
                    each(group)
                done += runner.run(group, budget - done)
                self.release(group)
                groups += 1
        finally:
            self.back()
        return Result(done, groups)

    def back(self) -> None:
        """Copy buffers back to the caller's."""
        for one in self.buffers:
            if not one.data.readonly:
                one.data[:] = self.memory.view(one.address, len(one.data))


@runtime_checkable
class Grids(Protocol):
    """A Runner that can do many workgroups at once."""

    def grid(self, launch: Launch, budget: int) -> tuple[int, int]:
        """Do workgroups from the first one on; gives how many instructions and workgroups were done."""


def _pair(value: int) -> list[int]:
    """A number as two registers."""
    return [value & 0xFFFFFFFF, value >> 32]


def mode_of(one: Descriptor) -> int:
    """The hardware register MODE that a kernel begins with. Source: RDNA3 ISA 3.4.1, CDNA4 ISA 3.3.3"""
    known = one.fields
    return (
        known["float_round_mode_32"] | known["float_round_mode_16_64"] << 2
        | known["float_denorm_mode_32"] << 4 | known["float_denorm_mode_16_64"] << 6
        | known.get("dx10_clamp", 1) << 8 | known.get("ieee_mode", 0) << 9 | known["fp16_overflow"] << 23
    )  # fmt: skip


def emulate(  # noqa: PLR0913 - all that a launch is
    code_object: CodeObject, kernel: str, grid: Three, block: Three, args: Sequence[Argument] | bytes = (), *,
    memory: Memory | None = None, lds: int | None = None, runner: Runner | None = None, budget: int = BUDGET,
    meanings: Meanings = MEANINGS, lenient: bool = False, each: Callable[[Group], None] | None = None,
) -> Result:  # fmt: skip
    """Run a kernel over a grid of workgroups of `block` work-items, and copy its buffers back.

    `args` are numbers and memory by the kernel's metadata, or all bytes of the arguments. `lds` is what the
    launch gives, else what the descriptor says; beyond its end is a fault or, with `lenient`, what the manual
    has: 0 is read, and nothing is stored. `each` is called with a workgroup before it runs.
    Errors: GpuFault, a Fault with the instruction, wave and lane; ConfigError for a launch that cannot be.
    """
    launch = Launch(
        code_object, kernel, grid, block, args, memory=memory, lds=lds, meanings=meanings, lenient=lenient
    )
    return launch.run(Witness() if runner is None else runner, budget, each)
