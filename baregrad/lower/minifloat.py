"""Floats of 8 and 16 bits as float32, in integer arithmetic: from a DType's row alone.

`encode` and `decode` go between the bits (in an int32) and float32; `to_odd` and `from_integer` bring wider
dtypes to float32 so that the rounding that follows is the only one. All agree with baregrad.dtype.convert,
bit for bit: ties go to even, what is too large is infinity (NaN where there is none), a NaN keeps its sign.
Who calls them is in foreign.py.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp, bounds, const

MANTISSA, BIAS, INFINITY = dt.float32.mantissa, dt.float32.bias, 0x7F800000
MAGNITUDE = 0x7FFFFFFF
NAN = 0x7FC00000
QUIET = NAN - (1 << 31)  # its bits and the sign


def special(dtype: DType) -> tuple[int, int]:
    """The bits of infinity (without: of NaN) and of NaN.

    >>> special(dt.float16), special(dt.float8e4m3)
    ((31744, 32256), (127, 127))
    """
    top = ((1 << dtype.exponent) - 1) << dtype.mantissa
    last = top | (1 << dtype.mantissa) - 1
    return (top, top | 1 << (dtype.mantissa - 1)) if dtype.has_inf else (last, last)


def bits_of(x: UOp) -> UOp:
    """The bits of a float32."""
    return x.bitcast(dt.int32)


def decode(bits: UOp, dtype: DType) -> UOp:
    """The float32 that these bits of a dtype are, exactly; `bits` may have no others."""
    up = MANTISSA - dtype.mantissa
    if dtype.exponent == dt.float32.exponent:
        return (bits << up).bitcast(dt.float32)
    infinite, _ = special(dtype)
    size = dtype.exponent + dtype.mantissa
    magnitude = bits & ((1 << size) - 1)
    sign = (bits & (1 << size)) << (31 - size)
    # With its exponent field as it is, the number is 2**(bias - 127) times itself, denormal or not
    scaled = bits_of((magnitude << up).bitcast(dt.float32) * 2.0 ** (BIAS - dtype.bias))
    above = (magnitude << up) | (INFINITY if dtype.has_inf else NAN)
    return ((magnitude < infinite).where(scaled, above) | sign).bitcast(dt.float32)


def encode(x: UOp, dtype: DType) -> UOp:
    """The bits of the dtype's value that is nearest to a float32."""
    infinite, nan = special(dtype)
    down = MANTISSA - dtype.mantissa
    size = dtype.exponent + dtype.mantissa
    bits = bits_of(x)
    magnitude = bits & MAGNITUDE
    rounded = (magnitude + ((magnitude >> down) & 1) + ((1 << (down - 1)) - 1)) >> down
    if dtype.exponent != dt.float32.exponent:
        rounded = rounded - ((BIAS - dtype.bias) << dtype.mantissa)
        # Denormals: added to a number whose last bit weighs as much as theirs, they are rounded there
        magic = const(2.0 ** (dtype.min_exponent - dtype.mantissa + MANTISSA), dt.float32)
        small = bits_of(magnitude.bitcast(dt.float32) + magic) - bits_of_constant(magic)
        least = (dtype.min_exponent + BIAS) << MANTISSA
        rounded = (magnitude < least).where(small, rounded).minimum(infinite)
    number = (magnitude <= INFINITY).where(rounded, rounded.const_like(nan))
    return number | ((bits >> (31 - size)) & (1 << size))


def bits_of_constant(x: UOp) -> UOp:
    """The bits of a constant, as a constant."""
    return const(dt.to_bits(dt.float32, x.arg), dt.int32)


def quiet(x: UOp) -> UOp:
    """A float32 whose NaN has nothing but a sign: where dtypes of 16 bits would keep more of it."""
    bits = bits_of(x)
    return ((bits & MAGNITUDE) <= INFINITY).where(bits, (bits | NAN) & QUIET).bitcast(dt.float32)


def to_odd(x: UOp) -> UOp:
    """A float64 as float32, rounded to odd: what is lost leaves its last bit 1, so that no tie appears."""
    near = x.cast(dt.float32)
    back = near.cast(x.dtype)
    less, more = back < x, x < back
    away = (x < 0.0).where(less, more)  # the magnitude was rounded up
    bits = bits_of(near) - away.cast(dt.int32)
    return (bits | (less | more).cast(dt.int32)).bitcast(dt.float32)


def from_integer(x: UOp, dtype: DType) -> UOp:
    """An integer or bool as float32, rounded so that rounding to the dtype gives what the integer gives.

    float32 holds 2**24 exactly. Beyond, a dtype of 5 exponent bits has only infinity or NaN; for others 64
    bits go through float64, the last 16 of many as one, and 32 bits lose their last 8 to one sticky bit.
    """
    low, high = bounds(x) if x.dtype.is_int else (0, 1)
    if dtype.exponent < dt.float32.exponent or (low >= -(1 << 24) and high <= 1 << 24):
        return x.cast(dt.float32)
    if low >= -(1 << 31) and high < 1 << 31:
        x = x.cast(dt.int32)
    if x.dtype.bits == 32:
        return sticky(x, 24, 8).cast(dt.float32)
    return to_odd(sticky(x, 40, 16).cast(dt.float64))


def sticky(x: UOp, kept: int, lost: int) -> UOp:
    """An integer of more than `kept` bits with its last `lost` bits as one: 1 if any of them is 1."""
    rest = x & ((1 << lost) - 1)
    one = x.const_like(1 << lost)
    joined = (x >> lost << lost) | rest.eq(x.const_like(0)).where(x.const_like(0), one)
    far = x >= (1 << kept)
    if x.dtype.is_signed:
        far = far | (x < -(1 << kept))
    return far.where(joined, x)


__all__ = ["bits_of", "decode", "encode", "from_integer", "quiet", "special", "sticky", "to_odd"]
