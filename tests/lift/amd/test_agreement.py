"""The ways in which a body can be run give the same bits: its tree, Python source, UOps, machine code.

A sample runs always; `slow`: every distinct body of gfx1100 (waves of 32) and gfx950 (64), without modifiers
on 1,000 inputs (100 for memory, lanes and products of matrices), and as often with random modifiers on 100.
Of products the source is the reference but on the first input, where the tree is; of the large ones the tree
runs for one body of 23 (kernels and the tests of whole numbers prove these trees too). All of it takes about
12 minutes of the processor.
"""

from __future__ import annotations

import random
import re
from math import prod

import pytest

from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.meaning import Meaning, explained
from baregrad.runtime import open_device
from tests.lift.amd.bodies import CHIPS, Body, bodies, body_of
from tests.lift.amd.check import check
from tests.lift.amd.ways import Machine

SAMPLE = {
    "gfx1100": ("v_add_co_ci_u32_e32", "v_div_fixup_f16", "s_bfe_i32"),
    "gfx950": ("v_cvt_scalef32_pk_fp4_f32", "ds_read_b64"),
}
PARTS = 8
LARGE, EACH = 8192, 23
"""The tree of a product of matrices takes 5 to 13 s where it has more products than LARGE: one of EACH."""


@pytest.mark.parametrize("chip", CHIPS)
def test_a_sample_agrees(chip: str) -> None:
    arch, lanes = CHIPS[chip]
    machine = Machine(arch, lanes)
    for form in forms(arch):
        if form.name not in SAMPLE[chip]:
            continue
        meaning = explained(form)
        assert isinstance(meaning, Meaning), form.name
        body = body_of(form.name, meaning, False)
        result = check(machine, body, None, 32, random.Random(form.name))
        assert not result.wrong, f"{form.name}: {result.wrong}"
        assert result.ran["source"] == 32, f"{form.name} ran {result.ran}"


def products(body: Body) -> int:
    """How many products of two numbers a product of matrices has, 0 for another body."""
    match = re.match(r"v_s?(?:mfma|wmma).*?_(\d+)x(\d+)x(\d+)", body.name)
    return prod(map(int, match.groups())) if match else 0


def inputs_of(body: Body, number: int) -> tuple[int, int]:
    """On how many inputs a body runs, and in how many states its tree does."""
    size = products(body)
    if size:
        all_trees = size <= LARGE or number % EACH == 0
        return 100, int(all_trees)
    count = 100 if body.memory or body.changed or body.scope == "wave" else 1000
    return count, count


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("chip", CHIPS)
def test_all_bodies_agree(chip: str, part: int) -> None:
    arch, lanes = CHIPS[chip]
    machine, device = Machine(arch, lanes), open_device("cpu")
    wrong = []
    for number, body in enumerate(bodies(arch, 1)):
        if number % PARTS != part:
            continue
        count, by_tree = inputs_of(body, number)
        result = check(machine, body, device, count, random.Random(body.name), by_tree)
        wrong += [f"{body.name} {way}: {what}" for way, what in result.wrong.items()]
        if "native" in result.left:
            wrong.append(f"{body.name} has no machine code: {result.left['native']}")
    assert not wrong, "\n".join(wrong)
