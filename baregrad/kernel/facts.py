"""What every pass asks of a kernel: its nodes in order, and which ranges each node is inside of, as bit
masks.

Masks are ints, one bit a RANGE in the order of the range numbers: a union is one machine-speed `|` and
kernels have few ranges. Nothing here rewrites. Index expressions are in affine.py.
"""

from __future__ import annotations

from baregrad.ir import UOp, ops, toposort

PARALLEL = frozenset(("grid", "loop", "vector", "unroll"))
LANES = frozenset(("vector", "reduce_vector"))
INSTANCES = frozenset(("unroll", "reduce_unroll"))
LOOPS = frozenset(("loop", "serial", "reduce"))


class Facts:
    """One walk over a kernel.

    order   all nodes, sources first.
    ranges  the RANGE nodes by number: bit i of a mask is ranges[i].
    mask    node -> the ranges that are open in it (a REDUCE or END closes its own).
    bit     RANGE -> its bit.
    lanes, instances, loops   masks of all ranges of these kinds; ranges of constant size 1 are not loops.
    """

    __slots__ = ("bit", "instances", "lanes", "loops", "mask", "order", "ranges", "sink")

    def __init__(self, sink: UOp) -> None:
        self.sink = sink
        self.order = toposort((sink,))
        self.ranges = sorted((n for n in self.order if n.op is ops.RANGE), key=number)
        self.bit = {r: 1 << i for i, r in enumerate(self.ranges)}
        self.lanes = self._of(LANES)
        self.instances = self._of(INSTANCES)
        self.loops = self._of(LOOPS)
        self.mask: dict[UOp, int] = {}
        for node in self.order:
            self.mask[node] = self._open(node)

    def _of(self, kinds: frozenset[str]) -> int:
        total = 0
        for r in self.ranges:
            if r.arg[1] in kinds and size_of(r) != 1:
                total |= self.bit[r]
        return total

    def _open(self, node: UOp) -> int:
        mask = self.mask
        if node.op is ops.RANGE:
            return self.bit[node]
        total = 0
        for s in node.src:
            total |= mask[s]
        if node.op is ops.REDUCE or node.op is ops.END:
            total &= ~self.closed(node)
        return total

    def closed(self, node: UOp) -> int:
        """The ranges that a REDUCE or END closes."""
        total = 0
        for r in node.src[1:]:
            total |= self.bit[r]
        return total

    def members(self, mask: int) -> list[UOp]:
        """The RANGE nodes of a mask, by number."""
        return [r for i, r in enumerate(self.ranges) if mask >> i & 1]


def number(node: UOp) -> int:
    """The number of a RANGE."""
    return int(node.arg[0])


def size_of(node: UOp) -> int | None:
    """The size of a RANGE when it is a constant."""
    size = node.src[0]
    return int(size.arg) if size.op is ops.CONST else None


def static_size(node: UOp) -> int:
    """The size of a RANGE that must be a constant (lanes, instances)."""
    size = size_of(node)
    assert size is not None, f"{node!r} needs a constant size"
    return size
