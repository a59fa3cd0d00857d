"""From a LINEAR list to C11: one function `void kernel_NAME(void **args, int64_t grid_item)`.

Read c_rows.py first: it says what dtypes and elementwise ops are. Here are memory, loops, carried values and
lanes, one method an op. A value becomes a numbered variable, a vector an array; a name with @ in it is an
expression for lane @, so that broadcasts, lane numbers and slices need no line. Nothing is left to the C
compiler's freedom: the expressions define overflow, shifts and conversions, the variables what is rounded.
What is not here: compiling the text (runtime/c).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.ir import Op, UOp, ops
from baregrad.lower import Linear
from baregrad.render.program import Program
from baregrad.render.text.c_rows import PRELUDE, c_type, expression, literal
from baregrad.target import Target

LANE = "l"


def render(linear: Linear, target: Target) -> Program:
    """The text of a kernel, as a program whose code it is.

    Errors: CompileError for a line that C has no expression for.
    """
    text = source(linear)
    return Program(linear.name, text.encode(), linear.grid, linear.slots, lambda: text)


def source(linear: Linear) -> str:
    """The C file of a kernel."""
    name = "kernel_" + re.sub(r"\W", "_", linear.name, flags=re.ASCII)
    writer = _Writer()
    for node in linear.uops:
        writer.write(node)
    body = "".join(f"    {line}\n" for line in (*writer.head, *writer.lines))
    return f"{PRELUDE}\nvoid {name}(void **args, int64_t grid_item)\n{{\n{body}}}\n"


class _Writer:
    """The lines of one function."""

    __slots__ = ("count", "head", "indent", "lines", "names")

    def __init__(self) -> None:
        self.head: dict[str, None] = {}  # what the whole function sees, once each
        self.lines: list[str] = []
        self.names: dict[UOp, str] = {}
        self.count = 0
        self.indent = ""

    def write(self, node: UOp) -> None:
        """Write a line of the list and name its value."""
        rule = _rules().get(node.op)
        self.names[node] = _Writer.elementwise(self, node) if rule is None else rule(self, node)

    # -- lines -----------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """A line of text."""
        self.lines.append(self.indent + text)

    def fresh(self, letter: str) -> str:
        """A name that nothing has."""
        self.count += 1
        return f"{letter}{self.count}"

    def src(self, node: UOp) -> list[str]:
        """The expressions of the sources."""
        return [self.names[s] for s in node.src]

    def each(self, text: str, lanes: int) -> None:
        """A statement for each lane; once for a scalar."""
        loop = f"for (int {LANE} = 0; {LANE} < {lanes}; {LANE}++) " if lanes else ""
        self.line(loop + text.replace("@", LANE))

    def variable(self, node: UOp, value: str, name: str = "") -> str:
        """A new variable with the dtype and lanes of a node."""
        name, kind = name or self.fresh("v"), c_type(node.dtype).name
        if not node.shape:
            self.line(f"{kind} {name} = {value};")
            return name
        lanes = _lanes(node)
        self.line(f"{kind} {name}[{lanes}];")
        self.each(f"{name}[@] = {value};", lanes)
        return f"{name}[@]"

    # -- ops -------------------------------------------------------------------------------------------

    def elementwise(self, node: UOp) -> str:
        """What the op's row says."""
        if not node.op.elementwise:
            raise CompileError(
                f"{node!r} in C",
                why=f"{node.op} is no op of LINEAR lists",
                mend="lower the graph first",
            )
        return self.variable(node, expression(node).format(*self.src(node)))

    def const(self, node: UOp) -> str:
        """CONST."""
        return literal(node.arg, node.dtype)

    def param(self, node: UOp) -> str:
        """PARAM: a pointer."""
        slot = node.arg[0]
        self.head[f"{c_type(node.dtype).name} *p{slot} = args[{slot}];"] = None
        return f"p{slot}"

    def argument(self, node: UOp) -> str:
        """VARIABLE: a word among the pointers."""
        slot = node.arg[3]
        self.head[f"int64_t n{slot} = (int64_t)(intptr_t)args[{slot}];"] = None
        return f"n{slot}"

    def local(self, node: UOp) -> str:
        """LOCAL: an array on the stack."""
        number, size = node.arg
        self.head[f"_Alignas(64) {c_type(node.dtype).name} m{number}[{size}];"] = None
        return f"m{number}"

    def grid(self, node: UOp) -> str:
        """GRID: the argument."""
        return "grid_item"

    def index(self, node: UOp) -> str:
        """INDEX: the element's name; a contiguous access adds the lane."""
        memory, offset = self.src(node)[:2]
        return f"{memory}[{offset}]"

    def place(self, index: UOp, lanes: int) -> str:
        """The element of lane @ of an access."""
        name = self.names[index]
        return f"{name[:-1]} + @]" if lanes and not index.src[1].shape else name

    def load(self, node: UOp) -> str:
        """LOAD; 0 where masked off, and then the memory is not touched."""
        index = node.src[0]
        value = self.place(index, _lanes(node))
        if len(index.src) > 2:
            value = f"{self.names[index.src[2]]} ? {value} : 0"
        return self.variable(node, value)

    def store(self, node: UOp) -> str:
        """STORE; nothing where masked off."""
        index, value = node.src[:2]
        lanes = _lanes(value) or _lanes(index.src[1])
        condition = f"if ({self.names[index.src[2]]}) " if len(index.src) > 2 else ""
        self.each(f"{condition}{self.place(index, lanes)} = {self.names[value]};", lanes)
        return ""

    def range(self, node: UOp) -> str:
        """RANGE: a loop, behind the first values of what it carries."""
        counter, size = self.fresh("i"), self.names[node.src[0]]
        for i, first in enumerate(node.src[1:]):
            self.variable(first, self.names[first], f"{counter}_{i}")
        kind = c_type(node.dtype).name
        self.line(f"for ({kind} {counter} = 0; {counter} < {size}; {counter}++) {{")
        self.indent += "    "
        return counter

    def carry(self, node: UOp) -> str:
        """CARRY: a copy, because all carried values change at once."""
        return self.variable(node, self.carried(node.src[0], node))

    def end(self, node: UOp) -> str:
        """END: what is carried into the next iteration."""
        loop, *following = node.src
        for i, value in enumerate(following):
            to = f"{self.names[loop]}_{i}" + ("[@]" if value.shape else "")
            self.each(f"{to} = {self.names[value]};", _lanes(value))
        self.indent = self.indent[4:]
        self.line("}")
        return self.names[loop]

    def result(self, node: UOp) -> str:
        """RESULT: the carried variable, which nothing changes any more."""
        return self.carried(node.src[0], node)

    def carried(self, owner: UOp, node: UOp) -> str:
        """The carried variable of a CARRY or RESULT."""
        return f"{self.names[owner]}_{node.arg}" + ("[@]" if node.shape else "")

    def broadcast(self, node: UOp) -> str:
        """BROADCAST: the scalar, in whichever lane."""
        return self.names[node.src[0]]

    def lanes(self, node: UOp) -> str:
        """LANES: the number of the lane."""
        return "(@)"

    def slice(self, node: UOp) -> str:
        """SLICE: other lanes of the same array."""
        start, count = node.arg
        return self.names[node.src[0]].replace("@", f"{start}" if count == 1 else f"@ + {start}")

    def stack(self, node: UOp) -> str:
        """STACK: an array of the scalars."""
        name = self.fresh("v")
        self.line(f"{c_type(node.dtype).name} {name}[] = {{{', '.join(self.src(node))}}};")
        return f"{name}[@]"


def _lanes(node: UOp) -> int:
    """How many lanes a value has; 0 for a scalar."""
    return node.shape[0] if node.shape else 0


@memo
def _rules() -> dict[Op, Callable[[_Writer, UOp], str]]:
    """The method of each op that is not elementwise."""
    return {
        ops.CONST: _Writer.const, ops.PARAM: _Writer.param, ops.VARIABLE: _Writer.argument,
        ops.LOCAL: _Writer.local, ops.GRID: _Writer.grid,
        ops.INDEX: _Writer.index, ops.LOAD: _Writer.load, ops.STORE: _Writer.store,
        ops.RANGE: _Writer.range, ops.CARRY: _Writer.carry, ops.END: _Writer.end, ops.RESULT: _Writer.result,
        ops.BROADCAST: _Writer.broadcast, ops.LANES: _Writer.lanes, ops.SLICE: _Writer.slice,
        ops.STACK: _Writer.stack,
    }  # fmt: skip
