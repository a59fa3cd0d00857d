"""Instructions from bytes: the encoder's rows read backwards.

Only what the tables have is decoded; other bytes are an EncodingError. A branch decodes to its distance as an
Imm, an address relative to the next instruction to Mem(label=RIP, disp=distance). What is not here: text
(text.py). Read encode.py first. Source: Intel SDM volume 2, chapter 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from baregrad.base.errors import EncodingError
from baregrad.isa.form import Form, Imm, Inst, Mem, Reg, Value
from baregrad.isa.x86.builder import FORMS
from baregrad.isa.x86.encode import LENGTH_NUMBER, MAP_NUMBER, PREFIX_NUMBER, RIP, disp_unit, signature
from baregrad.isa.x86.encoding import EVEX, IMMEDIATES, LEGACY, VEX, memory_bits

_PREFIXES = {0x66: "66", 0xF2: "F2", 0xF3: "F3"}
_MAPS = {number: name for name, number in MAP_NUMBER.items()}
_PREFIX_NAMES = {number: name for name, number in PREFIX_NUMBER.items()}
_LONGEST = 15


class _Fields(NamedTuple):
    """What the bytes before ModRM say. Register numbers have their high bits; `index` holds bits 3 and 4."""

    kind: type
    prefix: str
    map: str
    opcode: int
    start: int  # of ModRM, or of what follows the opcode
    lock: bool = False
    rex: bool = False
    w: int = 0
    length: int = 0
    r: int = 0
    x: int = 0
    b: int = 0
    second: int = 0
    upper: int = 0  # EVEX.V' as bit 4
    mask: int = 0
    zeroing: bool = False
    broadcast: bool = False


class _Traits(NamedTuple):
    """What a form must find in the bytes, computed once."""

    form: Form
    has_modrm: bool
    registers: bool  # r/m may be a register
    memory: bool  # r/m may be memory
    vector: bool  # the index is a vector register
    lanes: int  # of a broadcast


@cache
def _index() -> dict[tuple[type, str, str, int], tuple[_Traits, ...]]:
    """The forms by encoding, prefix, map and opcode."""
    found: dict[tuple[type, str, str, int], list[_Traits]] = {}
    for name in FORMS:
        for form in FORMS[name]:
            encoding = form.encoding
            last = 8 if "O" in encoding.slots else 1
            for opcode in range(encoding.opcode, encoding.opcode + last):
                key = (type(encoding), encoding.prefix, encoding.map, opcode)
                found.setdefault(key, []).append(_traits(form))
    for forms in found.values():
        _refuse_overlaps(forms)
    return {key: tuple(forms) for key, forms in found.items()}


def _refuse_overlaps(forms: list[_Traits]) -> None:
    """A table checks itself: no bytes may belong to two rows."""
    for n, one in enumerate(forms):
        for other in forms[:n]:
            both = f"{signature(one.form)} and {signature(other.form)}"
            assert not _overlap(one, other), f"two rows have the same bytes: {both}"


def _overlap(one: _Traits, other: _Traits) -> bool:
    """Whether some bytes with the same prefix, map and opcode are of both forms."""
    for name, unset in (("lock", None), ("w", None), ("length", 0), ("digit", None), ("modrm", None)):
        mine, others = getattr(one.form.encoding, name, unset), getattr(other.form.encoding, name, unset)
        if mine != others and unset not in (mine, others):
            return False
    if any(getattr(t.form.encoding, "modrm", None) is not None for t in (one, other)):
        return not (one.memory or other.memory)  # a fixed byte has the form of a register
    same = (one.registers and other.registers) or (one.memory and other.memory)
    return same or not (one.has_modrm and other.has_modrm)


def _traits(form: Form) -> _Traits:
    slots = form.encoding.slots
    place = slots.find("M")
    kinds = form.operands[place].kinds if place >= 0 else ()
    memories = [kind for kind in kinds if memory_bits(kind) is not None]
    repeated = [memory_bits(kind) or 1 for kind in memories if kind.endswith("bcst")]
    return _Traits(
        form,
        place >= 0,
        bool(kinds) and len(memories) < len(kinds),
        bool(memories),
        any(kind.startswith("vm") for kind in memories),
        max(memory_bits(kind) or 0 for kind in memories) // repeated[0] if repeated else 0,
    )


def decode(code: bytes, offset: int = 0) -> tuple[Inst, int]:
    """The instruction at an offset, and how many bytes it has.

    Errors: EncodingError for bytes that no row of the tables has.

    >>> inst, length = decode(bytes.fromhex("c5f058c2"))
    >>> inst.form.name, inst.operands[2], length
    ('vaddps', Reg(bank='vec', number=2), 4)
    """
    window = code[offset : offset + _LONGEST]
    why = "no row of the tables has this encoding"
    try:
        fields = _fields(window)
        for traits in _index().get((fields.kind, fields.prefix, fields.map, fields.opcode), ()):
            if _matches(traits, fields, window):
                return _read(traits, fields, window)
    except IndexError:
        why = "the bytes end inside of an instruction"
    shown = window.hex(" ") or "nothing"
    mend = "add a row, or start elsewhere"
    raise EncodingError(f"no instruction at offset {offset}: {shown}", why=why, mend=mend)


def _fields(window: bytes) -> _Fields:
    """The bytes before ModRM."""
    if window[0] == 0x62:
        return _evex_fields(window)
    if window[0] in (0xC4, 0xC5):
        return _vex_fields(window)
    at, lock, prefix = 0, False, ""
    while window[at] in _PREFIXES or window[at] == 0xF0:
        lock |= window[at] == 0xF0
        prefix = _PREFIXES.get(window[at], prefix)
        at += 1
    rex = window[at] if window[at] & 0xF0 == 0x40 else 0
    at += rex > 0
    name = ""
    if window[at] == 0x0F:
        name = {0x38: "0F38", 0x3A: "0F3A"}.get(window[at + 1], "0F")
        at += len(name) // 2
    high = (rex & 4) << 1, (rex & 2) << 2, (rex & 1) << 3
    return _Fields(LEGACY, prefix, name, window[at], at + 1, lock, rex > 0, rex >> 3 & 1, 0, *high)


def _vex_fields(window: bytes) -> _Fields:
    """SDM 2.3.5: C5 RvvvvLpp, C4 RXBmmmmm WvvvvLpp; R, X, B and vvvv are stored inverted."""
    three = window[0] == 0xC4
    high, last = ~window[1], window[1 + three]
    return _Fields(
        VEX,
        _PREFIX_NAMES[last & 3],
        _MAPS.get(window[1] & 31, "?") if three else "0F",
        window[2 + three],
        3 + three,
        w=last >> 7 if three else 0,
        length=last >> 2 & 1,
        r=(high & 0x80) >> 4,
        x=(high & 0x40) >> 3 if three else 0,
        b=(high & 0x20) >> 2 if three else 0,
        second=~last >> 3 & 15,
    )


def _evex_fields(window: bytes) -> _Fields:
    """SDM 2.7.1: 62 RXBR'0mmm Wvvvv1pp zL'LbV'aaa; R, X, B, R', vvvv and V' are stored inverted."""
    high, middle, last = ~window[1], window[2], window[3]
    upper = (~last & 8) << 1
    return _Fields(
        EVEX,
        _PREFIX_NAMES[middle & 3],
        _MAPS.get(window[1] & 15, "?") if middle & 4 and last & 0x60 != 0x60 else "?",
        window[4],
        5,
        w=middle >> 7,
        length=last >> 5 & 3,
        r=(high & 0x80) >> 4 | high & 0x10,
        x=(high & 0x40) >> 3,
        b=(high & 0x20) >> 2,
        second=~middle >> 3 & 15 | upper,
        upper=upper,
        mask=last & 7,
        zeroing=last >> 7 == 1,
        broadcast=last & 0x10 > 0,
    )


def _matches(traits: _Traits, fields: _Fields, window: bytes) -> bool:
    """Whether the rest of the bytes are of this form."""
    encoding = traits.form.encoding
    modrm = window[fields.start] if traits.has_modrm or encoding.digit is not None else -1
    if encoding.digit is not None and modrm >> 3 & 7 != encoding.digit:
        return False
    if traits.has_modrm and not (traits.registers if modrm >= 0xC0 else traits.memory):
        return False
    if isinstance(encoding, LEGACY):
        if encoding.modrm is not None and window[fields.start] != encoding.modrm:
            return False
        if not encoding.slots.strip("-I") and fields.b:
            return False  # REX.B makes another instruction of 90
        same = encoding.lock == fields.lock and encoding.w == fields.w
        return same and not _names_ah(traits.form, fields, modrm)
    if encoding.w is not None and encoding.w != fields.w:
        return False
    if encoding.length and LENGTH_NUMBER[int(encoding.length)] != fields.length:
        return False
    if not _registers_exist(traits, fields, modrm):
        return False
    if "V" not in encoding.slots and fields.second & (15 if traits.vector else 31):
        return False
    return not isinstance(encoding, EVEX) or _mask_matches(traits, encoding.mask, fields, modrm)


def _registers_exist(traits: _Traits, fields: _Fields, modrm: int) -> bool:
    """Whether mask registers are below 8, and a vector of addresses has its SIB byte."""
    if traits.vector and modrm & 7 != 4:
        return False
    numbers = {"R": fields.r, "V": fields.second}
    return all(
        numbers.get(letter, 0) < 8
        for operand, letter in zip(traits.form.operands, traits.form.encoding.slots, strict=True)
        if operand.bank == "mask"
    )


def _names_ah(form: Form, fields: _Fields, modrm: int) -> bool:
    """Whether a byte register is one of ah, ch, dh, bh, which no form has: numbers 4-7 without REX."""
    if fields.rex:
        return False
    numbers = {"R": modrm >> 3 & 7, "M": modrm & 7 if modrm >= 0xC0 else 0}
    return any(
        operand.bits == 8 and operand.bank == "gpr" and numbers.get(letter, 0) >= 4
        for operand, letter in zip(form.operands, form.encoding.slots, strict=True)
    )


def _mask_matches(traits: _Traits, rule: str, fields: _Fields, modrm: int) -> bool:
    """Whether the form takes the mask, the zeroing and the broadcast."""
    if fields.broadcast and (modrm >= 0xC0 or not traits.lanes):
        return False
    if fields.zeroing and (rule not in ("kz", "select") or not fields.mask):
        return False
    return bool(rule) if fields.mask else rule != "must"


def _read(traits: _Traits, fields: _Fields, window: bytes) -> tuple[Inst, int]:
    """The operands of an instruction whose form is known."""
    form, at = traits.form, fields.start
    encoding = form.encoding
    found: dict[str, int | Mem] = {"V": fields.second, "R": fields.r, "O": fields.opcode & 7 | fields.b}
    if traits.has_modrm:
        modrm = window[at]
        found["R"] = modrm >> 3 & 7 | fields.r
        if modrm >= 0xC0:
            found["M"] = modrm & 7 | fields.b | (fields.x << 1 if fields.kind is EVEX else 0)
            at += 1
        else:
            unit = disp_unit(form, int(fields.broadcast))
            found["M"], at = _memory(traits, fields, window, unit)
    elif isinstance(encoding, LEGACY) and encoding.modrm is not None:
        at += 1
    immediate = 0
    if encoding.imm:
        size, _, _, signed = IMMEDIATES[encoding.imm]
        if at + size > len(window):
            raise IndexError("the immediate is cut off")
        immediate = int.from_bytes(window[at : at + size], "little", signed=signed)
        at += size
    elif "S" in encoding.slots:
        found["S"] = window[at] >> 4
        at += 1
    mask = Reg("mask", fields.mask) if fields.mask else None
    return Inst(form, tuple(_values(form, found, immediate)), mask, fields.zeroing), at


def _values(form: Form, found: dict[str, int | Mem], immediate: int) -> Iterable[Value]:
    """The operands in the form's order."""
    for operand, letter in zip(form.operands, form.encoding.slots, strict=True):
        if operand.fixed is not None:
            yield Reg(operand.bank, operand.fixed)
        elif letter == "I":
            yield Imm(immediate)
        else:
            value = found[letter]
            if isinstance(value, Mem):
                yield value
            else:
                yield Reg(operand.bank, value & 7 if operand.bank == "mask" else value)


def _memory(traits: _Traits, fields: _Fields, window: bytes, unit: int) -> tuple[Mem, int]:
    """A memory operand, and where the bytes after it start. SDM tables 2-2 and 2-3."""
    at = fields.start
    mode, low = window[at] >> 6, window[at] & 7
    at += 1
    base: Reg | None = Reg("gpr", low | fields.b)
    index, scale = None, 1
    if low == 4:
        sib = window[at]
        at += 1
        number = sib >> 3 & 7 | fields.x
        if traits.vector:
            index, scale = Reg("vec", number | fields.upper), 1 << (sib >> 6)
        elif number != 4:
            index, scale = Reg("gpr", number), 1 << (sib >> 6)
        base = None if mode == 0 and sib & 7 == 5 else Reg("gpr", sib & 7 | fields.b)
    size = (4 if base is None else 0, 1, 4)[mode]
    relative = mode == 0 and low == 5
    if relative:
        base, size = None, 4
    if at + size > len(window):
        raise IndexError("the displacement is cut off")
    disp = int.from_bytes(window[at : at + size], "little", signed=True) * (unit if size == 1 else 1)
    lanes = traits.lanes if fields.broadcast else 0
    return Mem(base, index, scale, disp, RIP if relative else None, lanes), at + size
