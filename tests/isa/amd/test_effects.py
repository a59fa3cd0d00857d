"""What instructions read, write and do besides: tables of cases, and what must hold of every form."""

from __future__ import annotations

import re

import pytest

from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.effects import Memory, effects
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.hazards import hazards
from baregrad.isa.amd.latency import CLASSES, latency_class, passes
from baregrad.isa.amd.operands import Reg

# (chip, line, registers read, registers written): as text, in any order
USES = (
    ("gfx1100", "v_add_f32_e32 v1, s3, v2", "exec_lo mode s[3] v[2]", "v[1]"),
    ("gfx1100", "v_fmac_f32_e32 v1, v2, v3", "exec_lo mode v[1] v[2] v[3]", "v[1]"),
    ("gfx1100", "v_cmp_lt_i32_e32 vcc_lo, v1, v2", "exec_lo v[1] v[2]", "vcc_lo"),
    ("gfx1100", "v_cmpx_lt_i32_e32 v1, v2", "exec_lo v[1] v[2]", "exec_lo"),
    ("gfx950", "v_cmpx_lt_i32_e32 vcc, v1, v2", "exec v[1] v[2]", "exec vcc"),
    ("gfx950", "v_cmpx_lt_i32_e64 s[4:5], v1, v2", "exec v[1] v[2]", "exec s[4:5]"),
    ("gfx950", "v_add_co_u32_e32 v1, vcc, v2, v3", "exec v[2] v[3]", "v[1] vcc"),
    ("gfx950", "v_addc_co_u32_e32 v1, vcc, v2, v3, vcc", "exec v[2] v[3] vcc", "v[1] vcc"),
    ("gfx950", "v_addc_co_u32_e64 v1, s[0:1], v2, v3, s[2:3]", "exec s[2:3] v[2] v[3]", "s[0:1] v[1]"),
    ("gfx1100", "v_cndmask_b32_e64 v1, v2, v3, s4", "exec_lo s[4] v[2] v[3]", "v[1]"),
    ("gfx950", "v_div_scale_f64 v[0:1], s[4:5], v[2:3], v[4:5], v[6:7]", "exec mode v[2:3] v[4:5] v[6:7]",
     "s[4:5] v[0:1]"),
    ("gfx950", "v_div_fmas_f32 v0, v1, v2, v3", "exec mode v[1] v[2] v[3] vcc", "v[0]"),
    ("gfx1100", "v_readlane_b32 s1, v2, s3", "s[3] v[2]", "s[1]"),
    ("gfx1100", "v_readfirstlane_b32 s1, v2", "exec_lo v[2]", "s[1]"),
    ("gfx950", "v_writelane_b32 v1, s2, 3", "s[2] v[1]", "v[1]"),
    ("gfx1100", "v_swap_b32 v1, v2", "exec_lo v[1] v[2]", "v[1] v[2]"),
    ("gfx1100", "v_movrels_b32_e32 v1, v2", "exec_lo m0 v[2]", "v[1]"),
    ("gfx950", "v_mfma_f32_32x32x8_f16 a[0:15], v[0:1], v[2:3], a[0:15]", "a[0:15] v[0:1] v[2:3]", "a[0:15]"),
    ("gfx950", "v_smfmac_f32_16x16x32_f16 v[0:3], v[4:5], v[8:11], v12", "v[0:3] v[12] v[4:5] v[8:11]",
     "v[0:3]"),
    ("gfx1100", "v_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7]", "v[0:7] v[16:23] v[8:15]",
     "v[0:7]"),
    ("gfx1100", "v_fma_mixlo_f16 v1, v2, v3, v4", "exec_lo mode v[1] v[2] v[3] v[4]", "v[1]"),
    ("gfx1100", "v_dual_cndmask_b32 v0, v1, v2 :: v_dual_fmac_f32 v3, v4, v5",
     "exec_lo mode v[1] v[2] v[3] v[4] v[5] vcc_lo", "v[0] v[3]"),
    # DPP keeps what no lane brings, SDWA and OP_SEL the bits beside
    ("gfx1100", "v_mov_b32_dpp v1, v2 row_shl:1 row_mask:0xf bank_mask:0xf", "exec_lo v[1] v[2]", "v[1]"),
    ("gfx1100", "v_mov_b32_dpp v1, v2 row_shl:1 row_mask:0xf bank_mask:0xf bound_ctrl:1", "exec_lo v[2]",
     "v[1]"),
    ("gfx950", "v_mov_b32_dpp v1, v2 row_shl:1 row_mask:0x7 bank_mask:0xf bound_ctrl:1", "exec v[1] v[2]",
     "v[1]"),
    ("gfx950", "v_mov_b32_sdwa v1, v2 dst_sel:BYTE_0 dst_unused:UNUSED_PRESERVE src0_sel:DWORD",
     "exec v[1] v[2]",
     "v[1]"),
    ("gfx950", "v_mov_b32_sdwa v1, v2 dst_sel:BYTE_0 dst_unused:UNUSED_PAD src0_sel:DWORD", "exec v[2]",
     "v[1]"),
    ("gfx950", "v_cvt_pk_fp8_f32 v1, v2, v3", "exec mode v[1] v[2] v[3]", "v[1]"),
    ("gfx950", "v_cvt_pk_bf16_f32 v1, v2, v3", "exec mode v[2] v[3]", "v[1]"),
    # scalars
    ("gfx1100", "s_add_u32 s0, s1, s2", "s[1] s[2]", "s[0] scc"),
    ("gfx1100", "s_addc_u32 s0, s1, s2", "s[1] s[2] scc", "s[0] scc"),
    ("gfx1100", "s_min_i32 s0, s1, s2", "s[1] s[2]", "s[0] scc"),
    ("gfx1100", "s_cmov_b32 s0, s1", "s[0] s[1] scc", "s[0]"),
    ("gfx1100", "s_cselect_b32 s0, s1, s2", "s[1] s[2] scc", "s[0]"),
    ("gfx1100", "s_and_saveexec_b32 s0, s1", "exec_lo s[1]", "exec_lo s[0] scc"),
    ("gfx950", "s_and_saveexec_b64 s[0:1], vcc", "exec vcc", "exec s[0:1] scc"),
    ("gfx950", "s_movrels_b32 s0, s1", "m0 s[1]", "s[0]"),
    ("gfx1100", "s_cbranch_vccnz 4", "pc vcc_lo", "pc"),
    ("gfx950", "s_swappc_b64 s[0:1], s[2:3]", "pc s[2:3]", "pc s[0:1]"),
    ("gfx950", "s_setreg_b32 hwreg(HW_REG_MODE, 0, 4), s1", "mode s[1]", "mode"),
    ("gfx950", "s_set_gpr_idx_on s0, gpr_idx(SRC0)", "m0 mode s[0]", "m0 mode"),
    ("gfx1100", "s_sendmsg sendmsg(MSG_INTERRUPT)", "m0", ""),
    # memory
    ("gfx1100", "global_load_d16_b16 v1, v[2:3], off", "exec_lo v[1] v[2:3]", "v[1]"),
    ("gfx1100", "global_load_u16 v1, v[2:3], off", "exec_lo v[2:3]", "v[1]"),
    ("gfx1100", "ds_load_u8_d16_hi v1, v2", "exec_lo v[1] v[2]", "v[1]"),
    ("gfx950", "ds_read_b32 v1, v2", "exec m0 v[2]", "v[1]"),
    ("gfx1100", "ds_load_b32 v1, v2 gds", "exec_lo m0 v[2]", "v[1]"),
    ("gfx1100", "ds_bvh_stack_rtn_b32 v1, v2, v3, v[4:7]", "exec_lo v[2] v[3] v[4:7]", "v[1] v[2]"),
    ("gfx950", "global_load_lds_dwordx4 v[0:1], off", "exec m0 v[0:1]", ""),
    ("gfx950", "buffer_load_dword v1, s[4:7], s8 offen lds", "exec m0 s[4:7] s[8] v[1]", ""),
)  # fmt: skip

LOAD, STORE = "load", "store"
# (chip, line, memory, counters, unordered, control, latency class)
DOES = (
    ("gfx1100", "s_load_b256 s[0:7], s[8:9], 0x10", Memory("scalar", LOAD, 32), "lgkmcnt", True, "", "smem"),
    ("gfx1100", "global_load_b96 v[0:2], v[4:5], off", Memory("global", LOAD, 12), "vmcnt", False, "",
     "vmem"),
    ("gfx1100", "global_store_b8 v[0:1], v2, off", Memory("global", STORE, 1), "vscnt", False, "", "vmem"),
    ("gfx950", "global_store_byte v[0:1], v2, off", Memory("global", STORE, 1), "vmcnt", False, "", "vmem"),
    ("gfx1100", "global_atomic_add_u64 v[0:1], v[2:3], off", Memory("global", "atomic", 8), "vscnt", False,
     "",
     "vmem"),
    ("gfx1100", "global_atomic_add_u64 v[4:5], v[0:1], v[2:3], off glc", Memory("global", "atomic", 8, True),
     "vmcnt",
     False, "", "vmem"),
    ("gfx1100", "flat_store_b64 v[0:1], v[2:3]", Memory("flat", STORE, 8), "vscnt lgkmcnt", True, "", "vmem"),
    ("gfx950", "flat_load_dword v0, v[2:3]", Memory("flat", LOAD, 4), "vmcnt lgkmcnt", True, "", "vmem"),
    ("gfx950", "scratch_load_dwordx2 v[0:1], off, s0", Memory("scratch", LOAD, 8), "vmcnt", False, "",
     "vmem"),
    ("gfx950", "global_load_lds_dwordx3 v[0:1], off", Memory("global", LOAD, 12, False, True), "vmcnt",
     False, "",
     "vmem"),
    ("gfx950", "ds_read_b64_tr_b16 v[0:1], v2", Memory("lds", LOAD, 8), "lgkmcnt", False, "", "lds"),
    ("gfx950", "ds_read2_b32 v[0:1], v2 offset1:1", Memory("lds", LOAD, 8), "lgkmcnt", False, "", "lds"),
    ("gfx1100", "ds_add_u32 v0, v1", Memory("lds", "atomic", 4), "lgkmcnt", False, "", "lds"),
    ("gfx1100", "ds_add_u32 v0, v1 gds", Memory("gds", "atomic", 4), "lgkmcnt", False, "", "lds"),
    ("gfx1100", "ds_bpermute_b32 v0, v1, v2", None, "lgkmcnt", False, "", "lds"),
    ("gfx1100", "buffer_gl0_inv", Memory("buffer", "cache", 0), "", False, "", "vmem"),
    ("gfx950", "buffer_wbl2 sc1", Memory("buffer", "cache", 0), "vmcnt", False, "", "vmem"),
    ("gfx950", "s_memtime s[0:1]", None, "lgkmcnt", False, "", "smem"),
    ("gfx1100", "s_barrier", None, "", False, "barrier", "wait"),
    ("gfx1100", "s_endpgm", None, "", False, "end", "branch"),
    ("gfx1100", "s_cbranch_scc1 3", None, "", False, "conditional", "branch"),
    ("gfx1100", "s_waitcnt lgkmcnt(0)", None, "", False, "wait", "wait"),
    ("gfx1100", "s_sendmsg_rtn_b32 s0, sendmsg(MSG_RTN_GET_REALTIME)", None, "lgkmcnt", False, "message",
     "message"),
    ("gfx950", "s_setprio 3", None, "", False, "priority", "nop"),
    ("gfx1100", "v_exp_f32_e32 v0, v1", None, "", False, "", "trans"),
    ("gfx1100", "v_cvt_f64_f32_e32 v[0:1], v1", None, "", False, "", "valu64"),
    ("gfx1100", "v_mul_lo_u32 v0, v1, v2", None, "", False, "", "valu64"),
    ("gfx1100", "v_dot4_i32_iu8 v0, v1, v2, v3", None, "", False, "", "dot"),
    ("gfx950", "v_mfma_f32_4x4x4_16b_f16 v[0:3], v[4:5], v[6:7], v[0:3]", None, "", False, "", "matrix"),
)  # fmt: skip


def shown(found: tuple[Reg, ...]) -> str:
    return " ".join(sorted(map(repr, found)))


@pytest.mark.parametrize("chip, line, reads, writes", USES, ids=[f"{row[0]} {row[1]}" for row in USES])
def test_reads_and_writes(chip: str, line: str, reads: str, writes: str) -> None:
    inst = parse(chip, line)
    assert (shown(inst.reads), shown(inst.writes)) == (reads, writes)


def test_memory_counters_and_control() -> None:
    wrong = []
    for chip, line, memory, counters, unordered, control, unit in DOES:
        inst = parse(chip, line)
        found = inst.effects
        got = (
            found.memory,
            " ".join(found.counters),
            found.unordered,
            found.control,
            inst.latency_class.name,
        )
        if got != (memory, counters, unordered, control, unit):
            wrong.append(f"{line}: {got}")
    assert not wrong, "\n".join(wrong)


def test_passes_of_matrix_products() -> None:
    for name, count in (("V_MFMA_F32_32X32X1_2B_F32", 16), ("V_SMFMAC_F32_32X32X16_F16", 8),
                        ("V_MFMA_F32_16X16X16_BF16", 4), ("V_MFMA_I32_4X4X4_16B_I8", 2)):  # fmt: skip
        assert passes("cdna4", name) == count, name
    assert (passes("cdna4", "V_MFMA_F64_16X16X4_F64"), passes("cdna3", "V_MFMA_F64_16X16X4_F64")) == (16, 8)
    silent = [
        f.name
        for f in forms("gfx950")
        if re.search("V_S?MFMA", f.entry.name) and not passes(f.arch, f.entry.name)
    ]
    assert not silent


@pytest.mark.parametrize("chip", ["gfx1100", "gfx950"])
def test_every_form_has_effects_that_fit_together(chip: str) -> None:
    wrong = set()
    sizes = [form.sizes for form in forms(chip) if form.sizes is not None]
    images = [next(each.every()) for each in sizes[::12]]
    for form in (*(form for form in forms(chip) if form.sizes is None), *images):
        found, unit = effects(form), latency_class(form.entry.format, form.entry.name)
        vector = (
            form.entry.format[0] == "V"
            and unit.name not in ("matrix", "nop")
            and "LANE_B32" not in form.entry.name
        )
        rows = (
            ("an access has bytes",
             found.memory is None or found.memory.kind == "cache" or found.memory.bytes > 0
             or "_GWS_" in form.entry.name),
            ("lanes are read", not vector or "exec" in found.reads),
            ("vector memory is counted", unit.name != "vmem" or found.counters or "INV" in form.entry.name),
            ("branches write PC", found.control not in ("branch", "conditional", "call",
             "jump") or "pc" in found.writes),
            ("a load has a result", found.memory is None or found.memory.kind != LOAD or found.memory.lds
             or any(slot.written for slot in form.slots)),
            ("a store has none", found.memory is None or found.memory.kind != STORE
             or not any(slot.written for slot in form.slots)),
            ("a class is known", unit.name in CLASSES),
        )  # fmt: skip
        wrong |= {(form.name, what) for what, holds in rows if not holds}
    assert not wrong, sorted(wrong)[:20]


def test_effects_are_those_of_the_bytes() -> None:
    inst, _ = decode("gfx1100", parse("gfx1100", "ds_load_b64 v[0:1], v2 gds").word.to_bytes(8, "little"))
    assert inst.effects.memory == Memory("gds", LOAD, 8)
    assert inst.effects.counters == ("lgkmcnt",)


def test_hazards_are_of_entries_that_there_are() -> None:
    for arch in ("cdna4", "rdna3"):
        entries = {(form.entry.format, form.entry.name) for form in forms(arch)}
        lost = [row for row in hazards(arch) for end in (row.first, row.second)
                if not any(end.fits(*entry) for entry in entries)]  # fmt: skip
        assert not lost, lost


def test_hazards_wait_by_the_passes_of_a_product() -> None:
    name = "V_MFMA_F32_32X32X8_F16"
    rows = [row for row in hazards("cdna4") if row.first.fits("VOP3P", name)]
    found = {row.second.use: row.states("cdna4", name) for row in rows}
    assert found["reads A, B or index"] == 12
    assert found["reads C: all of the result"] == 0
    assert found["writes C's vgpr"] == 7
