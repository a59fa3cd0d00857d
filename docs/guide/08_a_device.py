"""08: a device.

Run it: python docs/guide/08_a_device.py
"""

from collections.abc import Callable, Sequence
from typing import Any

from baregrad.runtime import Address, Device, Kernel, Launch, Recording, TargetFacts, Usage
from baregrad.runtime.plain import Numbers, PlainRecording, plain

Program = Callable[[list[memoryview | int], int], None]  # arguments, grid item


class Lesson(Device):
    """A device in 40 lines: memory is bytearrays, and code is a Python function.

    It knows bytes, a grid and argument blocks, and nothing of tensors, graphs or the compiler.
    """

    name = "lesson"

    def __init__(self) -> None:
        self.memory: dict[int, bytearray] = {}
        self.programs: dict[int, Program] = {}
        self.numbers = Numbers()

    def target_facts(self) -> TargetFacts:
        """What the hardware is: from this the compiler would choose a row of render/targets.py."""
        return TargetFacts("lesson")

    def allocate(self, nbytes: int) -> Address:
        """Memory, named by a number that nothing else has."""
        at = Address(self.numbers.take(nbytes), nbytes)
        self.memory[at.value] = bytearray(nbytes)
        return at

    def free(self, at: Address) -> None:
        """Give it back."""
        del self.memory[at.value]

    def write(self, at: Address, data: bytes | bytearray | memoryview, *, offset: int = 0) -> None:
        """Copy in."""
        self.memory[at.value][offset : offset + len(data)] = data

    def read(self, at: Address, nbytes: int, *, offset: int = 0) -> bytes:
        """Copy out."""
        return bytes(self.memory[at.value][offset : offset + nbytes])

    def load(self, code: Any, name: str = "kernel") -> Kernel:
        """Make code runnable."""
        kernel = Kernel(name, self.numbers.take(0), 0)
        self.programs[kernel.entry] = code
        return kernel

    def unload(self, kernel: Kernel) -> None:
        """Forget it."""
        del self.programs[kernel.entry]

    def record(self, launches: Sequence[Launch]) -> Recording:
        """A list of launches, to be run once or often: here it stays as it is."""
        return PlainRecording(launches)

    def run(self, recording: Recording) -> None:
        """Start the launches of a list, in order."""
        for kernel, args, grid in plain(recording).launches:
            values = [memoryview(self.memory[a.value]) if isinstance(a, Address) else a for a in args]
            for item in range(grid):
                self.programs[kernel.entry](values, item)

    def usage(self) -> Usage:
        """How much memory is given out."""
        total = sum(map(len, self.memory.values()))
        return Usage(total, total, total)


def add(values: list[memoryview | int], item: int) -> None:
    """One grid item of a kernel: add a number to a byte."""
    data, amount = values
    data[item] += amount


device = Lesson()
at = device.allocate(4)
device.write(at, bytes([1, 2, 3, 4]))
kernel = device.load(add, "add")

# `launch` and `wait` come with the contract: launch records a list of one.
device.launch(kernel, (at, 10), grid=4)
device.wait()
assert device.read(at, 4) == bytes([11, 12, 13, 14])

# A recorded list is run again without looking at its launches; arguments can be replaced in between. This
# is what a captured step (lesson 03) becomes; on the CPU device a run is one native call.
step = device.record([Launch(kernel, (at, 1), 2), Launch(kernel, (at, 5), 4)])
device.run(step)
step.set_argument(1, 1, 0)
device.run(step)
print(list(device.read(at, 4)))
assert device.read(at, 4) == bytes([18, 19, 18, 19])
device.free(at)
assert device.usage().in_use == 0

# For good: the class into a file of runtime/, and a row into DEVICES of runtime/device.py. Then `bg.Device`
# and `python -m baregrad devices` list it, and tests/runtime/test_contract.py asks of it what it asks of
# every device (this one would fail: it does not refuse copies outside of its memory, nor memory that was
# freed).
