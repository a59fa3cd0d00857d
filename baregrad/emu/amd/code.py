"""Code of a kernel, decoded once an address: each instruction as a function and its arguments.

What is not here: what a function does (emu/source.py), which place an operand is (binding.py), and what the
machine does itself at barriers and ends (actions.py).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from baregrad.base import memo
from baregrad.base.errors import BaregradError, EncodingError
from baregrad.emu.amd.actions import ACTIONS
from baregrad.emu.amd.allotted import beyond
from baregrad.emu.amd.binding import bind
from baregrad.emu.amd.faults import Trouble
from baregrad.emu.amd.setting import USUAL, Setting
from baregrad.emu.amd.state import Layout
from baregrad.emu.modes import NEAREST
from baregrad.emu.source import Compiled, compiled
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.meaning import Meaning
from baregrad.isa.amd.text import text
from baregrad.isa.meaning import Tree, walk

FORMATTED = "_FORMAT_"  # of the names of buffer loads and stores with formats
TICK = 100  # cycles that go by from one look at the clock to the next


class Meanings(NamedTuple):
    """Where meanings come from: of an instruction, and by what they may be shared."""

    of: Callable[[Inst], Meaning | None]
    key: Callable[[Inst], Hashable]


class Step(NamedTuple):
    """An instruction: `function(wave, *arguments)` gives where it goes on, None for the one behind it."""

    function: Callable[..., int | None]
    arguments: tuple[object, ...]
    next: int
    inst: Inst


@memo
def functions(meanings: Meanings, arch: str, lanes: int) -> dict[Hashable, Compiled]:
    """The functions that were compiled so far: all code of an architecture shares them."""
    return {}


class Code:
    """Bytes of code at an address, for waves of a layout; `registers` are how many it may name, by file."""

    __slots__ = ("_functions", "_steps", "arch", "base", "data", "layout", "meanings", "registers")

    def __init__(
        self, arch: str, data: bytes, base: int, layout: Layout, meanings: Meanings,
        registers: Mapping[str, int] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.registers = registers
        self.arch, self.data, self.base, self.layout, self.meanings = arch, data, base, layout, meanings
        self._steps: dict[Setting, dict[int, Step]] = {}
        self._functions = functions(meanings, arch, layout.lanes)

    def steps(self, setting: Setting = USUAL) -> dict[int, Step]:
        """The instructions that were met so far, by address, in a setting."""
        return self._steps.setdefault(setting, {})

    def decoded(self, address: int) -> tuple[Inst, int]:
        """The instruction at an address and its size."""
        at = address - self.base
        if not 0 <= at < len(self.data) or at & 3:
            said = f"no instruction at {address:#x}: {len(self.data)} bytes of code are at {self.base:#x}"
            raise Trouble("fetch", said, address, lane=False)
        try:
            return decode(self.arch, self.data, at, wave=self.layout.lanes)
        except EncodingError as error:
            raise Trouble("bad_opcode", error.what, address, lane=False) from None

    def step(self, address: int, setting: Setting = USUAL) -> Step:
        """Decode an instruction and compile what it does."""
        inst, size = self.decoded(address)
        inst = setting.moved(inst)
        wrong = beyond(inst, self.registers)
        if wrong:
            raise Trouble("registers", wrong, lane=False)
        try:
            step = self.made(inst, address + size, setting)
        except BaregradError as error:
            raise Trouble("bad_opcode", f"{text(inst)}: {error.what}", lane=False) from error
        self.steps(setting)[address] = step
        return step

    def by_lane(self, address: int) -> bool:
        """Is what is there done lane by lane?"""
        try:
            meaning = self.meanings.of(self.decoded(address)[0])
        except (Trouble, BaregradError):
            return False
        return meaning is not None and meaning.scope == "lane"

    def made(self, inst: Inst, after: int, setting: Setting = USUAL) -> Step:
        """What an instruction does, with its operands."""
        if setting.leaves_out(inst):
            return Step(_nothing, (), after, inst)
        meaning = self.meanings.of(inst)
        control = inst.effects.control
        said = meaning.action if meaning is not None else ""
        action = ACTIONS.get(inst.form.entry.name) or ACTIONS.get(said) or ACTIONS.get(control)
        if meaning is None or not meaning.tree:
            if meaning is None and (action is None or control == "mode"):
                raise Trouble("bad_opcode", f"{text(inst)} has no meaning here", lane=False)
            return Step(action or _nothing, (inst,) if action else (), after, inst)
        # Memory converts formats: MODE is of the vector ALU alone.
        mode = NEAREST if FORMATTED in inst.form.entry.name else setting.mode
        bound = bind(inst, meaning.scope, meaning.variables, self.layout)
        key = (self.meanings.key(inst), bound.key, mode)
        found = self._functions.get(key)
        if found is None:
            found = compiled(meaning.tree, meaning.scope, bound.spots, self.layout.lanes, mode)
            self._functions[key] = found
        arguments: tuple[object, ...] = tuple(bound.arguments[name] for name in found.parameters)
        function: Callable[..., int | None] = found.function
        if setting.follows(inst):
            action = ACTIONS["mode"]
        if action is not None and (meaning.action or control == "mode" or setting.follows(inst)):
            arguments, function = (inst, action, function, *arguments), _both
        elif inst.effects.memory is not None and inst.effects.memory.kind == "atomic":
            arguments, function = (accessed(meaning.tree), function, *arguments), _atomic
        elif "CYCLE" in meaning.variables:
            arguments, function = (function, *arguments), _clock
        return Step(function, arguments, after, inst)


def accessed(tree: Tree) -> int:
    """Bytes of an access of an atomic instruction, which may have two, or stores alone."""
    nodes = walk(tree)
    loads = [node.t.bits for node in nodes if node.op == "load"]
    return max(loads + [node.src[1].t.bits for node in nodes if node.op == "store"]) // 8


def _nothing(wave: object) -> None:
    """An instruction that changes nothing."""


def _both(
    wave: object, inst: Inst, action: Callable[..., int | None], function: Callable[..., int | None],
    *arguments: object,
) -> int | None:  # fmt: skip
    """A meaning, and what the machine does then."""
    found = function(wave, *arguments)
    after = action(wave, inst)
    return found if after is None else after


class _Wave(Protocol):
    """What is asked of a wave here."""

    def reach(self, align: int = 0) -> None:
        """Set what accesses must be multiples of."""

    def get(self, name: str) -> int:
        """A number of the state."""

    def set(self, name: str, value: int) -> None:
        """Change it."""


def _clock(wave: _Wave, function: Callable[..., int | None], *arguments: object) -> int | None:
    """An instruction that reads the clock, which goes on so that loops that wait for it end."""
    wave.set("CYCLE", wave.get("CYCLE") + TICK)
    return function(wave, *arguments)


def _atomic(wave: _Wave, size: int, function: Callable[..., int | None], *arguments: object) -> int | None:
    """An atomic instruction: its accesses are aligned."""
    wave.reach(size)
    try:
        return function(wave, *arguments)
    finally:
        wave.reach()
