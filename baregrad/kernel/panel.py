"""Which loads are worth a panel in scratch memory, and how wide it may be.

A panel is copied once and read by every row of a tile, in the order in which it is used. It pays
where lanes would have to be gathered, and where the rows of the operand lie so far apart that
together they pass the second cache.
"""

from __future__ import annotations

from baregrad.base.integers import prod
from baregrad.kernel.access import FAR, Access
from baregrad.kernel.axes import Axis
from baregrad.target import Target

LEAST_ROWS = 32  # rows that share a panel


def steps(access: Access, reduced: list[Axis]) -> int:
    """How many elements of a reduce a load takes part in with places of its own."""
    return prod(axis.size or 16 for axis in reduced if axis.name in access.strides)


def widest(access: Access, reduced: list[Axis], target: Target) -> int:
    """How many elements wide a panel may be to fit scratch memory."""
    return target.local_bytes // (access.node.dtype.itemsize * steps(access, reduced))


def wanted(access: Access, lane: str, rows: int, reduced: list[Axis], target: Target) -> bool:
    """Whether a load is worth a panel when its lanes run along an axis and so many rows share it."""
    if (
        rows < LEAST_ROWS
        or access.stride(lane) in (0, FAR)
        or any(access.stride(a.name) == FAR for a in reduced)
    ):
        return False
    if access.stride(lane) != 1:
        return True
    apart = min((access.stride(a.name) for a in reduced if access.stride(a.name)), default=0)
    return steps(access, reduced) * apart * access.node.dtype.itemsize > target.l2_bytes
