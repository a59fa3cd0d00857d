"""What a user gives as numbers, as bytes: Python's numbers and sequences of them, numpy's arrays, whatever
speaks DLPack. And back: flat elements as nested lists and as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.dtype import DType
from baregrad.runtime import dlpack

# our dtype, its DLDataTypeCode
# fmt: off
CODES = (
    (dt.bool_,      6),
    (dt.int8,       0),
    (dt.int16,      0),
    (dt.int32,      0),
    (dt.int64,      0),
    (dt.uint8,      1),
    (dt.uint16,     1),
    (dt.uint32,     1),
    (dt.uint64,     1),
    (dt.float16,    2),
    (dt.float32,    2),
    (dt.float64,    2),
    (dt.bfloat16,   4),
    (dt.float8e4m3, 10),
    (dt.float8e5m2, 12),
)
# fmt: on
IN_NUMPY = {
    own.name: f"{'|' if own.itemsize == 1 else '<'}{'buif'[(6, 1, 0, 2).index(code)]}{own.itemsize}"
    for own, code in CODES
    if code in (6, 1, 0, 2)
}
"""The type strings of numpy's array interface, for the dtypes that numpy has."""
FOREIGN = {"float8_e4m3fn": dt.float8e4m3, "float8_e5m2": dt.float8e5m2}
"""Names in numpy, given by the package ml_dtypes, that are not ours."""


def kind_of(dtype: DType) -> tuple[int, int]:
    """DLPack's code and bits of a dtype."""
    return next((code, dtype.itemsize * 8) for own, code in CODES if own is dtype)


def dtype_of(kind: tuple[int, int]) -> DType:
    """The dtype of DLPack's code and bits. Errors: DTypeError."""
    for own, code in CODES:
        if kind == (code, own.itemsize * 8):
            return own
    raise DTypeError(
        f"DLPack's dtype of code {kind[0]} with {kind[1]} bits",
        why="there is no such dtype here",
        mend="cast it there first",
    )


def is_foreign(data: object) -> bool:
    """Whether something shares its elements by DLPack: a tensor of another library."""
    return hasattr(data, "__dlpack__") and hasattr(data, "__dlpack_device__")


def taken(data: Any) -> dlpack.Taken:  # Any: what speaks DLPack has no common class
    """The elements of another library's tensor, where they lie.

    Errors: DeviceError for another device's; whatever the owner refuses.
    """
    try:
        capsule = data.__dlpack__(max_version=dlpack.VERSION)
    except TypeError:  # a library from before versions
        capsule = data.__dlpack__()
    return dlpack.take(capsule)


def pack(data: Any, dtype: DType | None) -> tuple[tuple[int, ...], DType, bytes]:
    """Shape, dtype and row-major bytes of what a user gives as numbers."""
    if hasattr(data, "__array_interface__") and hasattr(data, "tobytes"):
        name = str(data.dtype)
        own = dt.BY_NAME.get(name, FOREIGN.get(name))
        if own is None:
            raise DTypeError(
                f"a numpy array of {name}", why="there is no such dtype", mend="astype('float32') first"
            )
        return tuple(data.shape), *_converted(data.tobytes(), own, dtype)
    if is_foreign(data):
        found = taken(data.detach() if hasattr(data, "detach") else data)
        own = dtype_of(found.elements.kind)
        packed = _row_major(found, own.itemsize)
        shape = found.elements.shape
        found.release()
        return shape, *_converted(packed, own, dtype)
    data = _plain(data)
    shape = _shape_of(data)
    flat: list[Any] = []
    _flatten(data, shape, flat)
    result = dtype or dt.result_dtype(*{type(v) for v in flat} or {float})
    return shape, result, dt.pack(result, [dt.normalize(v, result) for v in flat])


def _converted(packed: bytes, own: DType, dtype: DType | None) -> tuple[DType, bytes]:
    if dtype is None or dtype is own:
        return own, packed
    return dtype, dt.pack(dtype, dt.convert_list(dt.unpack(own, packed), own, dtype))


def _row_major(found: dlpack.Taken, itemsize: int) -> bytes:
    """A copy of strided elements, one behind the other: each row of the last axis is a slice."""
    shape, strides = found.elements.shape, found.elements.strides
    low, high = found.elements.span
    data = found.read(low * itemsize, (high - low + 1) * itemsize)
    if strides == dlpack.row_major(shape) or high < low:
        return data
    letter: Any = "BH I   Q"[itemsize - 1]
    elements = memoryview(data).cast(letter)
    begins = [-low]
    for size, step in zip(shape[:-1], strides[:-1], strict=True):
        begins = [begin + i * step for begin in begins for i in range(size)]
    count, step = shape[-1], strides[-1]
    if not step:
        return b"".join(elements[at : at + 1].tobytes() * count for at in begins)
    ends = [at + (count - 1) * step + (1 if step > 0 else -1) for at in begins]
    return b"".join(
        elements[at : end if end >= 0 else None : step].tobytes()
        for at, end in zip(begins, ends, strict=True)
    )


def _plain(data: Any) -> Any:
    """Arrays and scalars of other libraries inside sequences, as Python's numbers."""
    if isinstance(data, list | tuple | bool | int | float) and type(data).__module__ == "builtins":
        return data
    return data.tolist() if hasattr(data, "tolist") else data


def _shape_of(data: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(data, Sequence) and not isinstance(data, str | bytes):
        shape.append(len(data))
        if not data:
            break
        data = _plain(data[0])
    return tuple(shape)


def _flatten(data: Any, shape: tuple[int, ...], flat: list[Any]) -> None:
    data = _plain(data)
    if not shape:
        if type(data) not in (bool, int, float):
            raise DTypeError(
                f"{type(data).__name__} among the numbers",
                why="bool, int and float are numbers",
                mend="convert it first",
            )
        flat.append(data)
        return
    if not isinstance(data, Sequence) or len(data) != shape[0]:
        raise ShapeError(
            "ragged sequences", why=f"{data!r:.60} is not of length {shape[0]}", mend="pad the short ones"
        )
    for part in data:
        _flatten(part, shape[1:], flat)


def nest(flat: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Row-major elements as nested lists; a number for shape ()."""
    if not shape:
        return flat[0]
    for size in reversed(shape[1:]):
        if size == 0:
            flat = []
            continue
        flat = [list(flat[i : i + size]) for i in range(0, len(flat), size)]
    return list(flat) if 0 not in shape else _empty(shape)


def _empty(shape: tuple[int, ...]) -> Any:
    return [_empty(shape[1:]) for _ in range(shape[0])] if shape[0] and len(shape) > 1 else []


def shown(values: Any) -> str:
    """Nested lists as text, with six digits."""
    if isinstance(values, list):
        return "[" + ", ".join(shown(v) for v in values) + "]"
    return (
        f"{values:.6g}" + ("." if float(values).is_integer() and "e" not in f"{values:.6g}" else "")
        if isinstance(values, float) and values == values and abs(values) != float("inf")
        else str(values)
    )
