"""Memory of the device: one piece of bytes with allocations in it, and gaps between them that nobody may use.

Addresses are of the device; `base` is that of the piece's first byte, so that whoever runs native code adds
one constant. Every access is checked against the allocations. Caches do not exist: what is stored is there.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right, insort
from typing import NamedTuple

from baregrad.base.errors import OutOfMemory
from baregrad.emu.amd.faults import Trouble

BASE = 0x7F10_0000_0000
GAP, ALIGN = 4096, 256
SIZE = 1 << 28


class Allocation(NamedTuple):
    """Bytes that a program may use."""

    begin: int
    size: int
    name: str

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.begin + self.size


class Memory:
    """A device's memory of `size` bytes; only what is used is taken from the machine."""

    __slots__ = (
        "_begin",
        "_end",
        "_starts",
        "allocations",
        "base",
        "bytes",
        "cells",
        "next",
        "size",
        "words",
    )

    def __init__(self, size: int = SIZE, base: int = BASE) -> None:
        self.base, self.size = base, -(-size // GAP) * GAP
        self.cells = mmap.mmap(-1, self.size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.bytes = memoryview(self.cells)
        self.words = self.bytes.cast("I")
        self.next = GAP
        self._starts: list[int] = []
        self.allocations: dict[int, Allocation] = {}
        self._begin = self._end = 0

    def allocate(self, size: int, name: str = "") -> int:
        """The address of `size` new bytes, all 0. Errors: OutOfMemory."""
        begin = -(-self.next // ALIGN) * ALIGN
        if begin + size + GAP > self.size:
            raise OutOfMemory(
                f"no room for {size} bytes ({name})",
                why=f"{self.size - begin} of {self.size} bytes are left",
                mend="make a larger Memory",
            )
        self.next = begin + size + GAP
        one = Allocation(self.base + begin, size, name)
        self.allocations[one.begin] = one
        insort(self._starts, one.begin)
        return one.begin

    def put(self, content: bytes | bytearray | memoryview, name: str = "") -> int:
        """The address of new bytes with a content."""
        data = memoryview(content).cast("B")
        address = self.allocate(len(data), name)
        self.view(address, len(data))[:] = data
        return address

    def free(self, address: int) -> None:
        """Give an allocation back; its addresses are used again only if it was the last one."""
        one = self.allocations.pop(address)
        self._starts.remove(address)
        self._begin = self._end = 0
        self.view(one.begin, one.size)[:] = bytes(one.size)
        if self.next == one.end - self.base + GAP:
            self.next = one.begin - self.base

    def follow(self, other: Memory) -> None:
        """Be as another memory of the same base and size: what is allocated there, with what is in it."""
        assert (self.base, self.size) == (other.base, other.size), "memories of one size"
        self.allocations, self._starts = dict(other.allocations), list(other._starts)
        self.next, self._begin, self._end = other.next, 0, 0
        for one in self.allocations.values():
            self.view(one.begin, one.size)[:] = other.view(one.begin, one.size)

    def view(self, address: int, size: int) -> memoryview:
        """Bytes, to read and to write; nothing is checked but the piece."""
        at = address - self.base
        return self.bytes[at : at + size]

    def find(self, address: int) -> Allocation | None:
        """The allocation that an address lies in."""
        at = bisect_right(self._starts, address)
        one = self.allocations[self._starts[at - 1]] if at else None
        return one if one is not None and address < one.end else None

    def check(self, address: int, count: int, what: str) -> None:
        """Make sure that bytes may be used, and remember the allocation."""
        one = self.find(address)
        if one is None or address + count > one.end:
            raise Trouble("memory", f"{what} of {count} bytes at {address:#x}{self._near(address)}", address)
        self._begin, self._end = one.begin, one.end

    def load(self, address: int, bits: int) -> int:
        """Little-endian bits."""
        count = bits + 7 >> 3
        if address < self._begin or address + count > self._end:
            self.check(address, count, "a load")
        at = address - self.base
        if bits == 32 and not at & 3:
            return self.words[at >> 2]
        return int.from_bytes(self.bytes[at : at + count], "little")

    def store(self, address: int, bits: int, value: int) -> None:
        """Store bits."""
        count = bits + 7 >> 3
        if address < self._begin or address + count > self._end:
            self.check(address, count, "a store")
        at = address - self.base
        if bits == 32 and not at & 3:
            self.words[at >> 2] = value
        else:
            self.bytes[at : at + count] = value.to_bytes(count, "little")

    def _near(self, address: int) -> str:
        """Which allocation is before an address."""
        at = bisect_right(self._starts, address)
        if not at:
            return ""
        one = self.allocations[self._starts[at - 1]]
        beyond = address - one.begin
        if beyond > one.size + (1 << 32):
            return ""
        return f", {beyond} bytes from the start of {one.name or 'an allocation'} of {one.size} bytes"


class Local:
    """LDS of a workgroup; what is not there faults."""

    __slots__ = ("bytes", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.bytes = memoryview(bytearray(size))

    def load(self, address: int, bits: int) -> int:
        """Little-endian bits."""
        count = bits + 7 >> 3
        if address + count > self.size:
            raise self.beyond("a load", address, count)
        return int.from_bytes(self.bytes[address : address + count], "little")

    def store(self, address: int, bits: int, value: int) -> None:
        """Store bits."""
        count = bits + 7 >> 3
        if address + count > self.size:
            raise self.beyond("a store", address, count)
        self.bytes[address : address + count] = value.to_bytes(count, "little")

    def beyond(self, what: str, address: int, count: int) -> Trouble:
        """The error of an access behind the end."""
        return Trouble("lds", f"{what} of {count} bytes at {address:#x} of {self.size} bytes of LDS", address)
