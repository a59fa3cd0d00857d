"""What plain instructions give, as Python and numpy say it: a second witness that knows no manual's body.

Integers are rows of functions on unsigned Python numbers, by name; a pair is (D0, the flag: SCC, VCC or D1).
Floats are functions on numpy arrays of the type. What is not here: running instructions (unit.py), comparing
(test_references.py), what is compared on all 16-bit values (test_accuracy.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Integer = Callable[..., Any]  # ints -> an int, or (int, flag)


def s(x: int, bits: int = 32) -> int:
    """As signed."""
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> bits - 1 else x


def ones(bits: int) -> int:
    """That many ones."""
    return (1 << bits) - 1


def nibbles(x: int, size: int, count: int, signed: bool = False) -> list[int]:
    """Parts of a word."""
    parts = [x >> size * n & ones(size) for n in range(count)]
    return [s(part, size) for part in parts] if signed else parts


def clamp(x: int, least: int, most: int) -> int:
    """In a range."""
    return max(least, min(most, x))


def halves(function: Callable[..., int]) -> Integer:
    """On both halves."""
    return lambda *xs: sum((function(*(x >> 16 * n & 0xFFFF for x in xs)) & 0xFFFF) << 16 * n for n in (0, 1))


def dot(size: int, count: int, signed: bool) -> Integer:
    """A dot product."""
    return lambda a, b, c: (
        sum(
            x * y
            for x, y in zip(nibbles(a, size, count, signed), nibbles(b, size, count, signed), strict=True)
        )
        + c
    )


def reversed_bits(x: int, bits: int) -> int:
    """The other way round."""
    return int(f"{x:0{bits}b}"[::-1], 2)


def leading(x: int, bits: int) -> int:
    """Zeros before the first one; -1 for none."""
    return bits - x.bit_length() if x else -1


def trailing(x: int) -> int:
    """Zeros behind the last one; -1 for none."""
    return (x & -x).bit_length() - 1


def same_as_sign(x: int, bits: int) -> int:
    """How many bits at the top are as the sign; -1 if all are."""
    return leading(x ^ ones(bits) if x >> bits - 1 else x, bits)


def perm(a: int, b: int, selector: int) -> int:
    """Bytes of two words, chosen."""
    pool, found = (a << 32 | b).to_bytes(8, "little"), 0
    for n in range(4):
        k = selector >> 8 * n & 255
        sign = 255 if k <= 11 and k >= 8 and pool[2 * (k - 8) + 1] & 128 else 0
        found |= (pool[k] if k < 8 else sign if k < 12 else 0 if k == 12 else 255) << 8 * n
    return found


def absolute(a: int, b: int, size: int, count: int, masked: bool = False) -> int:
    """A sum of absolute differences."""
    pairs = zip(nibbles(a, size, count), nibbles(b, size, count), strict=True)
    return sum(abs(x - y) for x, y in pairs if y or not masked)


def median(*xs: int) -> int:
    """The middle one."""
    return sorted(xs)[1]


def bfe(a: int, at: int, width: int, bits: int, signed: bool) -> int:
    """A field of bits."""
    if not width:
        return 0
    field = (s(a, bits) if signed else a) >> at & ones(width)
    return s(field, width) if signed and at + width < bits else s(a, bits) >> at if signed else field


def scc(value: int, bits: int) -> tuple[int, int]:
    """A result, and whether it is not 0."""
    return value & ones(bits), int(value & ones(bits) != 0)


def overflow(value: int) -> tuple[int, int]:
    """A signed result and whether it does not fit in 32 bits."""
    return value, int(not -(2**31) <= value < 2**31)


INTEGERS: dict[str, Integer] = {
    "v_add_u32 v_add_nc_u32 v_add_i32 v_add_nc_i32 v_add_u16 v_add_nc_u16 v_add_i16 v_add_nc_i16":
        lambda a, b: a + b,
    "v_sub_u32 v_sub_nc_u32 v_sub_i32 v_sub_nc_i32 v_sub_u16 v_sub_nc_u16 v_sub_i16 v_sub_nc_i16":
        lambda a, b: a - b,
    "v_subrev_u32 v_subrev_nc_u32 v_subrev_u16": lambda a, b: b - a,
    "v_mul_lo_u32 v_mul_lo_u16 s_mul_i32": lambda a, b: a * b,
    "v_mul_hi_u32 s_mul_hi_u32": lambda a, b: a * b >> 32,
    "v_mul_hi_i32 s_mul_hi_i32": lambda a, b: s(a) * s(b) >> 32,
    "v_mul_u32_u24": lambda a, b: (a & ones(24)) * (b & ones(24)),
    "v_mul_i32_i24": lambda a, b: s(a, 24) * s(b, 24),
    "v_mul_hi_u32_u24": lambda a, b: (a & ones(24)) * (b & ones(24)) >> 32,
    "v_mul_hi_i32_i24": lambda a, b: s(a, 24) * s(b, 24) >> 32,
    "v_mad_u32_u24": lambda a, b, c: (a & ones(24)) * (b & ones(24)) + c,
    "v_mad_i32_i24": lambda a, b, c: s(a, 24) * s(b, 24) + c,
    "v_mad_u16 v_mad_i16 v_mad_legacy_u16 v_mad_legacy_i16 v_mad_u32_u16": lambda a, b, c: a * b + c,
    "v_mad_i32_i16": lambda a, b, c: s(a, 16) * s(b, 16) + c,
    "v_mad_u64_u32": lambda a, b, c: (a * b + c, a * b + c >> 64),
    "v_and_b32 v_and_b16": lambda a, b: a & b, "v_or_b32 v_or_b16": lambda a, b: a | b,
    "v_xor_b32 v_xor_b16": lambda a, b: a ^ b, "v_xnor_b32": lambda a, b: ~(a ^ b),
    "v_not_b32 v_not_b16": lambda a: ~a,
    "v_lshlrev_b32": lambda n, x: x << (n & 31), "v_lshrrev_b32": lambda n, x: x >> (n & 31),
    "v_ashrrev_i32": lambda n, x: s(x) >> (n & 31), "v_lshlrev_b16": lambda n, x: x << (n & 15),
    "v_lshrrev_b16": lambda n, x: x >> (n & 15), "v_ashrrev_i16": lambda n, x: s(x, 16) >> (n & 15),
    "v_lshlrev_b64": lambda n, x: x << (n & 63), "v_lshrrev_b64": lambda n, x: x >> (n & 63),
    "v_ashrrev_i64": lambda n, x: s(x, 64) >> (n & 63),
    "v_bfe_u32": lambda x, at, n: x >> (at & 31) & ones(n & 31),
    "v_bfe_i32": lambda x, at, n: bfe(x, at & 31, n & 31, 32, True),
    "v_bfi_b32": lambda m, a, b: m & a | ~m & b, "v_bfm_b32": lambda n, at: ones(n & 31) << (at & 31),
    "v_bfrev_b32": lambda x: reversed_bits(x, 32), "v_bcnt_u32_b32": lambda x, y: x.bit_count() + y,
    "v_alignbit_b32": lambda a, b, n: (a << 32 | b) >> (n & 31),
    "v_alignbyte_b32": lambda a, b, n: (a << 32 | b) >> 8 * (n & 3), "v_perm_b32": perm,
    "v_ffbh_u32 v_clz_i32_u32": lambda x: leading(x, 32), "v_ffbl_b32 v_ctz_i32_b32": trailing,
    "v_ffbh_i32 v_cls_i32": lambda x: same_as_sign(x, 32),
    "v_min_u32 v_min_u16": min, "v_max_u32 v_max_u16": max, "v_min3_u32 v_min3_u16": min,
    "v_max3_u32 v_max3_u16": max,
    "v_med3_u32 v_med3_u16": median, "v_min_i32 v_min3_i32": lambda *xs: min(map(s, xs)),
    "v_max_i32 v_max3_i32": lambda *xs: max(map(s, xs)), "v_med3_i32": lambda *xs: median(*map(s, xs)),
    "v_min_i16 v_min3_i16": lambda *xs: min(s(x, 16) for x in xs),
    "v_max_i16 v_max3_i16": lambda *xs: max(s(x, 16) for x in xs),
    "v_med3_i16": lambda *xs: median(*(s(x, 16) for x in xs)),
    "v_minmax_u32": lambda a, b, c: max(min(a, b), c), "v_maxmin_u32": lambda a, b, c: min(max(a, b), c),
    "v_minmax_i32": lambda a, b, c: max(min(s(a), s(b)), s(c)),
    "v_maxmin_i32": lambda a, b, c: min(max(s(a), s(b)), s(c)),
    "v_add3_u32": lambda a, b, c: a + b + c, "v_lshl_add_u32": lambda a, n, c: (a << (n & 31)) + c,
    "v_add_lshl_u32": lambda a, b, n: (a + b & ones(32)) << (n & 31),
    "v_lshl_or_b32": lambda a, n, c: a << (n & 31) | c, "v_and_or_b32": lambda a, b, c: a & b | c,
    "v_or3_b32": lambda a, b, c: a | b | c, "v_xor3_b32": lambda a, b, c: a ^ b ^ c,
    "v_xad_u32": lambda a, b, c: (a ^ b) + c,
    "v_sad_u8": lambda a, b, c: absolute(a, b, 8, 4) + c,
    "v_sad_u16": lambda a, b, c: absolute(a, b, 16, 2) + c,
    "v_sad_hi_u8": lambda a, b, c: (absolute(a, b, 8, 4) << 16) + c,
    "v_sad_u32": lambda a, b, c: abs(a - b) + c,
    "v_msad_u8": lambda a, b, c: absolute(a, b, 8, 4, True) + c,
    "v_lerp_u8": lambda a, b, c: sum(
        (x + y + (z & 1) >> 1) << 8 * n
        for n, (x, y, z) in enumerate(zip(*(nibbles(v, 8, 4) for v in (a, b, c)), strict=True))
    ),
    "v_dot4_u32_u8": dot(8, 4, False), "v_dot8_u32_u4": dot(4, 8, False), "v_dot4_i32_i8": dot(8, 4, True),
    "v_dot8_i32_i4": dot(4, 8, True), "v_dot2_i32_i16": dot(16, 2, True), "v_dot2_u32_u16": dot(16, 2, False),
    "v_pk_add_u16 v_pk_add_i16": halves(lambda a, b: a + b),
    "v_pk_sub_u16 v_pk_sub_i16": halves(lambda a, b: a - b),
    "v_pk_mul_lo_u16": halves(lambda a, b: a * b),
    "v_pk_mad_u16 v_pk_mad_i16": halves(lambda a, b, c: a * b + c),
    "v_pk_min_u16": halves(min), "v_pk_max_u16": halves(max),
    "v_pk_min_i16": halves(lambda a, b: min(s(a, 16), s(b, 16))),
    "v_pk_max_i16": halves(lambda a, b: max(s(a, 16), s(b, 16))),
    "v_pk_lshlrev_b16": halves(lambda n, x: x << (n & 15)),
    "v_pk_lshrrev_b16": halves(lambda n, x: x >> (n & 15)),
    "v_pk_ashrrev_i16": halves(lambda n, x: s(x, 16) >> (n & 15)),
    "v_cvt_pk_u16_u32": lambda a, b: min(a, 65535) | min(b, 65535) << 16,
    "v_cvt_pk_i16_i32": lambda a, b: clamp(s(a), -32768, 32767) & 65535 | clamp(s(b), -32768, 32767) << 16,
    "v_sat_pk_u8_i16": lambda a: clamp(s(a, 16), 0, 255) | clamp(s(a >> 16, 16), 0, 255) << 8,
    "v_add_co_u32": lambda a, b: (a + b, a + b >> 32), "v_sub_co_u32": lambda a, b: (a - b, int(a < b)),
    "v_subrev_co_u32": lambda a, b: (b - a, int(b < a)), "v_cvt_i32_i16": lambda a: s(a, 16),
    "v_cvt_u32_u16": lambda a: a,
    "v_mov_b32 v_mov_b16 s_mov_b32 s_mov_b64": lambda a: a,
    # -- scalar
    "s_add_u32": lambda a, b: (a + b, a + b >> 32), "s_sub_u32": lambda a, b: (a - b, int(a < b)),
    "s_add_i32": lambda a, b: overflow(s(a) + s(b)), "s_sub_i32": lambda a, b: overflow(s(a) - s(b)),
    "s_min_u32": lambda a, b: (min(a, b), int(a < b)), "s_max_u32": lambda a, b: (max(a, b), int(a >= b)),
    "s_min_i32": lambda a, b: (min(s(a), s(b)), int(s(a) < s(b))),
    "s_max_i32": lambda a, b: (max(s(a), s(b)), int(s(a) >= s(b))),
    "s_lshl_b32": lambda x, n: scc(x << (n & 31), 32), "s_lshr_b32": lambda x, n: scc(x >> (n & 31), 32),
    "s_ashr_i32": lambda x, n: scc(s(x) >> (n & 31), 32), "s_lshl_b64": lambda x, n: scc(x << (n & 63), 64),
    "s_lshr_b64": lambda x, n: scc(x >> (n & 63), 64),
    "s_ashr_i64": lambda x, n: scc(s(x, 64) >> (n & 63), 64),
    "s_bfm_b32": lambda n, at: ones(n & 31) << (at & 31),
    "s_bfm_b64": lambda n, at: ones(n & 63) << (at & 63),
    "s_bfe_u32": lambda x, n: scc(x >> (n & 31) & ones(min(n >> 16 & 127, 64)), 32),
    "s_bfe_i32": lambda x, n: scc(bfe(x, n & 31, min(n >> 16 & 127, 32), 32, True), 32),
    "s_bfe_u64": lambda x, n: scc(x >> (n & 63) & ones(min(n >> 16 & 127, 64)), 64),
    "s_bfe_i64": lambda x, n: scc(bfe(x, n & 63, min(n >> 16 & 127, 64), 64, True), 64),
    "s_abs_i32": lambda x: scc(abs(s(x)), 32), "s_absdiff_i32": lambda a, b: scc(abs(s(a - b)), 32),
    "s_brev_b32": lambda x: reversed_bits(x, 32), "s_brev_b64": lambda x: reversed_bits(x, 64),
    "s_bcnt1_i32_b32 s_bcnt1_i32_b64": lambda x: scc(x.bit_count(), 32),
    "s_bcnt0_i32_b32": lambda x: scc(32 - x.bit_count(), 32),
    "s_bcnt0_i32_b64": lambda x: scc(64 - x.bit_count(), 32),
    "s_ff1_i32_b32 s_ff1_i32_b64 s_ctz_i32_b32 s_ctz_i32_b64": trailing,
    "s_ff0_i32_b32": lambda x: trailing(x ^ ones(32)), "s_ff0_i32_b64": lambda x: trailing(x ^ ones(64)),
    "s_flbit_i32_b32 s_clz_i32_u32": lambda x: leading(x, 32),
    "s_flbit_i32_b64 s_clz_i32_u64": lambda x: leading(x, 64),
    "s_flbit_i32 s_cls_i32": lambda x: same_as_sign(x, 32),
    "s_flbit_i32_i64 s_cls_i32_i64": lambda x: same_as_sign(x, 64),
    "s_sext_i32_i8": lambda x: s(x, 8), "s_sext_i32_i16": lambda x: s(x, 16),
    "s_pack_ll_b32_b16": lambda a, b: a & 65535 | b << 16,
    "s_pack_lh_b32_b16": lambda a, b: a & 65535 | b & 0xFFFF0000,
    "s_pack_hh_b32_b16": lambda a, b: a >> 16 | b & 0xFFFF0000,
    "s_pack_hl_b32_b16": lambda a, b: a >> 16 | b << 16,
}  # fmt: skip
"""Functions of the sources, in order, by names of forms without the encoding."""

LOGIC: dict[str, Integer] = {
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    "nand": lambda a, b: ~(a & b),
    "nor": lambda a, b: ~(a | b), "xnor": lambda a, b: ~(a ^ b), "andn2": lambda a, b: a & ~b,
    "and_not1": lambda a, b: a & ~b, "orn2": lambda a, b: a | ~b, "or_not1": lambda a, b: a | ~b,
    "not": lambda a: ~a,
}  # fmt: skip
ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "lt": lambda a, b: a < b, "eq": lambda a, b: a == b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b, "ne": lambda a, b: a != b,
}  # fmt: skip


def logic(function: Integer, bits: int) -> Integer:
    """A logical operation of scalar registers."""
    return lambda *xs: scc(function(*xs), bits)


def shifted_add(n: int) -> Integer:
    """s_lshl<n>_add_u32."""
    return lambda a, b: ((a << n) + b, int((a << n) + b >> 32 != 0))


def test(order: Callable[[Any, Any], Any], kind: str, bits: int) -> Integer:
    """A comparison of integers: a flag alone."""
    return lambda a, b: (None, int(order(s(a, bits), s(b, bits)) if kind == "i" else order(a, b)))


def integers() -> dict[str, Integer]:
    """All rows, one a name."""
    found = {name: function for names, function in INTEGERS.items() for name in names.split()}
    for name, function in LOGIC.items():
        found |= {f"s_{name}_b{bits}": logic(function, bits) for bits in (32, 64)}
    found |= {f"s_lshl{n}_add_u32": shifted_add(n) for n in (1, 2, 3, 4)}
    for name, order in ORDER.items():
        for kind in "iu":
            found |= {f"v_cmp_{name}_{kind}{bits}": test(order, kind, bits) for bits in (16, 32, 64)}
            found[f"s_cmp_{'lg' if name == 'ne' else name}_{kind}32"] = test(order, kind, 32)
    return found


# -- floats ----------------------------------------------------------------------------------------


def fma(a: Array, b: Array, c: Array) -> Array:
    """a * b + c, rounded once, by exact numbers; of what is not finite as numpy has it."""
    with np.errstate(all="ignore"):
        found = a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)
    made = found.astype(a.dtype)
    for n, (x, y, z) in enumerate(zip(a.tolist(), b.tolist(), c.tolist(), strict=True)):
        if all(map(math.isfinite, (x, y, z))):
            exact = Fraction(x) * Fraction(y) + Fraction(z)
            if exact:
                made[n] = nearest(exact, a.dtype)
    return made


def nearest(exact: Fraction, dtype: Any) -> float:
    """An exact number in a float type, ties to even."""
    info = np.finfo(dtype)
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    step = Fraction(2) ** (max(exponent, int(info.minexp)) - info.nmant)
    value = round(size / step) * step
    made = math.inf if value > Fraction(float(info.max)) else float(value)
    return -made if exact < 0 else made


def cut(x: Array, least: int, most: int) -> Array:
    """To an integer toward zero, in a range; NaN is 0."""
    wide = np.where(np.isnan(x), 0, x).astype(np.float64)
    inside = np.trunc(np.clip(wide, least, float(most)))
    return np.where(wide >= most, most, np.where(wide <= least, least, inside)).astype(np.int64)


def parts_of_frexp(x: Array, which: int) -> Array:
    """frexp; what is not finite has itself, and the exponent 0."""
    plain = np.where(np.isfinite(x), x, 0)
    found = np.frexp(plain)[which]
    return np.where(np.isfinite(x), found, 0 if which else x)


def zero_wins(a: Array, b: Array) -> Array:
    """A product in which 0 times anything is 0."""
    return np.where((a == 0) | (b == 0), np.zeros_like(a), a * b)


Float = Callable[..., Array]
TYPES: dict[str, Any] = {
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "i32": np.int32,
    "u32": np.uint32,
}
ARITHMETIC: dict[str, Float] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "subrev": lambda a, b: b - a,
    "mul": lambda a, b: a * b,
    "fma": fma, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rndne": np.rint, "sqrt": np.sqrt,
    "min": np.fmin, "max": np.fmax, "min3": lambda a, b, c: np.fmin(np.fmin(a, b), c),
    "max3": lambda a, b, c: np.fmax(np.fmax(a, b), c), "frexp_mant": lambda x: parts_of_frexp(x, 0),
    "med3": lambda a, b, c: np.median(np.stack([a, b, c]), axis=0).astype(a.dtype),
    "minmax": lambda a, b, c: np.fmax(np.fmin(a, b), c), "maxmin": lambda a, b, c: np.fmin(np.fmax(a, b), c),
}  # fmt: skip
"""By name of an instruction without its type; all of them work on the type of the name."""

SINGLE: dict[str, tuple[str, Float, Any]] = {
    "v_cvt_f32_f64": ("f64", lambda x: x, np.float32), "v_cvt_f64_f32": ("f32", lambda x: x, np.float64),
    "v_cvt_f16_f32": ("f32", lambda x: x, np.float16), "v_cvt_f32_i32": ("i32", lambda x: x, np.float32),
    "v_cvt_f32_u32": ("u32", lambda x: x, np.float32), "v_cvt_f64_i32": ("i32", lambda x: x, np.float64),
    "v_cvt_f64_u32": ("u32", lambda x: x, np.float64),
    "v_cvt_i32_f32": ("f32", lambda x: cut(x, -(2**31), 2**31 - 1), np.int32),
    "v_cvt_u32_f32": ("f32", lambda x: cut(x, 0, 2**32 - 1), np.uint32),
    "v_cvt_i32_f64": ("f64", lambda x: cut(x, -(2**31), 2**31 - 1), np.int32),
    "v_cvt_u32_f64": ("f64", lambda x: cut(x, 0, 2**32 - 1), np.uint32),
    "v_cvt_flr_i32_f32": ("f32", lambda x: cut(np.floor(x), -(2**31), 2**31 - 1), np.int32),
    "v_cvt_floor_i32_f32": ("f32", lambda x: cut(np.floor(x), -(2**31), 2**31 - 1), np.int32),
    "v_frexp_exp_i32_f32": ("f32", lambda x: parts_of_frexp(x, 1), np.int32),
    "v_frexp_exp_i32_f64": ("f64", lambda x: parts_of_frexp(x, 1), np.int32),
    "v_mul_legacy_f32": ("f32", zero_wins, np.float32), "v_mul_dx9_zero_f32": ("f32", zero_wins, np.float32),
    **{f"v_cvt_f32_ubyte{n}": ("u32", lambda x, n=n: x >> np.uint32(8 * n) & np.uint32(255), np.float32)
       for n in range(4)},
}  # fmt: skip
"""By name: the type of the sources, the function, the type of the result."""

FLOAT_ORDER: dict[str, Callable[[Array, Array], Array]] = {
    "lt": np.less, "eq": np.equal, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "lg": lambda a, b: (a < b) | (a > b), "o": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
    "u": lambda a, b: np.isnan(a) | np.isnan(b), "nge": lambda a, b: ~(a >= b), "ngt": lambda a, b: ~(a > b),
    "nlg": lambda a, b: ~((a < b) | (a > b)), "nle": lambda a, b: ~(a <= b), "neq": np.not_equal,
    "nlt": lambda a, b: ~(a < b),
}  # fmt: skip


def floats() -> dict[str, tuple[str, Float, Any]]:
    """All rows, one a name: type of the sources, function, type of the result (bool: a flag)."""
    found = dict(SINGLE)
    for kind in ("f16", "f32", "f64"):
        found |= {f"v_{name}_{kind}": (kind, function, TYPES[kind]) for name, function in ARITHMETIC.items()}
        found |= {f"v_cmp_{name}_{kind}": (kind, order, bool) for name, order in FLOAT_ORDER.items()}
    return found


def packed() -> dict[str, tuple[str, Float]]:
    """Packed floats: type of the parts, function."""
    rows: dict[str, Float] = {name: ARITHMETIC[name] for name in ("add", "mul", "fma", "min", "max")}
    return {f"v_pk_{name}_{kind}": (kind, rows[name]) for kind in ("f16", "f32") for name in rows}
