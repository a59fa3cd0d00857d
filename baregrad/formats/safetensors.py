"""Tensors in safetensors files, through the library of that name, without numpy.

A file is written aside and renamed, so that a reader sees all of it or the old one. What a file claims is
checked by the library, and what only we know (our dtypes, the bytes of a bool) here; whatever is wrong with
it is a BadFile.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, TensorSpec, deserialize, serialize

from baregrad import dtype as dt
from baregrad.base import write_aside
from baregrad.base.errors import BadFile, DTypeError
from baregrad.engine import SESSION, from_bytes, read
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
            shape=list(tensor.shape),
            data_ptr=ctypes.addressof(memory),
            data_len=len(data),
        )
    write_aside(Path(path), serialize(specs, dict(metadata or {}) or None))


def load_safetensors(path: str | Path, *, device: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file by name, in the order of their names.

    Errors: BadFile for whatever is wrong with its contents; OSError when it can't be read.
    """
    try:
        found = deserialize(Path(path).read_bytes())  # type: ignore[no-untyped-call]  # it has no types
    except SafetensorError as error:
        raise BadFile(
            f"{path} is no whole safetensors file",
            why=str(error).removeprefix("Error while deserializing: "),
            mend="fetch it or write it again",
        ) from None
    place = device or SESSION.default_device()
    return {name: _tensor(path, name, facts, place) for name, facts in sorted(found, key=lambda row: row[0])}


def _tensor(path: str | Path, name: str, facts: Mapping[str, object], device: str) -> Tensor:
    ours = {theirs: name for name, theirs, _ in NAMES}.get(str(facts["dtype"]))
    if ours is None:
        raise BadFile(
            f"{name} in {path} has the dtype {facts['dtype']}",
            why="baregrad has no such dtype: it has " + ", ".join(row[1] for row in NAMES),
            mend="convert the file with the tool that wrote it",
        )
    data, shape, dtype = facts["data"], facts["shape"], dt.BY_NAME[ours]
    assert isinstance(data, bytes | bytearray), "the library gives the elements as bytes"
    assert isinstance(shape, list), "the library gives the shape as a list"
    if dtype is dt.bool_ and data.translate(None, b"\0\1"):
        raise BadFile(
            f"{name} in {path} has bytes that are no bool",
            why="a bool is the byte 0 or 1",
            mend="fetch it or write it again",
        )
    return Tensor.of(from_bytes(SESSION, data, SESSION.new_buffer(tuple(shape), dtype, device)))
