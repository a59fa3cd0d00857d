"""What a meaning of ours is made of, and its tree: text of the language (isa/meaning) over named variables.

A text names operands by role (S0, D0, SDATA), implicit registers (EXEC, M0), an instruction's fields
(SIMM16, OFFSET0), register files as wholes (VGPR, SGPR) with the numbers of operands in them (S0_NUMBER),
and its own names. What is not here: the texts (the other rows_*.py), those of the manual.
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad.isa.amd.layout import Form, width
from baregrad.isa.amd.meaning.names import IMPLICIT
from baregrad.isa.amd.operands import family
from baregrad.isa.meaning import Tree, parse, walk

SCALARS = 128
VECTORS = {"rdna": 256, "cdna": 512}
"""Registers of a lane; on CDNA those from 256 up are the accumulation registers."""

FIELDS = {"SIMM16": 16, "SIMM32": 32, "OFFSET": 32, "OFFSET0": 8, "OFFSET1": 8}


class Given(NamedTuple):
    """A meaning of ours. `scope` is that of the tree ("scalar", "lane", "wave"); `action` is what the machine
    does itself when the tree is done ("" for nothing: see ACTIONS); `source` says where it is from.
    """

    scope: str
    text: str
    source: str
    action: str = ""
    widths: tuple[tuple[str, int], ...] = ()


class Refused(NamedTuple):
    """Why an entry has no meaning."""

    reason: str
    source: str = ""


ACTIONS = {
    "end": "The wave is done.",
    "barrier": "The wave waits for the others of its workgroup.",
    "wait": "The wave waits until counters are as low as it says; only a checker cares.",
    "message": "Something is sent to the host; nobody listens.",
    "trap": "The trap handler is called; there is none, so that it is a fault.",
    "illegal": "No program may come here: a fault.",
    "halt": "The wave stops for good, which is a fault; nothing if bit 0 of SIMM16 is 0.",
    "sleep": "The wave does nothing for a while.",
    "cache": "Caches are written back or forgotten; there are none.",
    "hint": "Says something about time alone.",
}


def widths_of(form: Form) -> dict[str, int]:
    """Bits of every variable that a text for this form may name."""
    files = {"VGPR": 32 * form.wave * VECTORS[family(form.arch)], "SGPR": 32 * SCALARS}
    found = {**IMPLICIT, **FIELDS, **files, "EXEC": form.wave, "VCC": form.wave}
    for slot in form.slots:
        found[slot.role] = slot.bits
        found[f"{slot.role}_NUMBER"] = 32
    for one in form.modifiers:
        found[one.name.upper()] = max(FIELDS.get(one.name.upper(), 0), width(one.where))
    return found


def tree_of(given: Given, form: Form) -> tuple[Tree, dict[str, int]]:
    """The tree of a meaning of ours, and the width of every variable that it reads or writes from outside."""
    known = {**widths_of(form), **dict(given.widths)}
    tree = parse(given.text, known)
    names = {node.arg for node in walk(tree) if node.op == "var"}
    return tree, {name: bits for name, bits in known.items() if name in names}
