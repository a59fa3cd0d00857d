"""What lowering hands on: the LINEAR list of one kernel with the facts a launch needs. Read
docs/notes/plan.md first.
"""

from __future__ import annotations

from dataclasses import dataclass

from baregrad.ir import UOp

STREAM = "stream"  # the arg of a STORE of a whole line, which starts at a multiple of a line in its buffer


@dataclass(frozen=True, slots=True)
class Linear:
    """A kernel as a list.

    uops         the lines, every source before its reader.
    grid         how many items a launch has; item i runs with GRID = i.
    slots        how many words the argument block has: one more than the highest slot of a PARAM or VARIABLE.
    local_bytes  scratch memory of one item: the LOCALs in order of their ids, each on a multiple of 64 bytes.
    """

    name: str
    uops: tuple[UOp, ...]
    grid: int
    slots: int
    local_bytes: int = 0
