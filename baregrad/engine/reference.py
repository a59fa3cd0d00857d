"""What the reference device runs: a TENSOR graph as it stands, by the interpreter, on bytes.

A program is (roots, inputs, variables): the BUFFERs that are read, in the order of the arguments; the roots'
memories follow them, then the values of the variables. Memory may be longer than its elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baregrad.dtype import pack, unpack
from baregrad.ir import UOp, bound_to, evaluate, value_of

Program = tuple[tuple[UOp, ...], tuple[UOp, ...], tuple[str, ...]]


def execute(
    program: Any, arguments: list[Any], grid: int
) -> None:  # Any: the runtime's Execute takes any program
    """Evaluate the roots on the inputs' memory and write them to the outputs' memory."""
    roots, inputs, names = program
    variables = dict(zip(names, arguments[len(inputs) + len(roots) :], strict=True))
    memory = {
        buffer.arg.number: unpack(buffer.dtype, bytes(view[: _nbytes(buffer, variables)]))
        for buffer, view in zip(inputs, arguments, strict=False)
    }
    results = evaluate(roots, memory, variables)
    for root, values, view in zip(roots, results, arguments[len(inputs) :], strict=False):
        data = pack(root.dtype, values)
        view[: len(data)] = data


def _nbytes(buffer: UOp, variables: Mapping[str, int]) -> int:
    """The bytes of a buffer's elements."""
    total = buffer.dtype.itemsize
    for size in buffer.shape:
        total *= value_of(bound_to(size, variables))
    return total
