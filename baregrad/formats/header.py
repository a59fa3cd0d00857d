"""The header of a safetensors file, read without trust: what it claims is checked before anything is taken.

8 bytes of length, then JSON: a name to dtype, shape and two offsets for each tensor, and "__metadata__". The
offsets follow each other without gap or overlap to the end of the file. Whatever else there is, is a BadFile,
found before memory for it is taken: a header has at most 16 MiB, and the first entry that is none ends the
reading. Source: the format's README, github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import os
from io import BufferedReader
from math import prod
from typing import Any, NamedTuple

from baregrad.base.errors import BadFile

LONGEST = 16 << 20  # bytes of a header; the format's own limit is 100 MB
MOST_AXES = 64
BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}


class Entry(NamedTuple):
    """One tensor: its dtype as the file names it, its shape, the bytes of the file that it has."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class _Wrong(Exception):
    """What is wrong, where the file's name is not known."""


def read_header(path: object, file: BufferedReader) -> dict[str, Entry]:
    """The tensors by name, with offsets from the file's start. Errors: BadFile."""
    try:
        return _checked(file)
    except (_Wrong, ValueError, RecursionError) as error:
        raise BadFile(
            f"{path} is no whole safetensors file",
            why=str(error) if isinstance(error, _Wrong) else f"its header is no JSON: {error}",
            mend="fetch it or write it again",
        ) from None


def _checked(file: BufferedReader) -> dict[str, Entry]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 10:
        raise _Wrong(f"it has {size} bytes, the shortest file 10")
    if length > min(LONGEST, size - 8):
        raise _Wrong(
            f"its header would have {length} bytes: it has {size - 8}, and at most {LONGEST} are read"
        )
    found = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_Objects())
    if not isinstance(found, dict):
        raise _Wrong("its header is no JSON object")
    entries = {name: e for name, e in found.items() if isinstance(e, Entry)}
    for name, other in found.items():
        if name not in entries and name != "__metadata__":
            raise _Wrong(f"{name!r:.60} has no dtype, shape and data_offsets, but {other!r:.60}")
    "".join(entries).encode()  # a ValueError for halves of characters
    at, base = 0, 8 + length
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.begin != at:
            raise _Wrong(f"{name!r:.60} begins at {entry.begin}, and the one before ends at {at}")
        at = entry.end
    if base + at != size:
        raise _Wrong(f"its tensors have {at} bytes, and the file has {size - base} for them")
    return {n: e._replace(begin=base + e.begin, end=base + e.end) for n, e in entries.items()}


class _Objects:
    """Makes JSON objects: innermost first, so that the first one that has no place here ends the reading."""

    def __init__(self) -> None:
        self._others = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _Wrong(f"a name stands twice in its header: {[name for name, _ in pairs]!r:.60}")
        if found.keys() == {"dtype", "shape", "data_offsets"}:
            return _entry(**found)
        self._others += 1
        if self._others > 2:
            raise _Wrong(f"its header has an object that is no tensor: {found!r:.60}")
        if "__metadata__" not in found and not any(isinstance(value, Entry) for value in found.values()):
            for name, value in found.items():
                if not isinstance(value, str):
                    raise _Wrong(f"{name!r:.60} is no tensor, and no text of its metadata: {value!r:.60}")
        elif not isinstance(found.get("__metadata__", {}), dict):
            raise _Wrong(f"its metadata are {found['__metadata__']!r:.60}")
        return found


def _entry(dtype: Any, shape: Any, data_offsets: Any) -> Entry:
    """One tensor's facts, checked against each other."""
    if not isinstance(dtype, str):
        raise _Wrong(f"a dtype is {dtype!r:.60}")
    if not (_whole(shape) and len(shape) <= MOST_AXES and all(size < 1 << 63 for size in shape)):
        raise _Wrong(f"a shape is {shape!r:.60}: it is at most {MOST_AXES} sizes below 2 ** 63")
    if not (_whole(data_offsets) and len(data_offsets) == 2 and data_offsets[0] <= data_offsets[1]):
        raise _Wrong(f"data_offsets are {data_offsets!r:.60}: they are begin and end")
    begin, end = data_offsets
    bits = BITS.get(dtype)
    if bits is not None and prod(shape) * bits != (end - begin) * 8:
        raise _Wrong(f"a tensor of {dtype} and shape {shape!r:.60} has {end - begin} bytes")
    return Entry(dtype, tuple(shape), begin, end)


def _whole(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)
