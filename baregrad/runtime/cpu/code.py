"""Code memory: kernels side by side in arenas that are never writable.

An arena is a memory file (memfd_create) that is mapped once, readable and executable. Kernels are put into it
with pwrite: the system writes the file's pages, which the mapping shows at once, so that no mapping is ever
writable and executable, and nothing is writable at all while other threads run the kernels next to it.

Rejected: mapping pages writable, then mprotect to executable (a page for each kernel, and all of them begin
in the same cache sets; or a page that other threads are executing loses its right to execute for a moment); a
second, writable mapping of the file (a stray store through it changes code).

A fork leaves parent and child with the same pages. So at a fork every arena is sealed: nothing in it is
written or reused any more by either side, and the next kernel begins a new arena.
What is not here: buffers (memory.py), and what the code does.
"""

from __future__ import annotations

import threading
import weakref

from baregrad.base.errors import DeviceError, SystemCallError
from baregrad.base.integers import align_up
from baregrad.runtime.device import Kernel, not_loaded
from baregrad.runtime.memory import class_size
from baregrad.runtime.system import MAP_SHARED, MFD_CLOEXEC, PROT_EXEC, PROT_READ, System

ARENA = 1 << 20
TRAP = b"\xcc"  # int3: what a jump into freed or unused code meets

_MEND = (
    "this system forbids new executable memory: allow it (sysctl vm.memfd_noexec=0; SELinux boolean "
    "execmem; a systemd unit's MemoryDenyWriteExecute=no), or use another device"
)


class _Arena:
    """One memory file and its mapping. `file` is -1 once nothing may be written."""

    __slots__ = ("base", "file", "nbytes", "used")

    def __init__(self, base: int, file: int, nbytes: int) -> None:
        self.base, self.file, self.nbytes, self.used = base, file, nbytes, 0


class CodeMemory:
    """An allocator for code. Kernels begin at multiples of 64 and stay there until they are freed."""

    def __init__(self, system: System) -> None:
        self.lock = threading.RLock()
        self._system = system
        self._arenas: list[_Arena] = []
        self._live: dict[int, tuple[_Arena, int]] = {}  # entry -> arena, size class
        self._free: dict[int, list[tuple[_Arena, int]]] = {}  # size class -> places
        self._current: _Arena | None = None
        self._closed = False
        self._close = weakref.finalize(self, _release, system, self._arenas)
        self._close.atexit = False  # the end of the process does it; daemon threads may still run the code

    def load(self, code: bytes, name: str) -> Kernel:
        """Copy code into executable memory.

        Cost: about 3 µs. Errors: DeviceError for no code; SystemCallError when the system refuses executable
        memory.
        """
        if not code:
            raise DeviceError(
                f"kernel {name!r} has no code", why="a kernel is at least one instruction", mend="compile it"
            )
        size = class_size(len(code))
        with self.lock:
            arena, entry = self._place(size)
            self._put(arena, entry, bytes(code) + TRAP * (size - len(code)))
            self._live[entry] = (arena, size)
        return Kernel(name, entry, len(code))

    def free(self, kernel: Kernel) -> None:
        """Make room for other kernels. Errors: DeviceError when the kernel is not loaded."""
        with self.lock:
            arena, size = self._live.pop(kernel.entry, (None, 0))
            if arena is None:
                if self._closed:  # closing has freed everything
                    return
                raise not_loaded("cpu", kernel)
            if arena.file >= 0:
                self._put(arena, kernel.entry, TRAP * size)
                self._free.setdefault(size, []).append((arena, kernel.entry))

    def check_loaded(self, kernel: Kernel) -> None:
        """Refuse a kernel that is not loaded."""
        if kernel.entry not in self._live:
            raise not_loaded("cpu", kernel)

    def seal(self) -> None:
        """Write to no arena of now any more: another process may run what is in them."""
        self._free.clear()
        self._current = None
        for arena in self._arenas:
            if arena.file >= 0:
                self._system.check("close", arena.file, wanted="to close a code arena's file")
                arena.file = -1

    def usage(self) -> tuple[int, int]:
        """Bytes of code in use, and bytes of arenas."""
        return sum(size for _, size in self._live.values()), sum(arena.nbytes for arena in self._arenas)

    def keep_mapped(self) -> None:
        """Never unmap anything: a thread that cannot be stopped may still run it."""
        self._close.detach()

    def close(self) -> None:
        """Unmap everything: no kernel may run or be loaded afterwards."""
        with self.lock:
            self._closed = True
            self._live.clear()
            self._free.clear()
            self._current = None
            self._close()

    def _place(self, size: int) -> tuple[_Arena, int]:
        """A free place of the size class."""
        places = self._free.get(size)
        if places:
            return places.pop()
        arena = self._current
        if arena is None or arena.used + size > arena.nbytes:
            arena = self._map(max(ARENA, align_up(size, ARENA)))
            self._arenas.append(arena)
            self._current = arena
        entry = arena.base + arena.used
        arena.used += size
        return arena, entry

    def _map(self, nbytes: int) -> _Arena:
        """A new arena, full of zeros."""
        if self._closed:
            raise DeviceError("the cpu device is closed", why="its code is unmapped", mend="open it again")
        check = self._system.check
        file = check(
            "memfd_create", b"baregrad-code", MFD_CLOEXEC, wanted="a memory file for code", mend=_MEND
        )
        try:
            check("ftruncate", file, nbytes, wanted=f"{nbytes} bytes of code memory")
            where = (0, nbytes, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0)
            base = check("mmap", *where, wanted="executable memory", mend=_MEND)
        except SystemCallError:
            self._system.call("close", file)
            raise
        return _Arena(base, file, nbytes)

    def _put(self, arena: _Arena, entry: int, data: bytes) -> None:
        """Write bytes into the arena's file."""
        written = self._system.check(
            "pwrite", arena.file, data, len(data), entry - arena.base, wanted="to write code"
        )
        if written != len(data):
            raise DeviceError(
                f"only {written} of {len(data)} bytes of code were written",
                why="the memory file is full: the system has no memory left for it",
                mend="free memory, or raise the limit of the control group",
            )


def _release(system: System, arenas: list[_Arena]) -> None:
    """Give all arenas back to the system."""
    while arenas:
        arena = arenas.pop()
        if arena.file >= 0:
            system.check("close", arena.file, wanted="to close a code arena's file")
        system.check("munmap", arena.base, arena.nbytes, wanted="to unmap code")
