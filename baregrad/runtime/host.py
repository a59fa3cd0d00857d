"""What devices share whose memory is this process's own: blocks, copies, views.

What is not here: how blocks are found (memory.py), and code.
"""

from __future__ import annotations

import ctypes

from baregrad.runtime.device import Address, Device, Usage, check_range
from baregrad.runtime.memory import HostMemory
from baregrad.runtime.system import view_memory


class HostDevice(Device):
    """A device without memory of its own: `_memory` gives out blocks of the process's."""

    _memory: HostMemory

    def allocate(self, nbytes: int, *, guard: bool = False) -> Address:
        """Memory at a multiple of 64; with `guard` its end touches an unreadable page (see memory.py)."""
        return self._memory.allocate_guarded(nbytes) if guard else self._memory.allocate(nbytes)

    def free(self, at: Address) -> None:
        """Give memory back; its pages are kept for the next request of the size."""
        self._memory.free(at)

    def write(self, at: Address, data: bytes | bytearray | memoryview, *, offset: int = 0) -> None:
        """Copy bytes into the memory."""
        source = memoryview(data)
        self._memory.check_live(at)
        check_range(at, offset, source.nbytes)
        if source.nbytes:
            view_memory(at.value + offset, source.nbytes)[:] = source.cast("B")

    def read(self, at: Address, nbytes: int, *, offset: int = 0) -> bytes:
        """Copy bytes of the memory."""
        self._memory.check_live(at)
        check_range(at, offset, nbytes)
        return bytes(view_memory(at.value + offset, nbytes))

    def view(self, at: Address) -> memoryview:
        """The memory itself, as bytes; valid until it is freed."""
        self._memory.check_live(at)
        return view_memory(at.value, at.nbytes)

    def borrow(self, address: int, nbytes: int) -> Address:
        """Memory of this process that somebody else owns, and keeps until it is given back."""
        at = Address(address, nbytes)
        self._memory.borrow(at)
        return at

    def give_back(self, at: Address) -> None:
        """Borrowed memory is not used any more."""
        self._memory.give_back(at)

    def copy(self, to: Address, source: Address, nbytes: int) -> None:
        """Copy the first `nbytes` bytes of `source` to `to`."""
        for at in (to, source):
            self._memory.check_live(at)
            check_range(at, 0, nbytes)
        ctypes.memmove(to.value, source.value, nbytes)

    def usage(self) -> Usage:
        """How much memory is in use (code is not counted)."""
        return self._memory.usage()

    def release(self) -> None:
        """Give memory that is kept for later requests back to the system."""
        self._memory.release()
