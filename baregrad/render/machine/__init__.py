"""Machine code that is common to all instruction sets: from selected instructions to bytes.

A MACHINE list goes through `order` (latency and pressure), `allocate` (registers), `check` (the proof that
`allocate` was right) and `assemble` (labels, branches, constant pool). Read inst.py first, then target.py.
"""

from baregrad.render.machine.checker import check
from baregrad.render.machine.emit import Assembled, Pool, assemble
from baregrad.render.machine.inst import LABEL, label, reads, targets, writes
from baregrad.render.machine.order import order
from baregrad.render.machine.regalloc import allocate
from baregrad.render.machine.rewrite import Allocation
from baregrad.render.machine.target import Bank, Encoder, Fixup, MachineTarget
from baregrad.render.machine.text import line, text
from baregrad.render.machine.verify import verify

__all__ = [
    "LABEL", "Allocation", "Assembled", "Bank", "Encoder", "Fixup", "MachineTarget", "Pool", "allocate",
    "assemble", "check", "label", "line", "order", "reads", "targets", "text", "verify", "writes",
]  # fmt: skip
