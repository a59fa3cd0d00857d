"""Users' arguments: refused here, with what, why and mend, before anything is computed or lost."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, DeviceError, DTypeError, ShapeError
from baregrad.dtype import DType
from baregrad.ir import Scalar, Size, Symbolic, Variable

PYTHONS = frozenset((bool, int, float, type(None)))


def number(value: Any) -> Any:  # Any: whatever a user gives; a Scalar, or the same again
    """A scalar or 0-d array of numpy as a Python number; everything else as it is."""
    kind = type(value)
    if kind in PYTHONS or kind.__module__ not in ("numpy", "ml_dtypes"):
        return value
    return value.item() if getattr(value, "shape", None) == () else value


Method = TypeVar("Method", bound=Callable[..., Any])


def takes(words: str) -> Callable[[Method], Method]:
    """A method for tensors of some dtypes only: "bool", "int", "float". Errors: DTypeError for the others."""

    def limited(method: Method) -> Method:
        @functools.wraps(method)
        def checked(self: Any, *args: Any, **options: Any) -> Any:  # Any: of whatever method
            taken(self.dtype, words, method.__name__)
            return method(self, *args, **options)

        return checked  # type: ignore[return-value]  # it takes and gives what the method does

    return limited


def taken(dtype: DType, words: str, what: str) -> None:
    """Whether an operation takes a dtype. Errors: DTypeError if not."""
    kind = "float" if dtype.is_float else "int" if dtype.is_int else dtype.name
    if kind not in words.split():
        raise DTypeError(
            f"{what} of {dtype}", why=f"it takes {' and '.join(words.split())}", mend="cast() it first"
        )


def dtype_in(dtype: Any, what: str) -> DType:  # Any: whatever a user gives
    """A dtype of ours. Errors: DTypeError for names, classes of Python and dtypes of other libraries."""
    if isinstance(dtype, DType):
        return dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    named = "bool_" if name == "bool" else name if name in dt.BY_NAME else "float32, say"
    raise DTypeError(
        f"{what} of dtype {dtype!r}",
        why="a dtype is a row of bg.dtypes, no name and no type of another library",
        mend=f"give bg.dtypes.{named}",
    )


def axis_in(axis: int, ndim: int, what: str) -> int:
    """The axis counted from 0."""
    axis = number(axis)
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise AxisError(
            f"{what}: axis {axis!r} is not an integer", why="axes are counted", mend="give an int"
        )
    if not -max(ndim, 1) <= axis < max(ndim, 1):
        raise AxisError(
            f"{what}: axis {axis} of a tensor with {ndim} axes",
            why=f"axes are in [{-max(ndim, 1)}, {max(ndim, 1) - 1}]",
            mend="give one of these",
        )
    return axis % max(ndim, 1)


def axes_in(axis: int | Sequence[int] | None, ndim: int, what: str) -> tuple[int, ...]:
    """The axes counted from 0, each once; None means all."""
    if axis is None:
        return tuple(range(ndim))
    given = tuple(axis) if isinstance(axis, Sequence) else (axis,)
    axes = tuple(axis_in(a, ndim, what) for a in given)
    if len(set(axes)) != len(axes):
        raise AxisError(
            f"{what}: axes {given} name one twice", why="each axis is meant once", mend="name each axis once"
        )
    return tuple(a for a in axes if a < ndim)


def broadcast(shapes: Sequence[tuple[Size, ...]], what: str) -> tuple[Size, ...]:
    """The shape that all shapes broadcast to, by torch's and numpy's rule."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    ndim = max(len(shape) for shape in shapes)
    result: list[Size] = []
    for axis in range(-ndim, 0):
        sizes = [shape[axis] for shape in shapes if len(shape) >= -axis]
        wide = [size for size in sizes if size != 1]
        if any(size != wide[0] for size in wide):
            raise ShapeError(
                f"cannot {what} {' and '.join(map(str, shapes))}",
                why=f"axis {axis}: {wide[0]} is not {next(s for s in wide if s != wide[0])} and neither is 1",
                mend="slice or pad one of them, or give one of them size 1 there",
            )
        result.append(wide[0] if wide else 1)
    return tuple(result)


def same_device(devices: Iterable[str], what: str) -> str:
    """The one device of all operands."""
    names = list(dict.fromkeys(devices))
    if len(names) > 1:
        raise DeviceError(
            f"cannot {what} tensors on {' and '.join(names)}",
            why="an operation runs on one device",
            mend=f"move one with .to({names[0]!r})",
        )
    return names[0]


def shape_of(given: tuple[object, ...], what: str) -> tuple[Size, ...]:
    """A shape given as sizes or as one tuple of sizes."""
    sizes = tuple(map(number, flat_sizes(given)))
    for size in sizes:
        if isinstance(size, Variable):
            raise not_bound(size, what)
        if isinstance(size, bool) or not isinstance(size, int | Symbolic) or size < 0:
            raise ShapeError(
                f"{what}: size {size!r}", why="sizes are integers of at least 0", mend="give such sizes"
            )
    return sizes


def not_bound(variable: Variable, what: str) -> ShapeError:
    """The error for a variable that stands where a size is wanted."""
    return ShapeError(
        f"{what}: variable {variable} has no value",
        why="a size is a variable that is bound",
        mend=f"{variable.name}.bind({variable.min})",
    )


def flat_sizes(given: Sequence[object]) -> tuple[Size, ...]:
    """Sizes or axes given one by one, or as one sequence."""
    first = given[0] if len(given) == 1 else None
    return tuple(map(number, first if isinstance(first, tuple | list) else given))


def least(dtype: DType) -> Scalar:
    """What is not greater than any number of a dtype."""
    if dtype.is_float:
        return -math.inf if dtype.has_inf else -dtype.max_finite
    return dtype.min


def float_dtype(dtype: DType, what: str) -> DType:
    """The dtype in which a function of floats works: integers and bool become float32, as in torch."""
    if dtype.is_float:
        return dtype
    if dtype.is_int or dtype is dt.bool_:
        return dt.float32
    raise DTypeError(f"{what} of {dtype}", why="it is a function of floats", mend="cast first")
