"""Templates: compiled functions that serve all instructions of one meaning and one kind of operands.

They are looked up in memory, then on disk under a key that needs no lifting, then among those that came with
the package (shipped.py), and compiled only if they are nowhere. They depend on the row of the target alone,
not on this machine's cores and caches. What a template cannot do is remembered with the reason: the witness
does such instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol

from baregrad.base.config import config, override
from baregrad.base.errors import CompileError, DTypeError, EncodingError
from baregrad.emu.amd import Layout
from baregrad.engine import disk
from baregrad.engine.compile import no_collections, target_of
from baregrad.engine.emulate.operands import Bound, bind
from baregrad.engine.emulate.shipped import Archive
from baregrad.isa.amd.inst import Inst
from baregrad.isa.meaning import Tree, walk, written
from baregrad.lift.amd import FIRST_WITHOUT_MEMORY, Place
from baregrad.lift.block import Step, block
from baregrad.lift.lanes import template
from baregrad.lift.wave import whole
from baregrad.lower import lower
from baregrad.render import Program, render, target_for
from baregrad.runtime import Device
from baregrad.target import Target

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

    `meaning` gives an instruction's meaning or None, `key` what that depends on; `shipped` has templates that
    were compiled before, or why there are none; `refused` has the reasons of instructions that have no
    template, by their keys.
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
        "shipped",
    )  # fmt: skip

    def __init__(
        self,
        device: Device,
        layout: Layout,
        meaning: Callable[[Inst], Meant | None],
        key: Callable[[Inst], Hashable],
        shipped: Archive | str = "none were given",
    ) -> None:
        self._device, self.layout, self.lanes = device, layout, layout.lanes
        self._meaning, self._key, self.shipped = meaning, key, shipped
        self._meanings: dict[Hashable, Known | None] = {}
        self._entries: dict[Hashable, int] = {}
        self._target = row_of(device)
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
        found = known(inst, self._meaning)
        if isinstance(found, Known):
            return found
        self.refused[key] = found
        return None

    def load(self, inst: Inst, key: Hashable, meant: Meant, bound: Bound) -> int:
        """The template from the disk, from the package or compiled, as executable code."""
        program: Program | None = None
        use_disk, text = config().cache, text_of(key, bound.places, self.lanes)
        with override(contract=False):  # a meaning says where it rounds
            name = disk.key(text, self._target) if use_disk else ""
            if use_disk:
                program = disk.load(name)
                if program is None and isinstance(self.shipped, Archive):
                    program = self.shipped.find(text)
            if program is None:
                self.compiled += 1
                program = compiled(inst.form.name, meant, bound.places, self.layout, self._target)
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


def row_of(device: Device) -> Target:
    """The row of the targets that templates are compiled for: without what only this machine has."""
    found = target_of(device)
    return target_for(found.arch, found.features)


def known(inst: Inst, meaning: Callable[[Inst], Meant | None]) -> Known | str:
    """What is the same for all instructions of a key, or why they have no template."""
    try:
        meant = meaning(inst)
    except EncodingError as error:
        return f"no meaning: {error}".split("\n")[0]
    if meant is None:
        return "no meaning"
    for name in WITNESSED.keys() & meant.variables.keys():
        return WITNESSED[name]
    ops = [node.op for node in walk(meant.tree)]
    memory = not {"load", "store", "trap"}.isdisjoint(ops)
    return Known(meant, memory, len(ops), frozenset(written(meant.tree)))


def text_of(key: Hashable, places: tuple[Place, ...], lanes: int) -> str:
    """All that a template depends on but the compiler and its target."""
    return f"{key!r} {places!r} {lanes}"


def compiled(name: str, meant: Meant, places: tuple[Place, ...], layout: Layout, target: Target) -> Program:
    """A template. Errors: CompileError, DTypeError for what has none."""
    cells, width = cells_of(layout), target.vector_bytes // 4
    with no_collections():
        if meant.scope == "wave":
            kernel = whole(name, meant.tree, places, cells, layout.lanes, width)
        else:
            kernel = template(name, meant.tree, meant.scope, places, cells, layout.lanes, width)
        return render(lower(kernel, target), target)


def step_of(meant: Meant, changed: frozenset[str], bound: Bound, exec_cell: int) -> Step | None:
    """An instruction without memory as a part of a block, its registers at cells; None if it looks at other
    lanes or writes EXEC.
    """
    if meant.scope not in ("scalar", "lane"):
        return None
    places: list[Place] = []
    constants: dict[str, int] = {}
    for place in bound.places:
        if place.kind in ("moved", "file", "limit", "empty"):
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


__all__ = ["Known", "Made", "Meant", "Templates", "cells_of", "compiled", "known", "row_of", "text_of"]
