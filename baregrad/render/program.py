"""Program: what a renderer gives, and all that a device needs to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


def no_listing() -> str:
    """The listing of a program that was not rendered here (it came from a cache)."""
    return ""


@dataclass(frozen=True, slots=True)
class Program:
    """Code for one kernel: position-independent, called as f(argument block, grid item) once for each grid
    item.

    `code` begins at its entry and has its constants behind it, aligned to 64 bytes from the code's start: it
    must be placed at a multiple of 64. `slots` is how many pointers the argument block has.
    """

    name: str
    code: bytes
    grid: int
    slots: int
    make_listing: Callable[[], str] = field(default=no_listing, compare=False, repr=False)

    @property
    def listing(self) -> str:
        """The assembly as text; made when it is asked for."""
        return self.make_listing()
