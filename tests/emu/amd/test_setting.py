"""What MODE and M0 say of decoding on CDNA: registers that M0 moves, instructions that VSKIP skips."""

from __future__ import annotations

import pytest

from baregrad.emu.amd import Memory
from tests.emu.amd.faulty import CDNA, OUT, run

FILL = "\n".join(f"v_mov_b32_e32 v{n}, {100 + n}" for n in range(4, 12))
STORE = "\nglobal_store_dword v1, v3, s[4:5]"
# what is done with v4 to v11 = 104 to 111, and the numbers that are in v3 at the end
ROWS = [
    ("source", "s_set_gpr_idx_on 5, gpr_idx(SRC0)\n v_mov_b32_e32 v3, v4\n s_set_gpr_idx_off", 109),
    ("off again", "s_set_gpr_idx_on 5, gpr_idx(SRC0)\n s_set_gpr_idx_off\n v_mov_b32_e32 v3, v4", 104),
    ("result", "s_set_gpr_idx_on 1, gpr_idx(DST)\n v_mov_b32_e32 v2, 7\n s_set_gpr_idx_off", 7),
    ("second source", "s_set_gpr_idx_on 2, gpr_idx(SRC1)\n v_sub_u32_e32 v3, v9, v4\n s_set_gpr_idx_off", 3),
    ("constants stay", "s_set_gpr_idx_on 2, gpr_idx(SRC0)\n v_add_u32_e32 v3, 9, v4\n"
     "s_set_gpr_idx_off", 113),
    ("another index", "s_set_gpr_idx_on 5, gpr_idx(SRC0)\n s_set_gpr_idx_idx 7\n v_mov_b32_e32 v3, v4\n"
     "s_set_gpr_idx_off", 111),
    ("by any write of M0", "s_set_gpr_idx_on 5, gpr_idx(SRC0)\n s_mov_b32 m0, 0x1003\n v_mov_b32_e32 v3, v4\n"
     "s_set_gpr_idx_off", 107),
    ("other operands", "s_set_gpr_idx_on 1, gpr_idx(SRC0)\n s_set_gpr_idx_mode gpr_idx(DST)\n"
     "v_mov_b32_e32 v2, v8\n s_set_gpr_idx_off", 108),
    ("a loop", "v_mov_b32_e32 v3, 0\n s_mov_b32 s6, 0\n.Lagain:\n s_set_gpr_idx_on s6, gpr_idx(SRC0)\n"
     "v_add_u32_e32 v3, v4, v3\n s_set_gpr_idx_off\n s_add_u32 s6, s6, 1\n s_cmp_lt_u32 s6, 8\n"
     "s_cbranch_scc1 .Lagain", 860),
    ("memory stays", "s_set_gpr_idx_on 1, gpr_idx(SRC0,SRC1,DST)\n v_mov_b32_e32 v2, v4\n"
     "global_store_dword v1, v3, s[4:5]\n s_set_gpr_idx_off", 105),
    ("skipped", "v_mov_b32_e32 v3, 1\n s_setvskip 1, 0\n v_mov_b32_e32 v3, 2\n s_setvskip 0, 0", 1),
    ("scalars are not skipped", "s_setvskip 1, 0\n s_mov_b32 s6, 8\n s_setvskip 0, 0\n"
     "v_mov_b32_e32 v3, s6", 8),
]  # fmt: skip


@pytest.mark.parametrize("what, body, wanted", ROWS, ids=[row[0] for row in ROWS])
def test_settings(what: str, body: str, wanted: int) -> None:
    memory = Memory(1 << 20)
    run(f"{FILL}\n{body}{STORE}", CDNA, memory=memory)
    found = tuple(memory.view(OUT, 128).cast("I"))
    assert found == (wanted,) * 32


def test_memory_converts_in_no_mode() -> None:
    """16 / 255 of a texel is rounded to nearest though the vector ALU rounds toward zero."""
    memory = Memory(1 << 20)
    words = "s_mov_b32 s6, 128\n s_mov_b32 s7, 0x50fac\n s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 4), 15"
    load = "buffer_load_format_xyzw v[2:5], v1, s[4:7], 0 offen\n s_waitcnt vmcnt(0)"
    run(f"{words}\n{load}{STORE}", CDNA, memory=memory)
    assert hex(memory.view(OUT, 128).cast("I")[0]) == "0x3d808081"
