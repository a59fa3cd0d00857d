"""One row an op that a target may lack: which dtypes, what it becomes, and how far that is from the op's
meaning.

`decompose(root, target)` rewrites a KERNEL graph so that only ops that the target has remain; it also
refuses dtypes that the target cannot compute with. Scalar nodes only: it runs once, before anything is
vectorised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from baregrad.base import memo
from baregrad.base.errors import CompileError, DTypeError
from baregrad.ir import ops
from baregrad.ir.decompose import float32, plain
from baregrad.ir.ops import Op
from baregrad.ir.uop import UOp, toposort
from baregrad.target import Target


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A row: `op` of `dtypes` (names; empty: all) becomes `build(*sources)`; `ulp` bounds the error (0:
    exact).
    """

    op: Op
    build: Callable[..., UOp]
    dtypes: frozenset[str] = frozenset()
    ulp: float = 0.0


FLOAT32 = frozenset({"float32"})

# The bounds were measured on all float32 of 2 million random bit patterns, the borders and every power of
# two.
# fmt: off
ROWS: tuple[Decomposition, ...] = (
    Decomposition(ops.EXP,        float32.exp,           FLOAT32, ulp=1.6),
    Decomposition(ops.EXP2,       float32.exp2,          FLOAT32, ulp=1.6),
    Decomposition(ops.LOG,        float32.log,           FLOAT32, ulp=1.1),
    Decomposition(ops.LOG2,       float32.log2,          FLOAT32, ulp=1.2),
    Decomposition(ops.TANH,       float32.tanh,          FLOAT32, ulp=1.5),
    Decomposition(ops.MAX,        plain.maximum),
    Decomposition(ops.MIN,        plain.minimum),
    Decomposition(ops.NEG,        plain.negative),
    Decomposition(ops.NOT,        plain.inverted),
    Decomposition(ops.MOD,        plain.remainder),
    Decomposition(ops.RECIPROCAL, plain.reciprocal),
    Decomposition(ops.FLOOR,      plain.floor),
    Decomposition(ops.CMPLE,      plain.less_or_equal),
    Decomposition(ops.CMPNE,      plain.not_equal),
)
# fmt: on

STRUCTURE = frozenset(
    (
        ops.CONST,
        ops.PARAM,
        ops.LOCAL,
        ops.RANGE,
        ops.INDEX,
        ops.LOAD,
        ops.STORE,
        ops.REDUCE,
        ops.END,
        ops.SINK,
    )
)
"""Ops of KERNEL that every target has."""


@memo
def by_op() -> dict[Op, Decomposition]:
    """The row of each op."""
    table = {row.op: row for row in ROWS}
    assert len(table) == len(ROWS), "an op has two decompositions"
    return table


def decompose(root: UOp, target: Target) -> UOp:
    """The same value with ops that the target has.

    Dtypes: every node's must be one that the target computes with.
    Errors: DTypeError for another dtype; CompileError for an op that is neither native nor in the table.
    """
    done: dict[UOp, UOp] = {}
    for node in toposort((root,)):
        done[node] = _lower(node.rebuild(tuple([done[s] for s in node.src])), target, done)
    return done[root]


def _lower(node: UOp, target: Target, done: dict[UOp, UOp]) -> UOp:
    """One node whose sources are lowered already."""
    if node.dtype.bits and not target.computes(node.dtype.name):
        raise DTypeError(
            f"{node.op.name} of {node.dtype} for {target.name}",
            why=f"the target computes with {', '.join(sorted(target.native_dtypes))} only",
            mend="make the tensor in one of these, or convert it elsewhere: .to('reference').cast(float32)",
        )
    if node.op in STRUCTURE or node.op.name in target.native_ops:
        return node
    known = done.get(node)
    if known is not None:
        return known
    row = by_op().get(node.op)
    if row is None or (row.dtypes and node.src[0].dtype.name not in row.dtypes):
        raise CompileError(
            f"{node.op.name} of {node.dtype} for {target.name}",
            why="the target has no instruction for it and ir/decompose no row",
            mend="cast to float32, or add a row to ir/decompose/table.py",
        )
    built = row.build(*node.src)
    fresh: dict[UOp, UOp] = {source: source for source in node.src}
    for inner in toposort((built,), lambda n: n not in fresh):
        if inner not in fresh:
            fresh[inner] = _lower(inner.rebuild(tuple([fresh[s] for s in inner.src])), target, fresh)
    done[node] = fresh[built]
    return fresh[built]
