"""Compiled meanings of AMD's instructions do what isa.meaning.run does: every tree, on a few operands.

Matrix products are in tests/isa/amd/test_matrix.py; many operands are in tests/lift/amd (`slow`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from zlib import crc32

import pytest

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning import Meaning, meaning
from tests.emu.trees import FILES, check, check_once

CHIPS = {"gfx1100": 32, "gfx950": 64}
PARTS = 8


def trees(rows: list[Form]) -> Iterator[tuple[Form, Meaning]]:
    """Forms with their meanings, each tree once."""
    seen = set()
    for form in rows:
        found = meaning(form)
        if found is not None and found.tree and found.tree not in seen:
            seen.add(found.tree)
            yield form, found


def part_of(form: Form) -> int:
    """The part that a form is tested in: one for all forms of an entry, which share trees. Products: none."""
    name = form.entry.name
    return -1 if re.search("MFMA|SMFMAC|WMMA", name) else crc32(name.encode()) % PARTS


def agrees(form: Form, found: Meaning, lanes: int, rng: random.Random) -> None:
    """Both ways do the same; of instructions of lanes, two are on."""
    try:
        if found.scope == "lane" and not any(name in FILES for name in found.variables):
            check(found.tree, found.variables, rng, lanes, exec=1 | 1 << rng.randrange(lanes))
        elif found.scope != "lane":
            check_once(found.tree, found.scope, found.variables, rng, lanes)
    except Exception as error:
        error.add_note(form.name)
        raise


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("chip", CHIPS)
def test_every_tree(chip: str, part: int) -> None:
    rng = random.Random(f"{chip} {part}")
    for form, found in trees([one for one in forms(chip) if part_of(one) == part]):
        agrees(form, found, CHIPS[chip], rng)
