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
from baregrad.isa.amd.operands import (
    INVERSE_TWO_PI,
    NUMBERED,
    Changed,
    Label,
    Literal,
    Operand,
    Reg,
    family,
    table,
)

MOST = 4096


class Registers(dict[Reg, str]):
    """Registers in text, remembered."""

    def __missing__(self, one: Reg) -> str:
        shown = register_text(one)
        if len(self) < MOST:
            self[one] = shown
        return shown


class Values(dict[int, str]):
    """What is written of each value of a modifier, remembered where there are few."""

    __slots__ = ("fam", "few", "one")

    def __init__(self, one: Modifier, fam: str) -> None:
        super().__init__()
        self.one, self.fam, self.few = one, fam, 1 << width(one.where) <= MOST

    def __missing__(self, value: int) -> str:
        one, style = self.one, STYLES[self.one.style]
        shown = ""
        if value != one.default or style.always:
            shown = " " + style.text(one.name, value, width(one.where), self.fam)
        if self.few:
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


class Immediates(dict[int, str]):
    """What is written for each code of an immediate: remembered where there are few."""

    __slots__ = ("fam", "few", "sign", "slot")

    def __init__(self, fam: str, slot: Slot) -> None:
        super().__init__()
        size = width(slot.where)
        self.fam, self.slot, self.few = fam, slot, 1 << size <= MOST
        self.sign = 1 << size - 1 if slot.type == "i" else 0

    def __missing__(self, code: int) -> str:
        shown = constant_text(code - 2 * (code & self.sign), self.slot, self.fam)
        if self.few:
            self[code] = shown
        return shown


@memo
def codes(fam: str, kind: str, count: int, bits: int) -> tuple[str, ...]:
    """What is written for each code of a field, "" for the literal and for what it does not take."""
    slot, known = Slot("", kind, (), bits), registers()
    return tuple(
        "" if one is None else known[one] if type(one) is Reg else operand_text(one, slot, fam)
        for one in table(fam, kind, count)
    )


BEYOND = 256  # no instruction has a bit there
Shown = tuple[int, int, Parts, "tuple[str, ...] | Immediates"]
"""How an operand is shown: a text by a code: its lowest bit and mask (0 if its bits lie apart), its bits."""
Sign = tuple[int, int, int, int, int]
"""What changes an operand: its number, the bits for neg, abs, sext, half."""
Shower = tuple[int, int, Parts, Values]
"""How a modifier is shown, as an operand."""
Printer = tuple[Form, str, int, tuple[Shown, ...], int, tuple[Sign, ...], int, int, tuple[Shower, ...], bool]
"""A form with all that printing needs: what a line begins with; its size; operands, bits that change them,
and how; the bits of all modifiers, what these are when nothing is written (-1 where something always is),
modifiers; and do its operands stand in an order or in brackets of its own?
"""
ARRANGED = ("VOPD", "EXP", "MIMG+NSA")


@memo
def printers() -> dict[int, Printer]:
    """Printers by the `id` of their form, which they hold: a form's hash takes longer than all the rest."""
    return {}


def printer(form: Form) -> Printer:
    """The printer of a form: what it shares with others is the same object, since less memory is faster."""
    fam = family(form.arch)
    slots, signs, changes = shown_slots(
        fam, tuple(slot._replace(role="", read=True, written=False) for slot in form.slots)
    )
    rows, mask, default = shown_modifiers(fam, form.modifiers)
    name = form.name.removesuffix("_dpp") if form.encoding.startswith("VOPC+DPP") else form.name
    apart = form.encoding in ARRANGED
    begin = f"{name} " if form.slots and not apart else name
    found = form, begin, form.size, slots, changes, signs, mask, default, rows, apart
    printers()[id(form)] = found
    return found


@memo
def shown_modifiers(fam: str, known: tuple[Modifier, ...]) -> tuple[tuple[Shower, ...], int, int]:
    """How modifiers are shown, the bits of all, and what these are when nothing is written."""
    mask = default = 0
    rows = []
    for one in known:
        mask |= put(one.where, -1)
        default |= -1 if STYLES[one.style].always else put(one.where, one.default)
        low, size = one.where[0] if len(one.where) == 1 else (0, 0)
        rows.append((low, (1 << size) - 1, one.where, values(one, fam)))
    return tuple(rows), mask, default


@memo
def shown_slots(fam: str, slots: tuple[Slot, ...]) -> tuple[tuple[Shown, ...], tuple[Sign, ...], int]:
    """How operands are shown, what changes them, and all bits of that."""
    changes, signs = 0, []
    for at, slot in enumerate(slots):
        bits = [1 << bit if bit >= 0 else 0 for bit in (slot.neg, slot.abs, slot.sext, slot.half)]
        if any(bits):
            signs.append((at, bits[0], bits[1], bits[2], bits[3]))
            changes |= sum(bits)
    return tuple(shown(fam, slot) for slot in slots), tuple(signs), changes


@memo
def shown(fam: str, slot: Slot) -> Shown:
    """How an operand is shown."""
    if slot.kind in ("fixed", "literal"):
        return BEYOND, 1, (), (operand_text(slot.fixed, slot, fam) if slot.kind == "fixed" else "",)
    low, size = slot.where[0] if len(slot.where) == 1 else (0, 0)
    if slot.kind in SYNTAX:
        return (
            low,
            (1 << size) - 1,
            slot.where,
            immediates(fam, slot._replace(where=((0, width(slot.where)),))),
        )
    return low, (1 << size) - 1, slot.where, codes(fam, slot.kind, slot.registers, slot.bits)


@memo
def immediates(fam: str, slot: Slot) -> Immediates:
    """What is written for the codes of an immediate."""
    return Immediates(fam, slot)


def text(inst: Inst) -> str:
    """The line of an instruction: by its bits, or by its operands where these were given."""
    form, word = inst.form, inst.word
    known = printers().get(id(form)) or printer(form)
    _, line, size, slots, changes, signs, mask, default, rows, apart = known
    if inst.given is None:
        pieces = [
            names[word >> low & bits if bits else take(where, word)] for low, bits, where, names in slots
        ]
        if inst.size > size:
            fill(form, word, pieces)
        if word & changes:
            sign(word, pieces, signs)
    else:
        fam, named = family(form.arch), registers()
        pieces = [
            named[one] if type(one) is Reg else operand_text(one, slot, fam)
            for one, slot in zip(inst.given, form.slots, strict=True)
        ]
    line = arranged(form, pieces) if apart else line + ", ".join(pieces)
    if word & changes & UPPER and any(word & half and ".h" not in pieces[at] for at, _, _, _, half in signs):
        line += upper_text(inst)
    if word & mask != default:
        for low, bits, where, names in rows:
            line += names[word >> low & bits if bits else take(where, word)]
    return line


def fill(form: Form, word: int, pieces: list[str]) -> None:
    """The literal put where it is meant."""
    fam, literal = family(form.arch), Literal(word >> 8 * form.size)
    for at, slot in enumerate(form.slots):
        if not pieces[at]:
            pieces[at] = operand_text(literal, slot, fam)


def sign(word: int, pieces: list[str], signs: tuple[Sign, ...]) -> None:
    """Operands with what their bits of sign and half say, as `changed_text` has them."""
    for at, neg, plain, sext, half in signs:
        one = pieces[at]
        if word & half and one[-2:] == ".l":
            one = one[:-1] + "h"
        if word & sext:
            one = f"sext({one})"
        else:
            number = one[0] <= "9" or one[:4] == "lit("
            if word & plain:
                one, number = f"|{one}|", False
            if word & neg:
                one = f"neg({one})" if number else f"-{one}"
        pieces[at] = one


def arranged(form: Form, pieces: list[str]) -> str:
    """A line of a form whose operands are not one list."""
    if form.encoding == "VOPD":
        first, _, second = form.name.partition(" :: ")
        cut = next(at for at, slot in enumerate(form.slots) if slot.role == "DY")
        return f"{first} {', '.join(pieces[:cut])} :: {second} {', '.join(pieces[cut:])}"
    if form.encoding == "EXP":
        pieces[:2] = [f"{pieces[0]} {pieces[1]}"]
    else:
        end = 1 + sum(slot.role.startswith("VADDR") for slot in form.slots)
        pieces[1:end] = [f"[{', '.join(pieces[1:end])}]"]
    return f"{form.name} {', '.join(pieces)}"


UPPER = 0x7800


def upper_text(inst: Inst) -> str:
    """OP_SEL, where an upper half is that of a register whose name does not say so."""
    halves = {slot.half for slot in inst.form.slots if slot.half >= 0 and inst.word >> slot.half & 1}
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
