"""Compiled meanings of AMD's instructions do what isa.meaning.run does, on random values."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning import Meaning, meaning
from tests.emu.trees import FILES, check, check_once

CHIPS = {"gfx1100": 32, "gfx950": 64}
SAMPLE = 20


def trees(rows: list[Form]) -> Iterator[tuple[Form, Meaning]]:
    """Forms with their meanings, each tree once."""
    seen = set()
    for form in rows:
        found = meaning(form)
        if found is not None and found.tree and found.tree not in seen:
            seen.add(found.tree)
            yield form, found


def agrees(form: Form, found: Meaning, lanes: int, rng: random.Random) -> None:
    """Both ways do the same."""
    try:
        if found.scope == "lane" and not any(name in FILES for name in found.variables):
            check(found.tree, found.variables, rng, lanes, exec=1 | 1 << rng.randrange(lanes))
        elif found.scope != "lane":
            check_once(found.tree, found.scope, found.variables, rng, lanes)
    except Exception as error:
        error.add_note(form.name)
        raise


@pytest.mark.parametrize("chip", CHIPS)
def test_a_sample_of_forms(chip: str) -> None:
    rng = random.Random(chip)
    rows = [one for one in forms(chip) if one.entry.format not in ("VOP3P", "VOPD", "MIMG", "DS")]
    for form, found in trees(rng.sample(rows, SAMPLE)):
        agrees(form, found, CHIPS[chip], rng)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("chip", CHIPS)
def test_every_form(chip: str, part: int) -> None:
    rng = random.Random(f"{chip} {part}")
    # The matrix products of CDNA read too much of the register file for a plain world: kernels test them.
    rows = [form for form in forms(chip) if "mfma" not in form.name and "smfmac" not in form.name]
    for form, found in trees(rows[part::8]):
        agrees(form, found, CHIPS[chip], rng)
