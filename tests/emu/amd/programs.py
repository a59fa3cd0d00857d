"""Kernels of a few lines for tests of the machine; and meanings of some instructions, written here, so
that such tests rest on no manual.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.emu.amd.code import Meanings
from baregrad.emu.amd.group import Runner
from baregrad.emu.amd.launch import Launch, Result, emulate
from baregrad.isa.amd import code_object
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.meaning import Meaning
from baregrad.isa.amd.program import assemble
from baregrad.isa.meaning import parse, walk

# name without its suffix -> scope, text
ROWS = {
    "v_mov_b32": ("lane", "D0 = S0"),
    "v_add_f32": ("lane", "D0 = (S0.f32 + S1.f32).u"),
    "v_add_nc_u32": ("lane", "D0 = S0 + S1"),
    "v_lshlrev_b32": ("lane", "D0 = S1 << (S0 & 31)"),
    "v_cmp_gt_u32": ("lane", "VCC = S0 > S1"),
    "s_mov_b32": ("scalar", "D0 = S0"),
    "s_add_u32": ("scalar", "r = S0 + S1; SCC = r < S0; D0 = r"),
    "s_cmp_eq_u32": ("scalar", "SCC = S0 == S1"),
    "s_branch": ("scalar", "PC = PC + u64(4) + i64(SIMM16.i16).u * 4"),
    "s_cbranch_scc0": ("scalar", "PC = PC + u64(4) + (SCC ? 0 : i64(SIMM16.i16).u * 4)"),
    "s_load_b64": ("scalar", "SDATA = load(u64, SBASE + i64(OFFSET.i).u)"),
    "s_load_b32": ("scalar", "SDATA = load(u32, SBASE + i64(OFFSET.i).u)"),
    "global_load_b32": ("lane", "VDST = load(u32, SADDR + u64(ADDR) + i64(OFFSET.i).u)"),
    "global_store_b32": ("lane", "store(SADDR + u64(ADDR) + i64(OFFSET.i).u, DATA)"),
    "global_atomic_add_u32": (
        "lane", "a = SADDR + u64(ADDR) + i64(OFFSET.i).u; old = load(u32, a); store(a, old + DATA)",
    ),
    "ds_store_b32": ("lane", "store(u64(ADDR), DATA0, lds)"),
    "ds_load_b32": ("lane", "D0 = load(u32, u64(ADDR), lds)"),
    "v_readfirstlane_b32": ("wave", "D0 = VGPR.u32[u64(S0_NUMBER) * 32]"),
}  # fmt: skip
IMPLICIT = {"SCC": 1, "PC": 64, "OFFSET": 32, "VCC": 1, "VGPR": 256 * 32 * 32, "S0_NUMBER": 32, "laneId": 32}


def meaning(inst: Inst) -> Meaning | None:
    """The meaning of a row."""
    name = inst.form.entry.name.lower()
    if name not in ROWS:
        return None
    scope, text = ROWS[name]
    known = IMPLICIT | {
        slot.role: 1 if slot.role == "VCC" else 16 if slot.role == "SIMM16" else slot.bits
        for slot in inst.form.slots
    }
    tree = parse(text, known)
    return Meaning(tree, scope, {n.arg: known[n.arg] for n in walk(tree) if n.op == "var" and n.arg in known})


MEANINGS = Meanings(meaning, lambda inst: inst.form)

HEAD = """.amdgcn_target "amdgcn-amd-amdhsa--{chip}"
.text
.p2align 8
k:
{body}
.Lend:
.size k, .Lend-k
.amdhsa_kernel k
.amdhsa_next_free_vgpr {vgprs}
.amdhsa_next_free_sgpr 32
.amdhsa_kernarg_size 64
.amdhsa_user_sgpr_kernarg_segment_ptr 1
.amdhsa_private_segment_fixed_size {scratch}
.amdhsa_{own}
{more}
.end_amdhsa_kernel
"""
OWN = {"gfx1100": "wavefront_size32 1", "gfx950": "accum_offset 16"}  # what a chip's descriptor must say


def program(
    body: str, scratch: int = 0, more: str = "", *, chip: str = "gfx1100", vgprs: int = 16
) -> code_object.CodeObject:
    """A code object with the kernel k; s[0:1] are its arguments, s2 the workgroup."""
    text = HEAD.format(chip=chip, body=body, vgprs=vgprs, scratch=scratch, own=OWN[chip], more=more)
    return code_object.read(assemble(text))


def run(
    body: str, args: bytes = b"", *, block: int = 32, grid: int = 1, lds: int = 0, budget: int = 10_000,
    runner: Runner | None = None,
) -> Result:  # fmt: skip
    """Run a program."""
    return emulate(
        program(body), "k", (grid, 1, 1), (block, 1, 1), args, lds=lds, budget=budget, meanings=MEANINGS,
        runner=runner,
    )  # fmt: skip


def launched(body: str, args: bytes | Sequence[int] = b"", *, block: int = 32, scratch: int = 0) -> Launch:
    """A launch of a program."""
    return Launch(program(body, scratch), "k", (1, 1, 1), (block, 1, 1), bytes(args), meanings=MEANINGS)
