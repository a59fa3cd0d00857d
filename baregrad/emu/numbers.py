"""Arithmetic for compiled meanings: what their source (source.py) calls where Python has no operator for it.

A float is a Python float; "wide" is one that is still to be rounded to its type. Numbers that are rounded to
odd in float64 are rounded once by whatever narrower type they go to. isa/meaning/values.py says what is
right; here it is fast. What is not here: other modes than round to nearest even (modes.py).
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable

from baregrad.base import memo
from baregrad.isa.meaning import Type, values

NAN = math.nan
_HALF = struct.Struct("<e")
_REAL = struct.Struct("<d")
_SINGLE = struct.Struct("<f")
_HIGHEST16, _HIGHEST32 = 65520.0, 2.0**128 - 2.0**103  # from here on they round to infinity


@memo
def halves() -> list[float]:
    """The value of each f16."""
    return list(struct.unpack("<65536e", array("H", range(65536)).tobytes()))


@memo
def small(type: Type) -> list[float]:
    """The value of each pattern of a small float type."""
    return [values.decode(type, bits) for bits in range(1 << type.bits)]


def half_bits(x: float) -> int:
    """A float rounded to f16, as bits."""
    if x != x:
        return 0x7E00
    if -_HIGHEST16 < x < _HIGHEST16:
        return int.from_bytes(_HALF.pack(x), "little")
    return 0x7C00 if x > 0 else 0xFC00


def single_bits(x: float) -> int:
    """A float rounded to f32, as bits."""
    if x != x:
        return 0x7FC00000
    if -_HIGHEST32 < x < _HIGHEST32:
        return int.from_bytes(_SINGLE.pack(x), "little")
    return 0x7F800000 if x > 0 else 0xFF800000


def brain_bits(x: float) -> int:
    """A float rounded to bf16, as bits."""
    if x != x:
        return 0x7FC0
    bits = single_bits(x)
    near = _SINGLE.unpack(bits.to_bytes(4, "little"))[0]
    if near != x and math.isfinite(near):
        # To odd in f32: the lower neighbour in size, with its last bit set.
        bits = (bits - 1 if abs(near) > abs(x) else bits) | 1
    return bits + 0x7FFF + (bits >> 16 & 1) >> 16


def brain(bits: int) -> float:
    """The value of a bf16."""
    return float(_SINGLE.unpack((bits << 16).to_bytes(4, "little"))[0])


def other_bits(type: Type) -> Callable[[float], int]:
    """Rounding to a type that has no function of its own."""
    return lambda x: values.encode(type, x)


def to_odd(near: float, rest: float) -> float:
    """near + rest rounded to odd, where near is that sum rounded to nearest and rest is not 0."""
    if rest != rest or near - near != 0.0:
        return near
    bits = int.from_bytes(_REAL.pack(near), "little")
    if bits & 1:
        return near
    if not bits << 1:
        return rest
    bits += 1 if (rest > 0) == (near > 0) else -1
    return float(_REAL.unpack(bits.to_bytes(8, "little"))[0])


def odd_of_int(value: int) -> float:
    """An integer rounded to odd."""
    near = float(value)
    return to_odd(near, float(value - int(near))) if int(near) != value else near


def fma64(a: float, b: float, c: float) -> float:
    """a * b + c, rounded once to float64.

    Source: Boldo and Melquiond, Emulation of FMA and correctly rounded sums (2008): the sum of the lower
    parts is rounded to odd.
    """
    high = a * b
    if not (1e-200 < abs(high) < 1e250 and abs(a) < 1e250 and abs(b) < 1e250 and abs(c) < 1e250):
        return values.fma64(a, b, c)
    x, y = a * 134217729.0, b * 134217729.0
    ah, bh = x - (x - a), y - (y - b)
    al, bl = a - ah, b - bh
    low, low_rest = _sum(c, ((ah * bh - high) + ah * bl + al * bh) + al * bl)
    near, rest = _sum(high, low)
    left, lost = _sum(low_rest, rest)
    total = near + (to_odd(left, lost) if lost else left)
    return total if abs(total) > 1e-250 else values.fma64(a, b, c)


def _sum(a: float, b: float) -> tuple[float, float]:
    """a + b, and what that loses."""
    near = a + b
    t = near - a
    return near, (a - (near - t)) + (b - t)


def cut(x: float, least: int, most: int) -> int:
    """A float as an integer: cut, saturated, 0 for NaN."""
    if x != x:
        return 0
    return least if x <= least else most if x >= most else int(x)


def trunc(x: float) -> float:
    """To an integer toward zero."""
    return math.copysign(float(math.trunc(x)), x) if x - x == 0.0 else x


def floor(x: float) -> float:
    """To an integer below."""
    return math.copysign(float(math.floor(x)), x) if x - x == 0.0 else x


def ceil(x: float) -> float:
    """To an integer above."""
    return math.copysign(float(math.ceil(x)), x) if x - x == 0.0 else x


def even(x: float) -> float:
    """To the nearest integer, ties to even."""
    return math.copysign(float(round(x)), x) if x - x == 0.0 else x


def sine(x: float) -> float:
    """The sine of an angle; NaN of infinity."""
    return math.sin(x) if x - x == 0.0 else NAN


def cosine(x: float) -> float:
    """The cosine of an angle; NaN of infinity."""
    return math.cos(x) if x - x == 0.0 else NAN


def remainder(a: int, b: int) -> int:
    """a - quotient(a, b) * b."""
    return a - values.quotient(a, b) * b
