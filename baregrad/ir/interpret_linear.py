"""The meaning of LINEAR lists: the lines run exactly as they stand; vectors are tuples, masks tuples of
bools.

Read interpret.py first. One grid item after another; scratch memory is fresh for each.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import interpret_values as values
from baregrad.ir import ops
from baregrad.ir.interpret_source import Source, refuse
from baregrad.ir.ops import Op
from baregrad.ir.uop import UOp

Linear = Callable[[Sequence[Any], int], None]  # Any: lists, and the ints of variables


def run_linear(uops: Sequence[UOp], buffers: Sequence[Any], grid: int = 1) -> None:
    """Run a LINEAR list for each of `grid` items: `buffers[slot]` are a PARAM's elements, changed in place,
    or a VARIABLE's value.

    Errors: IRError for an access outside of its memory, a load of LOCAL memory that nothing was stored to, a
    source that stands after its reader, or an END that does not close the innermost loop.
    """
    compile_linear(uops)(buffers, grid)


def compile_linear(uops: Sequence[UOp]) -> Linear:
    """The Python function of a LINEAR list, to run it often."""
    return _Linear().function(uops)


class _Linear:
    """Writes the function of one list."""

    def __init__(self) -> None:
        self.source = Source("linear")
        self.source.objects.update(LOADS=_load_lanes, STORES=_store_lanes, APPLY=values.apply)
        self.names: dict[UOp, str] = {}
        self.loops: list[UOp] = []

    def function(self, uops: Sequence[UOp]) -> Linear:
        """The function."""
        source = self.source
        source.open_loop("item", "grid")
        source.line("pass")
        for node in uops:
            rule = _RULES.get(node.op)
            if rule is not None:
                self.names[node] = rule(self, node)
            elif node.op.elementwise:
                self.names[node] = self.elementwise(node)
            else:
                raise IRError(
                    f"cannot run {node!r}",
                    why=f"{node.op} is no op of LINEAR lists",
                    mend="lower the graph first",
                )
        if self.loops:
            raise IRError("a loop is not closed", why="each RANGE needs its END", mend="end the loop")
        return source.function("B, grid")

    def of(self, node: UOp) -> str:
        """The variable of a source."""
        name = self.names.get(node)
        if name is None:
            raise IRError(
                f"{node!r} is used before its line",
                why="sources stand before their readers",
                mend="correct the order",
            )
        return name

    def assign(self, text: str) -> str:
        """A new variable."""
        to = self.source.fresh()
        self.source.line(f"{to} = {text}")
        return to

    def const(self, node: UOp) -> str:
        """CONST."""
        return self.source.constant(node.arg)

    def param(self, node: UOp) -> str:
        """PARAM: a list and how long it is."""
        name = f"B{node.arg[0]}"
        size = node.arg[1] if isinstance(node.arg[1], int) else f"len({name})"
        self.source.line(f"{name} = B[{node.arg[0]}]; n{name} = {size}")
        self.source.line(f"if len({name}) < n{name}: REFUSE('slot', '{name}', len({name}), n{name})")
        return name

    def local(self, node: UOp) -> str:
        """LOCAL: a list of nothing."""
        name = f"L{node.arg[0]}"
        self.source.line(f"n{name} = {node.arg[1]}; {name} = [None] * n{name}")
        return name

    def index(self, node: UOp) -> str:
        """INDEX is part of its LOADs and STOREs."""
        for source in node.src:
            self.of(source)
        return "?"

    def variable(self, node: UOp) -> str:
        """VARIABLE: an int among the arguments."""
        return f"B[{node.arg[3]}]"

    def grid(self, node: UOp) -> str:
        """GRID."""
        return "item"

    def range(self, node: UOp) -> str:
        """RANGE: the loop's carried variables get their first values."""
        source = self.source
        counter = source.fresh("i")
        for i, first in enumerate(node.src[1:]):
            source.line(f"{counter}_{i} = {self.of(first)}")
        source.open_loop(counter, self.of(node.src[0]))
        source.line("pass")
        self.loops.append(node)
        return counter

    def carry(self, node: UOp) -> str:
        """CARRY."""
        return self.assign(f"{self.of(node.src[0])}_{node.arg}")

    def end(self, node: UOp) -> str:
        """END: all carried variables change at once."""
        loop, *following = node.src
        counter = self.of(loop)
        if not self.loops or self.loops.pop() is not loop:
            raise IRError(
                f"{node!r} closes another loop", why="loops nest", mend="end the innermost loop first"
            )
        if following:
            targets = ", ".join(f"{counter}_{i}" for i in range(len(following)))
            self.source.line(f"{targets} = {', '.join(self.of(value) for value in following)}")
        self.source.indent -= 1
        return counter

    def result(self, node: UOp) -> str:
        """RESULT."""
        return self.assign(f"{self.of(node.src[0])}_{node.arg}")

    def broadcast(self, node: UOp) -> str:
        """BROADCAST."""
        return self.assign(f"({self.of(node.src[0])},) * {node.arg}")

    def lanes(self, node: UOp) -> str:
        """LANES."""
        return self.source.give("K", tuple(range(node.arg)))

    def slice(self, node: UOp) -> str:
        """SLICE."""
        start, count = node.arg
        at = f"[{start}]" if count == 1 else f"[{start}:{start + count}]"
        return self.assign(self.of(node.src[0]) + at)

    def stack(self, node: UOp) -> str:
        """STACK."""
        return self.assign(f"({', '.join(map(self.of, node.src))},)")

    def elementwise(self, node: UOp) -> str:
        """A scalar or vector op."""
        source, src = self.source, [self.of(s) for s in node.src]
        if not node.shape:
            return source.elementwise(node, src)
        src = [
            name if s.shape else f"({name},) * {node.shape[0]}" for name, s in zip(src, node.src, strict=True)
        ]
        op, dtype = node.op, source.give("D", node.dtype)
        if op is ops.CAST or op is ops.BITCAST:
            how = source.give("P", values.convert if op is ops.CAST else values.bitcast)
            return self.assign(
                f"tuple({how}(list({src[0]}), {source.give('D', node.src[0].dtype)}, {dtype}))"
            )
        quick = values.quick().get(op)
        if node.dtype is dt.float32 and quick in (operator.add, operator.sub, operator.mul):
            return self.assign(f"tuple(array('f', map({source.give('M', quick)}, {', '.join(src)})))")
        return self.assign(f"tuple(APPLY({source.give('O', op)}, {dtype}, ({', '.join(src)},)))")

    def load(self, node: UOp) -> str:
        """LOAD: a scalar, `arg` neighbours, or a gather."""
        memory, offset, *mask = node.src[0].src
        name, at = self.of(memory), self.of(offset)
        zero = self.source.constant(values.identity("add", node.dtype))
        lanes = node.shape[0] if node.shape else None
        off = self.of(mask[0]) if mask else "None"
        where = f"({at},)" if lanes is None else (at if offset.shape else f"range({at}, {at} + {lanes})")
        if lanes is None or (mask and not mask[0].shape):
            off = f"({off},) * {lanes or 1}" if mask else "None"
        read = f"LOADS({name}, '{name}', n{name}, {where}, {off}, {zero})"
        return self.assign(read if lanes is not None else f"{read}[0]")

    def store(self, node: UOp) -> str:
        """STORE: as LOAD."""
        memory, offset, *mask = node.src[0].src
        value = node.src[1]
        name, at, held = self.of(memory), self.of(offset), self.of(value)
        lanes = value.shape[0] if value.shape else (offset.shape[0] if offset.shape else None)
        off = self.of(mask[0]) if mask else "None"
        where = f"({at},)" if lanes is None else (at if offset.shape else f"range({at}, {at} + {lanes})")
        if lanes is None or (mask and not mask[0].shape):
            off = f"({off},) * {lanes or 1}" if mask else "None"
        held = held if value.shape else f"({held},) * {lanes or 1}"
        self.source.line(f"STORES({name}, '{name}', n{name}, {where}, {off}, {held})")
        return "?"

    def sink(self, node: UOp) -> str:
        """SINK: the end of a list."""
        return "?"


def _load_lanes(
    memory: list[Any], name: str, size: int, where: Sequence[int], mask: Sequence[bool] | None, zero: Any
) -> tuple[Any, ...]:
    """The elements at addresses; 0 where masked off."""
    if mask is None:
        if min(where) < 0 or max(where) >= size:
            refuse("load", name, tuple(where), size)
        made = tuple([memory[at] for at in where])
    else:
        for at, on in zip(where, mask, strict=True):
            if on and not 0 <= at < size:
                refuse("load", name, at, size)
        made = tuple([memory[at] if on else zero for at, on in zip(where, mask, strict=True)])
    if None in made:
        refuse("load", name, tuple(where), size)
    return made


def _store_lanes(
    memory: list[Any],
    name: str,
    size: int,
    where: Sequence[int],
    mask: Sequence[bool] | None,
    held: Sequence[Any],
) -> None:
    """Write elements at addresses, the last lane last; nothing where masked off."""
    for lane, (at, value) in enumerate(zip(where, held, strict=True)):
        if mask is None or mask[lane]:
            if not 0 <= at < size:
                refuse("store", name, at, size)
            memory[at] = value


_RULES: dict[Op, Callable[[_Linear, UOp], str]] = {
    ops.CONST: _Linear.const,
    ops.PARAM: _Linear.param,
    ops.VARIABLE: _Linear.variable,
    ops.LOCAL: _Linear.local,
    ops.INDEX: _Linear.index,
    ops.GRID: _Linear.grid,
    ops.RANGE: _Linear.range,
    ops.CARRY: _Linear.carry,
    ops.END: _Linear.end,
    ops.RESULT: _Linear.result,
    ops.BROADCAST: _Linear.broadcast,
    ops.LANES: _Linear.lanes,
    ops.SLICE: _Linear.slice,
    ops.STACK: _Linear.stack,
    ops.LOAD: _Linear.load,
    ops.STORE: _Linear.store,
    ops.SINK: _Linear.sink,
}
