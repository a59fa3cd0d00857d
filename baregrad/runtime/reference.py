"""The reference device: memory as bytearrays, programs run by a function that is handed in.

`engine` injects the interpreter; the device itself knows nothing of programs, so the meaning of a kernel has
one place. Every other device is compared with this one. What is not here: the interpreter (baregrad/ir), and
speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from baregrad.base.errors import DeviceError
from baregrad.runtime.device import (
    Address,
    Device,
    Kernel,
    Launch,
    Recording,
    TargetFacts,
    Usage,
    check_range,
    check_size,
    not_in_use,
    not_loaded,
)
from baregrad.runtime.plain import Numbers, PlainRecording, plain

Execute = Callable[
    [Any, list[memoryview | int], int], None
]  # Any: a program, of whatever kind the function takes


class ReferenceDevice(Device):
    """Memory as bytearrays; a kernel is `execute(program, arguments, grid)`.

    Each Address among the arguments becomes a writable memoryview of its bytes, each integer stays one.
    `execute` runs all items of the grid. Addresses are numbers without meaning, so a program cannot reach
    what it was not given.
    """

    name = "reference"

    def __init__(self, execute: Execute | None = None) -> None:
        if execute is None:
            raise DeviceError(
                "the reference device has nothing to run programs with",
                why="the interpreter lies above the runtime, which therefore cannot import it",
                mend='open_device("reference", execute=...), or open the device through the engine',
            )
        self._execute = execute
        self._memory: dict[int, bytearray] = {}
        self._programs: dict[int, Any] = {}  # Any: see Execute
        self._numbers = Numbers()
        self._in_use = self._peak = 0

    def target_facts(self) -> TargetFacts:
        """One core without features."""
        return TargetFacts("reference")

    def allocate(self, nbytes: int) -> Address:
        """A bytearray."""
        check_size(nbytes)
        at = Address(self._numbers.take(nbytes), nbytes)
        self._memory[at.value] = bytearray(nbytes)
        self._in_use += nbytes
        self._peak = max(self._peak, self._in_use)
        return at

    def free(self, at: Address) -> None:
        """Forget the bytearray."""
        self._in_use -= len(self._bytes(at))
        del self._memory[at.value]

    def write(self, at: Address, data: bytes | bytearray | memoryview, *, offset: int = 0) -> None:
        """Copy into the bytearray."""
        memory, source = self._bytes(at), memoryview(data)
        check_range(at, offset, source.nbytes)
        memory[offset : offset + source.nbytes] = source.cast("B") if source.nbytes else b""

    def read(self, at: Address, nbytes: int, *, offset: int = 0) -> bytes:
        """Copy out of the bytearray."""
        memory = self._bytes(at)
        check_range(at, offset, nbytes)
        return bytes(memory[offset : offset + nbytes])

    def view(self, at: Address) -> memoryview:
        """The bytearray itself."""
        return memoryview(self._bytes(at))

    def load(self, code: Any, name: str = "kernel") -> Kernel:  # Any: see Execute
        """Keep the program."""
        kernel = Kernel(name, self._numbers.take(0), 0)
        self._programs[kernel.entry] = code
        return kernel

    def unload(self, kernel: Kernel) -> None:
        """Forget the program."""
        if kernel.entry not in self._programs:
            raise not_loaded(self.name, kernel)
        del self._programs[kernel.entry]

    def record(self, launches: Sequence[Launch]) -> Recording:
        """The list as it is."""
        return PlainRecording(launches)

    def run(self, recording: Recording) -> None:
        """Execute the launches one after another."""
        for kernel, args, grid in plain(recording).launches:
            if kernel.entry not in self._programs:
                raise not_loaded(self.name, kernel)
            values = [memoryview(self._bytes(arg)) if isinstance(arg, Address) else arg for arg in args]
            self._execute(self._programs[kernel.entry], values, grid)

    def usage(self) -> Usage:
        """The bytes of all bytearrays."""
        return Usage(self._in_use, self._peak, self._in_use)

    def _bytes(self, at: Address) -> bytearray:
        """The bytearray at the address."""
        memory = self._memory.get(at.value)
        if memory is None:
            raise not_in_use(self.name, at)
        return memory
