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
SAME_LINES = 4096  # addresses so far apart fall on the same lines of a first cache
WAYS = 12  # how many such addresses it holds


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
    size = access.node.dtype.itemsize
    apart = {a: access.stride(a.name) * size for a in reduced if access.stride(a.name)}
    if masked(access):
        return True
    again = any(s < target.cache_line for s in apart.values())  # the next steps use the same lines
    if not again and any(s % SAME_LINES == 0 and (a.size or 0) > WAYS for a, s in apart.items()):
        return True
    return steps(access, reduced) * min(apart.values(), default=0) > target.l2_bytes


def masked(access: Access) -> bool:
    """Whether a load is switched off in places: its panel holds the zeros, and the tile's loop asks no
    more.
    """
    return len(access.node.src[0].src) > 2
