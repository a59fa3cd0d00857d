"""From planned kernels to KERNEL graphs: the value of each context, once, then stores, ends and the SINK.

Slots are numbered here: the stored buffers first, then the loaded ones in the order of their first use, then
the variables by name.
Nothing is decided here; see place.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from baregrad import dtype as dt
from baregrad.base.walk import sources_first
from baregrad.ir import Size, UOp, bounds, const, ops, ranges_of, size_node, toposort
from baregrad.schedule.apart import taken_apart
from baregrad.schedule.indexing import Indexer
from baregrad.schedule.kernels import Context, Kernel

EXACT = 1 << 24  # counts up to it are exact in every dtype of 32 bits
ZERO_KEEPING = frozenset((ops.CAST,))  # ops of 0 that are 0 again


def identity(node: UOp) -> UOp:
    """What a reduction of nothing gives."""
    name = node.arg[0]
    if name in ("add", "mul"):
        return const(int(name == "mul"), node.dtype)
    return const(node.dtype.min if name == "max" else node.dtype.max, node.dtype)


class Builder:
    """Builds one kernel. `buffer_of` says which buffer holds a stored node."""

    __slots__ = ("_buffer_of", "_indexer", "_kernel", "_slots", "buffers", "variables")

    def __init__(self, kernel: Kernel, indexer: Indexer, buffer_of: dict[UOp, UOp]) -> None:
        self._kernel, self._indexer, self._buffer_of = kernel, indexer, buffer_of
        self._slots: dict[UOp, int] = {}
        self.buffers: list[UOp] = []
        self.variables: tuple[str, ...] = ()
        for output in kernel.outputs:
            self._param(buffer_of[output.node])

    def sink(self) -> UOp:
        """The kernel."""
        self._evaluate()
        ends: list[UOp] = []
        for slot, output in enumerate(self._kernel.outputs):
            offset = self._indexer.flatten(output.place.indices, output.node.shape)
            loops = self._kernel.outer[: output.deepest + 1]
            assert output.value is not None, "every context under an output has been evaluated"
            param = self._param(self.buffers[slot])
            if output.index is not None:
                store = self._scattered(output, param, offset)
            else:
                place = UOp(ops.INDEX, param.dtype, (param, offset))
                store = UOp(ops.STORE, dt.void, (place, output.value))
            ends.append(UOp(ops.END, dt.void, (store, *loops)))
        return self._numbered(self._resolved(tuple(ends)))

    def _scattered(self, output: Context, param: UOp, offset: UOp) -> UOp:
        """A store where an index says, unless that lies outside."""
        assert output.index is not None, "the caller has asked"
        index, value = output.index.value, output.value
        assert index is not None, "sources are evaluated first"
        assert value is not None, "sources are evaluated first"
        axis, combine = output.node.arg
        mask = within(index, output.node.shape[axis])
        place = UOp(ops.INDEX, param.dtype, (param, offset) if mask is None else (param, offset, mask))
        arg = None if combine == "set" else combine
        return UOp(ops.STORE, dt.void, (place, value, *self._kernel.serial), arg)

    def _resolved(self, ends: tuple[UOp, ...]) -> tuple[UOp, ...]:
        """The ends with clamped values in the place of what stood for them."""
        chosen = self._kernel.chosen
        if not chosen:
            return ends
        new: dict[UOp, UOp] = {}
        for name, context in chosen.items():
            if context.value is not None:
                new[name] = clamped(context.value, name.arg[1])
        done: dict[UOp, UOp] = {}
        for node in sources_first(ends, lambda n: (new[n],) if n.op is ops.CHOSEN else n.src):
            if node.op is ops.CHOSEN:
                done[node] = done[new[node]]
            else:
                done[node] = node.rebuild(tuple([done[source] for source in node.src]))
        return tuple(done[end] for end in ends)

    def _evaluate(self) -> None:
        """Values of all contexts below the outputs, sources first."""
        for context in sources_first(self._kernel.outputs, lambda c: () if c.loaded else c.sources):
            context.value = self._value(context)

    def _value(self, context: Context) -> UOp:
        node = context.node
        if context.loaded:
            return self._load(context)
        op = node.op
        if op is ops.CONST or op is ops.VARIABLE:
            return node
        if op is ops.IOTA:
            return context.place.indices[0].cast(node.dtype)
        if op is ops.REDUCE:
            return self._reduce(context)
        if op is ops.PAD or op is ops.VIEW:
            return self._pad(context)
        sources = tuple(source.value for source in context.sources if source.value is not None)
        if op.elementwise:
            return UOp(op, node.dtype, sources, node.arg)
        return sources[0] if sources else const(0, node.dtype)

    def _load(self, context: Context) -> UOp:
        node = context.node
        param = self._param(self._buffer_of[node])
        offset = self._indexer.flatten(context.place.indices, node.shape)
        mask = None if self._inside(context) else conjunction(context.place.conditions)
        sources = (param, offset) if mask is None else (param, offset, mask)
        return UOp(ops.LOAD, node.dtype, (UOp(ops.INDEX, node.dtype, sources),))

    def _inside(self, context: Context) -> bool:
        """Whether the place is in the buffer even where a condition does not hold."""
        for index, size in zip(context.place.indices, context.node.shape):
            if self._indexer.below(index, size) is not True or self._indexer.at_least(index, 0) is not True:
                return False
        return True

    def _reduce(self, context: Context) -> UOp:
        node = context.node
        if not context.sources:
            return identity(node)
        inner = context.sources[0].value
        assert inner is not None, "sources are evaluated first"
        if not context.ranges:
            return inner
        if all(below.joins == node.arg[0] for below in _moved(context.sources[0])):
            return self._joined(node, inner, context.ranges)
        return reduction(node, inner, context.ranges)

    @staticmethod
    def _joined(node: UOp, inner: UOp, ranges: tuple[UOp, ...]) -> UOp:
        """A reduction of another one of its kind is one reduction; zeros around it go inside (of a sum)."""
        mask: UOp | None = None
        body = inner
        if (
            inner.op is ops.SELECT
            and node.arg[0] == "add"
            and inner.src[2].op is ops.CONST
            and not inner.src[2].arg
            and not any(r in inner.src[0].toposort() for r in inner.src[1].src[1:] if r.op is ops.RANGE)
        ):
            mask, body = inner.src[0], inner.src[1]  # a mask of a pad: one that knows the sum stays outside
        if body.op is not ops.REDUCE or body.arg != (node.arg[0], ()):
            return reduction(node, inner, ranges)
        value = body.src[0]
        if mask is not None:
            value = UOp(ops.SELECT, value.dtype, (mask, value, inner.src[2]))
        return reduction(node, value, (*ranges, *body.src[1:]))

    def _pad(self, context: Context) -> UOp:
        """0 outside; a LOAD under the same conditions is 0 there by itself."""
        zero = const(0, context.node.dtype)
        if not context.sources:
            return zero
        source = context.sources[0]
        inner = source.value
        assert inner is not None, "sources are evaluated first"
        added = tuple(c for c in source.place.conditions if c not in context.place.conditions)
        mask = conjunction(added)
        if mask is None:
            return inner
        bare = inner
        while bare.op in ZERO_KEEPING:
            bare = bare.src[0]
        if bare.op is ops.LOAD and source.place.conditions and len(bare.src[0].src) == 3:
            held = set(conjuncts(bare.src[0].src[2]))
            if held.issuperset(added):
                return inner
        return UOp(ops.SELECT, inner.dtype, (mask, inner, zero))

    # -- slots -------------------------------------------------------------------------------------

    def _param(self, buffer: UOp) -> UOp:
        slot = self._slots.get(buffer)
        if slot is None:
            slot = self._slots[buffer] = len(self.buffers)
            self.buffers.append(buffer)
        return param_of(buffer, slot)

    def _numbered(self, ends: tuple[UOp, ...]) -> UOp:
        """The SINK with slots in the order of first use, outputs first; buffers that dropped out are gone."""
        order = toposort(ends)
        outputs = len(self._kernel.outputs)
        used = [node for node in order if node.op is ops.PARAM]
        wanted = list(range(outputs)) + [node.arg[0] for node in used if node.arg[0] >= outputs]
        new: dict[UOp, UOp] = {}
        if wanted != list(range(len(self.buffers))):
            buffers = [self.buffers[slot] for slot in wanted]
            new = {old: param_of(buffers[slot], slot) for slot, old_slot in enumerate(wanted)
                   for old in used if old.arg[0] == old_slot}  # fmt: skip
            self.buffers = buffers
        variables = sorted((node for node in order if node.op is ops.VARIABLE), key=lambda n: str(n.arg[0]))
        self.variables = tuple([node.arg[0] for node in variables])
        for slot, node in enumerate(variables, len(self.buffers)):
            new[node] = UOp(ops.VARIABLE, dt.int64, (), (*node.arg[:3], slot))
        name = name_of(order)
        if new:
            ends = substitute(order, ends, new)
            order = toposort(ends)
        return UOp(ops.SINK, dt.void, taken_apart(ends, order), name)


def clamped(index: UOp, size: Size) -> UOp:
    """An index brought into an axis, as int64: no value of it leads outside of memory."""
    if not isinstance(size, int):
        return index.cast(dt.int64).minimum(size_node(size - 1)).maximum(0)
    low, high = bounds(index)
    if high >= size:
        index = index.minimum(size - 1)
    return (index.maximum(0) if low < 0 else index).cast(dt.int64)


def within(index: UOp, size: Size) -> UOp | None:
    """Whether an index names an element of an axis; None if it surely does."""
    if not isinstance(size, int):
        wide = index.cast(dt.int64)
        return conjunction((wide >= 0, wide < size_node(size)))
    low, high = bounds(index)
    checks = [index >= 0] if low < 0 else []
    return conjunction((*checks, index <= size - 1) if high >= size else tuple(checks))


def _moved(context: Context) -> Iterator[Context]:
    """A context, and those of the same elements under its views."""
    yield context
    while context.node.op in ops.MOVEMENT and context.sources:
        context = context.sources[0]
        yield context


def reduction(node: UOp, value: UOp, ranges: tuple[UOp, ...]) -> UOp:
    """A value joined over ranges; those that it does not depend on are no loops."""
    name = node.arg[0]
    idle = [r for r in ranges if r not in ranges_of(value) and bounds(r.src[0])[0] > 0]
    times = prod(bounds(r.src[0])[1] for r in idle)
    if name == "mul" or (name == "add" and (node.dtype.bits < 32 or times > EXACT)):
        idle = []
    left = tuple(r for r in ranges if r not in idle)
    result = UOp(ops.REDUCE, node.dtype, (value, *left), (name, ())) if left else value
    if not idle or name != "add":
        return result
    known = prod(r.src[0].arg for r in idle if r.src[0].op is ops.CONST)
    for r in idle:
        if r.src[0].op is not ops.CONST:
            result = result * r.src[0].cast(node.dtype)
    return result * known if known > 1 else result


def param_of(buffer: UOp, slot: int) -> UOp:
    """The PARAM through which a kernel reaches a buffer."""
    size = 1
    for axis in buffer.shape:
        size = axis * size
    return UOp(ops.PARAM, buffer.dtype, (), (slot, size))


def substitute(order: list[UOp], roots: tuple[UOp, ...], new: dict[UOp, UOp]) -> tuple[UOp, ...]:
    """The roots with some nodes replaced; `order` are all nodes below them, sources first."""
    done = dict(new)
    for node in order:
        if node not in done:
            done[node] = node.rebuild(tuple(done[source] for source in node.src))
    return tuple(done[root] for root in roots)


def conjunction(conditions: tuple[UOp, ...]) -> UOp | None:
    """All conditions as one mask; None when there are none."""
    mask: UOp | None = None
    for condition in conditions:
        mask = condition if mask is None else UOp(ops.AND, dt.bool_, (mask, condition))
    return mask


def conjuncts(mask: UOp) -> list[UOp]:
    """The conditions of a mask."""
    found: list[UOp] = []
    while mask.op is ops.AND:
        found.append(mask.src[1])
        mask = mask.src[0]
    return [*found, mask]


def name_of(order: list[UOp]) -> str:
    """What a kernel of these nodes is called: s (it scatters), r (it reduces) or e, and its loops' sizes."""
    loops = sorted((node for node in order if node.op is ops.RANGE), key=lambda r: int(r.arg[0]))
    sizes = [str(r.src[0].arg) if r.src[0].op is ops.CONST else "n" for r in loops]
    kinds = {r.arg[1] for r in loops}
    kind = "s" if "serial" in kinds else "r" if "reduce" in kinds else "e"
    return "_".join([kind, *(sizes or ["1"])])
