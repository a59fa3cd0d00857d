"""Where the loops of a kernel stand in each other: a tree of Blocks from the dependences alone.

A closer (REDUCE or END) needs every other range that is open in its source outside of the ranges that it
closes; among the ranges it closes, a lower number is further out. From these pairs each range gets the set
of ranges outside of it; the sets of a well-formed kernel are chains, and the chain is the path of the
loop.
"""

from __future__ import annotations

from baregrad.base.errors import CompileError
from baregrad.ir import UOp, ops
from baregrad.kernel.facts import Facts


def outside(facts: Facts) -> dict[UOp, int]:
    """RANGE -> the mask of the loops that it stands in, for the ranges that are loops."""
    around: dict[UOp, int] = {r: 0 for r in facts.ranges if facts.bit[r] & facts.loops}
    for _ in range(len(around) + 1):
        before = dict(around)
        _close(facts, around)
        place = _positions(facts, around)
        _collect(facts, around, place)
        if around == before:
            return around
    raise CompileError(
        "loops that stand in each other",
        why="the ranges of this kernel have no nesting",
        mend="renumber them",
    )


def _close(facts: Facts, around: dict[UOp, int]) -> None:
    """What is outside of an outer loop is outside of the inner one too."""
    for r in around:
        for outer in facts.members(around[r]):
            around[r] |= around[outer]


def _positions(facts: Facts, around: dict[UOp, int]) -> dict[UOp, int]:
    """The mask of loops that each node stands in: those it depends on, and those around these (a reduce runs
    where its loop is).
    """
    place: dict[UOp, int] = {}
    loops = facts.loops
    for node in facts.order:
        if node.op is ops.RANGE:
            place[node] = (facts.bit[node] & loops) | around.get(node, 0)
            continue
        total = 0
        for s in node.src:
            total |= place[s]
        if node.op is ops.REDUCE or node.op is ops.END:
            total &= ~facts.closed(node)
        place[node] = total
    return place


def _collect(facts: Facts, around: dict[UOp, int], place: dict[UOp, int]) -> None:
    for node in facts.order:
        if node.op is not ops.REDUCE and node.op is not ops.END:
            continue
        closed = facts.closed(node) & facts.loops
        outer = place[node]
        for r in facts.members(closed):
            around[r] |= outer | (closed & (facts.bit[r] - 1))


def path(mask: int, around: dict[UOp, int], facts: Facts) -> list[UOp]:
    """The loops of a mask, outermost first; they must be a chain."""
    chain = sorted(facts.members(mask), key=lambda r: around[r].bit_count())
    before = 0
    for r in chain:
        if around[r] & mask != before:
            raise CompileError(
                f"loop {r.arg} stands beside another loop that its values need",
                why="each range has one place in the nest",
                mend="give the reduces ranges of their own",
            )
        before |= facts.bit[r]
    return chain
