"""Memory shared with other libraries: lent to them, and borrowed from them. The capsules are in
runtime/dlpack.py.

Lent memory has one holder more, borrowed memory has one that never goes: neither is ever written over by a
next version. So an assignment gives a tensor other memory, and who shares the old one keeps it as it was.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from baregrad.engine.realize import from_bytes, realize_to_see
from baregrad.engine.session import Session, nbytes
from baregrad.engine.value import Handle, Value
from baregrad.ir import UOp
from baregrad.runtime import Address, Borrows, HostView, dlpack


class Lent(NamedTuple):
    """Where a value's elements lie, row-major; `keep` is what the user of the memory holds."""

    address: int
    keep: object
    copied: bool


class _Borrowed(Handle):
    """A handle of memory that another library owns."""

    __slots__ = ("_keeper", "_taken")

    def __init__(self, buffer: UOp, device: Borrows, address: Address, taken: dlpack.Taken) -> None:
        super().__init__(buffer, device, address)  # type: ignore[arg-type]  # a Device that borrows
        self._taken = taken
        self._keeper = Value(buffer, "")  # it holds no handle: no circle
        self.holders.add(self._keeper)

    def __del__(self) -> None:
        self.device.give_back(self.address)  # type: ignore[attr-defined]  # a Device that borrows
        self._taken.release()


def lend(session: Session, value: Value, *, copy: bool = False) -> Lent:
    """The value's own memory, or a copy where the host can't see it.

    Errors: JitError inside a captured step: the elements would be of this call only.
    """
    if session.capture is not None:
        session.capture.refuse_read(value)
    with session.lock:
        realize_to_see(session, value)
        own = value.own
        assert own is not None, "realize gives every value a buffer"
        size, device = nbytes(own.buffer), own.device
        if copy or not isinstance(device, HostView):
            memory = ctypes.create_string_buffer(device.read(own.address, size), max(size, 1))
            return Lent(ctypes.addressof(memory), memory, True)
        keeper = Value(own.buffer, value.device)
        own.holders.add(keeper)
        if not size:
            return Lent(own.address.value, (own, keeper), False)
        seen = ctypes.c_char.from_buffer(device.view(own.address))
        return Lent(ctypes.addressof(seen), (own, keeper, seen), False)


def borrow(session: Session, taken: dlpack.Taken, buffer: UOp, offset: int, line: str = "") -> Value:
    """A value of the bytes that begin `offset` bytes from the taken elements' address, for `buffer`.

    They are copied where the buffer's device can't compute in them.
    """
    device = session.device(buffer.arg.devices[0])
    size, start = nbytes(buffer), taken.elements.address + offset
    aligned = start % buffer.dtype.itemsize == 0
    if not size or not aligned or not isinstance(device, Borrows):
        data = taken.read(offset, size)
        taken.release()
        return from_bytes(session, data, buffer, line)
    with session.lock:
        handle = _Borrowed(buffer, device, device.borrow(start, size), taken)
        session.handles[handle.number] = handle
        value = Value(buffer, buffer.arg.devices[0], frozenset((handle,)), line=line)
        value.settle(handle)
        if session.capture is not None:
            session.capture.keep(handle)
            session.capture.pin(value)
        return value
