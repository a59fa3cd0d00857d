"""Running a list of launches in one native call: the emitted run-list function, and the list's memory.

    run(rdi = FRAME)

goes through the entries in order. An entry of one item is called at once; one of several items is published
to the workers, and the caller takes items too until all are finished. Without workers, or while another
thread has published a job, the caller runs all items itself. With `stamps`, the time stamp counter is stored
before the first entry and after each one.

A recording is one block of memory: two frames (plain and timed), the entries, the argument blocks. Everything
that a run needs is in it, so that a run from Python is one call with one pointer.
Read jobs.py first; the workers' side is in workers.py.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from operator import index

from baregrad.isa.form import Label
from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime.cpu.jobs import (
    CONTROL,
    ENTRY,
    FRAME,
    LOOKS,
    Code,
    enter,
    field,
    give_way,
    leave,
    read_ticks,
    take_items,
    wake,
)
from baregrad.runtime.device import Address, Launch, Recording, check_grid, no_such_argument

WORD = 8
MASK = (1 << 64) - 1

# Where Scratch has the entry's fields and its arguments, in words.
_CODE, _GRID = ((FRAME.size + ENTRY.offset(name)) // WORD for name in ("code", "grid"))
_BLOCK = (FRAME.size + ENTRY.size) // WORD


class CpuRecording(Recording):
    """Launches laid out for the emitted run-list function."""

    __slots__ = ("_blocks", "_memory", "_stamps", "_words", "frame", "parallel", "timed_frame")

    def __init__(self, launches: Sequence[Launch], control: int) -> None:
        count = len(launches)
        entries = 2 * FRAME.size
        blocks = entries + count * ENTRY.size
        self._memory = ctypes.create_string_buffer(
            blocks + WORD * sum(len(launch.args) for launch in launches)
        )
        self._stamps = ctypes.create_string_buffer(WORD * (count + 1))
        base = self.frame = ctypes.addressof(self._memory)
        self.timed_frame = base + FRAME.size
        self.parallel = any(launch.grid > 1 for launch in launches)
        self._blocks: list[tuple[int, int]] = []  # the first word of each launch's arguments, and how many
        rows: list[int] = []  # ENTRY after ENTRY: its three fields fill it, in this order
        values: list[int] = []
        first = blocks // WORD
        for kernel, args, grid in launches:
            check_grid(grid)
            at = first + len(values)
            rows += (kernel.entry, base + at * WORD, grid)
            self._blocks.append((at, len(args)))
            values += [index(value) & MASK for value in args]
        memory = memoryview(self._memory).cast("B")
        self._words = memory.cast("Q")
        struct.pack_into(f"={len(rows) + len(values)}Q", memory, entries, *rows, *values)
        for at, stamps in ((0, 0), (FRAME.size, ctypes.addressof(self._stamps))):
            FRAME.write(memory, at, entries=base + entries, end=base + blocks, control=control, stamps=stamps)

    def __len__(self) -> int:
        return len(self._blocks)

    def set_argument(self, launch: int, slot: int, value: Address | int) -> None:
        """Replace one argument of one launch."""
        if not 0 <= launch < len(self._blocks) or not 0 <= slot < self._blocks[launch][1]:
            raise no_such_argument(launch, slot)
        self._words[self._blocks[launch][0] + slot] = index(value) & MASK

    def stamps(self) -> tuple[int, ...]:
        """The time stamps of the last timed run: before the first launch, and after each one."""
        return struct.unpack(f"={len(self) + 1}Q", self._stamps)


class Scratch:
    """The memory of one launch, used again and again: a frame, an entry, a block of up to SLOTS words."""

    SLOTS = 60
    __slots__ = ("_memory", "_words", "frame")

    def __init__(self, control: int) -> None:
        size = FRAME.size + ENTRY.size + WORD * self.SLOTS
        self._memory = ctypes.create_string_buffer(size)
        base = self.frame = ctypes.addressof(self._memory)
        block = base + _BLOCK * WORD
        memory = memoryview(self._memory).cast("B")
        FRAME.write(memory, 0, entries=base + FRAME.size, end=block, control=control)
        ENTRY.write(memory, FRAME.size, block=block)
        self._words = memory.cast("Q")

    def fill(self, entry: int, args: Sequence[Address | int], grid: int) -> None:
        """Set the launch."""
        words, at = self._words, _BLOCK
        words[_CODE], words[_GRID] = entry, grid
        for value in args:
            words[at] = index(value) & MASK
            at += 1


def run_code() -> bytes:
    """The run-list function. rbx entry, r12 end, r13 control block, r14 next stamp, rbp grid, r15 counter."""
    return assemble(
        [
            *enter(),
            inst("mov", "rbx", field("rdi", FRAME, "entries")),
            inst("mov", "r12", field("rdi", FRAME, "end")),
            inst("mov", "r13", field("rdi", FRAME, "control")),
            inst("mov", "r14", field("rdi", FRAME, "stamps")),
            inst("test", "r14", "r14"),
            inst("je", Label("next")),
            *_stamp(),
            Label("next"),
            inst("cmp", "rbx", "r12"),
            inst("jae", Label("end")),
            inst("mov", "rbp", field("rbx", ENTRY, "grid")),
            inst("cmp", "rbp", 1),
            inst("jne", Label("many")),
            inst("xor", "esi", "esi"),
            *_call(),
            Label("after"),
            inst("add", "rbx", ENTRY.size),
            inst("test", "r14", "r14"),
            inst("je", Label("next")),
            *_stamp(),
            inst("jmp", Label("next")),
            *_many(),
            Label("end"),
            *leave(),
        ]
    )


def _call() -> Code:
    """Call the entry's kernel; rsi is the item."""
    return [inst("mov", "rdi", field("rbx", ENTRY, "block")), inst("call", field("rbx", ENTRY, "code"))]


def _stamp() -> Code:
    """Store the time stamp counter, and go to the next place."""
    return [*read_ticks(), inst("mov", mem("r14"), "rax"), inst("add", "r14", WORD)]


def _many() -> Code:
    """An entry of no or several items."""
    return [
        Label("many"),
        inst("jb", Label("after")),  # no items
        inst("test", "r13", "r13"),
        inst("je", Label("alone")),
        inst("mov", "eax", 1),
        inst("xchg", field("r13", CONTROL, "busy"), "rax"),
        inst("test", "rax", "rax"),
        inst("jne", Label("alone")),
        *_publish(),
        *take_items(Label("taken")),
        Label("taken"),
        *_wait_for_the_last(),
        inst("mov", field("r13", CONTROL, "busy"), 0),
        inst("jmp", Label("after")),
        Label("alone"),
        inst("xor", "r15d", "r15d"),
        Label("item"),
        inst("mov", "rsi", "r15"),
        *_call(),
        inst("inc", "r15"),
        inst("cmp", "r15", "rbp"),
        inst("jb", Label("item")),
        inst("jmp", Label("after")),
    ]


def _publish() -> Code:
    """Give the job to the workers. `tickets` comes last and with a locked write: it opens the job."""
    return [
        inst("mov", "rax", field("rbx", ENTRY, "code")),
        inst("mov", field("r13", CONTROL, "code"), "rax"),
        inst("mov", "rax", field("rbx", ENTRY, "block")),
        inst("mov", field("r13", CONTROL, "block"), "rax"),
        inst("mov", field("r13", CONTROL, "grid"), "rbp"),
        inst("mov", field("r13", CONTROL, "pending"), "rbp"),
        inst("mov", "rax", "rbp"),
        inst("xchg", field("r13", CONTROL, "tickets"), "rax"),
        inst("cmp", field("r13", CONTROL, "asleep"), 0),
        inst("je", Label("awake")),
        inst("xor", "eax", "eax"),
        inst("xchg", field("r13", CONTROL, "asleep"), "eax"),
        inst("lock_inc", field("r13", CONTROL, "sequence")),
        *wake(),
        Label("awake"),
    ]


def _wait_for_the_last() -> Code:
    """Wait until `pending` is 0: look a while, then let another thread (a worker?) have the core."""
    return [
        Label("wait"),
        inst("mov", "ecx", LOOKS),
        Label("look"),
        inst("cmp", field("r13", CONTROL, "pending"), 0),
        inst("je", Label("finished")),
        inst("pause"),
        inst("dec", "ecx"),
        inst("jne", Label("look")),
        *give_way(),
        inst("jmp", Label("wait")),
        Label("finished"),
    ]
