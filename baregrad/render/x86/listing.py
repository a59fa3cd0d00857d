"""Machine code as text, one instruction a line with its offset, as disassemblers write it (Intel order)."""

from __future__ import annotations

from baregrad.isa.form import Imm, Inst, Label, Mem, Operand, Reg, Value, VReg
from baregrad.isa.x86 import name_of
from baregrad.isa.x86.encoding import memory_bits
from baregrad.render.machine import Assembled


def listing(name: str, done: Assembled) -> str:
    """The code of a kernel: labels where branches go, then offset and instruction."""
    labels: dict[int, list[str]] = {}
    for label, place in done.labels.items():
        if place < done.code_bytes:
            labels.setdefault(place, []).append(label)
    lines = [f"{name}:"]
    for place, inst in done.places:
        lines += [f"{label}:" for label in labels.get(place, ())]
        lines.append(f"  {place:5x}  {write(inst)}")
    return "\n".join(lines) + "\n"


def write(inst: Inst) -> str:
    """One instruction."""
    shown = [
        operand_text(value, operand)
        for operand, value in zip(inst.form.operands, inst.operands, strict=True)
        if not operand.implicit
    ]
    if inst.mask is not None and shown:
        shown[0] += f" {{k{inst.mask.number if isinstance(inst.mask, Reg) else inst.mask.id}}}"
        shown[0] += "{z}" if inst.zeroing else ""
    return f"{inst.form.name} {', '.join(shown)}".rstrip()


def operand_text(value: Value, operand: Operand) -> str:
    """One operand."""
    if isinstance(value, Reg):
        return name_of(value, operand.bits)
    if isinstance(value, VReg):
        return f"{value.bank}{value.id}"
    if isinstance(value, Imm):
        return str(value.value)
    if isinstance(value, Label):
        return value.name
    assert isinstance(value, Mem), f"operand {value} has no text"
    return memory_text(value, operand)


def memory_text(value: Mem, operand: Operand) -> str:
    """base + index * scale + displacement in brackets, an embedded broadcast behind it."""
    parts = []
    if value.label is not None:
        parts.append(value.label.name)
    if value.base is not None:
        parts.append(address_register(value.base, operand))
    if value.index is not None:
        scale = f"*{value.scale}" if value.scale > 1 else ""
        parts.append(address_register(value.index, operand) + scale)
    text = " + ".join(parts)
    if value.disp:
        text += f" {'-' if value.disp < 0 else '+'} {abs(value.disp)}"
    return f"[{text}]" + (f"{{1to{value.broadcast}}}" if value.broadcast else "")


def address_register(register: Reg | VReg, operand: Operand) -> str:
    """A register of an address: general, or the vector of a gather."""
    if isinstance(register, VReg):
        return f"{register.bank}{register.id}"
    if register.bank == "gpr":
        return name_of(register, 64)
    letter = next(k[-1] for k in operand.kinds if memory_bits(k) is not None)
    return name_of(register, {"x": 128, "y": 256, "z": 512}[letter])
