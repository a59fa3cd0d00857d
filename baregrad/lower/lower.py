"""lower: a KERNEL graph with axis kinds -> the LINEAR list that a target's renderer takes. The passes,
in order.
"""

from __future__ import annotations

from baregrad.base.integers import align_up
from baregrad.ir import Pass, UOp, ops, pipeline, simplify
from baregrad.ir.decompose import decompose
from baregrad.kernel.facts import number, static_size
from baregrad.lower.context import Context
from baregrad.lower.contract import contract
from baregrad.lower.divide import divide
from baregrad.lower.emit import emit
from baregrad.lower.foreign import foreign
from baregrad.lower.linear import Linear
from baregrad.lower.order import linearize
from baregrad.lower.scatter import scatter
from baregrad.target import Target


def _linearize(ast: UOp, target: Target) -> list[UOp]:
    """Values to their blocks, instances and lanes made, and all of it in order."""
    ctx = Context(ast, target)
    emit(ctx)
    return linearize(ctx.build.root)


# fmt: off
PASSES = pipeline(
    Pass("lower.scatter", lambda ast, target: scatter(ast), spec="KERNEL"),
    Pass("lower.simplify", lambda ast, target: simplify(ast), spec="KERNEL", after=("lower.scatter",),
         why="masks and clamps of places are simplified once, for the load and the store"),
    Pass("lower.foreign", foreign, after=("lower.simplify",), spec="KERNEL",
         why="casts that it makes are not joined to casts of dtypes that only memory has"),
    Pass("lower.divide", lambda ast, target: divide(ast), spec="KERNEL",
         after=("lower.simplify", "lower.foreign"),
         why="the bounds of a simple sum are narrower, and so is its product, which the wider dtype holds"),
    Pass("lower.contract", contract, after=("lower.simplify", "lower.foreign"), spec="KERNEL",
         why="a product by one is none; floats that are rounded to fewer bits in between are not contracted"),
    Pass("lower.decompose", decompose, after=("lower.divide", "lower.contract"), spec="KERNEL",
         why="a division by a constant needs none of the general one; functions count on their roundings"),
    Pass("lower.linearize", _linearize, after=("lower.decompose",), spec="LINEAR",
         why="only ops that the target has may stand in a list"),
)
# fmt: on


def _slot(line: UOp) -> int | None:
    """The slot of the argument block that a line reads."""
    if line.op is ops.VARIABLE:
        return int(line.arg[3])
    return int(line.arg[0]) if line.op is ops.PARAM else None


def lower(ast: UOp, target: Target) -> Linear:
    """The LINEAR list of a kernel.

    Errors: CompileError or DTypeError for what the target lacks and no row of ir/decompose stands for.
    Cost: about 1 ms and 8 microseconds a line.
    """
    name = ast.arg or "kernel"
    uops = tuple(PASSES.run(ast, target, name=name))
    grids = [r for r in ast.toposort() if r.op is ops.RANGE and r.arg[1] == "grid"]
    assert len(grids) <= 1, f"one grid range at most, not {[number(r) for r in grids]}"
    slots = max((slot + 1 for u in uops if (slot := _slot(u)) is not None), default=0)
    local = sum(align_up(u.arg[1] * u.dtype.itemsize, 64) for u in uops if u.op is ops.LOCAL)
    return Linear(name, uops, static_size(grids[0]) if grids else 1, slots, local)
