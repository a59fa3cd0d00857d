"""Text and bytes of every form against an assembler: stored vectors, and the assembler itself, if there."""

from __future__ import annotations

import json
import lzma
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd import dsl
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.inst import encode
from baregrad.isa.amd.text import text
from tests.isa.amd.samples import sample

CHIPS = ("gfx1100", "gfx950")
# What the manuals have and LLVM does not know for these chips.
UNKNOWN = {
    "gfx1100": ("v_readfirstlane_b32_e64",),
    "gfx950": ("v_readfirstlane_b32_e64", "v_swap_b32_e64", "v_accvgpr_mov_b32_e64", "v_cube"),
}


def stored(chip: str) -> list[tuple[str, bytes]]:
    """The vectors of a chip: (text, bytes)."""
    data = lzma.decompress((Path(__file__).parent / "vectors" / f"{chip}.txt.xz").read_bytes()).decode()
    rows = [line.partition(" ") for line in data.splitlines() if not line.startswith("#")]
    return [(line, bytes.fromhex(code)) for code, _, line in rows]


def problem(chip: str, line: str, code: bytes) -> str:
    """What is wrong with one vector, or nothing."""
    try:
        inst, size = decode(chip, code)
        shown = text(inst)
        if size != len(code) or shown != line:
            return f"{code.hex()} is {line!r}, not {shown!r}"
        back = encode(parse(chip, line))
    except EncodingError as error:
        return f"{line!r} ({code.hex()}): {error.what}"
    return "" if back == code else f"{line!r} is {code.hex()}, not {back.hex()}"


@pytest.mark.parametrize("chip", CHIPS)
def test_each_form_is_as_an_assembler_has_it(chip: str) -> None:
    wrong = [found for line, code in stored(chip) if (found := problem(chip, line, code))]
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"


@pytest.mark.parametrize("chip", CHIPS)
def test_repr_evaluates_to_the_instruction(chip: str) -> None:
    names = vars(dsl)
    for line, code in stored(chip)[::9]:
        inst, _ = decode(chip, code)
        assert eval(repr(inst), names) == inst, f"{line}: {inst!r}"


@pytest.mark.parametrize("chip", CHIPS)
def test_vectors_have_every_form(chip: str) -> None:
    names = {form.name for form in forms(chip)}
    known = {decode(chip, code)[0].name for _, code in stored(chip)}
    missing = [name for name in names - known if not name.startswith(UNKNOWN[chip])]
    assert not missing, sorted(missing)


def assemble(chip: str, lines: list[str]) -> list[bytes]:
    """Bytes of lines by LLVM's assembler, in a Python that has the triton wheel (TRITON_PYTHON names it)."""
    python = os.environ.get("TRITON_PYTHON", sys.executable)
    script = Path(__file__).with_name("assemble.py")
    done = subprocess.run(
        [python, "-P", str(script), chip], input="\n".join(lines), text=True, capture_output=True, check=False
    )
    if done.returncode == 3:
        pytest.skip(
            f"{python} has no triton wheel, whose assembler knows {chip}; TRITON_PYTHON names another"
        )
    assert done.returncode == 0, done.stderr[:2000]
    return [bytes.fromhex(each) for each in json.loads(done.stdout)]


@pytest.mark.slow
@pytest.mark.llvm
@pytest.mark.parametrize("chip", CHIPS)
def test_fifty_random_operand_sets_of_each_form_agree_with_the_assembler(chip: str) -> None:
    assert assemble(chip, ["s_nop 0"]) == [bytes.fromhex("000080bf")]
    rng = random.Random(5)
    found = []
    for form in forms(chip):
        if form.name.startswith(UNKNOWN[chip]) or form.sizes is not None:  # test_images.py has these
            continue
        drawn = (sample(form, rng) for _ in range(2000))
        made = (inst for inst in drawn if inst is not None)
        found += [inst for _, inst in zip(range(50), made, strict=False)]
    lines = [text(inst) for inst in found]
    wrong = [
        f"{line}: {encode(inst).hex()}, not {code.hex()}"
        for inst, line, code in zip(found, lines, assemble(chip, lines), strict=True)
        if encode(inst) != code or problem(chip, line, code)
    ]
    assert not wrong, f"{len(wrong)} of {len(lines)}: {wrong[:5]}"
