"""A line of text as an instruction, in LLVM's syntax: `parse("gfx1100", "v_add_f32_e32 v1, v2, v3")`.

The name chooses the forms, and the first that takes the operands and modifiers is it; a name without a suffix
is the shortest form that fits. What is not here: labels' places, directives, sections.
"""

from __future__ import annotations

import re

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.immediates import number
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.layout import Form, Slot
from baregrad.isa.amd.make import form_of, make
from baregrad.isa.amd.operands import NULL, Changed, Label, Operand, Reg, family
from baregrad.isa.amd.plans import plans, read
from baregrad.isa.amd.words import WHOLE, modifiers, operand, split

HALVES = re.compile(r"\s+op_sel:\s*\[([^\]]*)\]")
COMMENT = re.compile(r"/\*.*?\*/|(//|;).*")

# Modifiers of images that some do not have.
ALONE = frozenset(("unorm", "glc", "slc", "dlc", "r128", "a16", "tfe", "lwe", "d16"))
# A typed buffer's format, as a number, may stand before its offset.
FORMAT_FIRST = re.compile(r",\s*(format:\w+)(?:\s*,\s*|\s+)(?![a-z]+:)(\w+)")


def parse(arch: str, line: str, *, wave: int = 0) -> Inst:
    """The instruction of a line. Errors: EncodingError, with the operand lists of the forms of that name."""
    if "/" in line or ";" in line:
        line = COMMENT.sub(" ", line)
    line = line.strip()
    name, rest = (*line.split(None, 1), "", "")[:2]
    if "::" in rest:
        first, _, second = rest.partition("::")
        other, more = (*second.split(None, 1), "", "")[:2]
        name, rest = f"{name} :: {other}", f"{first.rstrip()}, {more}"
    elif name == "exp":
        rest = rest.replace(" ", ", ", 1)
    return read(plans(arch, wave)[name], rest) or searched(arch, wave, line, name, rest)


def searched(arch: str, wave: int, line: str, name: str, rest: str) -> Inst:
    """The instruction of a line with this name and this rest, all forms tried. Errors: EncodingError."""
    row = arch_of(arch)
    found, fam = by_name(row.name, wave or row.lanes[0]).get(name), family(row.name)
    if not found:
        raise EncodingError(
            f"no instruction {name!r} on {row.chip}",
            why="no form has this name",
            mend="see the manual's tables for names",
        )
    problems = []
    for form in found:
        try:
            return _one(form, rest, fam)
        except EncodingError as error:
            problems.append(f"{error.what} ({error.why}); form: {form}")
    raise EncodingError(f"cannot assemble {line!r}", why="no form takes it", mend="\n        ".join(problems))


def _one(form: Form, rest: str, fam: str) -> Inst:
    if form.entry.format == "MTBUF":
        rest = FORMAT_FIRST.sub(r", \2 \1", rest)
    rest, chosen = upper_halves(form, rest) if "op_sel:" in rest else (rest, [])
    rest, given = modifiers(form.modifiers, " " + rest)
    if form.sizes is not None:
        word = rest.split()[-1] if rest else ""
        if word in ALONE:
            raise EncodingError(f"no modifier {word}", why=f"{form.name} does not have it")
        form = form_of(form, given, fam)
    if len(form.slots) == 1 and form.slots[0].kind in WHOLE:
        pieces = [rest.strip()]
    else:
        pieces = addresses(form, split(rest))
    pieces, slots = matched(form, pieces)
    operands = tuple(operand(piece, slot, fam) for piece, slot in zip(pieces, slots, strict=True))
    if chosen:
        operands = halves(form, operands, chosen)
    inst = make(form, operands, given)
    if inst.word & form.mask != form.value:
        raise EncodingError("the modifiers are those of another form", why="bits of the form differ")
    for one in form.modifiers:
        if one.style in ("dpp", "dpp8") and one.name not in given:
            raise EncodingError(f"{one.name} is missing", why="the form has it")
        if (
            one.style in ("flag", "flag1", "number")
            and one.name not in given
            and form.mask & _bits(one.where) & form.value
        ):
            raise EncodingError(f"{one.name} is missing", why="the form has it")
    return inst


def addresses(form: Form, pieces: list[str]) -> list[str]:
    """Operands, an image's list of addresses taken apart. Errors: EncodingError."""
    if form.entry.format != "MIMG":
        return pieces
    found = [split(piece[1:-1]) if piece[:1] == "[" and piece[-1:] == "]" else [piece] for piece in pieces]
    if (form.encoding == "MIMG+NSA") != any(len(each) > 1 for each in found):
        raise EncodingError("addresses are given the other way", why="they are [v1, v2] or v[1:2]")
    return [piece for each in found for piece in each]


def upper_halves(form: Form, rest: str) -> tuple[str, list[str]]:
    """The operands and modifiers without OP_SEL, and its bits, where it chooses halves of registers."""
    match = HALVES.search(rest)
    if match is None or not any(slot.half >= 0 for slot in form.slots):
        return rest, []
    return rest[: match.start()] + rest[match.end() :], match[1].split(",")


def halves(form: Form, operands: tuple[Operand, ...], chosen: list[str]) -> tuple[Operand, ...]:
    """Operands with the upper halves that OP_SEL chooses: of the sources in turn, last of the result."""
    order = [at for at, slot in enumerate(form.slots) if slot.role[0] == "S" and slot.kind != "mask9"]
    if len(chosen) == len(order) + 2 and not number(chosen[-2]):  # FMAC adds to its result
        chosen = [*chosen[:-2], chosen[-1]]
    order += [at for at, slot in enumerate(form.slots) if slot.role == "D0"]
    made = list(operands)
    if any(map(number, chosen[len(order) :])):
        raise EncodingError(f"op_sel has {len(chosen)} bits", why=f"there are {len(order)} operands")
    for at, bit in zip(order, chosen, strict=False):
        if number(bit):
            if form.slots[at].half < 0:
                raise EncodingError(f"{made[at]!r} has no upper half", why="op_sel chooses it")
            made[at] = upper(made[at])
    return tuple(made)


def matched(form: Form, pieces: list[str]) -> tuple[list[str], tuple[Slot, ...]]:
    """The operands that are written, and their slots: VCC and an offset of 0 may be left out."""
    slots = form.slots
    if len(pieces) != len(slots) and form.encoding[:4] in ("VOP1", "VOP2", "VOPC"):
        slots = tuple(slot for slot in slots if slot.kind != "fixed")
    if form.encoding == "SMEM" and slots:
        pieces = no_offset(pieces, slots, family(form.arch))
    if len(pieces) != len(slots):
        raise EncodingError(f"{len(pieces)} operands are given", why=f"there are {len(form.slots)}")
    return pieces, slots


def upper(one: Operand) -> Operand:
    """The upper half of an operand."""
    value = one.value if isinstance(one, Changed) else one
    if isinstance(value, Reg):
        return one._replace(value=value.h) if isinstance(one, Changed) else value.h
    if isinstance(one, Label):
        raise EncodingError(f"{one!r} has no upper half", why="op_sel chooses it")
    return one._replace(upper=True) if isinstance(one, Changed) else Changed(one, upper=True)


def no_offset(pieces: list[str], slots: tuple[Slot, ...], fam: str) -> list[str]:
    """A scalar load without an offset, or with null for one: it is 0."""
    if slots[-1].kind == "signedhex" or slots[-1].role == "OFFSET":
        if len(pieces) == len(slots) - 1:
            return [*pieces, "0"]
        if pieces[-1] == NULL.file and fam == "rdna":
            return [*pieces[:-1], "0"]
    return pieces


def _bits(where: tuple[tuple[int, int], ...]) -> int:
    return sum((1 << size) - 1 << low for low, size in where)
