"""A line of text as an instruction, in LLVM's syntax: `parse("gfx1100", "v_add_f32_e32 v1, v2, v3")`.

The name chooses the forms, and the first that takes the operands and modifiers is it; a name without a suffix
is the shortest form that fits. What is not here: labels' places, directives, sections.
"""

from __future__ import annotations

import re

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Given, Inst
from baregrad.isa.amd.layout import Form, Slot
from baregrad.isa.amd.make import make
from baregrad.isa.amd.modifiers import STYLES
from baregrad.isa.amd.operands import (
    NAMED,
    OFF,
    SPECIAL,
    Changed,
    Label,
    Operand,
    Reg,
    family,
)

RANGE = re.compile(r"(s|v|a|ttmp)\[(\d+)(?::(\d+))?\]")
ONE = re.compile(r"(s|v|a|ttmp)(\d+)(?:\.([lh]))?")
NUMBER = re.compile(r"-?(0x[0-9a-fA-F]+|\d+)")
FLOAT = re.compile(r"-?\d+\.\d*(e[+-]?\d+)?|-?\d+e[+-]?\d+")
MODIFIER = re.compile(r"\s+([a-z_]\w*)(?::(\[[^\]]*\]|swizzle\([^)]*\)|[^\s\[]\S*))?$")


def parse(arch: str, line: str, *, wave: int = 0) -> Inst:
    """The instruction of a line. Errors: EncodingError, with the operand lists of the forms of that name."""
    line = re.split(r"//|;", line, maxsplit=1)[0].strip()
    name, _, rest = line.partition(" ")
    row = arch_of(arch)
    names = by_name(row.name, wave or row.lanes[0])
    fam = family(row.name)
    if "::" in rest:
        first, _, second = rest.partition("::")
        other, _, more = second.strip().partition(" ")
        name, rest = f"{name} :: {other}", f"{first.strip()}, {more}"
    if name == "exp":
        rest = rest.strip().replace(" ", ", ", 1)
    found = names.get(name)
    if not found:
        raise EncodingError(
            f"no instruction {name!r} on {row.chip}",
            why="no form has this name",
            mend="see the manual's tables for names",
        )
    problems = []
    for form in found:
        try:
            return _one(form, rest.strip(), fam)
        except EncodingError as error:
            problems.append(f"{error.what} ({error.why}); form: {form}")
    raise EncodingError(f"cannot assemble {line!r}", why="no form takes it", mend="\n        ".join(problems))


def _one(form: Form, rest: str, fam: str) -> Inst:
    rest, given = modifiers(form, " " + rest, fam)
    if len(form.slots) == 1 and form.slots[0].kind in ("wait", "delay", "depctr", "message", "hwreg"):
        pieces = [rest.strip()]
    else:
        pieces = split(rest)
    if len(pieces) != len(form.slots):
        raise EncodingError(f"{len(pieces)} operands are given", why=f"there are {len(form.slots)}")
    operands = tuple(operand(piece, slot, fam) for piece, slot in zip(pieces, form.slots, strict=True))
    inst = make(form, operands, given)
    if inst.word & form.mask != form.value:
        raise EncodingError("the modifiers are those of another form", why="bits of the form differ")
    for one in form.modifiers:
        if (
            one.style in ("flag", "flag1", "number")
            and one.name not in given
            and form.mask & _bits(one.where) & form.value
        ):
            raise EncodingError(f"{one.name} is missing", why="the form has it")
    return inst


def _bits(where: tuple[tuple[int, int], ...]) -> int:
    return sum((1 << size) - 1 << low for low, size in where)


def modifiers(form: Form, rest: str, fam: str) -> tuple[str, dict[str, Given]]:
    """The modifiers at the end of a line, and what is before them."""
    names = {}
    for one in form.modifiers:
        for word in STYLES[one.style].names:
            names[word or one.name] = one
    given: dict[str, Given] = {}
    while names:
        match = MODIFIER.search(rest)
        if not match or match[1] not in names:
            break
        one = names[match[1]]
        if one.style == "flag":
            if match[2] is not None:
                break
            given[one.name] = True
        elif one.style in ("omod", "dpp"):
            given[one.name] = f"{match[1]}:{match[2]}" if match[2] is not None else match[1]
        elif match[2] is None:
            break
        else:
            given[one.name] = match[2]
        rest = rest[: match.start()]
    return rest.strip(), given


def split(rest: str) -> list[str]:
    """Operands, apart at commas that are in no bracket."""
    pieces, depth, begin = [], 0, 0
    for at, letter in enumerate(rest):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and not depth:
            pieces.append(rest[begin:at].strip())
            begin = at + 1
    last = rest[begin:].strip()
    return [*pieces, last] if last else pieces


def operand(piece: str, slot: Slot, fam: str) -> Operand:
    """An operand of its text. Errors: EncodingError."""
    if slot.kind in SYNTAX:
        if slot.kind == "label" and not NUMBER.fullmatch(piece):
            return Label(piece)
        return SYNTAX[slot.kind].value(piece, fam)
    return value(piece, fam)


def value(piece: str, fam: str) -> Operand:
    """A register, a constant, or either with a sign around it."""
    match = ONE.fullmatch(piece)
    if match:
        return Reg(match[1], int(match[2]), 1, match[3] or "")
    match = RANGE.fullmatch(piece)
    if match:
        return Reg(match[1], int(match[2]), int(match[3] or match[2]) - int(match[2]) + 1)
    if NUMBER.fullmatch(piece):
        return int(piece, 0)
    if FLOAT.fullmatch(piece):
        return 0.15915494309189532 if piece in ("0.15915494", "0.1592") else float(piece)
    named = special(fam).get(piece)
    if named is not None:
        return named
    for begin, end, change in (
        ("-|", "|", (True, True, False)),
        ("|", "|", (False, True, False)),
        ("neg(", ")", (True, False, False)),
        ("abs(", ")", (False, True, False)),
        ("sext(", ")", (False, False, True)),
        ("-", "", (True, False, False)),
    ):
        if piece.startswith(begin) and piece.endswith(end) and len(piece) > len(begin) + len(end):
            inner = value(piece[len(begin) : len(piece) - len(end)], fam)
            if isinstance(inner, (Label, Changed)):
                break
            return Changed(inner, *change)
    raise EncodingError(f"{piece!r} is no operand", why="it is neither a register nor a constant")


@memo
def special(fam: str) -> dict[str, Reg]:
    """Registers by their names."""
    found = {"off": OFF}
    for one, pair in SPECIAL[fam].values():
        found[one] = Reg(one)
        if pair and pair != one:
            found[pair] = Reg(pair, 0, 2)
    for name in NAMED[fam].values():
        found[name] = Reg(name)
    return found
