"""The self-check: workgroups run natively and by the witness, and their states compared after each block.

Native code is that of the fast mode. It gets the budget of one stretch at a time and so comes back at each
block's end; the witness does as many instructions of the same wave on copies of the registers, of LDS and of
memory. Then everything must be the same: a Difference says what is not. Templates, branches, the order of
waves and what is refused are looked at so; what both share (meanings, decoding) is not. What the language
leaves open, the bits of a NaN that is made, is taken from native code and counted.

Read fast.py and runner.py first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from baregrad.base.errors import Fault
from baregrad.emu.amd import STOPS, GpuFault, Group, Layout, Local, Wave, Witness
from baregrad.emu.amd.memory import Memory
from baregrad.emu.amd.state import ROWS, special_codes
from baregrad.engine.emulate import stitch
from baregrad.engine.emulate.fast import Native, Waves
from baregrad.engine.emulate.runner import Fast
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.text import text
from baregrad.isa.meaning import Type, is_nan, nan_of, walk
from baregrad.runtime import Device

UNCOMPARED = frozenset(
    ("PC", "STOP", "FAULT", "FAULT_LANE", "FAULT_AT", "COUNT", "BUDGET", "SPARE", "SINK")
)  # fmt: skip
"""Parts of a state that a kernel cannot see, or that native code keeps elsewhere."""
SHOWN = 24  # instructions of a block in an error, at most


class Difference(Fault):
    """Native code and the witness do not agree: `place` is the first register, LDS byte or address (with its
    `lane`, -1 for none), `native` and `witness` what each has there; then where the block is, and its text.
    """

    def __init__(  # noqa: PLR0913 - all that says where it was
        self, place: str, native: object, witness: object, *, lane: int = -1, group: tuple[int, int, int],
        wave: int, pc: int, lines: Sequence[str], kernel: str = "",
    ) -> None:  # fmt: skip
        shown = [f"{one:#x}" if isinstance(one, int) else str(one) for one in (native, witness)]
        where = place + (f" lane {lane}" if lane >= 0 else "")
        block = "".join(f"\n    {line}" for line in lines)
        super().__init__(
            f"{where} is {shown[0]} natively, {shown[1]} by the witness",
            why="both ways of running a kernel must do the same",
            mend="one of the block's templates is wrong (lift), or the witness (emu/source.py): "
            "Both(device, single=True) says which instruction",
            where=f"workgroup {group}, wave {wave}, {kernel or 'code'} + {pc:#x}:{block}",
        )
        self.place, self.lane, self.native, self.witness = place, lane, native, witness
        self.group, self.wave, self.pc, self.lines = group, wave, pc, tuple(lines)


class Both:
    """Runs workgroups in both ways. `single`: each instruction is a block.

    `blocks` counts comparisons, `left` instructions that native code leaves to the witness, `nans` words that
    are other NaNs, `alone` workgroups that only the witness did, from the beginning or from some place on.
    """

    __slots__ = ("_fast", "_memory", "_twin", "alone", "blocks", "left", "nans", "single")

    def __init__(self, device: Device, *, single: bool = False) -> None:
        self._fast = Fast(device, single=single)
        self._memory: Memory | None = None
        self._twin: Memory | None = None
        self.blocks = self.left = self.nans = self.alone = 0
        self.single = single

    @property
    def compiled(self) -> str:
        """What had to be compiled: see Fast."""
        return self._fast.compiled

    def run(self, group: Group, budget: int) -> int:
        """Do all instructions of a workgroup; gives how many. Errors: GpuFault, Difference."""
        native = self._fast.native(group)
        if not self._fast.can(group, native):
            self.alone += 1
            return Witness().run(group, budget)
        memory = group.waves[0].memory
        if self._twin is None or self._memory is not memory:
            self._memory, self._twin = memory, Memory(memory.size, memory.base)
        self._twin.follow(memory)
        copied = twin(group, self._twin)
        pair = _Pair(native, self._fast.adopt(group), group, copied)
        try:
            return pair.run(budget)
        finally:
            self.blocks += pair.blocks
            self.left += pair.left
            self.nans += pair.nans
            self.alone += pair.alone


def twin(group: Group, memory: Memory) -> Group:
    """A copy of a workgroup that works on a copy of the memory."""
    lds = Local(group.lds.size)
    lds.bytes[:] = group.lds.bytes
    waves = []
    for one in group.waves:
        wave = Wave(one.code, memory, lds, one.group, one.number)
        wave.kernel = one.kernel
        wave.u[:] = one.u
        wave.refresh()
        waves.append(wave)
    return Group(group.place, waves, lds)


class _Block(NamedTuple):
    """Instructions that were done: from which item on, and how many."""

    first: int
    size: int

    @property
    def end(self) -> int:
        """The item behind it."""
        return self.first + self.size


class _Pair:
    """A workgroup that native code works on, and its twin of the witness."""

    __slots__ = ("alone", "at", "blocks", "done", "layout", "left", "lengths", "nans", "native", "real",
                 "spans", "there", "twins", "wave", "waves")  # fmt: skip

    def __init__(self, native: Native, waves: Waves, group: Group, copied: Group) -> None:
        self.native, self.waves, self.real, self.twins = native, waves, group, copied
        self.layout = group.waves[0].layout
        self.spans = spans(self.layout)
        self.lengths = lengths(len(native.items), native.code.leaders)
        starts = native.code.starts
        self.there = {native.entry + starts[n]: native.order[n].at for n in native.code.leaders
                      if n < len(starts)}  # fmt: skip
        self.blocks = self.left = self.nans = self.alone = self.done = 0
        first = group.waves[0]
        self.wave, self.at = 0, native.numbers[first.get("PC") - first.code.base]
        waves.begin(native, native.order[self.at].at, len(group.waves))

    def run(self, budget: int) -> int:
        """All instructions of the workgroup."""
        while True:
            size = self.lengths[self.at] if self.at >= 0 else 0
            if self.done + size > budget:
                return self.rest(budget)
            result = self.waves.go(self.native, size if self.at in self.native.code.leaders else 0)
            number, reason = result >> 3, result & 7
            by_hand = reason in (stitch.WITNESS, stitch.REFUSED)
            if self.at >= 0:
                self.compare(_Block(self.at, number - self.at if by_hand else size), number, reason)
            if reason == stitch.END:
                break
            if reason == stitch.BUDGET:
                self.wave, self.at = self.waves.current, number
                self.waves.move(self.wave, self.native.entry + self.native.code.starts[number])
            elif not by_hand or not self.step(number, budget):
                return self.rest(budget)
        for wave in self.real.waves:
            wave.stop = "end"
            wave.set("STOP", STOPS.index("end"))
        return self.done

    def compare(self, block: _Block, number: int, reason: int) -> None:
        """Let the witness do a block that native code has done, and compare."""
        wave = self.twins.waves[self.wave]
        try:
            done = wave.run(block.size)
        except GpuFault as fault:
            raise self.difference(block, "the end", "reached", f"a fault ({fault.what})") from fault
        self.done += done
        self.blocks += 1
        self.registers(block)
        if wave.stop or any(item.kind == "checked" for item in self.native.items[block.first : block.end]):
            self.memories(block)
        self.control(block, number, reason, done)

    def control(self, block: _Block, number: int, reason: int, done: int) -> None:
        """Compare where the wave is, and whether it stopped."""
        wave, others = self.twins.waves[self.wave], self.twins.waves
        away = reason != stitch.END and self.waves.current != self.wave
        place: int | None = None
        if away or reason == stitch.BARRIER:
            place = self.there.get(self.waves.place_of(self.wave))
        elif reason != stitch.END:
            place = self.native.order[number].at
        found = None if wave.stop == "end" else wave.get("PC") - wave.code.base
        if (place, block.size) != (found, done):
            ways = ("the end" if at is None else at for at in (place, found))
            raise self.difference(block, "the place in the code", *ways)
        stopped = away or reason in (stitch.END, stitch.BARRIER)
        alone = all(one.stop == "end" for one in others if one is not wave)
        if bool(wave.stop) != stopped and not (wave.stop == "barrier" and alone):
            raise self.difference(
                block, "the wave", "stopped" if stopped else "running", wave.stop or "running"
            )

    def registers(self, block: _Block) -> None:
        """Compare the cells of the current wave."""
        one, two = self.real.waves[self.wave].u, self.twins.waves[self.wave].u
        for first, end in self.spans:
            a, b = one[first:end].tobytes(), two[first:end].tobytes()
            if a == b:
                continue
            for n, x, y in self.unlike(block, a, b, (1, self.layout.lanes)):
                if x != y:
                    raise self.difference(block, *self.named(first + n), x, y)
                two[first + n] = one[first + n]

    def memories(self, block: _Block) -> None:
        """Compare LDS, and what is allocated in memory."""
        self.bytes_of(block, self.real.lds.bytes, self.twins.lds.bytes, "LDS byte", 0, "")
        mine, other = self.real.waves[0].memory, self.twins.waves[0].memory
        for one in mine.allocations.values():
            a, b = mine.view(one.begin, one.size), other.view(one.begin, one.size)
            self.bytes_of(block, a, b, "the memory at", one.begin, one.name)

    def bytes_of(
        self, block: _Block, mine: memoryview, other: memoryview, what: str, base: int, name: str
    ) -> None:
        """Compare some bytes."""
        a, b = bytes(mine), bytes(other)
        if a == b:
            return
        whole = len(a) + 3 & ~3
        for n, x, y in self.unlike(block, a.ljust(whole, b"\0"), b.ljust(whole, b"\0"), (1,)):
            if x != y:
                place = f"{what} {base + 4 * n:#x}" + (
                    f" ({4 * n} bytes from the start of {name})" if name else ""
                )
                raise self.difference(block, place, -1, x, y)
            other[4 * n : 4 * n + 4] = mine[4 * n : 4 * n + 4]

    def unlike(
        self, block: _Block, a: bytes, b: bytes, steps: tuple[int, ...]
    ) -> Iterator[tuple[int, int, int]]:
        """Words that differ, with the values of both; those of the same NaN have native code's twice."""
        one, two = memoryview(a).cast("I"), memoryview(b).cast("I")
        types = self.types(block)
        for n in range(len(one)):
            if one[n] != two[n]:
                same = same_nan(one, two, n, types, steps)
                self.nans += same
                yield n, one[n], one[n] if same else two[n]

    def types(self, block: _Block) -> set[Type]:
        """The floats that the block's meanings compute with."""
        meaning_of = self.real.waves[0].code.meanings.of
        meanings = (meaning_of(inst) for _, inst in self.insts(block))
        nodes = (node for one in meanings if one is not None for node in walk(one.tree))
        return {node.t for node in nodes if node.type is not None and node.t.is_float}

    def insts(self, block: _Block) -> Iterator[tuple[int, Inst]]:
        """The instructions of a block, and where they are."""
        for one in self.native.order[block.first : block.end]:
            if one.inst is not None:
                yield one.at, one.inst

    # -- what only the witness does -------------------------------------------------------------------

    def step(self, number: int, budget: int) -> bool:
        """An instruction that native code leaves: both sides by the witness; whether native code goes on."""
        if self.done >= budget:
            return False
        native, at = self.native, self.native.order[number].at
        real, copy = self.real.waves[self.wave], self.twins.waves[self.wave]
        real.set("PC", native.base + at)
        real.set("STOP", 0)
        real.pc, real.stop = copy.pc, ""  # where it came from
        real.step()
        copy.step()
        self.left += 1
        self.done += 1
        there = real.get("PC") - native.base
        if real.stop == "end":
            self.at = -1
            self.waves.move(self.wave, native.entry + stitch.common()[1]["end"])
            return True
        if real.stop or there not in native.numbers:
            return False
        self.at = native.numbers[there]
        self.waves.move(self.wave, native.start(there))
        return True

    def rest(self, budget: int) -> int:
        """The witness does all that is left, on its copies; native code's have them then."""
        self.alone += 1
        for wave in self.twins.waves[self.wave + 1 :]:  # they have not come to a barrier of this round
            wave.stop = "" if wave.stop == "barrier" else wave.stop
        try:
            return self.done + Witness().run(self.twins, budget - self.done, self.done)
        finally:
            for mine, wave in zip(self.real.waves, self.twins.waves, strict=True):
                mine.u[:], mine.stop, mine.pc = wave.u, wave.stop, wave.pc
            self.real.lds.bytes[:] = self.twins.lds.bytes
            self.real.waves[0].memory.follow(self.twins.waves[0].memory)

    # -- errors ---------------------------------------------------------------------------------------

    def named(self, cell: int) -> tuple[str, int]:
        """A cell's register, and the lane that it is of."""
        at, lanes = self.layout.at, self.layout.lanes
        for file, name in (("v", "VGPR"), ("a", "ACC")):
            if name in at and 0 <= cell - at[name] < self.layout.cells[name]:
                return f"{file}{(cell - at[name]) // lanes}", (cell - at[name]) % lanes
        if cell < self.layout.cells["SGPR"]:
            names = {code: name for name, code in special_codes(self.layout.family).items()}
            return names.get(cell, f"s{cell}"), -1
        return next(row.name for row in ROWS if 0 <= cell - at.get(row.name, cell + 1) < row.cells), -1

    def difference(self, block: _Block, place: str, *rest: object) -> Difference:
        """The error of a block: `rest` is the lane (may be left out), and what both ways have."""
        lane, native, witness = rest if len(rest) > 2 else (-1, *rest)
        wave = self.real.waves[self.wave]
        insts = list(self.insts(block))
        lines = [f"{at:6x}  {text(inst)}" for at, inst in insts[-SHOWN:]]
        if len(insts) > SHOWN:
            lines.insert(0, f"... {len(insts) - SHOWN} more")
        assert isinstance(lane, int), "a number"
        return Difference(
            place, native, witness, lane=lane, group=wave.group, wave=wave.number, lines=lines,
            pc=self.native.order[block.first].at, kernel=wave.kernel,
        )  # fmt: skip


def spans(layout: Layout) -> list[tuple[int, int]]:
    """Stretches of cells that both ways must have alike."""
    found: list[tuple[int, int]] = []
    for row in ROWS:
        if row.name in UNCOMPARED or row.name not in layout.at:
            continue
        first = layout.at[row.name]
        end = first + layout.cells[row.name]
        if found and found[-1][1] == first:
            first = found.pop()[0]
        found.append((first, end))
    return found


def lengths(count: int, leaders: Collection[int]) -> list[int]:
    """How many items there are from each one to the next at which a stretch begins."""
    found, end = [0] * count, count
    for number in reversed(range(count)):
        found[number] = end - number
        if number in leaders:
            end = number
    return found


def same_nan(
    a: Sequence[int], b: Sequence[int], at: int, types: Collection[Type], steps: tuple[int, ...]
) -> bool:
    """Are two words, or their parts, NaNs, and the second one the one that operations make? The words of a
    double are next to each other, or a register apart.
    """
    for type in types:
        if type.bits == 64:
            pairs = [pair for step in steps for pair in ((at, at + step), (at - step, at))]
            pairs = [(low, high) for low, high in pairs if low >= 0 and high < len(a)]
            if any(made_nan(type, a[x] | a[y] << 32, b[x] | b[y] << 32) for x, y in pairs):
                return True
            continue
        mask = (1 << type.bits) - 1
        parts = [(a[at] >> low & mask, b[at] >> low & mask) for low in range(0, 32, type.bits)]
        if all(x == y or made_nan(type, x, y) for x, y in parts):
            return True
    return False


def made_nan(type: Type, native: int, witness: int) -> bool:
    """Is the witness's value the NaN that is made, with or without a sign, and native code's one too?"""
    return witness & ~(1 << type.bits - 1) == nan_of(type) and is_nan(type, native)


__all__ = ["Both", "Difference"]
