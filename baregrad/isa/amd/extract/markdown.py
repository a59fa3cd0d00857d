"""Manuals that somebody converted to Markdown: headings, fences, tables and emphasis say what a line is.

Conversions escape letters, break a body into several fences, and write a body of one line as a code span;
entries' names are headings or bold paragraphs. What is not here: what lines mean, and which of two
conversions is believed (merge.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

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

ANCHOR = re.compile(r"<span id=[^>]*></span>|<sup>|</sup>")
ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>|~-])")
BOLD = re.compile(r"\*\*(.+)\*\*")
SPAN = re.compile(r"`([^`]+)`")
RULE = re.compile(r"[|:\s-]+")


def lines(path: Path) -> Iterator[Line]:
    """The lines of a conversion, in reading order.

    Errors: OSError; UnicodeDecodeError for what is no text.
    """
    fenced = False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = raw.rstrip()
        if text.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield Line(CODE, text, number)
        elif text:
            yield from classified(text, number)


def plain(text: str) -> str:
    """Text without anchors, escapes, emphasis."""
    return ESCAPED.sub(r"\1", ANCHOR.sub("", text)).replace("**", "").strip()


def classified(text: str, number: int) -> Iterator[Line]:
    """What a line outside of fences is."""
    if text.startswith("|"):
        if not RULE.fullmatch(text):
            cells = [plain(cell.replace("<br>", " ")) for cell in re.split(r"(?<!\\)\|", text.strip("|"))]
            yield Line(ROW, " | ".join(cells), number)
        return
    bare = plain(text.lstrip("#"))
    caption = CAPTIONED.fullmatch(bare)
    numbered = section(bare)
    if caption:
        yield Line(CAPTION, caption[1], number)
    elif text.startswith("#"):
        yield Line(SECTION, numbered, number) if numbered else Line(HEADING, bare, number)
    elif BOLD.fullmatch(text):
        yield Line(HEADING, bare, number)
    elif SPAN.fullmatch(text):
        yield Line(CODE, ESCAPED.sub(r"\1", text.strip("`")), number)
    else:
        yield Line(TEXT, bare, number)
