"""Lines read by plans against lines read slowly: the same instructions, and what plans leave is refused."""

from __future__ import annotations

import random

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.assembler import parse, searched
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.plans import plans, read
from baregrad.isa.amd.text import text
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


@pytest.mark.parametrize("chip", CHIPS)
def test_text_of_bits_is_that_of_operands(chip: str) -> None:
    for line, _ in random.Random(11).sample(stored(chip), 250):
        inst = parse(chip, line)
        bits, given = (
            Inst(inst.form, inst.word, inst.size),
            Inst(inst.form, inst.word, inst.size, inst.operands),
        )
        assert text(bits) == text(given) == line


@pytest.mark.parametrize(
    "chip, line, taken",
    [
        ("gfx950", "v_add3_u32 v1, s1, v2, s1", True),  # one register, read twice
        ("gfx950", "v_add3_u32 v1, s1, v2, s2", False),
        ("gfx1100", "v_add3_u32 v1, s1, s2, s1", True),
        ("gfx1100", "v_add3_u32 v1, s1, s2, s3", False),
        ("gfx950", "v_mfma_f32_32x32x8_f16 v[0:15], v[2:3], v[4:5], v[16:31]", True),
        ("gfx950", "v_mfma_f32_32x32x8_f16 v[0:15], v[2:3], v[4:5], v[8:23]", False),
        ("gfx950", "v_mfma_f32_32x32x8_f16 v[0:15], v[2:3], v[4:5], a[0:15]", False),  # one bit for both
        ("gfx1100", "v_dual_mov_b32 v0, v1 :: v_dual_mov_b32 v3, v2", True),
        ("gfx1100", "v_dual_mov_b32 v0, v1 :: v_dual_mov_b32 v3, v5", False),  # both of bank 1
    ],
)
def test_rules_are_asked_where_they_may_be_broken(chip: str, line: str, taken: bool) -> None:
    if taken:
        assert text(parse(chip, line)) == line
        return
    with pytest.raises(EncodingError):
        parse(chip, line)


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
