"""What the reference device runs: a TENSOR graph as it stands, by the interpreter, on bytes.

A program is (roots, inputs): the BUFFERs that are read, in the order of the arguments; the roots' memories
follow them.
"""

from __future__ import annotations

from typing import Any

from baregrad.dtype import pack, unpack
from baregrad.ir import UOp, evaluate

Program = tuple[tuple[UOp, ...], tuple[UOp, ...]]


def execute(
    program: Any, arguments: list[Any], grid: int
) -> None:  # Any: the runtime's Execute takes any program
    """Evaluate the roots on the inputs' memory and write them to the outputs' memory."""
    roots, inputs = program
    memory = {
        buffer.arg.number: unpack(buffer.dtype, bytes(view))
        for buffer, view in zip(inputs, arguments, strict=False)
    }
    results = evaluate(roots, memory)
    for root, values, view in zip(roots, results, arguments[len(inputs) :], strict=True):
        view[:] = pack(root.dtype, values)
