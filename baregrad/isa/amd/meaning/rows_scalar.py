"""Scalar instructions whose body is missing or says nothing that can be run: texts of ours, and actions.

An action is what the machine does itself: end the wave, wait at a barrier (rows_given.ACTIONS). What is not
here: jumps and calls, which the manual gives.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.rows_given import Given, Refused
from baregrad.isa.amd.operands import family


class Row(NamedTuple):
    """Entries of a family ("" for all) whose names match: what is computed, and what the machine does."""

    family: str
    name: str
    text: str
    action: str
    source: str


class Register(NamedTuple):
    """A hardware register that S_GETREG reads: its number, and its value as an expression of 32 bits."""

    family: str
    number: int
    value: str


# Source: RDNA3 ISA 3.4, CDNA4 ISA tables 19, 22; 15 of CDNA is in LLVM. Others, and what only the hardware
# knows (HW_ID), are 0.
REGISTERS = (
    Register("", 1, "MODE"),
    Register("", 2, "STATUS"),
    Register("", 3, "TRAPSTS"),
    Register("cdna", 6, "(LDS_SIZE >> 8 & 0x3FF) << 12"),
    Register("", 15, "u32(SHARED_BASE[63:48]) << 16 | u32(PRIVATE_BASE[63:48])"),
    Register("rdna", 20, "SCRATCH_BASE[31:0]"),
    Register("rdna", 21, "SCRATCH_BASE[63:32]"),
    Register("rdna", 29, "u32(CYCLE) & 0xFFFFF"),
)
WRITABLE = ((1, "MODE"), (3, "TRAPSTS"))
FIELD = "i = SIMM16[5:0]; o = u64(SIMM16[10:6]); m = u32((u64(2) << u64(SIMM16[15:11])) - 1)"


def read_register(fam: str) -> str:
    """The text of S_GETREG."""
    value = "u32(0)"
    for row in REGISTERS:
        if row.family in ("", fam):
            value = f"i == {row.number} ? {row.value} : {value}"
    return f"{FIELD}; r = {value}; D0 = r >> o & m"


def write_register(source: str) -> str:
    """The text of S_SETREG: what is not in WRITABLE keeps its value."""
    writes = "; ".join(
        f"if i == {number} {{ {name} = {name} & ~(m << o) | ({source} & m) << o }}"
        for number, name in WRITABLE
    )
    return f"{FIELD}; {writes}"


HINTS = (
    "S_NOP|S_CLAUSE|S_DELAY_ALU|S_SET_INST_PREFETCH_DISTANCE|S_INST_PREFETCH|S_SETPRIO|S_VERSION|S_WAKEUP"
    "|S_INCPERFLEVEL|S_DECPERFLEVEL|V_NOP|V_PIPEFLUSH|DS_NOP"
)
CACHES = (
    "S_ICACHE_INV|S_GL1_INV|S_DCACHE_(INV|WB|INV_VOL|WB_VOL|DISCARD|DISCARD_X2)|BUFFER_GL[01]_INV|BUFFER_WBL2"
    "|BUFFER_INV|S_ATC_PROBE(_BUFFER)?"
)
JOIN = """c = MODE[31:29]; if u32(c) == S0 { PC = PC + 4 } else {
    c = c - 1; MODE[31:29] = c; i = u64(c) * 4
    ; EXEC = cat(SGPR.u32[i + 1], SGPR.u32[i]); PC = cat(SGPR.u32[i + 3], SGPR.u32[i + 2]) }"""
# fmt: off
ROWS = (
    Row("", HINTS, "", "hint", "manual: nothing but time"),
    Row("", "S_WAITCNT(_VSCNT|_VMCNT|_EXPCNT|_LGKMCNT|_DEPCTR)?|S_WAIT_IDLE|S_WAIT_EVENT", "", "wait",
        "manual: RDNA3 ISA 5.6, CDNA4 ISA 4.4; everything is done when it is issued here"),
    Row("", CACHES, "", "cache", "manual: memory has no caches here; S_DCACHE_DISCARD promises no value"),
    Row("", "S_ENDPGM(_SAVED|_ORDERED_PS_DONE)?", "", "end", "manual"),
    Row("", "S_BARRIER", "", "barrier", "manual"),
    Row("", "S_SLEEP", "", "sleep", "manual"),
    Row("", "S_SENDMSG|S_TTRACEDATA(_IMM)?", "", "message", "manual; one message of RDNA3 frees registers"),
    Row("", "S_TRAP", "", "trap", "manual"),
    Row("", "S_CODE_END", "", "illegal", "RDNA3 ISA 5.1: an illegal instruction behind the end"),
    Row("", "S_SENDMSGHALT|S_SETHALT", "", "halt", "manual; S_SETHALT with 0 in bit 0 changes nothing"),
    Row("", "V_CLREXCP", "TRAPSTS = TRAPSTS & ~u32(0x1FF)", "", "CDNA4 ISA 3.10: EXCP is bits 8:0"),
    Row("", "S_ROUND_MODE", "MODE[3:0] = SIMM16[3:0]", "", "RDNA3 ISA 3.4.2"),
    Row("", "S_DENORM_MODE", "MODE[7:4] = SIMM16[3:0]", "", "RDNA3 ISA 3.4.2"),
    Row("", "S_MEMTIME|S_MEMREALTIME", "SDATA = CYCLE", "", "CDNA4 ISA 8.2.4, 8.2.5; one clock here"),
    Row("", "S_SENDMSG_RTN_B32", "D0 = S0[7:0] == 0x83 ? u32(CYCLE) : 0", "message",
        "manual; message numbers as LLVM's assembler has them: 0x83 asks for the time, others get 0"),
    Row("", "S_SENDMSG_RTN_B64", "D0 = S0[7:0] == 0x83 ? CYCLE : 0", "message", "as S_SENDMSG_RTN_B32"),
    Row("cdna", "S_SET_GPR_IDX_ON", "MODE[27:27] = 1; M0[7:0] = S0[7:0]; M0[15:12] = S1[3:0]", "",
        "CDNA4 ISA 6.6 and body: the machine moves registers (emu/amd/setting.py)"),
    Row("cdna", "S_SETVSKIP", "MODE[28:28] = S0[u64(S1[4:0])]", "", "CDNA4 ISA 3.5 and body"),
    Row("cdna", "S_CBRANCH_JOIN", JOIN, "", "manual's body; PC is the address of this instruction"),
    Row("rdna", "S_GETREG_B32", read_register("rdna"), "", "RDNA3 ISA 3.4; the body is CDNA4's"),
    Row("cdna", "S_GETREG_B32", read_register("cdna"), "", "CDNA4 ISA 5.8 and body"),
    Row("", "S_SETREG_B32", write_register("S0"), "", "RDNA3 ISA 3.4, CDNA4 ISA 5.8 and body"),
    Row("", "S_SETREG_IMM32_B32", write_register("SIMM32"), "", "as S_SETREG_B32"),
)

GRAPHICS = "a compute kernel has no attributes of pixels"
REFUSED = (
    ("IMAGE_.*", "images have formats, tiling and samplers, which this machine does not have"),
    ("EXP(ORT)?(_.*)?", "exports go to the graphics pipeline, which a compute kernel does not have"),
    ("V_INTERP_.*|LDS_(PARAM|DIRECT)_LOAD", GRAPHICS),
    ("DS_GWS_.*", "global wave sync is a resource that the driver gives; no machine here has it"),
    ("DS_ORDERED_COUNT", "ordered append belongs to global data share, which no machine here has"),
    ("DS_(ADD|SUB)_GS_REG_RTN", "registers of the geometry pipeline, which a compute kernel does not have"),
    ("S_SETKILL", "it imitates a command of the host, which there is not"),
    ("DS_BVH_STACK_.*", "the stack of ray tracing: its coding of addresses is not in the manual"),
    ("S_RFE_B64|S_RFE_RESTORE_B64", "there is no trap handler to come back from"),
    ("S_SUBVECTOR_LOOP_(BEGIN|END)|V_(EXP|LOG)_LEGACY_F32|V_SCREEN_PARTITION_4SE_B32",
     "assemblers know it, the manual does not"),
    ("V_MFMA_LD_SCALE_B32", "it is the first half of a scaled product, and means nothing without the other"),
)
# fmt: on


def scalar(form: Form) -> Given | Refused | None:
    """The meaning of an entry that is in ROWS, or why it has none."""
    name, fam = form.entry.name, family(form.arch)
    for row in ROWS:
        if row.family in ("", fam) and re.fullmatch(row.name, name):
            return Given("scalar", row.text, row.source, row.action)
    for pattern, reason in REFUSED:
        if re.fullmatch(pattern, name):
            return Refused(reason)
    return None
