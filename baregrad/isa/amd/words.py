"""The words of a line: operands and modifiers of their text, in LLVM's syntax.

What is not here: lines and forms (assembler.py), single immediates and modifiers (immediates.py,
modifiers.py), seldom spellings (spelling.py).
"""

from __future__ import annotations

import re

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.immediates import SYNTAX, number
from baregrad.isa.amd.inst import Given
from baregrad.isa.amd.layout import Modifier, Slot
from baregrad.isa.amd.modifiers import STYLES
from baregrad.isa.amd.operands import NAMED, NULL, OFF, SPECIAL, Changed, Label, Operand, Reg
from baregrad.isa.amd.spelling import spelled

RANGE = re.compile(r"(s|v|a|ttmp)\[(\d+)(?::(\d+))?\]")
ONE = re.compile(r"(s|v|a|ttmp)(\d+)(?:\.([lh]))?")
NUMBER = re.compile(r"-?(0x[0-9a-fA-F]+|\d+)")
FLOAT = re.compile(r"-?\d+\.\d*(e[+-]?\d+)?|-?\d+e[+-]?\d+")
MODIFIER = re.compile(r"\s+([a-z_]\w*)(?::\s*(\[[^\]]*\]|swizzle\([^)]*\)|[^\s\[]\S*))?$")
FLAGS = ("flag", "flag1", "bound")
NOTHING = ("mul:1", "div:1")
# Kinds that are the only operand of a form and have spaces and commas of their own.
WHOLE = ("wait", "delay", "depctr", "message", "hwreg")


@memo
def names(known: tuple[Modifier, ...]) -> dict[str, Modifier]:
    """Modifiers by the words that may begin them."""
    return {word or one.name: one for one in known for word in STYLES[one.style].names}


def modifiers(known: tuple[Modifier, ...], rest: str) -> tuple[str, dict[str, Given]]:
    """The modifiers at the end of a line, and what is before them."""
    given: dict[str, Given] = {}
    while known:
        match = MODIFIER.search(rest)
        if not match:
            break
        one = names(known).get(match[1])
        if one is not None:
            found = chosen(one, match)
            if found is None:
                break
            if one.name in given:
                raise EncodingError(f"{match[1]} is written twice", why="a modifier has one value")
            if match[0].strip() not in NOTHING:
                given[one.name] = found
        elif not cleared(known, match):
            break
        rest = rest[: match.start()]
    return rest.strip(), given


def chosen(one: Modifier, match: re.Match[str]) -> Given | None:
    """The value of a modifier that is written, None where it is written as another kind of modifier."""
    if one.style == "flag":
        return True if match[2] is None else None
    if one.style in ("omod", "dpp"):
        return f"{match[1]}:{match[2]}" if match[2] is not None else match[1]
    return match[2]


def cleared(known: tuple[Modifier, ...], match: re.Match[str]) -> bool:
    """Is it a flag that is written as not set: noclamp?"""
    one = names(known).get(match[1].removeprefix("no"))
    return match[2] is None and one is not None and one.style in FLAGS


def split(rest: str) -> list[str]:
    """Operands, apart at commas that are in no bracket."""
    pieces, depth, begin = [], 0, 0
    for at, letter in enumerate(rest):
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
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
    if piece == NULL.file and slot.kind == "fixed" and slot.role == "SADDR":
        return OFF
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
        return number(piece)
    if FLOAT.fullmatch(piece):
        return float(piece)
    named = special(fam).get(piece)
    if named is not None:
        return named
    other = spelled(piece, special(fam))
    if other is not None:
        return other
    for begin, end, change in CHANGES:
        if piece.startswith(begin) and piece.endswith(end) and len(piece) > len(begin) + len(end):
            return signed(value(piece[len(begin) : len(piece) - len(end)].strip(), fam), change, piece)
    raise EncodingError(f"{piece!r} is no operand", why="it is neither a register nor a constant")


# What may stand around an operand: begin, end, (neg, abs, sext).
CHANGES = (
    ("|", "|", (False, True, False)), ("abs(", ")", (False, True, False)),
    ("neg(", ")", (True, False, False)), ("sext(", ")", (False, False, True)),
    ("-", "", (True, False, False)),
)  # fmt: skip


def signed(inner: Operand, change: tuple[bool, bool, bool], piece: str) -> Changed:
    """An operand with one more change around it: a sign stands outside of the others, and is one."""
    if isinstance(inner, Label) or (isinstance(inner, Changed) and (inner.neg or change[1] or change[2])):
        raise EncodingError(
            f"{piece!r} is no operand", why="a sign may stand around |x| or sext(x), and once"
        )
    if isinstance(inner, Changed):
        return Changed(inner.value, True, inner.abs, inner.sext)
    return Changed(inner, *change)


@memo
def special(fam: str) -> dict[str, Reg]:
    """Registers by their names."""
    found = {"off": OFF, "scc": Reg("src_scc")}
    for one, pair in SPECIAL[fam].values():
        found[one] = Reg(one)
        if pair and pair != one:
            found[pair] = Reg(pair, 0, 2)
    for name in NAMED[fam].values():
        found[name] = Reg(name)
    return found
