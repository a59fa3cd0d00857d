"""A Shape -> the kernel it describes: ranges replaced by sums of axes, masks where an axis runs over
its end, panels.

A part that an axis runs over is masked off in loads and stores and is the identity in reduces; the
identity is left out where masked loads make it (0 in a sum).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from baregrad import dtype as dt
from baregrad.base.integers import prod
from baregrad.ir import UOp, const, index, ops, substitute
from baregrad.kernel.axes import Axis, Merge, Shape, Split, Stage
from baregrad.kernel.facts import Facts, number


class Build:
    """One kernel being made."""

    __slots__ = ("_conditions", "_values", "done", "facts", "live", "numbers", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.facts: Facts = shape.source.facts
        self.numbers = {axis.name: i for i, axis in enumerate(shape.axes)}
        self._values: dict[str, UOp] = {}
        self._conditions: dict[str, tuple[UOp, ...]] = {}
        self.live: dict[str, tuple[str, ...]] = {}
        self.done: dict[UOp, UOp] = {}

    # -- axes --------------------------------------------------------------------------------------

    def value(self, name: str) -> UOp:
        """What an axis, live or not, is in terms of the live ones."""
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = self._value(name)
        return found

    def _value(self, name: str) -> UOp:
        for step in self.shape.steps:
            if isinstance(step, Split) and step.axis.name == name:
                return self._split_value(step)
            if isinstance(step, Merge) and name in (step.first.name, step.second.name):
                return self._merged_value(step, first=name == step.first.name)
        axis = self.shape.by_name[name]
        self._note(name, (), (name,))
        return UOp(ops.RANGE, dt.int64, (self._size(axis),), (self.numbers[name], axis.kind))

    def _note(self, name: str, conditions: tuple[UOp, ...], live: tuple[str, ...]) -> None:
        self._conditions[name] = tuple(dict.fromkeys(conditions))
        self.live[name] = tuple(dict.fromkeys(live))

    def _split_value(self, step: Split) -> UOp:
        outer, inner = self.value(step.outer), self.value(step.inner)
        size, name = step.axis.size, step.axis.name
        start = outer * (self._share(step) if step.tail == "share" else step.n)
        if step.tail == "overlap":
            assert size is not None, "only axes of constant size end with an overlap"
            start = start.minimum(size - step.n)
        total = start + inner
        own = (total < (size if size is not None else self._limit(step.axis)),) if step.tail == "mask" else ()
        if size is None and any(isinstance(s, Split) and s.outer == name for s in self.shape.steps):
            own = ()  # the axis that this one is the outer part of ends earlier
        above = self._conditions[step.outer] + self._conditions[step.inner]
        self._note(name, above + own, self.live[step.outer] + self.live[step.inner])
        return total

    def _merged_value(self, step: Merge, *, first: bool) -> UOp:
        merged = self.value(step.merged)
        name = step.first.name if first else step.second.name
        self._note(name, self._conditions[step.merged], self.live[step.merged])
        if step.dense:
            return index(0) if first else merged
        return merged // step.n if first else merged % step.n

    def _size(self, axis: Axis) -> UOp:
        """A constant; a symbolic size; what is left for a loop that ends early."""
        if axis.size is not None:
            return index(axis.size)
        if axis.limit is not None:
            return axis.limit
        for step in self.shape.steps:
            if isinstance(step, Split) and step.inner == axis.name and step.tail == "share":
                share = self._share(step)
                return (self._limit(step.axis) - self.value(step.outer) * share).minimum(share)
            if isinstance(step, Split) and step.inner == axis.name:
                assert step.axis.size is not None, "only axes of constant size are split"
                return (index(step.axis.size) - self.value(step.outer) * step.n).minimum(step.n)
        raise AssertionError(f"axis {axis.name} has no size")

    def _share(self, step: Split) -> UOp:
        """How long a part of a symbolic axis is; the last ones may be shorter, or of less than nothing."""
        return (self._limit(step.axis) + (step.n - 1)) // step.n

    @staticmethod
    def _limit(axis: Axis) -> UOp:
        assert axis.limit is not None, "an axis without a fixed size that is split has a limit"
        return axis.limit

    # -- nodes -------------------------------------------------------------------------------------

    def run(self) -> UOp:
        """The kernel."""
        for node in self.facts.order:
            self.done[node] = self._node(node)
        sink = self.done[self.shape.source.ast]
        for i, stage in enumerate(self.shape.stages):
            sink = self._staged(sink, i, stage)
        return sink

    def _node(self, node: UOp) -> UOp:
        if node.op is ops.RANGE:
            return self.value(str(number(node)))
        src = tuple([self.done[s] for s in node.src])
        if node.op is ops.LOAD or node.op is ops.STORE:
            return node.rebuild((self._masked(node.src[0], src[0]), *src[1:]))
        if node.op is ops.END:
            return node.rebuild((src[0], *self._axes_of(node)))
        if node.op is ops.REDUCE:
            value = src[0]
            for condition in self._conditions_of(self.facts.closed(node)):
                if not self._vanishes(node.src[0], node):
                    value = condition.where(value, _identity(node))
            return node.rebuild((value, *self._axes_of(node)))
        return node.rebuild(src)

    def _conditions_of(self, mask: int) -> tuple[UOp, ...]:
        found: list[UOp] = []
        for r in self.facts.members(mask):
            found.extend(self._conditions[str(number(r))])
        return tuple(dict.fromkeys(found))

    def _axes_of(self, node: UOp) -> tuple[UOp, ...]:
        """The ranges that a closer closes now, in nesting order."""
        names: dict[str, None] = {}
        for r in self.facts.members(self.facts.closed(node)):
            names.update(dict.fromkeys(self.live[str(number(r))]))
        return tuple(self.value(name) for name in sorted(names, key=self.numbers.__getitem__))

    def _masked(self, before: UOp, now: UOp) -> UOp:
        """An INDEX that is off where an axis runs over its end."""
        conditions = self._conditions_of(self.facts.mask[before])
        return _and(now, conditions)

    def _vanishes(self, value: UOp, reduce: UOp) -> bool:
        """Whether a summand is 0 wherever the closed ranges run over their ends, because its masked
        loads are.
        """
        if reduce.arg[0] != "add":
            return False
        closed = 0
        for r in self.facts.members(self.facts.closed(reduce)):
            if self._conditions[str(number(r))]:
                closed |= self.facts.bit[r]
        known: dict[UOp, bool] = {}
        for node in self.facts.order:
            if node.op is ops.LOAD:
                known[node] = self.facts.mask[node] & closed == closed
            elif node.op in (ops.ADD, ops.SUB, ops.MUL, ops.NEG, ops.CAST, ops.MAX, ops.MIN, ops.SQRT):
                known[node] = all(known.get(s, False) for s in node.src)
            if node is value:
                break
        return known.get(value, False)

    # -- panels ------------------------------------------------------------------------------------

    def _staged(self, sink: UOp, number_: int, stage: Stage) -> UOp:
        """The kernel with a load that reads its panel from scratch memory, filled before."""
        node = self.shape.source.loads[stage.load]
        copies = [self.value(name) for name in stage.copies]
        local = UOp(ops.LOCAL, node.dtype, (), (number_, prod(stage.sizes)))
        target = UOp(ops.INDEX, node.dtype, (local, _dense(copies, stage.sizes)))
        value = self._copied(node, dict(zip(stage.panel, copies, strict=True)))
        live = {part for name in stage.copies for part in self.live[name]}
        loops = [self.value(name) for name in sorted(live, key=self.numbers.__getitem__)]
        filled = UOp(ops.END, dt.void, (UOp(ops.STORE, dt.void, (target, value)), *loops))
        place = [self.value(name) for name in stage.panel]
        index_ = UOp(ops.INDEX, node.dtype, (local, _dense(place, stage.sizes)))
        inside = [c for name in stage.panel for c in self._conditions[name]]
        read = UOp(ops.LOAD, node.dtype, (_and(index_, inside), filled))
        return substitute(sink, {self.done[node]: read})

    def _copied(self, load: UOp, axes: dict[str, UOp]) -> UOp:
        """A load with axes of its own in the place of some."""
        other = Build(self.shape)
        other._values.update(axes)
        for name in axes:
            other._note(name, (), ())
        for node in load.toposort():
            other.done[node] = other._node(node)
        return other.done[load]


def _and(place: UOp, conditions: Iterable[UOp]) -> UOp:
    """An INDEX under more conditions."""
    mask = place.src[2] if len(place.src) > 2 else None
    for condition in dict.fromkeys(conditions):
        mask = condition if mask is None else mask & condition
    return place if mask is None else place.rebuild((*place.src[:2], mask))


def _dense(axes: list[UOp], sizes: Sequence[int]) -> UOp:
    """The row-major place in a panel."""
    total = axes[0]
    for axis, size in zip(axes[1:], sizes[1:], strict=True):
        total = total * size + axis
    return total


def _identity(node: UOp) -> UOp:
    """What joining leaves as it is."""
    name, dtype = node.arg[0], node.dtype
    if dtype is dt.bool_:
        return const(name in ("mul", "min"), dtype)
    if name in ("add", "mul"):
        return const(int(name == "mul"), dtype)
    return const(dtype.min if name == "max" else dtype.max, dtype)


def build(shape: Shape) -> UOp:
    """The kernel that a Shape describes."""
    return Build(shape).run()
