"""What the devices that Python itself runs share: lists of launches as they are, made-up addresses.

What is not here: the devices (null.py, reference.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.base.errors import DeviceError
from baregrad.base.integers import align_up
from baregrad.runtime.device import Address, Launch, Recording, check_grid, no_such_argument


class Numbers:
    """Addresses without memory: multiples of 64, never 0 and never the same, each with room behind it."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 64

    def take(self, nbytes: int) -> int:
        """An address with `nbytes` numbers behind it that nothing else has."""
        first = self._next
        self._next += 64 + align_up(nbytes, 64)
        return first


class PlainRecording(Recording):
    """A list of launches, kept as they are (for devices that Python itself runs)."""

    __slots__ = ("launches",)

    def __init__(self, launches: Sequence[Launch]) -> None:
        self.launches = [Launch(kernel, list(args), grid) for kernel, args, grid in launches]
        for launch in launches:
            check_grid(launch.grid)

    def __len__(self) -> int:
        return len(self.launches)

    def set_argument(self, launch: int, slot: int, value: Address | int) -> None:
        """Replace one argument of one launch."""
        if not (0 <= launch < len(self.launches) and 0 <= slot < len(self.launches[launch].args)):
            raise no_such_argument(launch, slot)
        kernel, args, grid = self.launches[launch]
        self.launches[launch] = Launch(kernel, [*args[:slot], value, *args[slot + 1 :]], grid)


def plain(recording: Recording) -> PlainRecording:
    """The recording as one of ours. Errors: DeviceError when another device made it."""
    if not isinstance(recording, PlainRecording):
        raise DeviceError(
            f"this device cannot run a {type(recording).__name__}",
            why="a recording runs only on the device that made it",
            mend="record the launches on this device",
        )
    return recording
