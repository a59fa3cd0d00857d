"""schedule: from wanted TENSOR values to kernels in order.

Where values are computed is decided in place.py, kernels are written in build.py; here buffers are given to
what is stored, items are put in order, and kernels that may write over an old version say so (donations).
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.base.walk import sources_first
from baregrad.ir import UOp, ops
from baregrad.schedule.build import Builder
from baregrad.schedule.cost import RATES, Rates
from baregrad.schedule.items import Item, NewBuffer, Schedule
from baregrad.schedule.kernels import Kernel
from baregrad.schedule.place import Placement, stored_as
from baregrad.schedule.split import split_reductions


def schedule(roots: Sequence[UOp], new_buffer: NewBuffer, *, rates: Rates = RATES) -> Schedule:
    """The items that compute the roots, in an order in which they can run.

    `new_buffer(shape, dtype)` makes a BUFFER with a number of its own, for a root or an intermediate
    value. All buffers lie on one device: copies have been made before. Cost: about 30 µs a node.
    """
    parts = split_reductions(roots, rates)
    placement = Placement(parts, rates)
    buffers = _give_buffers(parts, placement, new_buffer)
    _let_readers_go_first(placement)
    items: list[Item] = []
    stored: list[Sequence[UOp | None]] = []
    order = _ordered(placement.kernels)
    for kernel in order:
        builder = Builder(kernel, placement.indexer, buffers)
        ast = builder.sink()
        stored.append([None if output.index is not None else output.node for output in kernel.outputs])
        writes = tuple(range(len(kernel.outputs)))
        items.append(Item(ast, tuple(builder.buffers), writes, (), builder.variables))
    outputs = {root: buffers[stored_as(part)] for root, part in zip(roots, parts)}
    _donate(items, stored, placement, buffers, frozenset(outputs.values()))
    position = {kernel.number: place for place, kernel in enumerate(order)}
    decisions = [d._replace(item=position[d.item]) for d in placement.decisions if d.node in placement.homes]
    return Schedule(items, outputs, decisions)


class _Buffers(dict[UOp, UOp]):
    """Which buffer holds a stored node; a BUFFER holds itself."""

    def __missing__(self, node: UOp) -> UOp:
        assert node.op is ops.BUFFER, f"{node!r} was not stored"
        return node


def _give_buffers(roots: Sequence[UOp], placement: Placement, new_buffer: NewBuffer) -> _Buffers:
    """A buffer for each stored node; one that holds a root has the root's shape."""
    shapes = {stored_as(root): root.shape for root in reversed(roots)}
    buffers = _Buffers()
    for node in dict.fromkeys((*shapes, *placement.homes)):
        if node.op is not ops.BUFFER:
            buffers[node] = new_buffer(shapes.get(node, node.shape), node.dtype)
    return buffers


def _ordered(kernels: Sequence[Kernel]) -> list[Kernel]:
    """Kernels after those that they read from; otherwise the one made last comes first."""
    return sources_first(reversed(kernels), lambda k: sorted(k.reads, key=_number, reverse=True))


def _number(kernel: Kernel) -> int:
    return kernel.number


# -- writing over an old version -------------------------------------------------------------------


def _old_version(assign: UOp, placement: Placement) -> UOp:
    """The stored node that holds what an ASSIGN replaces: versions that nobody reads are not made."""
    version = assign.src[0]
    while version.op is ops.ASSIGN and stored_as(version) not in placement.homes:
        version = version.src[0]
    return stored_as(version)


def _let_readers_go_first(placement: Placement) -> None:
    """A kernel that makes a new version waits for other readers of the old one, if that is no circle."""
    for node, kernel in placement.homes.items():
        assign = _assign_of(node, placement)
        if assign is not None:
            kernel = placement.bases.get(node, kernel)
            readers = placement.readers(_old_version(assign, placement))
            for reader in sorted(readers - {kernel}, key=_number):
                if not reader.needs({kernel}):
                    kernel.reads.add(reader)


def _assign_of(node: UOp | None, placement: Placement) -> UOp | None:
    """The ASSIGN that a stored node is the new version of."""
    if node is None or node.op is ops.ASSIGN:
        return node
    return placement.scattered.get(node)


def _donate(
    items: list[Item],
    stored: list[Sequence[UOp | None]],
    placement: Placement,
    buffers: _Buffers,
    wanted: frozenset[UOp],
) -> None:
    """Find out which kernels may write a new version over the old one, which is not wanted itself."""
    last_read: dict[UOp, int] = {}
    for position, item in enumerate(items):
        for buffer in item.buffers[len(item.writes) :]:
            last_read[buffer] = position
    for position, item in enumerate(items):
        assigns = [_assign_of(node, placement) for node in stored[position]]
        olds = [(i, buffers[_old_version(a, placement)]) for i, a in enumerate(assigns) if a is not None]
        olds = [(slot, old) for slot, old in olds if last_read.get(old) == position and old not in wanted]
        if olds:
            donates = _donations(item, olds)
            items[position] = item._replace(donates=donates, copies=bool(donates) and _is_copy(item))


def _is_copy(item: Item) -> bool:
    """Whether a kernel only brings elements from one buffer to the same places of another."""
    store = item.ast.src[0].src[0]
    value = store.src[1]
    same = value.op is ops.LOAD and value.src[0].src[1:] == store.src[0].src[1:]
    return len(item.writes) == 1 and len(item.ast.src) == 1 and same and len(store.src) == 2


def _donations(item: Item, olds: list[tuple[int, UOp]]) -> tuple[tuple[int, int], ...]:
    """The pairs of one kernel, of (slot, old version) that nobody reads later."""
    loads = [node for node in item.ast.toposort() if node.op is ops.LOAD]
    pairs: dict[int, int] = {}
    for slot, old in olds:
        old_slot = item.buffers.index(old)
        if old_slot not in pairs and _reads_where_it_writes(item.ast.src[slot], loads, old_slot):
            pairs[old_slot] = slot
    return tuple((new, old) for old, new in pairs.items())


def _reads_where_it_writes(end: UOp, loads: list[UOp], old: int) -> bool:
    """Whether the old version is read only for the new one, each element by the iteration that writes it."""
    offset = end.src[0].src[0].src[1]
    mine = [load for load in loads if load.src[0].src[0].arg[0] == old]
    if any(load.src[0].src[1] is not offset for load in mine):
        return False
    return _are_below(end.src[0].src[1], set(mine))


def _are_below(root: UOp, wanted: set[UOp]) -> bool:
    """Whether all of the wanted nodes are found at or below a node."""
    seen = {root}
    todo = [root]
    while todo and wanted:
        node = todo.pop()
        wanted.discard(node)
        for source in node.src:
            if source not in seen:
                seen.add(source)
                todo.append(source)
    return not wanted
