"""lower: a KERNEL graph with axis kinds -> the LINEAR list that a target's renderer takes. The passes, in
order.
"""

from __future__ import annotations

from baregrad.ir import UOp, ops, simplify
from baregrad.ir.decompose import decompose
from baregrad.kernel.facts import number, static_size
from baregrad.lower.context import Context
from baregrad.lower.divide import divide
from baregrad.lower.emit import emit
from baregrad.lower.linear import Linear
from baregrad.lower.order import linearize
from baregrad.target import Target


def lower(ast: UOp, target: Target) -> Linear:
    """The LINEAR list of a kernel: simplify, divide by multiplying, decompose what the target lacks, place,
    emit, order.
    """
    ctx = Context(decompose(divide(simplify(ast)), target), target)
    emit(ctx)
    uops = tuple(linearize(ctx.build.root))
    grids = [r for r in ctx.facts.ranges if r.arg[1] == "grid"]
    assert len(grids) <= 1, f"one grid range at most, not {[number(r) for r in grids]}"
    slots = max((u.arg[0] + 1 for u in uops if u.op is ops.PARAM), default=0)
    local = sum(-(-u.arg[1] * u.dtype.itemsize // 64) * 64 for u in uops if u.op is ops.LOCAL)
    return Linear(ast.arg or "kernel", uops, static_size(grids[0]) if grids else 1, slots, local)
