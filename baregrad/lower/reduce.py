"""REDUCE: accumulators that loops carry, products folded into FMA, and the joining of instances and lanes
at the end.

A reduce has one accumulator, or several when few are running beside it: a chain of dependent additions
waits for its latency, so short of IN_FLIGHT chains the instances of `reduce_unroll` get accumulators of
their own.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, is_const, ops
from baregrad.kernel.facts import static_size
from baregrad.lower.context import Context
from baregrad.lower.loops import path
from baregrad.lower.node import Block, Node

IN_FLIGHT = 8  # latency 4 times two units: what keeps vector FMA busy on current x86 cores

BOOL_OPS: dict[str, Op] = {"add": ops.OR, "max": ops.OR, "mul": ops.AND, "min": ops.AND}


def summands(node: UOp) -> tuple[UOp, ...]:
    """What each step of a REDUCE takes: its value, or the factors of a float product (FMA, one
    rounding), or a mask and the factors where the product is 0 unless the mask holds.
    """
    value = node.src[0]
    if node.arg[0] != "add" or not node.dtype.is_float:
        return (value,)
    if value.op is ops.MUL:
        return value.src
    if value.op is ops.SELECT and value.src[1].op is ops.MUL and is_const(value.src[2], 0.0):
        return (value.src[0], *value.src[1].src)
    return (value,)


def joiner(name: str, dtype: DType) -> Op:
    """The op that joins two partial results."""
    return BOOL_OPS[name] if dtype is dt.bool_ else ops.REDUCERS[name]


def identity(name: str, dtype: DType) -> bool | int | float:
    """The value that joining leaves as it is."""
    if dtype is dt.bool_:
        return name in ("mul", "min")
    if name in ("add", "mul"):
        return int(name == "mul")
    return dtype.min if name == "max" else dtype.max


def reduce(ctx: Context, node: UOp) -> list[Node]:
    """The Nodes of a REDUCE, one an instance."""
    facts = ctx.facts
    closed = facts.closed(node)
    outer = ctx.unrolled(node)
    every = outer | (closed & facts.instances)
    columns = [ctx.instances(s, every) for s in summands(node)]
    groups: list[list[int]] = [[] for _ in ctx.combos(outer)]
    for i, place in enumerate(ctx.project(outer, every)):
        groups[place].append(i)
    loops = [ctx.blocks[r] for r in path(closed & facts.loops, ctx.around, facts)]
    lane_range = ctx.lane_range(closed)
    widest = max(n.lanes for column in columns for n in column)  # some instances may be constants
    lanes = static_size(lane_range) if lane_range is not None else widest
    chains = max(1, min(len(groups[0]), IN_FLIGHT // len(groups)))
    results = []
    for group in groups:
        terms = [tuple(_term(ctx, column[i], node.dtype, lanes) for column in columns) for i in group]
        totals = [_accumulate(ctx, node, terms[start::chains], loops, lanes) for start in range(chains)]
        total = _tree(ctx, joiner(node.arg[0], node.dtype), totals)
        results.append(_join_lanes(ctx, node, total) if lane_range is not None else total)
    return results


def _term(ctx: Context, node: Node, dtype: DType, lanes: int) -> Node:
    return ctx.build.broadcast(node if node.dtype is dt.bool_ else ctx.build.cast(node, dtype), lanes)


def _accumulate(
    ctx: Context, node: UOp, terms: list[tuple[Node, ...]], loops: list[Block], lanes: int
) -> Node:
    """One accumulator through the loops of a reduce."""
    build, dtype = ctx.build, node.dtype
    op = joiner(node.arg[0], dtype)
    if not loops:
        first = terms[0][-1] if len(terms[0]) == 1 else build.alu(ops.MUL, dtype, *terms[0][-2:])
        if len(terms[0]) == 3:
            zero = build.broadcast(build.const(0.0, dtype), lanes)
            first = build.alu(ops.SELECT, dtype, terms[0][0], first, zero)
        return _chain(ctx, op, dtype, first, terms[1:])
    value = build.broadcast(build.const(identity(node.arg[0], dtype), dtype), lanes)
    places: list[int] = []
    for loop in loops:
        first, place = value, len(loop.carries)
        value = _of_loop(ops.CARRY, dtype, place, lanes, loop, loop)
        loop.carries.append((first, value))  # the next value is set below
        places.append(place)
    value = _chain(ctx, op, dtype, value, terms)
    for loop, place in zip(reversed(loops), reversed(places), strict=True):
        loop.carries[place] = (loop.carries[place][0], value)
        assert loop.parent is not None, "a loop has a parent"
        value = _of_loop(ops.RESULT, dtype, place, lanes, loop, loop.parent)
    return value


def _of_loop(op: Op, dtype: DType, arg: int, lanes: int, loop: Block, block: Block) -> Node:
    """A CARRY or RESULT."""
    node = Node(op, dtype, (), arg, lanes, block)
    node.loop = loop
    return node


def _chain(ctx: Context, op: Op, dtype: DType, value: Node, terms: list[tuple[Node, ...]]) -> Node:
    """Join terms to a value one after the other; the steps are noted, so that accumulators take them
    in turn.
    """
    build, steps = ctx.build, []
    for term in terms:
        if len(term) > 1:
            total = build.alu(ops.FMA, dtype, *term[-2:], value)
            value = total if len(term) == 2 else build.alu(ops.SELECT, dtype, term[0], total, value)
        else:
            value = build.alu(op, dtype, value, term[0])
        steps.append(value)
    if len(steps) > 1:
        value.block.chains.append(steps)
    return value


def _tree(ctx: Context, op: Op, values: list[Node]) -> Node:
    """Join values in pairs."""
    while len(values) > 1:
        pairs = [ctx.build.alu(op, a.dtype, a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = pairs + (values[-1:] if len(values) % 2 else [])
    return values[0]


def _join_lanes(ctx: Context, node: UOp, value: Node) -> Node:
    """Join the lanes of a vector: halves while they are vectors the machine has, then single lanes."""
    build, dtype = ctx.build, value.dtype
    op = joiner(node.arg[0], dtype)
    while value.lanes > 1:
        half = value.lanes // 2
        whole = value.lanes % 2 == 0 and half > 1
        if whole and (dtype is dt.bool_ or half * dtype.itemsize >= ctx.target.least_vector_bytes):
            low, high = (build.node(ops.SLICE, dtype, (value,), (at, half), half) for at in (0, half))
            value = build.alu(op, dtype, low, high)
        else:
            lanes = [build.node(ops.SLICE, dtype, (value,), (i, 1), 0) for i in range(value.lanes)]
            return _tree(ctx, op, lanes)
    return value
