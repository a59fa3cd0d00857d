"""Bytes as instructions: `decode("gfx1100", data)`; by the upper 9 bits of the first word, then by those that
every form of a format fixes.

What is not here: what a form is (layout.py), which codes mean what (operands.py).
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Sizes, Slot, sized, take, width
from baregrad.isa.amd.operands import LITERAL_CODE, Changed, Label, Literal, Operand, Reg, family, table

LITERAL = Literal(0)
PLAIN = (False, False, False, False)


# Plain tuples: taken apart in a third of the time that a named one takes.
Getter = tuple[int, int, tuple["Operand | None", ...], Slot]
"""How a slot is read: a table by a code (its lowest bit and mask), or, without a table, by the slow way."""
Reader = tuple[Form, int, int, int, tuple[Getter, ...], int, str]
"""A form with all that decoding needs: mask, value, size, slots, bits that change operands, and `literal`."""
Choice = tuple[int, dict[int, tuple[Reader, ...]]]
"""Bits that choose among forms, and the forms for each value of them."""
NONE: Choice = (0, {})


@memo
def readers(arch: str, wave: int) -> tuple[tuple[int, dict[int, Choice]], ...]:
    """By the upper 9 bits of the first word: which bits name an entry, and the choice for each."""
    groups: dict[tuple[int, int], list[Form]] = {}
    for form in forms(arch, wave):
        groups.setdefault(encoding_bits(form), []).append(form)
    found: list[tuple[int, dict[int, Choice]]] = [(0, {})] * 512
    made = [(*key, choices(each)) for key, each in groups.items()]
    for mask, value, chosen in sorted(made, key=lambda row: row[0].bit_count()):  # those that fix most win
        for top in range(512):
            if top << 23 & mask == value:
                found[top] = chosen
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


def choices(each: list[Form]) -> tuple[int, dict[int, Choice]]:
    """The bits of the first word that all forms of a format fix, and the choice among them by these."""
    common, found = apart(each, 0xFFFFFFFF)
    return common, {key: choice(rows) for key, rows in found.items()}


def choice(each: list[Form]) -> Choice:
    """The bits of two words that these forms fix, and the forms by them, those that fix most first."""
    common, found = apart(each, (1 << 64) - 1)
    return common, {
        key: tuple(reader(form) for form in sorted(rows, key=lambda row: -row.mask.bit_count()))
        for key, rows in found.items()
    }


def apart(each: list[Form], common: int) -> tuple[int, dict[int, list[Form]]]:
    """Those of the bits that all forms fix, and the forms by them."""
    for form in each:
        common &= form.mask
    found: dict[int, list[Form]] = {}
    for form in each:
        found.setdefault(form.value & common, []).append(form)
    return common, found


NOTHING: Getter = 0, 0, (None,), Slot("", "sizes", ())
"""A slot that no bits fit: forms whose sizes follow from the bits are read by `by_sizes`."""


@memo
def reader(form: Form) -> Reader:
    """How a form is read."""
    fam = family(form.arch)
    if form.sizes is not None:
        return form, form.mask, form.value, form.size, (NOTHING,), 0, ""
    getters: list[Getter] = []
    changes = 0
    for slot in form.slots:
        for bit in (slot.neg, slot.abs, slot.sext, slot.half):
            changes |= 1 << bit if bit >= 0 else 0
        if slot.kind == "fixed":
            getters.append((0, 0, (slot.fixed,), slot))
        elif slot.kind in SYNTAX or slot.kind == "literal" or len(slot.where) != 1:
            getters.append((0, 0, (), slot))
        else:
            low, size = slot.where[0]
            getters.append((low, (1 << size) - 1, table(fam, slot.kind, slot.registers), slot))
    return form, form.mask, form.value, form.size, tuple(getters), changes, form.literal


@memo
def sized_reader(sizes: Sizes, key: int) -> Reader:
    """How a form of given sizes is read."""
    return reader(sized(sizes, key))


def by_sizes(found: tuple[Reader, ...], data: bytes | memoryview, at: int) -> tuple[Inst, int] | None:
    """The instruction of a form whose sizes follow from its bits, None where there is none."""
    for made, mask, value, size, _, _, _ in found:
        word, sizes = int.from_bytes(data[at : at + size], "little"), made.sizes
        if sizes is None or word & mask != value or len(data) - at < size:
            continue
        key = sizes.key(word)
        if key < 0:
            continue
        form, _, _, _, getters, _, _ = sized_reader(sizes, key)
        operands = [rows[word >> shift & bits] for shift, bits, rows, _ in getters]
        if None not in operands:
            return Inst(form, word, size, tuple(shown for shown in operands if shown is not None)), size
    return None


def decode(arch: str, data: bytes | memoryview, at: int = 0, *, wave: int = 0) -> tuple[Inst, int]:
    """The instruction at an offset, and its size in bytes; `wave` is 32 or 64 lanes, 0 is the chip's default.

    Errors: EncodingError for bytes that are no instruction of the architecture, or cut off.
    """
    words = int.from_bytes(data[at : at + 8], "little")
    common, found = readers(arch, wave)[words >> 23 & 511]
    common, few = found.get(words & common, NONE)
    left = len(data) - at
    for one in few.get(words & common, ()):
        form, mask, value, size, getters, changes, rest = one
        word = words & 0xFFFFFFFF if size == 4 else words
        if size > 8:
            word = int.from_bytes(data[at : at + size], "little")
        if word & mask != value or left < size:
            continue
        operands: list[Operand] = []
        literal = rest == "always"
        for shift, bits, rows, slot in getters:
            shown = rows[word >> shift & bits] if rows else slow(slot, word, form.arch)
            if shown is None:
                if not rest or not slot.literal or word >> shift & bits != LITERAL_CODE:
                    break
                literal, shown = True, LITERAL
            operands.append(shown)
        else:
            if literal or word & changes:
                return finish(one, word, operands, literal, data, at)
            return Inst(form, word, size, tuple(operands)), size
    image = by_sizes(few.get(words & common, ()), data, at)
    if image is not None:
        return image
    raise EncodingError(
        f"{bytes(data[at : at + 8]).hex()} is no instruction of {arch}",
        why="no form has these bits, or an operand has a code that means nothing"
        if len(data) - at > 3
        else "it is cut off",
        mend="the bytes may be data, or code of another chip",
    )


def finish(
    one: Reader, word: int, operands: list[Operand], literal: bool, data: bytes | memoryview, at: int
) -> tuple[Inst, int]:
    """With its literal and what changes its operands."""
    form, _, _, size, _, changes, _ = one
    if literal:
        if len(data) - at < size + 4:
            raise EncodingError(
                "a literal is cut off", why="4 bytes follow this instruction", mend="give all of its bytes"
            )
        bits = int.from_bytes(data[at + size : at + size + 4], "little")
        operands = [Literal(bits) if value is LITERAL else value for value in operands]
        word |= bits << 8 * size
        size += 4
    if word & changes:
        operands = [changed(slot, value, word) for slot, value in zip(form.slots, operands, strict=True)]
    return Inst(form, word, size, tuple(operands)), size


def slow(slot: Slot, word: int, arch: str) -> Operand | None:
    """A slot whose bits lie apart, an immediate, or the literal."""
    if slot.kind == "literal":
        return LITERAL
    code = take(slot.where, word)
    if slot.kind not in SYNTAX:
        return table(family(arch), slot.kind, slot.registers)[code]
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
