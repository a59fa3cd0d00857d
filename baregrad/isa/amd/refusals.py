"""What operands of a form must keep together beyond what each slot takes: constants a lane can be fed with,
results of matrix products that overlap.

A form has a check only where its operands can break it; decoding asks for none. What is not here: operands of
single slots (operands.py), halves of pairs and bits that two operands share (make.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.layout import Form, Slot
from baregrad.isa.amd.operands import Changed, Literal, Operand, Reg, family

Rule = Callable[[Form, str, list[Operand], int], None]
# Kinds of slots that take a register of all lanes, or a literal.
CONSTANTS = frozenset(("src", "lsrc", "src16", "ssrc9", "lane", "sdwa", "mask9", "literal", "ssrc"))
# How many of them an instruction can read. Source: CDNA4 ISA 6.2.1; RDNA3 ISA 7.1.3
LIMITS = {"cdna": 1, "rdna": 2}
ONLY_ONE = re.compile(r"V_(LSHLREV|LSHRREV|ASHRREV)_[BI]64")
LANES = ("v", "a", "null")
VCC = {32: Reg("vcc_lo"), 64: Reg("vcc", 0, 2)}
OVERLAP = re.compile(r"V_MFMA_(?!LD_SCALE)\w+")
WIDEST_FREE = 128


def refusals(form: Form) -> tuple[Rule, ...]:
    """The checks of a form."""
    found = []
    feeding = fed(form)
    if feeding is not None:
        found.append(bus(*feeding))
    if OVERLAP.fullmatch(form.entry.name) and form.slots[0].bits > WIDEST_FREE:
        found.append(apart)
    return tuple(found)


def fed(form: Form) -> tuple[tuple[int, ...], tuple[Operand, ...], int] | None:
    """The operands that all lanes may share, what is read besides, how many can be; None if all can."""
    fam, entry = family(form.arch), form.entry
    if entry.format[0] == "V" and not entry.format.startswith("VINT"):
        limit = 1 if ONLY_ONE.fullmatch(entry.name) else LIMITS[fam]
        at = tuple(i for i, slot in enumerate(form.slots) if constant(slot))
        always = (VCC[form.wave],) if "DIV_FMAS" in entry.name or "DUAL_CNDMASK" in entry.name else ()
        if len(at) + len(always) > limit:
            return at, always, limit
    return None


def constant(slot: Slot) -> bool:
    """May it be fed by what all lanes share?"""
    return slot.kind in CONSTANTS or (slot.kind == "fixed" and slot.read and slot.role == "VCC")


def bus(at: tuple[int, ...], always: tuple[Operand, ...], limit: int) -> Rule:
    """A check that at most `limit` scalar registers and literals are read."""

    def check(form: Form, fam: str, operands: list[Operand], word: int) -> None:
        used = list(always)
        for place in at:
            one = operands[place]
            if type(one) is Changed:
                one = one.value
            if type(one) is Reg:
                if one.file in LANES:
                    continue
            elif type(one) is not Literal:
                continue
            if one not in used:
                used.append(one)
        if len(used) > limit:
            shown = ", ".join(map(repr, used))
            raise EncodingError(
                f"{shown} are too many for {form.name}",
                why=f"it can read {limit} scalar register{'s' * (limit > 1)} or literal",
            )

    return check


def apart(form: Form, fam: str, operands: list[Operand], word: int) -> None:
    """A matrix product adds to its result or to registers apart from it. Source: CDNA4 ISA 7.1."""
    first, last = operands[0], operands[3]
    if not isinstance(first, Reg) or not isinstance(last, Reg) or first.file != last.file or first == last:
        return
    if first.first < last.first + last.size and last.first < first.first + first.size:
        raise EncodingError(f"{last!r} overlaps {first!r} in part", why="it is the result or apart from it")
