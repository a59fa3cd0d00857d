"""Manuals as PDF: what a line is follows from its font.

Sections are bold and larger than text, other headings bold; code is monospaced; captions are italic; a
table's head is bold and smaller than text. Needs the extra `isa` (pypdfium2). What is not here: what lines
mean.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from baregrad.base.lazy import optional
from baregrad.isa.amd.extract.lines import (
    CAPTION,
    CAPTIONED,
    CODE,
    HEADING,
    ROW,
    SECTION,
    TEXT,
    Line,
    section,
)

TABLE_SIZE, SECTION_SIZE = 9.0, 12.0  # points
INDENT = 4.5  # points: the width of a monospaced letter of 7.5 points
MARGIN = 69.0  # points: where code begins
TOP, BOTTOM = 770.0, 20.0  # points: running heads are beyond


class Run(NamedTuple):
    """Characters of one font on one line."""

    text: str
    font: str
    size: float
    x: float
    y: float


def lines(path: Path) -> Iterator[Line]:
    """The lines of a manual, in reading order.

    Errors: DeviceError without pypdfium2; OSError or pypdfium2's PdfiumError for what is no PDF.
    """
    pdfium = optional("pypdfium2", wanted_for=f"reading {path.name}", extra="isa")
    document = pdfium.PdfDocument(path)
    for number, page in enumerate(document, 1):
        for run in joined(runs(page.get_textpage(), pdfium.raw)):
            yield classified(run, number)


def runs(page: Any, raw: Any) -> Iterator[Run]:  # Any: pypdfium2 has no types
    """The runs of a page: a new one with each line, font or size."""
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    box = [ctypes.c_double() for _ in range(4)]
    text, key, x, y = "", ("", 0.0), 0.0, 0.0
    for i in range(page.count_chars()):
        letter = chr(raw.FPDFText_GetUnicode(page.raw, i))
        if letter in "\r\n\ufffe\x02":
            if text.strip():
                yield Run(text, *key, x, y)
            text = "" if letter in "\r\n" else text
            continue
        raw.FPDFText_GetFontInfo(page.raw, i, name, 128, flags)
        mine = (name.value.decode(errors="replace"), round(raw.FPDFText_GetFontSize(page.raw, i), 1))
        if mine != key and letter.strip():
            if text.strip():
                yield Run(text, *key, x, y)
            text, key = "", mine
        if not text.strip():
            raw.FPDFText_GetCharBox(page.raw, i, *box)
            x, y = box[0].value, box[2].value
        text += letter
    if text.strip():
        yield Run(text, *key, x, y)


def joined(page: Iterator[Run]) -> Iterator[list[Run]]:
    """The runs of one line of print together, without running heads."""
    line: list[Run] = []
    for run in page:
        if run.size == TABLE_SIZE and not BOTTOM < run.y < TOP:
            continue
        if line and abs(run.y - line[0].y) > run.size / 2:
            yield line
            line = []
        line.append(run)
    if line:
        yield line


def classified(line: list[Run], page: int) -> Line:
    """What a line is, from the font of its first run."""
    first = line[0]
    text = " ".join(run.text.strip() for run in line)
    if "Mono" in first.font:
        indent = max(0, round((first.x - MARGIN) / INDENT))
        return Line(CODE, " " * indent + text, page)
    if "Bold" in first.font and first.size >= SECTION_SIZE:
        return Line(SECTION, section(text) or text, page)
    if first.size == TABLE_SIZE:
        return Line(ROW, text, page)
    if "Bold" in first.font:
        return Line(HEADING, text, page)
    caption = CAPTIONED.fullmatch(text)
    if "It" in first.font and caption:
        return Line(CAPTION, caption[1], page)
    return Line(TEXT, text, page)
