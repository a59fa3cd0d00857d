"""Devices as the user sees them: which there are, which one is used, what it is and how full it is.

The devices themselves are in runtime; opening them once and keeping them is the engine's.
"""

from __future__ import annotations

from baregrad.engine import SESSION
from baregrad.runtime import DEVICES, TargetFacts, Usage


class Device:
    """An open device.

    >>> Device("reference").facts.arch
    'reference'
    """

    __slots__ = ("name",)

    def __init__(self, name: str = "") -> None:
        """Open a device, by default the one of new tensors. Errors: DeviceError for an unknown name."""
        self.name = name or SESSION.default_device()
        SESSION.device(self.name)

    @staticmethod
    def names() -> tuple[str, ...]:
        """The names that can be opened."""
        return tuple(DEVICES)

    @staticmethod
    def default() -> str:
        """The device of new tensors."""
        return SESSION.default_device()

    @property
    def sentence(self) -> str:
        """What it is, in a few words."""
        return DEVICES[self.name].sentence

    @property
    def facts(self) -> TargetFacts:
        """What its hardware is and has."""
        return SESSION.device(self.name).target_facts()

    @property
    def usage(self) -> Usage:
        """How much of its memory is in use, in bytes."""
        return SESSION.device(self.name).usage()

    def wait(self) -> None:
        """Return when everything that was started on it is done."""
        SESSION.device(self.name).wait()

    def __repr__(self) -> str:
        return f"Device({self.name!r})"
