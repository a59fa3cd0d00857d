"""Loops over what memory takes apart: a loop whose index is used as i // n and i % n becomes two loops.

A reshape of one axis to two (the heads of attention) leaves such divisions, through which nothing below sees
how far an access moves. With a loop for each part every index is a sum again. What is dense over both is
joined again by the optimiser. Not here: division of sums of loops, which remain.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops, simplify, toposort

LEAST = 8  # iterations of the inner loop, so that they fill a vector


def taken_apart(ends: tuple[UOp, ...], order: Sequence[UOp]) -> tuple[UOp, ...]:
    """The ENDs of a kernel with such loops split, innermost divisions first; `order` are all nodes."""
    while True:
        found = _divided(order)
        if not found:
            return ends
        ends = _split(ends, order, found)
        order = toposort(ends)


def _divided(order: Sequence[UOp]) -> dict[UOp, int]:
    """Loops whose index is divided by a divisor of their size, with the least such divisor."""
    found: dict[UOp, int] = {}
    for node in order:
        if node.op is not ops.IDIV and node.op is not ops.MOD:
            continue
        loop, by = node.src
        if loop.op is ops.RANGE and loop.src[0].op is ops.CONST and by.op is ops.CONST:
            n, size = by.arg, loop.src[0].arg
            if LEAST <= n < size and size % n == 0:
                found[loop] = min(n, found.get(loop, n))
    return found


def _split(ends: tuple[UOp, ...], order: Sequence[UOp], found: dict[UOp, int]) -> tuple[UOp, ...]:
    """Two loops in the place of each that was found; all loops get new numbers."""
    parts: dict[UOp, tuple[UOp, ...]] = {}
    done: dict[UOp, UOp] = {}
    number = 0
    for loop in sorted((node for node in order if node.op is ops.RANGE), key=lambda r: int(r.arg[0])):
        n = found.get(loop)
        kind = loop.arg[1]
        sizes = loop.src if n is None else (index(loop.src[0].arg // n), index(n))
        made = tuple(UOp(ops.RANGE, loop.dtype, (s,), (number + i, kind)) for i, s in enumerate(sizes))
        number += len(made)
        parts[loop] = made
        done[loop] = made[0] if n is None else made[0] * n + made[1]
    for node in order:
        if node in done:
            continue
        if node.op is ops.REDUCE or node.op is ops.END:
            loops = [part for loop in node.src[1:] for part in parts[loop]]
            done[node] = node.rebuild((done[node.src[0]], *loops))
        elif node.op is ops.STORE:
            serial = [part for loop in node.src[2:] for part in parts[loop]]
            done[node] = node.rebuild((*[done[s] for s in node.src[:2]], *serial))
        else:
            done[node] = node.rebuild(tuple([done[s] for s in node.src]))
    return simplify(UOp(ops.SINK, dt.void, tuple(done[end] for end in ends))).src
