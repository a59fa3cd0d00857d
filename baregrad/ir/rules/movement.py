"""TENSOR views: neighbouring movement ops of one kind become one, those that move nothing go.

Canonical form: no two neighbours of one kind; what a PAD adds is never cut off again; REDUCE only over
axes with more than one element. Pure shapes: the results are functions of arguments.
"""

from __future__ import annotations

from baregrad.base.cache import memo
from baregrad.ir import ops
from baregrad.ir.match import Rules, rules
from baregrad.ir.pattern import any_, of
from baregrad.ir.uop import UOp

x = any_("x")
MOVEMENT = (ops.RESHAPE, ops.EXPAND, ops.PERMUTE, ops.PAD, ops.SHRINK, ops.FLIP)


def nothing(root: UOp) -> UOp | None:
    """A movement that leaves everything where it is."""
    source, arg = root.src[0], root.arg
    if root.op in (ops.RESHAPE, ops.EXPAND):
        same = source.shape == arg
    elif root.op is ops.PERMUTE:
        same = arg == tuple(range(len(arg)))
    elif root.op is ops.PAD:
        same = all(amounts == (0, 0) for amounts in arg)
    elif root.op is ops.SHRINK:
        same = source.shape == root.shape
    else:
        same = all(source.shape[axis] == 1 for axis in arg)
    return source if same else None


def reshape_reshape(root: UOp) -> UOp:
    """The last shape counts."""
    return root.src[0].src[0].reshape(root.arg)


def permute_permute(root: UOp) -> UOp:
    """Orders follow each other."""
    inner = root.src[0]
    return inner.src[0].permute(tuple(inner.arg[axis] for axis in root.arg))


def expand_expand(root: UOp) -> UOp:
    """The last shape counts."""
    return root.src[0].src[0].expand(root.arg)


def shrink_shrink(root: UOp) -> UOp:
    """A box inside a box."""
    inner = root.src[0]
    box = tuple(
        (base + begin, base + end) for (base, _), (begin, end) in zip(inner.arg, root.arg, strict=True)
    )
    return inner.src[0].shrink(box)


def pad_pad(root: UOp) -> UOp:
    """Zeros around zeros."""
    inner = root.src[0]
    return inner.src[0].pad(tuple((a + c, b + d) for (a, b), (c, d) in zip(inner.arg, root.arg, strict=True)))


def flip_flip(root: UOp) -> UOp:
    """Axes flipped twice are not flipped."""
    inner = root.src[0]
    return inner.src[0].flip(tuple(sorted(set(inner.arg) ^ set(root.arg))))


def shrink_pad(root: UOp) -> UOp | None:
    """Zeros that are cut off again were never needed; neither is what was cut off beside them."""
    inner = root.src[0]
    source = inner.src[0]
    boxes, amounts = [], []
    for size, (before, _), (begin, end) in zip(source.shape, inner.arg, root.arg, strict=True):
        if not all(isinstance(number, int) for number in (size, before, begin, end)):
            return None
        first, last = min(max(begin - before, 0), size), min(max(end - before, 0), size)
        last = max(first, last)
        boxes.append((first, last))
        left = min(max(before - begin, 0), end - begin)
        amounts.append((left, end - begin - (last - first) - left))
    if tuple(amounts) == inner.arg:
        return None
    return source.shrink(tuple(boxes)).pad(tuple(amounts))


def view_nothing(root: UOp) -> UOp | None:
    """A view of each element where it is."""
    shape, rows = root.arg
    each = tuple((0, tuple(int(a == b) for b in range(len(shape)))) for a in range(len(rows)))
    return root.src[0] if rows == each and shape == root.src[0].shape else None


def view_view(root: UOp) -> UOp | None:
    """A view of a view, if it never reaches outside of the inner one (where there are zeros)."""
    inner = root.src[0]
    (shape, outer), (middle, rows) = root.arg, inner.arg
    if not all(isinstance(size, int) for size in (*shape, *middle)) or 0 in shape:
        return None
    for (begin, steps), size in zip(outer, middle, strict=True):
        reach = [step * (n - 1) for step, n in zip(steps, shape, strict=True)]
        if begin + sum(min(0, far) for far in reach) < 0 or begin + sum(max(0, far) for far in reach) >= size:
            return None
    joined = []
    for begin, steps in rows:
        start = begin + sum(step * b for step, (b, _) in zip(steps, outer, strict=True))
        along = tuple(
            sum(s * t[axis] for s, (_, t) in zip(steps, outer, strict=True)) for axis in range(len(shape))
        )
        joined.append((start, along))
    return UOp(ops.VIEW, root.dtype, inner.src, (shape, tuple(joined)))


def permute_reshape(root: UOp) -> UOp | None:
    """An order that only moves axes of size 1 is a reshape."""
    shape = root.src[0].shape
    kept = [axis for axis in root.arg if shape[axis] != 1]
    return root.src[0].reshape(root.shape) if kept == sorted(kept) else None


def reduce_ones(root: UOp) -> UOp | None:
    """Axes of size 1 need no reduction."""
    name, axes = root.arg
    shape = root.src[0].shape
    kept = tuple(axis for axis in axes if shape[axis] != 1)
    return root.src[0].reduce(name, kept) if len(kept) < len(axes) else None


def reduce_reduce(root: UOp) -> UOp | None:
    """Reductions of one kind over several axes in one; REDUCE has no order."""
    inner = root.src[0]
    if inner.arg[0] != root.arg[0]:
        return None
    return inner.src[0].reduce(root.arg[0], tuple(sorted({*inner.arg[1], *root.arg[1]})))


def under_contiguous(root: UOp) -> UOp | None:
    """What lies in memory already; a node with a number has memory of its own."""
    return root.src[0] if root.arg is None else None


def expanded_const(made: UOp, node: UOp) -> UOp | None:
    """Give a result the shape that a rule has lost."""
    return made.expand(node.shape) if not made.shape else None


@memo
def table() -> Rules:
    """The table."""
    # fmt: off
    return rules("movement", [
        # name              pattern                                  result
        *[(f"{row.name}_nothing", of(row, x), nothing) for row in MOVEMENT],
        ("reshape_reshape", of(ops.RESHAPE, of(ops.RESHAPE, x)),     reshape_reshape),
        ("permute_permute", of(ops.PERMUTE, of(ops.PERMUTE, x)),     permute_permute),
        ("permute_reshape", of(ops.PERMUTE, x),                      permute_reshape),
        ("expand_expand",   of(ops.EXPAND, of(ops.EXPAND, x)),       expand_expand),
        ("shrink_shrink",   of(ops.SHRINK, of(ops.SHRINK, x)),       shrink_shrink),
        ("pad_pad",         of(ops.PAD, of(ops.PAD, x)),             pad_pad),
        ("flip_flip",       of(ops.FLIP, of(ops.FLIP, x)),           flip_flip),
        ("shrink_pad",      of(ops.SHRINK, of(ops.PAD, x)),          shrink_pad),
        ("view_nothing",    of(ops.VIEW, x),                         view_nothing),
        ("view_view",       of(ops.VIEW, of(ops.VIEW, x)),           view_view),
        ("reduce_ones",     of(ops.REDUCE, x),                       reduce_ones),
        ("reduce_reduce",   of(ops.REDUCE, of(ops.REDUCE, x)),       reduce_reduce),
        ("contiguous_twice", of(ops.CONTIGUOUS, of(ops.CONTIGUOUS, x)), under_contiguous),
        ("contiguous_buffer", of(ops.CONTIGUOUS, of(ops.BUFFER)),    under_contiguous),
    ])
    # fmt: on
