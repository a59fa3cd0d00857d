"""What the manuals do not tabulate, as rows: operands of single entries, entries that are missing, names.

Operands are written as uses.py would find them: role, letter of the type, bits, r and w. A kind in brackets
is an operand of a kind that the format does not have by default. What is not here: what follows from trees.
"""

from __future__ import annotations

from typing import NamedTuple

# fmt: off
# (family or "", entry, operands)
OPERANDS = (
    ("", "S_MOVRELD_B32", "D0:b32w S0:b32r"), ("", "S_MOVRELD_B64", "D0:b64w S0:b64r"),
    ("", "S_MOVRELS_B64", "D0:b64w S0:b64r"), ("", "S_MOVRELSD_2_B32", "D0:b32w S0:b32r"),
    ("", "S_BITSET0_B64", "D0:u64rw S0:u32r"), ("", "S_BITSET1_B64", "D0:u64rw S0:u32r"),
    ("", "S_BITSET0_B32", "D0:u32rw S0:u32r"), ("", "S_BITSET1_B32", "D0:u32rw S0:u32r"),
    ("", "V_BCNT_U32_B32", "D0:u32w S0:u32r S1:u32r"), ("", "S_BCNT0_I32_B64", "D0:i32w S0:u64r"),
    ("", "S_BCNT1_I32_B64", "D0:i32w S0:u64r"),
    ("", "S_CBRANCH_JOIN", "S0:u32r"), ("", "S_BFE_I64", "D0:i64w S0:i64r S1:u32r"),
    ("", "V_MOVRELD_B32", "D0:b32w S0:b32r"), ("", "V_MOVRELSD_B32", "D0:b32w S0:b32r"),
    ("", "V_MOVRELSD_2_B32", "D0:b32w S0:b32r"), ("", "V_SWAPREL_B32", "D0:b32rw S0:b32rw"),
    ("", "V_SWAP_B32", "D0:b32rw S0:b32rw"), ("", "V_SWAP_B16", "D0:b16rw S0:b16rw"),
    ("", "V_PERMLANE64_B32", "D0:b32w S0:b32r"),
    ("", "V_PERMLANE16_SWAP_B32", "D0:b32rw S0:b32rw"), ("", "V_PERMLANE32_SWAP_B32", "D0:b32rw S0:b32rw"),
    ("", "V_PERMLANE16_B32", "D0:b32rw S0:b32r S1:b32r S2:b32r"),
    ("", "V_PERMLANEX16_B32", "D0:b32rw S0:b32r S1:b32r S2:b32r"),
    ("", "V_READLANE_B32", "D0:b32w S0:b32r S1:b32r"), ("", "V_WRITELANE_B32", "D0:b32rw S0:b32r S1:b32r"),
    ("", "V_READFIRSTLANE_B32", "D0:b32w S0:b32r"),
    ("", "V_FMAC_DX9_ZERO_F32", "D0:f32rw S0:f32r S1:f32r"),
    ("", "V_CNDMASK_B32", "D0:b32w S0:f32r S1:f32r"), ("", "V_CNDMASK_B16", "D0:b16w S0:f16r S1:f16r"),
    ("", "V_ACCVGPR_MOV_B32", "D0:b32w S0:b32r"),
    ("", "V_BITOP3_B32", "D0:b32w S0:b32r S1:b32r S2:b32r"),
    ("", "V_BITOP3_B16", "D0:b16w S0:b16r S1:b16r S2:b16r"),
    ("", "V_PK_MOV_B32", "D0:b64w S0:b64r S1:b64r"),
    ("", "V_SAT_PK_U8_I16", "D0:b16w S0:b32r"),
    ("", "V_LSHLREV_B16", "D0:u16w S0:u16r S1:u16r"), ("", "V_LSHRREV_B16", "D0:u16w S0:u16r S1:u16r"),
    ("", "V_ASHRREV_I16", "D0:i16w S0:u16r S1:i16r"),
    ("", "V_DOT2_F16_F16", "D0:f16w S0:b32r S1:b32r S2:f16r"),
    ("", "V_DOT2_BF16_BF16", "D0:f16w S0:b32r S1:b32r S2:f16r"),
    ("", "V_CVT_F32_FP8", "D0:f32w S0:b32r"), ("", "V_CVT_F32_BF8", "D0:f32w S0:b32r"),
    ("", "V_CVT_PK_F32_FP8", "D0:b64w S0:b32r"), ("", "V_CVT_PK_F32_BF8", "D0:b64w S0:b32r"),
    ("", "V_QSAD_PK_U16_U8", "D0:b64w S0:b64r S1:b32r S2:b64r"),
    ("", "V_MQSAD_PK_U16_U8", "D0:b64w S0:b64r S1:b32r S2:b64r"),
    ("", "V_MQSAD_U32_U8", "D0:b128w S0:b64r S1:b32r S2:b128r"),
    ("", "V_TRIG_PREOP_F64", "D0:f64w S0:f64r S1:u32r"), ("", "V_LDEXP_F64", "D0:f64w S0:f64r S1:i32r"),
    ("", "V_DOT4_I32_IU8", "D0:i32w S0:i32r S1:i32r S2:i32r"),
    ("", "V_DOT8_I32_IU4", "D0:i32w S0:i32r S1:i32r S2:i32r"),
    ("", "V_PK_FMAC_F16", "D0:b32rw S0:b32r S1:b32r"),
    ("rdna", "V_ALIGNBIT_B32", "D0:b32w S0:b32r S1:b32r S2:b16r"),
    ("rdna", "V_ALIGNBYTE_B32", "D0:b32w S0:b32r S1:b32r S2:b16r"),
    ("", "V_FMA_MIX_F32", "D0:f32w S0:f32r S1:f32r S2:f32r"),
    ("", "V_FMA_MIXLO_F16", "D0:f32w S0:f32r S1:f32r S2:f32r"),
    ("", "V_FMA_MIXHI_F16", "D0:f32w S0:f32r S1:f32r S2:f32r"),
    ("", "V_MAD_MIX_F32", "D0:f32w S0:f32r S1:f32r S2:f32r"),
    ("", "V_MAD_MIXLO_F16", "D0:f32w S0:f32r S1:f32r S2:f32r"),
    ("", "V_MAD_MIXHI_F16", "D0:f32w S0:f32r S1:f32r S2:f32r"),
    ("cdna", "V_CVT_F32_BF16", "D0:f32w S0:f16r"),
    ("", "V_MADMK_F16", "D0:f16w S0:f16r S1:f16r"), ("", "V_MADAK_F16", "D0:f16w S0:f16r S1:f16r"),
    ("rdna", "V_DOT2ACC_F32_F16", "D0:f32rw S0:f32r S1:f32r"),
    *(("", f"V_CVT_F32_UBYTE{byte}", "D0:f32w S0:u32r") for byte in range(4)),
    ("", "V_SCREEN_PARTITION_4SE_B32", "D0:b32w S0:b32r"), ("", "S_RFE_RESTORE_B64", "S0:b64r S1:b32r"),
    ("", "V_EXP_LEGACY_F32", "D0:f32w S0:f32r"), ("", "V_LOG_LEGACY_F32", "D0:f32w S0:f32r"),
    ("cdna", "V_CVT_SCALEF32_PK32_F32_FP6", "D0:b1024w S0:b192r S1:b32r"),
    ("cdna", "V_CVT_SCALEF32_PK32_F32_BF6", "D0:b1024w S0:b192r S1:b32r"),
)

# The vector kind of a source in the packed conversions of CDNA4, by the end of the name: its bits.
PACKED = (("2XPK16_FP6_F32", 512, 512), ("2XPK16_BF6_F32", 512, 512), ("PK32_FP6_F32", 1024, 0),
          ("PK32_BF6_F32", 1024, 0), ("PK32_FP6_F16", 512, 0), ("PK32_FP6_BF16", 512, 0),
          ("PK32_BF6_F16", 512, 0), ("PK32_BF6_BF16", 512, 0), ("PK32_F16_FP6", 192, 0),
          ("PK32_BF16_FP6", 192, 0), ("PK32_F16_BF6", 192, 0), ("PK32_BF16_BF6", 192, 0),
          ("PK32_F32_FP6", 192, 0), ("PK32_F32_BF6", 192, 0), ("SR_PK_FP4_F32", 64, 0))

# Kinds of operands that are not what the format says: (entry, role, kind)
KINDS = (
    ("V_READFIRSTLANE_B32", "D0", "lanedst"), ("V_READFIRSTLANE_B32", "S0", "vsrc"),
    ("V_READLANE_B32", "D0", "lanedst"), ("V_READLANE_B32", "S0", "vsrc"), ("V_READLANE_B32", "S1", "ssrc9"),
    ("V_WRITELANE_B32", "S0", "lane"), ("V_WRITELANE_B32", "S1", "ssrc9"),
    ("V_PERMLANE16_B32", "S0", "vsrc"), ("V_PERMLANEX16_B32", "S0", "vsrc"),
    ("V_PERMLANE16_B32", "S1", "lane"), ("V_PERMLANEX16_B32", "S1", "lane"),
    ("V_PERMLANE16_B32", "S2", "lane"), ("V_PERMLANEX16_B32", "S2", "lane"),
    ("V_SWAP_B32", "S0", "vsrc"), ("V_SWAPREL_B32", "S0", "vsrc"), ("V_PERMLANE64_B32", "S0", "vsrc"),
    ("V_SWAP_B16", "S0", "vsrc16"),
    ("V_PERMLANE16_SWAP_B32", "S0", "vsrc"), ("V_PERMLANE32_SWAP_B32", "S0", "vsrc"),
    ("V_ACCVGPR_MOV_B32", "D0", "agpr"), ("V_ACCVGPR_MOV_B32", "S0", "accsrc"),
    ("S_MOVRELS_B32", "S0", "sreg"), ("S_MOVRELS_B64", "S0", "sreg"), ("S_MOVRELSD_2_B32", "S0", "sreg"),
    ("S_RFE_B64", "S0", "sreg"), ("S_SETPC_B64", "S0", "sreg"), ("S_CBRANCH_JOIN", "S0", "sreg"),
    ("S_CBRANCH_G_FORK", "S0", "ssrc8"), ("S_CBRANCH_G_FORK", "S1", "ssrc8"),
    ("V_MQSAD_U32_U8", "S2", "vsrc"), ("V_MOVRELS_B32", "S0", "vsrc"), ("V_MOVRELSD_B32", "S0", "vsrc"),
    ("V_MOVRELSD_2_B32", "S0", "vsrc"),
)

# Immediates of SOPP and SOPK: how they are written; "" is no operand. The others are decimal numbers.
SOPP = {
    "S_ENDPGM": "optional", "S_BARRIER": "", "S_WAKEUP": "", "S_ICACHE_INV": "", "S_ENDPGM_SAVED": "",
    "S_ENDPGM_ORDERED_PS_DONE": "", "S_CODE_END": "", "S_TTRACEDATA": "", "S_SET_GPR_IDX_OFF": "",
    "S_TTRACEDATA_IMM": "hex",
    "S_WAIT_IDLE": "", "S_SETKILL": "decimal", "S_WAITCNT": "wait", "S_DELAY_ALU": "delay",
    "S_WAITCNT_DEPCTR": "depctr", "S_SENDMSG": "message", "S_SENDMSGHALT": "message", "S_CLAUSE": "hex",
    "S_ROUND_MODE": "hex", "S_DENORM_MODE": "decimal", "S_SET_INST_PREFETCH_DISTANCE": "hex",
    "S_WAIT_EVENT": "hex", "S_SET_GPR_IDX_MODE": "gpr_idx",
}
# Entries that the manual's tables lack but the chips have: (arch, format, opcode, name, evidence)
EXTRA = (
    ("cdna4", "VOP3P", 44, "V_MFMA_LD_SCALE_B32", "stands before scaled products; Triton's LLVM has it"),
    ("rdna3", "SOPP", 8, "S_WAITCNT_DEPCTR", "stands in compiled kernels; LLVM 19 and Triton's LLVM agree"),
    ("rdna3", "EXP", 0, "EXP", "is described without an opcode, as the only one of its format"),
    *(("rdna3", *row, "LLVM 19's tests, Triton's LLVM") for row in (
        ("SOPP", 58, "S_TTRACEDATA"), ("SOPP", 59, "S_TTRACEDATA_IMM"),
        ("SOPK", 22, "S_SUBVECTOR_LOOP_BEGIN"),
        ("SOPK", 23, "S_SUBVECTOR_LOOP_END"), ("SMEM", 34, "S_ATC_PROBE"), ("SMEM", 35, "S_ATC_PROBE_BUFFER"),
        ("DS", 24, "DS_GWS_SEMA_RELEASE_ALL"), ("DS", 25, "DS_GWS_INIT"), ("DS", 26, "DS_GWS_SEMA_V"),
        ("DS", 27, "DS_GWS_SEMA_BR"), ("DS", 28, "DS_GWS_SEMA_P"), ("DS", 29, "DS_GWS_BARRIER"))),
    *(("cdna4", *row, "LLVM 19's tests of earlier chips, Triton's LLVM") for row in (
        ("SOP2", 43, "S_RFE_RESTORE_B64"), ("SOPP", 30, "S_ENDPGM_ORDERED_PS_DONE"),
        ("SMEM", 38, "S_ATC_PROBE"), ("SMEM", 39, "S_ATC_PROBE_BUFFER"),
        ("VOP1", 55, "V_SCREEN_PARTITION_4SE_B32"), ("VOP3A", 375, "V_SCREEN_PARTITION_4SE_B32"),
        ("VOP1", 75, "V_EXP_LEGACY_F32"), ("VOP3A", 395, "V_EXP_LEGACY_F32"),
        ("VOP1", 76, "V_LOG_LEGACY_F32"), ("VOP3A", 396, "V_LOG_LEGACY_F32"),
        ("DS", 152, "DS_GWS_SEMA_RELEASE_ALL"), ("DS", 153, "DS_GWS_INIT"), ("DS", 154, "DS_GWS_SEMA_V"),
        ("DS", 155, "DS_GWS_SEMA_BR"), ("DS", 156, "DS_GWS_SEMA_P"), ("DS", 157, "DS_GWS_BARRIER"))),
)
# Names in the manual that assemblers write otherwise: (family or arch, manual, assembler)
NAMES = (
    ("cdna", "V_MAD_MIX_F32", "V_FMA_MIX_F32"), ("cdna", "V_MAD_MIXLO_F16", "V_FMA_MIXLO_F16"),
    ("cdna", "V_MAD_MIXHI_F16", "V_FMA_MIXHI_F16"),
    ("cdna", "V_ACCVGPR_READ", "V_ACCVGPR_READ_B32"), ("cdna", "V_ACCVGPR_WRITE", "V_ACCVGPR_WRITE_B32"),
)
# fmt: on
# Entries whose short form is written without _e32 though there is a VOP3 one.
PLAIN = (
    "V_ACCVGPR_MOV_B32",
    "V_READFIRSTLANE_B32",
    "V_NOP",
    "V_SWAP_B32",
    "V_SWAPREL_B32",
    "V_PIPEFLUSH",
    "V_CLREXCP",
)  # fmt: skip
# Vector entries of the short formats that no word of DPP or SDWA may follow.
NO_EXTENSION = (
    "V_READFIRSTLANE_B32", "V_NOP", "V_SWAP_B32", "V_SWAP_B16", "V_SWAPREL_B32", "V_PIPEFLUSH",
    "V_CLREXCP", "V_PERMLANE64_B32", "V_FMAMK_F32", "V_FMAAK_F32", "V_FMAMK_F16", "V_FMAAK_F16",
    "V_PERMLANE16_SWAP_B32", "V_PERMLANE32_SWAP_B32", "V_ACCVGPR_MOV_B32", "V_MADMK_F16", "V_MADAK_F16",
    "V_MADMK_F32", "V_MADAK_F32", "V_PK_FMAC_F16", "V_FMAC_DX9_ZERO_F32",
)  # fmt: skip
NO_SDWA = (
    "V_FMAC_F32", "V_FMAC_F16", "V_MAC_F16", "V_DOT2C_F32_F16", "V_DOT2C_F32_BF16", "V_DOT2C_I32_I16",
    "V_DOT4C_I32_I8", "V_DOT8C_I32_I4", "V_FMAC_F64",
)  # fmt: skip
# Conversions whose SDWA form chooses only the source.
ONLY_SOURCE = ("V_CVT_F32_FP8", "V_CVT_F32_BF8", "V_CVT_PK_F32_FP8", "V_CVT_PK_F32_BF8")
# Vector entries of VOP3 and VOP3P that no word of DPP may follow, besides those with 64 bits or lanes.
NO_LONG_DPP = (
    "V_DIV_FIXUP_F32", "V_DIV_FMAS_F32", "V_DIV_SCALE_F32", "V_FMAC_DX9_ZERO_F32", "V_FMA_DX9_ZERO_F32",
    "V_NOP", "V_PIPEFLUSH",
)  # fmt: skip


class Found(NamedTuple):
    """An operand of a row."""

    role: str
    type: str
    bits: int
    read: bool
    written: bool


def operands(text: str) -> list[Found]:
    """The operands of a row.

    >>> operands("D0:u64rw")
    [Found(role='D0', type='u', bits=64, read=True, written=True)]
    """
    found = []
    for each in text.split():
        role, _, rest = each.partition(":")
        digits = rest[1:].rstrip("rw")
        flags = rest[1 + len(digits) :]
        found.append(Found(role, rest[0], int(digits), "r" in flags, "w" in flags))
    return found
