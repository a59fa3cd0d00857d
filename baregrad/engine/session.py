"""The one Session: open devices, buffer numbers and their memory, what is realized, what is captured."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from itertools import count
from threading import RLock, get_ident
from typing import TYPE_CHECKING
from weakref import ReferenceType, WeakKeyDictionary, WeakValueDictionary, ref

from baregrad.base.config import config
from baregrad.base.errors import DeviceError
from baregrad.dtype import DType
from baregrad.engine.reference import execute
from baregrad.engine.value import Box, Handle, Value, new_buffer_node
from baregrad.ir import Size, UOp, most, value_of
from baregrad.render import host_target
from baregrad.runtime import DEVICES, Address, Device, open_device

if TYPE_CHECKING:
    from baregrad.engine.capture import Capture
    from baregrad.engine.guards import Guard


INJECTED = {"execute": execute}
"""What devices want of the layers above them, by the name in their row."""


class Session:
    """The mutable state of the engine; there is one, made when the package is imported.

    `lock` is held while values are built, realized or replayed, by one thread at a time, and never while a
    user's function runs, but for hooks and the backward() of a Function. A capture belongs to the thread that
    opened it; so do the assignments made in it.
    """

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.handles: WeakValueDictionary[int, Handle] = WeakValueDictionary()
        self.lock = RLock()
        self._pending: WeakKeyDictionary[Value, int] = WeakKeyDictionary()  # value -> thread
        self._captures: dict[int, Capture] = {}  # thread -> what it captures
        self._guards: dict[int, list[Guard]] = {}  # thread -> what its next read-back looks at
        self.seed = 0
        self.generators: dict[str, Box] = {}  # device -> the state of its random numbers
        self._realized: WeakKeyDictionary[UOp, ReferenceType[Handle]] = WeakKeyDictionary()
        self._numbers = count(1)
        self._best: str | None = None

    @property
    def capture(self) -> Capture | None:
        """What this thread captures."""
        return self._captures.get(get_ident()) if self._captures else None

    @capture.setter
    def capture(self, capture: Capture | None) -> None:
        if capture is None:
            self._captures.pop(get_ident(), None)
        else:
            self._captures[get_ident()] = capture

    def postpone(self, value: Value) -> None:
        """The value was assigned to a tensor: it is computed with whatever is realized next."""
        with self.lock:
            self._pending[value] = get_ident()

    def wait_again(self, values: Iterable[Value]) -> None:
        """Values that were taken and could not be computed."""
        for value in values:
            if value.own is None:
                self.postpone(value)

    def take_pending(self) -> list[Value]:
        """What this thread has postponed: another one may be capturing, and what it captures is its own."""
        if not self._pending:
            return []
        me = get_ident()
        taken = [value for value, thread in list(self._pending.items()) if thread == me]
        for value in taken:
            self._pending.pop(value, None)
        return taken

    def guard(self, guard: Guard) -> None:
        """Look at indices when something is read back next; they are computed with what is realized next."""
        with self.lock:
            self._guards.setdefault(get_ident(), []).append(guard)
            self.postpone(guard.value)

    def take_guards(self) -> list[Guard]:
        """What is to be looked at now."""
        return self._guards.pop(get_ident(), []) if self._guards else []

    def forget_threads(self) -> None:
        """After a fork, in the child: other threads are gone, with what they held and captured."""
        self.lock = RLock()
        me = get_ident()
        self._captures = {thread: capture for thread, capture in self._captures.items() if thread == me}
        self._guards = {thread: guards for thread, guards in self._guards.items() if thread == me}

    def device(self, name: str) -> Device:
        """The device of a name, opened at first use."""
        found = self.devices.get(name)
        return self._open(name) if found is None else found

    def _open(self, name: str) -> Device:
        with self.lock:
            if name not in self.devices:
                wants = DEVICES[name].wants if name in DEVICES else ()
                options = {option: INJECTED[option] for option in wants}
                self.devices[name] = open_device(name, **options)
            return self.devices[name]

    def default_device(self) -> str:
        """The device of new tensors: the configured one; else the CPU, or, where our code can't run, C text
        or the reference.
        """
        return config().device or self._best_device()

    def _best_device(self) -> str:
        if self._best is None:
            reason = self._why_not_cpu()
            self._best = self._instead_of_cpu(reason) if reason else "cpu"
        return self._best

    def _instead_of_cpu(self, reason: str) -> str:
        """What to compute on where our machine code does not run: C text if there is a compiler."""
        try:
            self.device("c")
        except DeviceError:
            warnings.warn(f"baregrad computes on the reference device, slowly: {reason}", stacklevel=4)
            return "reference"
        warnings.warn(f"baregrad computes on the c device: {reason}", stacklevel=4)
        return "c"

    def _why_not_cpu(self) -> str:
        """What the CPU device lacks; empty where our machine code runs."""
        try:
            host_target(self.device("cpu").target_facts().features)
        except DeviceError as error:
            return error.what
        return ""

    def new_buffer(self, shape: tuple[Size, ...], dtype: DType, device: str) -> UOp:
        """A BUFFER with a number that was never used."""
        return new_buffer_node(next(self._numbers), shape, dtype, device)

    def new_number(self) -> int:
        """A buffer's number that was never used."""
        return next(self._numbers)

    def allocate(self, buffer: UOp) -> Handle:
        """Memory for a buffer."""
        device = self.device(buffer.arg.devices[0])
        return self.adopt(buffer, device.allocate(room(buffer)))

    def adopt(self, buffer: UOp, address: Address) -> Handle:
        """A handle for a buffer whose memory is there already."""
        handle = Handle(buffer, self.device(buffer.arg.devices[0]), address)
        self.handles[buffer.arg.number] = handle
        if self.capture is not None:
            self.capture.keep(handle)
        return handle

    def handle(self, buffer: UOp) -> Handle:
        """The handle of a buffer that is alive."""
        found = self.handles.get(buffer.arg.number)
        if found is None or found.released:
            raise DeviceError(
                f"buffer {buffer.arg.number} of shape {buffer.shape} has no memory",
                why="its last handle is gone: a value was built on it without holding it",
                mend="this is a mistake of baregrad: please report how you came here",
            )
        return found

    def remember(self, uop: UOp, handle: Handle) -> None:
        """`uop` has been computed: its value lies in the handle's buffer for as long as the handle lives."""
        self._realized[uop] = ref(handle)

    def handle_of(self, uop: UOp) -> Handle | None:
        """The handle that `uop` was computed into, though its memory may be given up."""
        found = self._realized.get(uop)
        return None if found is None else found()

    def realized(self, uop: UOp) -> Handle | None:
        """The handle of a buffer that holds the value of `uop`, if one is alive."""
        handle = self.handle_of(uop)
        return None if handle is None or handle.released or handle.rewritten else handle


def nbytes(buffer: UOp) -> int:
    """The bytes of a BUFFER's elements."""
    total = buffer.dtype.itemsize
    for size in buffer.shape:
        total *= value_of(size)
    return total


def room(buffer: UOp) -> int:
    """The bytes of a BUFFER's memory: symbolic sizes count with their greatest values, so that a replay may
    bind them to others. The elements are dense at its beginning.
    """
    total = buffer.dtype.itemsize
    for size in buffer.shape:
        total *= most(size)
    return total


SESSION = Session()
os.register_at_fork(after_in_child=SESSION.forget_threads)
