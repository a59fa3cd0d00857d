"""Vector and scalar instructions whose body in the manual is loose, wrong or no code: texts of ours.

Mostly functions that a body only names (sine, significand), results that a body rounds twice, and bit tricks
that it writes as loops of 64 steps. T stands for the float type of the entry's name, BITS for its width. What
is not here: what reaches across lanes (rows_wave.py), matrix products, memory, integer CLAMP (modifiers.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from baregrad.base import memo
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning.rows_given import Given
from baregrad.isa.amd.operands import family

Text = str | Callable[[Form, Mapping[str, int]], str]


class Row(NamedTuple):
    """Entries of a family ("" for all) whose names match, their text, why and from where."""

    family: str
    name: str
    text: Text
    source: str


# type -> bits, bits of the mantissa, mask of the exponent, 0.5 with an exponent that is 0 below, bias - 1
FLOATS = {"f16": (16, 10, 0x7C00, 0x3800, 14), "f32": (32, 23, 0x7F800000, 0x3F000000, 126),
          "f64": (64, 52, 0x7FF << 52, 0x3FE << 52, 1022)}  # fmt: skip
DIV = {"f32": (96, 23, 64), "f64": (768, 53, 128)}
ANGLE = ("x = f64(S0.T); r = x - even(x)"
         "; h = (r.u >> 63) == 0 ? r : -r; s = {}"
         "; D0 = (T(sin(s * 6.283185307179586))).u")  # fmt: skip
SINE = "(h > 0.25) ? ((r < 0.0 ? (h - 0.5) : (0.5 - h))) : (x == 0.0 ? x : r)"


def significand(form: Form, fields: Mapping[str, int]) -> str:
    """V_FREXP_MANT: in [0.5, 1), numbers below the normal ones too."""
    type = float_type(form.entry.name)
    bits, mantissa, mask, half, _ = FLOATS[type]
    kept = (1 << bits) - 1 & ~mask
    top = f"S0[{bits - 2}:{mantissa}]"
    return (
        f"y = {top} == 0 ? ldexp(S0.{type}, {mantissa + 1}).u : S0"
        f"; D0 = ((S0 & {mask:#x}) == {mask:#x}) | (S0[{bits - 2}:0] == 0) ? S0 : (y & {kept:#x}) | {half:#x}"
    )


def exponent(form: Form, fields: Mapping[str, int]) -> str:
    """V_FREXP_EXP: of that significand; 0 for 0, infinity and NaN."""
    type = float_type(form.entry.name)
    bits, mantissa, mask, _, bias = FLOATS[type]
    result = "i16" if type == "f16" else "i32"
    return (
        f"e = i32(S0[{bits - 2}:{mantissa}]); y = ldexp(S0.{type}, {mantissa + 1}).u"
        f"; f = i32(y[{bits - 2}:{mantissa}]) - {mantissa + 1}"
        f"; n = ((S0 & {mask:#x}) == {mask:#x}) | (S0[{bits - 2}:0] == 0)"
        f"; D0 = (n ? 0 : {result}((e == 0 ? f : e) - {bias})).u"
    )


def fraction(form: Form, fields: Mapping[str, int]) -> str:
    """V_FRACT: below 1 though it is rounded. Source: LLVM makes it of min(x - floor(x), 1 - ulp)."""
    type = float_type(form.entry.name)
    bits, mantissa, _, half, _ = FLOATS[type]
    one = half + (1 << mantissa)
    return f"y = S0.{type} - floor(S0.{type}); D0 = y >= 1.0 ? u{bits}({one - 1:#x}) : y.u"


def scale(form: Form, fields: Mapping[str, int]) -> str:
    """V_DIV_SCALE: numbers such that a quotient computed from them does not leave the range on the way.

    S0 is the denominator S1 or the numerator S2, whichever is asked for. The mask says that the quotient must
    be scaled back by V_DIV_FMAS. The manual scales by 2**64 where the quotient and 1 / S1 are denormal, too,
    which would overflow; it is 2**-64 there.
    """
    type = float_type(form.entry.name)
    far, near, step = DIV[type]
    bits, mantissa, _, _, _ = FLOATS[type]
    top = f"[{bits - 2}:{mantissa}]"
    nan = f"u{bits}({FLOATS[type][2] | 1 << (mantissa - 1):#x})"
    least = f"u{bits}({1 << mantissa:#x}).{type}"
    return (
        f"n = i32(S2{top}); d = i32(S1{top})"
        f"; up = ldexp(S0.{type}, {step}).u; down = ldexp(S0.{type}, -{step}).u"
        f"; q = S2.{type} / S1.{type}; r = {type}(1.0) / S1.{type}"
        f"; q = (q < 0.0) ? -q : q; r = (r < 0.0) ? -r : r; tiny = q < {least}; small = r < {least}"
        f"; zero = (S1.{type} == 0.0) | (S2.{type} == 0.0); apart = (n - d) >= {far}"
        "; D1 = ~zero & (apart | (tiny & (d != 0)))"
        f"; D0 = zero ? {nan} : apart ? (S0.{type} == S1.{type} ? up : S0) : d == 0 ? up"
        f" : small & tiny ? (S0.{type} == S1.{type} ? down : S0) : small ? down"
        f" : tiny ? (S0.{type} == S2.{type} ? up : S0) : n <= {near} ? up : S0"
    )


def scaled_back(form: Form, fields: Mapping[str, int]) -> str:
    """V_DIV_FMAS: S0 * S1 + S2, scaled by what V_DIV_SCALE did: up for large quotients, down for small ones.

    The manual has 2**32 (2**64 for f64), which does not fit its V_DIV_SCALE. Rounded once: f32 in f64, and of
    f64 a tie that scaling down makes (w is half of the least denormal, h) is decided by what the sum lost
    (d).
    """
    if float_type(form.entry.name) == "f32":
        return (
            "y = fma(f64(S0.f32), f64(S1.f32), f64(S2.f32)); k = S2[30:23] > 127 ? i32(64) : i32(-64)"
            "; D0 = (VCC ? f32(ldexp(y, k)) : fma(S0.f32, S1.f32, S2.f32)).u"
        )
    return (
        "y = fma(S0.f64, S1.f64, S2.f64); k = S2[62:52] > 1023 ? i32(128) : i32(-128)"
        "; s = ldexp(y, k); w = y - ldexp(s, 0 - k); d = fma(S0.f64, S1.f64, S2.f64 - y)"
        f"; h = u64({(1023 - 947) << 52:#x}).f64; t = u64(1).f64"
        "; s = (w == h) & (d > 0.0) ? s + t : ((w == -h) & (d < 0.0) ? s - t : s)"
        "; D0 = (VCC ? s : y).u"
    )


@memo
def two_over_pi() -> int:
    """The first 1201 bits of 2 / pi behind the point, by Machin's formula."""
    one = 1 << 1300

    def arctangent(n: int) -> int:
        total, term, k = 0, one // n, 0
        while term:
            total += (term if k % 2 == 0 else -term) // (2 * k + 1)
            term //= n * n
            k += 1
        return total

    pi = 4 * (4 * arctangent(5) - arctangent(239))
    return (2 * one << 1201) // pi


def segment(form: Form, fields: Mapping[str, int]) -> str:
    """V_TRIG_PREOP_F64: 53 bits of 2 / pi, from S1[4:0] * 53 on and further for large S0."""
    return (
        "e = i32(S0[62:52]); n = i32(S1[4:0]) * 53; n = e > 1077 ? n + e - 1077 : n"
        f"; b = u1201({two_over_pi():#x}) << n.u; r = f64(b[1200:1148]); k = -53 - n"
        "; k = e >= 1968 ? k + 128 : k; D0 = ldexp(r, k).u"
    )


def table(form: Form, fields: Mapping[str, int]) -> str:
    """V_BITOP3: bit 4 * a + 2 * b + c of the table where the bits of S0, S1, S2 are a, b, c."""
    chosen = fields.get("bitop3", 0)
    bits = 16 if form.entry.name.endswith("16") else 32
    terms = [
        f"({'' if n & 4 else '~'}S0 & {'' if n & 2 else '~'}S1 & {'' if n & 1 else '~'}S2)"
        for n in range(8)
        if chosen >> n & 1
    ]
    return f"D0 = {' | '.join(terms) or f'u{bits}(0)'}"


def mixed(form: Form, fields: Mapping[str, int]) -> str:
    """V_FMA_MIX: each source is f32, or the half of one that OP_SEL says, where OP_SEL_HI is set."""
    high, half = fields.get("op_sel_hi", 0), fields.get("op_sel", 0)
    parts = []
    for n, role in enumerate(("S0", "S1", "S2")):
        wide = f"f32({role}.f16[{half >> n & 1}])" if high >> n & 1 else f"{role}.f32"
        wide = f"({wide}.u & 0x7FFFFFFF).f32" if fields.get(f"abs_{role}", 0) else wide
        parts.append(f"-{wide}" if fields.get(f"neg_{role}", 0) else wide)
    made = f"fma({', '.join(parts)})"
    if fields.get("clamp", 0):
        made = f"y = {made}; y = (y > 0.0 ? (y < 1.0 ? y : 1.0) : (y == y) | MODE[8] ? 0.0 : y); "
    else:
        made = f"y = {made}; "
    if form.entry.name.endswith("MIX_F32"):
        return f"{made}D0 = y.u"
    return f"{made}D0{'[15:0]' if 'LO' in form.entry.name else '[31:16]'} = f16(y).u"


def moved(form: Form, fields: Mapping[str, int]) -> str:
    """V_PK_MOV_B32: a word of each source."""
    half = fields.get("op_sel", 0)
    return f"D0 = cat(S1.u32[{half >> 1 & 1}], S0.u32[{half & 1}])"


def float_type(name: str) -> str:
    """The float type that a name ends with."""
    return name[name.rindex("_F") + 1 :].lower()


def cut(role: str) -> str:
    """Statements that make f16 bits of a source, rounded toward zero."""
    name = role.lower()
    return (
        f"{name} = f16({role}.f32).u; w = f32({name}.f16).u"
        f"; {name} = (w & 0x7FFFFFFF).f32 > ({role} & 0x7FFFFFFF).f32 ? {name} - 1 : {name}"
    )


COUNT = ("t = {0} - ({0} >> 1 & {1}); t = (t & {2}) + (t >> 2 & {2}); t = t + (t >> 4) & {3}"
         "; n = u32(t * {4} >> {5})")  # fmt: skip
M32 = ("0x55555555", "0x33333333", "0x0F0F0F0F", "0x01010101", "24")
M64 = ("0x5555555555555555", "0x3333333333333333", "0x0F0F0F0F0F0F0F0F", "0x0101010101010101", "56")


def reversal(name: str, bits: int) -> str:
    """Statements that reverse the bits of a name."""
    masks = ((1, "5555"), (2, "3333"), (4, "0F0F"), (8, "00FF"))
    steps = [
        f"{name} = {name} >> {n} & 0x{mask * (bits // 16)} | ({name} & 0x{mask * (bits // 16)}) << {n}"
        for n, mask in masks
    ]
    steps.append(
        f"{name} = {name} >> 16 | {name} << 16"
        if bits == 32
        else f"{name} = {name} >> 16 & 0x0000FFFF0000FFFF | ({name} & 0x0000FFFF0000FFFF) << 16"
    )
    if bits == 64:
        steps.append(f"{name} = {name} >> 32 | {name} << 32")
    return "; ".join(steps)


def leading(value: str, bits: int, none: str = "0xFFFFFFFF") -> str:
    """Statements that set D0 to the number of zeros above the highest bit of a value."""
    steps = [f"x = {value}; n = u32(0)"]
    for n in (32, 16, 8, 4, 2, 1):
        if n < bits:
            steps.append(f"z = (x >> {bits - n}) == 0; n = z ? n + {n} : n; x = z ? x << {n} : x")
    return "; ".join(steps) + f"; D0 = x == 0 ? {none} : n"


def trailing(value: str, bits: int) -> str:
    """Statements that set D0 to the number of zeros below the lowest bit of a value."""
    ones = M64 if bits == 64 else M32
    return f"x = {value}; y = (x & (0 - x)) - 1; {COUNT.format('y', *ones)}; D0 = x == 0 ? 0xFFFFFFFF : n"


# fmt: off
ROWS = (
    Row("", r"V_SIN_(F16|F32)", ANGLE.format(SINE),
        "CDNA4 ISA 12: S0 is in turns, whole ones are 0; sign of 0 is kept"),
    Row("", r"V_COS_(F16|F32)", ANGLE.format("0.25 - h"), "as V_SIN_F32"),
    Row("", r"V_RSQ_(F16|F32)", "D0 = T(f64(1.0) / sqrt(f64(S0.T))).u", "rounded once"),
    Row("", r"V_LOG_(F16|F32)", "D0 = T(log2(f64(S0.T))).u", "rounded once"),
    Row("", r"V_EXP_(F16|F32)", "D0 = T(exp2(f64(S0.T))).u", "rounded once"),
    Row("", r"V_RNDNE_(F16|F32|F64)", "D0 = even(S0.T).u",
        "the manual's sum loses the last bit and the sign of 0"),
    Row("", r"V_FREXP_MANT_(F16|F32|F64)", significand, "manual, where prose; 0, infinity and NaN are kept"),
    Row("", r"V_FREXP_EXP_I(16|32)_(F16|F32|F64)", exponent, "as V_FREXP_MANT; 0 for 0, infinity, NaN"),
    Row("", r"V_FRACT_(F16|F32|F64)", fraction, "LLVM: never 1.0"),
    Row("", r"V_LDEXP_F16", "D0 = ldexp(S0.f16, i32(S1.i16)).u", "a power that overflows alone does not"),
    Row("", r"V_LDEXP_F(32|64)", "D0 = ldexp(S0.T, S1.i32).u", "as V_LDEXP_F16"),
    Row("", r"V_CVT_(NEAREST|RPI)_I32_F32", "D0 = i32(floor(f64(S0.f32) + 0.5)).u", "the sum is exact"),
    Row("", r"V_CVT_OFF_F32_I4", "D0 = (f32(S0[3:0].i4) * 0.0625).u", "the manual's table"),
    Row("", r"V_CVT_PK_?RTZ_F16_F32", f"{cut('S0')}; {cut('S1')}; D0 = cat(s1, s0)", "rounded toward zero"),
    Row("", r"V_DIV_SCALE_F(32|64)", scale, "see scale()"),
    Row("", r"V_DIV_FMAS_F(32|64)", scaled_back, "see scaled_back()"),
    Row("", r"V_TRIG_PREOP_F64", segment, "manual's body, which masks the wrong end"),
    Row("", r"V_BITOP3_B(16|32)", table, "manual's body"),
    Row("", r"V_(FMA|MAD)_MIX\w+", mixed, "manual's body; its name for CDNA is MAD, gfx950 fuses"),
    Row("", r"V_PK_MOV_B32", moved, "manual's body"),
    Row("", r"V_FLOOR_(F16|F32|F64)", "D0 = floor(S0.T).u", "manual's body"),
    Row("", r"V_CEIL_(F16|F32|F64)", "D0 = ceil(S0.T).u", "manual's body"),
    Row("", r"V_PERM_B32",
        "d = cat(S0, S1); for i < 4 { s = S2.u8[i]; x = u8(0) - u8(d.u8[(s - 8) * 2 + 1][7])"
        "; D0.u8[i] = (s > 12) ? 0xFF : ((s == 12) ? 0 : ((s > 7) ? x : d.u8[s])) }", "manual's body"),
    Row("", r"V_BFREV_B32", f"x = S0; {reversal('x', 32)}; D0 = x", "manual's body"),
    Row("", r"S_BREV_B32", f"x = S0; {reversal('x', 32)}; D0 = x", "manual's body"),
    Row("", r"S_BREV_B64", f"x = S0; {reversal('x', 64)}; D0 = x", "manual's body"),
    Row("", r"[SV]_(CTZ_I32_B32|FF1_I32_B32|FFBL_B32)", trailing("S0", 32), "manual's body"),
    Row("", r"S_(CTZ_I32_B64|FF1_I32_B64)", trailing("S0", 64), "manual's body"),
    Row("", r"S_FF0_I32_B32", trailing("~S0", 32), "manual's body"),
    Row("", r"S_FF0_I32_B64", trailing("~S0", 64), "manual's body"),
    Row("", r"[SV]_(CLZ_I32_U32|FLBIT_I32_B32|FFBH_U32)", leading("S0", 32), "manual's body"),
    Row("", r"S_(CLZ_I32_U64|FLBIT_I32_B64)", leading("S0", 64), "manual's body"),
    Row("", r"[SV]_(CLS_I32|FLBIT_I32|FFBH_I32)", leading("(S0.i >> 31).u ^ S0", 32), "manual's body"),
    Row("", r"S_(CLS_I32_I64|FLBIT_I32_I64)", leading("(S0.i >> 63).u ^ S0", 64), "manual's body"),
    Row("", r"S_BCNT1_I32_B32", f"{COUNT.format('S0', *M32)}; SCC = n != 0; D0 = n", "manual's body"),
    Row("", r"S_BCNT0_I32_B32", f"s = ~S0; {COUNT.format('s', *M32)}; SCC = n != 0; D0 = n", "manual's body"),
    Row("", r"S_BCNT1_I32_B64", f"{COUNT.format('S0', *M64)}; SCC = n != 0; D0 = n", "manual's body"),
    Row("", r"S_BCNT0_I32_B64", f"s = ~S0; {COUNT.format('s', *M64)}; SCC = n != 0; D0 = n", "manual's body"),
    Row("", r"V_BCNT_U32_B32", f"{COUNT.format('S0', *M32)}; D0 = n + S1", "manual's body"),
    Row("", r"V_MBCNT_LO_U32_B32", "s = S0 & (laneId > 31 ? u32(0xFFFFFFFF) : (u32(1) << laneId) - 1); "
        f"{COUNT.format('s', *M32)}; D0 = n + S1", "manual's body"),
    Row("", r"V_MBCNT_HI_U32_B32", "s = S0 & (laneId > 31 ? (u32(1) << laneId - 32) - 1 : u32(0)); "
        f"{COUNT.format('s', *M32)}; D0 = n + S1", "manual's body"),
)
# fmt: on


def vector(form: Form, fields: Mapping[str, int]) -> Given | None:
    """The meaning of an entry that is in ROWS."""
    fam = family(form.arch)
    for row in ROWS:
        if row.family in ("", fam) and re.fullmatch(row.name, form.entry.name):
            text = row.text if isinstance(row.text, str) else row.text(form, fields)
            if "_F" in form.entry.name and isinstance(row.text, str):
                text = re.sub(r"\bT\b", float_type(form.entry.name), text)
            return Given("scalar" if form.entry.format.startswith("S") else "lane", text, row.source)
    return None
