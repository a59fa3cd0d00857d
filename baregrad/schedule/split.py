"""Large reductions to few elements take two steps: partial results side by side, then their reduction.

A sum of 16 million elements to one has no outer loop that threads could share. Here it becomes 128 sums of
131072 elements each, stored, and a sum of 128. TENSOR to TENSOR; cost.py says what is large and few.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from baregrad.ir import UOp, ops, toposort
from baregrad.schedule.cost import Rates

CHUNKS = 128  # partial results that are aimed at
MOST = 4096  # and no more than these


def split_reductions(roots: Sequence[UOp], rates: Rates) -> list[UOp]:
    """The roots with large reductions in two steps; the same nodes where there are none."""
    order = toposort(tuple(roots))
    if not any(node.op is ops.REDUCE and _is_large(node, rates) for node in order):
        return list(roots)
    new: dict[UOp, UOp] = {}
    for node in order:
        made = node.rebuild(tuple(new[source] for source in node.src))
        new[node] = _split(made) if node.op is ops.REDUCE and _is_large(node, rates) else made
    return [new[root] for root in roots]


def _is_large(node: UOp, rates: Rates) -> bool:
    shape = node.src[0].shape
    if not all(isinstance(size, int) for size in shape):
        return False
    total = prod(shape)
    return total >= rates.large and prod(node.shape) < rates.few and total >= 4 * MOST


def _split(node: UOp) -> UOp:
    """The reduction by way of partial results: one for each index of an axis, or of chunks of it."""
    x, (name, axes) = node.src[0], node.arg
    outputs = prod(node.shape)
    outer = next(axis for axis in axes if x.shape[axis] > 1)
    others = tuple(axis for axis in axes if axis != outer)
    if others and CHUNKS // 4 <= outputs * x.shape[outer] <= MOST:
        return x.reduce(name, others).contiguous().reduce(name, (outer,))
    axis = max(axes, key=lambda a: int(x.shape[a]))
    size = x.shape[axis]
    chunks = _divisor(size, max(1, CHUNKS // outputs), MOST // outputs)
    if chunks > 1:
        return _in_chunks(x, name, axes, axis, chunks).reshape(node.shape)
    chunks = max(1, CHUNKS // outputs)
    end = size - size % chunks  # a prime number of elements: the last few are reduced by themselves
    if end == size or not end:
        return node
    main, rest = (
        x.shrink(tuple(cut if a == axis else (0, n) for a, n in enumerate(x.shape)))
        for cut in ((0, end), (end, size))
    )
    first = _in_chunks(main, name, axes, axis, chunks).reshape(node.shape)
    return first.alu(ops.REDUCERS[name], rest.reduce(name, axes))


def _in_chunks(x: UOp, name: str, axes: tuple[int, ...], axis: int, chunks: int) -> UOp:
    """The reduction with one axis in chunks; an axis of size 1 more than the result should have."""
    parts = x.reshape((*x.shape[:axis], chunks, x.shape[axis] // chunks, *x.shape[axis + 1 :]))
    inner = tuple(a + (a >= axis) for a in axes)
    return parts.reduce(name, inner).contiguous().reduce(name, (axis,))


def _divisor(size: int, least: int, most: int) -> int:
    """The least divisor from `least` to `most`; 1 when there is none."""
    return next((d for d in range(max(least, 2), min(most, size // 2) + 1) if size % d == 0), 1)
