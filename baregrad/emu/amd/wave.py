"""A wave: its state, what its instructions reach, and the loop that does one after the other.

The state is cells (state.py); a wave that stops has its PC there, so that another way of running may go on.
What is not here: decoding (code.py), workgroups and barriers (group.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from baregrad.emu.amd.code import Code, Step
from baregrad.emu.amd.faults import UNFORESEEN, GpuFault, Trouble, unforeseen
from baregrad.emu.amd.lanes import Control, table
from baregrad.emu.amd.memory import Local, Memory
from baregrad.emu.amd.setting import Setting
from baregrad.emu.amd.state import FAULTS, M0, STOPS, VCC, new
from baregrad.emu.places import EXEC
from baregrad.isa.amd.text import text

Value = TypeVar("Value")
PYTHONS = tuple(UNFORESEEN)
Watcher = Callable[["Wave", int, Step], None]
"""Called before each instruction, with its address."""


class Wave:
    """A wave of a workgroup. `stop` is why it does not run ("" while it may)."""

    __slots__ = ("cells", "code", "f", "group", "i", "kernel", "lane", "layout", "lds", "load", "load_lds",
                 "memory", "number", "pc", "steps", "stop", "store", "store_lds", "u", "watcher")  # fmt: skip

    def __init__(
        self, code: Code, memory: Memory, lds: Local, group: tuple[int, int, int], number: int
    ) -> None:
        self.code, self.layout, self.memory, self.lds = code, code.layout, memory, lds
        self.group, self.number, self.kernel = group, number, ""
        self.cells = new(self.layout)
        view = memoryview(self.cells)
        self.u, self.f, self.i = view.cast("I"), view.cast("f"), view.cast("i")
        self.pc, self.lane, self.stop = 0, -1, ""
        self.load: Callable[[int, int], int]
        self.store: Callable[[int, int, int], None]
        self.load_lds: Callable[[int, int], int]
        self.store_lds: Callable[[int, int, int], None]
        self.reach()
        self.watcher: Watcher | None = None
        self.steps: dict[int, Step] = {}
        self.refresh()

    # -- what compiled meanings call ------------------------------------------------------------------

    def reach(self, align: int = 0) -> None:
        """Set how memory is reached: only at multiples of `align`, if that is given."""
        self.load, self.store = self.memory.load, self.memory.store
        self.load_lds, self.store_lds = self.lds.load, self.lds.store
        if align:
            self.load, self.load_lds = self.aligned(self.load, align), self.aligned(self.load_lds, align)
            self.store, self.store_lds = self.aligned(self.store, align), self.aligned(self.store_lds, align)

    def aligned(self, access: Callable[..., Value], align: int) -> Callable[..., Value]:
        """An access that must be aligned."""

        def checked(address: int, *rest: int) -> Value:
            if address % align:
                what = "a store" if len(rest) > 1 else "a load"
                raise Trouble("alignment", f"{what} at {address:#x}, not a multiple of {align}", address)
            return access(address, *rest)

        return checked

    def dpp(self, control: Control, exec: int) -> tuple[int, ...]:
        """Where DPP takes each lane's operand from."""
        return table(control, exec, self.layout.lanes)

    def trap(self, name: str) -> None:
        """An instruction faults by itself."""
        if name == "scratch":
            raise Trouble("scratch", f"an access beyond the {self.get('SCRATCH_SIZE')} bytes of a lane")
        raise Trouble("trap", name)

    @property
    def vccz(self) -> int:
        """Is VCC 0?"""
        return int(not (self.u[VCC] or (self.layout.lanes == 64 and self.u[VCC + 1])))

    @property
    def execz(self) -> int:
        """Is EXEC 0?"""
        return int(not self.exec)

    @property
    def exec(self) -> int:
        """The lanes that are on."""
        return self.u[EXEC] | (self.u[EXEC + 1] << 32 if self.layout.lanes == 64 else 0)

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

    @property
    def setting(self) -> Setting:
        """What MODE and M0 say of how instructions are decoded."""
        return Setting.of(self.layout.family, self.get("MODE"), self.u[self.layout.cell(M0)])

    def refresh(self) -> None:
        """The setting may be another one: instructions that depend on it are decoded for it."""
        self.steps = self.code.steps(self.setting)

    # -- running --------------------------------------------------------------------------------------

    def run(self, budget: int) -> int:
        """Do instructions until the wave stops or the budget is used up; gives how many were done."""
        pc, done = self.get("PC"), 0
        self.stop = ""
        try:
            while done < budget:
                step = self.steps.get(pc)
                if step is None:
                    step = self.met(pc)
                self.pc = pc
                if self.watcher is not None:
                    self.watcher(self, pc, step)
                done += 1
                try:  # around the instruction alone: what a watcher raises is its own
                    after = step.function(self, *step.arguments)
                except PYTHONS as error:
                    raise self.fault(unforeseen(error)) from error
                pc = step.next if after is None else after
                if self.stop:
                    break
        except Trouble as trouble:
            raise self.fault(trouble) from None
        finally:
            self.set("PC", pc)
            self.set("COUNT", self.get("COUNT") + done)
        self.set("STOP", STOPS.index(self.stop or "running"))
        return done

    def met(self, pc: int) -> Step:
        """The instruction at an address; what is no address of one is the fault of the one before."""
        before, self.pc = self.pc, pc
        try:
            return self.code.step(pc, self.setting)
        except Trouble as trouble:
            if trouble.kind == "fetch" and 0 <= before - self.code.base < len(self.code.data):
                self.pc = before
            raise
        except PYTHONS as error:
            raise self.fault(unforeseen(error, lane=False)) from error

    def shown(self, pc: int) -> str:
        """The text of an instruction, "" if none is there."""
        try:
            return text(self.code.decoded(pc)[0])
        except Trouble:
            return ""

    def step(self) -> str:
        """Do one instruction, at PC; gives what stopped the wave, "" if nothing did."""
        self.run(1)
        return self.stop

    def fault(self, trouble: Trouble) -> GpuFault:
        """The error for what went wrong at PC; the state says it too."""
        self.stop = "fault"
        lane = self.lane if trouble.lane and self.code.by_lane(self.pc) else -1
        self.set("STOP", STOPS.index("fault"))
        self.set("FAULT", FAULTS.index(trouble.kind))
        self.set("FAULT_LANE", lane & 0xFFFFFFFF)
        self.set("FAULT_AT", trouble.address & (1 << 64) - 1)
        return GpuFault(
            trouble.kind, trouble.what, group=self.group, wave=self.number, lane=lane,
            pc=self.pc - self.code.base, instruction=self.shown(self.pc), address=trouble.address,
            kernel=self.kernel,
        )  # fmt: skip
