"""The microcode formats of a manual: fields with their bits, and opcode tables.

In the chapter "Microcode Formats" each format has a table "NAME Fields" and one "NAME Opcodes". What is not
here: the instruction chapter (entries.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from baregrad.isa.amd.extract.lines import CAPTION, ROW, SECTION, Line

FIELD = re.compile(r"([A-Z][A-Z0-9_.]*(?: ?[a-z]\w*)?)(?: \| | +)(\[[\d:\s,\[\]]+\]|\d+:\d+)(.*)")
BITS = re.compile(r"\[?(\d+)(?::(\d+))?\]?")
OPCODE = re.compile(r"(?<![\w.])(\d+)(?: \| | +)([A-Z][A-Z0-9]*_[A-Z0-9_]+)")
ENCODING = re.compile(r"(?:'b|[Mm]ust be:? *|^[ |]*)([01_]+)\b")


class Field(NamedTuple):
    """A field: `parts` are (high bit, low bit), the high part first."""

    name: str
    parts: tuple[tuple[int, int], ...]


@dataclass
class Format:
    """A format as its tables print it: `encoding` is (bits, value as text) of the ENCODING field."""

    name: str
    page: int
    fields: list[Field] = field(default_factory=list)
    encoding: str = ""
    opcodes: dict[int, str] = field(default_factory=dict)


def formats(lines: Iterable[Line]) -> list[Format]:
    """The formats in the manual's order."""
    found: dict[str, Format] = {}
    current: Format | None = None
    kind = ""
    for line in lines:
        if line.kind == SECTION:
            current = None
        elif line.kind == CAPTION:
            words = line.text.split()
            current, kind = None, words[-1]
            if kind in ("Fields", "Opcodes") and len(words) == 2:
                current = found.setdefault(words[0], Format(words[0], line.page))
        elif line.kind == ROW and current is not None:
            if kind == "Fields":
                read_field(current, line.text)
            else:
                current.opcodes.update((int(code), name) for code, name in OPCODE.findall(line.text))
    return list(found.values())


def read_field(into: Format, text: str) -> None:
    """Read one row of a table of fields."""
    match = FIELD.match(text)
    if match is None:
        return
    ends = [sorted((int(one), int(other or one))) for one, other in BITS.findall(match[2])]
    parts = tuple((high, low) for low, high in ends)
    name = match[1].replace(" ", "_")
    if name == "ENCODING":
        digits = ENCODING.search(match[3])
        into.encoding = digits[1].replace("_", "") if digits else ""
    into.fields.append(Field(name, parts))
