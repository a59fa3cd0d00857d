"""A manual as a stream of lines, each with what its typography says it is: what both front ends hand on.

What is not here: how a PDF (pdf.py) or Markdown (markdown.py) is read, and what the lines mean (entries.py,
formats.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple

SECTION, HEADING, CODE, CAPTION, ROW, TEXT = "section", "heading", "code", "caption", "row", "text"
NUMBERED = re.compile(r"(Chapter \d+|\d+(?:\.\d+)+)\.? (.+)")
ENTRY = re.compile(r"([A-Z][A-Z0-9_]+) +(\d+)")
CAPTIONED = re.compile(r"Table \d+\. (.+)")


class Line(NamedTuple):
    """One line: `kind` is one of the names above; `page` is the page of a PDF or the line of a file, from 1.

    A section's text is "16.8 VOP1 Instructions", a row's its cells with " | " between them; a line of code
    keeps its indentation.
    """

    kind: str
    text: str
    page: int


def section(text: str) -> str | None:
    """ "16.8 VOP1 Instructions" of a numbered heading, None of any other."""
    found = NUMBERED.fullmatch(text)
    return f"{found[1].removeprefix('Chapter ')} {found[2]}" if found else None
