"""Random operands for forms: what an assembler takes, and no more (banks, constant bus, alignment)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle, islice

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.immediates import SYNTAX, TARGETS, swizzle_text, swizzle_value
from baregrad.isa.amd.inst import Given, Inst
from baregrad.isa.amd.layout import Form, Modifier, Slot, put, take, width
from baregrad.isa.amd.make import form_of, make
from baregrad.isa.amd.modifiers import SIGNED
from baregrad.isa.amd.operands import INVERSE_TWO_PI, Changed, Literal, Operand, Reg, family, table

DPP = [0x101, 0x10F, 0x111, 0x11F, 0x121, 0x12F, 0x140, 0x141, 0x150, 0x15F]
MORE_DPP = {"rdna": [0x160, 0x16F], "cdna": [0x130, 0x134, 0x138, 0x13C, 0x142, 0x143]}
MESSAGES = {"rdna": [1, 3, 9], "cdna": [1, 4, 5, 6, 7, 8, 9, 10]}
WAITS = {"rdna": 0xFFF7, "cdna": 0xCF7F}
# What is refused because of other operands: another draw may do.
TOGETHER = ("speaks for both", "different banks", "it can read", "apart from it")


def sample(form: Form, rng: random.Random, given: dict[str, Given] | None = None) -> Inst | None:
    """A random instruction of a form, or None where the draw breaks a rule beyond the form."""
    fam = family(form.arch)
    given = drawn(form, fam, rng) if given is None else given
    if form.sizes is not None:
        try:
            form = form_of(form, given, fam)
        except EncodingError:
            return None
    operands: list[Operand] = []
    shared: Reg | None = None
    for slot in form.slots:
        one = draw(form, slot, fam, rng)
        if scalar(one) and form.entry.format[0] == "V" and slot.kind not in ("fixed", "sdst", "lanedst"):
            if shared not in (None, one):
                return None
            shared = one if isinstance(one, Reg) else None
        operands.append(changed(one, slot, rng))
    literals = [one for one in operands if isinstance(one, Literal)]
    if len(literals) > 1 and form.encoding != "VOPD":
        return None
    operands = [literals[0] if isinstance(one, Literal) else one for one in operands]
    if not allowed(form, operands, fam, literals):
        return None
    try:
        inst = make(form, tuple(operands), given)
    except EncodingError as error:
        if any(why in error.why for why in TOGETHER):
            return None
        raise
    return inst if inst.word & form.mask == form.value else None


def of_all_sizes(form: Form, rng: random.Random, count: int) -> Iterator[Inst]:
    """As many instructions of each size that an image may have."""
    found: dict[Form, list[dict[str, Given]]] = {}
    for _ in range(6000):
        given = image(form, rng)
        try:
            found.setdefault(form_of(form, given, family(form.arch)), []).append(given)
        except EncodingError:
            continue
    for each in found.values():
        made = (sample(form, rng, given) for given in cycle(each))
        yield from islice((inst for inst in made if inst is not None), count)


def drawn(form: Form, fam: str, rng: random.Random) -> dict[str, Given]:
    """Modifiers."""
    if form.sizes is not None:
        return image(form, rng)
    return {one.name: modifier(form, one, fam, rng) for one in form.modifiers if chosen(form, one, rng)}


def image(form: Form, rng: random.Random) -> dict[str, Given]:
    """Modifiers of an image that an assembler takes."""
    given: dict[str, Given] = {one.name: True for one in form.modifiers if rng.random() < 0.35}
    name = form.name
    if "bvh" in name:
        return given
    given["dim"] = rng.randrange(6, 8) if "msaa" in name else rng.randrange(8)
    choices = [1, 2, 4, 8] if "gather" in name or "msaa" in name else [3, 15] if "cmpswap" in name else [1, 3]
    given["dmask"] = rng.choice(choices) if len(choices) == 4 or "atomic" in name else rng.randrange(16)
    return given


def scalar(one: Operand) -> bool:
    """Is it a register of all lanes?"""
    return isinstance(one, Reg) and one.file not in ("v", "a", "off")


def draw(form: Form, slot: Slot, fam: str, rng: random.Random) -> Operand:
    """An operand of a slot."""
    if slot.kind == "fixed":
        return slot.fixed
    if slot.kind == "literal":
        return Literal(rng.getrandbits(16 if slot.bits <= 16 else 32))
    if slot.kind in SYNTAX:
        return immediate(form, slot, fam, rng)
    if form.literal == "may" and slot.literal and slot.kind != "lane" and rng.random() < 0.1:
        # Odd and with a bit off: no float that has a code, nor -16 to -1.
        return Literal((rng.getrandbits(16 if slot.bits <= 16 else 32) | 0x1001) & ~0x10)
    found = [one for one in table(fam, slot.kind, slot.registers) if one is not None]
    if fam == "cdna" and (
        slot.registers > 1 or "gws" in form.name
    ):  # its tuples of vector registers begin at even numbers
        found = [one for one in found if not (isinstance(one, Reg) and one.file in "va" and one.first & 1)]
    if slot.type != "f":  # not every operand of 16 bits takes it
        found = [one for one in found if one != INVERSE_TWO_PI]
    vectors = [one for one in found if isinstance(one, Reg) and one.file in "va"]
    return rng.choice(vectors if vectors and rng.random() < 0.7 else found)


def immediate(form: Form, slot: Slot, fam: str, rng: random.Random) -> int:
    """A number that has a text of its own."""
    value = rng.getrandbits(width(slot.where) - (slot.type == "i"))
    if form.name.startswith("s_sendmsg_rtn"):
        return rng.randrange(128, 134)
    low = rng.randrange(32)
    return {
        "wait": value & WAITS[fam],
        "target": rng.choice(list(TARGETS)),
        "delay": rng.randrange(12) | rng.randrange(6) << 4 | rng.randrange(12) << 7,
        "depctr": value & 0xFF9F,
        "attribute": value % 132,
        "message": rng.choice(MESSAGES[fam]),
        "hwreg": rng.choice([1, 2, 3, 5, 6, 7]) | low << 6 | rng.randrange(32 - low) << 11,
    }.get(slot.kind, value)


def changed(one: Operand, slot: Slot, rng: random.Random) -> Operand:
    """With a sign changed, or the other half."""
    if not isinstance(one, Reg):
        return one
    if slot.half >= 0 and one.file == "v" and rng.random() < 0.5:
        one = one.h
    flags = [bit >= 0 and rng.random() < 0.2 for bit in (slot.neg, slot.abs, slot.sext)]
    return Changed(one, *flags) if any(flags) else one


def chosen(form: Form, one: Modifier, rng: random.Random) -> bool:
    """Is a modifier written?"""
    return bool(put(one.where, -1) & form.mask) or one.style in ("dpp", "dpp8") or rng.random() < 0.35


def modifier(form: Form, one: Modifier, fam: str, rng: random.Random) -> Given:
    """A value of a modifier."""
    if put(one.where, -1) & form.mask:
        return take(one.where, form.value)
    if one.style == "dpp":
        if any(slot.bits > 32 for slot in form.slots if slot.kind != "fixed"):
            return 0x150 + rng.randrange(16)
        return rng.choice([rng.randrange(256), *DPP, *MORE_DPP[fam]])
    if one.style == "swizzle":
        return swizzle_value(swizzle_text(rng.getrandbits(15), fam), fam)
    if one.style in SIGNED:
        return rng.getrandbits(width(one.where)) - (1 << width(one.where) - 1)
    limit = {"omod": 4, "select": 7, "unused": 3}.get(one.style, 1 << width(one.where))
    return rng.randrange(limit)


def allowed(form: Form, operands: list[Operand], fam: str, literals: list[Operand]) -> bool:
    """Does it keep the rules of the constant bus, of atomics and of matrices?"""
    plain = [one.value if isinstance(one, Changed) else one for one in operands]
    buses = sum(map(scalar, plain)) + bool(literals)
    name, entry = form.name, form.entry.name
    if form.encoding == "VOPD":
        return buses + ("cndmask" in name) <= 2
    if "div_fmas" in name or entry in ("V_LSHLREV_B64", "V_LSHRREV_B64", "V_ASHRREV_I64"):
        return buses <= ("div" not in name)
    if fam == "rdna":
        return True
    reads_vcc = any(slot.kind == "fixed" and slot.role == "VCC" and slot.read for slot in form.slots)
    files = {one.file for one in plain if isinstance(one, Reg)}
    if reads_vcc and (literals or not files <= {"v", "a", "vcc"}):
        return False
    if form.literal == "always" and form.entry.format[0] == "V" and not files <= {"v", "a"}:
        return False
    if "atomic" in name and "a" in files:
        return False
    if "mfma" in name and len(plain) > 3 and isinstance(plain[3], Reg) and isinstance(plain[0], Reg):
        first, last = plain[0], plain[3]
        apart = first.first + first.size <= last.first or last.first + last.size <= first.first
        return first == last or apart
    return True
