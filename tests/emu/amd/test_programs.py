"""Short programs with the manuals' meanings: what touches the machine more than one instruction does."""

from __future__ import annotations

import struct

import pytest

from baregrad.emu.amd import Memory, emulate
from tests.emu.amd.programs import program

BODY = """{load} s[4:5], s[0:1], 0x0
v_and_b32_e32 v0, 0x3ff, v0
v_lshlrev_b32_e32 v1, 2, v0
s_waitcnt lgkmcnt(0)
{body}
{store} v1, v2, s[4:5]
s_endpgm"""
CHIPS = {
    "gfx1100": {"load": "s_load_b64", "store": "global_store_b32"},
    "gfx950": {"load": "s_load_dwordx2", "store": "global_store_dword"},
}


def run(chip: str, body: str, count: int = 64) -> list[int]:
    """What v2 is in each lane of a workgroup of 64 behind a program; v0 is the lane, v1 four times that."""
    memory = Memory(1 << 20)
    one = program(BODY.format(body=body, **CHIPS[chip]), 64, chip=chip, vgprs=32)
    out = memory.put(bytes(4 * count))
    emulate(one, "k", (1, 1, 1), (count, 1, 1), struct.pack("<Q", out) + bytes(56), memory=memory, lds=1024)
    return memory.view(out, 4 * count).cast("I").tolist()


LANES = list(range(64))
# name, chip, what v2 is then, program
ROWS = [
    (
        "scratch", "gfx1100", LANES,
        """scratch_store_b32 off, v0, off offset:8
        scratch_load_b32 v2, off, off offset:8""",
    ),
    (
        "scratch of lanes", "gfx950", LANES,
        """scratch_store_dword off, v0, off offset:8
        scratch_load_dword v2, off, off offset:8""",
    ),
    (
        "the flat address of LDS", "gfx1100", LANES,
        """ds_store_b32 v1, v0
        s_mov_b64 s[6:7], src_shared_base
        v_mov_b32_e32 v3, s7
        v_mov_b32_e32 v4, v1
        v_mov_b32_e32 v5, v3
        flat_load_b32 v2, v[4:5]""",
    ),
    (
        "the flat address of scratch", "gfx950", LANES,
        """scratch_store_dword off, v0, off offset:8
        s_mov_b64 s[6:7], src_private_base
        v_mov_b32_e32 v4, 8
        v_mov_b32_e32 v5, s7
        flat_load_dword v2, v[4:5]""",
    ),
    (
        "a call", "gfx1100", LANES,
        """s_getpc_b64 s[6:7]
        s_add_u32 s6, s6, 20
        s_addc_u32 s7, s7, 0
        s_swappc_b64 s[8:9], s[6:7]
        s_branch .Lon
        s_nop 0
        v_mov_b32_e32 v2, v0
        s_setpc_b64 s[8:9]
        .Lon:""",
    ),
    (
        "rounding up", "gfx1100", [1] * 64,
        """v_mov_b32_e32 v2, 1.0
        v_add_f32_e32 v3, 0x2f800000, v2
        s_round_mode 0x1
        v_add_f32_e32 v2, 0x2f800000, v2
        v_sub_nc_u32_e32 v2, v2, v3""",
    ),
    (
        "flushed denormals", "gfx950", [0] * 64,
        """s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 2), 0
        v_mov_b32_e32 v2, 1
        v_add_f32_e32 v2, v2, v2""",
    ),
    (
        "a row shifted", "gfx1100", [7 if lane % 16 == 0 else lane - 1 for lane in LANES],
        """v_mov_b32_e32 v2, 7
        v_mov_b32_dpp v2, v0 row_shr:1 row_mask:0xf bank_mask:0xf""",
    ),
    (
        "a row shifted, zeros behind", "gfx950", [0 if lane % 16 == 15 else lane + 1 for lane in LANES],
        """v_mov_b32_dpp v2, v0 row_shl:1 row_mask:0xf bank_mask:0xf bound_ctrl:0""",
    ),
    (
        "a source that is also the result", "gfx950", [lane + (lane ^ 1) for lane in LANES],
        """v_mov_b32_e32 v2, v0
        v_add_u32_dpp v2, v2, v2 quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf""",
    ),
    (
        "a pair that swaps", "gfx1100", [lane + 5 for lane in LANES],
        """v_mov_b32_e32 v2, v0
        v_mov_b32_e32 v3, 5
        v_dual_mov_b32 v2, v3 :: v_dual_mov_b32 v3, v2
        v_add_nc_u32_e32 v2, v3, v2""",
    ),
    (
        "bytes of a register", "gfx950", [lane + 3 for lane in LANES],
        """v_mov_b32_e32 v3, 0x04030201
        v_add_u32_sdwa v2, v0, v3 dst_sel:DWORD src0_sel:DWORD src1_sel:BYTE_2""",
    ),
    (
        "VCC is zero", "gfx950", [1] * 64,
        """v_cmp_gt_u32_e32 vcc, 0, v0
        s_mov_b32 s6, src_vccz
        v_mov_b32_e32 v2, s6""",
    ),
    (
        "a mask over lanes", "gfx950", [2] * 5 + [1] * 59,
        """v_cmp_gt_u32_e64 s[6:7], 5, v0
        v_cndmask_b32_e64 v2, 1, 2, s[6:7]""",
    ),
    (
        "accumulation registers", "gfx950", LANES,
        """v_accvgpr_write_b32 a3, v0
        v_accvgpr_read_b32 v2, a3""",
    ),
    (
        "halves", "gfx1100", [7 << 16 | n for n in LANES],
        """v_mov_b32_e32 v2, 0x00070000
        v_mov_b16_e32 v3.l, v0.l
        v_mov_b16_e32 v2.l, v3.l""",
    ),
    (
        "a double constant", "gfx950", [0x40080000] * 64,
        """v_add_f64 v[2:3], 1.0, 2.0
        v_mov_b32_e32 v2, v3""",
    ),
    (
        "a literal's half", "gfx1100", [(3 << 16) + n + 3 for n in LANES],
        """v_pk_add_u16 v2, v0, 3 op_sel_hi:[1,0]""",
    ),
]  # fmt: skip


@pytest.mark.parametrize("chip, expected, body", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_programs(chip: str, expected: list[int], body: str) -> None:
    assert run(chip, body) == expected
