"""Bodies of the manual in other words: shorter ones that mean the same, and mended ones.

They are pseudocode still, and go through the translator. What is not here: entries with a text of ours
(rows_*.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from baregrad.isa.amd.layout import Form
from baregrad.isa.pseudocode import Node as Code
from baregrad.isa.pseudocode import read, walk

Mend = Callable[[Match[str], Code], Code]
"""Makes the body of an entry whose name matched: of the manual's."""


def instead(text: str | Callable[[Match[str]], str]) -> Mend:
    """Another body."""
    return lambda name, code: read(text if isinstance(text, str) else text(name))


def part(old: str, new: str) -> Mend:
    """The manual's body with something else in the place of a part."""
    return lambda name, code: swapped(code, read(old), read(new))


def swapped(code: Code, old: Code, new: Code) -> Code:
    """A body with something else in the place of a part."""
    if code == old:
        return new
    return tuple(swapped(each, old, new) for each in code) if isinstance(code, tuple) else code


# Bodies that are shorter in other words, and the same: the manual's are trees of branches.
TWO, NAN = "(. S0 TYPE) (. S1 TYPE)", "(|| (call isNAN (. S0 TYPE)) (call isNAN (. S1 TYPE)))"
SHORTER = {
    "MINF": f"(do (= (. D0 TYPE) (call v_min_TYPE {TWO})))",
    "MAXF": f"(do (= (. D0 TYPE) (call v_max_TYPE {TWO})))",
    "MED3F": f"(do (if (|| {NAN} (call isNAN (. S2 TYPE)))"
             f" (do (= (. D0 TYPE) (call v_min3_TYPE {TWO} (. S2 TYPE))))"
             f" (do (= (. D0 TYPE) (call most_TYPE (call least_TYPE {TWO})"
             f" (call least_TYPE (call most_TYPE {TWO}) (. S2 TYPE)))))))",
    "MED3I": f"(do (= (. D0 TYPE) (call v_max_TYPE (call v_min_TYPE {TWO})"
             f" (call v_min_TYPE (call v_max_TYPE {TWO}) (. S2 TYPE)))))",
}  # fmt: skip
SHORTER |= {"MED3U": SHORTER["MED3I"]} | {
    f"{way}{kind}": f"(do (= (. D0 TYPE) (call v_{way.lower()}_TYPE {TWO})))"
    for way in ("MIN", "MAX") for kind in "IU"
}  # fmt: skip


def shorter(name: Match[str]) -> str:
    """The least, the greatest, the one between."""
    return SHORTER[name[1] + name[2][0]].replace("TYPE", name[2].lower())


# Sums with a carry in 32 bits, products with one in 64: the manual's are in 64 and 65. A1 and B1 are sources.
MASK, IN = "(@ (. VCC u64) laneId)", "(. (@ (. VCC u64) laneId) u32)"
CARRIES = {
    ("ADD", False): f"""(do (= sum (+ (. A1 u32) (. B1 u32))) (= {MASK} (< sum (. A1 u32)))
        (= (. D0 u32) sum))""",
    ("ADD", True): f"""(do (= part (+ (. A1 u32) (. B1 u32))) (= sum (+ part {IN}))
        (= {MASK} (|| (< part (. A1 u32)) (< sum part))) (= (. D0 u32) sum))""",
    ("SUB", False): f"""(do (= less (< (. A1 u32) (. B1 u32))) (= (. D0 u32) (- (. A1 u32) (. B1 u32)))
        (= {MASK} less))""",
    ("SUB", True): f"""(do (= part (- (. A1 u32) (. B1 u32))) (= sum (- part {IN}))
        (= {MASK} (|| (< (. A1 u32) (. B1 u32)) (< part sum))) (= (. D0 u32) sum))""",
}


def carries(name: Match[str]) -> str:
    """A sum or difference, with a carry or without, its operands in this order or the other one."""
    kind = "ADD" if name[1] == "ADD" else "SUB"
    first, second = ("S1", "S0") if "REV" in name[1] else ("S0", "S1")
    body = CARRIES[kind, name[1].startswith("SUBB") or bool(name[2] or name[3])]
    return body.replace("A1", first).replace("B1", second)


MAD_U64 = """(do (= part (* (cast 64U (. S0 u32)) (cast 64U (. S1 u32))))
    (= sum (+ part (. S2 u64))) (= (. D0 u64) sum) (= (. D1 u1) (< sum part)))"""
MAD_I64 = """(do (= part (* (cast 64I (. S0 i32)) (cast 64I (. S1 i32))))
    (= sum (+ (. part u64) (. S2 u64)))
    (= (. D0 u64) sum)
    (= (. D1 u1) (^ (^ (@ (. part u64) 63) (@ (. S2 u64) 63)) (< sum (. part u64)))))"""
SMALL = """(do (= tmp (call f32_to_SMALL_sr_scale (. S0 f32) (. S1 u32) (num 8:127U)))
    (= dstbyte (* (. ([:] OPSEL 3 2) i32) 8))
    (= (. ([:] (@ (@ VGPR laneId) (. VDST u32)) (+ dstbyte 7) dstbyte) SMALL) tmp))"""


def overflowing(most: int, apart: int) -> Mend:
    """A division whose exponents are at least so far apart."""

    def mend(_: Match[str], code: Code) -> Code:
        kind = next(each[2] for each in walk(code) if each[:2] == (".", "S1"))
        top = [("call", "exponent", (".", role, kind)) for role in ("S1", "S2")]
        return swapped(code, ("==", top[0], most), (">=", ("-", top[1], top[0]), apart))

    return mend


def class_of_doubles(_: Match[str], code: Code) -> Code:
    """A class of numbers, without the prose, of doubles' exponents."""
    if not isinstance(code, tuple):
        return code
    rest = [each for each in code[1:] if isinstance(each, tuple) and each[0] != "@"]
    return swapped((code[0], *rest), 1023, 2047)


# fmt: off
MENDS = (  # names of entries, what is made of the body
    # RDNA3 shifts 16 bits without their sign.
    (r"V_ASHRREV_I16", part("([:] (. S1 i) 15 0)", "(. S1 i16)")),
    # RDNA3's SCC has >, where CDNA3, CDNA4 and RDNA4 have >=.
    (r"S_MAX_I32", part("(> (. S0 i) (. S1 i))", "(>= (. S0 i) (. S1 i))")),
    (r"S_MAX_U32", part("(> (. S0 u) (. S1 u))", "(>= (. S0 u) (. S1 u))")),
    # RDNA3 has the borrow of V_SUBREV_CO_CI_U32 the wrong way around.
    (r"V_(ADD|SUBB?|SUBB?REV)(C)?_CO(_CI)?_U32", instead(carries)),
    (r"V_MAD_U64_U32", instead(MAD_U64)),
    (r"V_MAD_I64_I32", instead(MAD_I64)),
    (r"V_(MIN|MAX|MED3)_([FIU](?:16|32|64))", instead(shorter)),
    # The manual's sum loses the carry into the exponent.
    (r"V_CVT_SR_(FP8|BF8)_F32", instead(lambda name: SMALL.replace("SMALL", name[1].lower()))),
    # Where the quotient overflows (it was NaN by then, and is infinity) the manual asks whether the
    # denominator is infinite.
    (r"V_DIV_FIXUP_F32", overflowing(255, 130)),
    (r"V_DIV_FIXUP_F64", overflowing(2047, 1026)),
    # RDNA3 has another infinity, CDNA4 prose.
    (r".*CLASS_F64", class_of_doubles),
)
# fmt: on


def mended(form: Form, code: Code) -> Code:
    """A body in the words that are translated: as MENDS has it, else the manual's."""
    for names, mend in MENDS:
        match = re.fullmatch(names, form.entry.name)
        if match:
            return mend(match, code)
    return code
