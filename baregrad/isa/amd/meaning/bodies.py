"""Bodies of the manual in other words: shorter ones that mean the same, and mended ones.

They are pseudocode still, and go through the translator. What is not here: entries with a text of ours
(rows_*.py).
"""

from __future__ import annotations

import re

from baregrad.isa.amd.layout import Form
from baregrad.isa.pseudocode import Node as Code
from baregrad.isa.pseudocode import read, walk

# Bodies that are shorter in other words, and the same: the manual's are trees of branches.
SHORTER = re.compile(r"V_(MIN|MAX|MED3)_([FIU](?:16|32|64))")
TWO, NAN = "(. S0 TYPE) (. S1 TYPE)", "(|| (call isNAN (. S0 TYPE)) (call isNAN (. S1 TYPE)))"
BODIES = {
    "MINF": f"(do (= (. D0 TYPE) (call v_min_TYPE {TWO})))",
    "MAXF": f"(do (= (. D0 TYPE) (call v_max_TYPE {TWO})))",
    "MED3F": f"(do (if (|| {NAN} (call isNAN (. S2 TYPE)))"
             f" (do (= (. D0 TYPE) (call v_min3_TYPE {TWO} (. S2 TYPE))))"
             f" (do (= (. D0 TYPE) (call most_TYPE (call least_TYPE {TWO})"
             f" (call least_TYPE (call most_TYPE {TWO}) (. S2 TYPE)))))))",
    "MED3I": f"(do (= (. D0 TYPE) (call v_max_TYPE (call v_min_TYPE {TWO})"
             f" (call v_min_TYPE (call v_max_TYPE {TWO}) (. S2 TYPE)))))",
}  # fmt: skip
BODIES |= {"MED3U": BODIES["MED3I"]} | {
    f"{way}{kind}": f"(do (= (. D0 TYPE) (call v_{way.lower()}_TYPE {TWO})))"
    for way in ("MIN", "MAX") for kind in "IU"
}  # fmt: skip
# Entry, a part of its body, what it should be. RDNA3 shifts 16 bits without their sign; in S_MAX's SCC it has
# >, where CDNA3, CDNA4 and RDNA4 have >=.
OTHERS = (
    (re.compile("V_ASHRREV_I16"), "([:] (. S1 i) 15 0)", "(. S1 i16)"),
    (re.compile("S_MAX_I32"), "(> (. S0 i) (. S1 i))", "(>= (. S0 i) (. S1 i))"),
    (re.compile("S_MAX_U32"), "(> (. S0 u) (. S1 u))", "(>= (. S0 u) (. S1 u))"),
)
# Sums with a carry in 32 bits, products with one in 64: the manual's are in 64 and 65. A1 and B1 are sources.
# The manual of RDNA3 has the borrow of V_SUBREV_CO_CI_U32 the wrong way around.
CARRY = re.compile(r"V_(ADD|SUBB?|SUBB?REV)(C)?_CO(_CI)?_U32")
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
PRODUCTS = {
    "V_MAD_U64_U32": """(do (= part (* (cast 64U (. S0 u32)) (cast 64U (. S1 u32))))
        (= sum (+ part (. S2 u64))) (= (. D0 u64) sum) (= (. D1 u1) (< sum part)))""",
    "V_MAD_I64_I32": """(do (= part (* (cast 64I (. S0 i32)) (cast 64I (. S1 i32))))
        (= sum (+ (. part u64) (. S2 u64)))
        (= (. D0 u64) sum)
        (= (. D1 u1) (^ (^ (@ (. part u64) 63) (@ (. S2 u64) 63)) (< sum (. part u64)))))""",
}
# V_DIV_FIXUP: where the quotient overflows (it was NaN by then, and is infinity) the manual asks whether the
# denominator is infinite; here the exponents are at least so far apart.
FIXUP = {"V_DIV_FIXUP_F32": (255, 130), "V_DIV_FIXUP_F64": (2047, 1026)}
# V_CVT_SR_FP8_F32: the manual's sum loses the carry into the exponent.
SMALL = """(do (= tmp (call f32_to_SMALL_sr_scale (. S0 f32) (. S1 u32) (num 8:127U)))
    (= dstbyte (* (. ([:] OPSEL 3 2) i32) 8))
    (= (. ([:] (@ (@ VGPR laneId) (. VDST u32)) (+ dstbyte 7) dstbyte) SMALL) tmp))"""


def mended(form: Form, code: Code) -> Code:
    """A body in the words that are translated; V_CMP_CLASS_F64's has another
    infinity in RDNA3's manual, and prose in CDNA4's.
    """
    for name, old, new in OTHERS:
        if name.fullmatch(form.entry.name):
            return swapped(code, read(old), read(new))
    carry = CARRY.fullmatch(form.entry.name)
    if carry:
        first, second = ("S1", "S0") if "REV" in carry[1] else ("S0", "S1")
        text = CARRIES[
            "ADD" if carry[1] == "ADD" else "SUB", carry[1].startswith("SUBB") or bool(carry[2] or carry[3])
        ]
        return read(text.replace("A1", first).replace("B1", second))
    if form.entry.name in PRODUCTS:
        return read(PRODUCTS[form.entry.name])
    shorter = SHORTER.fullmatch(form.entry.name)
    if shorter:
        return read(BODIES[shorter[1] + shorter[2][0]].replace("TYPE", shorter[2].lower()))
    stochastic = re.fullmatch("V_CVT_SR_(FP8|BF8)_F32", form.entry.name)
    if stochastic:
        return read(SMALL.replace("SMALL", stochastic[1].lower()))
    fixup = FIXUP.get(form.entry.name)
    if fixup:
        kind = next(each[2] for each in walk(code) if each[:2] == (".", "S1"))
        top = [("call", "exponent", (".", role, kind)) for role in ("S1", "S2")]
        return swapped(code, ("==", top[0], fixup[0]), (">=", ("-", top[1], top[0]), fixup[1]))
    if "CLASS_F64" not in form.entry.name or not isinstance(code, tuple):
        return code
    rest = [each for each in code[1:] if isinstance(each, tuple) and each[0] != "@"]
    return swapped((code[0], *rest), 1023, 2047)


def swapped(code: Code, old: Code, new: Code) -> Code:
    """A body with something else in the place of a part."""
    if code == old:
        return new
    return tuple(swapped(each, old, new) for each in code) if isinstance(code, tuple) else code
