"""Machines that run from what their instructions say they mean (isa/meaning), in plain Python: a witness.

One package an instruction set; each has its registers, its memory and what a step does around a meaning. They
know nothing of the compiler. source.py makes Python of a tree, which is tens of times faster than to walk
it; real speed is not here: `lift` makes expressions of the same trees.
"""

from __future__ import annotations

from baregrad.emu.memory import Memory
from baregrad.emu.plain import Place, Plain

__all__ = ["Memory", "Place", "Plain"]
