"""Waits that a program must write by hand: two instructions, and how much must be between them.

Rows of facts for whoever orders or checks code: `first` and `second` say which instructions (a latency class,
or a pattern of an entry's name) and by which registers they depend on each other. A wait is a number of wait
states (S_NOP 0 is one); in tuples it goes by the passes of the first: 2, 4, 8
or 16. What is not here: waiting for memory (effects.py: counters), what inserts waits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from baregrad.isa.amd.latency import latency_class, passes

PASSES = (2, 4, 8, 16)
ANY = r".*"


class End(NamedTuple):
    """One of the two: its latency classes, a pattern of its name, and how it uses the register."""

    units: tuple[str, ...]
    name: str
    use: str

    def fits(self, format_: str, name: str) -> bool:
        """Is an entry such an instruction? What it does with registers is not asked."""
        if self.name != ANY and not re.fullmatch(self.name, name):
            return False
        return not self.units or latency_class(format_, name).name in self.units


class Hazard(NamedTuple):
    """Two instructions with `wait` between them; `why` is what there is to know, `source` where it stands."""

    archs: tuple[str, ...]
    first: End
    second: End
    wait: int | tuple[int, ...]
    source: str
    why: str = ""

    def states(self, arch: str, name: str) -> int:
        """The wait states behind an entry that is the first."""
        if isinstance(self.wait, int):
            return self.wait
        count = passes(arch, name)
        return self.wait[PASSES.index(count)] if count in PASSES else max(self.wait)


VALU = ("valu", "trans", "valu64", "dot")
LANES = r"V_(READLANE|READFIRSTLANE|WRITELANE)_B32"
WIDE = (
    r"(FLAT|GLOBAL|SCRATCH)_(STORE_DWORDX[34]|ATOMIC_F?CMPSWAP_X2)"
    r"|BUFFER_(STORE_(DWORDX[34]|FORMAT_XYZW?)|ATOMIC_F?CMPSWAP_X2)"
)
XDL = r"V_(SMFMAC_\w+|MFMA_(?!LD_SCALE)\w+_(F16|BF16|I8|XF32|BF8|FP8|F8F6F4))"
SGEMM = r"V_MFMA_F32_\w+_F32"
GEMM_4X4, GEMM_16X16 = r"V_MFMA_F64_4X4X4_4B_F64", r"V_MFMA_F64_16X16X4_F64"
SDGEMM = r"V_MFMA_\w+_F(32|64)"
MATRIX = r"V_(MFMA|SMFMAC)_(?!LD_SCALE)\w+"
MEMORY = ("vmem", "lds", "export")
CDNA, CDNA3, CDNA4, RDNA3 = ("cdna3", "cdna4"), ("cdna3",), ("cdna4",), ("rdna3",)
WAITS, PRODUCTS, PRODUCTS3 = "CDNA4 ISA 4.5, table 11", "CDNA4 ISA 7.6, table 38", "CDNA3 ISA 7.5, table 37"
DATA = "a buffer store with a scalar offset needs none"
READS_C, READS_AB = "reads C: all of the result", "reads A, B or index"
OVERLAPS_C = "reads C: a part of the result"


# fmt: off
HAZARDS = (
    Hazard(CDNA, End((), r"S_SETREG_\w+", "writes mode"), End((), r"S_(GETREG|SETREG)_\w+", "same register"),
     2, WAITS),
    Hazard(CDNA, End((), r"S_SETVSKIP", "writes mode"), End((), r"S_GETREG_B32", "reads mode"), 2, WAITS),
    Hazard(CDNA, End((), r"S_SETREG_\w+", "writes vskip"), End((*VALU, "matrix", *MEMORY), ANY, ""), 2,
     WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes vcc or exec"), End(VALU, ANY, "reads vccz or execz as data"), 5,
     WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes sgpr or vcc"), End((), r"V_(READ|WRITE)LANE_B32",
     "reads it as lane"), 4, WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes vcc"), End((), r"V_DIV_FMAS_\w+", "reads vcc"), 4, WAITS),
    Hazard(CDNA, End((), WIDE, "reads data"), End((), ANY, "writes the data's vgpr"), 1, WAITS, DATA),
    Hazard(CDNA, End((), WIDE, "reads data"), End(VALU, ANY, "writes the data's vgpr"), 2, WAITS, DATA),
    Hazard(CDNA, End(VALU, ANY, "writes sgpr"), End(("vmem",), ANY, "reads sgpr"), 5, WAITS),
    Hazard(CDNA, End(("salu",), ANY, "writes m0"), End((), r"S_SENDMSG\w*|S_TTRACEDATA", "reads m0"), 1,
     WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes vgpr"), End(VALU, ANY, "reads vgpr by DPP"), 2, WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes exec"), End(VALU, ANY, "has DPP"), 5, WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes vcc"), End(VALU, ANY, "reads vcc as data, by its other name"), 1,
     WAITS,
           "as a carry it needs none"),
    Hazard(CDNA, End((), r"S_SETREG_\w+", "writes trapsts"), End((), r"S_RFE\w*", ""), 1, WAITS),
    Hazard(CDNA, End(("salu",), ANY, "writes m0"), End((), r"DS_\w*ADDTID\w*|\w*LOAD_LDS\w*", "reads m0"), 1,
     WAITS),
    Hazard(CDNA, End(("salu",), ANY, "writes m0"), End((), r"S_MOVREL\w+", "reads m0"), 1, WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes sgpr or vcc"), End(VALU, ANY, "reads it as data"), 2, WAITS,
           "as a carry it needs none"),
    Hazard(CDNA, End((), r"V_CMPX_\w+", "writes exec"), End(VALU, ANY, "reads exec as data"), 2, WAITS),
    Hazard(CDNA, End((), r"V_CMPX_\w+", "writes exec"), End((), LANES, "reads exec"), 4, WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes vgpr"), End((), r"V_READLANE_B32", "reads vgpr"), 1, WAITS),
    Hazard(CDNA, End(VALU, ANY, "writes vgpr by OP_SEL or SDWA"), End(VALU, ANY, "reads vgpr"), 1, WAITS,
           "where the bits of the result are moved"),
    Hazard(CDNA, End(("trans",), ANY, "writes vgpr"), End(("valu", "valu64", "dot"), ANY, "reads vgpr"), 1,
     WAITS),
    Hazard(CDNA4, End((), r"V_CMPX_\w+", "writes exec"), End((), r"V_PERMLANE\w+", "reads exec"), 4, WAITS),
    Hazard(CDNA4, End(VALU, ANY, "writes vgpr"), End((), r"V_PERMLANE\w+", "reads vgpr"), 2, WAITS),

    Hazard(CDNA, End(("valu", "trans", "valu64"), ANY, "writes vgpr"), End((), MATRIX, "reads vgpr"), 2,
     PRODUCTS),
    Hazard(CDNA, End(("dot",), ANY, "writes vgpr"), End(("dot",), ANY, "same opcode, reads A or B"), 3,
     PRODUCTS),
    Hazard(CDNA, End(("dot",), ANY, "writes vgpr"), End((), ANY, "other opcode, reads or writes vgpr"), 3,
     PRODUCTS),
    Hazard(CDNA, End((), XDL, "writes vgpr"), End((), XDL, READS_C), (2, 0, 0, 0), PRODUCTS3,
           "with the same number of passes and size"),
    Hazard(CDNA4, End((), XDL, "writes vgpr"), End((), XDL, OVERLAPS_C), (4, 6, 10, 18), PRODUCTS),
    Hazard(CDNA3, End((), XDL, "writes vgpr"), End((), XDL, OVERLAPS_C), (3, 5, 9, 17), PRODUCTS3),
    Hazard(CDNA4, End((), XDL, "writes vgpr"), End((), SDGEMM, OVERLAPS_C), (3, 6, 10, 18), PRODUCTS),
    Hazard(CDNA3, End((), XDL, "writes vgpr"), End((), SDGEMM, OVERLAPS_C), (3, 5, 9, 17), PRODUCTS3),
    Hazard(CDNA4, End((), XDL, "writes vgpr"), End((), MATRIX, READS_AB), (5, 8, 12, 20), PRODUCTS),
    Hazard(CDNA3, End((), XDL, "writes vgpr"), End((), MATRIX, READS_AB), (5, 7, 11, 19), PRODUCTS3),
    Hazard(CDNA4, End((), XDL, "writes vgpr"), End((*MEMORY, *VALU), ANY, "uses vgpr"),
    (5, 8, 12, 20), PRODUCTS),
    Hazard(CDNA3, End((), XDL, "writes vgpr"), End((*MEMORY, *VALU), ANY, "uses vgpr"),
    (5, 7, 11, 19), PRODUCTS3),
    Hazard(CDNA, End((), SGEMM, "writes vgpr"), End((), SGEMM, READS_C), (2, 0, 0, 0), PRODUCTS),
    Hazard(CDNA, End((), SGEMM, "writes vgpr"), End((), SDGEMM, OVERLAPS_C), (2, 4, 8, 16), PRODUCTS),
    Hazard(CDNA, End((), SGEMM, "writes vgpr"), End((), MATRIX, READS_AB), (4, 6, 10, 18), PRODUCTS),
    Hazard(CDNA, End((), SGEMM, "writes vgpr"), End((*MEMORY, *VALU), ANY, "uses vgpr"),
    (4, 6, 10, 18), PRODUCTS),
    Hazard(CDNA4, End((), GEMM_16X16, "writes vgpr"), End((), SDGEMM, OVERLAPS_C), 17, PRODUCTS),
    Hazard(CDNA4, End((), GEMM_16X16, "writes vgpr"), End((), MATRIX, READS_AB), 19, PRODUCTS),
    Hazard(CDNA4, End((), GEMM_16X16, "writes vgpr"), End(VALU, ANY, "uses vgpr"), 19, PRODUCTS),
    Hazard(CDNA4, End((), GEMM_16X16, "writes vgpr"), End(MEMORY, ANY, "reads vgpr"), 18, PRODUCTS),
    Hazard(CDNA, End((), GEMM_4X4, "writes vgpr"), End((), SDGEMM, "reads C"), 4, PRODUCTS),
    Hazard(CDNA, End((), GEMM_4X4, "writes vgpr"), End((), MATRIX, READS_AB), 6, PRODUCTS),
    Hazard(CDNA, End((), GEMM_4X4, "writes vgpr"), End(VALU, ANY, "uses vgpr"), 6, PRODUCTS),
    Hazard(CDNA, End((), GEMM_4X4, "writes vgpr"), End(MEMORY, ANY, "reads vgpr"), 9, PRODUCTS),
    Hazard(CDNA, End((), r"V_CMPX_\w+", "writes exec"), End((), MATRIX, ""), 4, PRODUCTS),
    Hazard(CDNA, End((), XDL, "reads C"), End(VALU, ANY, "writes C's vgpr"), (1, 3, 7, 15), PRODUCTS),

    Hazard(RDNA3, End(VALU, ANY, "reads vgpr"), End((), r"LDS_(PARAM|DIRECT)_LOAD", "writes vgpr"), 0,
           "RDNA3 ISA 12.2.1.2", "its field wait_vdst says how many vector instructions may be under way"),
    Hazard(RDNA3, End(MEMORY, ANY, "reads vgpr"), End((), r"LDS_(PARAM|DIRECT)_LOAD", "writes vgpr"), 1,
           "RDNA3 ISA 12.2.1.2", "any vector instruction or export between them will do"),
)
# fmt: on


def hazards(arch: str) -> tuple[Hazard, ...]:
    """The rows of an architecture."""
    return tuple(row for row in HAZARDS if arch in row.archs)
