"""The checker of waits: a register that a load will write is used before a wait has covered the load.

A program without its waits gives the right result here, where every load is done at once, and a wrong one on
a chip. `Waits` is a watcher of a wave: it counts what is under way as the chip does. Sources: RDNA3 ISA 5.6,
CDNA4 ISA 4.4; scalar loads come back in any order, so that only a wait for all of them is one. What is not
here: which counters an instruction raises (isa/amd/effects.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from baregrad.emu.amd.code import Step
from baregrad.emu.amd.faults import Trouble
from baregrad.emu.amd.state import Layout, scalar_code, special_codes
from baregrad.emu.amd.wave import Wave
from baregrad.isa.amd.immediates import WAITS
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Slot, take
from baregrad.isa.amd.operands import NULL, NUMBERED, Changed, Reg, family
from baregrad.isa.amd.text import text

DATA = ("DATA", "DATA0", "DATA1", "VDATA", "VDST", "D0")


class Pending(NamedTuple):
    """An instruction that is under way: the registers that it will write, as halves of cells."""

    cells: frozenset[int]
    inst: Inst
    unordered: bool


class Facts(NamedTuple):
    """What the checker wants to know of an instruction."""

    reads: frozenset[int]
    writes: frozenset[int]
    counters: tuple[str, ...]
    unordered: bool
    waits: tuple[tuple[str, int], ...]


class Waits:
    """What is under way, a list a counter, the oldest first. One for each wave."""

    __slots__ = ("_facts", "pending")

    def __init__(self) -> None:
        self.pending: dict[str, list[Pending]] = {}
        self._facts: dict[int, Facts] = {}

    def __call__(self, wave: Wave, pc: int, step: Step) -> None:
        """Look at an instruction before it is done. Errors: Trouble for a missing wait."""
        facts = self._facts.get(pc)
        if facts is None:
            facts = self._facts[pc] = facts_of(step.inst, wave.layout)
        for counter, left in facts.waits:
            self.wait(counter, left)
        for counter, pending in self.pending.items():
            for one in pending:
                what = conflict(facts, one, counter)
                if what:
                    said = f"{text(step.inst)} {what} what {text(one.inst)} has not brought ({counter})"
                    raise Trouble("wait", said, lane=False)
        for counter in facts.counters:
            if step.inst.effects.memory is not None:
                cells = facts.writes
                self.pending.setdefault(counter, []).append(Pending(cells, step.inst, facts.unordered))

    def wait(self, counter: str, left: int) -> None:
        """A wait until no more than some are under way."""
        pending = self.pending.get(counter)
        if pending and (not left or not any(one.unordered for one in pending)):
            self.pending[counter] = pending[len(pending) - left :] if left < len(pending) else pending


def conflict(facts: Facts, one: Pending, counter: str) -> str:
    """What an instruction does to a register that another one will write: "reads", "writes", or "".

    Two in the order of one counter may write the same register.
    """
    ordered = counter in facts.counters and not facts.unordered and not one.unordered
    if not one.cells.isdisjoint(facts.reads):
        return "reads"
    return "writes" if not ordered and not one.cells.isdisjoint(facts.writes) else ""


def facts_of(inst: Inst, layout: Layout) -> Facts:
    """The registers and counters of an instruction."""
    effects = inst.effects
    memory = effects.memory is not None
    reads: set[int] = set() if memory else set(cells_of(inst.reads, layout))
    writes = set(cells_of((one for one in inst.writes if one.file not in ("v", "a")), layout))
    for operand, slot in zip(inst.operands, inst.form.slots, strict=True):
        one = operand.value if isinstance(operand, Changed) else operand
        if isinstance(one, Reg):
            reads |= cells_of((one,), layout, half(inst, slot, one)) if slot.read and memory else set()
            writes |= cells_of((one,), layout, half(inst, slot, one)) if slot.written else set()
    return Facts(
        frozenset(reads), frozenset(writes), effects.counters, effects.unordered,
        tuple(waited(inst).items()) if effects.control == "wait" else (),
    )  # fmt: skip


def half(inst: Inst, slot: Slot, register: Reg) -> str:
    """Which half of a register an operand is: "l", "h", "" for both."""
    memory, name = inst.effects.memory, inst.form.entry.name
    if register.half or memory is None or slot.role not in DATA or memory.bytes > 2:
        return register.half
    if "D16_HI" in name:
        return "h"
    return "l" if slot.read or "D16" in name else ""


def waited(inst: Inst) -> dict[str, int]:
    """How many may still be under way of each counter that a wait names."""
    value = next((one for one in reversed(inst.operands) if isinstance(one, int)), 0)
    if inst.form.entry.name != "S_WAITCNT":
        return dict.fromkeys(inst.effects.waits, value & 0xFFFF)
    return {name: take(where, value & 0xFFFF) for name, where in WAITS[family(inst.form.arch)].items()}


def cells_of(registers: Iterable[Reg], layout: Layout, which: str = "") -> frozenset[int]:
    """The halves of registers: twice the cell, and one more for the upper half; of vector registers those of
    the first lane.
    """
    halves = {"l": (0,), "h": (1,), "": (0, 1)}
    found: set[int] = set()
    for one in registers:
        if one.file in ("v", "a"):
            first = layout.cell(one)
            cells = range(first, first + one.size * layout.lanes, layout.lanes)
        elif one.file in NUMBERED or one.file in special_codes(layout.family):
            code = scalar_code(layout.family, one)
            cells = range(code, code + (one.size if one.file != NULL.file else 0))
        else:
            continue
        found |= {2 * cell + part for cell in cells for part in halves[which or one.half]}
    return frozenset(found)
