"""Calling conventions of x86-64 as rows: where arguments are, what a function gives back as it was, its
stack.

A kernel is a function of two arguments, the argument block and the item of the grid, that calls nothing. A
target's row names its convention. What is not here: the frame that follows from a row (abi.py).

Source: System V ABI, AMD64 supplement, 3.2; Microsoft x64 calling convention, x64 stack usage and prolog.
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.isa.form import Reg
from baregrad.target import Target


class Convention(NamedTuple):
    """One row. Registers by number: `arguments` in order, `saved` general registers and `saved_vectors`, of
    which the lowest 128 bits are kept. `gprs` are given out in this order, the saved ones last; so are
    vectors. `shadow` bytes above the return address are the callee's to use; with `probe` a
    frame of more bytes than that touches its pages one after the other, as the system wants it.
    """

    name: str
    arguments: tuple[int, ...]
    saved: frozenset[int]
    gprs: tuple[int, ...]
    saved_vectors: frozenset[int] = frozenset()
    shadow: int = 0
    probe: int = 0

    def argument(self, place: int) -> Reg:
        """The register of an argument."""
        return Reg("gpr", self.arguments[place])


# rax, rcx, rdx are wanted by div, mul and shifts: others first, then arguments, then the saved ones
# fmt: off
CONVENTIONS: dict[str, Convention] = {row.name: row for row in (
    Convention("system-v", arguments=(7, 6), saved=frozenset((3, 5, 12, 13, 14, 15)),
               gprs=(8, 9, 10, 11, 1, 0, 2, 6, 7, 3, 14, 15, 12, 13, 5)),
    Convention("windows", arguments=(1, 2), saved=frozenset((3, 5, 6, 7, 12, 13, 14, 15)),
               gprs=(8, 9, 10, 11, 0, 1, 2, 6, 7, 3, 14, 15, 12, 13, 5),
               saved_vectors=frozenset(range(6, 16)), shadow=32, probe=4096),
)}
# fmt: on
"""Every convention by its name."""


def convention_of(target: Target) -> Convention:
    """The convention that a target's row names."""
    return CONVENTIONS[target.convention]
