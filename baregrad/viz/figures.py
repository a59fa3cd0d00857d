"""What a kernel has to do, read off its KERNEL graph: operations on floats, bytes of memory; and rates."""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base import memo
from baregrad.ir import UOp, ops


class Figures(NamedTuple):
    """Operations on floats, and bytes of the buffers that are read or written, each counted once."""

    flops: int
    nbytes: int

    def rates(self, seconds: float) -> str:
        """Both in a second, as text."""
        if seconds <= 0:
            return ""
        return f"{self.flops / seconds * 1e-9:.2f} GFLOP/s, {self.nbytes / seconds * 1e-9:.2f} GB/s"


@memo
def figures(ast: UOp) -> Figures:
    """The figures of a kernel before it is optimised: each op's flops, times the loops that it stands in."""
    flops = nbytes = 0
    loops: dict[UOp, frozenset[UOp]] = {}
    for node in ast.toposort():
        inside = frozenset().union(*(loops[source] for source in node.src))
        if node.op is ops.RANGE:
            inside |= {node}
        elif node.op is ops.PARAM:
            nbytes += int(node.arg[1]) * node.dtype.itemsize
        elif node.op is ops.REDUCE:
            flops += _times(inside | frozenset(node.src[1:])) if node.dtype.is_float else 0
            inside -= frozenset(node.src[1:])
        elif node.dtype.is_float and node.op.elementwise:
            flops += node.op.flops * _times(inside)
        loops[node] = inside
    return Figures(flops, nbytes)


def _times(loops: frozenset[UOp]) -> int:
    total = 1
    for loop in loops:
        size = loop.src[0]
        total *= int(size.arg) if size.op is ops.CONST else 1
    return total


def microseconds(seconds: float) -> str:
    """A time as text, in the unit that fits."""
    for limit, scale, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * scale:.1f} {unit}"
    return f"{seconds:.2f} s"
