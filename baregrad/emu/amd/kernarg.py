"""Arguments of a kernel as bytes: those of the caller by the kernel's metadata, hidden ones by the launch.

Source: AMDGPUUsage of LLVM, "Kernel Argument Metadata", "Kernel Dispatch Packet". What is not here: which
registers point to them (launch.py).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from baregrad.base.errors import BadFile, ConfigError
from baregrad.emu.amd.memory import Memory

Argument = int | float | bytes | bytearray | memoryview | None
"""A number, memory (copied in, and back if it can be written), bytes of a value, or None for nothing (0)."""

Three = tuple[int, int, int]
PACKET = struct.Struct("<HHHHHHIIIIIQQQQ")  # the dispatch packet
PARTS = (".offset", ".size", ".value_kind")  # of an argument in the metadata: a Row


class Row(NamedTuple):
    """An argument as the metadata has it."""

    offset: int
    size: int
    kind: str


class Buffer(NamedTuple):
    """Memory of the caller's, and where it is on the device."""

    data: memoryview
    address: int


def rows_of(metadata: Mapping[str, Any], name: str) -> list[Row]:  # Any: metadata is JSON-like
    """The arguments of a kernel."""
    for kernel in metadata.get("amdhsa.kernels", ()):
        if kernel.get(".name") == name or kernel.get(".symbol") == name + ".kd":
            rows = [tuple(one.get(part) for part in PARTS) for one in kernel.get(".args", ())]
            for row in rows:
                if [type(part) for part in row] != [int, int, str]:
                    raise BadFile(
                        f"an argument of {name} has {dict(zip(PARTS, row, strict=True))}",
                        why="it has an offset, a size and a kind", mend="build or fetch the file again",
                    )  # fmt: skip
            return [Row(*row) for row in rows]
    return []


def hidden(grid: Three, block: Three) -> dict[str, int]:
    """What the hidden arguments are, by kind; all others are 0."""
    found = {}
    for axis, count, size in zip("xyz", grid, block, strict=True):
        found[f"hidden_block_count_{axis}"] = count
        found[f"hidden_group_size_{axis}"] = size
        found[f"hidden_remainder_{axis}"] = 0
    found["hidden_grid_dims"] = 3 if grid[2] * block[2] > 1 else 2 if grid[1] * block[1] > 1 else 1
    return found


def filled(
    memory: Memory, rows: Sequence[Row], given: Sequence[Argument], size: int, grid: Three, block: Three
) -> tuple[bytearray, list[Buffer]]:
    """The bytes of the arguments, and the buffers that were copied. Errors: ConfigError for too many."""
    out, buffers = bytearray(size), []
    rest, known = list(given), hidden(grid, block)
    for row in rows:
        if row.kind.startswith("hidden_"):
            put(out, row, known.get(row.kind, 0))
            continue
        value = rest.pop(0) if rest else None
        if row.kind in ("global_buffer", "dynamic_shared_pointer") and not isinstance(
            value, int | float | None
        ):
            data = memoryview(value).cast("B") if len(memoryview(value)) else memoryview(b"\0")
            buffers.append(Buffer(data, memory.put(data, f"argument {len(given) - len(rest) - 1}")))
            value = buffers[-1].address
        put(out, row, value)
    if rest:
        raise ConfigError(
            f"{len(given)} arguments",
            why=f"the kernel has {len(given) - len(rest)}",
            mend="leave the last out",
        )
    return out, buffers


FLOATS = {2: "<e", 4: "<f", 8: "<d"}


def put(out: bytearray, row: Row, value: Argument) -> None:
    """A value at its place. Errors: ConfigError for one that does not fit."""
    data = b""
    inside = 0 <= row.offset <= row.offset + row.size <= len(out)
    if inside and isinstance(value, float):
        try:
            data = struct.pack(FLOATS.get(row.size, ""), value)
        except (OverflowError, struct.error):
            data = b""
    elif inside and isinstance(value, int | None):
        data = ((value or 0) & (1 << 8 * row.size) - 1).to_bytes(row.size, "little")
    elif inside and not isinstance(value, int | float | None):
        data = bytes(value)
    if not inside or len(data) != row.size:
        raise ConfigError(
            f"{value if isinstance(value, int | float | None) else f'{len(data)} bytes'} for an argument of "
            f"{row.size} bytes at {row.offset}",
            why=f"the kernel has {len(out)} bytes of arguments", mend="give a number, or as many bytes",
        )  # fmt: skip
    out[row.offset : row.offset + row.size] = data


def packet(grid: Three, block: Three, lds: int, scratch: int, code: int, arguments: int) -> bytes:
    """The dispatch packet that starts the kernel."""
    threads = [count * size for count, size in zip(grid, block, strict=True)]
    return PACKET.pack(2, 3, *block, 0, *threads, scratch, lds, code, arguments, 0, 0)
