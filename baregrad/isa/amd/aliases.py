"""Other names that assemblers take for an entry: those of earlier chips, mostly.

A word is `other=name`, both without suffix. What is not here: the manual's names where an assembler's
differ (rows.py).
"""

from __future__ import annotations

# For each of these beginnings: the rest of the other name, and of the name.
_MEMORY = (
    (
        "buffer flat global",
        """
    atomic_add=atomic_add_u32 atomic_add_x2=atomic_add_u64 atomic_and=atomic_and_b32
    atomic_and_x2=atomic_and_b64 atomic_cmpswap=atomic_cmpswap_b32 atomic_cmpswap_x2=atomic_cmpswap_b64
    atomic_dec=atomic_dec_u32 atomic_dec_x2=atomic_dec_u64 atomic_fcmpswap=atomic_cmpswap_f32
    atomic_fmax=atomic_max_f32 atomic_fmin=atomic_min_f32 atomic_inc=atomic_inc_u32
    atomic_inc_x2=atomic_inc_u64 atomic_or=atomic_or_b32 atomic_or_x2=atomic_or_b64
    atomic_smax=atomic_max_i32 atomic_smax_x2=atomic_max_i64 atomic_smin=atomic_min_i32
    atomic_smin_x2=atomic_min_i64 atomic_sub=atomic_sub_u32 atomic_sub_x2=atomic_sub_u64
    atomic_swap=atomic_swap_b32 atomic_swap_x2=atomic_swap_b64 atomic_umax=atomic_max_u32
    atomic_umax_x2=atomic_max_u64 atomic_umin=atomic_min_u32 atomic_umin_x2=atomic_min_u64
    atomic_xor=atomic_xor_b32 atomic_xor_x2=atomic_xor_b64
    """,
    ),
    (
        "buffer global",
        """
    atomic_csub=atomic_csub_u32
    """,
    ),
    (
        "buffer flat global scratch",
        """
    load_dword=load_b32 load_dwordx2=load_b64 load_dwordx3=load_b96 load_dwordx4=load_b128
    load_sbyte=load_i8 load_sbyte_d16=load_d16_i8 load_sbyte_d16_hi=load_d16_hi_i8
    load_short_d16=load_d16_b16 load_short_d16_hi=load_d16_hi_b16 load_sshort=load_i16
    load_ubyte=load_u8 load_ubyte_d16=load_d16_u8 load_ubyte_d16_hi=load_d16_hi_u8 load_ushort=load_u16
    store_byte=store_b8 store_byte_d16_hi=store_d16_hi_b8 store_dword=store_b32 store_dwordx2=store_b64
    store_dwordx3=store_b96 store_dwordx4=store_b128 store_short=store_b16
    store_short_d16_hi=store_d16_hi_b16
    """,
    ),
    (
        "buffer",
        """
    load_format_d16_hi_x=load_d16_hi_format_x load_format_d16_x=load_d16_format_x
    load_format_d16_xy=load_d16_format_xy load_format_d16_xyz=load_d16_format_xyz
    load_format_d16_xyzw=load_d16_format_xyzw store_format_d16_hi_x=store_d16_hi_format_x
    store_format_d16_x=store_d16_format_x store_format_d16_xy=store_d16_format_xy
    store_format_d16_xyz=store_d16_format_xyz store_format_d16_xyzw=store_d16_format_xyzw
    """,
    ),
    (
        "global",
        """
    load_dword_addtid=load_addtid_b32 store_dword_addtid=store_addtid_b32
    """,
    ),
    (
        "tbuffer",
        """
    load_format_d16_x=load_d16_format_x load_format_d16_xy=load_d16_format_xy
    load_format_d16_xyz=load_d16_format_xyz load_format_d16_xyzw=load_d16_format_xyzw
    store_format_d16_x=store_d16_format_x store_format_d16_xy=store_d16_format_xy
    store_format_d16_xyz=store_d16_format_xyz store_format_d16_xyzw=store_d16_format_xyzw
    """,
    ),
)
_NAMES = {
    "rdna3": """
    ds_read2_b32=ds_load_2addr_b32 ds_read2_b64=ds_load_2addr_b64
    ds_read2st64_b32=ds_load_2addr_stride64_b32 ds_read2st64_b64=ds_load_2addr_stride64_b64
    ds_read_addtid_b32=ds_load_addtid_b32 ds_read_b128=ds_load_b128 ds_read_b32=ds_load_b32
    ds_read_b64=ds_load_b64 ds_read_b96=ds_load_b96 ds_read_i16=ds_load_i16 ds_read_i8=ds_load_i8
    ds_read_i8_d16=ds_load_i8_d16 ds_read_i8_d16_hi=ds_load_i8_d16_hi ds_read_u16=ds_load_u16
    ds_read_u16_d16=ds_load_u16_d16 ds_read_u16_d16_hi=ds_load_u16_d16_hi ds_read_u8=ds_load_u8
    ds_read_u8_d16=ds_load_u8_d16 ds_read_u8_d16_hi=ds_load_u8_d16_hi ds_write2_b32=ds_store_2addr_b32
    ds_write2_b64=ds_store_2addr_b64 ds_write2st64_b32=ds_store_2addr_stride64_b32
    ds_write2st64_b64=ds_store_2addr_stride64_b64 ds_write_addtid_b32=ds_store_addtid_b32
    ds_write_b128=ds_store_b128 ds_write_b16=ds_store_b16 ds_write_b16_d16_hi=ds_store_b16_d16_hi
    ds_write_b32=ds_store_b32 ds_write_b64=ds_store_b64 ds_write_b8=ds_store_b8
    ds_write_b8_d16_hi=ds_store_b8_d16_hi ds_write_b96=ds_store_b96
    ds_wrxchg2_rtn_b32=ds_storexchg_2addr_rtn_b32 ds_wrxchg2_rtn_b64=ds_storexchg_2addr_rtn_b64
    ds_wrxchg2st64_rtn_b32=ds_storexchg_2addr_stride64_rtn_b32
    ds_wrxchg2st64_rtn_b64=ds_storexchg_2addr_stride64_rtn_b64 ds_wrxchg_rtn_b32=ds_storexchg_rtn_b32
    ds_wrxchg_rtn_b64=ds_storexchg_rtn_b64 s_andn1_saveexec_b32=s_and_not0_saveexec_b32
    s_andn1_saveexec_b64=s_and_not0_saveexec_b64 s_andn1_wrexec_b32=s_and_not0_wrexec_b32
    s_andn1_wrexec_b64=s_and_not0_wrexec_b64 s_andn2_b32=s_and_not1_b32 s_andn2_b64=s_and_not1_b64
    s_andn2_saveexec_b32=s_and_not1_saveexec_b32 s_andn2_saveexec_b64=s_and_not1_saveexec_b64
    s_andn2_wrexec_b32=s_and_not1_wrexec_b32 s_andn2_wrexec_b64=s_and_not1_wrexec_b64
    s_buffer_load_dword=s_buffer_load_b32 s_buffer_load_dwordx16=s_buffer_load_b512
    s_buffer_load_dwordx2=s_buffer_load_b64 s_buffer_load_dwordx4=s_buffer_load_b128
    s_buffer_load_dwordx8=s_buffer_load_b256 s_ff1_i32_b32=s_ctz_i32_b32 s_ff1_i32_b64=s_ctz_i32_b64
    s_flbit_i32=s_cls_i32 s_flbit_i32_b32=s_clz_i32_u32 s_flbit_i32_b64=s_clz_i32_u64
    s_flbit_i32_i64=s_cls_i32_i64 s_inst_prefetch=s_set_inst_prefetch_distance s_load_dword=s_load_b32
    s_load_dwordx16=s_load_b512 s_load_dwordx2=s_load_b64 s_load_dwordx4=s_load_b128
    s_load_dwordx8=s_load_b256 s_orn1_saveexec_b32=s_or_not0_saveexec_b32
    s_orn1_saveexec_b64=s_or_not0_saveexec_b64 s_orn2_b32=s_or_not1_b32 s_orn2_b64=s_or_not1_b64
    s_orn2_saveexec_b32=s_or_not1_saveexec_b32 s_orn2_saveexec_b64=s_or_not1_saveexec_b64
    v_add_i32=v_add_nc_i32 v_add_u32=v_add_nc_u32 v_cmp_tru_f16=v_cmp_t_f16 v_cmp_tru_f32=v_cmp_t_f32
    v_cmp_tru_f64=v_cmp_t_f64 v_cmpx_tru_f16=v_cmpx_t_f16 v_cmpx_tru_f32=v_cmpx_t_f32
    v_cmpx_tru_f64=v_cmpx_t_f64 v_cvt_flr_i32_f32=v_cvt_floor_i32_f32
    v_cvt_pknorm_i16_f16=v_cvt_pk_norm_i16_f16 v_cvt_pknorm_i16_f32=v_cvt_pk_norm_i16_f32
    v_cvt_pknorm_u16_f16=v_cvt_pk_norm_u16_f16 v_cvt_pknorm_u16_f32=v_cvt_pk_norm_u16_f32
    v_cvt_pkrtz_f16_f32=v_cvt_pk_rtz_f16_f32 v_cvt_rpi_i32_f32=v_cvt_nearest_i32_f32
    v_dot2c_f32_f16=v_dot2acc_f32_f16 v_ffbh_i32=v_cls_i32 v_ffbh_u32=v_clz_i32_u32
    v_ffbl_b32=v_ctz_i32_b32 v_fma_legacy_f32=v_fma_dx9_zero_f32 v_fmac_legacy_f32=v_fmac_dx9_zero_f32
    v_mul_legacy_f32=v_mul_dx9_zero_f32 v_sub_i32=v_sub_nc_i32 v_sub_u32=v_sub_nc_u32
    v_subrev_u32=v_subrev_nc_u32
    """,
    "cdna4": """
    v_mfma_f32_16x16x32bf16=v_mfma_f32_16x16x32_bf16 v_mfma_f32_16x16x32f16=v_mfma_f32_16x16x32_f16
    v_mfma_f32_32x32x16bf16=v_mfma_f32_32x32x16_bf16 v_mfma_f32_32x32x16f16=v_mfma_f32_32x32x16_f16
    v_mfma_i32_16x16x64i8=v_mfma_i32_16x16x64_i8 v_mfma_i32_32x32x32i8=v_mfma_i32_32x32x32_i8
    v_accvgpr_read=v_accvgpr_read_b32 v_accvgpr_write=v_accvgpr_write_b32
    v_mfma_f32_16x16x16bf16=v_mfma_f32_16x16x16_bf16 v_mfma_f32_16x16x16bf16_1k=v_mfma_f32_16x16x16_bf16
    v_mfma_f32_16x16x16f16=v_mfma_f32_16x16x16_f16 v_mfma_f32_16x16x1f32=v_mfma_f32_16x16x1_4b_f32
    v_mfma_f32_16x16x4bf16=v_mfma_f32_16x16x4_4b_bf16
    v_mfma_f32_16x16x4bf16_1k=v_mfma_f32_16x16x4_4b_bf16 v_mfma_f32_16x16x4f16=v_mfma_f32_16x16x4_4b_f16
    v_mfma_f32_16x16x4f32=v_mfma_f32_16x16x4_f32 v_mfma_f32_32x32x1f32=v_mfma_f32_32x32x1_2b_f32
    v_mfma_f32_32x32x2f32=v_mfma_f32_32x32x2_f32 v_mfma_f32_32x32x4bf16=v_mfma_f32_32x32x4_2b_bf16
    v_mfma_f32_32x32x4bf16_1k=v_mfma_f32_32x32x4_2b_bf16 v_mfma_f32_32x32x4f16=v_mfma_f32_32x32x4_2b_f16
    v_mfma_f32_32x32x8bf16=v_mfma_f32_32x32x8_bf16 v_mfma_f32_32x32x8bf16_1k=v_mfma_f32_32x32x8_bf16
    v_mfma_f32_32x32x8f16=v_mfma_f32_32x32x8_f16 v_mfma_f32_4x4x1f32=v_mfma_f32_4x4x1_16b_f32
    v_mfma_f32_4x4x4bf16=v_mfma_f32_4x4x4_16b_bf16 v_mfma_f32_4x4x4bf16_1k=v_mfma_f32_4x4x4_16b_bf16
    v_mfma_f32_4x4x4f16=v_mfma_f32_4x4x4_16b_f16 v_mfma_f64_16x16x4f64=v_mfma_f64_16x16x4_f64
    v_mfma_f64_4x4x4f64=v_mfma_f64_4x4x4_4b_f64 v_mfma_i32_16x16x32i8=v_mfma_i32_16x16x32_i8
    v_mfma_i32_16x16x4i8=v_mfma_i32_16x16x4_4b_i8 v_mfma_i32_32x32x16i8=v_mfma_i32_32x32x16_i8
    v_mfma_i32_32x32x4i8=v_mfma_i32_32x32x4_2b_i8 v_mfma_i32_4x4x4i8=v_mfma_i32_4x4x4_16b_i8
    v_mul_lo_i32=v_mul_lo_u32 v_smfmac_f32_16x16x32bf16=v_smfmac_f32_16x16x32_bf16
    v_smfmac_f32_16x16x32f16=v_smfmac_f32_16x16x32_f16
    v_smfmac_f32_16x16x64bf8bf8=v_smfmac_f32_16x16x64_bf8_bf8
    v_smfmac_f32_16x16x64bf8fp8=v_smfmac_f32_16x16x64_bf8_fp8
    v_smfmac_f32_16x16x64fp8bf8=v_smfmac_f32_16x16x64_fp8_bf8
    v_smfmac_f32_16x16x64fp8fp8=v_smfmac_f32_16x16x64_fp8_fp8
    v_smfmac_f32_32x32x16bf16=v_smfmac_f32_32x32x16_bf16
    v_smfmac_f32_32x32x16f16=v_smfmac_f32_32x32x16_f16
    v_smfmac_f32_32x32x32bf8bf8=v_smfmac_f32_32x32x32_bf8_bf8
    v_smfmac_f32_32x32x32bf8fp8=v_smfmac_f32_32x32x32_bf8_fp8
    v_smfmac_f32_32x32x32fp8bf8=v_smfmac_f32_32x32x32_fp8_bf8
    v_smfmac_f32_32x32x32fp8fp8=v_smfmac_f32_32x32x32_fp8_fp8
    v_smfmac_i32_16x16x64i8=v_smfmac_i32_16x16x64_i8 v_smfmac_i32_32x32x32i8=v_smfmac_i32_32x32x32_i8
    """,
}


def aliases(arch: str) -> list[tuple[str, str]]:
    """(other name, name) of an architecture.

    >>> dict(aliases("rdna3"))["global_load_dword"]
    'global_load_b32'
    """
    words = _NAMES.get(arch, "").split()
    for begins, rows in _MEMORY if arch == "rdna3" else ():
        for begin in begins.split():
            for row in rows.split():
                other, _, name = row.partition("=")
                words.append(f"{begin}_{other}={begin}_{name}")
    return [(word.partition("=")[0], word.partition("=")[2]) for word in words]
