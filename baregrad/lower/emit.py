"""KERNEL graph -> Nodes: one function an op, all instances of a node at once. Read context.py and node.py
first.

Values over lanes: int64 index arithmetic becomes int32 where the bounds allow, comparisons of a sum with a
scalar become a comparison of the lane numbers with a scalar, everything else is the same op with lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import Op, UOp, bounds, ops
from baregrad.kernel.affine import Affine
from baregrad.kernel.facts import LANES, size_of, static_size
from baregrad.lower.context import INT32_MAX, INT32_MIN, Context
from baregrad.lower.memory import load, parts, scalars, store
from baregrad.lower.node import Block, Node
from baregrad.lower.peel import divide_loops, note_tail
from baregrad.lower.reduce import reduce, summands

COMPARES = frozenset((ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE))
NARROWED = COMPARES | {
    ops.ADD,
    ops.SUB,
    ops.MUL,
    ops.NEG,
    ops.MAX,
    ops.MIN,
    ops.SELECT,
    ops.IDIV,
    ops.MOD,
    ops.SHR,
    ops.AND,
}
Emit = Callable[[Context, UOp], list[Node]]


def emit(ctx: Context) -> None:
    """Make the Nodes of everything that the sink needs."""
    needed = _needed(ctx)
    rows = _rows()
    for node in ctx.facts.order:
        if node in needed:
            ctx.nodes[node] = rows.get(node.op, _elementwise)(ctx, node)
    divide_loops(ctx)


def _needed(ctx: Context) -> set[UOp]:
    """The nodes that are values of their own: no linear parts of indexes, no products that become FMA."""
    needed = {ctx.facts.sink}
    for node in reversed(ctx.facts.order):
        if node not in needed:
            continue
        if node.op is ops.LOAD or node.op is ops.STORE:
            index = node.src[0]
            needed.update(ctx.affine(index.src[1]).terms)
            needed.update(index.src[::2], node.src[1:])
        elif node.op is ops.REDUCE:
            needed.update(summands(node), node.src[1:])
        elif _is_conjunction(node):
            needed.update(_conditions(node))
        else:
            difference = _lane_difference(ctx, node)
            needed.update(node.src if difference is None else difference.terms)
    return needed


@cache
def _rows() -> Mapping[Op, Emit]:
    return MappingProxyType({
        ops.SINK: lambda ctx, node: [],
        ops.CONST: lambda ctx, node: [ctx.build.const(node.arg, node.dtype)],
        ops.PARAM: _memory, ops.LOCAL: _memory, ops.VARIABLE: _memory,
        ops.RANGE: _range, ops.LOAD: load, ops.STORE: store,
        ops.REDUCE: reduce, ops.END: _end, ops.AND: _and, ops.CAST: _cast, ops.BITCAST: _bitcast,
    })  # fmt: skip


def _memory(ctx: Context, node: UOp) -> list[Node]:
    return [ctx.build.node(node.op, node.dtype, (), node.arg)]


def _range(ctx: Context, node: UOp) -> list[Node]:
    """A counter, the constants of instances, lane numbers, or the grid item."""
    build, kind = ctx.build, node.arg[1]
    if size_of(node) == 1:
        return [build.index(0)]
    block = ctx.blocks.get(node)
    if block is not None:
        block.size = ctx.nodes[node.src[0]][0]
        assert block.counter is not None, "loops are made with their counter"
        return [block.counter]
    if kind == "grid":
        return [build.node(ops.GRID, dt.int64)]
    size = static_size(node)
    if kind in LANES:
        return [build.node(ops.LANES, dt.int32, (), size, size)]
    return [build.index(i) for i in range(size)]


def _end(ctx: Context, node: UOp) -> list[Node]:
    """The stores stand where they are; what comes after gets the outermost closed loop, or the stores."""
    facts = ctx.facts
    outer = ctx.unrolled(node)
    stores = ctx.nodes[node.src[0]]
    for one in stores:
        _register(one, node.src[0])
    loops = [ctx.blocks[r] for r in facts.members(facts.closed(node) & facts.loops)]
    if loops:
        first = min(loops, key=lambda block: block.depth)
        assert first.parent is not None, "a loop has a parent"
        marker = Node(ops.END, dt.void, (), None, 0, first.parent)
        marker.loop = first
        return [marker] * len(ctx.combos(outer))
    own = ctx.unrolled(node.src[0])
    groups: list[list[Node]] = [[] for _ in ctx.combos(outer)]
    for one, group in zip(stores, ctx.project(outer, own | outer), strict=True):
        groups[group].append(one)
    return [
        Node(ops.END, dt.void, tuple(g), None, 0, max((s.block for s in g), key=lambda b: b.depth))
        for g in groups
    ]


def _register(store_node: Node, source: UOp) -> None:
    """Note a store as an effect of its block, and the block as one of its parents."""
    block: Block | None = store_node.block
    item: Node | Block = store_node
    to_param = source.src[0].src[0].op is ops.PARAM
    while block is not None:
        if item not in block.effects:
            block.effects.append(item)
        if to_param:
            block.stores.add(source)
        item, block = block, block.parent


def _elementwise(ctx: Context, node: UOp) -> list[Node]:
    """An elementwise op, instance by instance."""
    difference = _lane_difference(ctx, node)
    if difference is not None:
        return _compare_lanes(ctx, node, difference)
    if node.op.meaning is None:
        raise CompileError(
            f"{node!r} in a kernel", why="it has no lowering", mend="schedule and decompose first"
        )
    mask = ctx.unrolled(node)
    columns = [ctx.instances(s, mask) for s in node.src]
    build, op, dtype = ctx.build, node.op, node.dtype
    if not (ctx.facts.mask[node] & ctx.facts.lanes and any(s.dtype is dt.int64 for s in node.src)):
        result = [build.alu(op, dtype, *src) for src in zip(*columns, strict=True)]
        if op in COMPARES and node.src[0].dtype is dt.int64:
            note_tail(ctx, node, ctx.affine(node.src[0]).plus(ctx.affine(node.src[1]), -1), result)
        return result
    index = dt.int32 if _narrows(ctx, node) else dt.int64
    dtype = index if dtype is dt.int64 else dtype
    wanted = [index if s.dtype is dt.int64 else s.dtype for s in node.src]
    return [
        build.alu(op, dtype, *[build.cast(s, w) for s, w in zip(src, wanted, strict=True)])
        for src in zip(*columns, strict=True)
    ]


def _narrows(ctx: Context, node: UOp) -> bool:
    """Whether a node of int64 lanes is computed in int32: it and its sources fit."""
    if node.op not in NARROWED:
        return False
    return ctx.narrow(s for s in (node, *node.src) if s.dtype is dt.int64)


def _cast(ctx: Context, node: UOp) -> list[Node]:
    """A CAST: from what the source really is; index lanes stay int32."""
    source = node.src[0]
    lanes = ctx.facts.mask[node] & ctx.facts.lanes
    fits = node.dtype is dt.int64 and lanes and not source.dtype.is_float and ctx.narrow((source,))
    dtype = dt.int32 if fits else node.dtype
    return [ctx.build.cast(s, dtype) for s in ctx.nodes[source]]


def _bitcast(ctx: Context, node: UOp) -> list[Node]:
    build, source = ctx.build, node.src[0]
    return [
        build.node(ops.BITCAST, node.dtype, (build.cast(s, source.dtype),), None, s.lanes)
        for s in ctx.nodes[source]
    ]


# -- conjunctions --------------------------------------------------------------------------------------


def _is_conjunction(node: UOp) -> bool:
    return node.op is ops.AND and node.dtype is dt.bool_


def _conditions(node: UOp) -> list[UOp]:
    """The conditions that a tree of ANDs joins."""
    found: dict[UOp, None] = {}
    stack = [node]
    while stack:
        top = stack.pop()
        if _is_conjunction(top):
            stack.extend(reversed(top.src))
        else:
            found[top] = None
    return list(found)


def _and(ctx: Context, node: UOp) -> list[Node]:
    """Conditions joined so that what an inner loop does not change is joined outside of it: scalars,
    then lanes.
    """
    if not _is_conjunction(node):
        return _elementwise(ctx, node)
    build, mask, result = ctx.build, ctx.unrolled(node), []
    columns = [ctx.instances(s, mask) for s in _conditions(node)]
    for row in zip(*columns, strict=True):
        parts = [_joined(ctx, [n for n in row if bool(n.lanes) is lanes]) for lanes in (False, True)]
        both = [p for p in parts if p is not None]
        result.append(both[0] if len(both) == 1 else build.alu(ops.AND, dt.bool_, *both))
    return result


def _joined(ctx: Context, nodes: list[Node]) -> Node | None:
    """Conditions joined, those of outer loops first; None for none."""
    total: Node | None = None
    for one in sorted(nodes, key=lambda n: n.block.depth):
        total = one if total is None else ctx.build.alu(ops.AND, dt.bool_, total, one)
    return total


# -- comparisons of lane numbers -------------------------------------------------------------------


def _lane_difference(ctx: Context, node: UOp) -> Affine | None:
    """left - right of an int64 comparison whose only dependence on lanes is a multiple of the lane number."""
    facts = ctx.facts
    if node.op not in COMPARES or node.src[0].dtype is not dt.int64 or not facts.mask[node] & facts.lanes:
        return None
    form = ctx.affine(node.src[0]).plus(ctx.affine(node.src[1]), -1)
    if any(facts.mask[term] & facts.lanes and term.op is not ops.RANGE for term in form.terms):
        return None
    low, high = _ends(form)
    wraps = node.op in (ops.CMPLT, ops.CMPLE) and (low < -(2**63) or high >= 2**63)
    return None if wraps else form


def _ends(form: Affine) -> tuple[int, int]:
    """The least and greatest value of a sum, not wrapped."""
    low = high = form.constant
    for term, coefficient in form.terms.items():
        ends = [coefficient * end for end in bounds(term)]
        low, high = low + min(ends), high + max(ends)
    return low, high


def _always(op: Op, step: int, lanes: int, rest: int, *, forward: bool) -> bool:
    """Whether a comparison with a constant holds in all lanes."""
    assert op.meaning is not None, "comparisons have a meaning"
    pairs = [(step * lane, rest) if forward else (rest, step * lane) for lane in range(lanes)]
    return all(op.meaning(*pair) for pair in pairs)


def _clamped(ctx: Context, scalar: Node, fits: bool) -> Node:
    """A scalar as int32; one that may not fit goes to the end of int32, beyond any lane number."""
    build = ctx.build
    if not fits:
        scalar = build.alu(ops.MAX, dt.int64, scalar, build.index(INT32_MIN))
        scalar = build.alu(ops.MIN, dt.int64, scalar, build.index(INT32_MAX))
    return build.cast(scalar, dt.int32)


def _compare_lanes(ctx: Context, node: UOp, form: Affine) -> list[Node]:
    """step * lane + rest < 0 becomes step * lane < -rest, with the scalar on the other side for a negative
    step.
    """
    build = ctx.build
    mask = ctx.unrolled(node)
    split = parts(ctx, form.times(-1), mask)
    step, lanes = -split.lane, ctx.lanes(ctx.facts.mask[node])
    forward = step > 0
    if not forward:
        split = parts(ctx, form, mask)
    counter = build.node(ops.LANES, dt.int32, (), lanes, lanes)
    left = build.alu(ops.MUL, dt.int32, counter, build.const(abs(step), dt.int32))
    low, high = _ends(form)
    fits = low >= INT32_MIN and high <= INT32_MAX
    result = []
    for rest in scalars(ctx, split._replace(lane=0), mask):
        if rest.op is ops.CONST and _always(node.op, abs(step), lanes, rest.arg, forward=forward):
            result.append(build.const(True, dt.bool_))
            continue
        right = build.broadcast(_clamped(ctx, rest, fits), lanes)
        result.append(build.alu(node.op, dt.bool_, *((left, right) if forward else (right, left))))
    note_tail(ctx, node, form, result)
    return result
