"""Every entry of the manuals without a body, and what it has instead: `python -m tests.isa.amd.without_body`
writes vectors/without_body.txt again.
"""

from __future__ import annotations

from pathlib import Path

from baregrad.isa.amd.archs import tables
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.meaning.rows_given import Given, Refused
from baregrad.isa.amd.meaning.rows_ours import ours

FILE = Path(__file__).parent / "vectors" / "without_body.txt"


def lines() -> list[str]:
    """A line an entry: architecture, format, name, and a scope with a source, an action, or a refusal."""
    found = []
    for arch in ("rdna3", "cdna4"):
        by_entry = {(form.entry.format, form.entry.name): form for form in reversed(forms(arch))}
        for entry in tables(arch).instructions:
            if entry.body >= 0:
                continue
            form = by_entry.get((entry.format, entry.name))
            what = (
                "half of a pair: as the instruction of that name" if form is None else shown(ours(form, {}))
            )
            found.append(f"{arch} {entry.format} {entry.name}: {what}")
    return found


def shown(given: Given | Refused | None) -> str:
    """What an entry has, as text."""
    if given is None:
        return "nothing"
    if isinstance(given, Refused):
        return f"refused: {given.reason}"
    return f"{given.scope}{', action ' + given.action if given.action else ''}: {given.source}"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n")
