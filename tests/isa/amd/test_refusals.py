"""Operands that are refused where they are written, and what stands beside them that is taken.

Triton's LLVM says the same of each line (`pytest -m llvm` asks again). Bytes of what is refused are read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.dsl import a, gfx950, gfx1100, m0, s, v, vcc
from baregrad.isa.amd.text import text

# (chip, why: a part of the error, lines that are refused, lines that are taken)
CASES = (
    ("gfx950", "it can read 1 scalar register or literal",
     ("v_add_f32_e64 v1, s2, s3", "v_fma_f32 v0, s1, s2, s2", "v_cndmask_b32_e64 v0, s2, v2, s[2:3]",
      "v_div_fmas_f32 v0, s1, v2, v3", "v_writelane_b32 v1, s2, s3", "v_addc_co_u32_e32 v0, vcc, s1, v2, vcc",
      "v_cmp_lt_f32_e64 vcc, src_scc, s1", "v_fmaak_f32 v0, s1, v1, 0x1234567",
      "v_pk_fma_f16 v0, s1, s2, v3"),
     ("v_add_f32_e64 v1, s2, s2", "v_fma_f32 v0, -1, s2, s2", "v_add_f32_e64 v0, m0, m0",
      "v_div_fmas_f32 v0, 1.0, v2, v3", "v_writelane_b32 v1, s2, 3",
      "v_fmaak_f32 v0, 0x1234567, v1, 0x1234567", "v_addc_co_u32_e32 v0, vcc, 1, v2, vcc")),
    ("gfx1100", "it can read 2 scalar registers or literal",
     ("v_fma_f32 v0, s1, s2, s3", "v_fma_f32 v0, s1, s2, 0x1234567",
      "v_mad_u64_u32 v[0:1], s2, s4, s5, s[6:7]",
      "v_dual_cndmask_b32 v0, s1, v4 :: v_dual_add_f32 v1, s2, v3",
      "v_dual_fmaak_f32 v0, s1, v4, 0x1234567 :: v_dual_add_f32 v1, s2, v3"),
     ("v_fma_f32 v0, s1, s2, s2", "v_fma_f32 v0, s1, 0x1234567, 0x1234567", "v_fma_f32 v0, s1, s2, null",
      "v_dual_add_f32 v0, s1, v4 :: v_dual_add_f32 v1, s2, v3", "v_writelane_b32 v1, s2, s3")),
    ("gfx1100", "it can read 1 scalar register or literal", ("v_lshlrev_b64 v[0:1], s2, s[4:5]",),
     ("v_lshlrev_b64 v[0:1], s2, v[4:5]",)),
    ("gfx950", "vgpr of 64 bits",
     ("v_add_f64 v[1:2], v[2:3], v[4:5]", "global_load_dword v0, v[1:2], off",
      "v_cmp_gt_u64_e32 vcc, v[49:50], v[24:25]"),
     ("v_add_f64 v[0:1], v[2:3], v[4:5]", "global_load_dword v0, v[2:3], off",
      "ds_read_b96_tr_b6 v[1:3], v0")),
    ("gfx1100", "vgpr of 64 bits", ("v_add_f64 v1, v[3:4], v[5:6]",), ("v_add_f64 v[1:2], v[3:4], v[5:6]",)),
    ("gfx1100", "sdst of 64 bits", ("s_mov_b64 s[1:2], 0", "s_mov_b64 s[105:106], 0", "s_mov_b64 s0, 0"),
     ("s_mov_b64 s[2:3], 0", "s_mov_b64 s[104:105], 0", "s_mov_b64 vcc, 0")),
    ("gfx1100", "sbase of 128 bits", ("s_buffer_load_b32 s0, s[2:5], 0",),
    ("s_buffer_load_b32 s0, s[4:7], 0",)),
    ("gfx950", "it is the result or apart from it",
     ("v_mfma_f32_32x32x8_f16 v[0:15], v[16:17], v[18:19], v[2:17]",
      "v_mfma_f32_32x32x8_f16 a[16:31], v[16:17], v[18:19], a[8:23]"),
     ("v_mfma_f32_32x32x8_f16 v[0:15], v[0:1], v[18:19], v[20:35]",
      "v_mfma_f32_32x32x8_f16 v[0:15], v[16:17], v[18:19], v[0:15]",
      "v_mfma_f32_16x16x16_f16 v[0:3], v[4:5], v[6:7], v[2:5]")),
    ("gfx950", "of another form", ("v_mfma_f32_16x16x128_f8f6f4 v[0:3], v[4:9], v[12:19], v[20:23] cbsz:1",),
     ("v_mfma_f32_16x16x128_f8f6f4 v[0:3], v[4:9], v[12:19], v[20:23] cbsz:2",)),
    ("gfx950", "wants a literal", ("v_add_f32_e64 v0, v1, 0x1234567", "s_add_u32 s0, 0x12345, 0x12346"),
     ("v_add_f32_e32 v0, 0x1234567, v1", "s_add_u32 s0, 0x12345, 0x12345", "v_add_f32_e64 v0, v1, 64")),
    ("gfx1100", "wants a literal", ("v_fma_f32 v0, 0x12345, 0x12346, v1", "s_mul_i32 s0, 0x12345, 0x12346"),
    ("v_fma_f32 v0, 0x12345, 0x12345, v1",)),
    ("gfx1100", "a literal of it has 16 bits", ("v_add_f16_e32 v0.l, 0x12345, v1.l",),
    ("v_add_f16_e32 v0.l, 0x1234, v1.l",)),
    ("gfx1100", "an integer of 64 bits", ("s_mov_b64 s[0:1], 3.5", "s_and_b64 s[0:1], 0.15915494, s[2:3]"),
     ("s_mov_b64 s[0:1], 0.5", "v_add_f64 v[0:1], 3.5, v[2:3]")),
    ("gfx1100", "are of different banks",
     ("v_dual_add_f32 v0, v1, v2 :: v_dual_mul_f32 v3, v5, v3",
      "v_dual_add_f32 v0, v1, v2 :: v_dual_mul_f32 v3, v4, v6"),
     ("v_dual_add_f32 v0, v1, v2 :: v_dual_mul_f32 v3, v4, v5",)),
    ("gfx1100", "does not go" ,
     ("v_dual_add_f32 v0, v1, v2 :: v_dual_mul_f32 v4, v4, v5",), ()),
    ("gfx1100", "does not fit", ("global_load_b32 v0, v[0:1], off offset:4096",
     "ds_load_b32 v0, v1 offset:65536",
                                 "s_buffer_load_b32 s0, s[4:7], -1", "s_cmpk_lt_u32 s0, -1",
                                 "s_sendmsg_rtn_b32 s0, -1"),
     ("global_load_b32 v0, v[0:1], off offset:4095", "global_load_b32 v0, v[0:1], off offset:-4096",
      "s_movk_i32 s0, -1", "s_cmpk_lt_i32 s0, -1")),
    ("gfx1100", "is missing", ("v_mov_b32_dpp v0, v1 row_mask:0xf bank_mask:0xf",),
     ("v_mov_b32_dpp v0, v1 row_shl:1 row_mask:0xf bank_mask:0xf",
      "v_mov_b32_dpp v0, v1 dpp8:[0,1,2,3,4,5,6,7] fi:0")),
    ("gfx1100", "DPP control", ("v_mov_b32_dpp v0, v1 row_newbcast:1 row_mask:0xf bank_mask:0xf",
                               "v_mov_b32_dpp v0, v1 row_bcast:15 row_mask:0xf bank_mask:0xf",
                               "v_mov_b32_dpp v0, v1 row_shl:16 row_mask:0xf bank_mask:0xf"),
     ("v_mov_b32_dpp v0, v1 row_share:1 row_mask:0xf bank_mask:0xf",)),
    ("gfx1100", "list of bits", ("v_pk_add_f16 v0, v1, v2 op_sel:[2,0]",),
    ("v_pk_add_f16 v0, v1, v2 op_sel:[1,0]",)),
    ("gfx1100", "written twice", ("ds_load_b32 v0, v1 offset:4 offset:8",), ()),
    ("gfx950", "it is a literal", ("v_add_f32_sdwa v0, 0x12345, v1 dst_sel:DWORD "
     "dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:DWORD",),
     ("v_add_f32_sdwa v0, s1, v1 dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:DWORD",)),
)  # fmt: skip


def refusal(chip: str, line: str) -> str:
    """What is said of a line, or nothing."""
    try:
        parse(chip, line)
    except EncodingError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("chip, why, wrong, right", CASES, ids=[f"{row[0]} {row[1]}" for row in CASES])
def test_lines(chip: str, why: str, wrong: tuple[str, ...], right: tuple[str, ...]) -> None:
    for line in wrong:
        said = refusal(chip, line)
        assert why in said, f"{line}: {said or 'taken'}"
        name = line.partition(" ")[0]
        assert f"form: {name}" in said, f"{line}: the forms are not shown: {said}"
    for line in right:
        assert not refusal(chip, line), line


def test_python_refuses_where_it_is_written() -> None:
    for build, operands in (
        (gfx950.v_add_f32, (v[1], s[2], s[3])),
        (gfx950.v_fma_f64, (v[1:2], v[2:3], v[4:5], v[6:7])),
        (gfx950.v_mfma_f32_32x32x8_f16, (a[0:15], v[0:1], v[2:3], a[4:19])),
        (gfx1100.v_fma_f32, (v[0], s[1], s[2], m0)),
        (gfx1100.s_mov_b64, (vcc, 3.5)),
    ):
        with pytest.raises(EncodingError, match="form: "):
            build(*operands)


# Bytes that no assembler makes, which the chip reads all the same: (chip, bytes, text of LLVM's disassembler)
READ = (
    ("gfx1100", "000013d601040c00", "v_fma_f32 v0, s1, s2, s3"),
    ("gfx1100", "010003d502060000", "v_add_f32_e64 v1, s2, s3"),
    ("gfx950", "010001d102060000", "v_add_f32_e64 v1, s2, s3"),
    ("gfx950", "010080d203090200", "v_add_f64 v[1:2], v[3:4], v[4:5]"),
    ("gfx950", "0000ccd310250a04", "v_mfma_f32_32x32x8_f16 v[0:15], v[16:17], v[18:19], v[2:17]"),
)


def test_bytes_of_what_is_refused_are_read() -> None:
    for chip, code, line in READ:
        inst, size = decode(chip, bytes.fromhex(code))
        assert (text(inst), size) == (line, 8)


@pytest.mark.llvm
@pytest.mark.slow
@pytest.mark.parametrize("chip", ["gfx1100", "gfx950"])
def test_an_assembler_says_the_same(chip: str) -> None:
    rows = [row for row in CASES if row[0] == chip]
    assert assembled(chip, [line for row in rows for line in row[3]]), "what is taken here is refused there"
    wrong = [line for row in rows for line in row[2] if assembled(chip, [line])]
    assert not wrong, "\n".join(wrong)


def assembled(chip: str, lines: list[str]) -> bool:
    """Does Triton's assembler take all lines?"""
    python = os.environ.get("TRITON_PYTHON", sys.executable)
    script = str(Path(__file__).with_name("assemble.py"))
    done = subprocess.run(
        [python, "-P", script, chip], input="\n".join(lines), text=True, capture_output=True, check=False
    )
    if done.returncode == 3:
        pytest.skip(f"{python} has no triton wheel; TRITON_PYTHON names another")
    return done.returncode == 0 and all(json.loads(done.stdout))
