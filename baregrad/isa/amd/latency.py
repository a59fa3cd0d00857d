"""Latency classes: which unit an instruction goes to, so that a scheduler can tell how long to stay away.

Rows are tried in their order: format, name, class. Matrix products of CDNA have a number of passes of 4
cycles each. What is not here: what an instruction reads and writes (effects.py), waits that must
be written by hand (hazards.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from baregrad.base import memo


class Latency(NamedTuple):
    """A class: what it is, and where that is said ("by unit": no manual names it, the unit does)."""

    name: str
    meaning: str
    source: str


# fmt: off
CLASSES = {row.name: row for row in (
    Latency("salu", "scalar arithmetic", "by unit"),
    Latency("valu", "vector arithmetic at the full rate", "by unit"),
    Latency("trans", "vector arithmetic of the transcendental unit",
     "RDNA3 ISA 16 (S_DELAY_ALU); CDNA4 ISA 4.5"),
    Latency("valu64", "vector arithmetic of 64 bits and whole products of 32 bits, at a lower rate",
     "by unit"),
    Latency("dot", "dot products", "CDNA4 ISA 7.6 (DL ops)"),
    Latency("matrix", "matrix products; CDNA counts passes of 4 cycles", "CDNA4 ISA 7.6, 12; RDNA3 ISA 7.9"),
    Latency("vmem", "vector memory: buffers, images, flat, global, scratch", "RDNA3 ISA 5.6; CDNA4 ISA 4.4"),
    Latency("smem", "scalar memory", "RDNA3 ISA 5.6; CDNA4 ISA 4.4"),
    Latency("lds", "local and global data share", "RDNA3 ISA 5.6; CDNA4 ISA 4.4"),
    Latency("export", "exports, and parameters of LDS", "RDNA3 ISA 5.6"),
    Latency("interp", "interpolation, which may wait by itself", "RDNA3 ISA 12.3"),
    Latency("message", "messages", "RDNA3 ISA 5.6; CDNA4 ISA 4.4"),
    Latency("branch", "what changes the program counter, or ends the wave", "by unit"),
    Latency("wait", "waits: counters, barriers, sleep, delays", "by unit"),
    Latency("nop", "does nothing, or is a hint", "by unit"),
)}

ROWS = (
    (r"SOPP|SOPK|SOP1", r"S_SENDMSG\w*", "message"),
    (r"SOPP|SOPK|SOP1|SOP2", r"S_(BRANCH|CBRANCH_\w+|CALL_B64|SETPC_B64|SWAPPC_B64|RFE\w*|TRAP|ENDPGM\w*)",
     "branch"),
    (r"SOPP|SOPK", r"S_(WAITCNT\w*|WAIT_\w+|BARRIER|SLEEP|DELAY_ALU|SETHALT|SETKILL)", "wait"),
    (r"SOPP", r".*", "nop"), (r"SOPK", r"S_VERSION", "nop"), (r"SOP\w", r".*", "salu"),
    (r"SMEM", r".*", "smem"), (r"DS", r"DS_NOP", "nop"), (r"DS", r".*", "lds"),
    (r"MUBUF|MTBUF|MIMG|FLAT|GLOBAL|SCRATCH", r".*", "vmem"), (r"EXP|LDSDIR", r".*", "export"),
    (r"VINTERP|VINTRP", r".*", "interp"),
    (r"VOP\w+", r"V_(NOP|PIPEFLUSH|CLREXCP)", "nop"),
    (r"VOP3P\w*", r"V_(S?MFMA|SMFMAC|WMMA|SWMMAC)_.*", "matrix"), (r"VOP\w+", r"V_DOT\d\w*", "dot"),
    (r"VOP\w+", r"V_S?_?(RCP|RSQ|SQRT|LOG|EXP|SIN|COS)_(IFLAG_|LEGACY_)?(F\d+|BF16)", "trans"),
    (r"VOP\w+", r"V_(\w+_)?F64(_\w+)?|V_MUL_(LO_U32|LO_I32|HI_U32|HI_I32)|V_MAD_[UI]64_[UI]32"
                r"|V_(LSHLREV|LSHRREV|ASHRREV|LSHL_ADD|CMPX?_\w+)_[BUI]64|V_M?QSAD_PK_U16_U8"
                r"|V_MQSAD_U32_U8", "valu64"),
    (r"VOP\w+", r".*", "valu"),
)

# Passes of a matrix product, by its name. Source: CDNA4 ISA 12.11 (notes of each), or by the shape where
# the manual is silent: then the product of the same shape with half as many elements in a row.
PASSES = (
    ("V_MFMA_F64_16X16X4_F64", 16), ("V_MFMA_F64_4X4X4_4B_F64", 4), ("V_MFMA_LD_SCALE_B32", 1),
    (r"V_MFMA_\w+_4X4X\d+_16B_\w+", 2), (r"V_MFMA_\w+_16X16X\d+_4B_\w+", 8),
    (r"V_MFMA_\w+_32X32X\d+_2B_\w+", 16),
    ("V_MFMA_F32_16X16X4_F32", 8), ("V_MFMA_F32_32X32X2_F32", 16),
    (r"V_MFMA(_SCALE)?_F32_16X16X128_F8F6F4", 8), (r"V_MFMA(_SCALE)?_F32_32X32X64_F8F6F4", 16),
    (r"V_S?MFMAC?_\w+_16X16X\d+_\w+", 4), (r"V_S?MFMAC?_\w+_32X32X\d+_\w+", 8),
)
# Where CDNA3 is otherwise. Source: CDNA3 ISA 12
PASSES_CDNA3 = (("V_MFMA_F64_16X16X4_F64", 8),)
# fmt: on


@memo
def latency_class(format_: str, name: str) -> Latency:
    """The class of an entry, by its format and name.

    >>> latency_class("VOP1", "V_RCP_F32").name, latency_class("DS", "DS_ADD_U32").name
    ('trans', 'lds')
    """
    if format_ == "VOPD":
        return CLASSES["dot" if "V_DUAL_DOT" in name else "valu"]
    return next(
        CLASSES[found]
        for fmt, pattern, found in ROWS
        if re.fullmatch(fmt, format_) and re.fullmatch(pattern, name)
    )


@memo
def passes(arch: str, name: str) -> int:
    """How many passes a matrix product takes, 0 for what is none. Those of RDNA have none that are told.

    >>> passes("cdna4", "V_MFMA_F32_32X32X8_F16")
    8
    """
    if arch.startswith("rdna"):
        return 0
    rows = (*PASSES_CDNA3, *PASSES) if arch == "cdna3" else PASSES
    return next((count for pattern, count in rows if re.fullmatch(pattern, name)), 0)
