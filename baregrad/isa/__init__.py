"""Instruction sets as data: forms, encodings, text. Each set is a package of its own (x86/); none knows a
compiler.

Read form.py first: the shapes that every instruction set, the allocator and the assembler share.
"""

from __future__ import annotations

from baregrad.isa.form import Form, Imm, Inst, Label, Mem, Operand, Reg, Sub, Value, VReg

__all__ = ["Form", "Imm", "Inst", "Label", "Mem", "Operand", "Reg", "Sub", "VReg", "Value"]
