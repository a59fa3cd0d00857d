"""An instruction as a line of text, as LLVM prints it: `v_add_f32_e64 v1, -v2, |v3| clamp`.

What is not here: the way back (assembler.py), immediates with a syntax of their own (immediates.py).
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Modifier, Parts, Slot, put, take, width
from baregrad.isa.amd.make import constant_code
from baregrad.isa.amd.modifiers import STYLES
from baregrad.isa.amd.operands import INVERSE_TWO_PI, NUMBERED, Changed, Label, Literal, Operand, Reg, family

MOST, MOST_VALUES = 4096, 256


class Registers(dict[Reg, str]):
    """Registers in text, remembered."""

    def __missing__(self, one: Reg) -> str:
        shown = register_text(one)
        if len(self) < MOST:
            self[one] = shown
        return shown


class Values(dict[int, str]):
    """What is written of each value of a modifier, remembered."""

    __slots__ = ("fam", "one")

    def __init__(self, one: Modifier, fam: str) -> None:
        super().__init__()
        self.one, self.fam = one, fam

    def __missing__(self, value: int) -> str:
        one, style = self.one, STYLES[self.one.style]
        shown = ""
        if value != one.default or style.always:
            shown = " " + style.text(one.name, value, width(one.where), self.fam)
        if len(self) < MOST_VALUES:
            self[value] = shown
        return shown


@memo
def registers() -> Registers:
    """The registers in text."""
    return Registers()


@memo
def values(one: Modifier, fam: str) -> Values:
    """What is written of a modifier."""
    return Values(one, fam)


Printer = tuple[Form, int, int, tuple[tuple[int, int, Parts, Values], ...]]
"""How a form's modifiers are written: the bits of all of them and what these are when nothing is written (-1
where something always is); and of each its lowest bit, mask (0 if its bits lie apart), bits and values.
"""


@memo
def printers() -> dict[int, Printer]:
    """Printers by the `id` of their form, which they hold: a form's hash takes longer than all the rest."""
    return {}


def printer(form: Form) -> Printer:
    """The printer of a form."""
    fam = family(form.arch)
    mask = default = 0
    rows = []
    for one in form.modifiers:
        mask |= put(one.where, -1)
        default |= -1 if STYLES[one.style].always else put(one.where, one.default)
        low, size = one.where[0] if len(one.where) == 1 else (0, 0)
        rows.append((low, (1 << size) - 1, one.where, values(one, fam)))
    found = printers()[id(form)] = form, mask, default, tuple(rows)
    return found


def text(inst: Inst) -> str:
    """The line of an instruction."""
    form, word, known = inst.form, inst.word, registers()
    fam = family(form.arch)
    shown = [
        known[one] if type(one) is Reg else operand_text(one, slot, fam)
        for one, slot in zip(inst.operands, form.slots, strict=True)
    ]
    if form.encoding == "VOPD":
        first, _, second = form.name.partition(" :: ")
        cut = next(at for at, slot in enumerate(form.slots) if slot.role == "DY")
        return f"{first} {', '.join(shown[:cut])} :: {second} {', '.join(shown[cut:])}"
    if form.encoding == "EXP":
        shown[:2] = [f"{shown[0]} {shown[1]}"]
    if form.encoding == "MIMG+NSA":
        end = 1 + sum(slot.role.startswith("VADDR") for slot in form.slots)
        shown[1:end] = [f"[{', '.join(shown[1:end])}]"]
    name = form.name.removesuffix("_dpp") if form.encoding.startswith("VOPC+DPP") else form.name
    line = f"{name} {', '.join(shown)}" if shown else name
    if inst.word & UPPER and form.encoding.startswith("VOP3"):
        line += upper_text(inst)
    if form.modifiers:
        _, mask, default, rows = printers().get(id(form)) or printer(form)
        if word & mask != default:
            for low, bits, where, names in rows:
                line += names[word >> low & bits if bits else take(where, word)]
    return line


UPPER = 0x7800


def upper_text(inst: Inst) -> str:
    """OP_SEL, where an upper half is that of a register whose name does not say so."""
    halves = {
        slot.half: one
        for one, slot in zip(inst.operands, inst.form.slots, strict=True)
        if slot.half >= 0 and inst.word >> slot.half & 1
    }
    registers = [one.value if isinstance(one, Changed) else one for one in halves.values()]
    if not any(not isinstance(one, Reg) or (one.half == "h" and one.file != "v") for one in registers):
        return ""
    slots = inst.form.slots
    sources = sum(slot.role[0] == "S" and slot.kind != "mask9" for slot in slots)
    sources += slots[0].role == "D0" and slots[0].read and sources == 2  # FMAC adds to its result
    bits = [int(bit in halves) for bit in (*range(11, 11 + sources), 14)]
    return f" op_sel:[{','.join(map(str, bits))}]"


def operand_text(one: Operand, slot: Slot, fam: str) -> str:
    """An operand in text."""
    if isinstance(one, Changed):
        return changed_text(one, slot, fam)
    if isinstance(one, Reg):
        return register_text(one)
    if isinstance(one, Literal):
        return f"lit({one.bits:#x})" if shorter(slot, one.bits) else f"{one.bits:#x}"
    if isinstance(one, Label):
        return one.name
    return constant_text(one, slot, fam)


def shorter(slot: Slot, bits: int) -> bool:
    """Would the number of a literal be read as something else: a constant with a code, or too many bits?"""
    if slot.bits == 16 and bits >> 16:
        return True
    return slot.kind != "literal" and constant_code(slot, bits)[1] < 0


def changed_text(one: Changed, slot: Slot, fam: str) -> str:
    """An operand with its sign changed."""
    shown = operand_text(one.value, slot, fam)
    if one.sext:
        return f"sext({shown})"
    if one.abs:
        shown = f"|{shown}|"
    if one.neg:
        return f"-{shown}" if one.abs or isinstance(one.value, Reg) else f"neg({shown})"
    return shown


def constant_text(one: int | float, slot: Slot, fam: str) -> str:
    """A number in text."""
    if isinstance(one, float):
        if one == INVERSE_TWO_PI:
            return "0.15915494309189532" if slot.bits == 64 else "0.15915494"
        return repr(one)
    if slot.kind == "signedhex":
        return f"{one:#x}"
    return SYNTAX[slot.kind].text(one, fam) if slot.kind in SYNTAX else str(one)


def register_text(one: Reg) -> str:
    """A register in text.

    >>> register_text(Reg("v", 4, 4)), register_text(Reg("v", 1).h), register_text(Reg("exec_lo"))
    ('v[4:7]', 'v1.h', 'exec_lo')
    """
    if one.file not in NUMBERED:
        return one.file
    if one.size > 1:
        return f"{one.file}[{one.first}:{one.first + one.size - 1}]"
    return f"{one.file}{one.first}.{one.half}" if one.half and one.file == "v" else f"{one.file}{one.first}"
