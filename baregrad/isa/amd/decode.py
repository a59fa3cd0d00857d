"""Bytes as instructions: `decode("gfx1100", data)`; by the upper 9 bits of the first word, then by those that
every form of a format fixes.

What is not here: what a form is (layout.py), which codes mean what (operands.py).
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Slot, take, width
from baregrad.isa.amd.operands import LITERAL_CODE, Changed, Label, Literal, Operand, Reg, family, table

LITERAL = Literal(0)


class Getter(NamedTuple):
    """How a slot is read: a table by a code at one place, or by the slow way."""

    shift: int
    mask: int
    table: tuple[Operand | None, ...]
    slot: Slot


class Reader(NamedTuple):
    """A form with all that decoding it needs."""

    form: Form
    mask: int
    value: int
    size: int
    getters: tuple[Getter, ...]
    changes: int
    literal: str


@memo
def readers(arch: str, wave: int) -> tuple[tuple[int, dict[int, tuple[Reader, ...]]], ...]:
    """By the upper 9 bits of the first word: which bits choose a form, and the forms for each."""
    groups: dict[tuple[int, int], list[Form]] = {}
    for form in forms(arch, wave):
        groups.setdefault(encoding_bits(form), []).append(form)
    found: list[tuple[int, dict[int, tuple[Reader, ...]]]] = [(0, {})] * 512
    for top in range(512):
        for (mask, value), each in sorted(groups.items(), key=lambda item: -item[0][0].bit_count()):
            if top << 23 & mask == value:
                found[top] = choices(each)
                break
    return tuple(found)


def encoding_bits(form: Form) -> tuple[int, int]:
    """The bits of the first word that name the format: mask and value."""
    mask = form.mask & 0xFFFFFFFF
    name = form.entry.format
    top = {"SOP2": 2, "SOPK": 4, "VOP2": 1, "VOP1": 7, "VOPC": 7, "VINTRP": 6}.get(name)
    top = top or (
        9 if name in ("SOP1", "SOPC", "SOPP") else 8 if name in ("VOP3P", "VINTERP", "LDSDIR") else 6
    )
    keep = mask & ((1 << top) - 1) << (32 - top)
    return keep, form.value & keep


def choices(each: list[Form]) -> tuple[int, dict[int, tuple[Reader, ...]]]:
    """The bits that every form of a format fixes, and its forms by them, those that fix most first."""
    common = 0xFFFFFFFF
    for form in each:
        common &= form.mask
    found: dict[int, list[Form]] = {}
    for form in each:
        found.setdefault(form.value & common, []).append(form)
    return common, {
        key: tuple(reader(form) for form in sorted(rows, key=lambda row: -row.mask.bit_count()))
        for key, rows in found.items()
    }


@memo
def reader(form: Form) -> Reader:
    """How a form is read."""
    fam = family(form.arch)
    getters, changes = [], 0
    for slot in form.slots:
        for bit in (slot.neg, slot.abs, slot.sext, slot.half):
            changes |= 1 << bit if bit >= 0 else 0
        rows: tuple[Operand | None, ...] = ()
        if slot.kind == "fixed":
            rows = (slot.fixed,)
            getters.append(Getter(0, 0, rows, slot))
        elif slot.kind in SYNTAX or slot.kind == "literal":
            getters.append(Getter(0, 0, rows, slot))
        else:
            rows = table(fam, slot.kind, slot.registers)
            low, size = slot.where[0] if len(slot.where) == 1 else (0, 0)
            getters.append(Getter(low, (1 << size) - 1, rows, slot))
    return Reader(form, form.mask, form.value, form.size, tuple(getters), changes, form.literal)


def decode(arch: str, data: bytes | memoryview, at: int = 0, *, wave: int = 0) -> tuple[Inst, int]:
    """The instruction at an offset, and its size in bytes; `wave` is 32 or 64 lanes, 0 is the chip's default.

    Errors: EncodingError for bytes that are no instruction of the architecture, or cut off.
    """
    first = int.from_bytes(data[at : at + 4], "little")
    common, found = readers(arch, wave)[first >> 23]
    for one in found.get(first & common, ()):
        size = one.size
        word = int.from_bytes(data[at : at + size], "little")
        if word & one.mask == one.value and len(data) - at >= size:
            operands: list[Operand] = []
            literal = one.literal == "always"
            for shift, mask, rows, slot in one.getters:
                if (rows and mask) or slot.kind == "fixed":
                    code = word >> shift & mask
                    value = rows[code]
                    if value is None:
                        if code != LITERAL_CODE or not one.literal or not slot.literal:
                            break
                        literal = True
                        value = LITERAL
                elif slot.kind == "literal":
                    value = LITERAL
                else:
                    value = slow(slot, word, rows, arch)
                    if value is None:
                        break
                operands.append(value)
            else:
                return finish(one, word, size, operands, literal, data, at)
    raise EncodingError(
        f"{bytes(data[at : at + 8]).hex()} is no instruction of {arch}",
        why="no form has these bits, or an operand has a code that means nothing"
        if len(data) - at > 3
        else "it is cut off",
        mend="the bytes may be data, or code of another chip",
    )


def finish(
    one: Reader,
    word: int,
    size: int,
    operands: list[Operand],
    literal: bool,
    data: bytes | memoryview,
    at: int,
) -> tuple[Inst, int]:
    """With its literal and what changes its operands."""
    if literal:
        if len(data) - at < size + 4:
            raise EncodingError(
                "a literal is cut off", why="4 bytes follow this instruction", mend="give all of its bytes"
            )
        bits = int.from_bytes(data[at + size : at + size + 4], "little")
        operands = [Literal(bits) if value is LITERAL else value for value in operands]
        word |= bits << 8 * size
        size += 4
    if word & one.changes:
        operands = [
            changed(slot, value, word) for (_, _, _, slot), value in zip(one.getters, operands, strict=True)
        ]
    return Inst(one.form, word, size, tuple(operands)), size


def slow(slot: Slot, word: int, rows: tuple[Operand | None, ...], arch: str) -> Operand | None:
    """A slot whose bits lie apart, or an immediate."""
    code = take(slot.where, word)
    if rows:
        return rows[code]
    if slot.type == "i" and code >> width(slot.where) - 1:
        return code - (1 << width(slot.where))
    return code


def changed(slot: Slot, value: Operand, word: int) -> Operand:
    """An operand with what its bits of sign and half say."""
    if slot.half >= 0 and word >> slot.half & 1 and isinstance(value, Reg) and value.half:
        value = value.h
    neg, plain, sext = (bit >= 0 and bool(word >> bit & 1) for bit in (slot.neg, slot.abs, slot.sext))
    if (neg or plain or sext) and not isinstance(value, (Label, Changed)):
        return Changed(value, neg, plain, sext)
    return value
