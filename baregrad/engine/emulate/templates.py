"""Templates: compiled functions that serve all instructions of one meaning and one kind of operands.

They are looked up in memory, then on disk under a key that needs no lifting, and compiled only if they are
nowhere. What a template cannot do is remembered with the reason: the witness does such instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol

from baregrad.base.config import config, override
from baregrad.base.errors import CompileError, DTypeError, EncodingError
from baregrad.emu.amd import Layout
from baregrad.engine import disk
from baregrad.engine.compile import target_of
from baregrad.engine.emulate.operands import Bound, bind
from baregrad.isa.amd.inst import Inst
from baregrad.isa.meaning import Tree, walk, written
from baregrad.lift.amd import FIRST_WITHOUT_MEMORY, Place
from baregrad.lift.block import Step, block
from baregrad.lift.lanes import template
from baregrad.lift.wave import whole
from baregrad.lower import lower
from baregrad.render import Program, render
from baregrad.runtime import Device

WITNESSED = {
    "CYCLE": "the clock goes on when the witness reads it", "PC": "native code does not keep the state's PC",
}  # fmt: skip
"""Variables that native code has not, and why."""


class Meant(Protocol):
    """A meaning, as isa.amd.meaning has it."""

    @property
    def tree(self) -> Tree:
        """The statements."""

    @property
    def scope(self) -> str:
        """scalar, lane or wave."""

    @property
    def variables(self) -> Mapping[str, int]:
        """Bits of each variable from outside."""


class Made(NamedTuple):
    """An instruction's function: where it is, its words, whether it uses memory; and what it is as a part of
    a block: its meaning with its places, None if it cannot be one, and how much that is.
    """

    entry: int
    words: tuple[int, ...]
    memory: bool
    step: Step | None = None
    key: Hashable = None
    size: int = 0


class Known(NamedTuple):
    """A meaning: whether it uses memory, its nodes, the names that it writes."""

    meant: Meant
    memory: bool
    size: int
    changed: frozenset[str]


class Templates:
    """The templates of an architecture on a device.

    `meaning` gives an instruction's meaning or None, `key` what that depends on; `refused` has the reasons of
    instructions that have no template, by their keys.
    """

    __slots__ = (
        "_device",
        "_entries",
        "_key",
        "_meaning",
        "_meanings",
        "_target",
        "compiled",
        "lanes",
        "layout",
        "refused",
    )  # fmt: skip

    def __init__(
        self,
        device: Device,
        layout: Layout,
        meaning: Callable[[Inst], Meant | None],
        key: Callable[[Inst], Hashable],
    ) -> None:
        self._device, self.layout, self.lanes = device, layout, layout.lanes
        self._meaning, self._key = meaning, key
        self._meanings: dict[Hashable, Known | None] = {}
        self._entries: dict[Hashable, int] = {}
        self._target = target_of(device)
        self.refused: dict[Hashable, str] = {}
        self.compiled = 0

    def of(self, inst: Inst) -> Made | None:
        """The function of an instruction, None if the witness must do it."""
        key = self._key(inst)
        if key not in self._meanings:
            self._meanings[key] = self.meant(inst, key)
        found = self._meanings[key]
        if found is None:
            return None
        meant, memory, size, changed = found
        whole: Hashable = (key, inst.operands)
        try:
            bound = bind(inst, meant.scope, meant.variables, self.layout, memory)
            whole = (key, bound.places)
            if whole in self.refused:
                return None
            entry = self._entries.get(whole)
            if entry is None:
                entry = self._entries[whole] = self.load(inst, key, meant, bound)
        except (CompileError, DTypeError, EncodingError) as error:
            self.refused[whole] = f"{inst.form.name}: {error}".split("\n")[0]
            return None
        step = None if memory else step_of(meant, changed, bound, self.layout.at["SGPR"] + 126)
        return Made(entry, bound.words, memory, step, key, size)

    def meant(self, inst: Inst, key: Hashable) -> Known | None:
        """What is the same for all instructions of a key."""
        try:
            meant = self._meaning(inst)
        except EncodingError as error:
            self.refused[key] = f"no meaning: {error}".split("\n")[0]
            return None
        if meant is None:
            self.refused[key] = "no meaning"
            return None
        for name in WITNESSED.keys() & meant.variables.keys():
            self.refused[key] = WITNESSED[name]
            return None
        ops = [node.op for node in walk(meant.tree)]
        memory = not {"load", "store", "trap"}.isdisjoint(ops)
        return Known(meant, memory, len(ops), frozenset(written(meant.tree)))

    def load(self, inst: Inst, key: Hashable, meant: Meant, bound: Bound) -> int:
        """The template from the disk or compiled, as executable code."""
        use_disk = config().cache
        name = disk.key(f"{key!r} {bound.places!r} {self.lanes}", self._target) if use_disk else ""
        program = disk.load(name) if use_disk else None
        if program is None:
            program = self.compile(inst, meant, bound.places)
            if use_disk:
                disk.store(name, program)
        return self._device.load(program.code, program.name).entry

    def block(self, parts: Sequence[Made], compiling: bool) -> int | None:
        """One function for several instructions, from memory or the disk, or else compiled if it may be.

        Errors: CompileError, DTypeError for what cannot be compiled together.
        """
        whole = tuple((one.key, one.step.places, one.words) for one in parts if one.step is not None)
        found = self._entries.get(whole)
        if found is not None:
            return found
        with override(contract=False):  # products and sums of several instructions stay apart
            use_disk = config().cache
            name = disk.key(f"block {whole!r} {self.lanes}", self._target) if use_disk else ""
            program = disk.load(name) if use_disk else None
            if program is None and not compiling:
                return None
            if program is None:
                self.compiled += 1
                width = self._target.vector_bytes // 4
                steps = [one.step for one in parts if one.step is not None]
                kernel = block(f"block of {len(steps)}", steps, cells_of(self.layout), self.lanes, width)
                program = render(lower(kernel, self._target), self._target)
                if use_disk:
                    disk.store(name, program)
        found = self._entries[whole] = self._device.load(program.code, program.name).entry
        return found

    def compile(self, inst: Inst, meant: Meant, places: tuple[Place, ...]) -> Program:
        """The template, compiled."""
        self.compiled += 1
        name = inst.form.name
        cells, width = cells_of(self.layout), self._target.vector_bytes // 4
        if meant.scope == "wave":
            kernel = whole(name, meant.tree, places, cells, self.lanes, width)
        else:
            kernel = template(name, meant.tree, meant.scope, places, cells, self.lanes, width)
        return render(lower(kernel, self._target), self._target)


def step_of(meant: Meant, changed: frozenset[str], bound: Bound, exec_cell: int) -> Step | None:
    """An instruction without memory as a part of a block, its registers at cells; None if it looks at other
    lanes or writes EXEC.
    """
    if meant.scope not in ("scalar", "lane"):
        return None
    places: list[Place] = []
    constants: dict[str, int] = {}
    for place in bound.places:
        if place.kind in ("moved", "file"):
            return None
        if place.slot >= 0:
            at = place.slot - FIRST_WITHOUT_MEMORY
            if place.kind == "constant":
                words = bound.words[at : at + place.words]
                whole = sum(word << 32 * n for n, word in enumerate(words))
                constants[place.name] = whole & ((1 << place.bits) - 1)
            else:
                place = place._replace(slot=-1, cell=bound.words[at])
        if place.name in changed and place.kind in ("scalar", "mask"):
            first = place.cell
            words_ = place.words if place.kind == "scalar" else 2
            if first <= exec_cell + 1 and exec_cell < first + words_:
                return None
        places.append(place)
    return Step(meant.tree, meant.scope, tuple(places), constants, changed)


def cells_of(layout: Layout) -> dict[str, int]:
    """Where the registers are that templates and stitched code ask themselves."""
    at = layout.at
    return {
        "SCC": at["SCC"],
        "STOP": at["STOP"],
        "VCC": at["SGPR"] + 106,
        "EXEC": at["SGPR"] + 126,
        "SINK": at["SINK"],
    }


__all__ = ["Made", "Meant", "Templates", "cells_of"]
