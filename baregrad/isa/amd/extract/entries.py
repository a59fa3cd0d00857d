"""The entries of a manual's instruction chapter: name, opcode, body, worked examples.

An entry begins with a heading "NAME opcode"; its body is the code before "Notes". Lines of the form
`V_RCP_F32(0x80000000) => 0xff800000` are worked examples, and lines of assembly show a use: neither is body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from baregrad.isa.amd.extract.lines import CODE, ENTRY, HEADING, SECTION, Line

EXAMPLE = re.compile(r"\s*([A-Z][A-Z0-9_]+)\(([^)]*)\)\s*=>\s*(0x[0-9a-fA-F]+|-?\d+)")
ASSEMBLY = re.compile(r"\s*(?:\.\.\.|[sv]_[a-z0-9_]+(?:\s+[a-z0-9_\[\]:]+,.*)?)\s*(?://.*)?")


class Entry(NamedTuple):
    """One entry: `section` is "16.8 VOP1 Instructions", `examples` are (name, arguments, result)."""

    section: str
    name: str
    opcode: int
    page: int
    body: str
    examples: tuple[tuple[str, tuple[int, ...], int], ...]


def entries(lines: Iterable[Line]) -> list[Entry]:
    """The entries in the manual's order."""
    found: list[Entry] = []
    head: tuple[str, str, int, int] | None = None
    code: list[str] = []
    examples: list[tuple[str, tuple[int, ...], int]] = []
    section, noted = "", False

    def close() -> None:
        if head is not None:
            found.append(Entry(*head, "\n".join(code).strip("\n"), tuple(examples)))

    for line in lines:
        entry = ENTRY.fullmatch(line.text) if line.kind == HEADING else None
        if line.kind == SECTION or entry:
            close()
            head, code, examples, noted = None, [], [], False
            if line.kind == SECTION:
                section = line.text
        if entry:
            head = (section, entry[1], int(entry[2]), line.page)
        example = EXAMPLE.match(line.text)
        if example:
            values = tuple(int(word, 0) for word in example[2].replace(",", " ").split())
            examples.append((example[1], values, int(example[3], 0)))
        elif line.kind == CODE and not noted and not ASSEMBLY.fullmatch(line.text):
            code.append(line.text)
        elif line.kind == HEADING and not entry:
            noted = True
    close()
    return found
