"""Functions and conversions, against mpmath, numpy and ml_dtypes: correctly rounded; of 16 bits or fewer, on
all of their values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest

from tests.isa.amd.unit import Array, Unit

CHIPS = ("rdna3", "cdna4")
mpmath.mp.prec = 100
Number = Any


def turn(function: Callable[[Number], Number]) -> Callable[[Number], Number]:
    """Of an angle in turns."""
    return lambda x: function(2 * mpmath.mpf(x)) if mpmath.isfinite(x) else mpmath.nan


def power(x: Number) -> Number:
    """2 ** x."""
    return (mpmath.inf if x > 0 else mpmath.mpf(0)) if abs(x) > 20000 else mpmath.power(2, x)


def logarithm(x: Number) -> Number:
    """log2 x."""
    return (
        -mpmath.inf
        if x == 0
        else mpmath.nan
        if x < 0
        else mpmath.inf
        if mpmath.isinf(x)
        else mpmath.log(x, 2)
    )


def reciprocal(x: Number) -> Number:
    """1 / x, without the sign of infinity."""
    return mpmath.inf if x == 0 else mpmath.mpf(0) if mpmath.isinf(x) else 1 / x


def root(x: Number) -> Number:
    """The square root."""
    return mpmath.nan if x < 0 else mpmath.sqrt(x)


FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "exp": power, "log": logarithm, "rcp": reciprocal, "sqrt": root,
    "rsq": lambda x: mpmath.nan if x < 0 else reciprocal(root(x)),
    "sin": turn(mpmath.sinpi), "cos": turn(mpmath.cospi),
}  # fmt: skip
LAYOUTS = {16: (np.float16, 10, 15), 32: (np.float32, 23, 127)}


def rounded(exact: Number, bits: int, near: Number) -> bool:
    """Is `near` the nearest float of so many bits (that one with the even last bit) to an exact number?"""
    _, mantissa, bias = LAYOUTS[bits]
    if mpmath.isnan(exact):
        return bool(np.isnan(near))
    if mpmath.isinf(exact):
        return bool(near == float(exact)) or bool(np.isinf(near) and exact > 0)
    size = abs(exact)
    step = mpmath.mpf(2) ** (max(mpmath.frexp(size)[1] - 1, 1 - bias) - mantissa) if size else mpmath.mpf(1)
    whole = int(mpmath.nint(size / step))  # mpmath's nint rounds ties to even
    wanted = mpmath.sign(exact) * whole * step
    largest = (2 - mpmath.mpf(2) ** -mantissa) * mpmath.mpf(2) ** bias
    if abs(wanted) > largest:
        return bool(np.isinf(near)) and (near > 0) == (exact > 0)
    return bool(mpmath.mpf(float(near)) == wanted)


def check(arch: str, name: str, bits: int, source: Array) -> None:
    """All results of a function are correctly rounded."""
    kind = LAYOUTS[bits][0]
    found = Unit(arch, f"v_{name}_f{bits}_e32")(S0=source)["D0"].astype(f"u{bits // 8}").view(kind)
    given = source.astype(f"u{bits // 8}").view(kind)
    function = FUNCTIONS[name]
    bad = [
        (float(x), float(y))
        for x, y in zip(given, found, strict=True)
        if not (np.isnan(y) if np.isnan(x) else rounded(function(mpmath.mpf(float(x))), bits, y))
    ]
    assert not bad, f"{name} f{bits}: {len(bad)} of {len(source)} are not the nearest: {bad[:5]}"


def singles(count: int) -> Array:
    """Special f32, then random ones: half of them of any bits, half between -2 and 2 times up to 256."""
    rng = np.random.default_rng(1)
    exponents = np.arange(256, dtype=np.uint32) << 23
    special = np.concatenate([exponents, exponents + 1, exponents + 0x7FFFFF, exponents + 0x400000])
    special = np.concatenate([special, special | 0x80000000])
    near = (rng.uniform(-2, 2, count) * 2.0 ** rng.integers(-3, 8, count)).astype(np.float32).view(np.uint32)
    any_ = rng.integers(0, 2**32, count, dtype=np.uint32)
    return np.concatenate([special, any_, near])[:count].astype(np.uint64)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sample_is_correctly_rounded(name: str) -> None:
    check("cdna4", name, 16, np.arange(5, 65536, 1093, dtype=np.uint64))


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("arch", CHIPS)
def test_f16_of_all_values(arch: str, name: str) -> None:
    check(arch, name, 16, np.arange(65536, dtype=np.uint64))


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("arch", CHIPS)
def test_f32(arch: str, name: str) -> None:
    values = singles(100_000)
    if name in ("sin", "cos"):  # as far as a turn has bits left in a double
        values = values[np.abs(values.astype(np.uint32).view(np.float32)) <= 2.0**24]
    check(arch, name, 32, values)


@pytest.mark.parametrize("arch", CHIPS)
def test_signs_of_zeros_and_infinities(arch: str) -> None:
    zeros = np.array([0, 0x8000], np.uint64)
    for name, wanted in {"rcp": [0x7C00, 0xFC00], "rsq": [0x7C00, 0xFC00], "sqrt": [0, 0x8000],
    "sin": [0, 0x8000],
                         "log": [0xFC00, 0xFC00], "exp": [0x3C00, 0x3C00],
    "cos": [0x3C00, 0x3C00]}.items():  # fmt: skip
        assert Unit(arch, f"v_{name}_f16_e32")(S0=zeros)["D0"].tolist() == wanted, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rcp", "rsq", "sqrt"])
@pytest.mark.parametrize("arch", CHIPS)
def test_f64_within_what_is_documented(arch: str, name: str) -> None:
    rng = np.random.default_rng(2)
    x = np.ldexp(rng.uniform(1, 2, 20000), rng.integers(-1000, 1000, 20000))
    found = Unit(arch, f"v_{name}_f64_e32")(S0=x.view(np.uint64))["D0"].view(np.float64)
    worst = max(
        abs((mpmath.mpf(y) - (e := FUNCTIONS[name](mpmath.mpf(a)))) / e)
        for a, y in zip(x, found, strict=True)
    )
    assert worst < 2.0**-51, f"{float(worst)} of the value: the manuals promise 2**29 units of the last place"


# -- conversions of all 16-bit values --------------------------------------------------------------

ALL = np.arange(65536, dtype=np.uint64)


def halves() -> Array:
    """All f16 as f64."""
    return ALL.astype(np.uint16).view(np.float16).astype(np.float64)


def saturated(x: Array, least: float, most: float) -> Array:
    """Cut toward zero, in a range, NaN is 0."""
    return np.where(
        np.isnan(x), 0, np.clip(np.trunc(np.nan_to_num(x, nan=0, posinf=most, neginf=least)), least, most)
    )


def bits_of(x: Array, dtype: Any) -> Array:
    """Floats as bits; every NaN as one."""
    with np.errstate(all="ignore"):
        made = x.astype(dtype)
    bits = made.view(f"u{made.dtype.itemsize}").astype(np.uint64)
    return np.where(np.isnan(made.astype(np.float64)), NAN, bits)


NAN = np.uint64(0xDEAD)


def one_nan(bits: Array, dtype: Any) -> Array:
    """Bits with every NaN as one."""
    size = np.dtype(dtype).itemsize
    made = bits.astype(f"u{size}").view(dtype).astype(np.float64)
    return np.where(np.isnan(made), NAN, bits)


def exponents() -> Array:
    """frexp's exponents; 0 for zero, infinity, NaN."""
    x = halves()
    return np.where(np.isfinite(x) & (x != 0), np.frexp(np.where(np.isfinite(x), x, 1))[1], 0)


def mantissas() -> Array:
    """frexp's mantissas."""
    x = halves()
    return np.where(np.isfinite(x), np.frexp(np.where(np.isfinite(x), x, 1))[0], x)


def fraction(x: Array) -> Array:
    """x - floor(x), below 1."""
    with np.errstate(all="ignore"):
        return np.minimum((x - np.floor(x)).astype(np.float16), np.float16(0.99951))


FROM_16: dict[str, tuple[Callable[[], Array], Any]] = {
    "v_cvt_f32_f16": (halves, np.float32),
    "v_cvt_i16_f16": (lambda: saturated(halves(), -32768, 32767), np.int16),
    "v_cvt_u16_f16": (lambda: saturated(halves(), 0, 65535), np.uint16),
    "v_cvt_f16_u16": (lambda: ALL.astype(np.float64), np.float16),
    "v_cvt_f16_i16": (lambda: ALL.astype(np.uint16).view(np.int16).astype(np.float64), np.float16),
    "v_floor_f16": (lambda: np.floor(halves()), np.float16),
    "v_ceil_f16": (lambda: np.ceil(halves()), np.float16),
    "v_trunc_f16": (lambda: np.trunc(halves()), np.float16),
    "v_rndne_f16": (lambda: np.rint(halves()), np.float16),
    "v_fract_f16": (lambda: fraction(halves()), np.float16), "v_frexp_mant_f16": (mantissas, np.float16),
    "v_frexp_exp_i16_f16": (exponents, np.int16),
    "v_cvt_norm_i16_f16": (lambda: np.rint(np.clip(np.nan_to_num(halves(), nan=0), -1, 1) * 32767), np.int16),
    "v_cvt_norm_u16_f16": (lambda: np.rint(np.clip(np.nan_to_num(halves(), nan=0), 0, 1) * 65535), np.uint16),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FROM_16)
@pytest.mark.parametrize("arch", CHIPS)
def test_conversions_of_all_16_bits(arch: str, name: str) -> None:
    reference, dtype = FROM_16[name]
    found = Unit(arch, f"{name}_e32")(S0=ALL)["D0"]
    with np.errstate(all="ignore"):
        wanted = reference()
        integer = np.issubdtype(dtype, np.integer)
        wanted = wanted.astype(np.int64).astype(dtype) if integer else wanted.astype(dtype)
    size = np.dtype(dtype).itemsize
    bits = wanted.view(f"u{size}").astype(np.uint64)
    if not integer:
        bits, found = one_nan(bits, dtype), one_nan(found, dtype)
    bad = np.nonzero(bits != found)[0]
    assert not len(bad), (
        f"{name}: {len(bad)} differ, {bad[0]:#x} gives {found[bad[0]]:#x}, not {bits[bad[0]]:#x}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("arch", CHIPS)
def test_ldexp_of_all_f16(arch: str) -> None:
    unit = Unit(arch, "v_ldexp_f16_e64")
    for by in (-32768, -40, -11, -1, 0, 1, 7, 25, 40, 32767):
        found = unit(S0=ALL, S1=np.full(65536, by & 0xFFFF, np.uint64))["D0"] & np.uint64(0xFFFF)
        with np.errstate(all="ignore"):
            wanted = np.ldexp(halves(), np.int32(max(-200, min(200, by))))
        assert (one_nan(found, np.float16) == bits_of(wanted, np.float16)).all(), by


# -- floats of 8 bits and fewer --------------------------------------------------------------------

EIGHT = {"fp8": ml_dtypes.float8_e4m3fn, "bf8": ml_dtypes.float8_e5m2}
SIX = {"fp6": ml_dtypes.float6_e2m3fn, "bf6": ml_dtypes.float6_e3m2fn, "fp4": ml_dtypes.float4_e2m1fn}


@pytest.mark.parametrize("kind", EIGHT)
def test_8_bits_to_f32(kind: str) -> None:
    codes = np.arange(256, dtype=np.uint64)
    wanted = codes.astype(np.uint8).view(EIGHT[kind]).astype(np.float32)
    found = Unit("cdna4", f"v_cvt_f32_{kind}_e32")(S0=codes)["D0"]
    assert (one_nan(found, np.float32) == bits_of(wanted, np.float32)).all()


OVERFLOW = 1 << 23  # MODE.FP16_OVFL: what is too large becomes the largest


def to_eight(kind: str, values: Array, mode: int) -> tuple[Array, Array]:
    """What v_cvt_pk_*_f32 gives in its lower byte, and ml_dtypes."""
    unit = Unit("cdna4", f"v_cvt_pk_{kind}_f32")
    bits = values.view(np.uint32).astype(np.uint64)
    found = unit(mode, S0=bits, S1=np.roll(bits, 1), D0=np.zeros_like(bits))["D0"]
    with np.errstate(all="ignore"):
        wanted = values.astype(EIGHT[kind])
        if mode:
            largest = float(ml_dtypes.finfo(EIGHT[kind]).max)
            wanted = np.where(np.isnan(values), values, np.clip(values, -largest, largest)).astype(
                EIGHT[kind]
            )
    second = (found >> np.uint64(8) & np.uint64(255)) == np.roll(found & np.uint64(255), 1)
    assert second.all() or np.isnan(values).any(), "both halves are made alike"
    return one_nan(found & np.uint64(255), EIGHT[kind]), bits_of(wanted, EIGHT[kind])


@pytest.mark.slow
@pytest.mark.parametrize("mode", [0, OVERFLOW])
@pytest.mark.parametrize("kind", EIGHT)
def test_f32_to_8_bits(kind: str, mode: int) -> None:
    upper = (np.arange(65536, dtype=np.uint32) << 16).view(np.float32)
    between = ((np.arange(65536, dtype=np.uint32) << 16) | 0x8000).view(np.float32)
    for values in (upper, between, (upper.view(np.uint32) | 1).view(np.float32)):
        values = values if kind == "fp8" or mode else values[~np.isnan(values)]
        found, wanted = to_eight(kind, values, mode)
        bad = np.nonzero(found != wanted)[0]
        assert not len(bad), (
            f"{values[bad[0]]} gives {found[bad[0]]:#x}, not {wanted[bad[0]]:#x} ({len(bad)})"
        )


def stochastic(x: float, kind: Any, word: float) -> float:
    """x cut in size to a grid, or the next of it, where the lost part and `word` (0 … 1) reach 1."""
    info = ml_dtypes.finfo(kind)
    size = abs(x)
    exponent = max(np.frexp(size)[1] - 1, info.minexp)
    step = 2.0 ** (exponent - info.nmant)
    return float(np.copysign(np.floor(size / step + word) * step, x))


@pytest.mark.slow
@pytest.mark.parametrize("kind", EIGHT)
def test_stochastic_rounding_to_8_bits(kind: str) -> None:
    rng = np.random.default_rng(3)
    dtype = EIGHT[kind]
    drop = 23 - ml_dtypes.finfo(dtype).nmant
    most = float(ml_dtypes.finfo(dtype).max)
    low = float(ml_dtypes.finfo(dtype).smallest_normal)
    x = (np.exp2(rng.uniform(np.log2(low), np.log2(most * 0.9), 20000)) * rng.choice([-1, 1], 20000)).astype(
        np.float32
    )
    words = rng.integers(0, 2**32, 20000, dtype=np.uint64)
    found = Unit("cdna4", f"v_cvt_sr_{kind}_f32")(
        S0=x.view(np.uint32).astype(np.uint64), S1=words, D0=np.zeros(20000, np.uint64)
    )["D0"] & np.uint64(255)  # fmt: skip
    part = (words >> np.uint64(32 - drop)).astype(np.float64) / 2.0**drop
    wanted = np.array([stochastic(float(a), dtype, float(w)) for a, w in zip(x, part, strict=True)])
    bad = np.nonzero(found.astype(np.uint8).view(dtype).astype(np.float64) != wanted)[0]
    assert not len(bad), f"{len(bad)}: {x[bad[0]]} with {words[bad[0]]:#x} gives {found[bad[0]]:#x}"


def test_4_bits_to_f32() -> None:
    codes = np.arange(16, dtype=np.uint64)
    scale = np.full(16, 0x3F800000, np.uint64)
    found = Unit("cdna4", "v_cvt_scalef32_pk_f32_fp4")(S0=codes | codes[::-1] << np.uint64(4), S1=scale)["D0"]
    wanted = codes.astype(np.uint8).view(SIX["fp4"]).astype(np.float32).view(np.uint32)
    assert ((found & np.uint64(0xFFFFFFFF)) == wanted).all()
    assert ((found >> np.uint64(32)) == wanted[::-1]).all()


@pytest.mark.slow
def test_f32_to_4_bits() -> None:
    x = (np.arange(65536, dtype=np.uint32) << 16).view(np.float32)
    for values in (x, (x.view(np.uint32) | 1).view(np.float32)):
        values = values[np.isfinite(values)]
        bits = values.view(np.uint32).astype(np.uint64)
        scale = np.full(len(bits), 0x3F800000, np.uint64)
        found = Unit("cdna4", "v_cvt_scalef32_pk_fp4_f32")(
            S0=bits, S1=bits, S2=scale, D0=bits * np.uint64(0)
        )["D0"]
        with np.errstate(all="ignore"):
            wanted = np.clip(values, -6, 6).astype(SIX["fp4"]).view(np.uint8) & 15
        assert ((found & np.uint64(15)) == wanted).all()
        assert ((found >> np.uint64(4) & np.uint64(15)) == wanted).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fp6", "bf6"])
def test_6_bits_both_ways(kind: str) -> None:
    codes = np.arange(64, dtype=np.uint64)
    packed = [
        sum(int(c) << 6 * n for n, c in enumerate(codes[32 * half : 32 * half + 32])) for half in (0, 1)
    ]
    words = np.array([[p >> 32 * n & 0xFFFFFFFF for n in range(6)] for p in packed], np.uint32)
    scale = np.full(2, 0x3F800000, np.uint64)
    found = Unit("cdna4", f"v_cvt_scalef32_pk32_f32_{kind}")(S0=words, S1=scale)["D0"]
    wanted = codes.astype(np.uint8).view(SIX[kind]).astype(np.float32)
    assert (found.reshape(-1).view(np.float32) == wanted).all()
    rng = np.random.default_rng(4)
    x = (rng.uniform(-1.2, 1.2, (200, 32)) * float(ml_dtypes.finfo(SIX[kind]).max)).astype(np.float32)
    x[:, ::4] = (x[:, ::4] / 64).astype(np.float32)
    unit = Unit("cdna4", f"v_cvt_scalef32_2xpk16_{kind}_f32")
    raw = x.view(np.uint32)
    made = unit(S0=raw[:, ::2], S1=raw[:, 1::2], S2=np.full(200, 0x3F800000, np.uint64))["D0"]
    largest = float(ml_dtypes.finfo(SIX[kind]).max)
    wanted_codes = np.clip(x, -largest, largest).astype(SIX[kind]).view(np.uint8) & 63
    for row, codes_of_row in zip(made, wanted_codes, strict=True):
        whole = sum(int(word) << 32 * n for n, word in enumerate(row))
        assert [whole >> 6 * n & 63 for n in range(32)] == codes_of_row.tolist()
