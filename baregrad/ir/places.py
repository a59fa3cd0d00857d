"""Gradients of GATHER and SCATTER, whose rows are in ops.py: each is the other one.

Written with the methods of UOp alone, as ops.py stands below them.
"""

from __future__ import annotations

from typing import Any

from baregrad import dtype as dt
from baregrad.ir.size import most as greatest


def gather_gradient(g: Any, y: Any, x: Any, index: Any) -> tuple[Any, ...]:
    """Each part of g is added to where its element came from; the clamped place is one."""
    if 0 in index.shape:
        return (x.const_like(0).expand(x.shape), None)
    place = index.maximum(0).minimum(_last(index, x.shape[y.arg]))
    if index.shape[y.arg] == 1:  # one of a row, as the class of a loss: a comparison, which fuses
        here = g.along(y.arg, x.shape[y.arg]).eq(place.cast(dt.int64).expand(x.shape))
        return (here.where(g.expand(x.shape), g.const_like(0)), None)
    return (x.const_like(0).expand(x.shape).scatter(y.arg, place, g, "add"), None)


def scatter_gradient(g: Any, y: Any, base: Any, index: Any, value: Any) -> tuple[Any, ...]:
    """Of "add" and "mul" that of the sum or product; otherwise to what is there in the end."""
    axis, combine = y.arg
    if base.shape[axis] == 0:
        return (g, None, value.const_like(0).expand(value.shape))
    if combine == "add":
        return (g, None, inside(index, base.shape[axis], g.gather(axis, index)))
    if combine == "mul":
        found = (g * y).gather(axis, index)
        return (g * y / base, None, inside(index, base.shape[axis], found / value))
    if combine == "set":
        return _set_gradient(g, axis, base, index)
    return _extreme_gradient(g, y, axis, base, index, value)


def inside(index: Any, size: Any, value: Any) -> Any:
    """The value, 0 where the index lies outside of an axis and so was left out."""
    return ((index >= 0) & (index <= _last(index, size))).where(value, value.const_like(0))


def _last(index: Any, size: Any) -> Any:
    """The last place of an axis, as far as the index's dtype reaches; of a symbolic size its greatest value
    (what lies behind the end is left out when the gradient is scattered).
    """
    return index.const_like(min(greatest(size) - 1, index.dtype.max))


def _set_gradient(g: Any, axis: int, base: Any, index: Any) -> tuple[Any, ...]:
    """To the value that was put last, and to the base where none was put."""
    order = index.along(axis)
    none = order.const_like(-1).expand(base.shape)
    last = none.scatter(axis, index, order)
    hit = order.eq(last.gather(axis, index))
    value = hit.where(g.gather(axis, index), g.const_like(0))
    kept = (last < last.const_like(0)).where(g, g.const_like(0))
    return (kept, None, inside(index, base.shape[axis], value))


def _extreme_gradient(g: Any, y: Any, axis: int, base: Any, index: Any, value: Any) -> tuple[Any, ...]:
    """Shared among all that are equal to the result."""
    mine = base.eq(y).cast(g.dtype)
    theirs = inside(index, base.shape[axis], value.eq(y.gather(axis, index)).cast(g.dtype))
    share = g / mine.scatter(axis, index, theirs, "add")
    return (mine * share, None, theirs * share.gather(axis, index))
