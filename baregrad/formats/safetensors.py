"""Tensors in safetensors files, without numpy; they are written by the library of that name.

A file is written aside and renamed, so that a reader sees all of it or the old one. Reading is our own: what
a file claims is checked first (header.py), and one tensor is read after the other, so that a file needs no
more memory than its tensors; whatever is wrong with it is a BadFile.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path

from safetensors import TensorSpec, serialize

from baregrad import dtype as dt
from baregrad.base import write_aside
from baregrad.base.errors import BadFile, DTypeError
from baregrad.dtype import DType
from baregrad.engine import SESSION, from_bytes, read
from baregrad.formats.header import Entry, read_header
from baregrad.ir import value_of
from baregrad.tensor import Tensor

# our dtype, its name in a header, its name for the library's writer
# fmt: off
NAMES = (
    ("bool",       "BOOL",    "bool"),
    ("int8",       "I8",      "int8"),
    ("uint8",      "U8",      "uint8"),
    ("int16",      "I16",     "int16"),
    ("uint16",     "U16",     "uint16"),
    ("int32",      "I32",     "int32"),
    ("uint32",     "U32",     "uint32"),
    ("int64",      "I64",     "int64"),
    ("uint64",     "U64",     "uint64"),
    ("float16",    "F16",     "float16"),
    ("bfloat16",   "BF16",    "bfloat16"),
    ("float32",    "F32",     "float32"),
    ("float64",    "F64",     "float64"),
    ("float8e4m3", "F8_E4M3", "float8_e4m3fn"),
    ("float8e5m2", "F8_E5M2", "float8_e5m2"),
)
# fmt: on


def save_safetensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name. Errors: DTypeError for a dtype that the format lacks; OSError."""
    written = {ours: name for ours, _, name in NAMES}
    if tensors:
        first, *rest = tensors.values()
        first.realize(*rest)
    specs, alive = {}, []
    for name, tensor in tensors.items():
        if tensor.dtype.name not in written:
            raise DTypeError(
                f"{name} is {tensor.dtype}",
                why="safetensors has no such dtype",
                mend="cast it to one of its dtypes",
            )
        data = read(SESSION, tensor.value)
        memory = ctypes.create_string_buffer(data, len(data))
        alive.append(memory)  # the library gets an address only
        specs[name] = TensorSpec(
            dtype=written[tensor.dtype.name],
            shape=list(map(value_of, tensor.shape)),
            data_ptr=ctypes.addressof(memory),
            data_len=len(data),
        )
    write_aside(Path(path), serialize(specs, dict(metadata or {}) or None))


def load_safetensors(path: str | Path, *, device: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file by name, in the order of their names.

    Errors: BadFile for whatever is wrong with its contents, before memory is taken for them; OSError when it
    can't be read.
    """
    place = device or SESSION.default_device()
    with open(path, "rb") as file:
        entries = read_header(path, file)
        dtypes = {name: _dtype(path, name, entry) for name, entry in entries.items()}
        found = {
            name: _tensor(path, name, entry, dtypes[name], file, place)
            for name, entry in sorted(entries.items(), key=lambda item: item[1].begin)
        }
    return dict(sorted(found.items()))


def _dtype(path: str | Path, name: str, entry: Entry) -> DType:
    ours = {theirs: name for name, theirs, _ in NAMES}.get(entry.dtype)
    if ours is None:
        raise BadFile(
            f"{name} in {path} has the dtype {entry.dtype}",
            why="baregrad has no such dtype: it has " + ", ".join(row[1] for row in NAMES),
            mend="convert the file with the tool that wrote it",
        )
    return dt.BY_NAME[ours]


def _tensor(
    path: str | Path, name: str, entry: Entry, dtype: DType, file: BufferedReader, device: str
) -> Tensor:
    file.seek(entry.begin)
    data = file.read(entry.end - entry.begin)
    if len(data) != entry.end - entry.begin:
        raise BadFile(
            f"{path} ends inside of {name}",
            why="it became shorter while it was read",
            mend="read it when nobody writes it",
        )
    if dtype is dt.bool_ and data.translate(None, b"\0\1"):
        raise BadFile(
            f"{name} in {path} has bytes that are no bool",
            why="a bool is the byte 0 or 1",
            mend="fetch it or write it again",
        )
    return Tensor.of(from_bytes(SESSION, data, SESSION.new_buffer(entry.shape, dtype, device)))
