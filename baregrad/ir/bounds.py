"""What is known of integer values: `bounds(node)`, the least and greatest value; `ranges_of(node)`, the
loops it depends on.

Both are exact consequences of the ops' meanings (a node that can leave its dtype has the dtype's whole
range), are cached on the node and never recurse. Rules ask them before they divide, compare or reorder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from baregrad.base.errors import IRError
from baregrad.dtype import DType, Kind
from baregrad.ir import ops
from baregrad.ir.ops import Op
from baregrad.ir.size import most
from baregrad.ir.uop import UOp

Interval = tuple[int, int]
BOTH: Interval = (0, 1)


def bounds(node: UOp) -> Interval:
    """The least and greatest value that an integer or bool node can have.

    >>> from baregrad import dtype as dt
    >>> from baregrad.ir.uop import UOp, index
    >>> i = UOp(ops.RANGE, dt.int64, (index(10),), (0, "loop"))
    >>> bounds((i * 4 + 3) // 5)
    (0, 7)
    """
    found = node._bounds
    if found is not None:
        return found
    if node.dtype.is_float or node.dtype.kind is Kind.VOID:
        raise IRError(
            f"bounds of {node!r}", why=f"{node.dtype} is no integer dtype", mend="ask only for integer nodes"
        )
    stack = [node]
    while stack:
        top = stack[-1]
        if top._bounds is not None:
            stack.pop()
            continue
        waiting = [s for s in _bounded_sources(top) if s._bounds is None]
        if waiting:
            stack.extend(waiting)
            continue
        top._bounds = _bounds_of(top)
        stack.pop()
    assert node._bounds is not None, "the loop above ends with the node itself"
    return node._bounds


def exact(node: UOp) -> bool:
    """Whether the node's value is surely what unbounded integers give for its sources: it does not wrap."""
    low, high = bounds(node)
    return low > node.dtype.min or high < node.dtype.max


def fits(low: int, high: int, dtype: DType) -> bool:
    """Whether all of an interval can be held."""
    return low >= dtype.min and high <= dtype.max


def _bounded_sources(node: UOp) -> tuple[UOp, ...]:
    """The sources whose bounds give the node's."""
    op = node.op
    if op in _COMPARED or op is ops.CAST:
        return () if node.src[0].dtype.is_float else node.src
    if op is ops.SELECT:
        return node.src[1:]
    if op is ops.RANGE:
        return node.src[:1]
    if op is ops.REDUCE or op is ops.GATHER:
        return node.src[:1]
    if op is ops.SCATTER:
        return node.src[::2]
    return node.src if op in _RULES else ()


def _bounds_of(node: UOp) -> Interval:
    dtype = node.dtype
    whole = (int(dtype.min), int(dtype.max))
    rule = _RULES.get(node.op)
    if rule is None:
        return whole
    low, high = rule(node, *[s._bounds for s in _bounded_sources(node)])
    return (low, high) if low >= whole[0] and high <= whole[1] else whole


# -- one rule an op: the node and its sources' bounds, to exact bounds before wrapping -------------------


def _const(node: UOp) -> Interval:
    return (int(node.arg), int(node.arg))


def _variable(node: UOp) -> Interval:
    """VARIABLE: (name, least, greatest, value or slot)."""
    return (node.arg[1], node.arg[2])


def _counter(node: UOp, size: Interval) -> Interval:
    return (0, max(size[1] - 1, 0))


def _counted(node: UOp) -> Interval:
    """IOTA, LANES, GRID: the argument is the size, where there is one."""
    return (0, max(most(node.arg) - 1, 0) if node.arg is not None else int(node.dtype.max))


def _add(node: UOp, a: Interval, b: Interval) -> Interval:
    return (a[0] + b[0], a[1] + b[1])


def _sub(node: UOp, a: Interval, b: Interval) -> Interval:
    return (a[0] - b[1], a[1] - b[0])


def _mul(node: UOp, a: Interval, b: Interval) -> Interval:
    corners = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return (min(corners), max(corners))


def _neg(node: UOp, a: Interval) -> Interval:
    return (-a[1], -a[0])


def _idiv(node: UOp, a: Interval, b: Interval) -> Interval:
    if b[0] > 0 or b[1] < 0:
        corners = (a[0] // b[0], a[0] // b[1], a[1] // b[0], a[1] // b[1])
        return (min(corners), max(corners))
    reach = max(abs(a[0]), abs(a[1]))
    return (-reach, reach)


def _mod(node: UOp, a: Interval, b: Interval) -> Interval:
    if b[0] > 0:
        if a[0] >= 0 and a[1] < b[0]:
            return a
        if b[0] == b[1] and a[0] // b[0] == a[1] // b[0]:
            return (a[0] % b[0], a[1] % b[0])
        return (0, min(b[1] - 1, a[1]) if a[0] >= 0 else b[1] - 1)
    reach = max(abs(b[0]), abs(b[1]), abs(a[0]), abs(a[1]))  # by 0 it is the dividend
    return (-reach, reach)


def _max(node: UOp, a: Interval, b: Interval) -> Interval:
    return (max(a[0], b[0]), max(a[1], b[1]))


def _min(node: UOp, a: Interval, b: Interval) -> Interval:
    return (min(a[0], b[0]), min(a[1], b[1]))


def _and(node: UOp, a: Interval, b: Interval) -> Interval:
    if a[0] >= 0 and b[0] >= 0:
        return (0, min(a[1], b[1]))
    if a[0] >= 0 or b[0] >= 0:
        return (0, a[1] if a[0] >= 0 else b[1])
    return (-(1 << _width(a, b)), -1 if a[1] < 0 and b[1] < 0 else max(a[1], b[1]))


def _or(node: UOp, a: Interval, b: Interval) -> Interval:
    width = _width(a, b)
    if a[0] >= 0 and b[0] >= 0:
        return (max(a[0], b[0]), (1 << width) - 1)
    return (
        (min(a[0], b[0], 0), (1 << width) - 1)
        if a[1] >= 0 and b[1] >= 0
        else (-(1 << width), (1 << width) - 1)
    )


def _xor(node: UOp, a: Interval, b: Interval) -> Interval:
    width = _width(a, b)
    return (0 if a[0] >= 0 and b[0] >= 0 else -(1 << width), (1 << width) - 1)


def _width(a: Interval, b: Interval) -> int:
    """Bits that hold every value of both intervals, besides the sign."""
    return max((value if value >= 0 else ~value).bit_length() for value in (*a, *b))


def _not(node: UOp, a: Interval) -> Interval:
    if node.dtype.kind is Kind.BOOL:
        return (1 - a[1], 1 - a[0])
    top = 0 if node.dtype.is_signed else int(node.dtype.max) + 1
    return (top + ~a[1], top + ~a[0])


def _shl(node: UOp, a: Interval, b: Interval) -> Interval:
    if b[0] < 0 or b[1] >= node.dtype.bits:
        return (int(node.dtype.min), int(node.dtype.max))
    corners = (a[0] << b[0], a[0] << b[1], a[1] << b[0], a[1] << b[1])
    return (min(corners), max(corners))


def _shr(node: UOp, a: Interval, b: Interval) -> Interval:
    if b[0] < 0 or b[1] > 63:
        return (min(a[0], -1 if a[0] < 0 else 0), max(a[1], 0))
    corners = (a[0] >> b[0], a[0] >> b[1], a[1] >> b[0], a[1] >> b[1])
    return (min(corners), max(corners))


def _cmplt(node: UOp, a: Interval = BOTH, b: Interval = BOTH) -> Interval:
    return (int(a[1] < b[0]), int(a[0] < b[1]))


def _cmple(node: UOp, a: Interval = BOTH, b: Interval = BOTH) -> Interval:
    return (int(a[1] <= b[0]), int(a[0] <= b[1]))


def _cmpeq(node: UOp, a: Interval = BOTH, b: Interval = BOTH) -> Interval:
    return (int(a[0] == a[1] == b[0] == b[1]), int(a[0] <= b[1] and b[0] <= a[1]))


def _cmpne(node: UOp, a: Interval = BOTH, b: Interval = BOTH) -> Interval:
    low, high = _cmpeq(node, a, b)
    return (1 - high, 1 - low)


def _select(node: UOp, a: Interval, b: Interval) -> Interval:
    return (min(a[0], b[0]), max(a[1], b[1]))


def _cast(node: UOp, a: Interval | None = None) -> Interval:
    if a is None:  # of a float: saturates
        return (int(node.dtype.min), int(node.dtype.max))
    if node.dtype.kind is Kind.BOOL:
        return (int(a[0] > 0 or a[1] < 0), int(a != (0, 0)))
    return a


def _pad(node: UOp, a: Interval) -> Interval:
    return (min(a[0], 0), max(a[1], 0))


def _same(node: UOp, a: Interval) -> Interval:
    return a


def _stack(node: UOp, *a: Interval) -> Interval:
    return (min(one[0] for one in a), max(one[1] for one in a))


def _reduce(node: UOp, a: Interval) -> Interval:
    """max and min stay inside (all loops run at least once, or their size is no constant);

    others may go anywhere.
    """
    sizes = node.src[0].shape if node.src[0].shape else tuple(r.src[0].arg for r in node.src[1:])
    if node.arg[0] in ("max", "min") and all(isinstance(size, int) and size > 0 for size in sizes):
        return a
    return (int(node.dtype.min), int(node.dtype.max))


def _scatter(node: UOp, a: Interval, b: Interval) -> Interval:
    """Of base and values, unless they are added or multiplied."""
    if node.arg[1] in ("add", "mul"):
        return (int(node.dtype.min), int(node.dtype.max))
    return (min(a[0], b[0]), max(a[1], b[1]))


_COMPARED = (ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE)
_RULES: dict[Op, Callable[..., Any]] = {
    ops.CONST: _const, ops.VARIABLE: _variable,
    ops.RANGE: _counter, ops.IOTA: _counted, ops.LANES: _counted, ops.GRID: _counted,
    ops.ADD: _add, ops.SUB: _sub, ops.MUL: _mul, ops.NEG: _neg, ops.IDIV: _idiv, ops.MOD: _mod,
    ops.MAX: _max, ops.MIN: _min, ops.AND: _and, ops.OR: _or, ops.XOR: _xor, ops.NOT: _not,
    ops.SHL: _shl, ops.SHR: _shr, ops.CMPLT: _cmplt, ops.CMPLE: _cmple, ops.CMPEQ: _cmpeq, ops.CMPNE: _cmpne,
    ops.SELECT: _select, ops.CAST: _cast, ops.REDUCE: _reduce, ops.PAD: _pad, ops.VIEW: _pad,
    ops.STACK: _stack, ops.GATHER: _same, ops.SCATTER: _scatter,
    ops.BROADCAST: _same, ops.SLICE: _same, ops.RESHAPE: _same, ops.EXPAND: _same, ops.PERMUTE: _same,
    ops.SHRINK: _same, ops.FLIP: _same, ops.CONTIGUOUS: _same, ops.DETACH: _same, ops.COPY: _same,
}  # fmt: skip


# -- loops -----------------------------------------------------------------------------------------------

NOTHING: frozenset[UOp] = frozenset()


def ranges_of(node: UOp) -> frozenset[UOp]:
    """The RANGEs that a KERNEL value depends on and that no REDUCE or END below it has closed.

    >>> from baregrad import dtype as dt
    >>> from baregrad.ir.uop import UOp, index
    >>> i = UOp(ops.RANGE, dt.int64, (index(10),), (0, "loop"))
    >>> ranges_of(i * 2 + 1) == {i}
    True
    """
    found = node._ranges
    if found is not None:
        return found
    stack = [node]
    while stack:
        top = stack[-1]
        if top._ranges is not None:
            stack.pop()
            continue
        waiting = [s for s in top.src if s._ranges is None]
        if waiting:
            stack.extend(waiting)
            continue
        top._ranges = _ranges(top)
        stack.pop()
    assert node._ranges is not None, "the loop above ends with the node itself"
    return node._ranges


def _ranges(node: UOp) -> frozenset[UOp]:
    if not node.src:
        return NOTHING
    open_ = node.src[0]._ranges or NOTHING
    for source in node.src[1:]:
        more = source._ranges
        if more and not more <= open_:
            open_ = open_ | more
    if node.op is ops.RANGE:
        return open_ | {node}
    if node.op is ops.REDUCE or node.op is ops.END:
        return open_ - frozenset(node.src[1:])
    return open_
