"""What single instructions do, by hand: modifiers, clamps, halves, NaN, bounds, modes; and that every form
has a meaning or a reason.
"""

from __future__ import annotations

import struct

import pytest

from baregrad.base.errors import Fault
from baregrad.emu import Memory, Plain
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.forms import by_name, forms
from baregrad.isa.amd.meaning import Meaning, explained, key_of, meaning, meaning_of
from baregrad.isa.meaning import parse as parse_tree
from baregrad.isa.meaning import run, show

ONES = 0xFFFFFFFF
NAN, SNAN = 0x7FC00000, 0x7F800001
IEEE, DX10 = 1 << 9, 1 << 8
BASE = 0x10000


def f(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def done(found, **given):
    """What variables are when a meaning is done; 16 bytes of memory at BASE and of local memory at 0."""
    world = Plain(Memory())
    world.memory.map(BASE, bytes(range(1, 17)))
    world.spaces["lds"] = Memory()
    world.spaces["lds"].map(0, bytes(range(17, 33)))
    world.widths.update(found.variables)
    world.values.update(dict.fromkeys(found.variables, 0) | {"LDS_SIZE": 16} | given)
    run(found.tree, world)
    return world


# chip, instruction, variables before, what they are after
CASES = [
    ("gfx1100", "v_add_f32_e64 v0, |v1|, -v2", {"S0": f(-1.5), "S1": f(1)}, {"D0": f(0.5)}),
    ("gfx1100", "v_add_f32_e64 v0, v1, v2 mul:2", {"S0": f(1), "S1": f(2)}, {"D0": f(6)}),
    ("gfx1100", "v_add_f32_e64 v0, v1, v2 clamp", {"S0": f(1), "S1": f(2)}, {"D0": f(1)}),
    ("gfx1100", "v_add_f32_e64 v0, v1, v2 clamp", {"S0": NAN, "MODE": DX10}, {"D0": 0}),
    ("gfx1100", "v_add_nc_u32_e64 v0, v1, v2 clamp", {"S0": ONES, "S1": 2}, {"D0": ONES}),
    ("gfx1100", "v_sub_nc_u32_e64 v0, v1, v2 clamp", {"S0": 1, "S1": 2}, {"D0": 0}),
    ("gfx1100", "v_add_nc_i32 v0, v1, v2 clamp", {"S0": 1 << 31, "S1": ONES}, {"D0": 1 << 31}),
    ("gfx1100", "v_dot4_i32_iu8 v0, v1, v2, v3 neg_lo:[1,0,0] clamp",
     {"S0": 0x80808080, "S1": ONES, "S2": 0x80000000}, {"D0": 0x80000000}),
    ("gfx1100", "v_pk_add_f16 v0, v1, v2 op_sel:[1,0] op_sel_hi:[0,1] neg_lo:[0,1]",
     {"S0": 0x3C004000, "S1": 0x3C003C00}, {"D0": 0x42000000}),
    ("gfx1100", "v_pk_add_u16 v0, v1, v2 clamp", {"S0": 0xFFFF0001, "S1": 0x00010001}, {"D0": 0xFFFF0002}),
    ("gfx1100", "v_cvt_pk_rtz_f16_f32 v0, v1, v2 mul:2", {"S0": f(1.5), "S1": f(-2)}, {"D0": 0xC0003E00}),
    ("gfx1100", "v_cvt_pk_rtz_f16_f32 v0, v1, v2 clamp", {"S0": f(0.25), "S1": f(-2)}, {"D0": 0x00003400}),
    ("gfx950", "v_cvt_pkrtz_f16_f32 v0, v1, v2 clamp", {"S0": f(2), "S1": f(0.25)}, {"D0": 0x34003C00}),
    ("gfx950", "v_cvt_pk_bf16_f32 v0, v1, v2 clamp", {"S0": f(2), "S1": f(-1)}, {"D0": 0x00003F80}),
    ("gfx950", "v_cvt_f32_fp8_sdwa v0, v1 clamp src0_sel:BYTE_1", {"S0": 0x4800}, {"D0": f(4)}),
    ("gfx950", "v_cvt_f32_bf8_sdwa v0, v1 src0_sel:BYTE_3", {"S0": 0x44000000}, {"D0": f(4)}),
    ("gfx950", "v_cvt_pk_f32_fp8_sdwa v[0:1], v2 src0_sel:WORD_1", {"S0": 0x48400000},
     {"D0": f(4) << 32 | f(2)}),
    ("gfx1100", "v_fma_mix_f32 v0, v1, -v2, |v3| op_sel:[1,0,0] op_sel_hi:[1,0,0]",
     {"S0": 0x40000000, "S1": f(3), "S2": f(-1)}, {"D0": f(-5)}),
    ("gfx1100", "v_fma_mixhi_f16 v0, v1, v2, v3", {"S0": f(1), "S1": f(1), "D0": 7}, {"D0": 0x3C000007}),
    ("gfx1100", "v_cndmask_b32 v0, v1, v2, vcc_lo", {"S0": 1, "S1": 2, "VCC": 1}, {"D0": 2}),
    ("gfx1100", "v_cndmask_b32_e64 v0, v1, v2, s4", {"S0": 1, "S1": 2, "S2": 1}, {"D0": 2}),
    ("gfx1100", "v_add_co_ci_u32_e64 v0, s4, v1, v2, s5", {"S0": ONES, "S1": 0, "S2": 1}, {"D0": 0, "D1": 1}),
    ("gfx1100", "v_cmp_lg_f32 vcc_lo, v1, v2", {"S0": NAN, "S1": 0}, {"VCC": 0}),
    ("gfx1100", "v_cmp_neq_f32 vcc_lo, v1, v2", {"S0": NAN, "S1": 0}, {"VCC": 1}),
    ("gfx1100", "v_cmpx_gt_u32 v1, v2", {"S0": 2, "S1": 1}, {"EXEC": 1}),
    ("gfx1100", "v_cmp_class_f64 s4, v[0:1], v2", {"S0": 0x7FF << 52, "S1": 1 << 9}, {"D0": 1}),
    ("gfx1100", "v_min_f32 v0, v1, v2", {"S0": SNAN, "S1": f(1), "MODE": IEEE}, {"D0": SNAN | 1 << 22}),
    ("gfx1100", "v_min_f32 v0, v1, v2", {"S0": SNAN, "S1": f(1)}, {"D0": f(1)}),
    ("gfx1100", "v_max_f32 v0, v1, v2", {"S0": f(-0.0), "S1": 0}, {"D0": 0}),
    ("gfx1100", "v_med3_f32 v0, v1, v2, v3", {"S0": f(3), "S1": f(1), "S2": f(2)}, {"D0": f(2)}),
    ("gfx1100", "v_med3_i32 v0, v1, v2, v3", {"S0": 3, "S1": ONES, "S2": 2}, {"D0": 2}),
    ("gfx1100", "v_cvt_i32_f32 v0, v1", {"S0": f(3e9)}, {"D0": 0x7FFFFFFF}),
    ("gfx1100", "v_cvt_pk_rtz_f16_f32 v0, v1, v2", {"S0": f(1.9999), "S1": f(-1e9)}, {"D0": 0xFBFF3FFF}),
    ("gfx1100", "v_fract_f32 v0, v1", {"S0": f(-1e-10)}, {"D0": 0x3F7FFFFF}),
    ("gfx1100", "v_ldexp_f32 v0, v1, v2", {"S0": 1, "S1": 150}, {"D0": f(2)}),
    ("gfx1100", "v_frexp_mant_f32 v0, v1", {"S0": 3}, {"D0": f(0.75)}),
    ("gfx1100", "v_frexp_exp_i32_f32 v0, v1", {"S0": 3}, {"D0": (-147) & ONES}),
    ("gfx1100", "v_trig_preop_f64 v[0:1], v[2:3], v4", {"S0": 0, "S1": 0}, {"D0": 0x3FE45F306DC9C882}),
    ("gfx1100", "v_perm_b32 v0, v1, v2, v3", {"S0": 0x80, "S1": 0x03020100, "S2": 0x0D0C0401},
     {"D0": 0xFF008001}),
    ("gfx1100", "v_sad_u8 v0, v1, v2, v3", {"S0": 0x01FF, "S1": 0x0100, "S2": 5}, {"D0": 260}),
    ("gfx1100", "v_bfe_i32 v0, v1, v2, v3", {"S0": 0xF0, "S1": 4, "S2": 4}, {"D0": ONES}),
    ("gfx1100", "v_mbcnt_hi_u32_b32 v0, v1, v2", {"S0": ONES, "S1": 5, "laneId": 35}, {"D0": 8}),
    ("gfx1100", "v_mad_u64_u32 v[0:1], s4, v2, v3, v[4:5]", {"S0": ONES, "S1": ONES, "S2": (1 << 64) - 1},
     {"D0": 0xFFFFFFFE_00000000, "D1": 1}),
    ("gfx1100", "v_exp_f32 v0, v1", {"S0": f(0.5)}, {"D0": 0x3FB504F3}),
    ("gfx1100", "s_bfe_i64 s[0:1], s[2:3], s4", {"S0": 0xF0, "S1": 4 << 16 | 4},
        {"D0": (1 << 64) - 1, "SCC": 1}),
    ("gfx1100", "s_brev_b32 s0, s1", {"S0": 0x12345678}, {"D0": 0x1E6A2C48}),
    ("gfx1100", "s_and_saveexec_b64 s[0:1], s[2:3]", {"S0": 6, "EXEC": 3}, {"D0": 3, "EXEC": 2, "SCC": 1}),
    ("gfx1100", "s_branch 0xfffe", {"PC": 100, "SIMM16": 0xFFFE}, {"PC": 96}),
    ("gfx1100", "s_cbranch_execz 4", {"PC": 100, "SIMM16": 4, "EXEC": 1}, {"PC": 104}),
    ("gfx1100", "s_load_b64 s[0:1], s[2:3], 0x4", {"SBASE": BASE, "OFFSET": 4},
        {"SDATA": 0x0C0B0A0908070605}),
    ("gfx1100", "s_buffer_load_b64 s[0:1], s[4:7], 0x4", {"SBASE": BASE | 8 << 64, "OFFSET": 4},
     {"SDATA": 0x08070605}),
    ("gfx1100", "global_load_u16 v0, v1, s[2:3] offset:-2",
     {"SADDR": BASE, "ADDR": 4, "OFFSET": -2 & ONES}, {"VDST": 0x0403}),
    ("gfx1100", "global_load_d16_hi_u8 v0, v[2:3], off", {"ADDR": BASE, "VDST": 0x12345678},
        {"VDST": 0x15678}),
    ("gfx1100", "ds_load_b64 v[0:1], v2 offset:12", {"ADDR": 0, "OFFSET": 12}, {"D0": 0}),
    ("gfx1100", "ds_load_b32 v0, v2 offset:4", {"ADDR": 8, "OFFSET": 4}, {"D0": 0x201F1E1D}),
    ("gfx1100", "ds_load_2addr_b32 v[0:1], v2 offset1:1", {"OFFSET1": 1}, {"D0": 0x1817161514131211}),
    ("gfx1100", "buffer_load_b64 v[0:1], v2, s[4:7], 0 offen",
     {"VADDR": 4, "SRSRC": BASE | 8 << 64 | 3 << 124}, {"VDATA": 0x08070605}),
    ("gfx1100", "buffer_load_u8 v0, v2, s[4:7], 0 idxen",
     {"VADDR": 3, "SRSRC": BASE | 4 << 48 | 4 << 64}, {"VDATA": 13}),
    ("gfx1100", "flat_load_u8 v0, v[2:3]", {"ADDR": 0x1_00000002, "SHARED_BASE": 1 << 32}, {"VDST": 19}),
    ("gfx1100", "scratch_load_b32 v0, v1, off offset:4",
     {"ADDR": 0, "OFFSET": 4, "SCRATCH_BASE": BASE, "SCRATCH_SIZE": 8, "laneId": 1}, {"VDST": 0x100F0E0D}),
    ("gfx950", "v_add_u32_sdwa v0, v1, v2 dst_sel:BYTE_1 dst_unused:UNUSED_PRESERVE src0_sel:BYTE_3 "
     "src1_sel:WORD_1", {"S0": 0x05000000, "S1": 0x00030000, "D0": ONES}, {"D0": 0xFFFF08FF}),
    ("gfx950", "v_add_u32_sdwa v0, sext(v1), v2 dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:BYTE_0 "
     "src1_sel:DWORD", {"S0": 0xFF, "S1": 1}, {"D0": 0}),
    ("gfx950", "v_add_f16 v0, v1, v2", {"S0": 0x3C00, "S1": 0x3C00, "D0": ONES}, {"D0": 0x4000}),
    ("gfx950", "v_fma_f16 v0, v1, v2, v3 op_sel:[1,0,0,1]",
     {"S0": 0x40003C00, "S1": 0x3C00, "S2": 0, "D0": 5}, {"D0": 0x40000005}),
    ("gfx950", "v_pk_fma_f32 v[0:1], v[2:3], v[4:5], v[6:7]",
     {"S0": f(2) | f(3) << 32, "S1": f(2) | f(2) << 32, "S2": f(1)}, {"D0": f(5) | f(6) << 32}),
    ("gfx950", "v_pk_mov_b32 v[0:1], v[2:3], v[4:5] op_sel:[1,0]", {"S0": 1 << 32, "S1": 2},
        {"D0": 2 << 32 | 1}),
    ("gfx950", "v_bitop3_b32 v0, v1, v2, v3 bitop3:0x96", {"S0": 0xF0, "S1": 0xCC, "S2": 0xAA}, {"D0": 0x96}),
    ("gfx950", "v_cvt_pk_fp8_f32 v0, v1, v2 op_sel:[0,0,1]",
     {"S0": f(1), "S1": f(-2), "D0": 7}, {"D0": 0xC0380007}),
    ("gfx950", "v_cvt_pk_fp8_f32 v0, v1, v2", {"S0": f(1e9), "S1": f(-1e9), "MODE": 1 << 23}, {"D0": 0xFE7E}),
    ("gfx950", "v_cvt_sr_fp8_f32 v0, v1, v2 op_sel:[0,0,1,1]",
     {"S0": f(1.0624), "S1": ONES, "D0": 0}, {"D0": 0x39000000}),
    ("gfx950", "v_cvt_sr_f16_f32 v0, v1, v2", {"S0": 0x3F800001, "S1": ONES}, {"D0": 0x3C01}),
    ("gfx950", "v_cvt_sr_bf16_f32 v0, v1, v2", {"S0": 0x3F800001, "S1": ONES}, {"D0": 0x3F81}),
    ("gfx950", "v_cvt_scalef32_pk_f32_fp4 v[0:1], v2, v3", {"S0": 0xF2, "S1": f(4)},
     {"D0": f(4) | f(-24) << 32}),
    ("gfx950", "v_cvt_scalef32_pk_fp4_f32 v0, v1, v2, v3", {"S0": f(100), "S1": f(-3), "S2": f(2)},
        {"D0": 0xB7}),
    ("gfx950", "v_dot2_f32_f16 v0, v1, v2, v3", {"S0": 0x40003C00, "S1": 0x3C003C00, "S2": f(1)},
     {"D0": f(4)}),
    ("gfx1100", "v_ashrrev_i16 v0, v1, v2", {"S0": 4, "S1": 0x8000}, {"D0": 0xF800}),
    ("gfx1100", "v_sat_pk_u8_i16 v0, v1", {"S0": 0x01008000}, {"D0": 0xFF00}),
    ("gfx1100", "v_subrev_co_ci_u32 v0, vcc_lo, v1, v2, vcc_lo", {"S0": 5, "S1": 5, "VCC": 1},
     {"D0": ONES, "VCC": 1}),
    ("gfx950", "s_movk_i32 s0, 0x8000", {"SIMM16": 0x8000}, {"D0": 0xFFFF8000}),
    ("gfx950", "s_cmpk_eq_i32 s0, 0xffff", {"S0": ONES, "SIMM16": 0xFFFF}, {"SCC": 1}),
    ("gfx950", "buffer_load_dword v0, v1, s[4:7], 0 offen", {"VADDR": 1 << 31, "SRSRC": BASE | 64 << 64},
     {"VDATA": 0}),
]  # fmt: skip


@pytest.mark.parametrize("chip, text, before, after", CASES, ids=[row[1] for row in CASES])
def test_what_it_does(chip, text, before, after):
    found = meaning_of(parse(chip, text))
    assert found is not None, explained(*key_of(parse(chip, text)))
    world = done(found, **before)
    shown = "\n".join(map(show, found.tree))
    assert {name: hex(world.values[name]) for name in after} == {k: hex(v) for k, v in after.items()}, shown


STORES = [
    ("gfx1100", "global_store_b16 v[0:1], v2, off", {"ADDR": BASE, "DATA": 0xABCD1234}, "", "34120304"),
    ("gfx1100", "global_atomic_add_u32 v0, v[2:3], v4, off glc", {"ADDR": BASE, "DATA": 1}, "", "02020304"),
    ("gfx1100", "global_atomic_cmpswap_b32 v[0:1], v[2:3], off",
     {"ADDR": BASE, "DATA": 0x04030201 << 32 | 9}, "", "09000000"),
    ("gfx1100", "ds_store_b32 v0, v1", {"ADDR": 0, "DATA0": 5}, "lds", "05000000"),
    ("gfx1100", "ds_store_b32 v0, v1", {"ADDR": 14, "DATA0": 5}, "lds", "11121314"),
    ("gfx1100", "buffer_store_b32 v0, off, s[4:7], 0",
     {"VDATA": 5, "SRSRC": BASE | 3 << 64 | 3 << 124}, "", "01020304"),
    ("gfx950", "ds_add_rtn_f32 v0, v1, v2", {"ADDR": 4, "DATA0": 0}, "lds", "11121314"),
]  # fmt: skip


@pytest.mark.parametrize("chip, text, before, space, after", STORES, ids=[row[1] for row in STORES])
def test_what_it_stores(chip, text, before, space, after):
    found = meaning_of(parse(chip, text))
    world = done(found, **before)
    start = 0 if space else BASE
    assert world.spaces[space].read(start, 32).to_bytes(4, "little").hex() == after


def test_unusual_buffers_fault_by_name():
    found = meaning_of(parse("gfx1100", "buffer_load_b32 v0, off, s[4:7], 0"))
    with pytest.raises(Fault, match="buffer_layout"):
        done(found, SRSRC=1 << 62)


def test_keys_know_no_registers_and_no_offsets():
    one, other = (
        parse("gfx1100", f"global_load_b32 v{n}, v[{n}:{n + 1}], off offset:{8 * n}") for n in (2, 4)
    )
    assert key_of(one) == key_of(other) != key_of(parse("gfx1100", "global_load_b64 v[0:1], v[2:3], off"))
    first, second = (parse("gfx1100", f"v_add_f32_e64 v0, {sign}v1, v2") for sign in ("", "-"))
    assert key_of(first) != key_of(second)


LEAST = {"rdna3": 3961, "cdna4": 2868}


@pytest.mark.slow
@pytest.mark.parametrize("arch", LEAST)
def test_forms_have_meanings(arch):
    """All but a known number, whose reasons are texts; a tree's text gives the tree."""
    found = [explained(form) for form in forms(arch)]
    meant = [one for one in found if isinstance(one, Meaning)]
    assert len(meant) >= LEAST[arch]
    assert all(isinstance(one, Meaning) or len(one) > 5 for one in found)
    for one in meant:
        if one.scope != "wave":
            text = "; ".join(map(show, one.tree))
            assert parse_tree(text, one.variables) == one.tree, text


def test_meanings_are_remembered():
    form = by_name("rdna3")["v_add_f32_e32"][0]
    assert meaning(form) is meaning(form)
