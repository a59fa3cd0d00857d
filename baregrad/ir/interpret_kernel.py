"""The meaning of KERNEL graphs: loops run one after another, whatever their kind; memory is Python lists.

A value is computed in the innermost loop that it depends on, a REDUCE runs its ranges where it stands, an
END runs its store for all of its ranges; what a node comes after is run before it. Read interpret.py
first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import interpret_values as values
from baregrad.ir import ops
from baregrad.ir.bounds import ranges_of
from baregrad.ir.interpret_source import TEXT, Source
from baregrad.ir.uop import UOp, toposort

Kernel = Callable[[Sequence[Any]], None]  # Any: lists, and the ints of variables


def run_kernel(sink: UOp, buffers: Sequence[Any]) -> None:
    """Run a KERNEL graph once: `buffers[slot]` are the elements of a PARAM's memory, changed in place, or a
    VARIABLE's value.

    Errors: IRError for an access outside of its memory, or a load of LOCAL memory that nothing was stored to.
    """
    compile_kernel(sink)(buffers)


def compile_kernel(sink: UOp) -> Kernel:
    """The Python function of a KERNEL graph, to run it often."""
    return _Kernel(sink).function()


class _Kernel:
    """Writes the function of one kernel."""

    def __init__(self, sink: UOp) -> None:
        self.sink = sink
        self.source = Source("kernel")
        self.names: dict[UOp, str] = {}  # what is computed here or in an enclosing loop
        order = sink.toposort()
        self.locals = [node for node in order if node.op is ops.LOCAL]
        # A store that only its END reads is run there, once for each step of its loops.
        self.ended = {node.src[0] for node in order if node.op is ops.END and node.src[0].op is ops.STORE}
        self.ended -= {source for node in order if node.op is not ops.END for source in node.src}

    def function(self) -> Kernel:
        """The function."""
        for node in self.sink.toposort():
            if node.op is ops.PARAM:
                name = self.names[node] = f"B{node.arg[0]}"
                size = node.arg[1] if isinstance(node.arg[1], int) else f"len({name})"
                self.source.line(f"{name} = B[{node.arg[0]}]")
                self.source.line(f"n{name} = {size}")
                self.source.line(f"if len({name}) < n{name}: REFUSE('slot', '{name}', len({name}), n{name})")
        self.new_locals()
        self.block([self.sink], frozenset())
        return self.source.function("B")

    def new_locals(self) -> None:
        """Fresh scratch memory: nothing is stored there yet."""
        for node in self.locals:
            name = self.names[node] = f"L{node.arg[0]}"
            self.source.line(f"n{name} = {node.arg[1]}")
            self.source.line(f"{name} = [None] * n{name}")

    def block(self, targets: Sequence[UOp], open_: frozenset[UOp]) -> None:
        """Everything below the targets that depends on open loops only, sources first."""
        for node in toposort(tuple(targets)):
            if node not in self.names and node not in self.ended and ranges_of(node) <= open_:
                self.names[node] = self.node(node, open_)

    def node(self, node: UOp, open_: frozenset[UOp]) -> str:
        """Compute one node whose sources are known; its variable."""
        op = node.op
        if op is ops.CONST:
            return self.source.constant(node.arg)
        if op is ops.VARIABLE:
            return f"B[{node.arg[3]}]"
        if op is ops.LOAD:
            return self.load(node)
        if op is ops.STORE:
            self.store(node)
        elif op is ops.REDUCE:
            return self.reduce(node, open_)
        elif op is ops.END:
            self.end(node, open_)
        elif op.elementwise:
            return self.source.elementwise(node, [self.names[s] for s in node.src])
        elif op not in (ops.INDEX, ops.SINK):
            raise IRError(
                f"cannot run {node!r}", why=f"{op} is no op of KERNEL graphs", mend="lower the graph first"
            )
        return ""

    def end(self, node: UOp, open_: frozenset[UOp]) -> None:
        """END."""
        body, *ranges = node.src
        if body in self.ended:
            self.loops(ranges, body.src, open_, lambda: self.store(body))
        else:
            self.loops(ranges, [body], open_)

    def loops(
        self,
        ranges: Sequence[UOp],
        targets: Sequence[UOp],
        open_: frozenset[UOp],
        each: Callable[[], None] | None = None,
    ) -> None:
        """Run targets, then `each`, for all values of the ranges; what is computed inside is forgotten."""
        source, before = self.source, source_state(self.source, self.names)
        source.nest = None  # a loop around these goes on when they have ended: it is not joined with them
        for loop in sorted(ranges, key=lambda node: int(node.arg[0])):
            self.block(loop.src, open_)
            size = self.names[loop.src[0]]
            counter = self.names[loop] = source.fresh("i")
            source.open_loop(counter, size)
            if loop.arg[1] == "grid":
                self.new_locals()
            open_ = open_ | {loop}
            self.block(targets, open_)
        if each is not None:
            each()
        if source.lines[-1].endswith(":"):
            source.line("pass")  # what is done does not depend on the innermost loop
        source.indent, self.names = before

    def reduce(self, node: UOp, open_: frozenset[UOp]) -> str:
        """REDUCE: float sums in float64 (float64: exactly), rounded once."""
        source, (value, *ranges), name = self.source, node.src, node.arg[0]
        total, dtype = source.fresh("a"), node.dtype
        gather = dtype is dt.float64 and name == "add"
        first = 0.0 if dtype.is_float and name == "add" else values.identity(name, dtype)
        source.line(f"{total} = []" if gather else f"{total} = {source.constant(first)}")

        def each() -> None:
            held = self.names[value]
            if gather:
                source.line(f"{total}.append({held})")
            else:
                source.line(f"{total} = {TEXT[ops.REDUCERS[name]].format(total, held)}")

        self.loops(ranges, [value], open_, each)
        if gather:
            source.line(f"{total} = SUM('add', {total}, {source.give('D', dtype)})")
        elif dtype.is_float:
            source.rounded(dtype, total, total, name in ("max", "min"))
        elif dtype is dt.bool_:
            source.line(f"{total} = bool({total})")
        else:
            source.wrapped(dtype, total)
        return total

    def address(self, index: UOp) -> tuple[UOp, str, str, str | None]:
        """Memory, its variable, the offset's and the mask's."""
        memory, offset, *mask = index.src
        return memory, self.names[memory], self.names[offset], self.names[mask[0]] if mask else None

    def load(self, node: UOp) -> str:
        """LOAD: 0 where masked off."""
        source = self.source
        memory, name, offset, mask = self.address(node.src[0])
        to = source.fresh()
        check = f"if not 0 <= {offset} < n{name}: REFUSE('load', '{name}', {offset}, n{name})"
        read = [check, f"{to} = {name}[{offset}]"]
        if memory.op is ops.LOCAL:
            read.append(f"if {to} is None: REFUSE('load', '{name}', {offset}, n{name})")
        if mask is None:
            for text in read:
                source.line(text)
            return to
        source.line(f"{to} = {source.constant(values.identity('add', node.dtype))}")
        self.guarded(mask, read)
        return to

    def store(self, node: UOp) -> None:
        """STORE: nothing where masked off; joined to what is there if it says how."""
        _, name, offset, mask = self.address(node.src[0])
        check = f"if not 0 <= {offset} < n{name}: REFUSE('store', '{name}', {offset}, n{name})"
        value = self.names[node.src[1]]
        if node.arg is not None:
            join = self.source.give("J", values.joiner(node.arg, node.src[1].dtype))
            value = f"{join}({name}[{offset}], {value})"
        write = [check, f"{name}[{offset}] = {value}"]
        if mask is None:
            for text in write:
                self.source.line(text)
        else:
            self.guarded(mask, write)

    def guarded(self, mask: str, lines: Sequence[str]) -> None:
        """Lines under a condition."""
        self.source.line(f"if {mask}:")
        for text in lines:
            self.source.line(" " + text)


def source_state(source: Source, names: dict[UOp, str]) -> tuple[int, dict[UOp, str]]:
    """What to return to after a loop."""
    return source.indent, dict(names)
