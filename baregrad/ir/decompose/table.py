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
from baregrad.dtype import BY_NAME
from baregrad.ir import ops
from baregrad.ir.decompose import (
    angles,
    errorfunction,
    exponential,
    float32,
    gamma,
    logarithm,
    plain,
    power,
    trigonometric,
)
from baregrad.ir.ops import Op
from baregrad.ir.uop import UOp, toposort
from baregrad.target import Target


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A row: `op` of `dtypes` (names; empty: all) becomes `build(*sources)`; `ulp` bounds the error (0:
    exact); `through` is the name of a wider dtype that it computes in.
    """

    op: Op
    build: Callable[..., UOp]
    dtypes: frozenset[str] = frozenset()
    ulp: float = 0.0
    through: str = ""


FLOAT32 = frozenset({"float32"})
FLOAT64 = frozenset({"float64"})
FLOATS = FLOAT32 | FLOAT64

# Bounds hold for what tools/ulps.py measured: 3 million float32 (lgamma: 400,000) and 100,000 float64 points
# each (erf, erfc, erfinv and lgamma: 20,000). lgamma of float64 below 0: in last places of at least 1.
# fmt: off
ROWS: tuple[Decomposition, ...] = (
    Decomposition(ops.EXP,        float32.exp,           FLOAT32, ulp=1.6),
    Decomposition(ops.EXP,        exponential.exp,       FLOAT64, ulp=1.0),
    Decomposition(ops.EXP2,       float32.exp2,          FLOAT32, ulp=1.7),
    Decomposition(ops.EXP2,       exponential.exp2,      FLOAT64, ulp=1.0),
    Decomposition(ops.EXPM1,      exponential.expm1,     FLOATS,  ulp=1.6),
    Decomposition(ops.LOG,        float32.log,           FLOAT32, ulp=1.1),
    Decomposition(ops.LOG,        logarithm.log,         FLOAT64, ulp=1.0),
    Decomposition(ops.LOG2,       float32.log2,          FLOAT32, ulp=1.2),
    Decomposition(ops.LOG2,       logarithm.log2,        FLOAT64, ulp=1.0),
    Decomposition(ops.LOG10,      logarithm.log10,       FLOATS,  ulp=1.0),
    Decomposition(ops.LOG1P,      logarithm.log1p,       FLOATS,  ulp=1.0),
    Decomposition(ops.SINH,       exponential.sinh,      FLOATS,  ulp=1.8),
    Decomposition(ops.COSH,       exponential.cosh,      FLOATS,  ulp=1.5),
    Decomposition(ops.TANH,       float32.tanh,          FLOAT32, ulp=1.5),
    Decomposition(ops.TANH,       exponential.tanh,      FLOAT64, ulp=1.5),
    Decomposition(ops.ASINH,      logarithm.asinh,       FLOATS,  ulp=1.2),
    Decomposition(ops.ACOSH,      logarithm.acosh,       FLOATS,  ulp=0.8),
    Decomposition(ops.ATANH,      logarithm.atanh,       FLOATS,  ulp=0.8),
    Decomposition(ops.SIN,        trigonometric.sin,     FLOATS,  ulp=1.0),
    Decomposition(ops.COS,        trigonometric.cos,     FLOATS,  ulp=1.0),
    Decomposition(ops.TAN,        trigonometric.tan,     FLOATS,  ulp=1.2),
    Decomposition(ops.ASIN,       angles.asin,           FLOATS,  ulp=1.4),
    Decomposition(ops.ACOS,       angles.acos,           FLOATS,  ulp=1.4),
    Decomposition(ops.ATAN,       angles.atan,           FLOATS,  ulp=2.0),
    Decomposition(ops.ATAN2,      angles.atan2,          FLOATS,  ulp=2.0),
    Decomposition(ops.ERF,        errorfunction.erf,     FLOATS,  ulp=1.8),
    Decomposition(ops.ERFC,       errorfunction.erfc,    FLOATS,  ulp=1.5),
    Decomposition(ops.ERFINV,     errorfunction.erfinv,  FLOATS,  ulp=2.0),
    Decomposition(ops.LGAMMA,     gamma.lgamma,          FLOAT32, ulp=0.6, through="float64"),
    Decomposition(ops.LGAMMA,     gamma.lgamma,          FLOAT64, ulp=2.0),
    Decomposition(ops.POW,        power.pow,             FLOATS,  ulp=1.0),
    Decomposition(ops.CBRT,       power.cbrt,            FLOATS,  ulp=0.6),
    Decomposition(ops.RSQRT,      plain.reciprocal_root, FLOATS,  ulp=1.5),
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
        ops.VARIABLE,
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
def by_op() -> dict[Op, tuple[Decomposition, ...]]:
    """The rows of each op: one for all dtypes, or one for each dtype that has its own."""
    table: dict[Op, tuple[Decomposition, ...]] = {}
    for row in ROWS:
        others = table.get(row.op, ())
        clash = any(not row.dtypes or not other.dtypes or row.dtypes & other.dtypes for other in others)
        assert not clash, f"{row.op} has two decompositions for one dtype"
        table[row.op] = (*others, row)
    return table


def row_for(op: Op, dtype: str) -> Decomposition | None:
    """The row of an op whose first source has the dtype of this name."""
    for row in by_op().get(op, ()):
        if not row.dtypes or dtype in row.dtypes:
            return row
    return None


def width_within(op: Op, target: Target) -> int:
    """The bytes of the widest dtype that an op's decomposition goes through beyond its own; 0 for none."""
    if op.name in target.native_ops:
        return 0
    return max((BY_NAME[row.through].itemsize for row in by_op().get(op, ()) if row.through), default=0)


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
    in_memory = (node.op in STRUCTURE or node.op is ops.CAST) and target.stores(node.dtype.name)
    if node.dtype.bits and not target.computes(node.dtype.name) and not in_memory:
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
    row = row_for(node.op, node.src[0].dtype.name) if node.src else None
    if row is None:
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
