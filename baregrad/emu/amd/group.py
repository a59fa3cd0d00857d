"""A workgroup: its waves, taking turns; barriers; the budget of a launch.

A Runner does all instructions of a workgroup. `Witness` here does them by compiled meanings; a fast one works
on the same states and leaves to `Wave.step` what it cannot do. What is not here: grids, and how a workgroup
begins (launch.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from baregrad.emu.amd.faults import GpuFault
from baregrad.emu.amd.memory import Local
from baregrad.emu.amd.waits import Waits
from baregrad.emu.amd.wave import Wave

TURN = 1 << 16  # instructions of one wave before the next one has its turn


class Group:
    """A workgroup of a grid: `place` in it, its waves and its LDS."""

    __slots__ = ("lds", "place", "waves")

    def __init__(self, place: tuple[int, int, int], waves: list[Wave], lds: Local) -> None:
        self.place, self.waves, self.lds = place, waves, lds


class Runner(Protocol):
    """What runs a workgroup to its end."""

    def run(self, group: Group, budget: int) -> int:
        """Do at most `budget` instructions; gives how many were done. Errors: GpuFault."""


class Witness:
    """Runs workgroups by compiled meanings, one wave after the other. `strict`: waves that have ended are
    missed at a barrier; `waits`: what loads bring is used only behind a wait for it (waits.py).
    """

    __slots__ = ("strict", "waits")

    def __init__(self, *, strict: bool = False, waits: bool = False) -> None:
        self.strict, self.waits = strict, waits

    def run(self, group: Group, budget: int, before: int = 0) -> int:
        """Do all instructions of a workgroup; `before` were done by others."""
        done = 0
        if self.waits:
            for wave in group.waves:
                wave.watcher = Waits()
        for wave in self.turns(group):
            done += wave.run(min(TURN, budget - done))
            if done >= budget and not wave.stop:
                raise out_of_budget(wave, before + budget)
        return done

    def turns(self, group: Group) -> Iterator[Wave]:
        """The waves in the order in which they have their turns, until all have ended."""
        running = list(group.waves)
        while running:
            for wave in running:
                while not wave.stop:
                    yield wave
                    if not wave.stop and any(not one.stop for one in running if one is not wave):
                        break
            if all(wave.stop for wave in running):
                running = met(group.waves, strict=self.strict)


def met(waves: list[Wave], *, strict: bool = False) -> list[Wave]:
    """The waves that go on behind a barrier when none can run; none if all have ended.

    Waves that have ended are not waited for, unless `strict`. Source: RDNA3 ISA 5.5, S_BARRIER.
    """
    waiting = [wave for wave in waves if wave.stop == "barrier"]
    ended = [wave for wave in waves if wave.stop == "end"]
    places = {wave.pc for wave in waiting}
    if len(places) > 1 or (strict and waiting and ended):
        wave = next((one for one in waiting if one.pc != waiting[0].pc), waiting[0])
        others = f"{len(ended)} waves have ended" if len(places) == 1 else "others wait at another one"
        raise GpuFault(
            "barrier", f"wave {wave.number} waits at a barrier, and {others}", group=wave.group,
            wave=wave.number, pc=wave.pc - wave.code.base, kernel=wave.kernel,
            instruction=wave.shown(wave.pc),
        )  # fmt: skip
    for wave in waiting:
        wave.stop = ""
    return waiting


def out_of_budget(wave: Wave, budget: int) -> GpuFault:
    """The error for too many instructions."""
    pc = wave.get("PC")
    return GpuFault(
        "budget", f"{budget} instructions of the workgroup were done", group=wave.group, wave=wave.number,
        pc=pc - wave.code.base, kernel=wave.kernel, instruction=wave.shown(pc),
    )  # fmt: skip
