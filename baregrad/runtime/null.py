"""The null device: it accepts everything, keeps no data and runs nothing.

For measuring the compiler without running what it makes, and for tests that count launches. Reads give zeros.
What is not here: any meaning of code (see reference.py).
"""

from __future__ import annotations

from collections.abc import Sequence

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


class NullDevice(Device):
    """Memory without bytes and code that is not run; `launches` says what would have been.

    `facts` is what `target_facts` gives: hand in another machine's to compile for it.
    """

    name = "null"

    def __init__(self, facts: TargetFacts | None = None) -> None:
        self.launches: list[Launch] = []
        self._facts = facts or TargetFacts("null")
        self._live: dict[int, int] = {}
        self._kernels: set[int] = set()
        self._numbers = Numbers()
        self._in_use = self._peak = 0

    def target_facts(self) -> TargetFacts:
        """What was given when it was opened."""
        return self._facts

    def allocate(self, nbytes: int) -> Address:
        """A number that nothing else has."""
        check_size(nbytes)
        at = Address(self._numbers.take(nbytes), nbytes)
        self._live[at.value] = nbytes
        self._in_use += nbytes
        self._peak = max(self._peak, self._in_use)
        return at

    def free(self, at: Address) -> None:
        """Forget the number."""
        self._check_live(at)
        self._in_use -= self._live.pop(at.value)

    def write(self, at: Address, data: bytes | bytearray | memoryview, *, offset: int = 0) -> None:
        """Nothing but the checks."""
        self._check_live(at)
        check_range(at, offset, memoryview(data).nbytes)

    def read(self, at: Address, nbytes: int, *, offset: int = 0) -> bytes:
        """Zeros."""
        self._check_live(at)
        check_range(at, offset, nbytes)
        return bytes(nbytes)

    def load(self, code: bytes, name: str = "kernel") -> Kernel:
        """A number for the code."""
        kernel = Kernel(name, self._numbers.take(len(code)), len(code))
        self._kernels.add(kernel.entry)
        return kernel

    def unload(self, kernel: Kernel) -> None:
        """Forget the number."""
        self._check_loaded(kernel)
        self._kernels.discard(kernel.entry)

    def record(self, launches: Sequence[Launch]) -> Recording:
        """The list as it is."""
        return PlainRecording(launches)

    def run(self, recording: Recording) -> None:
        """Append the launches to `launches`."""
        for launch in plain(recording).launches:
            self._check_loaded(launch.kernel)
            self.launches.append(launch)

    def usage(self) -> Usage:
        """What the memory would be, were there any."""
        return Usage(self._in_use, self._peak, 0)

    def _check_live(self, at: Address) -> None:
        """Refuse memory that is not in use."""
        if at.value not in self._live:
            raise not_in_use(self.name, at)

    def _check_loaded(self, kernel: Kernel) -> None:
        """Refuse a kernel that is not loaded."""
        if kernel.entry not in self._kernels:
            raise not_loaded(self.name, kernel)
