"""Operands and modifiers put into the fields of a form; what the form does not take is refused.

What is not here: which form is meant (assembler.py and dsl.py try those of a name), bytes (inst.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Given, Inst
from baregrad.isa.amd.layout import Form, Modifier, Parts, Slot, put, sized, take, width
from baregrad.isa.amd.modifiers import SIGNED, STYLES
from baregrad.isa.amd.operands import (
    LITERAL_CODE,
    Changed,
    Label,
    Literal,
    Operand,
    Reg,
    codes,
    constant,
    constants,
    family,
    float_bits,
    patterns,
    table,
)
from baregrad.isa.amd.refusals import Rule, refusals

# Kinds that take constants but no literal.
CONSTANTS = frozenset(("asrc", "wsrc", "literal", "ssrc8", "ssrc9", "sdwa"))
SCALAR_SDWA = 256
# Modifiers that must be there: how lanes are moved.
LANES = ("dpp", "dpp8")
# Immediates that are never negative.
UNSIGNED = frozenset(("message", "hwreg", "gpr_idx"))
# Kinds of halves of registers whose place in the field says which half.
HALVES = frozenset(("vgpr16", "src16", "vsrc16"))


def make(form: Form, operands: tuple[Operand, ...], given: Mapping[str, Given]) -> Inst:
    """The instruction of a form with operands and modifiers. Errors: EncodingError with the form's slots."""
    try:
        return _make(form, operands, given)
    except EncodingError as error:
        if error.mend:
            raise
        raise EncodingError(
            error.what, why=error.why or "the form does not take it", mend=f"form: {form}"
        ) from None


def _make(form: Form, operands: tuple[Operand, ...], given: Mapping[str, Given]) -> Inst:
    fam = family(form.arch)
    if form.sizes is not None:
        form = form_of(form, given, fam)
    word, literal = form.value | form.also, -1
    slots = form.slots
    if len(operands) != len(slots):
        operands = with_fixed(slots, operands)
    canonical: list[Operand] = []
    for slot, operand in zip(slots, operands, strict=True):
        bits, extra, value = place(fam, slot, operand)
        literal = joined(form, operand, literal, extra)
        word |= bits
        canonical.append(value)
    word |= modifier_bits(form, given, fam)
    return completed(form, rules(form), canonical, word, literal)


@memo
def rules(form: Form) -> tuple[Rule, ...]:
    """What operands of a form must keep together, beyond what each slot takes."""
    return (*(rule for wanted, rule in RULES if wanted(form)), *refusals(form))


def completed(form: Form, known: tuple[Rule, ...], operands: list[Operand], word: int, literal: int) -> Inst:
    """The instruction of operands that are placed, with the form's rules kept. Errors: EncodingError."""
    for rule in known:
        rule(form, family(form.arch), operands, word)
    size = form.size
    if literal >= 0:
        word |= literal << 8 * size
        size += 4
    elif form.literal == "always":
        raise EncodingError("its literal is missing")
    return Inst(form, word, size, tuple(operands))


def form_of(form: Form, given: Mapping[str, Given], fam: str) -> Form:
    """The form of the sizes that the modifiers want. Errors: EncodingError where there is none."""
    if form.sizes is None:
        return form
    word = form.value | modifier_bits(form, given, fam)
    if "dim" not in given and any(one.name == "dim" for one in form.modifiers):
        raise EncodingError("dim is missing", why="images have dimensions")
    form.sizes.refuse(word)
    key = form.sizes.key(word)
    if key < 0:
        raise EncodingError("one address is not a list", why="separate addresses are two or more")
    return sized(form.sizes, key)


def joined(form: Form, operand: Operand, literal: int, extra: int) -> int:
    """The literal of an instruction and of one more operand, -1 for none: there is one at most."""
    if extra < 0 or extra == literal:
        return literal
    if not form.literal or literal >= 0:
        raise EncodingError(f"{operand!r} wants a literal", why="the form has none, or another one")
    return extra


def modifier_bits(form: Form, given: Mapping[str, Given], fam: str) -> int:
    """The bits of all modifiers. Errors: EncodingError for one that the form does not have."""
    word = 0
    for one in form.modifiers:
        if one.name not in given:
            if one.style in LANES:
                raise EncodingError(f"{one.name} is missing", why=f"{form.name} moves lanes")
            word |= put(one.where, one.default)
            continue
        value = read_given(one, given[one.name], fam)
        bits = put(one.where, value)
        if (bits ^ form.value) & form.mask & put(one.where, -1):
            raise EncodingError(f"{one.name} {value} is of another form", why="the form has its own")
        word |= bits
    if given:
        names = {one.name for one in form.modifiers}
        for name in given:
            if name not in names:
                raise EncodingError(f"no modifier {name}", why=f"{form.name} does not have it")
    return word


@memo
def banked(form: Form) -> tuple[tuple[str, int, int, int], ...]:
    """The operands of a pair that come from different banks: which, of X, of Y, how many banks there are."""
    found: dict[str, list[int]] = {}
    halves = form.name.split(" :: ")
    for at, slot in enumerate(form.slots):
        name = halves[0] if slot.role[-1] == "X" else halves[1]
        key = {"S0": "src0", "S1": "src2" if "fmamk" in name else "src1"}.get(slot.role[:2], "")
        if slot.role[0] == "D" and ("fmac" in name or "dot2acc" in name):
            key = "src2"
        if key:
            found.setdefault(key, []).append(at)
    return tuple(
        (key, ats[0], ats[1], 2 if key == "src2" else 4) for key, ats in found.items() if len(ats) > 1
    )


def banks(form: Form, fam: str, operands: list[Operand], word: int) -> None:
    """The sources of a pair come from different banks. Source: RDNA3 ISA 7.6. Errors: EncodingError."""
    for key, x, y, count in banked(form):
        one, other = operands[x], operands[y]
        if not isinstance(one, Reg) or not isinstance(other, Reg) or not one.file == other.file == "v":
            continue
        if one.first % count == other.first % count:
            raise EncodingError(
                f"{other!r} is in the other half's bank", why=f"the two {key} are of different banks"
            )


@memo
def overlapping(form: Form) -> tuple[tuple[int, Parts, tuple[Operand | None, ...]], ...]:
    """The operands that have bits of another one too: their number, bits, and what their codes mean."""
    seen = twice = 0
    for slot in form.slots:
        bits = put(slot.where, -1)
        twice |= seen & bits
        seen |= bits
    return tuple(
        (at, slot.where, table(family(form.arch), slot.kind, slot.registers))
        for at, slot in enumerate(form.slots)
        if put(slot.where, -1) & twice and slot.kind not in SYNTAX
    )


def shared(form: Form, fam: str, operands: list[Operand], word: int) -> None:
    """Bits that two operands share must suit both. Errors: EncodingError."""
    for at, where, rows in overlapping(form):
        one = operands[at]
        if isinstance(one, Reg) and rows[take(where, word)] != one:
            raise EncodingError(f"{one!r} does not go with the other operands", why="one bit speaks for both")


# (which forms, what must be so)
RULES: tuple[tuple[Callable[[Form], bool], Rule], ...] = (
    (lambda form: form.encoding == "VOPD", banks),
    (lambda form: bool(overlapping(form)), shared),
)


def with_fixed(slots: tuple[Slot, ...], operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """Operands with those that are always the same, where they were left out."""
    rest = list(operands)
    if len(rest) != sum(slot.kind != "fixed" for slot in slots):
        raise EncodingError(f"{len(operands)} operands were given", why=f"there are {len(slots)}")
    return tuple(slot.fixed if slot.kind == "fixed" else rest.pop(0) for slot in slots)


def read_given(one: Modifier, value: Given, fam: str) -> int:
    """The bits of a modifier. Errors: EncodingError."""
    size = width(one.where)
    if isinstance(value, str):
        value = STYLES[one.style].value(value, fam)
    elif isinstance(value, tuple):
        each = 3 if one.style == "dpp8" else 1
        value = sum((part & (1 << each) - 1) << each * at for at, part in enumerate(value))
    number = int(value)
    if one.style in SIGNED:
        fits = -1 << size - 1 <= number < 1 << size - 1
        number = number & (1 << size) - 1 if fits else -1
    if not 0 <= number < 1 << size:
        raise EncodingError(f"{one.name}:{value} does not fit", why=f"it has {size} bits")
    return number


def place(fam: str, slot: Slot, operand: Operand) -> tuple[int, int, Operand]:
    """An operand's bits, its literal (-1 for none), and the operand as decoding will show it."""
    kind = slot.kind
    if kind == "fixed":
        if operand != slot.fixed:
            raise EncodingError(f"{operand!r} stands where {slot.fixed!r} must", why="the form has no other")
        return 0, -1, operand
    if kind in SYNTAX:
        return immediate(slot, operand), -1, operand
    word, value = 0, operand
    if isinstance(operand, Changed):
        if slot.neg < 0 and slot.type == "f" and isinstance(operand.value, (int, float)):
            return place(fam, slot, folded(slot, operand.value, operand))
        word, value = change_bits(slot, operand), operand.value
    if isinstance(value, Reg):
        if (slot.half >= 0 or kind in HALVES) and value.file == "v" and not value.half:
            value = value.l  # a whole register means its low half
            operand = changing(operand, value)
        return word | register_bits(fam, slot, value), -1, operand
    if isinstance(value, (Label, Changed)) or not (slot.literal or kind in CONSTANTS):
        raise refused(slot, operand, f"it takes {kind} of {slot.bits} bits")
    bits, literal, known = constant_bits(fam, slot, value)
    return word | bits, literal, changing(operand, known)


def constant_bits(
    fam: str, slot: Slot, value: int | float | Literal
) -> tuple[int, int, int | float | Literal | Reg]:
    """A constant's bits, its literal (-1 for none), and it as decoding shows it. Errors: EncodingError."""
    if slot.kind == "literal":
        bits = literal_bits(slot, value)
        return 0, bits, Literal(bits)
    code, extra = constant_code(slot, value)
    if extra < 0:
        known = constants(fam)[code - 128]
        plain = known if isinstance(known, (int, float)) else value
        return put(slot.where, code | (SCALAR_SDWA if slot.kind == "sdwa" else 0)), -1, plain
    if not slot.literal:
        raise refused(slot, value, "it is a literal, and the form has none")
    return put(slot.where, LITERAL_CODE), extra, Literal(extra)


def changing(operand: Operand, value: Reg | int | float | Literal) -> Operand:
    """Another value in the place of an operand's."""
    return operand._replace(value=value) if isinstance(operand, Changed) else value


def folded(slot: Slot, value: int | float, change: Changed) -> int | float:
    """A number with its sign changed, where no bit says so. Errors: EncodingError."""
    if change.sext:
        raise refused(slot, change, "it is no integer")
    if isinstance(value, float):
        value = abs(value) if change.abs else value
        return -value if change.neg else value
    if slot.bits == 64:
        raise refused(slot, change, "64 bits have no literal with a sign")
    sign = 1 << (15 if slot.bits == 16 else 31)
    bits = literal_bits(slot, value) & (sign - 1 if change.abs else -1)
    return bits ^ (sign if change.neg else 0)


def refused(slot: Slot, operand: Operand, why: str) -> EncodingError:
    """The error for an operand that a slot does not take."""
    return EncodingError(f"{operand!r} cannot be {slot.role.lower()}", why=why)


def register_bits(fam: str, slot: Slot, value: Reg) -> int:
    """The bits of a register. Errors: EncodingError for one that the slot does not take."""
    if slot.kind == "literal":
        raise refused(slot, value, "it is a literal")
    known, word = codes(fam, slot.kind, slot.registers), 0
    if value.half and slot.half >= 0:
        word = 1 << slot.half if value.half == "h" else 0
        value = value.l if value.file == "v" else value._replace(half="")
    code = known.get(value, -1)
    if code < 0:
        raise refused(slot, value, f"it takes {slot.kind} of {slot.bits} bits")
    return word | put(slot.where, code)


def immediate(slot: Slot, operand: Operand) -> int:
    """The bits of an immediate; a label has none yet."""
    if isinstance(operand, Label) and slot.kind == "label":
        return 0
    size = width(slot.where)
    if not isinstance(operand, int):
        raise EncodingError(f"{operand!r} cannot be {slot.role.lower()}", why="it is a number")
    low = 0 if slot.type == "u" or slot.kind in UNSIGNED else -1 << size - 1
    if not low <= operand < 1 << size - (slot.kind == "signedhex"):
        raise EncodingError(f"{operand} does not fit", why=f"{slot.role.lower()} has {size} bits")
    return put(slot.where, operand & (1 << size) - 1)


def change_bits(slot: Slot, operand: Changed) -> int:
    """The bits of a sign. Errors: EncodingError where the form has none."""
    word = 0
    for name in ("neg", "abs", "sext", "upper"):
        bit = slot.half if name == "upper" else getattr(slot, name)
        if getattr(operand, name):
            if bit < 0:
                raise EncodingError(f"{operand!r} cannot be {slot.role.lower()}", why=f"it has no {name}")
            word |= 1 << bit
    return word


def constant_code(slot: Slot, value: int | float | Literal) -> tuple[int, int]:
    """A constant's code, or its literal."""
    if isinstance(value, Literal):
        return LITERAL_CODE, value.bits
    code = constant(value)
    if code >= 0:
        return code, -1
    size = slot.bits if slot.bits in (16, 64) else 32
    if size == 64 and isinstance(value, float):
        return LITERAL_CODE, literal_bits(slot, value)
    kind = PACKED.get(slot.type) or (f"f{size}" if size != 16 or slot.type == "f" else "f32")
    bits = (
        float_bits(value, kind)
        if isinstance(value, float)
        else value & (1 << 64) - 1
        if size == 64
        else value
    )
    if bits in patterns(kind):
        return patterns(kind)[bits], -1
    # What all bits set mean: -1, where the bits are as many as the operand's.
    code = constant(bits - (1 << size)) if bits >> size - 1 == 1 and (size != 16 or slot.type == "f") else -1
    return (code, -1) if code >= 0 else (LITERAL_CODE, literal_bits(slot, value))


# Types whose two halves are of 16 bits: what a float is there.
PACKED = {"h": "f16", "e": "bf16"}


def literal_bits(slot: Slot, value: int | float | Literal) -> int:
    """The 32 bits of a literal. Errors: EncodingError where they are not enough."""
    if isinstance(value, Literal):
        return value.bits
    if isinstance(value, float):
        if slot.bits == 64 and slot.type != "f":
            raise EncodingError(
                f"{value} is no constant of an integer of 64 bits", why="a literal has 32 bits"
            )
        half = slot.bits == 64 or (slot.bits == 16 and slot.type == "f")
        return float_bits(value, PACKED.get(slot.type) or (f"f{slot.bits}" if half else "f32"))
    size = 16 if slot.bits == 16 and slot.kind != "ssrc" else 32
    if not -(1 << size - 1) <= value < 1 << size:
        raise EncodingError(f"{value} does not fit", why=f"a literal of it has {size} bits")
    short = size == 16 and slot.type == "f" and slot.kind != "literal"
    return value & (0xFFFF if short else 0xFFFFFFFF)
