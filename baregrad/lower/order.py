"""Nodes -> the LINEAR list: every value as late as its first reader asks for it, every loop when what it
needs is there.

One walk from the effects, sources first, puts Nodes and loops into the items of their blocks; a
second one makes the UOps. Accumulators take their steps in turn, so that an operand is read once
and not held for all of a chain. In a block with several different stores the stores come last: one
may write where another's value was read from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, ops
from baregrad.lower.node import Block, Node
from baregrad.lower.peel import peeled

Item = Node | Block


def linearize(root: Block) -> list[UOp]:
    """The lines of a kernel."""
    _walk(root)
    lines: list[UOp] = []
    _lines(root, lines)
    return lines


def _needs(item: Item) -> Iterator[Item]:
    """What stands before an item, in the order in which it is best visited."""
    if isinstance(item, Block):
        yield from (size for size in (item.size, item.whole, item.rest) if size is not None)
        for first, _ in item.carries:
            yield first
        for step in zip_longest(*item.chains):
            yield from (node for node in step if node is not None)
        for _, following in item.carries:
            yield following
        if len(item.stores) > 1:
            for effect in item.effects:
                if isinstance(effect, Node):
                    yield from effect.src
        yield from item.effects
    elif item.op is ops.RESULT or (item.op is ops.END and item.loop is not None):
        assert item.loop is not None, "a RESULT knows its loop"
        yield item.loop
    else:
        yield from item.src


def _walk(root: Block) -> None:
    """Fill `items` of all blocks, sources first, without recursion."""
    root.started = True
    stack: list[tuple[Item, Iterator[Item]]] = [(root, _needs(root))]
    while stack:
        item, waiting = stack[-1]
        for need in waiting:
            if need.done:
                continue
            if isinstance(need, Block):
                if need.started:
                    raise CompileError(
                        "a loop that needs its own result",
                        why="a reduce that depends on another cannot share its ranges",
                        mend="give each reduce ranges of its own",
                    )
                need.started = True
            stack.append((need, _needs(need)))
            break
        else:
            stack.pop()
            if not item.done:
                item.done = True
                place = item.parent if isinstance(item, Block) else item.block
                if place is not None:
                    place.items.append(item)


def _lines(block: Block, lines: list[UOp]) -> None:
    for item in block.items:
        if isinstance(item, Node):
            if item.op is not ops.END and item.op is not ops.RANGE:
                item.uop = _uop(item)
                lines.append(item.uop)
            continue
        assert item.size is not None, "a loop has a size"
        assert item.range is not None, "only the whole kernel has no range"
        assert item.counter is not None, "a loop has a counter"
        size = item.size
        item.counter.uop = UOp(
            ops.RANGE, dt.int64, (_made(size), *[_made(first) for first, _ in item.carries]), item.range.arg
        )
        start = len(lines)
        lines.append(item.counter.uop)
        _lines(item, lines)
        item.end = UOp(
            ops.END, dt.void, (item.counter.uop, *[_made(following) for _, following in item.carries])
        )
        lines.append(item.end)
        if item.whole is not None and item.rest is not None:
            masks = {mask.uop for mask in item.tails if mask.uop is not None}
            apart = peeled(lines[start:], masks, _made(item.whole), _made(item.rest))
            if apart is not None:
                lines[start:] = apart
                item.end = apart[-1]


def _made(node: Node) -> UOp:
    assert node.uop is not None, f"{node!r} stands after its reader"
    return node.uop


def _uop(node: Node) -> UOp:
    if node.op is ops.CARRY:
        assert node.loop is not None, "a CARRY knows its loop"
        assert node.loop.counter is not None, "a loop has a counter"
        return UOp(ops.CARRY, node.dtype, (_made(node.loop.counter),), node.arg)
    if node.op is ops.RESULT:
        assert node.loop is not None, "a RESULT knows its loop"
        assert node.loop.end is not None, "a RESULT stands behind its loop"
        return UOp(ops.RESULT, node.dtype, (node.loop.end,), node.arg)
    src: list[UOp] = []
    for s in node.src:
        if s.op is not ops.END:
            src.append(_made(s))
        elif s.loop is None:
            src.extend(_made(one) for one in s.src)
        else:
            assert s.loop.end is not None, "the loop that a load comes after is closed"
            src.append(s.loop.end)
    return UOp(node.op, node.dtype, tuple(src), node.arg)
