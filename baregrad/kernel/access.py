"""What the heuristic asks of a Shape: how loads and stores stride along each axis, how many lanes an
axis may have, work.
"""

from __future__ import annotations

from dataclasses import dataclass

from baregrad import dtype as dt
from baregrad.base.integers import ceil_div, prod
from baregrad.ir import UOp, bounds, ops
from baregrad.ir.decompose import width_within
from baregrad.kernel.axes import Shape, Source, Stage
from baregrad.kernel.facts import number, size_of
from baregrad.kernel.opts import ranges_mask
from baregrad.target import Target

ALU_A_LOAD = 8.0  # vector operations that take as long as GATHER's unit
FAR = 1 << 40  # stands for a stride that is not a constant


@dataclass(frozen=True, slots=True)
class Access:
    """A LOAD or STORE: its place among the loads (-1: a store), and its stride along each axis it
    depends on.
    """

    node: UOp
    load: int
    strides: dict[str, int]

    def stride(self, name: str) -> int:
        """The stride along an axis; 0 when it does not depend on it."""
        return self.strides.get(name, 0)


def accesses(shape: Shape) -> list[Access]:
    """All loads and stores, with their strides along the axes of a Shape that has no splits yet."""
    source, found = shape.source, []
    staged = {stage.load: stage for stage in shape.stages}
    for i, node in [*enumerate(source.loads), *((-1, s) for s in source.stores)]:
        if i in staged:
            found.append(Access(node, i, _in_panel(shape, staged[i])))
            continue
        mask = source.facts.mask[node.src[0]]
        strides = {}
        for axis in shape.axes:
            origin = shape.origin(axis.name)
            if ranges_mask(shape, axis.name) & mask:
                stride = source.stride(node, origin) if origin is not None else None
                strides[axis.name] = FAR if stride is None else stride
        found.append(Access(node, i, strides))
    return found


def _in_panel(shape: Shape, stage: Stage) -> dict[str, int]:
    """The strides of a load that reads a panel; along what the panel is filled anew for, there is none."""
    strides, mask = {}, shape.source.facts.mask[shape.source.loads[stage.load]]
    for axis in shape.axes:
        origin = shape.origin(axis.name)
        name = str(number(origin)) if origin is not None else ""
        if name in stage.panel:
            strides[axis.name] = prod(stage.sizes[stage.panel.index(name) + 1 :])
        elif ranges_mask(shape, axis.name) & mask:
            strides[axis.name] = FAR
    return strides


def lanes_of(shape: Shape, name: str, target: Target) -> int:
    """How many lanes an axis may have: what the widest dtype allows, if the narrowest, and the lanes'
    numbers as int32, still fill a vector; else 1.

    An axis that is shorter than a vector gets the shortest vector that holds it.
    """
    widths = _widths(shape.source, ranges_mask(shape, name), target)
    axis = shape.by_name[name]
    size = axis.most
    if not widths or not axis.known or not target.vector_bytes:
        return 1
    lanes = target.lanes(max(widths))
    least = ceil_div(target.least_vector_bytes, min(4, *widths))
    if lanes < least or lanes < 2:
        return 1
    while lanes // 2 >= max(size, least, 2):
        lanes //= 2
    return lanes


def _widths(source: Source, mask: int, target: Target) -> set[int]:
    """The bytes of all dtypes of values that depend on the ranges; index arithmetic that fits counts
    as int32.
    """
    found: set[int] = set()
    facts = source.facts
    for node in facts.order:
        if node.op in (ops.REDUCE, ops.STORE):  # accumulators and memory have their own dtype
            value = node.src[0] if node.op is ops.REDUCE else node.src[1]
            over = facts.mask[value] | facts.mask[node] | (facts.closed(node) if node.op is ops.REDUCE else 0)
            if over & mask and value.dtype is not dt.bool_:
                found.add(_width(value, target))
        if not facts.mask[node] & mask or node.dtype is dt.void:
            continue
        if node.op in (ops.CMPLT, ops.CMPLE) and node.src[0].dtype is dt.int64:
            found.update(_index_width(s) for s in node.src)
        if node.dtype is dt.bool_:
            continue
        if node.op in (ops.INDEX, ops.RANGE, ops.END):
            continue
        if node.dtype is dt.int64 and node.op not in (ops.LOAD, ops.CAST):  # neither is index arithmetic
            found.add(_index_width(node))
        else:
            found.add(_width(node, target))
    return found or {4}


def _width(node: UOp, target: Target) -> int:
    """The bytes of a lane of a value: dtypes that the target lacks are computed in 4 or more, and some
    functions in a wider one.
    """
    size = node.dtype.itemsize
    size = size if target.computes(node.dtype.name) else max(4, size)
    return max(size, width_within(node.op, target))


def _index_width(node: UOp) -> int:
    """The bytes of a lane of index arithmetic."""
    low, high = bounds(node)
    return 4 if low >= -(2**31) and high < 2**31 else 8


def arithmetic(source: Source) -> float:
    """What the arithmetic on one vector costs, in loads of vectors; that on indices is left out."""
    nodes = (n for n in source.facts.order if n.op.elementwise and n.dtype is not dt.int64)
    count = sum(max(1, n.op.flops) for n in nodes)
    return 1.0 + count / ALU_A_LOAD


def work(source: Source) -> int:
    """Roughly how many scalar operations a kernel takes."""
    facts, total = source.facts, 0
    sizes = [size_of(r) or max(bounds(r.src[0])[1], 1) for r in facts.ranges]
    for node in facts.order:
        cost = 1 if node.op in (ops.LOAD, ops.STORE) else node.op.flops if node.dtype.is_float else 0
        if node.op is ops.REDUCE:
            node = node.src[0]
            cost = 1
        if cost:
            count, mask = cost, facts.mask[node]
            for i, size in enumerate(sizes):
                if mask >> i & 1:
                    count *= size
            total += count
    return total
