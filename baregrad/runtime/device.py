"""The contract of a device, and the table of the devices that exist.

A device is memory and a way to run code on it; it knows bytes, a grid and argument blocks, and nothing of
the compiler. Every row of DEVICES passes the contract tests in tests/runtime/test_contract.py. What a
device may do besides (zero-copy views, time stamps, copies between devices) are the protocols at the end;
`isinstance` asks for them. What is not here: the devices themselves (one module each), and the Target
record that the compiler reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from baregrad.base import load
from baregrad.base.errors import DeviceError


@dataclass(slots=True, unsafe_hash=True)
class Address:
    """Memory that a device gave out: where it begins, and how many bytes were asked for.

    It stands for its number wherever an index is wanted (struct.pack, hex, range); it is never changed (it is
    not declared frozen only because a frozen record costs three times as much to make).
    """

    value: int
    nbytes: int

    def __index__(self) -> int:
        return self.value

    def __int__(self) -> int:
        return self.value


@dataclass(slots=True, unsafe_hash=True)
class Kernel:
    """Code that a device has loaded: its name, where it begins there, and its size in bytes."""

    name: str
    entry: int
    nbytes: int


class Launch(NamedTuple):
    """One entry of a list: a kernel, its arguments (addresses and integers, 8 bytes each), its grid."""

    kernel: Kernel
    args: Sequence[Address | int]
    grid: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """A device's memory, in bytes: given out now, at most ever, and taken from the system now."""

    in_use: int
    peak: int
    reserved: int


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What a device says about its hardware: plain data, from which `render` chooses a target's row.

    `arch` is "x86-64", "c", "reference" or "null"; `features` are named as in the instruction tables ("avx2",
    "fma", ...); `caches` are bytes by name ("l1d", "l1i", "l2", "l3"), as far as the hardware tells.
    """

    arch: str
    features: frozenset[str] = frozenset()
    cores: int = 1
    caches: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    vendor: str = ""
    model: str = ""


class Recording(ABC):
    """A list of launches in the form that its device runs fastest; made by `Device.record`."""

    __slots__ = ()

    @abstractmethod
    def __len__(self) -> int:
        """How many launches there are."""

    @abstractmethod
    def set_argument(self, launch: int, slot: int, value: Address | int) -> None:
        """Replace one argument of one launch; it holds from the next run on.

        Errors: DeviceError when the list has no such launch, or the launch no such slot.
        """


class Device(ABC):
    """Memory, and a way to run code on it.

    Addresses and kernels belong to the device that gave them out. Launches of one `run` happen in order; each
    sees what the earlier ones wrote. `wait` returns when everything launched so far is done.
    """

    name: str

    @abstractmethod
    def target_facts(self) -> TargetFacts:
        """What the hardware is and has."""

    @abstractmethod
    def allocate(self, nbytes: int) -> Address:
        """Memory of `nbytes` bytes (0 is fine), aligned to 64, with undefined contents.

        Errors: OutOfMemory when there is no room; DeviceError for a negative size.
        """

    @abstractmethod
    def free(self, at: Address) -> None:
        """Give memory back. Errors: DeviceError when it is not in use (freed twice, or another device's)."""

    @abstractmethod
    def write(self, at: Address, data: bytes | bytearray | memoryview, *, offset: int = 0) -> None:
        """Copy bytes into the memory, from byte `offset` on. Errors: DeviceError outside of it."""

    @abstractmethod
    def read(self, at: Address, nbytes: int, *, offset: int = 0) -> bytes:
        """Copy bytes of the memory, from byte `offset` on, to the host. Errors: DeviceError outside of it."""

    @abstractmethod
    def load(
        self, code: Any, name: str = "kernel"
    ) -> Kernel:  # Any: bytes; on the reference device a program
        """Make code runnable. What `code` is depends on the device: machine code for the CPU."""

    @abstractmethod
    def unload(self, kernel: Kernel) -> None:
        """Forget a kernel; it must not be running. Errors: DeviceError when it is not loaded."""

    @abstractmethod
    def record(self, launches: Sequence[Launch]) -> Recording:
        """Prepare a list of launches, to be run once or many times."""

    @abstractmethod
    def run(self, recording: Recording) -> None:
        """Start the launches of the list, in order."""

    @abstractmethod
    def usage(self) -> Usage:
        """How much memory is in use."""

    def launch(self, kernel: Kernel, args: Sequence[Address | int], grid: int = 1) -> None:
        """Start one kernel on `grid` items."""
        self.run(self.record((Launch(kernel, args, grid),)))

    def wait(self) -> None:  # noqa: B027 - nothing to do is the usual case
        """Return when everything launched so far is done: at once where `run` itself waits."""

    def close(self) -> None:  # noqa: B027 - most hold nothing that Python would not free
        """Give everything back; nothing of the device can be used afterwards. Twice is fine."""


@runtime_checkable
class HostView(Protocol):
    """A device whose memory the host can see without a copy."""

    def view(self, at: Address) -> memoryview:
        """The memory itself, as bytes; valid until it is freed."""


@runtime_checkable
class Borrows(Protocol):
    """A device that computes in memory of this process that it has not given out itself."""

    def borrow(self, address: int, nbytes: int) -> Address:
        """Use memory that somebody else keeps until it is given back."""

    def give_back(self, at: Address) -> None:
        """The memory is not used any more."""


@runtime_checkable
class Timestamps(Protocol):
    """A device that can tell how long each launch of a list took."""

    def run_timed(self, recording: Recording) -> tuple[float, ...]:
        """Run the list and wait; the seconds that each launch took."""


@runtime_checkable
class PeerCopy(Protocol):
    """A device that copies between its own memories without the host."""

    def copy(self, to: Address, source: Address, nbytes: int) -> None:
        """Copy the first `nbytes` bytes of `source` to `to`."""


class DeviceRow(NamedTuple):
    """One kind of device: its module and class (imported when it is opened) and a sentence for listings.

    `wants` names options that a layer above must hand in, because what they do lies above the runtime:
    "execute" is the interpreter.
    """

    module: str
    cls: str
    sentence: str
    wants: tuple[str, ...] = ()


# fmt: off
DEVICES: Mapping[str, DeviceRow] = MappingProxyType({
    "c": DeviceRow("baregrad.runtime.c", "CDevice", "any processor, through C and a compiler found here"),
    "cpu": DeviceRow("baregrad.runtime.cpu", "CpuDevice", "this computer's x86-64 processor"),
    "null": DeviceRow("baregrad.runtime.null", "NullDevice", "runs nothing: to measure the compiler"),
    "reference": DeviceRow("baregrad.runtime.reference", "ReferenceDevice", "runs programs by interpreting",
                           wants=("execute",)),
})
# fmt: on


def open_device(name: str, **options: Any) -> Device:  # Any: each device's own options
    """Open a device by its name in DEVICES; `options` go to its class.

    Errors: DeviceError when there is no such device, or when it cannot be had on this machine.

    >>> open_device("null").name
    'null'
    """
    row = DEVICES.get(name)
    if row is None:
        raise DeviceError(
            f"unknown device {name!r}",
            why="no row of DEVICES has this name",
            mend="use one of " + ", ".join(sorted(DEVICES)),
        )
    cls: type[Device] = getattr(load(row.module), row.cls)
    return cls(**options)


def check_range(at: Address, offset: int, nbytes: int) -> None:
    """Refuse a copy that is not inside the memory at `at`."""
    if offset < 0 or nbytes < 0 or offset + nbytes > at.nbytes:
        raise DeviceError(
            f"bytes {offset}..{offset + nbytes} are outside a memory of {at.nbytes} bytes",
            why="a copy stays inside one allocation",
            mend="copy less, or allocate more",
        )


def check_size(nbytes: int) -> None:
    """Refuse a negative size."""
    if nbytes < 0:
        raise DeviceError(f"cannot allocate {nbytes} bytes", why="a size is 0 or more", mend="mend the shape")


def not_in_use(device: str, at: Address) -> DeviceError:
    """The error for memory that the device has not given out, or has back already."""
    return DeviceError(
        f"{device} has no memory in use at {at.value:#x} ({at.nbytes} bytes)",
        why="it was freed already, or belongs to another device",
        mend="free once, and use an address only with the device that gave it out",
    )


def not_loaded(device: str, kernel: Kernel) -> DeviceError:
    """The error for a kernel that the device does not have."""
    return DeviceError(
        f"{device} has no kernel {kernel.name!r} at {kernel.entry:#x}",
        why="it was unloaded already, or belongs to another device",
        mend="load it again on this device",
    )


def check_grid(grid: int) -> None:
    """Refuse a grid that is no number of items."""
    if not 0 <= grid < 1 << 62:
        raise DeviceError(f"cannot run {grid} items", why="a grid is 0 or more", mend="mend the launch")


def no_such_argument(launch: int, slot: int) -> DeviceError:
    """The error for an argument that the recorded list does not have."""
    return DeviceError(
        f"the list has no argument {slot} of launch {launch}",
        why="only arguments that were recorded can be replaced",
        mend="record the list with as many arguments as it will have",
    )
