"""The rewrite rules, table by table, and what they serve: `simplify` for kernels, `simplify_tensor` for
graphs of views.

identities (neutral elements, constants), integer (index arithmetic; sums, division and compare are its
functions), boolean, select, float, cast, loops (KERNEL structure), movement (TENSOR views). Every row is
value-tested, and proven where a solver can read it: tests/rules.
"""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.ir.match import Fired, Rules, join
from baregrad.ir.rewrite import rewrite
from baregrad.ir.rules import boolean, cast, identities, integer, loops, movement, select, value
from baregrad.ir.rules import float as float_
from baregrad.ir.uop import UOp

__all__ = [
    "kernel_table",
    "simplify",
    "simplify_tensor",
    "tables",
    "tensor_table",
]


@memo
def tables() -> tuple[Rules, ...]:
    """Every table of rules."""
    return (
        identities.table(),
        boolean.table(),
        select.table(),
        float_.table(),
        cast.table(),
        integer.table(),
        integer.comparisons(),
        loops.table(),
        movement.table(),
    )


@memo
def kernel_table() -> Rules:
    """KERNEL graphs: values, and loops of one step."""
    return join("kernel", value.table(), loops.table())


@memo
def tensor_table() -> Rules:
    """TENSOR graphs: views and exact arithmetic."""
    parts = (movement, identities, boolean, select, float_, cast)
    return join("tensor", *[part.table() for part in parts], like=movement.expanded_const)


def simplify(node: UOp, *, memo: dict[UOp, UOp] | None = None, fired: Fired | None = None) -> UOp:
    """A KERNEL graph, or a value of one, in canonical form; `memo` may be kept between calls.

    >>> from baregrad import dtype as dt
    >>> from baregrad.ir.uop import index
    >>> from baregrad.ir import ops
    >>> i = UOp(ops.RANGE, dt.int64, (index(4),), (0, "loop"))
    >>> j = UOp(ops.RANGE, dt.int64, (index(3),), (1, "loop"))
    >>> simplify((i * 3 + j) // 3) is i
    True
    """
    return rewrite((node,), kernel_table(), memo=memo, fired=fired)[0]


def simplify_tensor(node: UOp, *, memo: dict[UOp, UOp] | None = None, fired: Fired | None = None) -> UOp:
    """A TENSOR graph with its views joined; `memo` may be kept between calls."""
    return rewrite((node,), tensor_table(), memo=memo, fired=fired)[0]
