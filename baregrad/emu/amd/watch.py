"""Watching a kernel: single steps with what each changed, breakpoints, registers that are waited for.

`steps` runs a launch an instruction at a time and yields an Event for each; a caller may look at the wave
between two, change it, or stop. What is not here: running at speed (group.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from baregrad.base.errors import ConfigError
from baregrad.emu.amd.faults import Trouble
from baregrad.emu.amd.group import Witness
from baregrad.emu.amd.launch import Launch
from baregrad.emu.amd.wave import Wave
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.operands import Reg
from baregrad.isa.amd.text import text

NAME = re.compile(r"([sva]|ttmp)\[?(\d+)(?::(\d+))?\]?|([a-z_]+)")

UNSHOWN = frozenset(("null", "off", "pc", "mode", "scc", "src_scc", "ttmp"))


class Change(NamedTuple):
    """A register that an instruction changed: in a lane, -1 for a scalar one."""

    register: Reg
    lane: int
    old: int
    new: int

    def __str__(self) -> str:
        where = f" lane {self.lane}" if self.lane >= 0 else ""
        return f"{self.register!r}{where}: {self.old:#x} -> {self.new:#x}"


class Event(NamedTuple):
    """An instruction that was done: `pc` is its offset in the code."""

    wave: Wave
    pc: int
    inst: Inst
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        head = f"{self.wave.group} wave {self.wave.number} {self.pc:6x}  {text(self.inst)}"
        return head + "".join(f"\n{'':12}{change}" for change in self.changes)


def register(name: str) -> Reg:
    """A register of its name: v5, v[4:5], s3, vcc_lo, exec … Errors: ConfigError.

    >>> register("v[4:5]"), register("s3"), register("exec")
    (v[4:5], s[3], exec)
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ConfigError(f"no register {name!r}", why="it is none's name", mend="write v5, s[0:1], exec …")
    if match[4]:
        return Reg(match[4], 0, 2 if match[4] in ("vcc", "exec", "flat_scratch", "xnack_mask") else 1)
    first = int(match[2])
    return Reg(match[1], first, int(match[3] or first) - first + 1)


def values(wave: Wave, one: Reg) -> list[int]:
    """The cells of a register: of each lane for vector registers, one register after the other."""
    size = one.size * wave.layout.step(one)
    cell = wave.layout.cell(one)
    return wave.u[cell : cell + size].tolist()


def changed(wave: Wave, one: Reg, before: list[int]) -> Iterator[Change]:
    """What is not as it was."""
    lanes = wave.layout.step(one)
    for at, (old, new) in enumerate(zip(before, values(wave, one), strict=True)):
        if old != new:
            part = Reg(one.file, one.first + at // lanes) if one.file in "vas" else one
            yield Change(part, at % lanes if lanes > 1 else -1, old, new)


def steps(launch: Launch, *, watched: Iterable[Reg] = (), budget: int = 1 << 32) -> Iterator[Event]:
    """Run all workgroups, an instruction at a time. `watched` registers are looked at after each instruction,
    besides those that it writes. Errors: GpuFault.
    """
    looked, witness = tuple(watched), Witness()
    for place in launch.places():
        group = launch.group(place)
        for wave in witness.turns(group):
            pc = wave.get("PC")
            try:
                inst = wave.code.decoded(pc)[0]
            except Trouble:
                wave.step()  # says where it is
                raise
            places = {one: values(wave, one) for one in (*written(wave, inst), *looked)}
            wave.step()
            changes = tuple(change for one, before in places.items() for change in changed(wave, one, before))
            yield Event(wave, pc - wave.code.base, inst, changes)
            budget -= 1
            if budget == 0:
                return
        launch.release(group)


def written(wave: Wave, inst: Inst) -> tuple[Reg, ...]:
    """The registers of the state that an instruction writes."""
    found = []
    for one in inst.writes:
        if isinstance(one, Reg) and one.file not in UNSHOWN:
            found.append(Reg(one.file, one.first, one.size))
    return tuple(found)


def stops(event: Event, breaks: Iterable[int | str], watched: Iterable[Reg]) -> bool:
    """Is it at an offset or an instruction of a name, or did a watched register change?"""
    wanted = set(breaks)
    files = {(one.file, one.first + n) for one in watched for n in range(one.size)}
    hit = any((change.register.file, change.register.first) in files for change in event.changes)
    return (
        hit or event.pc in wanted or event.inst.form.entry.name.lower() in wanted or event.inst.name in wanted
    )
