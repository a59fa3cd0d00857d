"""MACHINE lists as text: one line an instruction, virtual registers as %v12, labels at the margin.

This is for reading and for golden files; it is the same for every instruction set and shows lists that still
have virtual registers, which an instruction set's own text need not know. It is not read back.

>>> from baregrad.isa.form import Form, Inst, Operand, VReg
>>> add = Form("add", (Operand("d", ("r64",), "rw", "gpr"), Operand("a", ("r64",), "r", "gpr")), None)
>>> print(text([Inst(add, (VReg(1, "gpr"), VReg(2, "gpr")))]))
    add %v1, %v2
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.isa.form import Imm, Inst, Label, Mem, Reg, Sub, Value, VReg


def text(insts: Sequence[Inst]) -> str:
    """A list, one line an instruction."""
    return "\n".join(map(line, insts))


def line(inst: Inst) -> str:
    """One instruction; a label is its name and a colon."""
    if inst.form.name == "label":
        return f"{value_text(inst.operands[0])}:"
    shown = ", ".join(map(value_text, inst.operands))
    mask = "" if inst.mask is None else f" {{{value_text(inst.mask)}}}" + ("{z}" if inst.zeroing else "")
    comment = f"  ; {inst.comment}" if inst.comment else ""
    return f"    {inst.form.name} {shown}".rstrip() + mask + comment


def value_text(value: Value) -> str:
    """One operand: %v12, %v12[1], gpr3, 42, name, [base + index*scale + disp]."""
    if isinstance(value, VReg):
        return f"%v{value.id}"
    if isinstance(value, Sub):
        return f"%v{value.of.id}[{value.index}]"
    if isinstance(value, Reg):
        return f"{value.bank}{value.number}"
    if isinstance(value, Imm):
        return str(value.value)
    if isinstance(value, Label):
        return value.name
    return memory_text(value)


def memory_text(mem: Mem) -> str:
    """A memory operand, with the lanes that one element is repeated to."""
    parts: list[str] = []
    if mem.label is not None:
        parts.append(mem.label.name)
    if mem.base is not None:
        parts.append(value_text(mem.base))
    if mem.index is not None:
        parts.append(value_text(mem.index) + (f"*{mem.scale}" if mem.scale != 1 else ""))
    if mem.disp or not parts:
        parts.append(str(mem.disp))
    repeated = f"{{1to{mem.broadcast}}}" if mem.broadcast else ""
    return f"[{' + '.join(parts)}]{repeated}".replace("+ -", "- ")
