"""Images: sizes that follow from bits, both ways to give addresses, what is refused; formats of buffers."""

from __future__ import annotations

import random

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.dsl import gfx1100, s, v
from baregrad.isa.amd.formats import format_text, format_value
from baregrad.isa.amd.forms import by_name, forms
from baregrad.isa.amd.inst import encode
from baregrad.isa.amd.text import text
from tests.isa.amd.samples import of_all_sizes
from tests.isa.amd.test_vectors import assemble, problem


def images(name: str) -> list[str]:
    """The operands of the forms of a name, registers of each: data, addresses, resource, sampler."""
    found = [form.sizes.every() for form in by_name("gfx1100", 32)[name] if form.sizes is not None]
    return sorted({" ".join(str(slot.registers) for slot in form.slots) for each in found for form in each})


def test_sizes_of_an_entry() -> None:
    assert images("image_bvh64_intersect_ray") == ["4 12 4", "4 2 1 3 3 3 4", "4 2 1 3 3 4", "4 9 4"]
    assert images("image_get_resinfo") == [f"{data} 1 8" for data in range(1, 6)]
    counts = {len(form.slots) for f in by_name("gfx1100", 32)["image_sample_c_d_cl_o"] if f.sizes
              for form in f.sizes.every()}  # fmt: skip
    assert counts == {4, 8}, "five addresses at most are apart: the fifth is a range"
    assert {row.split()[5] for row in images("image_sample_c_d_cl_o") if len(row.split()) == 8} == set(
        "12345678"
    )


@pytest.mark.parametrize(
    "line, reads, writes",
    [
        ("image_load v[0:3], v[4:5], s[0:7] dmask:0xf dim:2D", "v[4:5] s[0:7]", "v[0:3]"),
        ("image_load v[0:1], v4, s[0:7] dmask:0xf dim:2D a16 d16", "v[4] s[0:7]", "v[0:1]"),
        ("image_store v[0:2], [v4, v9, v2], s[0:7] dmask:0x7 dim:3D", "v[0:2] v[4] v[9] v[2] s[0:7]", ""),
        ("image_atomic_add v0, v4, s[0:7] dmask:0x1 dim:1D", "v[0] v[4] s[0:7]", ""),
        ("image_atomic_cmpswap v[0:1], v4, s[0:7] dmask:0x3 dim:1D glc", "v[0:1] v[4] s[0:7]", "v[0:1]"),
        ("image_gather4_c_lz v[0:4], v[4:6], s[0:7], s[8:11] dmask:0x4 dim:2D tfe",
         "v[4:6] s[0:7] s[8:11]", "v[0:4]"),
        ("image_sample_d v0, [v4, v7, v9, v11, v[20:21]], s[0:7], s[8:11] dmask:0x8 dim:2D",
         "v[4] v[7] v[9] v[11] v[20:21] s[0:7] s[8:11]", "v[0]"),
    ],
)  # fmt: skip
def test_what_is_read_and_written(line: str, reads: str, writes: str) -> None:
    inst = parse("gfx1100", line)
    shown = [" ".join(repr(one) for one in each if one.file in "sv") for each in (inst.reads, inst.writes)]
    assert shown == [reads, writes]
    assert text(inst) == line.replace("dim:", "dim:SQ_RSRC_IMG_")
    assert decode("gfx1100", encode(inst)) == (inst, inst.size)


@pytest.mark.parametrize(
    "line, why",
    [
        ("image_load v[0:3], v4, s[0:7] dmask:0xf dim:2D", "cannot be vaddr"),
        ("image_load v[0:2], v4, s[0:7] dmask:0xf dim:1D", "cannot be vdata"),
        ("image_load v[0:3], v4, s[0:7] dmask:0xf", "dim is missing"),
        ("image_load v[0:3], v4, s[0:7] dmask:0xf dim:4D", "is no one of 1D"),
        ("image_load v[0:3], [v4, v5], s[0:7] dmask:0xf dim:1D", "one address"),
        ("image_load v[0:3], v4, v5, s[0:7] dmask:0xf dim:2D", "addresses are given the other way"),
        ("image_load_pck v[0:1], v4, s[0:7] dmask:0xf dim:1D d16", "no modifier d16"),
        ("image_gather4 v[0:3], v[4:5], s[0:7], s[8:11] dmask:0x3 dim:2D", "takes 0x1, 0x2, 0x4, 0x8"),
        ("image_atomic_add v0, v4, s[0:7] dim:1D", "takes 0x1, 0x3"),
        ("image_msaa_load v[0:3], v[4:5], s[0:7] dmask:0x1 dim:2D", "takes 2D_MSAA"),
        ("image_sample v0, v[4:7], s[0:7], s[8:11] dmask:0x1 dim:2D_MSAA_ARRAY", "no sampler"),
        ("image_sample v0, v4, s[0:7], s[9:12] dmask:0x1 dim:1D", "cannot be ssamp"),
    ],
)
def test_what_is_refused(line: str, why: str) -> None:
    with pytest.raises(EncodingError) as caught:
        parse("gfx1100", line)
    assert why in str(caught.value)


def test_images_in_python() -> None:
    near = gfx1100.image_load(v[0:3], v[4:5], s[0:7], dmask=15, dim="2D", glc=True)
    apart = gfx1100.image_load(v[0:3], v[4], v[9], s[0:7], dmask=15, dim="2D")
    assert near == parse("gfx1100", "image_load v[0:3], v[4:5], s[0:7] dmask:0xf dim:2D glc")
    assert apart == parse("gfx1100", "image_load v[0:3], [v4, v9], s[0:7] dmask:0xf dim:2D")
    assert (near.size, apart.size) == (8, 12)


def test_random_words_are_read_or_refused() -> None:
    rng, read, written = random.Random(4), 0, 0
    for _ in range(1500):
        top = rng.choice((0x3C, 0x3A, 0x3E)) << 26
        sampler = rng.choice((0, 31 << 58))  # most of these are 0
        word = (rng.getrandbits(96) & ~(63 << 26 | sampler)) | top
        try:
            inst, size = decode("gfx1100", word.to_bytes(12, "little"))
        except EncodingError:
            continue
        read += 1
        assert size == inst.size
        try:
            back = parse("gfx1100", text(inst))
        except EncodingError:  # bits that nothing is made with: three components of a gather
            continue
        written += 1
        assert (back.form, text(back), back.modifiers) == (inst.form, text(inst), inst.modifiers)
    assert read > 500
    assert written > 400


@pytest.mark.parametrize("fam", ["rdna", "cdna"])
def test_formats_of_buffers_have_names(fam: str) -> None:
    shown = [format_text(value, fam) for value in range(128)]
    assert [format_value(one, fam) for one in shown] == list(range(128))
    assert shown[4] == {"rdna": "[BUF_FMT_8_SSCALED]", "cdna": "[BUF_DATA_FORMAT_32]"}[fam]


@pytest.mark.parametrize(
    "rest",
    ["s3 format:[BUF_FMT_32_FLOAT]", "s3, format:[BUF_FMT_32_FLOAT]", "s3 format:22", "format:22, s3",
     "s3 format:[BUF_NUM_FORMAT_FLOAT,BUF_DATA_FORMAT_32]",
     "s3 format:[BUF_DATA_FORMAT_32, BUF_NUM_FORMAT_FLOAT]"],
)  # fmt: skip
def test_ways_to_write_a_format(rest: str) -> None:
    inst = parse("gfx1100", f"tbuffer_load_format_x v4, off, s[8:11], {rest} offset:4095")
    assert encode(inst).hex() == "ff0fb0e800040203"
    assert text(inst) == "tbuffer_load_format_x v4, off, s[8:11], s3 format:[BUF_FMT_32_FLOAT] offset:4095"


@pytest.mark.slow
@pytest.mark.llvm
def test_fifty_random_operand_sets_of_each_size_agree_with_the_assembler() -> None:
    rng = random.Random(11)
    assert assemble("gfx1100", ["s_nop 0"])
    found = [
        inst for form in forms("gfx1100") if form.sizes is not None for inst in of_all_sizes(form, rng, 50)
    ]
    lines = [text(inst) for inst in found]
    assert len(lines) > 150_000
    wrong = [
        f"{line}: {encode(inst).hex()}, not {code.hex()}"
        for inst, line, code in zip(found, lines, assemble("gfx1100", lines), strict=True)
        if encode(inst) != code or problem("gfx1100", line, code)
    ]
    assert not wrong, f"{len(wrong)} of {len(lines)}: {wrong[:5]}"
