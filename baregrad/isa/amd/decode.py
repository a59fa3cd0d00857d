"""Bytes as instructions: `decode("gfx1100", data)`; by the upper 9 bits of the first word, then by those that
every form of a format fixes.

What is not here: what a form is (layout.py), the operands of its bits (reading.py).
"""

from __future__ import annotations

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Sizes, sized, take
from baregrad.isa.amd.reading import NOTHING, OPERAND, Check, checks

# Plain tuples: taken apart in a third of the time that a named one takes.
Reader = tuple[Form, int, int, int, tuple[Check, ...], bool, bool]
"""A form with all that decoding needs: mask, value, size, fields that want a look; does a literal always
follow, and do its sizes follow from the bits?
"""
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


@memo
def reader(form: Form) -> Reader:
    """What decoding needs of a form."""
    found = () if form.sizes is not None else checks(form)
    return form, form.mask, form.value, form.size, found, form.literal == "always", form.sizes is not None


@memo
def sized_reader(sizes: Sizes, key: int) -> Reader:
    """What decoding needs of a form of given sizes."""
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
        form, _, _, _, rows, _, _ = sized_reader(sizes, key)
        if all(known[word >> low & bits] == OPERAND for low, bits, known, _ in rows):
            return Inst(form, word, size), size
    return None


def decode(arch: str, data: bytes | memoryview, at: int = 0, *, wave: int = 0) -> tuple[Inst, int]:
    """The instruction at an offset, and its size in bytes; `wave` is 32 or 64 lanes, 0 is the chip's default.

    Errors: EncodingError for bytes that are no instruction of the architecture, or cut off.
    """
    words = int.from_bytes(data[at : at + 8], "little")
    common, found = readers(arch, wave)[words >> 23 & 511]
    common, few = found.get(words & common, NONE)
    left = len(data) - at
    for form, mask, value, size, rows, literal, images in few.get(words & common, ()):
        word = words & 0xFFFFFFFF if size == 4 else words
        if size > 8:
            word = int.from_bytes(data[at : at + size], "little")
        if word & mask != value or left < size or images:
            continue
        for low, bits, known, where in rows:
            state = known[word >> low & bits if bits else take(where, word)]
            if state != OPERAND:
                if state == NOTHING:
                    break
                literal = True
        else:
            if literal:
                return with_literal(form, word, data, at)
            return Inst(form, word, size), size
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


def with_literal(form: Form, word: int, data: bytes | memoryview, at: int) -> tuple[Inst, int]:
    """An instruction with its literal. Errors: EncodingError where it is cut off."""
    size = form.size
    if len(data) - at < size + 4:
        raise EncodingError(
            "a literal is cut off", why="4 bytes follow this instruction", mend="give all of its bytes"
        )
    literal = int.from_bytes(data[at + size : at + size + 4], "little")
    return Inst(form, word | literal << 8 * size, size + 4), size + 4
