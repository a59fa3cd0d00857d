"""What the emitters share while one kernel is lowered: the facts, the blocks, and the Nodes of each KERNEL
node's instances.

A node that depends on unrolled ranges has one Node for each combination of their constants, in
lexicographic order by range number; `project` says which instance of a source belongs to which instance of
its reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, bounds, ops
from baregrad.kernel.affine import Affine, affine
from baregrad.kernel.facts import Facts, static_size
from baregrad.lower.loops import outside, path
from baregrad.lower.node import Block, Builder, Node
from baregrad.target import Target

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


class Context:
    """One kernel on its way down."""

    __slots__ = (
        "_affines", "_combos", "_projections", "around", "blocks", "build", "facts", "nodes", "target",
    )  # fmt: skip

    def __init__(self, sink: UOp, target: Target) -> None:
        self.facts = Facts(sink)
        self.target = target
        self.build = Builder()
        self.nodes: dict[UOp, list[Node]] = {}
        self.around = outside(self.facts)
        self.blocks: dict[UOp, Block] = {}
        self._affines: dict[UOp, Affine] = {}
        self._combos: dict[int, list[tuple[int, ...]]] = {}
        self._projections: dict[tuple[int, int], list[int]] = {}
        for r in sorted(self.around, key=lambda r: self.around[r].bit_count()):
            self._make_block(r)

    def _make_block(self, r: UOp) -> None:
        chain = path(self.around[r], self.around, self.facts)
        block = Block(self.blocks[chain[-1]] if chain else self.build.root, r, None)
        block.counter = Node(ops.RANGE, dt.int64, (), None, 0, block)
        block.counter.loop = block
        self.blocks[r] = block

    # -- instances ---------------------------------------------------------------------------------

    def unrolled(self, node: UOp) -> int:
        """The mask of the unrolled ranges that a node depends on."""
        return self.facts.mask[node] & self.facts.instances

    def combos(self, mask: int) -> list[tuple[int, ...]]:
        """All combinations of the constants of the unrolled ranges of a mask, in order."""
        found = self._combos.get(mask)
        if found is None:
            found = [()]
            for r in self.facts.members(mask):
                found = [(*before, i) for before in found for i in range(static_size(r))]
            self._combos[mask] = found
        return found

    def project(self, inner: int, outer: int) -> list[int]:
        """For each combination of `outer`, the position of its part in `inner`'s combinations (inner is a
        part of outer).
        """
        key = (inner, outer)
        found = self._projections.get(key)
        if found is None:
            kept = [i for i, r in enumerate(self.facts.members(outer)) if self.facts.bit[r] & inner]
            place = {combo: i for i, combo in enumerate(self.combos(inner))}
            found = self._projections[key] = [place[tuple(c[i] for i in kept)] for c in self.combos(outer)]
        return found

    def instances(self, node: UOp, mask: int) -> Sequence[Node]:
        """The Nodes of a source, one for each combination of the reader's unrolled ranges."""
        nodes = self.nodes[node]
        own = self.facts.mask[node] & self.facts.instances
        return nodes if own == mask else [nodes[i] for i in self.project(own, mask)]

    # -- lanes -------------------------------------------------------------------------------------

    def lane_range(self, mask: int) -> UOp | None:
        """The one range of a mask that runs over lanes."""
        members = self.facts.members(mask & self.facts.lanes)
        if len(members) > 1:
            raise CompileError(
                f"a value over two vector ranges, {members[0].arg} and {members[1].arg}",
                why="a vector has one axis of lanes",
                mend="make one of them a loop or unroll it",
            )
        return members[0] if members else None

    def lanes(self, mask: int) -> int:
        """How many lanes a value with these ranges has; 0 for a scalar."""
        found = self.lane_range(mask)
        return static_size(found) if found is not None else 0

    def affine(self, node: UOp) -> Affine:
        """The affine form of an index expression."""
        return affine(node, self._affines)

    def narrow(self, nodes: Iterable[UOp]) -> bool:
        """Whether int32 holds the values of all of the integer nodes."""
        for node in nodes:
            low, high = bounds(node)
            if low < INT32_MIN or high > INT32_MAX:
                return False
        return True
