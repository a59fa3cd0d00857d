"""Bits read by the fields of a form: the operands that they name, and which codes name none.

What is not here: which form bits are of (decode.py), operands in text (text.py).
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.layout import Form, Parts, Slot, take, width
from baregrad.isa.amd.operands import LITERAL_CODE, Changed, Label, Literal, Operand, Reg, family, table

PLAIN = (False, False, False, False)
# What a code is: nothing that the field takes, an operand, or the sign of a literal behind the instruction.
NOTHING, OPERAND, LITERAL = 0, 1, 2

# Plain tuples: taken apart in a third of the time that a named one takes.
Check = tuple[int, int, bytes, Parts]
"""A field that does not take every code: its lowest bit and mask (0 where its bits lie apart), and for each
code NOTHING, OPERAND or LITERAL.
"""
Getter = tuple[int, int, "tuple[Operand | None, ...]", Slot]
"""How a slot is read: a table by a code (its lowest bit and mask), or, without a table, by `slow`."""
Getters = tuple[Form, tuple[Getter, ...], int]
"""A form, its slots, and the bits that change operands."""


@memo
def states(fam: str, kind: str, count: int, literal: bool) -> bytes:
    """What each code of a field is; b"" where each is an operand."""
    found = bytearray(NOTHING if one is None else OPERAND for one in table(fam, kind, count))
    if literal and table(fam, kind, count)[LITERAL_CODE] is None:
        found[LITERAL_CODE] = LITERAL
    return b"" if all(state == OPERAND for state in found) else bytes(found)


def checks(form: Form) -> tuple[Check, ...]:
    """The fields of a form whose codes want a look."""
    found = []
    for slot in form.slots:
        if slot.kind == "fixed" or slot.kind == "literal" or slot.kind in SYNTAX:
            continue
        whole = len(slot.where) == 1
        literal = bool(form.literal) and slot.literal and whole
        known = states(family(form.arch), slot.kind, slot.registers, literal)
        if known:
            low, size = slot.where[0] if whole else (0, 0)
            found.append((low, (1 << size) - 1, known, slot.where))
    return shared(tuple(found))


@memo
def shared(found: tuple[Check, ...]) -> tuple[Check, ...]:
    """The same object for equal ones: less memory is faster."""
    return found


@memo
def _getters() -> dict[int, Getters]:
    """Slots by the `id` of their form, which they hold: a form's hash takes longer than all the rest."""
    return {}


def getters(form: Form) -> Getters:
    """How the slots of a form are read."""
    found = _getters().get(id(form))
    if found is None:
        rows, changes = [], 0
        for slot in form.slots:
            for bit in (slot.neg, slot.abs, slot.sext, slot.half):
                changes |= 1 << bit if bit >= 0 else 0
            rows.append(getter(family(form.arch), slot))
        found = _getters()[id(form)] = form, tuple(rows), changes
    return found


@memo
def getter(fam: str, slot: Slot) -> Getter:
    """How a slot is read."""
    if slot.kind == "fixed":
        return 0, 0, (slot.fixed,), slot
    if slot.kind in SYNTAX or slot.kind == "literal" or len(slot.where) != 1:
        return 0, 0, (), slot
    low, size = slot.where[0]
    return low, (1 << size) - 1, table(fam, slot.kind, slot.registers), slot


def operands(form: Form, word: int) -> tuple[Operand, ...]:
    """The operands of an instruction, with its literal and what changes them."""
    _, rows, changes = getters(form)
    fam, found = family(form.arch), []
    for shift, bits, known, slot in rows:
        one = known[word >> shift & bits] if known else slow(slot, word, fam)
        found.append(Literal(word >> 8 * form.size) if one is None else one)
    if word & changes:
        found = [changed(slot, one, word) for (_, _, _, slot), one in zip(rows, found, strict=True)]
    return tuple(found)


def slow(slot: Slot, word: int, fam: str) -> Operand | None:
    """A slot whose bits lie apart, an immediate, or the literal, which is None here."""
    if slot.kind == "literal":
        return None
    code = take(slot.where, word)
    if slot.kind not in SYNTAX:
        return table(fam, slot.kind, slot.registers)[code]
    if slot.type == "i" and code >> width(slot.where) - 1:
        return code - (1 << width(slot.where))
    return code


def changed(slot: Slot, value: Operand, word: int) -> Operand:
    """An operand with what its bits of sign and half say."""
    upper = False
    if slot.half >= 0 and word >> slot.half & 1:
        if isinstance(value, Reg):
            value = value.h
        else:
            upper = True
    neg, plain, sext = slot.neg, slot.abs, slot.sext
    flags = (
        neg >= 0 and word >> neg & 1 == 1,
        plain >= 0 and word >> plain & 1 == 1,
        sext >= 0 and word >> sext & 1 == 1,
        upper,
    )
    if flags != PLAIN and not isinstance(value, (Label, Changed)):
        return Changed(value, *flags)
    return value
