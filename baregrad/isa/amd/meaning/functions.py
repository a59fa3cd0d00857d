"""Functions of the pseudocode in our language: a table of text, expanded where they are called.

A function has parameters (bits as wide as what is given) and text: statements for names of its own, then a
value. Where one exists for several types, its name ends with the type, which is that of the first argument.
KINDS says what types arguments are converted to first ("=": the first one's; nothing: as they are). Sources:
the manual of each architecture where it says what a function does ("Helper functions", 15.1 of RDNA3 and 12.1
of CDNA4), IEEE 754, OCP Microscaling 1.0 for the small floats, CLRX's descriptions for roundings. What is
not here: how a call is found (values.py) and expanded (expand.py).
"""

from __future__ import annotations

from baregrad.isa.meaning import Function

# type -> bits, bits of the mantissa, bias
FLOATS = {"f16": (16, 10, 15), "f32": (32, 23, 127), "f64": (64, 52, 1023), "bf16": (16, 7, 127)}
ONES64 = "0x7FFFFFFFFFFFFFFF"
SMALL = {"fp8": "0x7e", "bf8": "0x7b", "fp6": "", "bf6": "", "fp4": ""}


def _float_rows(type: str) -> dict[str, Function]:
    """What each float type has."""
    bits, mantissa, _ = FLOATS[type]
    nan, sign = f"(x.{type} != x.{type})", bits - 1
    less = f"(a.{type} < b.{type}) | ((a.{type} == b.{type}) & a[{sign}])"
    more = f"(a.{type} > b.{type}) | ((a.{type} == b.{type}) & b[{sign}])"
    rows: dict[str, Function] = {
        "isNAN": (("x",), nan),
        "isSignalNAN": (("x",), f"{nan} & ~x[{mantissa - 1}]"),
        "isQuietNAN": (("x",), f"{nan} & x[{mantissa - 1}]"),
        "cvtToQuietNAN": (("x",), f"(x | {1 << (mantissa - 1):#x}).{type}"),
        "sign": (("x",), f"x[{sign}]"),
        "exponent": (("x",), f"i32(x[{bits - 2}:{mantissa}])"),
        "abs": (("x",), f"(x & {(1 << sign) - 1:#x}).{type}"),
        # IEEE 754-2008 minNum, maxNum; a signaling NaN is the result, made quiet, where MODE.IEEE is set
        "v_min": (("a", "b"), _chosen(type, less)),
        "v_max": (("a", "b"), _chosen(type, more)),
        # IEEE 754-2019 minimum, maximum: NaN if either is
        "v_minimum": (("a", "b"), _either(type, less)),
        "v_maximum": (("a", "b"), _either(type, more)),
        # of numbers that are no NaN
        "least": (("a", "b"), f"({less} ? a : b).{type}"),
        "most": (("a", "b"), f"({more} ? a : b).{type}"),
    }
    return {f"{name}_{type}": row for name, row in rows.items()}


def _chosen(type: str, first: str) -> str:
    """The lesser or greater of a and b: the other one if one is NaN."""
    quiet = f"{1 << (FLOATS[type][1] - 1):#x}"
    top = FLOATS[type][1] - 1
    return (
        f"p = a.{type} != a.{type}; q = b.{type} != b.{type}; s = MODE[9] & p & ~a[{top}]; "
        f"t = MODE[9] & q & ~b[{top}]; "
        f"(s ? a | {quiet} : t ? b | {quiet} : q ? a : p ? b : {first} ? a : b).{type}"
    )


def _either(type: str, first: str) -> str:
    """The lesser or greater of a and b: NaN if one is."""
    quiet = f"{1 << (FLOATS[type][1] - 1):#x}"
    return (
        f"p = a.{type} != a.{type}; q = b.{type} != b.{type}; "
        f"(p ? a | {quiet} : q ? b | {quiet} : {first} ? a : b).{type}"
    )


def _small_rows(small: str) -> dict[str, Function]:
    """Conversions of a small float, with a scale (2 to a power, biased by 127; 255 is NaN) and without.
    MODE.FP16_OVFL keeps what is too large at the largest. Source: CDNA4 ISA 6.7, 12.1."""
    rows: dict[str, Function] = {}
    for wide in ("f32", "f16", "bf16"):
        bits, mantissa, _ = FLOATS[wide]
        nan = f"u{bits}({((1 << bits - 1) - 1) ^ ((1 << mantissa - 1) - 1):#x}).{wide}"
        rows[f"{small}_to_{wide}_scale"] = (
            ("x", "s"),
            f"(s == 0xFF) ? {nan} : {wide}(ldexp(f64(x.{small}), i32(s) - 127))",
        )
        rows[f"{wide}_to_{small}_scale"] = (
            ("x", "s"),
            f"y = ldexp(f64(x.{wide}), 127 - i32(s)); {'; '.join(_narrow(small, 'y.f64', f'x[{bits - 1}]'))}",
        )
        first, narrow = _narrow(small, "y.f64", "w[31]")
        drop = 23 - {"fp8": 3, "bf8": 2, "fp6": 3, "bf6": 2, "fp4": 1}[small]
        # the random bits stand below the last bit that is kept; what is left is cut
        rows[f"{wide}_to_{small}_sr_scale"] = (
            ("x", "r", "s"),
            f"w = f32(x.{wide}).u; k = (w[30:23] == 0xFF) ? w : w + (r >> {32 - drop}); "
            f"y = ldexp(f64(k.f32), 127 - i32(s)).u; {first}; c = {narrow}.u; z = f64(c.{small}).u; "
            f"((z & {ONES64}).f64 > (y & {ONES64}).f64 ? c - 1 : c).{small}",
        )
    rows[f"{small}_to_f32"] = (("x",), f"f32(x.{small})")
    rows[f"f32_to_{small}"] = (("x",), "; ".join(_narrow(small, "x.f32", "x[31]")))
    return rows


def _narrow(small: str, value: str, sign: str) -> tuple[str, str]:
    """A statement and a value: a small float, kept at the largest if MODE.FP16_OVFL says so."""
    if not SMALL[small]:
        return f"n = {small}({value})", "n"
    over = "0x7F" if small == "fp8" else "0x7C"
    held = f"((n & 0x7F) == {over}) & MODE[23] & ({value} == {value})"
    return f"n = {small}({value}).u", f"({held} ? {SMALL[small]} | (u8({sign}) << 7) : n).{small}"


FUNCTIONS: dict[str, Function] = {
    **{name: row for type in FLOATS for name, row in _float_rows(type).items()},
    **{name: row for small in SMALL for name, row in _small_rows(small).items()},
    # conversions: to integers they are cut toward zero and saturate, NaN is 0
    "f16_to_f32": (("x",), "f32(x.f16)"), "bf16_to_f32": (("x",), "f32(x.bf16)"),
    "f32_to_f64": (("x",), "f64(x.f32)"),
    "f64_to_f32": (("x",), "f32(x.f64)"), "f32_to_f16": (("x",), "f16(x.f32)"),
    "f32_to_bf16": (("x",), "bf16(x.f32)"),
    "f16_to_i16": (("x",), "i16(x.f16)"), "f16_to_u16": (("x",), "u16(x.f16)"),
    "f32_to_i32": (("x",), "i32(x.f32)"),
    "f32_to_u32": (("x",), "u32(x.f32)"), "f64_to_i32": (("x",), "i32(x.f64)"),
    "f64_to_u32": (("x",), "u32(x.f64)"),
    "f32_to_u8": (("x",), "u8(even(x.f32))"),
    "i16_to_f16": (("x",), "f16(x.i16)"), "u16_to_f16": (("x",), "f16(x.u16)"),
    "i32_to_f32": (("x",), "f32(x.i32)"),
    "u32_to_f32": (("x",), "f32(x.u32)"), "i32_to_f64": (("x",), "f64(x.i32)"),
    "u32_to_f64": (("x",), "f64(x.u32)"),
    "v_cvt_i16_f32": (("x",), "i16(x.f32)"), "v_cvt_u16_f32": (("x",), "u16(x.f32)"),
    "i16_to_i32": (("x",), "i32(x.i16)"), "i8_to_i32": (("x",), "i32(x.i8)"),
    "i4_to_i32": (("x",), "i32(x.i4)"),
    "u16_to_u32": (("x",), "u32(x.u16)"), "u8_to_u32": (("x",), "u32(x.u8)"),
    "u4_to_u32": (("x",), "u32(x.u4)"),
    "i32_to_i16": (("x",), "i16(x.i32 > 32767 ? 32767 : x.i32 < -32768 ? -32768 : x.i32)"),
    "u32_to_u16": (("x",), "u16(x > 0xFFFF ? 0xFFFF : x)"),
    # normalised: 1.0 is the greatest integer; rounded to nearest even
    "f16_to_snorm": (("x",), "y = f64(x.f16); i16(even((y > 1.0 ? 1.0 : y < -1.0 ? -1.0 : y) * 32767.0))"),
    "f16_to_unorm": (("x",), "y = f64(x.f16); u16(even((y > 1.0 ? 1.0 : y < 0.0 ? 0.0 : y) * 65535.0))"),
    "f32_to_snorm": (("x",), "y = f64(x.f32); i16(even((y > 1.0 ? 1.0 : y < -1.0 ? -1.0 : y) * 32767.0))"),
    "f32_to_unorm": (("x",), "y = f64(x.f32); u16(even((y > 1.0 ? 1.0 : y < 0.0 ? 0.0 : y) * 65535.0))"),
    # stochastic rounding: random bits below the last one that is kept, then cut
    "f32_to_f16_sr": (("x", "r"),
        "k = x[30:23] == 0xFF ? x : x + (r >> 19); c = f16(k.f32).u; z = f32(c.f16).u; "
                      "((z & 0x7FFFFFFF).f32 > (k & 0x7FFFFFFF).f32 ? c - 1 : c).f16"),
    "f32_to_bf16_sr": (("x", "r"),
        "(x[30:23] == 0xFF ? x | u32(x[15:0] != 0) << 22 : x + (r >> 16))[31:16].bf16"),
    # integers
    "v_min_i16": (("a", "b"), "(a.i16 < b.i16 ? a : b).i16"),
    "v_max_i16": (("a", "b"), "(a.i16 > b.i16 ? a : b).i16"),
    "v_min_u16": (("a", "b"), "a < b ? a : b"), "v_max_u16": (("a", "b"), "a > b ? a : b"),
    "v_min_i32": (("a", "b"), "(a.i32 < b.i32 ? a : b).i32"),
    "v_max_i32": (("a", "b"), "(a.i32 > b.i32 ? a : b).i32"),
    "v_min_u32": (("a", "b"), "a < b ? a : b"), "v_max_u32": (("a", "b"), "a > b ? a : b"),
    "MIN": (("a", "b"), "a < b ? a : b"),
    "signext_32": (("x", "n"), "n == 0 ? u32(0) : n > 31 ? x.u : ((x << 32 - n).i >> (32 - n)).u"),
    "signext_64": (("x", "n"), "n == 0 ? u64(0) : n > 63 ? x.u : ((x << 64 - n).i >> (64 - n)).u"),
    "apart": (("a", "b"), "u32(a > b ? a - b : b - a)"),
    "v_sad_u8": (("a", "b", "c"),
        "apart(a[7:0], b[7:0]) + apart(a[15:8], b[15:8]) + apart(a[23:16], b[23:16]) + "
                 "apart(a[31:24], b[31:24]) + c"),
    "v_msad_u8": (("a", "b", "c"), "(b[7:0] == 0 ? u32(0) : apart(a[7:0], b[7:0])) + "
                  "(b[15:8] == 0 ? u32(0) : apart(a[15:8], b[15:8])) + "
                  "(b[23:16] == 0 ? u32(0) : apart(a[23:16], b[23:16])) + "
                  "(b[31:24] == 0 ? u32(0) : apart(a[31:24], b[31:24])) + c"),
    "v_prng_b32": (("x",), "(x << 1) ^ (x[31] ? u32(197) : 0)"),
    "bitCount": (("x",),
        "a = x - (x >> 1 & 0x5555555555555555); "
        "b = (a & 0x3333333333333333) + (a >> 2 & 0x3333333333333333); "
        "c = b + (b >> 4) & 0x0F0F0F0F0F0F0F0F; (c * 0x0101010101010101) >> 56"),
}  # fmt: skip
FUNCTIONS |= {  # CDNA4 writes them both ways
    "f32_to_f16_SR": FUNCTIONS["f32_to_f16_sr"], "f32_to_bf16_SR": FUNCTIONS["f32_to_bf16_sr"],
}  # fmt: skip

# function -> the types its arguments are converted to
KINDS: dict[str, str] = {
    "f16_to_f32": "f16", "bf16_to_f32": "bf16", "f32_to_f64": "f32", "f64_to_f32": "f64", "f32_to_f16": "f32",
    "f32_to_bf16": "f32", "f16_to_i16": "f16", "f16_to_u16": "f16", "f32_to_i32": "f32", "f32_to_u32": "f32",
    "f64_to_i32": "f64", "f64_to_u32": "f64", "f32_to_u8": "f32", "v_cvt_i16_f32": "f32",
    "v_cvt_u16_f32": "f32",
    "i16_to_f16": "i16", "u16_to_f16": "u16", "i32_to_f32": "i32", "u32_to_f32": "u32", "i32_to_f64": "i32",
    "u32_to_f64": "u32", "i32_to_i16": "i32", "u32_to_u16": "u32", "f16_to_snorm": "f16",
    "f16_to_unorm": "f16",
    "f32_to_snorm": "f32", "f32_to_unorm": "f32", "f32_to_f16_sr": "f32 u32", "f32_to_f16_SR": "f32 u32",
    "f32_to_bf16_sr": "f32 u32", "f32_to_bf16_SR": "f32 u32", "v_sad_u8": "u32 u32 u32",
    "v_msad_u8": "u32 u32 u32", "v_prng_b32": "u32", "bitCount": "u64",
    **{f"v_{way}_{type}": f"{type} {type}" for way in ("min", "max") for type in ("i16", "u16", "i32",
        "u32")},
    **{f"v_{way}_{type}": f"{type} {type}" for way in ("min", "max", "minimum",
        "maximum") for type in FLOATS},
}  # fmt: skip
# functions with one for each float type, by the first argument's
BY_TYPE = frozenset(("isNAN", "isSignalNAN", "isQuietNAN", "cvtToQuietNAN", "sign", "exponent", "abs"))
# functions of three values that are another one twice
TWICE = {f"{name}3_{type}": f"{name}_{type}" for name in ("v_min", "v_max", "v_minimum", "v_maximum")
         for type in (*FLOATS, "i16", "u16", "i32", "u32")}  # fmt: skip
