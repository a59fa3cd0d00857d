"""Float arithmetic in other modes: rounding toward an infinity or zero, denormals flushed, f16 at most 65504.

This is the slow way, by exact numbers. The rounding and the flushing of a type come from the hardware
register MODE. What is not here: the mode NEAREST, in which most programs run: source.py writes it with
Python's own operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from baregrad.base import memo
from baregrad.isa.meaning import FLOATS, Type, values

EVEN, UP, DOWN, ZERO = range(4)
"""How results are rounded, as MODE's fields have it."""
LARGEST16 = 65504.0


class Mode(NamedTuple):
    """Rounding of f32 and of f16 and f64; what of denormals is kept: bit 0 inputs, bit 1 results; whether f16
    that would overflow is its largest number (FP16_OVFL: infinities of infinities and of x / 0 stay).
    """

    round32: int = EVEN
    round64: int = EVEN
    denormals32: int = 3
    denormals64: int = 3
    saturates16: bool = False

    @staticmethod
    def of(register: int) -> Mode:
        """The mode that MODE says. Source: RDNA3 ISA 3.4.2, CDNA4 ISA 3.5"""
        saturates = bool(register >> 23 & 1)
        return Mode(register & 3, register >> 2 & 3, register >> 4 & 3, register >> 6 & 3, saturates)

    def usual(self, type: Type) -> bool:
        """Are results of a type rounded to nearest even, to infinity beyond the largest?"""
        return self.rounding(type) == EVEN and not self.saturates(type)

    def saturates(self, type: Type) -> bool:
        """Is what is too large for a type its largest number?"""
        return self.saturates16 and type.name == "f16"

    def rounding(self, type: Type) -> int:
        """How results of a type are rounded."""
        return self.round32 if type.bits == 32 or type.kind == "bf" else self.round64

    def flushes(self, type: Type) -> tuple[bool, bool]:
        """Whether denormal inputs, and results, of a type become zeros."""
        if type.bits < 16:
            return False, False
        kept = self.denormals32 if type.bits == 32 or type.kind == "bf" else self.denormals64
        return not kept & 1, not kept & 2


NEAREST = Mode()


@memo
def flusher(type: Type) -> Callable[[float], float]:
    """What makes zeros, of their signs, of a type's denormals."""
    least = float(2.0 ** (2 - (1 << (type.bits - 2 - FLOATS[type.name].mantissa))))
    return lambda x: math.copysign(0.0, x) if -least < x < least else x


def rounded(mode: Mode, type: Type, exact: Fraction, zero: float = 0.0) -> float:
    """An exact number in a type by a mode; `zero` has the sign of a zero."""
    how = mode.rounding(type)
    if not exact:
        return zero
    try:
        near_double = exact.numerator / exact.denominator
    except OverflowError:
        near_double = math.inf if exact > 0 else -math.inf
    bits = values.encode(type, near_double if type.bits == 64 else _odd(near_double, exact))
    near = values.decode(type, bits)
    if how != EVEN:
        bits = _directed(type, how, bits, near, exact)
        near = values.decode(type, bits)
    if mode.saturates(type) and math.isinf(near):
        return math.copysign(LARGEST16, near)
    return flusher(type)(near) if mode.flushes(type)[1] else float(near)


def _odd(near: float, exact: Fraction) -> float:
    if math.isinf(near) or Fraction(near) == exact or int(math.ldexp(math.frexp(near)[0], 53)) % 2:
        return near
    return math.nextafter(near, math.inf if Fraction(near) < exact else -math.inf)


def _directed(type: Type, how: int, bits: int, near: float, exact: Fraction) -> int:
    """The float on the side of an exact number that the rounding wants, from the nearest one."""
    sign = 1 << (type.bits - 1)
    up = how == UP or (how == ZERO and exact < 0)
    above = near == math.inf or (near != -math.inf and Fraction(near) > exact)
    below = near == -math.inf or (near != math.inf and Fraction(near) < exact)
    if up and below:
        return bits - 1 if bits & sign and bits != sign else 1 if bits == sign else bits + 1
    if not up and above:
        return bits - 1 if not bits & sign and bits else sign | 1 if not bits else bits + 1
    return bits


def _modal(of: Callable[..., Fraction], usual: Callable[..., float]) -> Callable[..., float]:
    """An operation: by its usual way for what is not finite, else exact and rounded by the mode."""

    def operation(mode: Mode, type: Type, *parts: float) -> float:
        if not all(map(math.isfinite, parts)):
            return usual(*parts)
        try:
            exact = of(*map(Fraction, parts))
        except (ZeroDivisionError, ValueError):
            return usual(*parts)
        zero = usual(*parts) if not exact else 0.0
        if not exact and len(parts) > 1 and of in _SUMS and mode.rounding(type) == DOWN and any(parts):
            zero = -0.0
        return rounded(mode, type, exact, zero)

    return operation


def _add(a: Fraction, b: Fraction) -> Fraction:
    return a + b


def _sub(a: Fraction, b: Fraction) -> Fraction:
    return a - b


def _fma(a: Fraction, b: Fraction, c: Fraction) -> Fraction:
    return a * b + c


_SUMS = (_add, _sub, _fma)


def _root(a: Fraction) -> Fraction:
    """A number between whose neighbours of 120 bits the root is: enough for every type here."""
    if a < 0:
        raise ValueError("below zero")
    if not a:
        return a
    shift = 2 * max(0, 140 - (a.numerator.bit_length() - a.denominator.bit_length()) // 2)
    scaled = (a.numerator << shift) // a.denominator
    root = math.isqrt(scaled)
    exact = root * root == scaled and (a.numerator << shift) % a.denominator == 0
    return Fraction(2 * root + (not exact), 2 << shift // 2)


MODAL: dict[str, Callable[..., float]] = {
    "add": _modal(_add, lambda a, b: a + b),
    "sub": _modal(_sub, lambda a, b: a - b),
    "mul": _modal(lambda a, b: a * b, lambda a, b: a * b),
    "div": _modal(lambda a, b: a / b, values.divide),
    "fma": _modal(_fma, values.fma64),
    "sqrt": _modal(_root, values.root),
    "convert": _modal(lambda a: a, float),
}
"""Operations whose result the mode changes: (mode, type, numbers) -> a float of the type."""
