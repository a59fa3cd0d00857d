"""Lines read by plans against lines read slowly: the same instructions, and what plans leave is refused."""

from __future__ import annotations

import random

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.assembler import parse, searched
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.plans import plans, read
from tests.isa.amd.test_vectors import CHIPS, stored


def slowly(chip: str, line: str) -> Inst | None:
    """The instruction of a line without plans, None where it is refused."""
    name, _, rest = line.partition(" ")
    try:
        return searched(chip, 0, line, name, rest)
    except EncodingError:
        return None


def mixed(lines: list[str], rng: random.Random) -> list[str]:
    """Lines with a word of another line: most are wrong, some are another form."""
    words = [line.split(" ") for line in lines]
    for each in words:
        other = rng.choice(words)
        each[rng.randrange(1, len(each)) if len(each) > 1 else 0] = rng.choice(other)
    return [" ".join(each) for each in words]


@pytest.mark.parametrize("chip", CHIPS)
def test_plans_read_as_the_slow_way_does(chip: str) -> None:
    rng = random.Random(7)
    known = [line for line, _ in stored(chip) if "::" not in line and not line.startswith(("exp ", "image_"))]
    lines = rng.sample(known, 160)
    missed, short = 0, [line.replace("_e32", "").replace("_e64", "") for line in lines[:90]]
    for line in (*lines, *short, *mixed(lines[:90], rng)):
        name, _, rest = line.partition(" ")
        fast, slow = read(plans(chip, 0)[name], rest), slowly(chip, line)
        assert fast is None or (fast, fast.operands) == (slow, slow and slow.operands), line
        missed += fast is None and slow is not None
    assert missed < 9, f"{missed} lines that only the slow way reads: plans should"


@pytest.mark.parametrize(
    "line",
    [
        "  v_add_f32_e32   v1,v2 ,  v3  // more",
        "v_add_f32_e32\tv1, v2, v3 ; more",
        "v_add_f32 v1, v2, v3",
    ],
)
def test_spaces_and_comments_do_not_matter(line: str) -> None:
    assert parse("gfx1100", line) == parse("gfx1100", "v_add_f32_e32 v1, v2, v3")


def test_a_wrong_line_names_its_forms_and_the_words() -> None:
    with pytest.raises(EncodingError, match="'v_add_f32_e32 v1, s2000, v3'") as found:
        parse("gfx1100", "v_add_f32_e32 v1, s2000, v3 // more")
    assert "v_add_f32_e32 d0: vgpr of 32 bits" in str(found.value)


def test_numbers_are_octal_behind_a_zero_and_too_large_floats_are_refused() -> None:
    assert parse("gfx1100", "v_mov_b32 v1, 010") == parse("gfx1100", "v_mov_b32 v1, 8")
    for wrong in ("089", "1e300"):
        with pytest.raises(EncodingError, match=wrong):
            parse("gfx1100", f"v_mov_b32 v1, {wrong}")
