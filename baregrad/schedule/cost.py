"""When a value is computed again and when it is stored: the constants, the estimates and the rule.

Nothing else decides.

Costs are counted in simple flops. A node is evaluated in contexts (kernel, place); a value stands in the
innermost loop that it depends on, so `evaluations` of a context are the sizes of the loops around it.
Evaluating a node more often than it has elements is recomputing; that is worth it while it is cheaper than
writing and reading the value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from baregrad.ir import UOp, ops
from baregrad.schedule.kernels import Context
from baregrad.schedule.views import elements

TILED = 64  # results of a product that may be added up at once, as windows of a convolution are
EXPENSIVE = 10  # flops of a function like exp, whose value is worth storing if it has several uses
LOOK = 64  # nodes that an estimate looks at


class Rates(NamedTuple):
    """What things cost, and the limits."""

    traffic: int = 32  # writing one element and reading it again
    load: int = 2  # reading one element more
    launch: int = 4096  # one more kernel
    large: int = 1 << 16  # elements from which a reduction is worth threads
    parallel: int = 32  # iterations that give threads and vectors enough to do
    few: int = 16  # results of a large reduction that are too few for threads: partial results come first
    joined: float = 1.5  # evaluations of an element of a reduction that becomes part of another one
    outputs: int = 8  # stores of a kernel that takes in others with the same loops
    cap: int = 400  # nodes of a kernel, functions by their flops, so that compile time stays linear


RATES = Rates()
STORED = frozenset((ops.BUFFER, ops.ASSIGN, ops.SCATTER))


class Costs:
    """Estimates over one graph.

    `kept` are the nodes that are realized anyway, `uses` how many nodes use one.
    """

    __slots__ = ("_apart", "_finished", "_products", "_sizes", "kept", "rates", "uses")

    def __init__(self, order: Iterable[UOp], kept: Iterable[UOp], uses: dict[UOp, int], rates: Rates) -> None:
        self.rates = rates
        self.kept = set(kept)
        self.uses = uses
        self._sizes: dict[UOp, int] = {}
        self._products: dict[UOp, bool] = {}
        self._finished: set[UOp] = set()
        self._apart: set[UOp] = set()  # has a user that needs its elements at other places
        for node in order:
            if self._finishes(node):
                self._finished.add(node)
            if not node.op.elementwise:
                self._apart.update(s for s in node.src if node.op is not ops.RESHAPE)

    def _finishes(self, node: UOp) -> bool:
        """Whether a node is a reduction's result, or ends a chain of single uses behind one, of its size.

        If such a value has to be stored, then here: the kernel that reduces writes what is wanted of it.
        """
        if node.op is ops.REDUCE:
            return self.size(node.src[0]) >= 8 * self.size(node)
        if not (node.op.elementwise or node.op in ops.MOVEMENT):
            return False
        size = self.size(node)
        return any(s in self._finished and self.uses[s] == 1 and self.size(s) == size for s in node.src)

    def size(self, node: UOp) -> int:
        """The number of elements of a node."""
        known = self._sizes.get(node)
        if known is None:
            known = self._sizes[node] = elements(node.shape)
        return known

    def reason_to_store(self, node: UOp, contexts: Sequence[Context]) -> str:
        """Why the value is to be stored and not computed where it is used; "" when it is not."""
        size = self.size(node)
        evaluations = sum(context.evaluations for context in contexts)
        if node.op is ops.REDUCE and self.size(node.src[0]) > size:
            reason = self._reduce(node, contexts, size, evaluations)
        elif evaluations > size:
            reason = self._again(node, contexts, size, evaluations)
        else:
            reason = ""
        if not reason and contexts[0].kernel.count >= self.rates.cap and self._small(node, size):
            return "kernel is large enough"
        return reason

    def _again(self, node: UOp, contexts: Sequence[Context], size: int, evaluations: int) -> str:
        flops, loads = self._cone(node, size)
        if flops + self.rates.load * loads <= self.rates.load and all(
            c.kernel.heavy is None for c in contexts
        ):
            return ""  # a comparison of indices, say, costs no more than loading it
        extra = (evaluations - size) * (flops + self.rates.load * max(loads - 1.0, 0.0))
        if extra > size * self.rates.traffic + self.rates.launch:
            return f"{evaluations} evaluations of {size} elements"
        return "the reduction below would be stored" if node in self._finished else ""

    def _reduce(self, node: UOp, contexts: Sequence[Context], size: int, evaluations: int) -> str:
        work = self.size(node.src[0])
        if evaluations <= self.rates.joined * size and self._joins(node, contexts, size):
            return ""
        if evaluations > size:
            extra = (evaluations - size) * (work // size) * (1 + self.rates.load)
            cheap = extra <= size * self.rates.traffic + self.rates.launch
            return "" if cheap else f"{evaluations} evaluations of {size} reductions"
        context = contexts[0]
        kernel = context.kernel
        if kernel.heavy is not None:
            return "a product runs alone"
        inside = context.deepest >= len(kernel.outer)
        if self.is_product(node):
            if kernel.groups:
                return "a product runs alone"
            return "what follows has other loops" if inside or kernel.total != size else ""
        few = self.rates.parallel
        if work >= self.rates.large and (
            (inside and kernel.total < few) or (size < few and kernel.total > size)
        ):
            return "few outer loops"
        return ""

    def _joins(self, node: UOp, contexts: Sequence[Context], size: int) -> bool:
        """Whether a reduction is to become part of those that take its result as it is.

        A product must keep outer loops for its tiles: few of its results may go into one element.
        """
        if any(context.joins != node.arg[0] for context in contexts):
            return False
        return size <= TILED * contexts[0].kernel.total or not self.is_product(node)

    def _cone(self, node: UOp, size: int) -> tuple[float, float]:
        """Flops and loads of one evaluation, down to what is, or will be, stored anyway."""
        flops = loads = 0.0
        seen = {node}
        todo = [node]
        while todo and len(seen) < LOOK:
            current = todo.pop()
            share = min(1.0, self.size(current) / size)
            if current is not node and self._is_stored(current):
                loads += share
                continue
            flops += current.op.flops * share
            for source in current.src:
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
        return flops, loads

    def _is_stored(self, node: UOp) -> bool:
        """Whether a node will be read from memory, as far as can be seen from above it."""
        if node.op in STORED or node in self.kept:
            return True
        if node.op is ops.REDUCE:
            return self.size(node.src[0]) > self.size(node)
        if self.uses[node] == 1:
            return False
        return (node in self._finished and node in self._apart) or node.op.flops >= EXPENSIVE

    def surroundings(self, node: UOp) -> tuple[set[UOp], object]:
        """The nearest LOOK nodes that a node is made of, and the shape and axes of the first reduction."""
        signature: object = None
        seen = {node}
        todo = deque(seen)
        while todo and len(seen) < LOOK:
            current = todo.popleft()
            if current.op is ops.REDUCE:
                if signature is not None:
                    continue  # most often stored elsewhere
                signature = (current.src[0].shape, current.arg[1])
            for source in current.src[1:] if current.op is ops.ASSIGN else current.src:
                if source not in seen and source.op is not ops.CONST:
                    seen.add(source)
                    todo.append(source)
        return seen, signature

    def is_product(self, node: UOp) -> bool:
        """Whether a REDUCE is large and reads elements many times, as matrix products and convolutions do."""
        known = self._products.get(node)
        if known is None:
            known = self._products[node] = self._find_product(node)
        return known

    def _find_product(self, node: UOp) -> bool:
        while True:  # a sum of sums is one sum
            work = self.size(node.src[0])
            if work < self.rates.large:
                return False
            leaves = self._operands(node)
            if len(leaves) > 1 and work > 4 * sum(self.size(leaf) for leaf in leaves):
                return True
            below = node.src[0]
            while below.op in ops.MOVEMENT:
                below = below.src[0]
            if below.op is not ops.REDUCE or below.arg[0] != node.arg[0]:
                return False
            node = below

    def reductions(self, node: UOp) -> list[UOp]:
        """The first reductions below a node that would be computed with it (in LOOK nodes)."""
        found: list[UOp] = []
        seen = {node}
        todo = [node]
        while todo and len(seen) < LOOK:
            current = todo.pop()
            if current.op is ops.REDUCE:
                found.append(current)
            elif current is node or not self._is_stored(current):
                sources = [source for source in current.src if source not in seen]
                seen.update(sources)
                todo.extend(sources)
        return found

    def _operands(self, node: UOp) -> list[UOp]:
        """The values under a REDUCE that are stored, or results of other reductions; scalars left out."""
        found: list[UOp] = []
        seen = {node}
        todo = list(node.src)
        while todo and len(seen) < LOOK:
            current = todo.pop()
            if current in seen:
                continue
            seen.add(current)
            if current.op in STORED or current.op is ops.REDUCE or current in self.kept:
                if self.size(current) > 1:
                    found.append(current)
            else:
                todo.extend(current.src)
        return found

    def _small(self, node: UOp, size: int) -> bool:
        """Whether a node has no more elements than what it is made of, unlike an outer product."""
        found = self._operands(node)
        return not found or size <= 2 * max(self.size(leaf) for leaf in found)
