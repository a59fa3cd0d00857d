"""Integers of sizes that no dtype of the language has, in the next greater one.

A value of n bits is held in 8, 16, 32 or 64 as the same number: cut to its bits, or with its sign, after each
operation that could leave more. Read pieces.py first, which makes such dtypes.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.dtype import DType, Kind
from baregrad.ir import UOp, const, ops

SIZES = (8, 16, 32, 64)
CLOSED = frozenset((ops.AND, ops.OR, ops.XOR, ops.SELECT, ops.MAX, ops.MIN))
"""Operations that give numbers of the size for such."""


def is_odd(dtype: DType) -> bool:
    """Whether a dtype is an integer of a size of its own."""
    return dtype.is_int and dtype.bits not in SIZES


def container(dtype: DType) -> DType:
    """The dtype that holds an odd one."""
    for bits in SIZES:
        if dtype.bits < bits:
            return dt.BY_NAME[f"{'' if dtype.kind is Kind.INT else 'u'}int{max(bits, 32)}"]
    raise CompileError(f"an integer of {dtype.bits} bits", why="lift takes up to 64", mend="take it apart")


def contained(root: UOp) -> UOp:
    """The graph without odd dtypes."""
    nodes = root.toposort()
    if not any(is_odd(node.dtype) for node in nodes):
        return root
    done: dict[UOp, UOp] = {}
    for node in nodes:
        src = tuple([done[source] for source in node.src])
        done[node] = _held(node, src)
    return done[root]


def _held(node: UOp, src: tuple[UOp, ...]) -> UOp:
    if not is_odd(node.dtype):
        if node.op is ops.CAST and src[0].dtype is node.dtype:
            return src[0]
        if node.op is ops.BITCAST and is_odd(node.src[0].dtype):
            raise CompileError(f"a cast of {node.src[0].dtype}", why="lift", mend="take it apart")
        return node.rebuild(src)
    wide = container(node.dtype)
    if node.op is ops.CONST:
        return const(node.arg, wide)
    if node.op in (ops.CAST, ops.BITCAST):
        source = src[0]
        return _cut(source if source.dtype is wide else source.cast(wide), node.dtype)
    if not node.op.elementwise:
        raise CompileError(f"{node.op} of {node.dtype}", why="lift", mend="take it apart")
    made = UOp(node.op, wide, src, node.arg)
    return made if node.op in CLOSED else _cut(made, node.dtype)


def _cut(node: UOp, dtype: DType) -> UOp:
    """A number brought into the size."""
    if dtype.kind is not Kind.INT:
        return node & ((1 << dtype.bits) - 1)
    rest = node.dtype.bits - dtype.bits
    up = UOp(ops.SHL, node.dtype, (node, node.const_like(rest)))
    return UOp(ops.SHR, node.dtype, (up, node.const_like(rest)))
