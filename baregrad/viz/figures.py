"""What a kernel has to do, read off its KERNEL graph: operations on floats, bytes of memory; and rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from baregrad.base import memo
from baregrad.ir import Size, UOp, bound_to, most, ops, value_of


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
def figures(ast: UOp, variables: tuple[tuple[str, int], ...] = ()) -> Figures:
    """The figures of a kernel before it is optimised: each op's flops, times the loops that it stands in.

    Variables count with their values, and without one with the greatest.
    """
    values = dict(variables)
    flops = nbytes = 0
    loops: dict[UOp, frozenset[UOp]] = {}
    for node in ast.toposort():
        inside = frozenset().union(*(loops[source] for source in node.src))
        if node.op is ops.RANGE:
            inside |= {node}
        elif node.op is ops.PARAM:
            nbytes += _elements(node.arg[1], values) * node.dtype.itemsize
        elif node.op is ops.REDUCE:
            flops += _times(inside | frozenset(node.src[1:]), values) if node.dtype.is_float else 0
            inside -= frozenset(node.src[1:])
        elif node.dtype.is_float and node.op.elementwise:
            flops += node.op.flops * _times(inside, values)
        loops[node] = inside
    return Figures(flops, nbytes)


def _elements(size: Size, values: Mapping[str, int]) -> int:
    """The elements of a buffer."""
    bound = bound_to(size, values)
    known = isinstance(bound, int) or all(v.value is not None for v in bound.variables.values())
    return value_of(bound) if known else most(size)


def _times(loops: frozenset[UOp], values: Mapping[str, int]) -> int:
    total = 1
    for loop in loops:
        total *= _value(loop.src[0], values)
    return total


def _value(size: UOp, values: Mapping[str, int]) -> int:
    """The size of a loop."""
    if size.op is ops.CONST:
        return int(size.arg)
    if size.op is ops.VARIABLE:
        return int(values.get(size.arg[0], size.arg[2]))
    assert size.op.meaning is not None, "a size is arithmetic of variables and numbers"
    return int(size.op.meaning(*(_value(source, values) for source in size.src)))


def microseconds(seconds: float) -> str:
    """A time as text, in the unit that fits."""
    for limit, scale, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * scale:.1f} {unit}"
    return f"{seconds:.2f} s"
