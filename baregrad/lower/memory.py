"""LOAD and STORE: offsets as sums by depth, lanes that lie side by side, gathers, masks.

An offset is constant + scalars + lanes. The scalars are summed outer loops first and the constant (with
all that unrolled ranges add to it) last, where selection folds it into the address. A lane coefficient of
1 makes a contiguous access. Whole lines of a result that no cache would keep are stored past the caches
(STREAM), so that they are not read before.
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.ir import UOp, ops
from baregrad.kernel.affine import Affine
from baregrad.lower.context import Context
from baregrad.lower.linear import STREAM
from baregrad.lower.node import Node


class Parts(NamedTuple):
    """An index expression, sorted: constants by instance, scalars all instances share, others, lanes."""

    constants: list[int]
    shared: list[tuple[Node, int]]
    varying: list[tuple[UOp, int]]
    vectors: list[tuple[UOp, int]]
    lane: int


def parts(ctx: Context, form: Affine, mask: int) -> Parts:
    """Sort the terms of an affine form for the instances of `mask`."""
    facts = ctx.facts
    shared: list[tuple[Node, int]] = []
    varying: list[tuple[UOp, int]] = []
    vectors: list[tuple[UOp, int]] = []
    steps: dict[int, int] = {}
    lane = 0
    for term, coefficient in form.terms.items():
        own = facts.mask[term]
        if term.op is ops.RANGE and own & facts.instances:
            steps[own] = coefficient
        elif term.op is ops.RANGE and own & facts.lanes:
            lane = coefficient
        elif own & facts.lanes:
            vectors.append((term, coefficient))
        elif own & facts.instances:
            varying.append((term, coefficient))
        else:
            shared.append((ctx.nodes[term][0], coefficient))
    weights = [steps.get(facts.bit[r], 0) for r in facts.members(mask)]
    constants = [
        form.constant + sum(w * i for w, i in zip(weights, combo, strict=True)) for combo in ctx.combos(mask)
    ]
    return Parts(constants, shared, varying, vectors, lane)


def scalars(ctx: Context, split: Parts, mask: int) -> list[Node]:
    """The scalar part of an index expression, an int64 for each instance."""
    build = ctx.build
    if not split.varying:
        base = build.sum(split.shared, 0)
        return [build.alu(ops.ADD, dt.int64, base, build.index(c)) for c in split.constants]
    columns = [(ctx.instances(term, mask), c) for term, c in split.varying]
    return [
        build.sum([*split.shared, *((nodes[i], c) for nodes, c in columns)], constant)
        for i, constant in enumerate(split.constants)
    ]


def _vector_offsets(ctx: Context, split: Parts, mask: int, lanes: int) -> list[Node]:
    """Offsets of a gather or scatter. int32: a buffer has fewer than 2**31 elements wherever gathers are
    made.
    """
    build = ctx.build
    columns = [(ctx.instances(term, mask), c) for term, c in split.vectors]
    results = []
    for i, scalar in enumerate(scalars(ctx, split, mask)):
        total = build.broadcast(build.cast(scalar, dt.int32), lanes)
        if split.lane:
            counter = build.node(ops.LANES, dt.int32, (), lanes, lanes)
            total = build.alu(ops.ADD, dt.int32, build.scaled(counter, split.lane), total)
        for nodes, coefficient in columns:
            term = build.cast(nodes[i], dt.int32)
            total = build.alu(ops.ADD, dt.int32, build.scaled(term, coefficient), total)
        results.append(total)
    return results


class Access(NamedTuple):
    """The INDEX Nodes of an access, and how many lanes it has: contiguous ones, or one offset each
    (`gathers`).
    """

    places: list[Node]
    lanes: int
    gathers: bool


def access(ctx: Context, node: UOp, mask: int) -> Access:
    """The addresses of a LOAD or STORE for each instance."""
    build, facts = ctx.build, ctx.facts
    index = node.src[0]
    split = parts(ctx, ctx.affine(index.src[1]), mask)
    condition = index.src[2] if len(index.src) > 2 else None
    lanes = ctx.lanes(facts.mask[index])
    contiguous = lanes and split.lane == 1 and not split.vectors
    gathers = bool(lanes) and not contiguous
    if (
        lanes
        and not split.lane
        and not split.vectors
        and (condition is None or not facts.mask[condition] & facts.lanes)
    ):
        lanes, gathers = 0, False
    offsets = _vector_offsets(ctx, split, mask, lanes) if gathers else scalars(ctx, split, mask)
    masks = ctx.instances(condition, mask) if condition is not None else None
    memory = ctx.nodes[index.src[0]][0]
    result = []
    for i, offset in enumerate(offsets):
        src: tuple[Node, ...] = (memory, offset)
        if masks is not None and not (masks[i].op is ops.CONST and masks[i].arg):
            src = (memory, offset, build.broadcast(masks[i], lanes))
        result.append(build.node(ops.INDEX, index.dtype, src, None, lanes if gathers else 0))
    return Access(result, lanes, gathers)


def load(ctx: Context, node: UOp) -> list[Node]:
    """The Nodes of a LOAD."""
    mask = ctx.unrolled(node)
    found = access(ctx, node, mask)
    afters = [ctx.instances(after, mask) for after in node.src[1:]]
    arg = found.lanes if found.lanes and not found.gathers else None
    return [
        ctx.build.node(ops.LOAD, node.dtype, (index, *(a[i] for a in afters)), arg, found.lanes)
        for i, index in enumerate(found.places)
    ]


def store(ctx: Context, node: UOp) -> list[Node]:
    """The Nodes of a STORE."""
    mask = ctx.unrolled(node)
    found = access(ctx, node, mask)
    values = ctx.instances(node.src[1], mask)
    afters = [ctx.instances(after, mask) for after in node.src[2:]]
    build = ctx.build
    arg = STREAM if _streams(ctx, node, found) else None
    result = []
    for i, index in enumerate(found.places):
        value = build.broadcast(build.cast(values[i], node.src[1].dtype), found.lanes)
        src = (index, value, *(a[i] for a in afters))
        result.append(build.node(ops.STORE, dt.void, src, arg, found.lanes))
    return result


def _streams(ctx: Context, node: UOp, found: Access) -> bool:
    """Whether a STORE writes whole lines, at multiples of a line, of a result that no cache holds."""
    index, target = node.src[0], ctx.target
    memory, size = index.src[0], index.dtype.itemsize
    line = found.lanes * size
    if found.gathers or line != target.cache_line or len(index.src) > 2 or len(node.src) > 2:
        return False
    count = memory.arg[1]
    if memory.op is not ops.PARAM or not isinstance(count, int) or not 0 < target.l3_bytes <= count * size:
        return False
    if any(n.op is ops.LOAD and n.src[0].src[0] is memory for n in ctx.facts.order):
        return False
    form = ctx.affine(index.src[1])
    lane = ctx.lane_range(ctx.facts.mask[index])
    steps = [form.constant, *(c for term, c in form.terms.items() if term is not lane)]
    return all(step % found.lanes == 0 for step in steps)
