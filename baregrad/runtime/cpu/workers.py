"""Worker threads: Python threads that sit in one native call, our emitted loop, without the GIL.

    work(rdi = CONTROL)     take items of published jobs; spin a while, then sleep; return when told to stop
    stop(rdi = CONTROL)     tell every worker to return

Threads start with the first parallel launch, so that a program which needs none has none. They are
daemons, and the pool stops them when it is closed, collected, or the interpreter ends; a launch after
that runs on the calling thread alone. A fork leaves the child without threads: `forget` puts the control
block back, and they start anew on demand. Read jobs.py first; who publishes jobs is runner.py.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable

from baregrad.isa.form import Label
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime.cpu.code import CodeMemory
from baregrad.runtime.cpu.jobs import (
    CONTROL,
    FUTEX_PRIVATE,
    FUTEX_WAIT,
    LOOKS,
    SYS_FUTEX,
    Code,
    enter,
    field,
    give_way,
    leave,
    read_ticks,
    take_items,
    wake,
)
from baregrad.runtime.memory import HostMemory
from baregrad.runtime.system import view_memory

# About 0.5 ms: longer than Python needs between two launches. To wake a worker costs the caller 60 µs (on a
# virtual machine, whose idle core must be woken, too).
SPIN_TICKS = 1_300_000
PATIENCE = 2.0  # seconds to wait for a worker that is told to stop


class _Threads:
    """What the finalizer of a pool needs, apart from the pool."""

    __slots__ = ("closed", "memory", "running", "stop")

    def __init__(self, stop: Callable[[], object], memory: tuple[CodeMemory, HostMemory]) -> None:
        self.stop, self.memory = stop, memory
        self.running: list[threading.Thread] = []
        self.closed = False


class Workers:
    """`count` threads beside the caller's, parked until a list publishes a job."""

    def __init__(self, code: CodeMemory, memory: HostMemory, count: int, spin: int = SPIN_TICKS) -> None:
        self.lock = threading.RLock()
        self.count = count
        self.started = False
        self._spin = spin
        self._at = memory.allocate(CONTROL.size)
        self.control = self._at.value
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        self._work = function(code.load(work_code(), "work").entry)
        stop = function(code.load(stop_code(), "stop").entry)
        control = self.control
        self._threads = _Threads(lambda: stop(control), (code, memory))
        self._close = weakref.finalize(self, _stop, self._threads)
        self._reset()

    def start(self) -> None:
        """Start the threads, unless they run or the pool is closed. Cost: about 100 µs a thread, once."""
        with self.lock:
            if self.started:
                return
            self.started = True
            if self._threads.closed:
                return
            for number in range(self.count):
                name = f"baregrad-worker-{number + 1}"
                thread = threading.Thread(target=self._work, args=(self.control,), name=name, daemon=True)
                thread.start()
                self._threads.running.append(thread)

    def forget(self) -> None:
        """After a fork, in the child: the threads are gone; start anew on demand."""
        self._threads.running.clear()
        self.started = False
        self._reset()

    def close(self) -> None:
        """Stop the threads and wait for them."""
        self._close()

    def _reset(self) -> None:
        """The control block of a pool without work."""
        memory = view_memory(self.control, CONTROL.size)
        memory[:] = bytes(CONTROL.size)
        CONTROL.write(memory, spin=self._spin)


def _stop(threads: _Threads) -> None:
    """Tell the threads to return, and wait for them; code that one of them is stuck in stays mapped."""
    threads.closed = True
    if not threads.running:
        return
    threads.stop()
    for thread in threads.running:
        thread.join(PATIENCE)
    if any(thread.is_alive() for thread in threads.running):
        for memory in threads.memory:
            memory.keep_mapped()
    threads.running.clear()


def work_code() -> bytes:
    """The workers' loop. r13: control block, r15: when to sleep, ebp: looks left, then the sequence seen."""
    return assemble(
        [
            *enter(),
            inst("mov", "r13", "rdi"),
            Label("idle"),
            *read_ticks(),
            inst("add", "rax", field("r13", CONTROL, "spin")),
            inst("mov", "r15", "rax"),
            Label("spin"),
            inst("mov", "ebp", LOOKS),
            Label("look"),
            *_look(),
            inst("pause"),
            inst("dec", "ebp"),
            inst("jne", Label("look")),
            *give_way(),
            *read_ticks(),
            inst("cmp", "rax", "r15"),
            inst("jb", Label("spin")),
            *_sleep(),
            inst("jmp", Label("idle")),
            Label("work"),
            *take_items(Label("idle")),
            Label("leave"),
            *leave(),
        ]
    )


def _look() -> Code:
    """Go to work when there are items, leave when told so."""
    return [
        inst("cmp", field("r13", CONTROL, "tickets"), 0),
        inst("jg", Label("work")),
        inst("cmp", field("r13", CONTROL, "stop"), 0),
        inst("jne", Label("leave")),
    ]


def _sleep() -> Code:
    """Wait until `sequence` changes, unless there is something to do by now."""
    return [
        inst("mov", "ebp", field("r13", CONTROL, "sequence")),
        inst("mov", "eax", 1),
        inst("xchg", field("r13", CONTROL, "asleep"), "eax"),
        *_look(),
        inst("lea", "rdi", mem("r13", disp=CONTROL.offset("sequence"))),
        inst("mov", "esi", FUTEX_WAIT | FUTEX_PRIVATE),
        inst("mov", "edx", "ebp"),
        inst("xor", "r10d", "r10d"),  # no time limit
        inst("mov", "eax", SYS_FUTEX),
        inst("syscall"),
    ]


def stop_code() -> bytes:
    """Set `stop`, change `sequence`, wake everybody."""
    return assemble(
        [
            inst("push", "r13"),
            inst("mov", "r13", "rdi"),
            inst("mov", field("r13", CONTROL, "stop"), 1),
            inst("lock_inc", field("r13", CONTROL, "sequence")),
            *wake(),
            inst("pop", "r13"),
            inst("ret"),
        ]
    )
