"""Buffers with formats, and rare operands, natively and on the witness, compared after each instruction."""

from __future__ import annotations

import pytest

from baregrad.engine.emulate import Both
from baregrad.isa.amd.meaning.rows_formats import format_of
from baregrad.isa.amd.operands import family
from baregrad.runtime import open_device
from tests.emu.amd.faulty import CDNA, RDNA, run

ADDRESS = "s_mov_b32 s6, 128\n s_waitcnt lgkmcnt(0)\n"
SELECTORS = 4 | 5 << 3 | 6 << 6 | 7 << 9


def alike(chip: str, body: str) -> Both:
    """Run a program on both modes."""
    checked = Both(open_device("cpu"), single=True)
    run(ADDRESS + body, chip, runner=checked)
    assert (checked.left, checked.alone) == (0, 0), "all of it is native code"
    return checked


def test_operands_that_are_rare() -> None:
    alike(
        CDNA,
        """v_madmk_f16 v3, v1, 0x3c01, v2
        v_madak_f16 v3, v1, v2, 0x4401
        s_mov_b64 s[6:7], src_shared_limit
        v_mov_b32_e32 v3, src_private_limit
        s_mov_b64 vcc, 1
        v_mov_b32_e32 v4, src_vccz
        s_mov_b64 vcc, 0
        v_add_u32_e32 v5, src_vccz, v4
        s_mov_b64 exec, 0
        s_mov_b32 s6, src_execz""",
    )


@pytest.mark.slow
@pytest.mark.parametrize("chip", [RDNA, CDNA])
@pytest.mark.parametrize("d16", ["", "d16_"])
def test_every_format(chip: str, d16: str) -> None:
    lines = [
        "v_lshlrev_b32_e32 v8, 2, v1",
        "v_cvt_f32_i32_e32 v2, v0",
        "v_mul_f32_e32 v3, 0.5, v2",
        "v_sub_f32_e32 v4, 1.0, v3",
    ]
    seen = 0
    name = f"{d16}format" if chip == RDNA else f"format_{d16}".removesuffix("_")
    last, data = ("5", "2:3") if d16 else ("7", "2:5")
    for number in range(128):
        if format_of(family("rdna3" if chip == RDNA else "cdna4"), number) is None:
            continue
        seen += 1
        word = number << 12 if chip == RDNA else (number >> 4) << 12 | (number & 15) << 15
        lines += [
            f"s_mov_b32 s7, {SELECTORS | word:#x}",
            f"buffer_load_{name}_xyzw v[4:{last}], v8, s[4:7], 0 offen",
            f"buffer_store_{name}_xyzw v[{data}], v8, s[4:7], 0 offen offset:64",
        ]
    checked = alike(chip, "\n".join(lines))
    assert seen > 40
    assert checked.blocks > 3 * seen
