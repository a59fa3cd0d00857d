"""One order of nodes that is the same in every run: what sums and products are sorted by.

Loop counters come first, outer ones before inner ones, then values by the outermost loop that they depend
on; ties go by a digest of the node's structure. Python's own hash and the order of creation would differ
from run to run.
"""

from __future__ import annotations

from hashlib import blake2b

from baregrad.ir import ops
from baregrad.ir.bounds import ranges_of
from baregrad.ir.uop import UOp

Key = tuple[int, int, int]
NO_LOOP = 1 << 60


def order_key(node: UOp) -> Key:
    """(kind of node, outermost loop, digest): to sort by."""
    found = node._key
    if found is not None:
        return found
    stack = [node]
    while stack:
        top = stack[-1]
        waiting = [source for source in top.src if source._key is None]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if top._key is None:
            top._key = _key(top)
    assert node._key is not None, "the loop above ends with the node itself"
    return node._key


def _key(node: UOp) -> Key:
    if node.op is ops.RANGE and isinstance(node.arg, tuple):
        return (0, node.arg[0], 0)
    numbers = [loop.arg[0] for loop in ranges_of(node)]
    text = f"{node.op.name} {node.dtype.name} {node.arg!r} {[source._key for source in node.src]}"
    digest = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return (2 if node.op is ops.CONST else 1, min(numbers, default=NO_LOOP), digest)
