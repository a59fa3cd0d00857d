"""Host memory for buffers: pools for small blocks, mappings for large ones, guard pages on request.

Sizes are rounded up to classes (multiples of 64 up to 1 KiB, then eight steps a doubling: at most 12.5 % are
lost), and a freed block is kept for the next request of its class, so that the same step allocates nothing
anew: a page that is touched for the first time costs about 0.25 µs a KiB, far more than using it. Small
blocks are carved from arenas. Large ones are mappings of their own, with huge pages above 4 MiB, kept up to
`keep` bytes. Every block begins at a multiple of 64: a cache line, and the widest vector.
What is not here: code memory (cpu/code.py), and reading and writing (host.py).
"""

from __future__ import annotations

import threading
import weakref
from errno import ENOMEM

from baregrad.base.errors import DeviceError, OutOfMemory, SystemCallError
from baregrad.base.integers import align_up
from baregrad.runtime.device import Address, Usage, check_size, not_in_use
from baregrad.runtime.system import (
    MADV_HUGEPAGE,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    System,
)

PAGE = 4096
HUGE = 2 << 20
SMALL = 256 << 10  # larger blocks are mappings of their own
ARENA = 4 << 20
LARGEST = 1 << 46  # half of the address space; a larger size would wrap around in libc's arguments


def class_size(nbytes: int) -> int:
    """The size class that a request for `nbytes` bytes is served from.

    >>> [class_size(n) for n in (0, 1, 64, 65, 1024, 1025, 5000)]
    [64, 64, 64, 128, 1024, 1152, 5120]
    """
    if nbytes <= 1024:
        return (nbytes + 63 & -64) or 64
    step = 1 << (nbytes - 1).bit_length() - 4
    return nbytes + step - 1 & -step


class HostMemory:
    """An allocator for buffers.

    Threads: allocate and free may be called from any thread, and from a finalizer in the midst of another
    call: the fast path is one atomic operation on a list or dictionary at a time, the slow one takes a
    re-entrant lock.
    """

    def __init__(self, system: System, keep: int = 1 << 30) -> None:
        self.lock = threading.RLock()
        self._system = system
        self._keep = keep
        self._free: dict[int, list[int]] = {}  # size class -> blocks
        self._live: dict[int, int] = {}  # block -> size class; minus the mapping's size for a guarded block
        self._borrowed: dict[int, int] = {}  # memory of somebody else -> how often it was borrowed
        self._kept: dict[int, int] = {}  # large free blocks, oldest first -> size class
        self._kept_bytes = 0
        self._arena = self._arena_end = 0
        self._in_use = self._peak = 0
        self._closed = False
        self._guards: dict[int, int] = {}  # guarded block -> its mapping
        self._mappings: dict[int, int] = {}  # base -> bytes: what is taken from the system
        self._close = weakref.finalize(self, _unmap_all, system, self._mappings)
        self._close.atexit = False  # the end of the process does it; daemon threads may still use the memory

    def allocate(self, nbytes: int) -> Address:
        """A block of at least `nbytes` bytes at a multiple of 64, with undefined contents.

        Cost: under 1 µs when a block of the class is free.
        Errors: OutOfMemory when the system has no room, DeviceError for a negative size.
        """
        if nbytes <= 1024:
            check_size(nbytes)
            size = (nbytes + 63 & -64) or 64
        else:
            step = 1 << (nbytes - 1).bit_length() - 4
            size = nbytes + step - 1 & -step
        try:
            block = self._free[size].pop()
        except (KeyError, IndexError):
            block = self._refill(size, nbytes)
        if size > SMALL:
            kept = self._kept.pop(block, 0)  # apart: no other thread comes between a read and its write
            self._kept_bytes -= kept
        self._live[block] = size
        self._in_use += size
        if self._in_use > self._peak:
            self._peak = self._in_use
        return Address(block, nbytes)

    def allocate_guarded(self, nbytes: int) -> Address:
        """A block that ends at an unreadable page: to read or write behind it ends the process.

        For tests of generated code. The block begins at a multiple of 64 only if `nbytes` is one. The page
        before the block's first page is unreadable, too.
        """
        check_size(nbytes)
        inner = align_up(nbytes, PAGE)
        whole = inner + 2 * PAGE
        with self.lock:
            base = self._map(whole, nbytes)
            try:
                for page in (base, base + PAGE + inner):
                    self._system.check("mprotect", page, PAGE, PROT_NONE, wanted="an unreadable page")
            except SystemCallError:
                self._unmap(base)
                raise
        at = Address(base + PAGE + inner - nbytes, nbytes)
        self._live[at.value] = -whole
        self._guards[at.value] = base
        self._in_use += whole
        self._peak = max(self._peak, self._in_use)
        return at

    def free(self, at: Address) -> None:
        """Give a block back. Errors: DeviceError when it is not in use. Cost: about 0.5 µs."""
        size = self._live.pop(at.value, 0)
        if 0 < size <= SMALL:
            self._in_use -= size
            self._free[size].append(at.value)
        elif size > 0:
            self._in_use -= size
            self._keep_large(at.value, size)
        elif size < 0:
            self._in_use += size
            self._unmap(self._guards.pop(at.value))
        elif not self._closed:  # closing has freed everything
            raise not_in_use("cpu", at)

    def check_live(self, at: Address) -> None:
        """Refuse a block that is not in use."""
        if at.value not in self._live and at.value not in self._borrowed:
            raise not_in_use("cpu", at)

    def borrow(self, at: Address) -> None:
        """Memory of somebody else is used as if it were a block of ours; it may even be one."""
        with self.lock:
            self._borrowed[at.value] = self._borrowed.get(at.value, 0) + 1

    def give_back(self, at: Address) -> None:
        """Once for each `borrow`."""
        with self.lock:
            left = self._borrowed[at.value] - 1
            if left:
                self._borrowed[at.value] = left
            else:
                del self._borrowed[at.value]

    def usage(self) -> Usage:
        """Bytes in use (with what rounding loses), their peak, and bytes taken from the system."""
        return Usage(self._in_use, self._peak, sum(self._mappings.values()))

    def release(self) -> None:
        """Give the kept large blocks back to the system."""
        with self.lock:
            self._drop_kept(0)

    def keep_mapped(self) -> None:
        """Never unmap anything: a thread that cannot be stopped may still use it."""
        self._close.detach()

    def close(self) -> None:
        """Give everything back to the system, whether in use or not; nothing can be allocated afterwards."""
        with self.lock:
            self._closed = True
            self._close()
            self._free.clear()
            self._live.clear()
            self._kept.clear()
            self._arena = self._arena_end = self._in_use = self._kept_bytes = 0

    def _refill(self, size: int, nbytes: int) -> int:
        """A new block of the class; for a small class some more go to its free list."""
        with self.lock:
            free = self._free.setdefault(size, [])
            if size > SMALL:
                return self._map_large(size, nbytes)
            count = max(1, min(64, (32 << 10) // size))
            if self._arena + size > self._arena_end:
                self._arena = self._map(ARENA, nbytes)
                self._arena_end = self._arena + ARENA
            first = self._arena
            count = min(count, (self._arena_end - first) // size)
            self._arena += count * size
            free.extend(range(first + (count - 1) * size, first, -size))
            return first

    def _map_large(self, size: int, nbytes: int) -> int:
        """A mapping of its own; above 4 MiB it begins at a multiple of 2 MiB and asks for huge pages."""
        size = align_up(size, PAGE)
        if size <= 2 * HUGE:
            return self._map(size, nbytes)
        first = self._map(size + HUGE, nbytes)
        block = align_up(first, HUGE)
        del self._mappings[first]
        for base, rest in ((first, block - first), (block + size, first + HUGE - block)):
            if rest:
                self._system.check("munmap", base, rest, wanted="to unmap the rest of a mapping")
        self._mappings[block] = size
        # Advice: a system without huge pages refuses it, and the block is as good, only slower.
        self._system.call("madvise", block, size, MADV_HUGEPAGE)
        return block

    def _map(self, size: int, nbytes: int) -> int:
        """Pages from the system; when it has none, kept blocks go back first."""
        if self._closed:
            raise DeviceError("the cpu device is closed", why="its memory is unmapped", mend="open it again")
        flags = MAP_PRIVATE | MAP_ANONYMOUS
        base = -ENOMEM
        if size <= LARGEST:
            base = self._system.call("mmap", 0, size, PROT_READ | PROT_WRITE, flags, -1, 0)
            if base < 0 and self._kept:
                self._drop_kept(0)
                base = self._system.call("mmap", 0, size, PROT_READ | PROT_WRITE, flags, -1, 0)
        if base < 0:
            raise self._out_of_memory(nbytes, -base)
        self._mappings[base] = size
        return base

    def _out_of_memory(self, nbytes: int, errno: int) -> OutOfMemory:
        """The error, with the sizes that tell what takes the room."""
        usage = self.usage()
        return OutOfMemory(
            f"cpu cannot allocate {nbytes} bytes",
            why=f"mmap: errno {errno}; {usage.in_use} bytes are in use (at most {usage.peak} ever), "
            f"{usage.reserved} are taken from the system",
            mend="drop tensors that are not needed, use a smaller batch, or raise the limit (`ulimit -v`)",
        )

    def _unmap(self, base: int) -> None:
        """Give a mapping back."""
        with self.lock:
            self._system.check("munmap", base, self._mappings.pop(base), wanted="to unmap a block")

    def _keep_large(self, block: int, size: int) -> None:
        """Keep a large block for its class; the oldest go when there are too many."""
        with self.lock:
            self._kept[block] = size
            self._kept_bytes += size
            self._free[size].append(block)
            self._drop_kept(self._keep)

    def _drop_kept(self, most: int) -> None:
        """Give kept blocks back, the oldest first, until at most `most` bytes are kept."""
        while self._kept and self._kept_bytes > most:
            block = next(iter(self._kept), 0)
            size = self._kept.get(block, 0)
            try:
                self._free[size].remove(block)
            except (KeyError, ValueError):  # another thread, or a finalizer in this one, has just taken it
                return
            del self._kept[block]
            self._kept_bytes -= size
            self._unmap(block)


def _unmap_all(system: System, mappings: dict[int, int]) -> None:
    """Give every mapping back."""
    while mappings:
        base, nbytes = mappings.popitem()
        system.check("munmap", base, nbytes, wanted="to unmap memory")
