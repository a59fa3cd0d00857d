"""Shape rules: the shape of a node from its sources and argument. One function a rule; ops.py names them in
its rows.

At TENSOR a shape is the global one; below it is the tile of a value: () or (lanes,). Sizes are int or UOp.
"""

from __future__ import annotations

from typing import Any

from baregrad.base.errors import ShapeError

Shape = tuple[Any, ...]  # int or UOp, which is defined on top of this
Sources = tuple[Any, ...]


def scalar(src: Sources, arg: Any) -> Shape:
    """()."""
    return ()


def first(src: Sources, arg: Any) -> Shape:
    """As the first source."""
    shape: Shape = src[0].shape
    return shape


def elementwise(src: Sources, arg: Any) -> Shape:
    """The one shape of all sources that are not scalars."""
    shape: Shape = ()
    for node in src:
        other = node.shape
        if other and other is not shape:
            if not shape:
                shape = other
            elif shape != other:
                raise ShapeError(
                    f"elementwise sources of shapes {shape} and {other}",
                    why="an elementwise op takes sources of one shape, or scalars",
                    mend="expand one of them",
                )
    return shape


def buffer(src: Sources, arg: Any) -> Shape:
    """The shape in the argument."""
    shape: Shape = arg.shape
    return shape


def iota(src: Sources, arg: Any) -> Shape:
    """(size,)."""
    return (arg,)


def reshape(src: Sources, arg: Any) -> Shape:
    """The argument, of as many elements as the source."""
    if product(src[0].shape) != product(arg):
        raise ShapeError(
            f"cannot reshape {src[0].shape} to {arg}",
            why=f"{product(src[0].shape)} elements are not {product(arg)}",
            mend="give a shape with the same number of elements",
        )
    return tuple(arg)


def expand(src: Sources, arg: Any) -> Shape:
    """The argument; only axes of size 1 change."""
    shape = src[0].shape
    if len(shape) != len(arg) or any(a != b and a != 1 for a, b in zip(shape, arg, strict=True)):
        raise ShapeError(
            f"cannot expand {shape} to {arg}",
            why="only axes of size 1 can be repeated, and the number of axes stays",
            mend="reshape first, so that new axes have size 1",
        )
    return tuple(arg)


def permute(src: Sources, arg: Any) -> Shape:
    """Axes of the source in the order of the argument."""
    shape = src[0].shape
    if sorted(arg) != list(range(len(shape))):
        raise ShapeError(
            f"cannot permute {shape} by {arg}",
            why="the order must name each axis once",
            mend="give a permutation of the axes",
        )
    return tuple(shape[axis] for axis in arg)


def pad(src: Sources, arg: Any) -> Shape:
    """Each axis grown by (before, after)."""
    return tuple(size + before + after for size, (before, after) in zip(src[0].shape, arg, strict=True))


def shrink(src: Sources, arg: Any) -> Shape:
    """Each axis cut to begin..end."""
    for size, (begin, end) in zip(src[0].shape, arg, strict=True):
        if not 0 <= begin <= end <= size:  # of a symbolic size: for all of its values, or refused
            raise ShapeError(
                f"cannot cut {begin}:{end} out of an axis of {size}",
                why="the box must lie inside",
                mend="clip the bounds to the axis",
            )
    return tuple(end - begin for begin, end in arg)


def view(src: Sources, arg: Any) -> Shape:
    """The argument's: (shape, one row (begin, steps along the result's axes) for each axis of the source)."""
    shape, rows = arg
    if len(rows) != len(src[0].shape) or any(len(steps) != len(shape) for _, steps in rows):
        raise ShapeError(
            f"view of {src[0].shape} as {shape} by {rows}",
            why="there is one row for each axis of the source, with one step for each axis of the result",
            mend="give such rows",
        )
    return tuple(shape)


def gather(src: Sources, arg: Any) -> Shape:
    """As the index, whose other axes are the source's."""
    shape: Shape = src[1].shape
    _same_but(src[0].shape, shape, arg, "gather from")
    if shape and 0 not in shape and src[0].shape[arg] == 0:
        raise ShapeError(
            f"gather from {src[0].shape} along axis {arg}",
            why="the axis has no element that an index could name",
            mend="give an index without elements",
        )
    return shape


def scatter(src: Sources, arg: Any) -> Shape:
    """As the base; index and value are of one shape, whose other axes are the base's."""
    shape: Shape = src[0].shape
    _same_but(shape, src[1].shape, arg[0], "scatter into")
    if src[1].shape != src[2].shape:
        raise ShapeError(
            f"scatter values of {src[2].shape} to places of {src[1].shape}",
            why="each value has its place",
            mend="expand one of them",
        )
    return shape


def _same_but(shape: Shape, index: Shape, axis: int, what: str) -> None:
    others = [size for place, size in enumerate(shape) if place != axis]
    theirs = [size for place, size in enumerate(index) if place != axis]
    if len(shape) != len(index) or not 0 <= axis < len(shape) or others != theirs:
        raise ShapeError(
            f"{what} {shape} by an index of {index} along axis {axis}",
            why="the index has the axes of the source, and all but this one have the same size",
            mend="reshape or expand the index",
        )


def reduce(src: Sources, arg: Any) -> Shape:
    """TENSOR: the source with the reduced axes of size 1. KERNEL: a scalar."""
    axes = arg[1]
    return tuple(1 if axis in axes else size for axis, size in enumerate(src[0].shape))


def index(src: Sources, arg: Any) -> Shape:
    """As the offset (a vector of offsets is a gather or scatter), or the mask."""
    shape: Shape = src[1].shape
    return shape


def load(src: Sources, arg: Any) -> Shape:
    """(lanes,) of a contiguous load, otherwise as the address."""
    shape: Shape = (arg,) if arg is not None else src[0].shape
    return shape


def carry(src: Sources, arg: Any) -> Shape:
    """As the first value of the loop: RANGE(size, *first)."""
    shape: Shape = src[0].src[1 + arg].shape
    return shape


def result(src: Sources, arg: Any) -> Shape:
    """As the next value: END(RANGE, *next)."""
    shape: Shape = src[0].src[1 + arg].shape
    return shape


def lanes(src: Sources, arg: Any) -> Shape:
    """(lanes,)."""
    return (arg,)


def slice_(src: Sources, arg: Any) -> Shape:
    """(count,), a scalar when count is 1."""
    return (arg[1],) if arg[1] > 1 else ()


def stack(src: Sources, arg: Any) -> Shape:
    """(number of sources,)."""
    return (len(src),)


def product(sizes: Shape) -> Any:
    """How many elements a shape has."""
    total: Any = 1
    for size in sizes:
        total = total * size
    return total
