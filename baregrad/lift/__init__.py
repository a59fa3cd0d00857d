"""Meanings of instructions (isa/meaning) as UOps, one scalar expression a lane: for proofs of lowering rows,
and for making fast code of foreign instructions.

Read pieces.py (what a register holds), world.py (an operation as UOps), x86.py (a list of instructions); for
AMD, as kernels over a wave's state: amd.py (its world), lanes.py (lane by lane), wave.py (whole registers),
block.py (instructions in a row).
"""

from __future__ import annotations

from baregrad.lift.pieces import Part, Value, dtype_of, variable
from baregrad.lift.world import Expressions
from baregrad.lift.x86 import Registers, lift

__all__ = ["Expressions", "Part", "Registers", "Value", "dtype_of", "lift", "variable"]
