"""Machine code that is common to all instruction sets: from selected instructions to bytes.

A MACHINE list goes through `order` (latency and pressure), `allocate` (registers), `check` (the proof that
`allocate` was right) and `assemble` (labels, branches, constant pool). Read inst.py first, then target.py.
"""

from baregrad.render.machine.inst import LABEL, label, reads, targets, writes
from baregrad.render.machine.regalloc import allocate
from baregrad.render.machine.rewrite import Allocation
from baregrad.render.machine.target import Bank, MachineTarget

__all__ = ["LABEL", "Allocation", "Bank", "MachineTarget", "allocate", "label", "reads", "targets", "writes"]
