"""Under `config.contract`: a * b + c of floats becomes FMA, which rounds once.

It stands before functions are decomposed: their formulas count on every rounding that they write.
"""

from __future__ import annotations

from baregrad.base.config import config
from baregrad.ir import UOp, ops
from baregrad.target import Target


def contract(root: UOp, target: Target) -> UOp:
    """The kernel with products that are added as FMA, if the switch is on and the target has it."""
    if not config().contract or ops.FMA.name not in target.native_ops:
        return root
    done: dict[UOp, UOp] = {}
    for node in root.toposort():
        done[node] = _fused(node.rebuild(tuple([done[s] for s in node.src])))
    return done[root]


def _fused(node: UOp) -> UOp:
    if node.op is ops.ADD and node.dtype.is_float:
        for product, other in (node.src, node.src[::-1]):
            if product.op is ops.MUL:
                return UOp(ops.FMA, node.dtype, (*product.src, other))
    return node
