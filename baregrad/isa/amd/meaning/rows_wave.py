"""Instructions that reach across lanes, or choose a register while they run: texts of ours.

The manuals' bodies for these index register files by names of fields; here numbers of registers are variables
(S0_NUMBER ...) and a file is one variable, cell `number * LANES + lane`. LANES, LAST and WIDE (is it 64?) are
replaced by the wave's numbers before the text is read. What is not here: DPP (the machine gives the lane),
matrix products (rows_matrix.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.rows_given import Given
from baregrad.isa.amd.operands import family


class Row(NamedTuple):
    """Entries of a family ("" for all) whose names match, and their text."""

    family: str
    name: str
    scope: str
    text: str
    source: str


FETCH = "for x < LANES { TMP.u32[x] = VGPR.u32[u64(S0_NUMBER) * LANES + x] };"
ALL = "TMP = TMPTYPE(0); " + FETCH
# OP_SEL's bit 0 reads lanes that are off too, its bit 1 makes 0 of them: IF_OFF is what is done there.
PERMLANE = """{all} s = cat(S2, S1); d = u64(D0_NUMBER) * LANES
    ; for x < LANES {{ if EXEC[x] {{ k = {row} + (s >> (x & 15) * 4 & 15)
    ; if SEEN {{ VGPR.u32[d + x] = TMP.u32[k] }} else {{ IF_OFF }} }} }}"""
SWAP = """d = u64(D0_NUMBER) * 64; s = u64(S0_NUMBER) * 64
    ; for x < 32 {{ o = {place}; t = VGPR.u32[s + o]; VGPR.u32[s + o] = VGPR.u32[d + o + {step}]
    ; VGPR.u32[d + o + {step}] = t }}"""
RETURN = "for x < LANES { if EXEC[x] { VGPR.u32[u64(D0_NUMBER) * LANES + x] = TMP.u32[x] } }"
LANE = "((VGPR.u32[u64(ADDR_NUMBER) * LANES + x] + OFFSET) >> 2)"
# The lane within 32 that DS_SWIZZLE reads for lane y, by its modes
REVERSED = "(y & 1) << 4 | (y & 2) << 2 | y & 4 | (y & 8) >> 2 | (y & 16) >> 4"
SWIZZLE = f"""TMP = TMPTYPE(0); o = u64(OFFSET); m = o & 31; r = o >> 5 & 31; r = o[10] ? 0 - r : r
    ; n = (m & 1) + (m >> 1 & 1) + (m >> 2 & 1) + (m >> 3 & 1) + (m >> 4)
    ; for x < LANES {{ y = x & 31
    ; z = o >= 0xE000 ? ({REVERSED}) >> n | y & m :
          o >= 0xC000 ? y & m | y + r & ~m & 31 :
          o[15] ? y & 28 | o >> (y & 3) * 2 & 3 : (y & m | o >> 5 & 31) ^ (o >> 10 & 31)
    ; z = z | x & 32; TMP.u32[x] = EXEC[z] ? VGPR.u32[u64(ADDR_NUMBER) * LANES + z] : 0 }}; {RETURN}"""
OFFSETS = "a = u64(S0_NUMBER) + {s}; b = u64(D0_NUMBER) + {d}; a = a < 256 ? a : 0"
INDEXED = {"m0": "u64(M0)", "low": "u64(M0[9:0])", "high": "u64(M0[25:16])", "": "0"}
MOVE = "VGPR.u32[b * LANES + u64(laneId)] = VGPR.u32[a * LANES + u64(laneId)]"


def moved(s: str, d: str) -> str:
    """A move between registers whose numbers have something added."""
    return f"{OFFSETS.format(s=INDEXED[s], d=INDEXED[d])}; if b < 256 {{ {MOVE} }}"


# fmt: off
ROWS = (
    Row("", "V_READFIRSTLANE_B32", "wave",
        "n = u64(0); for x < LANES { n = EXEC[LAST - x] ? LAST - x : n }"
        "; D0 = VGPR.u32[u64(S0_NUMBER) * LANES + n]",
        "manual's body; lane 0 if no lane is on"),
    Row("", "V_READLANE_B32", "wave", "D0 = VGPR.u32[u64(S0_NUMBER) * LANES + (u64(S1) & LAST)]",
        "manual's body"),
    Row("", "V_WRITELANE_B32", "wave", "VGPR.u32[u64(D0_NUMBER) * LANES + (u64(S1) & LAST)] = S0",
        "manual's body"),
    Row("", "V_PERMLANE16_B32", "wave", PERMLANE.format(all=ALL, row="(x & 48)"),
        "manual's body; RDNA3 ISA 16.12 for OP_SEL"),
    Row("", "V_PERMLANEX16_B32", "wave", PERMLANE.format(all=ALL, row="(x & 48 ^ 16)"),
        "manual's body; RDNA3 ISA 16.12 for OP_SEL"),
    Row("", "V_PERMLANE64_B32", "wave",
        ALL + "for x < LANES { if EXEC[x] & u1(WIDE)"
        " { VGPR.u32[u64(D0_NUMBER) * LANES + x] = TMP.u32[x ^ 32] } }",
        "manual's body; nothing in a wave of 32"),
    Row("", "V_PERMLANE16_SWAP_B32", "wave", SWAP.format(place="(x & 16) * 2 + (x & 15)", step=16),
        "manual's body: EXEC is not asked"),
    Row("", "V_PERMLANE32_SWAP_B32", "wave", SWAP.format(place="x", step=32),
        "manual's body: EXEC is not asked"),
    Row("", "V_MOVRELD_B32", "lane",
        "b = u64(D0_NUMBER) + u64(M0); if b < 256 { VGPR.u32[b * LANES + u64(laneId)] = S0 }",
        "manual's body; RDNA3 ISA 3.3.2.2, 7.2.7: nothing is written beyond the end, VGPR0 is read"),
    Row("", "V_MOVRELS_B32", "lane", moved("m0", ""), "as V_MOVRELD_B32"),
    Row("", "V_MOVRELSD_B32", "lane", moved("m0", "m0"), "as V_MOVRELD_B32"),
    Row("", "V_MOVRELSD_2_B32", "lane", moved("low", "high"), "as V_MOVRELD_B32"),
    Row("", "V_SWAPREL_B32", "lane",
        "a = u64(S0_NUMBER) + u64(M0[9:0]); b = u64(D0_NUMBER) + u64(M0[25:16])"
        "; if (a < 256) & (b < 256) { t = VGPR.u32[b * LANES + u64(laneId)]"
        f"; {MOVE}; VGPR.u32[a * LANES + u64(laneId)] = t }}",
        "manual's body; RDNA3 ISA 3.3.2.2: nothing if either is beyond the end"),
    Row("cdna", "DS_PERMUTE_B32", "wave",
        f"TMP = TMPTYPE(0); for x < LANES {{ if EXEC[x] {{ k = u64({LANE} & LAST)"
        f"; TMP.u32[k] = VGPR.u32[u64(DATA0_NUMBER) * LANES + x] }} }}; {RETURN}", "manual's body"),
    Row("rdna", "DS_PERMUTE_B32", "wave",
        f"TMP = TMPTYPE(0); for x < LANES {{ if EXEC[x] {{ k = u64({LANE} & 31) | x & 32"
        f"; TMP.u32[k] = VGPR.u32[u64(DATA0_NUMBER) * LANES + x] }} }}; {RETURN}",
        "manual's body, which takes lanes modulo 32; in a wave of 64 each half is on its own, as Mesa's ACO "
        "relies on"),
    Row("cdna", "DS_BPERMUTE_B32", "wave",
        f"TMP = TMPTYPE(0); for x < LANES {{ k = u64({LANE} & LAST)"
        f"; TMP.u32[x] = EXEC[k] ? VGPR.u32[u64(DATA0_NUMBER) * LANES + k] : 0 }}; {RETURN}",
        "manual's body"),
    Row("rdna", "DS_BPERMUTE_B32", "wave",
        f"TMP = TMPTYPE(0); for x < LANES {{ k = u64({LANE} & 31) | x & 32"
        f"; TMP.u32[x] = EXEC[k] ? VGPR.u32[u64(DATA0_NUMBER) * LANES + k] : 0 }}; {RETURN}",
        "as DS_PERMUTE_B32"),
    Row("", "DS_SWIZZLE_B32", "wave", SWIZZLE, "CDNA4 ISA: prose and examples; RDNA3's body"),
    Row("", "V_ACCVGPR_(READ|WRITE|MOV_B32)", "lane", "D0 = S0", "CDNA4 ISA 7.1: data is moved"),
    Row("", "S_MOVRELS_B32", "scalar", "a = u64(S0_NUMBER) + u64(M0); D0 = SGPR.u32[a < 108 ? a : 0]",
        "manual's body; RDNA3 ISA 3.3.1.4: no further than VCC, SGPR0 is read"),
    Row("", "S_MOVRELS_B64", "scalar",
        "a = u64(S0_NUMBER) + u64(M0); a = a < 107 ? a : 0; D0 = cat(SGPR.u32[a + 1], SGPR.u32[a])",
        "as S_MOVRELS_B32"),
    Row("", "S_MOVRELD_B32", "scalar",
        "a = u64(D0_NUMBER) + u64(M0); if a < 108 { SGPR.u32[a] = S0 }",
        "manual's body; RDNA3 ISA 3.3.1.4: no further than VCC, nothing is written"),
    Row("", "S_MOVRELD_B64", "scalar",
        "a = u64(D0_NUMBER) + u64(M0); if a < 107 { SGPR.u32[a] = S0[31:0]; SGPR.u32[a + 1] = S0[63:32] }",
        "as S_MOVRELD_B32"),
    Row("", "S_MOVRELSD_2_B32", "scalar",
        "a = u64(D0_NUMBER) + u64(M0[25:16]); b = u64(S0_NUMBER) + u64(M0[9:0])"
        "; if a < 108 { SGPR.u32[a] = SGPR.u32[b < 108 ? b : 0] }",
        "as S_MOVRELD_B32"),
)
# fmt: on


def wave(form: Form, fields: Mapping[str, int]) -> Given | None:
    """The meaning of an entry that is in ROWS."""
    fam = family(form.arch)
    for row in ROWS:
        if row.family in ("", fam) and re.fullmatch(row.name, form.entry.name):
            return Given(row.scope, filled(row.text, form, fields), row.source)
    return None


def filled(text: str, form: Form, fields: Mapping[str, int]) -> str:
    """A text with the numbers of the wave, and with what OP_SEL says of lanes that are off."""
    chosen = fields.get("op_sel", 0)
    seen = "u1(1)" if chosen & 1 else "EXEC[k]"
    words = {
        "LANES": str(form.wave), "LAST": str(form.wave - 1), "WIDE": str(int(form.wave == 64)),
        "TMPTYPE": f"u{32 * form.wave}", "SEEN": seen,
        "IF_OFF": "VGPR.u32[d + x] = 0" if chosen & 2 else "",
    }  # fmt: skip
    return re.sub("|".join(sorted(words, key=len, reverse=True)), lambda found: words[found[0]], text)
