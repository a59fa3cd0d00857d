"""The optimisations: one row each (name, why it may be illegal, effect on a Shape), and Opt, the
record of one use of a row.

A list of Opts is printed, parsed, saved and replayed: `split 1 16 mask; vector 1b`. Axes are named
as in axes.py. Each row keeps the value of every kernel that it is legal for; test_opts proves it on
odd and prime sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from baregrad.base.errors import CompileError
from baregrad.base.integers import ceil_div
from baregrad.ir import UOp, bounds, ops
from baregrad.kernel.axes import Axis, Merge, Shape, Split, Stage, is_copy
from baregrad.kernel.facts import INSTANCES, LANES, number

Reason = Callable[..., str | None]
Effect = Callable[..., Shape]
ENDS_EARLY = ("rest", "share")  # tails whose inner loop has a size that depends on the outer one
TAILS = ("", "mask", "overlap", "rest", "share")
MOST_INSTANCES = 64
FARTHEST = 2**31 - 1  # elements: lowering gives lanes offsets of int32


@dataclass(frozen=True, slots=True)
class Row:
    """An optimisation: `why_not(shape, *args)` gives the reason when it is illegal, `apply(shape,
    *args)` its effect.
    """

    name: str
    doc: str
    why_not: Reason
    apply: Effect


@dataclass(frozen=True, slots=True)
class Opt:
    """One use of a row: its name and its arguments, as text."""

    name: str
    args: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.name, *self.args))


def parse(text: str) -> tuple[Opt, ...]:
    """A list of Opts from its text form.

    >>> [str(opt) for opt in parse("split 1 16 mask; vector 1b")]
    ['split 1 16 mask', 'vector 1b']
    """
    lines = [line.split() for line in text.split(";") if line.strip()]
    return tuple(Opt(words[0], tuple(words[1:])) for words in lines)


def show(opts: Iterable[Opt]) -> str:
    """The text form of a list of Opts."""
    return "; ".join(str(opt) for opt in opts)


def apply(shape: Shape, opt: Opt) -> Shape:
    """The Shape after one Opt; CompileError with the reason when it is illegal."""
    row = rows().get(opt.name)
    if row is None:
        raise CompileError(
            f"optimisation {opt.name}", why="there is no such row", mend=f"use one of {', '.join(rows())}"
        )
    reason = row.why_not(shape, *opt.args)
    if reason is not None:
        raise CompileError(f"optimisation `{opt}` is illegal here", why=reason, mend="leave it out")
    return row.apply(shape, *opt.args)


def legal(shape: Shape, opt: Opt) -> bool:
    """Whether an Opt may be applied."""
    return rows()[opt.name].why_not(shape, *opt.args) is None


# -- axes --------------------------------------------------------------------------------------------


def _own(shape: Shape, name: str) -> Axis | None:
    """The axis of a name, if it is of the kernel's own loops and not of a copy's."""
    return None if is_copy(name) else shape.by_name.get(name)


def panel_parts(shape: Shape, stage: Stage) -> set[str]:
    """The axes of a panel, and what later steps have made of them."""
    return _made_of(shape, set(stage.panel), 0)


def _made_of(shape: Shape, names: set[str], begin: int) -> set[str]:
    """Axes with all that the steps from `begin` on have made of them."""
    for step in shape.steps[begin:]:
        if isinstance(step, Split) and step.axis.name in names:
            names.update((step.outer, step.inner))
        elif isinstance(step, Merge) and names & {step.first.name, step.second.name}:
            names.add(step.merged)
    return names


def _shares_panel(shape: Shape, stage: Stage, name: str) -> bool:
    """Whether iterations of an axis fill the same panel one after the other."""
    mask = shape.source.facts.mask[shape.source.loads[stage.load]]
    return name not in panel_parts(shape, stage) and bool(ranges_mask(shape, name) & mask)


def _rests(shape: Shape) -> list[tuple[set[str], str]]:
    """For each loop that ends early: the axes that its size depends on, and its name."""
    found = []
    for i, step in enumerate(shape.steps):
        if isinstance(step, Split) and step.tail in ENDS_EARLY:
            found.append((_made_of(shape, {step.outer}, i + 1), step.inner))
    return found


def _rest_why(shape: Shape) -> str | None:
    """Why an order of axes is illegal: a loop stands outside of what its size depends on."""
    order = [a.name for a in shape.axes]
    for outer, inner in _rests(shape):
        if any(order.index(name) > order.index(inner) for name in outer if name in order):
            return f"the size of {inner} depends on loops that would stand inside of it"
    return None


# -- split -----------------------------------------------------------------------------------------


def _split_why(shape: Shape, name: str, n: str, tail: str = "") -> str | None:
    axis = shape.by_name.get(name)
    if axis is None:
        return f"there is no axis {name}"
    if is_copy(name) and (tail or axis.size is None):
        return f"axis {name} of a copy is split only into equal parts"
    if not axis.known or axis.kind not in ("loop", "reduce"):
        return (
            f"axis {name} is {axis.kind} of size {axis.size}: only loops are split, and none that ends early"
        )
    if tail not in TAILS:
        return f"{tail} is no way to end; use one of {', '.join(TAILS[1:])}"
    if axis.size is None:
        good = int(n) > 1 and tail in ("mask", "share")
        return None if good else f"axis {name} has no fixed size: split it by mask, or in shares"
    return _fixed_split_why(shape, axis, n, tail)


def _fixed_split_why(shape: Shape, axis: Axis, n: str, tail: str) -> str | None:
    """As _split_why, of an axis of constant size."""
    assert axis.size is not None, "checked above"
    if tail == "share":
        return f"axis {axis.name} has a fixed size: its last part is a rest"
    if int(n) < 2 or int(n) == axis.size or (int(n) > axis.size and tail != "mask"):
        return f"{n} does not divide an axis of {axis.size} into parts"
    if axis.size % int(n) and not tail:
        return f"{axis.size} is no multiple of {n}: say how it ends"
    if tail == "overlap" and axis.size % int(n):
        if not axis.parallel:
            return "parts of a reduce that overlap would count twice"
        if rewrites(shape):
            return "a kernel that may write in place cannot compute an element twice"
    return None


def _split(shape: Shape, name: str, n: str, tail: str = "") -> Shape:
    axis, size = shape.by_name[name], int(n)
    if axis.size is None:
        assert axis.limit is not None, "checked above"
        count, greatest = (axis.limit + (size - 1)) // size, ceil_div(axis.most, size)
        outer = Axis(name + "a", None, axis.kind, count, greatest)
        inner = Axis(name + "b", size, axis.kind, None, size)
        if tail == "share":
            outer = Axis(outer.name, size, axis.kind, None, size)
            inner = Axis(inner.name, None, axis.kind, None, greatest)
        step = Split(axis, outer.name, inner.name, size, tail)
        return replace(shape, axes=shape.replaced(name, outer, inner), steps=(*shape.steps, step))
    exact = axis.size % size == 0
    parts = ceil_div(axis.size, size)
    outer = Axis(name + "a", parts, axis.kind, None, parts)
    inner = Axis(name + "b", None if tail == "rest" and not exact else size, axis.kind, None, size)
    step = Split(axis, outer.name, inner.name, size, "" if exact else tail)
    return replace(shape, axes=shape.replaced(name, outer, inner), steps=(*shape.steps, step))


def rewrites(shape: Shape) -> bool:
    """Whether some load reads the place that a store writes, so that the kernel may run in place; or a store
    joins its value to what is there.
    """
    source = shape.source
    if any(store.arg is not None for store in source.stores):
        return True
    written = [source.offset(s) for s in source.stores]
    for load in source.loads:
        form = source.offset(load)
        if any(form.constant == w.constant and form.terms == w.terms for w in written):
            return True
    return False


# -- kinds -----------------------------------------------------------------------------------------


def _kind_row(kind: str, doc: str) -> Row:
    """The row that gives an axis a kind."""

    def why_not(shape: Shape, name: str) -> str | None:
        axis = shape.by_name.get(name)
        if axis is None:
            return f"there is no axis {name}"
        wanted = "reduce" if kind.startswith("reduce") else "loop"
        if axis.kind != wanted:
            return f"axis {name} is {axis.kind}, not {wanted}"
        if axis.size is None or axis.size > MOST_INSTANCES:
            return f"axis {name} has size {axis.size}, not a constant up to {MOST_INSTANCES}"
        if any(name in outer for outer, _ in _rests(shape)):
            return f"a loop ends early for some iterations of {name}"
        if any(_shares_panel(shape, stage, name) for stage in shape.stages):
            return f"instances along {name} would share one panel"
        if kind in LANES and axis.size & (axis.size - 1):
            return f"{axis.size} lanes are no power of two"
        if kind in LANES and _shares_lanes(shape, axis):
            return f"a value over axis {name} has lanes already"
        if kind in LANES and _reaches_far(shape, axis):
            return f"lanes along {name} have offsets of their own, which do not fit in int32"
        return None

    return Row(kind, doc, why_not, lambda shape, name: shape.with_kind(name, kind))


def _reaches_far(shape: Shape, axis: Axis) -> bool:
    """Whether lanes along an axis need offsets of their own into memory that int32 can't count."""
    source, mine, origin = shape.source, ranges_mask(shape, axis.name), shape.origin(axis.name)
    far = [x for x in (*source.loads, *source.stores) if bounds(x.src[0].src[1])[1] > FARTHEST]
    return any(
        source.facts.mask[node.src[0]] & mine
        and (origin is None or source.stride(node, origin) not in (0, 1))
        for node in far
    )


def _shares_lanes(shape: Shape, axis: Axis) -> bool:
    """Whether some node depends on this axis and on one that runs over lanes."""
    facts = shape.source.facts
    others = [a for a in shape.axes if a.kind in LANES and a is not axis]
    if is_copy(axis.name):
        panel = axis.name.split(".")[0] + "."
        return any(other.name.startswith(panel) for other in others)
    mine = ranges_mask(shape, axis.name)
    theirs = 0
    for other in others:
        theirs |= ranges_mask(shape, other.name)
    if not theirs:
        return False
    reduces = (facts.mask[n.src[0]] | facts.closed(n) for n in facts.order if n.op is ops.REDUCE)
    return any(m & mine and m & theirs for m in (*facts.mask.values(), *reduces))


def ranges_mask(shape: Shape, name: str) -> int:
    """The original ranges that an axis is a part of."""
    facts = shape.source.facts
    names = {name}
    for step in reversed(shape.steps):
        if isinstance(step, Split) and (step.outer in names or step.inner in names):
            names.add(step.axis.name)
        elif isinstance(step, Merge) and step.merged in names:
            names.update((step.first.name, step.second.name))
    total = 0
    for r in facts.ranges:
        if str(number(r)) in names:
            total |= facts.bit[r]
    return total


# -- order -----------------------------------------------------------------------------------------


def _move_why(shape: Shape, name: str, before: str) -> str | None:
    if name == before or _own(shape, name) is None or _own(shape, before) is None:
        return f"{name} and {before} are not two axes"
    kinds = {shape.by_name[name].kind, shape.by_name[before].kind}
    if "grid" in kinds:
        return "the grid is outermost"
    if kinds == {"serial"}:
        return "the steps of both run in order"
    return _rest_why(_move(shape, name, before))


def _move(shape: Shape, name: str, before: str) -> Shape:
    axis = shape.by_name[name]
    rest = shape.replaced(name)
    at = next(i for i, a in enumerate(rest) if a.name == before)
    return replace(shape, axes=(*rest[:at], axis, *rest[at:]))


def _merge_why(shape: Shape, first: str, second: str) -> str | None:
    a, b = _own(shape, first), _own(shape, second)
    if a is None or b is None or a is b:
        return f"{first} and {second} are not two axes"
    if a.kind != b.kind or a.kind not in ("loop", "reduce") or a.size is None or b.size is None:
        return "only loops of one kind and of constant size are merged"
    if a.kind == "reduce" and not _closed_together(shape, first, second):
        return f"some reduce closes only one of {first} and {second}"
    if any(isinstance(s, Split) and s.tail in ENDS_EARLY and s.inner in (first, second) for s in shape.steps):
        return "a loop that ends early has no fixed size"
    for stage in shape.stages:
        if (first in panel_parts(shape, stage)) != (second in panel_parts(shape, stage)):
            return "an axis of a panel is merged with another of the same panel only"
    if shape.place(first) > shape.place(second):
        return f"{first} stands inside {second}"
    return _rest_why(_merge(shape, first, second))


def _closed_together(shape: Shape, first: str, second: str) -> bool:
    """Whether each reduce closes both of two axes or none."""
    facts = shape.source.facts
    parts = ranges_mask(shape, first), ranges_mask(shape, second)
    return all(
        bool(facts.closed(r) & parts[0]) == bool(facts.closed(r) & parts[1]) for r in shape.source.reduces
    )


def _merge(shape: Shape, first: str, second: str, dense: bool = False) -> Shape:
    a, b = shape.by_name[first], shape.by_name[second]
    assert a.size is not None, "checked above"
    assert b.size is not None, "checked above"
    merged = Axis(f"{first}.{second}", a.size * b.size, a.kind, None, a.size * b.size)
    axes = tuple(axis for axis in shape.replaced(first, merged) if axis is not b)
    return replace(shape, axes=axes, steps=(*shape.steps, Merge(a, b, merged.name, b.size, dense)))


def _collapse_why(shape: Shape, first: str, second: str) -> str | None:
    a, b = _own(shape, first), _own(shape, second)
    if a is None or b is None or a is b or a.size is None or b.size is None or a.kind != b.kind:
        return f"{first} and {second} are not two axes of one kind and constant sizes"
    if a.kind not in ("loop", "reduce") or not _whole(shape, first) or not _whole(shape, second):
        return "only whole loops collapse"
    if any(isinstance(s, Split) and first.startswith(s.axis.name) for s in shape.steps):
        return "only loops that are not split collapse"
    for stage in shape.stages:
        within = {first, second} & panel_parts(shape, stage)
        if within and not _side_by_side(stage, _weights(shape, a) + _weights(shape, b)):
            return f"{first} and {second} are no neighbours in a panel"
    return None if _dense(shape, a, b) else f"{first} and {second} are not one dense axis everywhere"


def _dense(shape: Shape, a: Axis, b: Axis) -> bool:
    """Whether every use of the two is a sum in which first moves size(second) times as far as second."""
    source, facts = shape.source, shape.source.facts
    parts_a, parts_b = _weights(shape, a), _weights(shape, b)
    mask = ranges_mask(shape, a.name) | ranges_mask(shape, b.name)
    assert b.size is not None, "a dense axis has a constant size"
    staged = {source.loads[s.load] for s in shape.stages if _side_by_side(s, parts_a + parts_b)}
    linear = (ops.ADD, ops.SUB, ops.MUL, ops.NEG, ops.SHL, ops.RANGE)
    for node in source.ast.toposort(lambda n: n not in staged):
        if node in staged or (not facts.mask[node] & mask and node.op not in (ops.REDUCE, ops.END)):
            continue
        if node.op is ops.REDUCE or node.op is ops.END:
            closed = facts.closed(node)
            if closed & mask and closed & mask != mask:
                return False
            continue
        for s in node.src:
            if s.dtype.is_int and facts.mask[s] & mask and s.op in linear and node.op not in linear:
                form = source.affine(s)
                weights_a = [form.coefficient(r) for r, _ in parts_a]
                weights_b = [form.coefficient(r) for r, _ in parts_b]
                base = weights_b[-1]
                good = all(w == base * k for w, (_, k) in zip(weights_b, parts_b)) and all(
                    w == base * b.size * k for w, (_, k) in zip(weights_a, parts_a)
                )
                ranges = {r for r, _ in (*parts_a, *parts_b)}
                if not good or any(t not in ranges and facts.mask[t] & mask for t in form.terms):
                    return False
    return True


def _side_by_side(stage: Stage, parts: list[tuple[UOp, int]]) -> bool:
    """Whether ranges are neighbours in a panel, in this order, so that the panel is dense in them."""
    names = [str(number(r)) for r, _ in parts]
    if not all(name in stage.panel for name in names):
        return False
    places = [stage.panel.index(name) for name in names]
    return places == list(range(places[0], places[0] + len(places)))


def _whole(shape: Shape, name: str) -> bool:
    """Whether an axis is a range of the kernel, or such ranges collapsed."""
    for step in shape.steps:
        if isinstance(step, Merge) and step.merged == name:
            return step.dense
    return any(str(number(r)) == name for r in shape.source.facts.ranges)


def _weights(shape: Shape, axis: Axis) -> list[tuple[UOp, int]]:
    """The ranges that a (collapsed) axis stands for, outermost first, each with its weight in the axis."""
    for step in reversed(shape.steps):
        if isinstance(step, Merge) and step.merged == axis.name:
            first = [(r, k * step.n) for r, k in _weights(shape, step.first)]
            return first + _weights(shape, step.second)
    found = next(r for r in shape.source.facts.ranges if str(number(r)) == axis.name)
    return [(found, 1)]


# -- grid and staging ------------------------------------------------------------------------------


def _threads_why(shape: Shape, name: str) -> str | None:
    axis = _own(shape, name)
    if axis is None or axis.kind != "loop" or axis.size is None:
        return f"axis {name} is no parallel loop of constant size"
    if any(a.kind == "grid" for a in shape.axes):
        return "there is a grid already"
    if not all(_shares_panel(shape, stage, name) for stage in shape.stages):
        return (
            f"each item fills its own panels, so the panels must depend on axis {name} and not run along it"
        )
    mask, facts = ranges_mask(shape, name), shape.source.facts
    for end in shape.source.ast.src:
        if facts.closed(end) & mask != mask:
            return f"not every store is made by axis {name}"
    return None


def _threads(shape: Shape, name: str) -> Shape:
    axis = replace(shape.by_name[name], kind="grid")
    return replace(shape, axes=(axis, *shape.replaced(name)))


def _stage_why(shape: Shape, load: str, *panel: str) -> str | None:
    loads = shape.source.loads
    if not panel or int(load) >= len(loads) or loads[int(load)].src[0].src[0].op is not ops.PARAM:
        return f"load {load} is none of a parameter's, or no axis is given"
    if any(stage.load == int(load) for stage in shape.stages):
        return f"load {load} is staged already"
    mask = shape.source.facts.mask[loads[int(load)]]
    over = [a for a in shape.axes if ranges_mask(shape, a.name) & mask]
    for name in panel:
        axis = _own(shape, name)
        if axis is None or axis not in over or axis.size is None:
            return f"{name} is no axis of constant size of load {load}"
        if any(name in outer for outer, _ in _rests(shape)):
            return f"a loop ends early for some iterations of {name}"
    grid = next((a for a in shape.axes if a.kind == "grid"), None)
    if grid is not None and (grid not in over or grid.name in panel):
        return f"each item of {grid.name} fills its own panel, which must depend on it and not run along it"
    for axis in over:
        if axis.name not in panel and (axis.kind in LANES or axis.kind in INSTANCES):
            return f"instances along {axis.name} would share one panel"
    return None


def _stage(shape: Shape, load: str, *panel: str) -> Shape:
    node = shape.source.loads[int(load)]
    mask = shape.source.facts.mask[node]
    lanes = next((name for name in panel if shape.by_name[name].kind in LANES), None)
    origin = shape.origin(lanes) if lanes is not None else None
    packed = origin is not None and shape.source.stride(node, origin) == 1
    copies = []
    for name in panel:
        axis = shape.by_name[name]
        dense = packed and axis.kind not in ("reduce", "serial", "grid")
        kind = axis.kind.removeprefix("reduce_") if dense else "loop"
        copies.append(Axis(f"s{len(shape.stages)}.{name}", axis.size, kind, None, axis.most))
    around = [
        i for i, a in enumerate(shape.axes) if a.name not in panel and ranges_mask(shape, a.name) & mask
    ]
    at = max(around, default=-1) + 1
    sizes = tuple(shape.by_name[name].size or 1 for name in panel)
    stage = Stage(int(load), panel, sizes, tuple(c.name for c in copies))
    return replace(shape, axes=(*shape.axes[:at], *copies, *shape.axes[at:]), stages=(*shape.stages, stage))


@cache
def rows() -> Mapping[str, Row]:
    """All optimisations by name."""
    # fmt: off
    table = (
        Row("split", "axis n [tail]: outer and inner loop", _split_why, _split),
        Row("move", "axis before: another nesting order", _move_why, _move),
        Row("merge", "first second: one loop, taken apart by division", _merge_why, _merge),
        Row("collapse", "first second: one loop over what lies densely in memory", _collapse_why,
            lambda shape, first, second: _merge(shape, first, second, True)),
        _kind_row("vector", "axis: lanes"),
        _kind_row("unroll", "axis: instances side by side"),
        _kind_row("reduce_vector", "axis: lanes of a reduce"),
        _kind_row("reduce_unroll", "axis: instances of a reduce"),
        Row("threads", "axis: grid items", _threads_why, _threads),
        Row("stage", "load axis...: its panel in scratch memory", _stage_why, _stage),
    )
    # fmt: on
    return MappingProxyType({row.name: row for row in table})
