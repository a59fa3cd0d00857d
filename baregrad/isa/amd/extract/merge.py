"""One list of instructions from one or several readings of a manual.

Two conversions lose different lines; an instruction's body is the longest that can be read, since what is
lost makes it shorter. What differs is noted. What is not here: corrections (tables.py).
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.isa.amd.extract.entries import Entry
from baregrad.isa.amd.extract.formats import Format
from baregrad.isa.pseudocode import Node, Unreadable, parse, written


class Instruction(NamedTuple):
    """An entry with its tree; `unread` says why the text of a body gave none."""

    section: str
    name: str
    opcode: int
    page: int
    tree: Node | None
    examples: tuple[tuple[str, tuple[int, ...], int], ...]
    unread: str


def merge(readings: list[list[Entry]]) -> tuple[list[Instruction], list[str]]:
    """(the instructions in the first reading's order, what the readings differ in)."""
    places: dict[tuple[str, str, int], list[Entry]] = {}
    for reading in readings:
        for entry in reading:
            places.setdefault((entry.section, entry.name, entry.opcode), []).append(entry)
    notes: list[str] = []
    found = []
    for same in places.values():
        if len(same) != len(readings):
            notes.append(f"{same[0].name} {same[0].opcode}: in {len(same)} of {len(readings)} readings")
        found.append(choose(same, notes))
    return found, notes


def choose(same: list[Entry], notes: list[str]) -> Instruction:
    """One instruction of what the readings say of it."""
    trees: dict[str, Node] = {}
    unread = ""
    for entry in same:
        if entry.body:
            try:
                read = parse(entry.body)
                trees[written(read)] = read
            except Unreadable as error:
                unread = f"{error.what}; {error.why}"
    first = same[0]
    examples = max((entry.examples for entry in same), key=len)
    if len(trees) > 1:
        notes.append(f"{first.name} {first.opcode}: {len(trees)} different bodies")
    tree: Node | None = trees[max(trees, key=len)] if trees else None
    return Instruction(first.section, first.name, first.opcode, first.page, tree, examples,
                       "" if trees else unread)  # fmt: skip


def merge_formats(readings: list[list[Format]], notes: list[str]) -> list[Format]:
    """The formats with the fields and opcodes of all readings."""
    found: dict[str, Format] = {}
    for reading in readings:
        for one in reading:
            into = found.setdefault(one.name, one)
            if into is one:
                continue
            known = {field.name: field for field in into.fields}
            for field in one.fields:
                if known.setdefault(field.name, field) != field:
                    notes.append(f"{one.name}.{field.name}: {known[field.name].parts} and {field.parts}")
            into.fields[:] = sorted(known.values(), key=lambda field: field.parts[-1][1])
            into.encoding = into.encoding or one.encoding
            into.opcodes.update(one.opcodes)
    return list(found.values())
