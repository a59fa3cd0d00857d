"""Loops of symbolic size without masks, but for their last steps.

A loop over blocks of a symbolic axis masks what lies behind the end, in every step, though only the last one
reaches it. While masks are made, `note_tail` writes down up to which step of the innermost loop each one is
all true; `peeled` then makes two loops of one: the whole blocks, where these masks are left out, and what
remains, which goes on with the carried values. Loops of constant size are left alone: there the optimiser
chooses what divides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from baregrad import dtype as dt
from baregrad.base.integers import is_power_of_two
from baregrad.ir import UOp, bounds, ops
from baregrad.kernel.affine import Affine
from baregrad.lower.context import Context
from baregrad.lower.memory import parts
from baregrad.lower.node import Block, Node

MOST_LINES = 240  # of a body, so that code stays small
RENUMBERED = 1 << 16  # added to the numbers of loops in the second copy


def note_tail(ctx: Context, node: UOp, form: Affine, masks: Sequence[Node]) -> None:
    """Note up to which step of a loop a comparison `form < 0` (or <=) holds in all lanes and instances."""
    if node.op is not ops.CMPLT and node.op is not ops.CMPLE:
        return
    inner = _innermost(ctx, form)
    if inner is None:
        return
    block, step = inner
    mask = ctx.unrolled(node)
    assert block.range is not None, "a loop has a range"
    rest = form.plus(Affine(0, {block.range: step}), -1)
    split = parts(ctx, rest, mask)
    if split.varying or split.vectors:
        return
    build = ctx.build
    reach = max(split.constants) + max(split.lane, 0) * max(ctx.lanes(ctx.facts.mask[node]) - 1, 0)
    top = step - (node.op is ops.CMPLT) - reach
    room = build.alu(ops.SUB, dt.int64, build.index(top), build.sum(split.shared, 0))
    full = build.alu(ops.SHR, dt.int64, room, build.index(step.bit_length() - 1)) if step > 1 else room
    if _greatest(ctx, rest) > top:
        full = build.alu(ops.MAX, dt.int64, full, build.index(0))
    for one in masks:
        if one.op is not ops.CONST:
            block.tails[one] = full


def _innermost(ctx: Context, form: Affine) -> tuple[Block, int] | None:
    """The innermost loop that a sum depends on and its factor: a symbolic size, and a power of two."""
    deepest: Block | None = None
    step = 0
    for term, coefficient in form.terms.items():
        if ctx.facts.mask[term] & (ctx.facts.lanes | ctx.facts.instances):
            continue
        if term not in ctx.nodes:
            return None
        block = ctx.nodes[term][0].block
        if deepest is None or block.depth > deepest.depth:
            deepest, step = block, coefficient if term is block.range else 0
        elif block is deepest:
            step = 0
    if deepest is None or deepest.range is None or step < 1 or not is_power_of_two(step):
        return None
    return None if deepest.range.src[0].op is ops.CONST else (deepest, step)


def _greatest(ctx: Context, form: Affine) -> int:
    """The greatest value of the terms of a sum that are the same for all lanes and instances."""
    total = 0
    for term, coefficient in form.terms.items():
        if not ctx.facts.mask[term] & (ctx.facts.lanes | ctx.facts.instances):
            total += max(coefficient * end for end in bounds(term))
    return total


def divide_loops(ctx: Context) -> None:
    """How many steps of each loop with such masks are whole, and how many remain."""
    for block in ctx.blocks.values():
        if block.tails and block.size is not None:
            whole = block.size
            for full in dict.fromkeys(block.tails.values()):
                whole = ctx.build.alu(ops.MIN, dt.int64, whole, full)
            block.whole = whole
            block.rest = ctx.build.alu(ops.SUB, dt.int64, block.size, whole)


def peeled(lines: Sequence[UOp], masks: Collection[UOp], whole: UOp, rest: UOp) -> list[UOp] | None:
    """The lines of a loop, from RANGE to END, as two loops: `whole` steps in which the masks are all true,
    and the rest. None where that is not worth it.
    """
    loop, *body, _ = lines
    true = _truths(lines, masks)
    if not true or len(body) > MOST_LINES or not _all_depend(loop, body):
        return None
    first = _copy(lines, loop.rebuild((whole, *loop.src[1:])), None, true)
    if first is None:
        return None
    results = [UOp(ops.RESULT, value.dtype, (first[-1],), i) for i, value in enumerate(loop.src[1:])]
    again = UOp(ops.RANGE, loop.dtype, (rest, *results), (loop.arg[0] + RENUMBERED, loop.arg[1]))
    counter = UOp(ops.ADD, dt.int64, (again, whole))
    second = _copy(lines, again, counter, frozenset())
    return None if second is None else [*first, *results, *second]


def _truths(lines: Sequence[UOp], masks: Collection[UOp]) -> frozenset[UOp]:
    """Masks that are true, with those made of them alone; none if one of them is more than a mask."""
    true = {line for line in lines if line in masks}
    for line in lines:
        if (line.op is ops.BROADCAST or line.op is ops.AND) and all(s in true for s in line.src):
            true.add(line)
        elif line.op not in (ops.BROADCAST, ops.AND):
            place = {ops.INDEX: 2, ops.SELECT: 0}.get(line.op)
            if any(s in true and i != place for i, s in enumerate(line.src)):
                return frozenset()
    return frozenset(true)


def _all_depend(loop: UOp, body: Sequence[UOp]) -> bool:
    """Whether each line of a body changes with its loop or one inside, so that a copy is another node."""
    seen = {loop}
    for line in body:
        if line.op is ops.RANGE or any(source in seen for source in line.src):
            seen.add(line)
        else:
            return False
    return True


def _copy(lines: Sequence[UOp], loop: UOp, counter: UOp | None, true: Collection[UOp]) -> list[UOp] | None:
    """The lines of a loop under another RANGE, whose steps are counted by another node; true masks are left
    out, and what only they read. None where lines became equal that may stand in different loops.
    """
    old, *body, end = lines
    new: dict[UOp, UOp] = {old: counter or loop}
    loops = {old: loop}  # a RANGE stands for itself in CARRY and END
    made: dict[UOp, None] = {} if counter is None else {counter: None}
    for line in body:
        if line in true:
            continue
        copy = _kept(line, new, true)
        if copy is None:
            of_loop = line.op is ops.CARRY or line.op is ops.END
            src = [loops.get(s, s) if of_loop and not i else new.get(s, s) for i, s in enumerate(line.src)]
            if line.op is ops.INDEX and len(src) > 2 and line.src[2] in true:
                src.pop()
            renumbered = line.op is ops.RANGE and counter is not None
            arg = (line.arg[0] + RENUMBERED, line.arg[1]) if renumbered else line.arg
            copy = UOp(line.op, line.dtype, tuple(src), arg)
            if copy in made and any(inner.op is ops.RANGE for inner in body):
                return None
            made[copy] = None
            if line.op is ops.RANGE:
                loops[line] = copy
        new[line] = copy
    last = UOp(ops.END, end.dtype, (loop, *(new.get(s, s) for s in end.src[1:])))
    return [loop, *_living(list(made), last), last]


def _kept(line: UOp, new: dict[UOp, UOp], true: Collection[UOp]) -> UOp | None:
    """What a line is where a mask in it is true, if that is one of its sources."""
    if line.op is ops.SELECT and line.src[0] in true:
        return new.get(line.src[1], line.src[1])
    if line.op is ops.AND:
        for mask, other in (line.src, line.src[::-1]):
            if mask in true:
                return new.get(other, other)
    return None


def _living(lines: list[UOp], last: UOp) -> list[UOp]:
    """The lines that stores, loops and the end of the body need."""
    needed = set(last.src)
    kept = []
    for line in reversed(lines):
        if line in needed or line.op in (ops.STORE, ops.RANGE, ops.END):
            needed.update(line.src)
            kept.append(line)
    kept.reverse()
    return kept
