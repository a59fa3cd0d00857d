"""Small LINEAR kernels, and running them on this processor: what the tests of this folder share.

A kernel is a list of lines; `Lines` collects them in the order in which they are made. Buffers end where an
unreadable page begins, so that a load or store beyond them ends the test.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from baregrad import dtype as dt
from baregrad.base import override
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, const, index, ops
from baregrad.lower import Linear
from baregrad.render import render
from baregrad.render.program import Program
from baregrad.render.targets import AVX2, AVX512
from baregrad.runtime.cpu.device import CpuDevice
from baregrad.target import Target

TARGETS = (AVX512, AVX2)
LETTERS = {
    "bool": "?",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}


class Lines:
    """Collects lines: every node made through it stands in the list once, after its sources."""

    def __init__(self) -> None:
        self.uops: list[UOp] = []
        self.seen: set[UOp] = set()
        self.slots = 0
        self.loops = 0
        self.last: tuple[UOp, ...] = ()  # the store that the next access comes after

    def add(self, node: UOp) -> UOp:
        """Put a node and the sources that are not there yet."""
        for part in node.toposort(lambda n: n not in self.seen):
            if part not in self.seen:
                self.seen.add(part)
                self.uops.append(part)
        return node

    def param(self, dtype: DType, size: int) -> UOp:
        """The next pointer of the argument block."""
        self.slots += 1
        return self.add(UOp(ops.PARAM, dtype, (), (self.slots - 1, size)))

    def range(self, size: int | UOp, *first: UOp) -> UOp:
        """Open a loop."""
        self.loops += 1
        size = index(size) if isinstance(size, int) else size
        return self.add(UOp(ops.RANGE, dt.int64, (size, *first), (self.loops, "loop")))

    def carry(self, loop: UOp, place: int) -> UOp:
        """A carried value."""
        return self.add(UOp(ops.CARRY, loop.src[1 + place].dtype, (loop,), place))

    def end(self, loop: UOp, *following: UOp) -> UOp:
        """Close a loop."""
        return self.add(UOp(ops.END, dt.void, (loop, *following)))

    def result(self, end: UOp, place: int) -> UOp:
        """A carried value after the loop."""
        return self.add(UOp(ops.RESULT, end.src[1 + place].dtype, (end,), place))

    def load(self, base: UOp, offset: UOp, lanes: int | None = None, mask: UOp | None = None) -> UOp:
        """Load."""
        parts = (base, offset) if mask is None else (base, offset, mask)
        return self.add(UOp(ops.LOAD, base.dtype, (UOp(ops.INDEX, base.dtype, parts), *self.last), lanes))

    def store(self, base: UOp, offset: UOp, value: UOp, mask: UOp | None = None) -> None:
        """Store."""
        parts = (base, offset) if mask is None else (base, offset, mask)
        self.add(UOp(ops.STORE, dt.void, (UOp(ops.INDEX, base.dtype, parts), value, *self.last)))
        self.last = (self.uops[-1],)

    def linear(self, name: str = "test", grid: int = 1, local_bytes: int = 0) -> Linear:
        """The list."""
        return Linear(name, tuple(self.uops), grid, self.slots, local_bytes)


def broadcast(node: UOp, lanes: int) -> UOp:
    return UOp(ops.BROADCAST, node.dtype, (node,), lanes)


def pack(values: Iterable[Any], dtype: DType) -> bytes:
    data = list(values)
    return struct.pack(f"<{len(data)}{LETTERS[dtype.name]}", *data)


def unpack(data: bytes, dtype: DType) -> list[Any]:
    return list(struct.unpack(f"<{len(data) // dtype.itemsize}{LETTERS[dtype.name]}", data))


@cache
def device() -> CpuDevice:
    return CpuDevice(threads=1)


def compiled(linear: Linear, target: Target) -> Program:
    with override(check=True):
        return render(linear, target)


def run(linear: Linear, target: Target, buffers: Sequence[bytes | bytearray], grid: int = 1) -> list[bytes]:
    """Run a kernel on buffers of these bytes; give the buffers as they are then."""
    return run_program(compiled(linear, target), buffers, grid)


def run_program(program: Program, buffers: Sequence[bytes | bytearray], grid: int = 1) -> list[bytes]:
    cpu = device()
    places = [cpu.allocate(max(1, len(data)), guard=True) for data in buffers]
    kernel = cpu.load(program.code, program.name)
    try:
        for place, data in zip(places, buffers, strict=True):
            if data:
                cpu.write(place, bytes(data))
        cpu.launch(kernel, places, grid)
        return [
            cpu.read(place, len(data)) if data else b"" for place, data in zip(places, buffers, strict=True)
        ]
    finally:
        cpu.unload(kernel)
        for place in places:
            cpu.free(place)


def elementwise(
    op: Op, result: DType, sources: Sequence[DType], count: int, lanes: int, arg: Any = None,
    second: int | None = None,
) -> Linear:  # fmt: skip
    """A kernel that applies an op to whole buffers; of scalars, `second` may be there instead of one."""
    lines = Lines()
    params = [lines.param(dtype, count) for dtype in sources]
    out = lines.param(result, count)
    loop = lines.range(count // max(1, lanes))
    at = lines.add(loop * max(1, lanes)) if lanes else loop
    values = [lines.load(param, at, lanes or None) for param in params]
    if second is not None:
        values[1] = lines.add(const(second, sources[1]))
    lines.store(out, at, lines.add(UOp(op, result, tuple(values), arg)))
    lines.end(loop)
    return lines.linear(op.name)


Meaning = Callable[..., Any]
