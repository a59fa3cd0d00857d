"""Every field of a kernel descriptor as a row: its place, the families that have it, its directive.

Rows only. Source: AMDGPUUsage of LLVM, "Kernel Descriptor"; the defaults are those of llvm-mc 19, and what it
and Triton 3.9.0 write was the check.
"""

from __future__ import annotations

from typing import NamedTuple

# Where each word of the descriptor begins, in bytes; what is between them is 0.
WORDS = {"group": 0, "private": 4, "kernarg": 8, "entry": 16, "rsrc3": 44, "rsrc1": 48, "rsrc2": 52,
         "properties": 56, "preload": 58}  # fmt: skip


class Row(NamedTuple):
    """A field: `width` bits from bit `low` of a word on, in the descriptors of `families`.

    `directive` is its `.amdhsa_` name, if it has one; with `derived`, the directive's value is not the field's.
    `sgprs` is how many user SGPRs the field makes the kernel have.
    """

    name: str
    word: str
    low: int
    width: int
    families: frozenset[str]
    directive: str = ""
    default: int = 0
    sgprs: int = 0
    derived: bool = False


def _families(text: str) -> frozenset[str]:
    """Families by what follows "gfx" in their names."""
    return frozenset("gfx" + one for one in text.split())


ALL = _families("9 90a 940 10 11 12")
CDNA = _families("90a 940")
BUFFER, ARCHITECTED = _families("9 90a 10"), _families("940 11 12")
BEFORE_11, BEFORE_12, GFX10_UP = (
    _families("9 90a 940 10"),
    _families("9 90a 940 10 11"),
    _families("10 11 12"),
)

# The fields that have directives, in the order in which LLVM writes these. Width 0: no field.
# fmt: off
ROWS = (
    Row("group_segment_fixed_size",    "group",      0, 32, ALL,         "group_segment_fixed_size"),
    Row("private_segment_fixed_size",  "private",    0, 32, ALL,         "private_segment_fixed_size"),
    Row("kernarg_size",                "kernarg",    0, 32, ALL,         "kernarg_size"),
    Row("user_sgpr_count",             "rsrc2",      1, 5,  ALL,         "user_sgpr_count", derived=True),
    Row("private_segment_buffer",      "properties", 0, 1,  BUFFER,      "user_sgpr_private_segment_buffer", sgprs=4),
    Row("dispatch_ptr",                "properties", 1, 1,  ALL,         "user_sgpr_dispatch_ptr", sgprs=2),
    Row("queue_ptr",                   "properties", 2, 1,  ALL,         "user_sgpr_queue_ptr", sgprs=2),
    Row("kernarg_segment_ptr",         "properties", 3, 1,  ALL,         "user_sgpr_kernarg_segment_ptr", sgprs=2),
    Row("dispatch_id",                 "properties", 4, 1,  ALL,         "user_sgpr_dispatch_id", sgprs=2),
    Row("flat_scratch_init",           "properties", 5, 1,  BUFFER,      "user_sgpr_flat_scratch_init", sgprs=2),
    Row("kernarg_preload_length",      "preload",    0, 7,  CDNA,        "user_sgpr_kernarg_preload_length", sgprs=1),
    Row("kernarg_preload_offset",      "preload",    7, 9,  CDNA,        "user_sgpr_kernarg_preload_offset"),
    Row("private_segment_size",        "properties", 6, 1,  ALL,         "user_sgpr_private_segment_size", sgprs=1),
    Row("wavefront_size32",            "properties", 10, 1, GFX10_UP,    "wavefront_size32", 1),
    Row("uses_dynamic_stack",          "properties", 11, 1, ALL,         "uses_dynamic_stack"),
    Row("private_segment",             "rsrc2",      0, 1,  ARCHITECTED, "enable_private_segment"),
    Row("private_segment_wavefront_offset", "rsrc2", 0, 1,  BUFFER,      "system_sgpr_private_segment_wavefront_offset"),
    Row("workgroup_id_x",              "rsrc2",      7, 1,  ALL,         "system_sgpr_workgroup_id_x", 1),
    Row("workgroup_id_y",              "rsrc2",      8, 1,  ALL,         "system_sgpr_workgroup_id_y"),
    Row("workgroup_id_z",              "rsrc2",      9, 1,  ALL,         "system_sgpr_workgroup_id_z"),
    Row("workgroup_info",              "rsrc2",      10, 1, ALL,         "system_sgpr_workgroup_info"),
    Row("workitem_id",                 "rsrc2",      11, 2, ALL,         "system_vgpr_workitem_id"),
    Row("vgpr_granules",               "rsrc1",      0, 6,  ALL,         "next_free_vgpr", derived=True),
    Row("sgpr_granules",               "rsrc1",      6, 4,  ALL,         "next_free_sgpr", derived=True),
    Row("accum_offset",                "rsrc3",      0, 6,  CDNA,        "accum_offset", derived=True),
    Row("reserve_vcc",                 "rsrc1",      0, 0,  ALL,         "reserve_vcc", derived=True),
    Row("reserve_flat_scratch",        "rsrc1",      0, 0,  BUFFER,      "reserve_flat_scratch", derived=True),
    Row("reserve_xnack_mask",          "rsrc1",      0, 0,  BEFORE_11,      "reserve_xnack_mask", derived=True),
    Row("float_round_mode_32",         "rsrc1",      12, 2, ALL,         "float_round_mode_32"),
    Row("float_round_mode_16_64",      "rsrc1",      14, 2, ALL,         "float_round_mode_16_64"),
    Row("float_denorm_mode_32",        "rsrc1",      16, 2, ALL,         "float_denorm_mode_32"),
    Row("float_denorm_mode_16_64",     "rsrc1",      18, 2, ALL,         "float_denorm_mode_16_64", 3),
    Row("dx10_clamp",                  "rsrc1",      21, 1, BEFORE_12,   "dx10_clamp", 1),
    Row("ieee_mode",                   "rsrc1",      23, 1, BEFORE_12,   "ieee_mode", 1),
    Row("fp16_overflow",               "rsrc1",      26, 1, ALL,         "fp16_overflow"),
    Row("tg_split",                    "rsrc3",      16, 1, CDNA,        "tg_split"),
    Row("workgroup_processor_mode",    "rsrc1",      29, 1, GFX10_UP,    "workgroup_processor_mode", 1),
    Row("memory_ordered",              "rsrc1",      30, 1, GFX10_UP,    "memory_ordered", 1),
    Row("forward_progress",            "rsrc1",      31, 1, GFX10_UP,    "forward_progress"),
    Row("shared_vgpr_count",           "rsrc3",      0, 4,  _families("10 11"), "shared_vgpr_count"),
    Row("inst_pref_size",              "rsrc3",      4, 6,  _families("11"),    "inst_pref_size"),
    Row("inst_pref_size",              "rsrc3",      4, 8,  _families("12"),    "inst_pref_size"),
    Row("round_robin_scheduling",      "rsrc1",      21, 1, _families("12"),    "round_robin_scheduling"),
    Row("exception_fp_ieee_invalid_op", "rsrc2",     24, 1, ALL,         "exception_fp_ieee_invalid_op"),
    Row("exception_fp_denorm_src",     "rsrc2",      25, 1, ALL,         "exception_fp_denorm_src"),
    Row("exception_fp_ieee_div_zero",  "rsrc2",      26, 1, ALL,         "exception_fp_ieee_div_zero"),
    Row("exception_fp_ieee_overflow",  "rsrc2",      27, 1, ALL,         "exception_fp_ieee_overflow"),
    Row("exception_fp_ieee_underflow", "rsrc2",      28, 1, ALL,         "exception_fp_ieee_underflow"),
    Row("exception_fp_ieee_inexact",   "rsrc2",      29, 1, ALL,         "exception_fp_ieee_inexact"),
    Row("exception_int_div_zero",      "rsrc2",      30, 1, ALL,         "exception_int_div_zero"),
    # Fields that no directive sets: 0 in a file, except the first; the packet processor fills in some.
    Row("entry_offset",                "entry",      0, 64, ALL),
    Row("priority",                    "rsrc1",      10, 2, ALL),
    Row("priv",                        "rsrc1",      20, 1, ALL),
    Row("debug_mode",                  "rsrc1",      22, 1, BEFORE_12),
    Row("disable_perf",                "rsrc1",      23, 1, _families("12")),
    Row("bulky",                       "rsrc1",      24, 1, ALL),
    Row("debug_user",                  "rsrc1",      25, 1, ALL),
    Row("trap_handler",                "rsrc2",      6, 1,  ALL),
    Row("exception_address_watch",     "rsrc2",      13, 1, ALL),
    Row("exception_memory_violation",  "rsrc2",      14, 1, ALL),
    Row("lds_granules",                "rsrc2",      15, 9, ALL),
    Row("trap_on_start",               "rsrc3",      10, 1, _families("11")),
    Row("trap_on_end",                 "rsrc3",      11, 1, _families("11")),
    Row("glg_enable",                  "rsrc3",      13, 1, _families("12")),
    Row("image_op",                    "rsrc3",      31, 1, _families("11 12")),
)
# fmt: on
