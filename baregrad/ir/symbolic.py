"""Symbolic sizes in graphs: as index arithmetic, and graphs with other values for their variables.

At TENSOR sizes stand in arguments (shapes, boxes, amounts) and, as numbers to compute with, as VARIABLE
nodes. What is realized is scheduled without the bound values (`free_graph`), so that all values share one
program; interpreters put numbers in (`with_numbers`). The sizes themselves are in size.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import ops
from baregrad.ir.size import Amount, Symbolic, Variable, bound_to, free_of, gather_variables, sized
from baregrad.ir.uop import Buffer, UOp, index, toposort

SIZED = frozenset(
    (ops.BUFFER, ops.IOTA, ops.RESHAPE, ops.EXPAND, ops.PAD, ops.SHRINK, ops.VIEW, ops.PARAM, ops.VARIABLE)
)
"""Ops whose argument holds sizes."""


def variable_node(variable: Variable) -> UOp:
    """A variable as a value."""
    return UOp(ops.VARIABLE, dt.int64, (), (variable.name, variable.min, variable.max, variable.value))


def variable_of(node: UOp) -> Variable:
    """The variable of a VARIABLE; without a value below TENSOR, where the argument ends with the slot."""
    name, low, high, value = node.arg
    return Variable(name, low, high, value)


def size_node(size: Amount) -> UOp:
    """A size as int64 arithmetic over VARIABLEs."""
    if not isinstance(size, Symbolic):
        return index(size)
    total: UOp | None = None
    for product, coefficient in size.terms:
        term: UOp | None = None
        for atom in product:
            if isinstance(atom, Variable):
                factor = variable_node(atom)
            else:
                op = ops.IDIV if atom.op == "//" else ops.MOD
                factor = UOp(op, dt.int64, (size_node(atom.x), size_node(atom.d)))
            term = factor if term is None else UOp(ops.MUL, dt.int64, (term, factor))
        assert term is not None, "a product has a factor"
        term = term if coefficient == 1 else UOp(ops.MUL, dt.int64, (term, index(coefficient)))
        total = term if total is None else UOp(ops.ADD, dt.int64, (total, term))
    assert total is not None, "a sum without terms is an int"
    return UOp(ops.ADD, dt.int64, (total, index(size.constant))) if size.constant else total


def size_of_node(node: UOp) -> Amount:
    """The size that index arithmetic over VARIABLEs alone stands for.

    Errors: IRError for any other node.
    """
    if node.op is ops.CONST:
        return node.arg
    if node.op is ops.VARIABLE:
        return sized(variable_of(node))
    rule = _ARITHMETIC.get(node.op)
    if rule is None:
        raise IRError(
            f"{node!r} in a size", why="a size is + - * // % of variables and numbers", mend="use these"
        )
    return rule(*map(size_of_node, node.src))


def is_size(node: UOp) -> bool:
    """Whether a node is index arithmetic over VARIABLEs alone."""
    return all(n.op in _ARITHMETIC or n.op is ops.CONST or n.op is ops.VARIABLE for n in node.toposort())


_ARITHMETIC: dict[ops.Op, Callable[..., Amount]] = {
    ops.ADD: lambda a, b: a + b,
    ops.SUB: lambda a, b: a - b,
    ops.MUL: lambda a, b: a * b,
    ops.NEG: lambda a: -a,
    ops.IDIV: lambda a, b: a // b,
    ops.MOD: lambda a, b: a % b,
}


# -- graphs ----------------------------------------------------------------------------------------------


def variables_of(roots: Sequence[UOp]) -> dict[str, Variable]:
    """The variables of graphs by name.

    Errors: ShapeError if one is bound to two values.
    """
    found: dict[str, Variable] = {}
    for node in toposort(tuple(roots)):
        if node.op is ops.VARIABLE:
            gather_variables(sized(variable_of(node)), found)
        elif node.op in SIZED:
            gather_variables(node.arg, found)
    return found


def free_graph(roots: Sequence[UOp]) -> tuple[UOp, ...]:
    """TENSOR graphs without the values that variables are bound to."""
    return _mapped(roots, free_of)


def bound_graph(roots: Sequence[UOp], values: Mapping[str, int]) -> tuple[UOp, ...]:
    """TENSOR graphs with variables bound to values by name."""
    return _mapped(roots, lambda size: bound_to(size, values))


def with_numbers(roots: Sequence[UOp], values: Mapping[str, int]) -> tuple[UOp, ...]:
    """TENSOR graphs with the numbers that sizes are: as bound in the graph, or by name.

    Errors: ShapeError for a variable without a value.
    """
    return _mapped(roots, lambda size: _number(bound_to(size, values)))


def _number(size: Amount) -> int:
    return size.value if isinstance(size, Symbolic) else int(size)


def _mapped(roots: Sequence[UOp], change: Callable[[Amount], Amount]) -> tuple[UOp, ...]:
    """Graphs with every size changed; the very nodes where there are no symbolic ones."""
    done: dict[UOp, UOp] = {}
    for node in toposort(tuple(roots)):
        src = tuple([done[source] for source in node.src])
        if node.op is ops.VARIABLE:
            done[node] = size_node(change(sized(variable_of(node))))
            continue
        arg = changed(node.arg, change) if node.op in SIZED else node.arg
        same = src == node.src and arg is node.arg
        done[node] = node if same else UOp(node.op, node.dtype, src, arg)
    return tuple([done[root] for root in roots])


def changed(arg: Any, change: Callable[[Amount], Amount]) -> Any:  # Any: the argument of any op
    """A nested tuple with its symbolic sizes changed; the very object if it has none."""
    if isinstance(arg, Symbolic):
        return change(arg)
    if not isinstance(arg, tuple):
        return arg
    parts = [part if isinstance(part, int) else changed(part, change) for part in arg]
    if all(new is old for new, old in zip(parts, arg, strict=True)):
        return arg
    return _buffer(arg, parts) if isinstance(arg, Buffer) else tuple(parts)


def _buffer(arg: Buffer, parts: list[Any]) -> Buffer:  # Any: its shape, among strings and numbers
    return arg._replace(shape=parts[1])
