"""Effects that trees do not say, as rows: implicit registers, control, wait counters, spaces, sizes.

Patterns are whole matches of a format or a name; rows of REGISTERS all apply, of the others the first does.
What is not here: what follows from trees (effects.py).
"""

from __future__ import annotations

from typing import NamedTuple


class Uses(NamedTuple):
    """An implicit register that entries use (`drop`: do not use, though their trees name it).

    `when` is a modifier that must be set: "gds", "lds", or "" for always.
    """

    family: str
    format: str
    name: str
    register: str
    uses: str
    source: str
    drop: bool = False
    when: str = ""


class Control(NamedTuple):
    """What becomes of the flow of a wave."""

    what: str
    name: str
    source: str


class Counter(NamedTuple):
    """The wait counters that entries raise; "vector" is vmcnt for what brings data, else vscnt."""

    family: str
    format: str
    name: str
    counters: tuple[str, ...]
    source: str


VECTOR = r"VOP\w*|VINT\w+|DS|MUBUF|MTBUF|MIMG|FLAT|GLOBAL|SCRATCH|EXP|LDSDIR"
VMEM = r"MUBUF|MTBUF|MIMG|GLOBAL|SCRATCH"
# fmt: off
REGISTERS = (
    # What the trees name, but as operands of the long formats, or after it is written.
    Uses("", r"VOP3SD|VOP3B", r".*", "vcc", "rw", "RDNA3 ISA 15.3.5, CDNA4 ISA 12.9: SDST and SRC2 instead",
     True),
    Uses("", r"VOP3A?", r"V_CNDMASK_\w+", "vcc", "r", "RDNA3 ISA 15.3.4: SRC2 instead", True),
    Uses("", r"SOP2", r"S_(MIN|MAX)_[IU]32", "scc", "r", "written before it is read", True),
    # Lanes that are off keep their results, and are not read.
    Uses("", VECTOR, r".*", "exec", "r", "RDNA3 ISA 3.3.1, CDNA4 ISA 3.3"),
    Uses("", r"VOP\w*", r"V_(READLANE|WRITELANE)_B32|V_NOP|V_PIPEFLUSH|V_CLREXCP", "exec", "r",
         "RDNA3 ISA 3.3.1, CDNA4 ISA 3.3: EXEC is ignored", True),
    Uses("", r"VOP3P", r"V_(S?MFMA|SMFMAC|WMMA)_\w+", "exec", "rw",
     "CDNA4 ISA 7.1, RDNA3 ISA 7.9: EXEC is ignored",
         True),
    Uses("", r"MUBUF", r"BUFFER_(GL[01]_INV|INV|WBL2|WBINVL1\w*)", "exec", "r", "no lane takes part", True),
    Uses("", r"DS", r"DS_NOP", "exec", "r", "does nothing", True),
    Uses("", r"VOPD", r".*V_DUAL_CNDMASK_B32.*", "vcc", "r", "RDNA3 ISA 7.6"),
    # Rounding and denormals of floats.
    Uses("", r"VOP\w*|VINT\w+", r".*_(B?F16|F32|F64|FP8|BF8|FP6|BF6|FP4)(_.*)?", "mode", "r",
     "RDNA3 ISA 3.4.1"),
    Uses("", r"VOP3P", r"V_(S?MFMA|SMFMAC|WMMA)_\w+", "mode", "r",
     "CDNA4 ISA 7.1: to nearest even in any case", True),
    Uses("", r"SOPK", r"S_SETREG_\w+", "mode", "rw",
     "RDNA3 ISA 3.4; of other registers it is not, but it may be"),
    Uses("", r"SOPK", r"S_GETREG_B32", "mode", "r", "RDNA3 ISA 3.4"),
    Uses("", r"SOPP", r"S_(ROUND|DENORM)_MODE", "mode", "rw", "RDNA3 ISA 16.5"),
    Uses("cdna", r"SOPP|SOPC|SOP1", r"S_SET_GPR_IDX_(ON|OFF|MODE)|S_SETVSKIP", "mode", "rw", "CDNA4 ISA 6.6"),
    Uses("cdna", r"SOPP|SOPC|SOP1", r"S_SET_GPR_IDX_(ON|IDX|MODE)", "m0", "rw",
     "CDNA4 ISA 6.6: other bits stay"),
    # M0.
    Uses("cdna", r"DS", r"DS_(?!NOP)\w+", "m0", "r", "CDNA4 ISA 11.1: size of local memory"),
    Uses("rdna", r"DS", r"DS_(APPEND|CONSUME|ORDERED_COUNT|GWS_\w+|(ADD|SUB)_GS_REG_RTN)|DS_\w+_ADDTID_B32",
     "m0", "r",
         "RDNA3 ISA 12.4"),
    Uses("rdna", r"DS", r".*", "m0", "r", "RDNA3 ISA 12.4: base and size of GDS", when="gds"),
    Uses("rdna", r"LDSDIR", r".*", "m0", "r", "RDNA3 ISA 12.2"),
    Uses("", r"EXP", r".*", "m0", "r", "RDNA3 ISA 13: row of primitives and meshes"),
    Uses("", r"GLOBAL|SCRATCH|MUBUF", r"\w*LOAD_LDS\w*", "m0", "r", "CDNA4 ISA 10.3"),
    Uses("", r"MUBUF", r".*", "m0", "r", "CDNA4 ISA 9.1.9", when="lds"),
    Uses("", r"SOPP", r"S_SENDMSG(HALT)?|S_TTRACEDATA", "m0", "r", "RDNA3 ISA 16.5, CDNA4 ISA 12.5"),
    # Where it goes on.
    Uses("", r"SOPP", r"S_ENDPGM\w*", "pc", "w", "RDNA3 ISA 16.5"),
    Uses("", r"SOP2", r"S_RFE_RESTORE_B64", "pc", "w", "its name: as S_RFE_B64"),
    Uses("", r"SOPP", r"S_TRAP", "ttmp", "w", "RDNA3 ISA 16.5"),
)

CONTROL = (
    Control("branch", r"S_BRANCH", "RDNA3 ISA 5.2"),
    Control("conditional", r"S_CBRANCH_\w+", "RDNA3 ISA 5.2"),
    Control("call", r"S_CALL_B64|S_SWAPPC_B64", "RDNA3 ISA 5.2"),
    Control("jump", r"S_SETPC_B64|S_RFE\w*", "RDNA3 ISA 5.2"),
    Control("trap", r"S_TRAP", "RDNA3 ISA 5.2"),
    Control("end", r"S_ENDPGM\w*|S_CODE_END", "RDNA3 ISA 5.1"),
    Control("barrier", r"S_BARRIER", "RDNA3 ISA 5.5"),
    Control("wait", r"S_WAITCNT\w*|S_WAIT_\w+", "RDNA3 ISA 5.6"),
    Control("delay", r"S_DELAY_ALU", "RDNA3 ISA 5.7"),
    Control("message", r"S_SENDMSG\w*", "RDNA3 ISA 5.4"),
    Control("sleep", r"S_SLEEP|S_WAKEUP", "RDNA3 ISA 5.1"),
    Control("halt", r"S_SETHALT|S_SETKILL", "RDNA3 ISA 5.1"),
    Control("priority", r"S_SETPRIO", "CDNA4 ISA 4.1"),
    Control("mode", r"S_ROUND_MODE|S_DENORM_MODE|S_SETREG_\w+|S_SET_GPR_IDX_(ON|OFF|MODE)|S_SETVSKIP",
     "RDNA3 ISA 3.4"),
    Control("hint",
     r"S_(NOP|CLAUSE|ICACHE_INV|SET_INST_PREFETCH_DISTANCE|INCPERFLEVEL|DECPERFLEVEL|TTRACEDATA\w*)",
            "RDNA3 ISA 5.1"),
)

# Source: RDNA3 ISA 5.6, CDNA4 ISA 4.4
COUNTERS = (
    Counter("", r"MUBUF", r"BUFFER_(GL[01]_INV|INV|WBINVL1\w*)", (), "gfx memory model: nothing counts them"),
    Counter("", r"DS", r"DS_NOP", (), "does nothing"),
    Counter("rdna", VMEM, r".*", ("vector",), "RDNA3 ISA 5.6"),
    Counter("cdna", VMEM, r".*", ("vmcnt",), "CDNA4 ISA 4.4"),
    Counter("rdna", r"FLAT", r".*", ("vector", "lgkmcnt"), "RDNA3 ISA 5.6"),
    Counter("cdna", r"FLAT", r".*", ("vmcnt", "lgkmcnt"), "CDNA4 ISA 4.4"),
    Counter("rdna", r"DS", r"DS_(GWS_\w+|ORDERED_COUNT|(ADD|SUB)_GS_REG_RTN)", ("lgkmcnt", "expcnt"),
     "RDNA3 ISA 5.6"),
    Counter("", r"DS|SMEM", r".*", ("lgkmcnt",), "RDNA3 ISA 5.6, CDNA4 ISA 4.4"),
    Counter("", r"SOP\w", r"S_SENDMSG\w*", ("lgkmcnt",), "RDNA3 ISA 5.6, CDNA4 ISA 4.4"),
    Counter("", r"EXP|LDSDIR", r".*", ("expcnt",), "RDNA3 ISA 5.6"),
)

# What waits wait for: (family, name, counters). Which of them, and how far, is in the instruction.
WAITS = (
    ("rdna", r"S_WAITCNT", ("vmcnt", "lgkmcnt", "expcnt")),
    ("cdna", r"S_WAITCNT", ("vmcnt", "lgkmcnt", "expcnt")),
    ("", r"S_WAITCNT_VSCNT", ("vscnt",)), ("", r"S_WAITCNT_VMCNT", ("vmcnt",)),
    ("", r"S_WAITCNT_LGKMCNT", ("lgkmcnt",)), ("", r"S_WAITCNT_EXPCNT", ("expcnt",)),
    ("", r"V_INTERP_\w+", ("expcnt",)), ("", r"S_WAIT_IDLE", ("vmcnt", "vscnt", "lgkmcnt", "expcnt")),
)

# Entries that keep a part of their result, or do not, though their trees look otherwise: (name, keeps).
# Source: CDNA4 ISA 6.2.3 (OP_SEL of 16 and 8 bits chooses a part of the result), RDNA3 ISA 16 (V_DIV_SCALE)
KEEPS = (
    (r"V_DIV_SCALE_\w+", False), (r"V_CVT_(SR_(FP8|BF8|F16|BF16)|PK_(FP8|BF8))_\w+", True),
    (r"V_CVT_SCALEF32_((SR_)?(PK_)?(FP8|BF8|FP4)|F16)_\w+", True),
)

# Which memory entries of a format go to: (format, name, space)
SPACES = (
    (r"DS", r"DS_NOP", ""), (r"DS", r"DS_(B?PERMUTE|SWIZZLE)\w*", ""),
    (r"DS", r"DS_(ORDERED_COUNT|(ADD|SUB)_GS_REG_RTN|GWS_\w+)", "gds"), (r"DS|LDSDIR", r".*", "lds"),
    (r"SMEM", r"S_(MEM(REAL)?TIME|GET_\w+)", ""), (r"SMEM", r".*", "scalar"),
    (r"MUBUF|MTBUF", r".*", "buffer"),
    (r"FLAT", r".*", "flat"), (r"GLOBAL", r".*", "global"), (r"SCRATCH", r"\w+", "scratch"),
    (r"MIMG", r".*", "image"),
)

# Bytes of a lane where neither tree nor name says them, or a tree says more than one access.
SIZES = (
    (r"DS_GWS_\w+", 0), (r"(GLOBAL|SCRATCH|BUFFER)_LOAD_LDS_DWORD", 4),
    (r"(GLOBAL|SCRATCH)_LOAD_LDS_[SU]BYTE", 1),
    (r"(GLOBAL|SCRATCH)_LOAD_LDS_[SU]SHORT", 2), (r"DS_READ_B64_TR_\w+", 8), (r"DS_READ_B96_TR_B6", 12),
    (r"S_DCACHE_DISCARD", 64), (r"S_DCACHE_DISCARD_X2", 128), (r"DS_BVH_STACK_\w+", 4),
    (r"DS_(APPEND|CONSUME)", 4),
    (r"LDS_(DIRECT|PARAM)_LOAD", 4), (r"DS_(LOAD|READ|STORE|WRITE)_ADDTID_B32", 4),
)
# fmt: on
