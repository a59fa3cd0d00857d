"""Stores that join their value to what is there become a load, the joining op and a store.

The load takes the loops that run in order as operands: it stands inside of them, so that each step sees what
those before have stored.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.ir import UOp, ops, substitute
from baregrad.lower.reduce import joiner


def scatter(ast: UOp) -> UOp:
    """The kernel with plain stores only."""
    stores = [node for node in ast.toposort() if node.op is ops.STORE and (node.arg or len(node.src) > 2)]
    return substitute(ast, {store: _plain(store) for store in stores}) if stores else ast


def _plain(store: UOp) -> UOp:
    place, value, *loops = store.src
    if store.arg is not None:
        there = UOp(ops.LOAD, value.dtype, (place, *loops))
        value = UOp(joiner(store.arg, value.dtype), value.dtype, (there, value))
    return UOp(ops.STORE, dt.void, (place, value))
