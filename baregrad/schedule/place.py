"""The walk from what is wanted to the inputs: which kernel evaluates which node, at which indices.

Consumers come first. A node gets a Context from each consumer: the kernel and the indices at which it is
needed there; equal ones are one. Then it is either computed in all of its contexts, or stored: by a kernel
of its own, by the kernel of a consumer that needs each element just where it would be made, or by a kernel
with the same loops over the same inputs. Movement ops only change indices (views.py); cost.py decides. What
comes out is built in build.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad import dtype as dt
from baregrad.base.walk import sources_first
from baregrad.ir import Size, UOp, bounds_of, ops
from baregrad.schedule.cost import Costs, Rates
from baregrad.schedule.indexing import ZERO, Indexer
from baregrad.schedule.items import Decision
from baregrad.schedule.kernels import Context, Kernel
from baregrad.schedule.views import SOURCE_INDICES, Place

SAME_VALUES = frozenset(
    (ops.RESHAPE, ops.EXPAND, ops.PERMUTE, ops.SHRINK, ops.FLIP, ops.DETACH, ops.CONTIGUOUS)
)
PASSING = frozenset((ops.RESHAPE, ops.DETACH, ops.CONTIGUOUS))  # the same elements in the same order
MOST_NESTED = 4  # divisions in divisions of an index
SIBLINGS = 8  # how many kernels with the same loops are looked at


def stored_as(node: UOp) -> UOp:
    """The node whose memory holds this one's elements: what is under reshapes; of a new version that is a
    SCATTER the SCATTER, whose buffer is its own.
    """
    while True:
        if node.op in PASSING and not is_apart(node):
            node = node.src[0]
        elif node.op is ops.ASSIGN and node.src[1].shape == node.shape:
            value = stored_as(node.src[1])
            if value.op is not ops.SCATTER:
                return node
            node = value
        else:
            return node


def is_apart(node: UOp) -> bool:
    """Whether a node has memory of its own even where its elements lie in memory already: it has a number."""
    return node.op is ops.CONTIGUOUS and node.arg is not None


def values(node: UOp) -> tuple[UOp, ...]:
    """The sources whose values a node needs: the old version of an ASSIGN is only a name of memory."""
    return node.src[1:] if node.op is ops.ASSIGN else node.src


class Placement:
    """The plan of one schedule: kernels with their contexts, and where each stored node is made (`homes`).

    `bases` are the kernels that make the base of a SCATTER, `scattered` the ASSIGN whose new version it is.
    """

    __slots__ = (
        "_by_sizes",
        "_contexts",
        "_found",
        "_wanted",
        "bases",
        "costs",
        "decisions",
        "homes",
        "indexer",
        "kernels",
        "scattered",
    )

    def __init__(self, roots: Sequence[UOp], rates: Rates) -> None:
        order = sources_first(roots, values)
        _check_devices(order)
        uses: dict[UOp, int] = dict.fromkeys(roots, 1)
        self._wanted = {stored_as(root) for root in roots}
        kept = set(self._wanted)
        self.scattered: dict[UOp, UOp] = {}
        self.bases: dict[UOp, Kernel] = {}
        for node in order:
            for source in dict.fromkeys(values(node)):
                uses[source] = uses.get(source, 0) + 1
            if node.op is ops.ASSIGN:
                held = stored_as(node)
                kept.add(held)
                if held is not node:
                    self.scattered.setdefault(held, node)
            elif node.op is ops.CONTIGUOUS:
                kept.add(stored_as(node if is_apart(node) else node.src[0]))
        self.indexer = Indexer()
        self.costs = Costs(order, kept, uses, rates)
        self.homes: dict[UOp, Kernel] = {}
        self.kernels: list[Kernel] = []
        self.decisions: list[Decision] = []
        self._contexts: dict[UOp, list[Context]] = {}
        self._found: dict[tuple[UOp, Kernel, Place], Context] = {}
        self._by_sizes: dict[tuple[object, ...], list[Kernel]] = {}
        for node in reversed(order):
            self._visit(node)
        self._drop_unread()

    def _drop_unread(self) -> None:
        """Take back the stores of what is used only in the kernel that makes it."""
        for node, kernel in list(self.homes.items()):
            if node not in self._wanted and not any(
                context.loaded for context in self._contexts.get(node, ())
            ):
                kernel.outputs = [output for output in kernel.outputs if output.node is not node]
                del self.homes[node]

    def readers(self, node: UOp) -> set[Kernel]:
        """The kernels that load a stored node or a BUFFER."""
        return {context.kernel for context in self._contexts.get(node, ()) if context.loaded}

    # -- one node ----------------------------------------------------------------------------------

    def _visit(self, node: UOp) -> None:
        contexts = self._contexts.get(node, [])
        kept = node in self.costs.kept
        if 0 in node.shape or not (contexts or node in self._wanted):
            return
        if node.op is ops.BUFFER:
            for context in contexts:
                context.loaded = True
            return
        if node.op is ops.SCATTER:
            self._scatter(node, contexts)
            return
        reason = "wanted" if kept else self._reason(node, contexts)
        if reason:
            contexts = self._store(node, contexts, reason)
        for context in contexts:
            self._push(context)

    def _reason(self, node: UOp, contexts: list[Context]) -> str:
        """Why a node is stored; "" when it is not."""
        if node.op is ops.CONST:
            return ""
        if node.op.elementwise or node.op is ops.REDUCE or node.op is ops.GATHER:
            return self.costs.reason_to_store(node, contexts)
        if node.op is ops.RESHAPE and self._is_tangled(contexts):
            return "indices are tangled"
        return ""

    def _is_tangled(self, contexts: list[Context]) -> bool:
        """Whether divisions of divisions have piled up: a copy is cheaper than such indices."""
        nested = self.indexer.nested
        return any(nested(index) > MOST_NESTED for context in contexts for index in context.place.indices)

    def _store(self, node: UOp, contexts: list[Context], reason: str) -> list[Context]:
        """Give the node a place in memory; the contexts that compute it are returned, the others load it."""
        made = self._joined(node, contexts) or self._sibling(node, contexts) or self._own(node)
        kernel = made.kernel
        made.joins = ""  # its memory is another use
        kernel.outputs.append(made)
        self.homes[node] = kernel
        self.decisions.append(Decision(node, kernel.number, reason))
        for context in contexts:
            if context is not made:
                context.loaded = True
                context.kernel.reads.add(kernel)
        return [made]

    def _scatter(self, node: UOp, readers: list[Context]) -> None:
        """Two kernels that write one buffer: the base, and then the values, one after another."""
        base, places, values_ = node.src
        made = Context(node, *self._bare(node.shape), -1)
        made.sources = (self._context(base, made.kernel, made.place, made),)
        made.deepest = len(made.kernel.outer) - 1
        made.kernel.outputs.append(made)
        self.bases[node] = made.kernel
        if 0 not in places.shape:
            put = Context(node, *self._bare(places.shape, node.arg[0]), -1)
            kernel, place = put.kernel, put.place
            kernel.heavy = node  # its loops run in order: reductions are better off elsewhere
            kernel.reads.add(made.kernel)
            put.place, put.index = self._chosen(node.arg[0], base.shape, places, put)
            put.sources = (self._context(values_, kernel, place, put), put.index)
            put.deepest = len(kernel.outer) - 1
            kernel.outputs.append(put)
            made = put
        self.homes[node] = made.kernel
        self.decisions.append(Decision(node, made.kernel.number, "values are scattered"))
        for context in readers:
            context.loaded = True
            context.kernel.reads.add(made.kernel)

    def _bare(self, shape: tuple[Size, ...], serial: int = -1) -> tuple[Kernel, Place]:
        """A kernel that takes in nothing else, and the place of its loops."""
        kernel = Kernel(len(self.kernels), shape, serial)
        self.kernels.append(kernel)
        return kernel, Place(kernel.indices)

    def _own(self, node: UOp) -> Context:
        """A kernel for the node alone."""
        kernel = Kernel(len(self.kernels), node.shape)
        self.kernels.append(kernel)
        kernel.near, kernel.signature = self.costs.surroundings(node)
        kernel.reductions = set(self.costs.reductions(node))
        self._by_sizes.setdefault(kernel.sizes(), []).append(kernel)
        return self._context(node, kernel, Place(kernel.indices), None)

    def _joined(self, node: UOp, contexts: list[Context]) -> Context | None:
        """The context in a kernel that needs each element in the iteration that would make it."""
        below = set(self.costs.reductions(node))
        for context in contexts:
            kernel = context.kernel
            loops = kernel.loops_of(context.place, node.shape, self.costs.size(node), self.indexer)
            if loops < min(1, len(kernel.outer)) or (loops < len(kernel.outer) and kernel.heavy is not None):
                continue
            if self._is_crowded(kernel.reductions, below) or not self._may_make(kernel, contexts, context):
                continue
            kernel.reductions |= below
            return context
        return None

    def _is_crowded(self, there: set[UOp], more: set[UOp]) -> bool:
        """Whether a product would share a kernel with another reduction."""
        together = there | more
        return bool(more) and len(together) > 1 and any(map(self.costs.is_product, together))

    def _may_make(self, kernel: Kernel, contexts: list[Context], but: Context | None) -> bool:
        """Whether the kernel may store a node that these contexts read: it must not wait for any of them."""
        others = {context.kernel for context in contexts if context is not but}
        return (
            kernel not in others
            and kernel.count < self.costs.rates.cap
            and not (others and kernel.needs(others))
        )

    def _sibling(self, node: UOp, contexts: list[Context]) -> Context | None:
        """A place in a kernel that runs the same loops over the same inputs."""
        sizes = tuple(size for size in node.shape if not (type(size) is int and size == 1))
        found = self._by_sizes.get(sizes)
        if not found or any(map(self.costs.is_product, self.costs.reductions(node))):
            return None
        near, signature = self.costs.surroundings(node)
        least = self.costs.size(node)
        for kernel in found[-SIBLINGS:]:
            if kernel.heavy is not None or kernel.signature != signature or self._is_full(kernel):
                continue
            if least > 1 and not any(self.costs.size(shared) >= least for shared in near & kernel.near):
                continue
            if self._may_make(kernel, contexts, None):
                kernel.near |= near
                outer = iter(kernel.outer)
                indices = tuple(ZERO if type(s) is int and s == 1 else next(outer) for s in node.shape)
                return self._context(node, kernel, Place(indices), None)
        return None

    def _is_full(self, kernel: Kernel) -> bool:
        return len(kernel.outputs) >= self.costs.rates.outputs

    # -- from a node to its sources ----------------------------------------------------------------

    def _context(
        self, node: UOp, kernel: Kernel, place: Place, consumer: Context | None, bit: int = 0
    ) -> Context:
        """The context of a node at a place, made when it is not there yet."""
        key = (node, kernel, place)
        context = self._found.get(key)
        if context is None:
            deepest = -1
            for index in place.indices:
                deepest = max(deepest, self.indexer.deepest(index))
            for condition in place.conditions:
                deepest = max(deepest, self.indexer.deepest(condition))
            context = self._found[key] = Context(node, kernel, place, deepest)
            self._contexts.setdefault(node, []).append(context)
            context.joins = _joining(consumer, place)
        elif context.joins and context.joins != _joining(consumer, place):
            context.joins = ""
        context.after |= bit | (consumer.after if consumer is not None else 0)
        return context

    def _push(self, context: Context) -> None:
        """Hand the indices on to the sources."""
        node, kernel, place = context.node, context.kernel, context.place
        view = SOURCE_INDICES.get(node.op)
        if view is not None:
            inner = view(self.indexer, node, place)
            if inner is not None and 0 not in node.src[0].shape:
                context.sources = (self._context(node.src[0], kernel, inner, context),)
        elif node.op is ops.REDUCE:
            self._push_reduce(context)
        elif node.op is ops.GATHER:
            x, index = node.src
            at, chosen = self._chosen(node.arg, x.shape, index, context)
            context.sources = (self._context(x, kernel, at, context), chosen)
            kernel.count += node.op.flops
        else:
            scalar = Place((), place.conditions)
            context.sources = tuple(
                self._context(source, kernel, place if source.shape else scalar, context)
                for source in values(node)
            )
            kernel.count += max(1, node.op.flops)

    def _chosen(self, axis: int, shape: tuple[Size, ...], index: UOp, to: Context) -> tuple[Place, Context]:
        """A place with an index that is a value on one axis, and the context of that value."""
        place, size = to.place, shape[axis]
        at = place
        while index.op in SAME_VALUES:  # what stands for it depends on no more loops than it does
            inner = SOURCE_INDICES[index.op](self.indexer, index, at)
            assert inner is not None, "these views reach all of their result"
            index, at = index.src[0], inner
        context = self._context(index, to.kernel, at, to)
        if type(size) is int and size == 1:
            chosen = ZERO
        else:
            chosen = UOp(ops.CHOSEN, dt.int64, (*at.indices, *at.conditions), (index, size))
            to.kernel.chosen[chosen] = context
        indices = (*place.indices[:axis], chosen, *place.indices[axis + 1 :])
        return Place(indices, place.conditions), context

    def _push_reduce(self, context: Context) -> None:
        """New or shared loops for the axes that are reduced; an axis of size 0 leaves the identity alone."""
        node, kernel, place = context.node, context.kernel, context.place
        shape = node.src[0].shape
        axes = [axis for axis in node.arg[1] if not (type(shape[axis]) is int and shape[axis] == 1)]
        if 0 in shape:
            return
        inner, bit = place, 0
        if axes:
            starts = self._narrowed(node, place, axes)
            indices = list(place.indices)
            axes = [axis for axis in axes if axis not in starts or starts[axis][1] > 1]
            sizes = tuple(starts[axis][1] if axis in starts else shape[axis] for axis in axes)
            chosen = frozenset[UOp]().union(*map(self.indexer.chosen, (*place.indices, *place.conditions)))
            group = kernel.group(sizes, context, chosen)
            for axis, counter in zip(axes, group.ranges):
                indices[axis] = counter
            for axis, (first, few, direction) in starts.items():
                counter = indices[axis] if few > 1 else ZERO
                indices[axis] = self.indexer.combine(0, (1, direction), (first, counter))
            inner, bit = Place(tuple(indices), place.conditions), group.bit
            context.ranges = group.ranges
            if self.costs.is_product(node):
                kernel.heavy = node
        context.sources = (self._context(node.src[0], kernel, inner, context, bit),)
        kernel.count += 1

    def _narrowed(self, node: UOp, place: Place, axes: list[int]) -> dict[int, tuple[UOp, int, int]]:
        """Of a sum over a view: axes of which few positions lie inside, as (first, how many, direction).

        The gradient of windows with a stride sums over all windows, though a few cover an element: those r
        with 0 <= offset + step * r < size, where the offset is known outside of the loop.
        """
        view = node.src[0]
        found: dict[int, tuple[UOp, int, int]] = {}
        if view.op is not ops.VIEW or node.arg[0] != "add":
            return found
        rows = list(zip(view.arg[1], view.src[0].shape))
        for axis in axes:
            count = view.shape[axis]
            alone = tuple(int(i == axis) for i in range(view.ndim))
            if ((0, alone), count) not in rows:  # what lies outside of the axis itself must be found to be 0
                continue
            for (begin, steps), size in rows:
                step = steps[axis]
                if not step or not isinstance(size, int) or any(steps[a] for a in axes if a != axis):
                    continue
                few = (size - 1) // abs(step) + 1
                if 2 * few <= bounds_of(count)[0] and steps != alone:
                    offset = self.indexer.combine(
                        begin, (*steps[:axis], 0, *steps[axis + 1 :]), place.indices
                    )
                    first = self.indexer.divmod(offset, abs(step))[0]
                    if step > 0:
                        first = self.indexer.reflect(first, 1)  # 1 - 1 - first
                    found[axis] = (first, few, 1 if step > 0 else -1)
                    break
        return found


def _check_devices(order: Sequence[UOp]) -> None:
    """Kernels run where their buffers lie, so copies between devices have been made before."""
    devices = {node.arg.devices for node in order if node.op is ops.BUFFER}
    assert len(devices) < 2, f"a schedule is for one device, and these values lie on {sorted(devices)}"
    assert all(node.op is not ops.COPY for node in order), "a copy is made before what reads it is scheduled"


def _joining(consumer: Context | None, place: Place) -> str:
    """The name of the reduction that takes the value as it is; padding is nothing to a sum only."""
    if consumer is None:
        return ""
    if consumer.ranges:
        return str(consumer.node.arg[0])
    if consumer.node.op in SOURCE_INDICES and (
        consumer.joins == "add" or len(place.conditions) == len(consumer.place.conditions)
    ):
        return consumer.joins
    return ""
