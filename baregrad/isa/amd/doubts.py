"""Quick looks at bits: may a rule of a form (refusals.py, make.RULES) be broken? Where they say no, none is.

A line's words give its bits; operands are made, and the rules asked, only where a look says yes. What is not
here: the rules.
"""

from __future__ import annotations

from collections.abc import Callable

from baregrad.base import memo
from baregrad.isa.amd.layout import Form, Parts, Slot, take
from baregrad.isa.amd.make import banked, rules
from baregrad.isa.amd.operands import Reg, family, table
from baregrad.isa.amd.refusals import LANES, apart, fed

Doubt = Callable[[int], bool]
Look = tuple[int, int, Parts, bytes]
"""A field: its lowest bit and mask (0 where its bits lie apart), its bits, and a number for each code."""
NO_BANK = 255


def doubt(form: Form) -> Doubt | None:
    """What says of bits whether the form's rules must be asked, None where there are no rules to ask."""
    found = []
    feeding = fed(form)
    if feeding is not None:
        at, always, limit = feeding
        slots = [form.slots[place] for place in at]
        used = len(always) + sum(slot.kind in ("fixed", "literal") for slot in slots)
        rows = tuple(look(form, slot) for slot in slots if slot.kind not in ("fixed", "literal"))
        found.append(too_many(rows, used, limit))
    pairs = banked(form) if form.encoding == "VOPD" else ()
    if pairs:
        found.append(same_bank(tuple((bank(form, x, by), bank(form, y, by)) for _, x, y, by in pairs)))
    if apart in rules(form):
        found.append(near(form.slots[0].where[0][0], form.slots[3].where[0][0], form.slots[0].registers))
    if len(found) > 1:
        return either(tuple(found))
    return found[0] if found else None


@memo
def either(doubts: tuple[Doubt, ...]) -> Doubt:
    """Has one of them a doubt?"""
    return lambda word: any(one(word) for one in doubts)


@memo
def numbers(fam: str, kind: str, count: int) -> bytes:
    """For each code of a field, does it feed all lanes with the same: a scalar register or a literal?"""
    return bytes(
        one is None or (isinstance(one, Reg) and one.file not in LANES) for one in table(fam, kind, count)
    )


def look(form: Form, slot: Slot) -> Look:
    """A field whose codes may feed all lanes with the same."""
    low, size = slot.where[0] if len(slot.where) == 1 else (0, 0)
    return low, (1 << size) - 1, slot.where, numbers(family(form.arch), slot.kind, slot.registers)


@memo
def too_many(rows: tuple[Look, ...], used: int, limit: int) -> Doubt:
    """May more scalar registers and literals be read than can be? The same one is counted twice here."""

    def look_at(word: int) -> bool:
        count = used
        for low, bits, where, known in rows:
            count += known[word >> low & bits if bits else take(where, word)]
        return count > limit

    return look_at


@memo
def banks_of(fam: str, kind: str, count: int, by: int) -> bytes:
    """For each code of a field, the bank of a vector register."""
    return bytes(
        one.first % by if isinstance(one, Reg) and one.file == "v" else NO_BANK
        for one in table(fam, kind, count)
    )


def bank(form: Form, at: int, by: int) -> Look:
    """A field whose codes have banks."""
    slot = form.slots[at]
    low, size = slot.where[0] if len(slot.where) == 1 else (0, 0)
    return low, (1 << size) - 1, slot.where, banks_of(family(form.arch), slot.kind, slot.registers, by)


@memo
def same_bank(pairs: tuple[tuple[Look, Look], ...]) -> Doubt:
    """Are two sources of a pair of the same bank?"""

    def look_at(word: int) -> bool:
        for (low, bits, where, known), (other_low, other_bits, other_where, other_known) in pairs:
            one = known[word >> low & bits if bits else take(where, word)]
            other = other_known[word >> other_low & other_bits if other_bits else take(other_where, word)]
            if one == other != NO_BANK:
                return True
        return False

    return look_at


@memo
def near(result: int, added: int, count: int) -> Doubt:
    """May what a matrix product adds overlap its result in part? Codes of vector registers begin at 256."""

    def look_at(word: int) -> bool:
        distance = (word >> added & 511) - 256 - (word >> result & 255)
        return 0 < abs(distance) < count and word >> added & 256 > 0

    return look_at
