"""From readings of a manual to the tables of an architecture, with its errata applied, and their text.

What is stored: formats (fields, encoding, opcodes), instructions (format, opcode, tree, examples). The text
is JSON with a row on a line, so that a change of a manual shows as a change of rows. What is not here:
reading (pdf.py, markdown.py), and the way back (isa/amd/archs.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baregrad.base.errors import BadFile
from baregrad.isa.amd import errata
from baregrad.isa.amd.extract import markdown, pdf
from baregrad.isa.amd.extract.entries import entries
from baregrad.isa.amd.extract.formats import Field, Format, formats
from baregrad.isa.amd.extract.lines import SECTION, TEXT, Line
from baregrad.isa.amd.extract.merge import Instruction, merge, merge_formats
from baregrad.isa.pseudocode import read, written

PROMOTION = re.compile(r"(VOP\w+) using (VOP3)")
OFFSET = re.compile(r"VOP\d opcode \+ (0x[0-9a-fA-F]+)")
# A chapter's words -> the formats that its entries may have, the likelier first.
CHAPTERS = (
    ("VOPD X", ("VOPDX",)), ("VOPD Y", ("VOPDY",)), ("VOP3 &", ("VOP3", "VOP3SD")),
    ("VOP3A &", ("VOP3A", "VOP3B")), ("Direct Load", ("LDSDIR", "VDSDIR")), ("LDS", ("DS",)),
    ("EXPORT", ("EXP",)), ("Flat", ("FLAT", "VFLAT")), ("Scratch", ("SCRATCH", "VSCRATCH")),
    ("Global", ("GLOBAL", "VGLOBAL")), ("VFLAT", ("VFLAT",)), ("VSCRATCH", ("VSCRATCH",)),
    ("VGLOBAL", ("VGLOBAL",)),
)  # fmt: skip


@dataclass
class Manual:
    """All that was found in one manual. `promotions` are what the VOP3 opcode of a shorter format adds."""

    arch: str
    formats: list[Format]
    instructions: list[tuple[str, Instruction]]
    promotions: dict[str, int]
    notes: list[str] = field(default_factory=list)
    applied: list[errata.Erratum] = field(default_factory=list)


def lines(path: Path) -> list[Line]:
    """The lines of a manual. Errors: BadFile for an ending that is neither .pdf nor .md."""
    readers = {".pdf": pdf.lines, ".md": markdown.lines}
    if path.suffix not in readers:
        raise BadFile(
            f"{path.name} is no manual",
            why=f"manuals end in {' or '.join(readers)}",
            mend="give the vendor's PDF, or a conversion of it to Markdown",
        )
    return list(readers[path.suffix](path))


def extract(arch: str, paths: Iterable[Path]) -> Manual:
    """The tables of an architecture, from its manual or from several conversions of it.

    Errors: BadFile where no instruction is found, or where an erratum corrects nothing.
    """
    texts = [lines(path) for path in paths]
    found, notes = merge([entries(text) for text in texts])
    if not found:
        raise BadFile(
            f"no instruction in the manual of {arch}",
            why="no heading of the form NAME OPCODE was found",
            mend="extraction knows AMD's RDNA and CDNA manuals since 2020",
        )
    tables = merge_formats([formats(text) for text in texts], notes)
    promotions: dict[str, int] = {}
    for text in texts:
        promotions |= dict(promoted(text))
    manual = Manual(arch, tables, [], promotions, notes)
    manual.instructions = [(format_of(one, tables, notes), one) for one in found]
    for row in errata.of(arch):
        if not CORRECTIONS[row.kind](manual, row):
            raise BadFile(
                f"the erratum {row.place} ({row.kind}) of {arch} corrects nothing",
                why=f"its evidence was: {row.evidence}",
                mend="remove the row of isa/amd/errata.py, or mend the extraction",
            )
        manual.applied.append(row)
    return manual


def promoted(text: list[Line]) -> Iterator[tuple[str, int]]:
    """(short format, what its opcode in VOP3 adds), from the sections "VOP1 using VOP3 encoding"."""
    short = ""
    for line in text:
        if line.kind == SECTION:
            match = PROMOTION.search(line.text)
            short = match[1] if match else ""
        elif short and line.kind == TEXT and (offset := OFFSET.search(line.text)):
            yield short, int(offset[1], 16)


def format_of(one: Instruction, tables: list[Format], notes: list[str]) -> str:
    """The format of an entry: its chapter's, where that one's opcode table names it."""
    names = {table.name: table for table in tables}
    title = one.section.partition(" ")[2]
    wanted = next((formats for words, formats in CHAPTERS if words in title), (title.split()[0],))
    for name in wanted:
        if name in names and names[name].opcodes.get(one.opcode) == one.name:
            return name
    if any(name in names and names[name].opcodes for name in wanted):
        notes.append(f"{one.name} {one.opcode}: in no opcode table of {' or '.join(wanted)}")
    return wanted[0]


# -- corrections ---------------------------------------------------------------------------------------


def correct_field(manual: Manual, row: errata.Erratum) -> bool:
    """Give a field the bits that are right."""
    name, _, wanted = row.place.partition(".")
    parts = tuple((int(high), int(low)) for high, low in re.findall(r"(\d+):(\d+)", row.right))
    for table in manual.formats:
        for i, one in enumerate(table.fields):
            if table.name == name and one.name == wanted and one.parts != parts:
                table.fields[i] = Field(wanted, parts)
                return True
    return False


def correct_opcodes(manual: Manual, row: errata.Erratum) -> bool:
    """Give the entries of a long format the opcode of the short one plus an offset."""
    short, _, long = row.place.partition(" as ")
    codes = {one.name: one.opcode for name, one in manual.instructions if name == short}
    changed = False
    for i, (name, one) in enumerate(manual.instructions):
        right = codes.get(one.name, -1) + int(row.right, 16)
        if name == long and one.name in codes and one.opcode != right:
            manual.instructions[i] = (name, one._replace(opcode=right))
            changed = True
    return changed


def correct_body(manual: Manual, row: errata.Erratum) -> bool:
    """Give an instruction the tree that is right, or none."""
    changed = False
    for i, (name, one) in enumerate(manual.instructions):
        if one.name == row.place:
            tree = read(row.right) if row.right else None
            manual.instructions[i] = (name, one._replace(tree=tree, unread=""))
            changed = True
    return changed


CORRECTIONS = {
    "field": correct_field,
    "opcodes": correct_opcodes,
    "body": correct_body,
    "no body": correct_body,
}


# -- text ----------------------------------------------------------------------------------------------


def show(manual: Manual) -> str:
    """The tables as JSON, a row on a line. Bodies that several instructions share are written once."""
    bodies: dict[str, int] = {}
    instructions = []
    for name, one in manual.instructions:
        text = written(one.tree) if one.tree is not None else ""
        body = bodies.setdefault(text, len(bodies)) if text else -1
        instructions.append(
            [name, one.opcode, one.name, body, *([list(one.examples)] if one.examples else [])]
        )
    rows: dict[str, list[Any]] = {
        "formats": [
            [table.name, table.encoding, {one.name: one.parts for one in table.fields}]
            for table in manual.formats
            if table.fields
        ],
        "promotions": [list(item) for item in sorted(manual.promotions.items())],
        "instructions": instructions,
        "bodies": list(bodies),
    }
    parts = [f'"arch": {json.dumps(manual.arch)}']
    for key, values in rows.items():
        inner = ",\n".join(json.dumps(value, separators=(", ", ":")) for value in values)
        parts.append(f'"{key}": [\n{inner}\n]')
    return "{\n" + ",\n".join(parts) + "\n}\n"
