"""Indices that are looked at when something is read back: what `config.check_bounds` asks for.

A Guard is the least and greatest index that an operation was given, as a value that is computed with
whatever is realized next. A kernel clamps or leaves out what lies outside, so that memory is always safe; the
error comes with the first read-back behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from baregrad import dtype as dt
from baregrad.base.errors import IndexingError
from baregrad.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Guard:
    """`value` holds the least and greatest index (int64) of operation `what`, which are in low..size-1."""

    value: Value
    what: str
    axis: int
    size: int
    low: int

    def check(self, data: bytes) -> None:
        """Errors: IndexingError if one of them lies outside."""
        for found in map(int, dt.unpack(dt.int64, data)):
            if not self.low <= found < self.size:
                raise out_of_range(self.what, found, self.axis, self.size, self.low, self.value.line)


def out_of_range(what: str, found: int, axis: int, size: int, low: int, where: str = "") -> IndexingError:
    """The error of an index that names no element."""
    return IndexingError(
        f"{what}: index {found} of axis {axis} with size {size}",
        why=f"indices are in [{low}, {size - 1}]" if size else "the axis is empty",
        mend="give one of these",
        where=where,
    )


def check_guards(guards: Sequence[Guard]) -> None:
    """Look at guards whose values are in memory."""
    for guard in guards:
        own = guard.value.own
        assert own is not None, "guards are realized with what is read"
        guard.check(own.device.read(own.address, 16))
