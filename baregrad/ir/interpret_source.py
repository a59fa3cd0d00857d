"""Python source for scalar values: what the KERNEL and LINEAR interpreters are made of.

A kernel is run as one generated Python function: loops are `for`, memory is lists, a node is a variable.
The text of an expression comes from a table here or is a call of the op's meaning; what follows it
(rounding, wrapping) is the same for all. Addresses are checked before every access.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from itertools import product
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.dtype import DType, Kind
from baregrad.ir import interpret_values as values
from baregrad.ir import ops
from baregrad.ir.bounds import exact
from baregrad.ir.ops import Op
from baregrad.ir.uop import UOp

TEXT: dict[Op, str] = {
    ops.ADD: "{} + {}", ops.SUB: "{} - {}", ops.MUL: "{} * {}", ops.NEG: "-{}",
    ops.AND: "{} & {}", ops.OR: "{} | {}", ops.XOR: "{} ^ {}",
    ops.IDIV: "{0} // {1} if {1} else 0", ops.MOD: "{0} % {1} if {1} else {0}",
    ops.MAX: "{0} if {0} > {1} or {0} != {0} else {1}", ops.MIN: "{0} if {0} < {1} or {0} != {0} else {1}",
    ops.CMPLT: "{} < {}", ops.CMPLE: "{} <= {}", ops.CMPEQ: "{} == {}", ops.CMPNE: "{} != {}",
    ops.SELECT: "{1} if {0} else {2}",
}  # fmt: skip
DEPTH = 18  # Python allows 20 nested blocks


class Source:
    """Lines of one generated function, and the objects that they name."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[str] = []
        self.indent = 1
        self.objects: dict[str, Any] = {
            "F": array("f", [0.0]), "array": array, "REFUSE": refuse, "product": product, "SUM": values.join,
            "inf": math.inf, "nan": math.nan,
        }  # fmt: skip
        self.numbers: dict[int, str] = {}
        self.count = 0
        self.nest: tuple[int, list[tuple[str, str]]] | None = None  # lines up to a loop that was just begun

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append(" " * self.indent + text)

    def give(self, prefix: str, value: Any) -> str:
        """A name for an object."""
        name = self.numbers.get(id(value))
        if name is None:
            name = self.numbers[id(value)] = f"{prefix}{len(self.numbers)}"
            self.objects[name] = value
        return name

    def fresh(self, prefix: str = "v") -> str:
        """A new variable."""
        self.count += 1
        return f"{prefix}{self.count}"

    def open_loop(self, counter: str, size: str) -> None:
        """Begin a loop; one that stands directly inside another becomes part of it."""
        if self.nest and self.nest[0] == len(self.lines):
            self.nest = (self.nest[0], [*self.nest[1], (counter, size)])
            counters = ", ".join(name for name, _ in self.nest[1])
            sizes = ", ".join(f"range({extent})" for _, extent in self.nest[1])
            self.lines[-1] = " " * (self.indent - 1) + f"for {counters} in product({sizes}):"
            return
        self.line(f"for {counter} in range({size}):")
        self.indent += 1
        self.nest = (len(self.lines), [(counter, size)])
        if self.indent > DEPTH:
            raise IRError(
                f"{self.indent - 1} nested loops",
                why=f"the interpreter runs at most {DEPTH - 1} with something between them",
                mend="join loops before interpreting",
            )

    def function(self, arguments: str) -> Callable[..., None]:
        """The function `run(arguments)` of all lines."""
        text = "\n".join([f"def run({arguments}):", *self.lines, " return None"])
        exec(compile(text, f"<{self.title}>", "exec"), self.objects)
        made: Callable[..., None] = self.objects["run"]
        return made

    def constant(self, value: Any) -> str:
        """A Python value as text."""
        return f"({value!r})"  # inf and nan are names

    def elementwise(self, node: UOp, src: list[str]) -> str:
        """A scalar op; the variable that holds it."""
        to = self.fresh()
        if node.op is ops.CAST or node.op is ops.BITCAST:
            self.cast(node, src[0], to)
            return to
        text = TEXT.get(node.op)
        if text is not None and node.dtype is not dt.bool_:
            self.keep(node, text.format(*src), to)
        elif text is not None and (
            node.op.dtype == "bool" or node.op in (ops.AND, ops.OR, ops.XOR, ops.SELECT)
        ):
            self.line(f"{to} = {text.format(*src)}")
        else:
            meaning = values.fma64 if node.op is ops.FMA and node.dtype is dt.float64 else node.op.meaning
            self.keep(node, f"{self.give('M', meaning)}({', '.join(src)})", to)
        return to

    def keep(self, node: UOp, text: str, to: str) -> None:
        """Assign an exact result, brought into its dtype."""
        dtype = node.dtype
        if dtype.is_float:
            self.rounded(dtype, text, to, node.op in values.EXACT_OF_FLOATS)
            return
        self.line(f"{to} = {text}")
        if dtype is dt.bool_:
            self.line(f"{to} = {to} != 0")
        elif node.op not in values.EXACT_OF_INTS and (node.shape or not exact(node)):
            self.wrapped(dtype, to)

    def rounded(self, dtype: DType, text: str, to: str, already: bool = False) -> None:
        """Assign a float, rounded to its dtype."""
        if already or dtype is dt.float64:
            self.line(f"{to} = {text}")
        elif dtype is dt.float32:
            self.line(f"F[0] = {text}")
            self.line(f"{to} = F[0]")
        else:
            self.line(f"{to} = {self.give('R', dt.round_to)}({self.give('D', dtype)}, {text})")

    def wrapped(self, dtype: DType, to: str) -> None:
        """Bring a variable into its integer dtype."""
        wrap = f"{self.give('W', dt.wrap)}({self.give('D', dtype)}, {to})"
        self.line(f"if not {dtype.min} <= {to} <= {dtype.max}: {to} = {wrap}")

    def cast(self, node: UOp, x: str, to: str) -> None:
        """CAST and BITCAST."""
        src, dst = node.src[0].dtype, node.dtype
        if node.op is ops.BITCAST:
            bits = f"{self.give('P', dt.to_bits)}({self.give('D', src)}, {x})"
            self.line(f"{to} = {self.give('P', dt.from_bits)}({self.give('D', dst)}, {bits})")
        elif src.is_int and dst.is_int and src.min >= dst.min and src.max <= dst.max:
            self.line(f"{to} = {x}")
        elif src.kind is Kind.BOOL and dst.is_int:
            self.line(f"{to} = int({x})")
        else:
            self.line(
                f"{to} = {self.give('P', dt.convert)}({x}, {self.give('D', src)}, {self.give('D', dst)})"
            )


def refuse(kind: str, name: str, offset: Any, size: Any) -> None:
    """Refuse an access."""
    raise IRError(
        f"{kind} {name}[{offset}] of {size} elements",
        why="the address lies outside, or nothing was stored there",
        mend="mask the access, or correct the index",
    )
