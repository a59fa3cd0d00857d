"""A wave: its state, what its instructions reach, and the loop that does one after the other.

The state is cells (state.py); a wave that stops has its PC there, so that another way of running may go on.
What is not here: decoding (code.py), workgroups and barriers (group.py).
"""

from __future__ import annotations

from collections.abc import Callable

from baregrad.emu.amd.code import Code, Step
from baregrad.emu.amd.faults import GpuFault, Trouble
from baregrad.emu.amd.lanes import Control, table
from baregrad.emu.amd.memory import Local, Memory
from baregrad.emu.amd.state import FAULTS, STOPS, new
from baregrad.emu.modes import Mode
from baregrad.isa.amd.text import text

Watcher = Callable[["Wave", int, Step], None]
"""Called before each instruction, with its address."""


class Wave:
    """A wave of a workgroup. `stop` is why it does not run ("" while it may)."""

    __slots__ = ("align", "cells", "code", "f", "group", "i", "kernel", "lane", "layout", "lds",
                 "memory", "number", "pc", "steps", "stop", "u", "watcher")  # fmt: skip

    def __init__(
        self, code: Code, memory: Memory, lds: Local, group: tuple[int, int, int], number: int
    ) -> None:
        self.code, self.layout, self.memory, self.lds = code, code.layout, memory, lds
        self.group, self.number, self.kernel = group, number, ""
        self.cells = new(self.layout)
        view = memoryview(self.cells)
        self.u, self.f, self.i = view.cast("I"), view.cast("f"), view.cast("i")
        self.pc, self.lane, self.stop, self.align = 0, -1, "", 0
        self.watcher: Watcher | None = None
        self.steps: dict[int, Step] = {}
        self.refresh()

    # -- what compiled meanings call ------------------------------------------------------------------

    def load(self, address: int, bits: int) -> int:
        """Bits of memory."""
        if self.align and address % self.align:
            raise self.crooked("a load", address)
        return self.memory.load(address, bits)

    def store(self, address: int, bits: int, value: int) -> None:
        """Store bits to memory."""
        if self.align and address % self.align:
            raise self.crooked("a store", address)
        self.memory.store(address, bits, value)

    def load_lds(self, address: int, bits: int) -> int:
        """Bits of LDS."""
        if self.align and address % self.align:
            raise self.crooked("a load of LDS", address)
        return self.lds.load(address, bits)

    def store_lds(self, address: int, bits: int, value: int) -> None:
        """Store bits to LDS."""
        if self.align and address % self.align:
            raise self.crooked("a store to LDS", address)
        self.lds.store(address, bits, value)

    def crooked(self, what: str, address: int) -> Trouble:
        """The error of an access that must be aligned."""
        return Trouble("alignment", f"{what} at {address:#x}, not a multiple of {self.align}", address)

    def dpp(self, control: Control, exec: int) -> tuple[int, ...]:
        """Where DPP takes each lane's operand from."""
        return table(control, exec, self.layout.lanes)

    def trap(self, name: str) -> None:
        """An instruction faults by itself."""
        raise Trouble("trap", name)

    @property
    def vccz(self) -> int:
        """Is VCC 0?"""
        return int(not (self.u[106] or (self.layout.lanes == 64 and self.u[107])))

    @property
    def execz(self) -> int:
        """Is EXEC 0?"""
        return int(not self.exec)

    @property
    def exec(self) -> int:
        """The lanes that are on."""
        return self.u[126] | (self.u[127] << 32 if self.layout.lanes == 64 else 0)

    @property
    def shared_limit(self) -> int:
        """The last address of the part of flat memory that LDS is in."""
        return self.get("SHARED_BASE") | 0xFFFFFFFF

    @property
    def private_limit(self) -> int:
        """The last address of the part of flat memory that scratch is in."""
        return self.get("PRIVATE_BASE") | 0xFFFFFFFF

    # -- parts of the state ---------------------------------------------------------------------------

    def get(self, name: str) -> int:
        """A number in the state, of one cell or more."""
        at, count = self.layout.at[name], self.layout.cells[name]
        return sum(self.u[at + n] << 32 * n for n in range(count))

    def set(self, name: str, value: int) -> None:
        """Change a number."""
        at, count = self.layout.at[name], self.layout.cells[name]
        for n in range(count):
            self.u[at + n] = value >> 32 * n & 0xFFFFFFFF

    def refresh(self) -> None:
        """The mode may be another one: instructions that depend on it are decoded for it."""
        self.steps = self.code.steps(Mode.of(self.get("MODE")))

    # -- running --------------------------------------------------------------------------------------

    def run(self, budget: int) -> int:
        """Do instructions until the wave stops or the budget is used up; gives how many were done."""
        pc, done = self.get("PC"), 0
        self.stop = ""
        try:
            while done < budget:
                step = self.steps.get(pc)
                if step is None:
                    self.pc = pc
                    step = self.code.step(pc, Mode.of(self.get("MODE")))
                self.pc = pc
                if self.watcher is not None:
                    self.watcher(self, pc, step)
                done += 1
                after = step.function(self, *step.arguments)
                pc = step.next if after is None else after
                if self.stop:
                    break
        except Trouble as trouble:
            raise self.fault(trouble) from None
        except (IndexError, OverflowError, MemoryError, RecursionError) as error:
            raise self.fault(Trouble("registers", f"{type(error).__name__}: {error}")) from error
        finally:
            self.set("PC", pc)
            self.set("COUNT", self.get("COUNT") + done)
        self.set("STOP", STOPS.index(self.stop or "running"))
        return done

    def step(self) -> str:
        """Do one instruction, at PC; gives what stopped the wave, "" if nothing did."""
        self.run(1)
        return self.stop

    def fault(self, trouble: Trouble) -> GpuFault:
        """The error for what went wrong at PC; the state says it too."""
        try:
            shown = text(self.code.decoded(self.pc)[0])
        except Trouble:
            shown = ""
        self.stop = "fault"
        lane = self.lane if trouble.lane else -1
        self.set("STOP", STOPS.index("fault"))
        self.set("FAULT", FAULTS.index(trouble.kind))
        self.set("FAULT_LANE", lane & 0xFFFFFFFF)
        self.set("FAULT_AT", trouble.address & (1 << 64) - 1)
        return GpuFault(
            trouble.kind, trouble.what, group=self.group, wave=self.number, lane=lane,
            pc=self.pc - self.code.base, instruction=shown, address=trouble.address, kernel=self.kernel,
        )  # fmt: skip
