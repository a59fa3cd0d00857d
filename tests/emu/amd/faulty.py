"""Programs that fault, as rows, on both chips: kind, instruction, wave, lane, address, what is said of it.

A program is written once, with RDNA3's names; for CDNA4 they are spelled as there. What looks like a fault
and is none (what the manual defines) is here as well. Every way of running has to see the same.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from baregrad.emu.amd import GpuFault, Memory, Result, Runner, Witness, emulate
from baregrad.emu.amd.faults import KINDS
from baregrad.isa.amd import code_object
from tests.emu.amd import programs

RDNA, CDNA = "gfx1100", "gfx950"
LANES = {RDNA: 32, CDNA: 64}
OUT = 0x7F10_0000_1000  # where the first buffer lies
SIZE = 128
SPELLINGS = [
    (r"ds_load_b", "ds_read_b"), (r"ds_store_b", "ds_write_b"), (r"(add|dec)_u64", r"\1_x2"),
    (r"(atomic_add)_u32", r"\1"), (r"_b32\b(?<=load_b32|tore_b32)", "_dword"),
    (r"(load|store)_b64", r"\1_dwordx2"), (r"s_mov_b32 exec_lo", "s_mov_b64 exec"),
    ("0x31016000", "0x00027000"), ("saveexec_b32 exec_lo", "saveexec_b64 exec"),
    ("storexchg_2addr", "wrxchg2"), ("(atomic_swap)_b32", r"\1"),
]  # fmt: skip
BEGIN = "s_load_b64 s[4:5], s[0:1], 0x0\nv_lshlrev_b32_e32 v1, 2, v0\n"
OWN = f"v_mov_b32_e32 v2, v1\n v_mov_b32_e32 v3, {1 << 16:#x}\n"  # an address in the lane's scratch
SHARED = f"v_mov_b32_e32 v2, v1\n v_mov_b32_e32 v3, {2 << 16:#x}\n"  # and in LDS


def spelled(body: str, chip: str) -> str:
    """A program in a chip's words."""
    if chip == CDNA:
        for old, new in SPELLINGS:
            body = re.sub(old, new, body)
    return body


def program(body: str, chip: str, scratch: int = 0) -> code_object.CodeObject:
    """The kernel k: s[4:5] is the address of the buffer, v1 is 4 times the lane's number."""
    body += "\n s_endpgm" * ("s_endpgm" not in body)
    denormals = ".amdhsa_float_denorm_mode_32 3"
    return programs.program(spelled(BEGIN + body, chip), scratch, denormals, chip=chip)


def run(
    body: str, chip: str, *, block: int = 32, scratch: int = 0, lds: int = 64, runner: Runner | None = None,
    grid: int = 1, memory: Memory | None = None,
) -> Result:  # fmt: skip
    """Run a program over a buffer of numbers 0x1000, 0x1001 …"""
    memory = Memory(1 << 20) if memory is None else memory
    out = memory.put(struct.pack(f"<{SIZE // 4}I", *range(0x1000, 0x1000 + SIZE // 4)), "the buffer")
    assert out == OUT, "an address that rows have"
    args = struct.pack("<Q", out) + bytes(56)
    return emulate(program(body, chip, scratch), "k", (grid, 1, 1), (block, 1, 1), args, memory=memory,
                   lds=lds, budget=500, runner=runner)  # fmt: skip


class Row(NamedTuple):
    """A program and its fault: `says` is a part of the sentence, `chips` are those that it is for."""

    kind: str
    body: str
    instruction: str
    lane: int = -1
    address: int = 0
    says: str = ""
    wave: int = 0
    scratch: int = 0
    block: int = 32
    chips: tuple[str, ...] = (RDNA, CDNA)
    runner: Witness | None = None


EXEC_LOOP = "s_mov_b32 exec_lo, 0\n .Lagain:\n v_mov_b32_e32 v2, v1\n s_cbranch_execz .Lagain"
FIRST = "v_readfirstlane_b32 s6, v0\n s_cmp_eq_u32 s6, 0\n s_cbranch_scc0 .Lother\n s_barrier\n"
JUMP = "s_mov_b32 s6, 2\n s_mov_b32 s7, 0\n s_setpc_b64 s[6:7]"
SPIN = """s_getpc_b64 s[6:7]\n s_add_u32 s6, s6, 8\n v_mov_b32_e32 v2, v1
    v_mov_b32_e32 v2, v1\n s_setpc_b64 s[6:7]"""  # to the second v_mov: no branch leads there
IMAGE = "image_load v[2:5], v[6:7], s[8:15] dmask:0xf dim:SQ_RSRC_IMG_2D"
INDEXED = "s_set_gpr_idx_on 20, gpr_idx(DST)\n v_mov_b32_e32 v2, v1\n s_set_gpr_idx_off"
NO_END = "v_mov_b32_e32 v2, v1 // s_endpgm"
WAITS, STRICT = Witness(waits=True), Witness(strict=True)
STORED = "a store of 4 bytes at .*, 128 bytes from the start of the buffer of 128 bytes"
ROWS = {
    "no instruction": Row("bad_opcode", ".long 0xFFFFFFFF", "", says="ffffffff"),
    "an image": Row("bad_opcode", IMAGE, "image_load", chips=(RDNA,)),
    "no trap handler": Row("bad_opcode", "s_rfe_b64 s[6:7]", "s_rfe_b64"),
    "an indexed register": Row("registers", INDEXED, "v_mov_b32_e32 v2", says="16 of v", chips=(CDNA,)),
    "a jump out": Row("fetch", "s_branch 30000", "s_branch 30000", says="no instruction at"),
    "a jump to an odd address": Row("fetch", JUMP, "s_setpc_b64 s[6:7]", address=2, says="0x2"),
    "a jump into an instruction": Row("bad_opcode", "s_branch 1\n v_mov_b32_e32 v1, 0xFFFF1234", ""),
    "no end, padding": Row("bad_opcode", NO_END, "s_code_end", chips=(RDNA,), says="no end"),
    "no end": Row("fetch", NO_END, "s_nop", chips=(CDNA,)),
    "a trap": Row("trap", "s_trap 2", "s_trap 2", says="s_trap 2"),
    "a halt": Row("trap", "s_sethalt 1", "s_sethalt 1"),
    "a halt until a message": Row("trap", "s_sendmsghalt sendmsg(MSG_INTERRUPT)", "s_sendmsghalt"),
    "a loop": Row("budget", ".Lagain:\n s_branch .Lagain", "s_branch", says="500"),
    "a loop without lanes": Row("budget", EXEC_LOOP, "s_cbranch_execz"),
    "a loop of jumps": Row("budget", SPIN, "s_setpc_b64"),
    "address 0": Row("memory", "v_mov_b32_e32 v2, 0\n global_load_b32 v3, v2, s[8:9]", "global_load", 0),
    "behind a buffer": Row(
        "memory", "global_store_b32 v1, v0, s[4:5] offset:4", "global_store", 31, OUT + SIZE, says=STORED
    ),
    "across its end": Row("memory", "global_load_b64 v[2:3], v1, s[4:5]", "global_load", 31),
    "arguments that are not there": Row(
        "memory", "s_load_b32 s6, s[0:1], 0x40", "s_load", says="the arguments of 64"
    ),
    "a lane that is not the one before": Row(
        "memory", "global_load_b32 v2, v1, s[4:5]\n s_load_b32 s6, s[0:1], 0x40", "s_load"
    ),
    "an atomic": Row(
        "alignment", "global_atomic_add_u32 v1, v0, s[4:5] offset:2", "global_atomic_add", 0, OUT + 2
    ),
    "an atomic of 64 bits": Row(
        "alignment", "global_atomic_add_u64 v1, v[2:3], s[4:5] offset:4", "global_atomic", 0, OUT + 4,
        says="not a multiple of 8",
    ),
    "an atomic of 64 bits, without a result": Row(
        "alignment", "global_atomic_dec_u64 v1, v[2:3], s[4:5] offset:4", "global_atomic", 0, OUT + 4
    ),
    "an atomic of LDS": Row("alignment", "ds_add_u32 v1, v0 offset:1", "ds_add", 0, 1),
    "behind LDS": Row("lds", "ds_store_b32 v1, v0", "ds_", 16, 64, says="64 bytes of LDS"),
    "across the end of LDS": Row("lds", "ds_load_b64 v[2:3], v1", "ds_", 15),
    "flat, behind LDS": Row("lds", SHARED + "flat_load_b32 v4, v[2:3]", "flat_load", 16, 64),
    "behind scratch": Row(
        "scratch", "scratch_store_b32 v1, v0, off offset:12", "scratch_store", 1, scratch=16, says="the 16"
    ),
    "no scratch": Row("scratch", "scratch_load_b32 v2, v1, off", "scratch_load", 0),
    "flat, behind scratch": Row("scratch", OWN + "flat_store_b32 v[2:3], v0", "flat_store", 4, scratch=16),
    "a vector register": Row("registers", "v_mov_b32_e32 v16, 0", "v_mov_b32_e32 v16", says="16 of v"),
    "the last of a pair": Row(
        "registers", "global_load_b64 v[15:16], v1, s[4:5]", "global_load", chips=(RDNA,)
    ),
    "an accumulation register": Row(
        "registers", "v_accvgpr_write_b32 a0, v0", "v_accvgpr_write_b32", says="0 of a", chips=(CDNA,)
    ),
    "a scalar register": Row("registers", "s_mov_b32 s60, 0", "s_mov_b32 s60", says="48 of s", chips=(CDNA,)),
    "no wait": Row("wait", "global_load_b32 v2, v1, s[4:5]", "global_load", runner=WAITS, says="s_load"),
    "two barriers": Row(
        "barrier", FIRST + "s_endpgm\n .Lother:\n s_barrier\n s_endpgm", "s_barrier", wave=1, block=128,
        chips=(CDNA,),
    ),
    "an end before a barrier": Row(
        "barrier", FIRST + ".Lother:\n s_endpgm", "s_barrier", block=128, says="have ended", runner=STRICT
    ),
}  # fmt: skip
CASES = [(name, chip) for name, row in ROWS.items() for chip in row.chips]


def matches(fault: GpuFault, row: Row, chip: str) -> None:
    """Does a fault say all that its row has?"""
    assert (fault.kind, fault.wave, fault.lane) == (row.kind, row.wave, row.lane), fault
    assert fault.instruction.startswith(spelled(row.instruction, chip)), fault
    assert bool(fault.instruction) == bool(row.instruction), fault
    assert re.search(row.says, fault.what), fault
    assert (fault.why, fault.mend) == KINDS[row.kind], fault
    assert f"wave {row.wave}" in fault.where
    assert f"k + {fault.pc:#x}" in fault.where
    if row.address:
        assert fault.address == row.address, fault


# What is none: the words that lanes have stored behind it.
BUFFER = "s_mov_b32 s6, 8\n s_mov_b32 s7, 0x31016000\n"  # of 8 bytes
OFF = "v_mov_b32_e32 v3, v0\n s_mov_b32 exec_lo, 0\n global_store_b32 v1, v0, s[8:9]\n s_mov_b32 exec_lo, 15"
FLAT = "v_mov_b32_e32 v2, 8\n flat_store_b32 v[2:3], v0\n scratch_load_b32 v3, off, off offset:8"
DEFINED = {
    # The lowest bits of a scalar load's address are ignored. Source: CDNA4 ISA 8.2.1
    "a scalar load at an odd address": ("s_load_b32 s6, s[4:5], 0x6\n v_mov_b32_e32 v3, s6", [0x1001] * 4),
    # Beyond its records a buffer reads as 0, and is not written.
    "a buffer's end": (BUFFER + "buffer_load_b32 v3, v1, s[4:7], 0 offen", [0x1000, 0x1001, 0, 0]),
    "a buffer that is not written": (
        BUFFER + "buffer_store_b32 v0, v1, s[4:7], 0 offen\n global_load_b32 v3, v1, s[4:5]",
        [0, 1, 0x1002, 0x1003],
    ),
    # Accesses that are no atomics need no alignment, in the mode that Linux sets.
    "a load of LDS": ("ds_store_b32 v1, v1\n ds_load_b64 v[2:3], v1 offset:3", [0x800, 0xC00, 0, 0]),
    "a load": ("global_load_b32 v3, v1, s[4:5] offset:1", [n << 24 | 0x10 for n in (1, 2, 3, 4)]),
    "flat, in LDS": (
        SHARED + "ds_store_b32 v1, v0 offset:4\n flat_load_b32 v3, v[2:3] offset:4",
        [0, 1, 2, 3],
    ),
    "flat, in scratch": (OWN + FLAT, [0, 1, 2, 3]),
    "lanes that are off": (OFF, [0, 1, 2, 3]),
    "two atomics of 4 bytes": (
        "ds_storexchg_2addr_rtn_b32 v[2:3], v1, v0, v0 offset1:1\n v_mov_b32_e32 v3, v2",
        [0, 0, 1, 2],
    ),
    "an atomic that only stores": (
        "global_atomic_swap_b32 v1, v0, s[4:5]\n global_load_b32 v3, v1, s[4:5]",
        [0, 1, 2, 3],
    ),
    # EXEC is saved before it is changed, so that nothing is left of it where it was saved into itself.
    "a mask saved into itself": (
        "v_mov_b32_e32 v3, v0\n s_and_saveexec_b32 exec_lo, 5",
        [0, 0x1001, 2, 0x1003],
    ),
    "a jump into a constant": (
        "v_mov_b32_e32 v3, v0\n s_branch 1\n v_mov_b32_e32 v3, 0xbf800000",
        [0, 1, 2, 3],
    ),
    "a float as a count": ("v_lshlrev_b32_e32 v3, 0.5, v0", [0, 1, 2, 3]),
    "division by nothing": ("v_mov_b32_e32 v3, 0\n v_rcp_f32_e32 v3, v3", [0x7F800000] * 4),
}


def stored(name: str, chip: str, runner: Runner | None = None) -> list[int]:
    """What the lanes of a program of DEFINED have stored."""
    memory = Memory(1 << 20)
    body = DEFINED[name][0] + "\n global_store_b32 v1, v3, s[4:5]\n s_endpgm"
    run(body, chip, block=4, scratch=16, memory=memory, runner=runner)
    return memory.view(OUT, 16).cast("I").tolist()
