"""The CPU as a device: host memory, code memory, workers and the run-list function put together.

Launches are synchronous: `run` returns when the list is done. Kernels are f(rdi = argument block, rsi =
grid item), System V; they begin with a 16-byte aligned stack and the default MXCSR, and leave the upper
vector halves clean. What is not here: each of the parts (memory.py, code.py, cpuid.py, workers.py,
runner.py).
"""

from __future__ import annotations

import ctypes
import os
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from types import MappingProxyType

from baregrad.base import config
from baregrad.base.errors import DeviceError
from baregrad.isa import x86
from baregrad.runtime.cpu import cpuid
from baregrad.runtime.cpu.code import CodeMemory
from baregrad.runtime.cpu.runner import CpuRecording, Scratch, run_code
from baregrad.runtime.cpu.workers import Workers
from baregrad.runtime.device import (
    Address,
    Kernel,
    Launch,
    Recording,
    TargetFacts,
    check_grid,
)
from baregrad.runtime.host import HostDevice
from baregrad.runtime.memory import HostMemory
from baregrad.runtime.system import System

CALIBRATION = 5_000_000  # ns between two readings of both clocks: 1 µs of error in a reading is 0.02 %


class CpuDevice(HostDevice):
    """This computer's processor.

    `threads` is how many run a parallel launch, the caller's included; `features` is what code may use. What
    is not given comes from config.threads and config.features, else from the processor and the system.

    Errors: DeviceError on another architecture or system, and for fewer than one thread.
    """

    name = "cpu"

    def __init__(
        self,
        *,
        threads: int | None = None,
        features: Iterable[str] | None = None,
        system: System | None = None,
    ) -> None:
        _check_machine()
        if threads is not None and threads < 1:
            raise DeviceError(
                f"cannot run on {threads} threads",
                why="the calling thread is one of them",
                mend="give threads=1 or more, or leave it out",
            )
        switches = config()
        self.threads = threads or switches.threads or cpuid.cores()
        system = system or System()
        self._code = CodeMemory(system)
        self._memory = HostMemory(system)
        self._processor = cpuid.Processor(self._code)
        self._features = _chosen(features, switches.features)
        self._facts: TargetFacts | None = None
        self._workers = Workers(self._code, self._memory, self.threads - 1)
        self._control = self._workers.control if self.threads > 1 else 0
        entry = self._code.load(run_code(), "run").entry
        self._run: Callable[[int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(entry)
        self._scratch: list[Scratch] = []
        self._ticks_per_second = 0.0
        self._clock = self._read_clocks()
        _follow_forks(self)

    # Facts

    def target_facts(self) -> TargetFacts:
        """What the processor is and has, asked once."""
        if self._facts is None:
            said = self._processor.cpuid
            self._facts = TargetFacts(
                "x86-64",
                x86.features(said) if self._features is None else self._features,
                cpuid.cores(),
                MappingProxyType(x86.caches(said)),
                x86.vendor(said),
                x86.brand(said),
            )
        return self._facts

    def ticks_per_second(self) -> float:
        """The rate of the time stamp counter, from two readings of it and a clock. Cost: 5 ms, once."""
        if not self._ticks_per_second:
            ticks, began = self._clock
            rest = began + CALIBRATION - time.perf_counter_ns()
            if rest > 0:
                time.sleep(rest / 1e9)
            later, now = self._read_clocks()
            self._ticks_per_second = (later - ticks) / (now - began) * 1e9
        return self._ticks_per_second

    def _read_clocks(self) -> tuple[int, int]:
        """The time stamp counter and the clock in ns, read nearly at once (the best of five)."""
        best = (1 << 62, 0, 0)
        for _ in range(5):
            before = time.perf_counter_ns()
            ticks = self._processor.ticks()
            after = time.perf_counter_ns()
            best = min(best, (after - before, ticks, (before + after) // 2))
        return best[1], best[2]

    # Code

    def load(self, code: bytes, name: str = "kernel") -> Kernel:
        """Copy machine code into executable memory."""
        return self._code.load(code, name)

    def unload(self, kernel: Kernel) -> None:
        """Free a kernel's memory; recordings with it must not be run any more."""
        self._code.free(kernel)

    def record(self, launches: Sequence[Launch]) -> CpuRecording:
        """Lay the launches out for the run-list function."""
        for kernel, args, _ in launches:
            self._code.check_loaded(kernel)
            for value in args:
                if isinstance(value, Address):
                    self._memory.check_live(value)
        return CpuRecording(launches, self._control)

    def run(self, recording: Recording) -> None:
        """Run the list; the call returns when it is done. Cost: under 1 µs beside the kernels."""
        if not isinstance(recording, CpuRecording):
            raise _foreign(recording)
        if recording.parallel and not self._workers.started:
            self._workers.start()
        self._run(recording.frame)

    def run_timed(self, recording: Recording) -> tuple[float, ...]:
        """Run the list; the seconds that each launch took."""
        if not isinstance(recording, CpuRecording):
            raise _foreign(recording)
        if recording.parallel:
            self._workers.start()
        self._run(recording.timed_frame)
        stamps, rate = recording.stamps(), self.ticks_per_second()
        return tuple((after - before) / rate for before, after in pairwise(stamps))

    def launch(self, kernel: Kernel, args: Sequence[Address | int], grid: int = 1) -> None:
        """Run one kernel on `grid` items. Cost: about 1 µs beside the kernel."""
        self._code.check_loaded(kernel)
        for value in args:
            if isinstance(value, Address):
                self._memory.check_live(value)
        if len(args) > Scratch.SLOTS:
            self.run(self.record((Launch(kernel, args, grid),)))
            return
        if grid != 1:
            check_grid(grid)
            if not self._workers.started:
                self._workers.start()
        try:
            scratch = self._scratch.pop()
        except IndexError:  # one for each thread that is launching: _run releases the interpreter's lock
            scratch = Scratch(self._control)
        scratch.fill(kernel.entry, args, grid)
        self._run(scratch.frame)
        self._scratch.append(scratch)

    # The end, and forks

    def close(self) -> None:
        """Stop the workers and unmap everything."""
        self._run = _closed
        self._workers.close()
        self._code.close()
        self._memory.close()

    def before_fork(self) -> None:
        """Let no other thread be in the middle of a change."""
        for part in (self._workers, self._code, self._memory):
            part.lock.acquire()

    def after_fork(self, *, child: bool) -> None:
        """Share code pages with the other process safely; a child starts its workers anew."""
        self._code.seal()
        if child:
            self._workers.forget()
            self._scratch.clear()
        for part in (self._memory, self._code, self._workers):
            part.lock.release()


def _check_machine() -> None:
    """Refuse machines that our code cannot run on."""
    here = (os.uname().sysname, os.uname().machine)
    if here != ("Linux", "x86_64"):
        raise DeviceError(
            f"the cpu device cannot run on {here[0]} {here[1]}",
            why="it makes x86-64 machine code and Linux system calls",
            mend="use another device",
        )


def _chosen(given: Iterable[str] | None, switch: str) -> frozenset[str] | None:
    """The features that a user chose, or None to ask the processor."""
    if given is None:
        given = [name.strip() for name in switch.split(",") if name.strip()] or None
    if given is None:
        return None
    chosen, known = frozenset(given), frozenset(x86.FEATURES)
    if chosen <= known:
        return chosen
    raise DeviceError(
        f"unknown CPU features: {', '.join(sorted(chosen - known))}",
        why="features are named as in the instruction tables",
        mend=f"use some of {', '.join(sorted(known))}",
    )


def _foreign(recording: Recording) -> DeviceError:
    """The error for a list that another device recorded."""
    return DeviceError(
        f"the cpu device cannot run a {type(recording).__name__}",
        why="a recording runs only on the device that made it",
        mend="record the launches on this device",
    )


def _closed(frame: int) -> None:
    """What a closed device runs."""
    raise DeviceError("the cpu device is closed", why="its code is unmapped", mend="open it again")


def _follow_forks(device: CpuDevice) -> None:
    """Have the device told of forks while it lives (a hook cannot be taken back: it holds no device)."""
    weak = weakref.ref(device)
    forking: list[CpuDevice] = []

    def before() -> None:
        if (found := weak()) is not None:
            found.before_fork()
            forking.append(found)

    def after(child: bool) -> None:
        if forking:
            forking.pop().after_fork(child=child)

    os.register_at_fork(
        before=before, after_in_parent=lambda: after(False), after_in_child=lambda: after(True)
    )
