"""What ops mean, where that is more than an expression: Python's arithmetic made total, functions of the math
module made right beyond their domain. The rows are in ops.py.

The functions are right to 1.5 units in the last place of float64 where the C library's are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

EXP_MAX = 709.782712893384  # e to the power of it is the greatest float64
ZETA = (
    0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
    0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
    9.945751278180853e-05, -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06,
    4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
    2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08,
    1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09,
    5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11,
)  # fmt: skip
"""(-1)**k (zeta(k) - 1) / k from k = 2 on: Abramowitz and Stegun, 6.1.33."""
EULER = 0.5772156649015329
HALF_ROOT_PI = math.sqrt(math.pi) / 2.0


def idiv(a: int, b: int) -> int:
    """a // b, 0 for b = 0."""
    return a // b if b else 0


def mod(a: int, b: int) -> int:
    """a % b, a for b = 0."""
    return a % b if b else a


def shl(a: int, b: int) -> int:
    """a << b; all is shifted out outside 0..63."""
    return a << b if 0 <= b < 64 else 0


def shr(a: int, b: int) -> int:
    """a >> b; only the sign is left outside 0..63."""
    return a >> b if 0 <= b < 64 else (-1 if a < 0 else 0)


def maximum(a: Any, b: Any) -> Any:
    """a if it is NaN or greater, else b."""
    return a if a != a or a > b else b


def minimum(a: Any, b: Any) -> Any:
    """a if it is NaN or less, else b."""
    return a if a != a or a < b else b


def div(a: float, b: float) -> float:
    """a / b, with infinities and NaN."""
    if b:
        return a / b
    if a != a or b != b or not a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def sqrt(a: float) -> float:
    """The square root; NaN below zero."""
    return math.sqrt(a) if a >= 0 else (a if a == 0 else math.nan)


def exp(a: float) -> float:
    """e**a."""
    return math.exp(a) if a <= EXP_MAX else (math.nan if a != a else math.inf)


def exp2(a: float) -> float:
    """2**a."""
    return 2.0**a if a < 1024.0 else (math.nan if a != a else math.inf)


def log(a: float) -> float:
    """The natural logarithm."""
    return math.log(a) if a > 0 else (-math.inf if a == 0 else math.nan)


def log2(a: float) -> float:
    """The logarithm to base 2."""
    return math.log2(a) if a > 0 else (-math.inf if a == 0 else math.nan)


def trunc(a: float) -> float:
    """The integer toward zero."""
    return math.copysign(float(math.trunc(a)), a) if math.isfinite(a) else a


def floor(a: float) -> float:
    """The integer below."""
    return math.copysign(float(math.floor(a)), a) if math.isfinite(a) else a


def inverted(a: int) -> int:
    """Bits flipped."""
    return not a if isinstance(a, bool) else ~a


def fma(a: float, b: float, c: float) -> float:
    """Exact for float32 sources: the float64 sum is rounded to odd, so that rounding it again to float32 is
    right.
    """
    product = a * b
    total = product + c
    if not math.isfinite(total) or total == 0.0:
        return total
    back = total - product
    error = (product - (total - back)) + (c - back)
    if error == 0.0:
        return total
    if math.frexp(total)[0] * 2.0**53 % 2 == 0:  # even last bit: go to the odd neighbour on the error's side
        return math.nextafter(total, math.inf if error > 0 else -math.inf)
    return total


def inside(function: Callable[[float], float], a: float, low: float, high: float) -> float:
    """A function of Python's that is defined on low..high only: NaN elsewhere."""
    return function(a) if low <= a <= high else math.nan


def log_family(function: Callable[[float], float], a: float, pole: float) -> float:
    """A logarithm that is minus infinity at the pole and NaN below."""
    return function(a) if a > pole else (-math.inf if a == pole else math.nan)


def expm1(a: float) -> float:
    """e**a - 1."""
    return math.expm1(a) if a < 40.0 else exp(a)


def circular(function: Callable[[float], float], a: float) -> float:
    """A function that is NaN at infinity."""
    return function(a) if math.isfinite(a) else math.nan


def sinh(a: float) -> float:
    """The hyperbolic sine."""
    return math.sinh(a) if abs(a) < 200.0 else halved_exp(abs(a)) * math.copysign(1.0, a)


def cosh(a: float) -> float:
    """The hyperbolic cosine."""
    return math.cosh(a) if abs(a) < 200.0 else halved_exp(abs(a))


def halved_exp(a: float) -> float:
    """e**a / 2 near the border of overflow."""
    near = 115.0  # e**115 is nearly a float64
    return math.exp(a - near) * (math.exp(near) * 0.5) if a < 711.0 else (a if a != a else math.inf)


def atanh(a: float) -> float:
    """The inverse of tanh."""
    return math.atanh(a) if abs(a) < 1.0 else (math.copysign(math.inf, a) if abs(a) == 1.0 else math.nan)


def rsqrt(a: float) -> float:
    """1 / sqrt(a)."""
    return div(1.0, sqrt(a))


def power(a: float, b: float) -> float:
    """a**b, with poles and overflow."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0.0 and b % 2.0 == 1.0 else math.inf
    except ValueError:  # a negative base, or a pole at zero
        if a != 0.0:
            return math.nan
        return math.copysign(math.inf, a) if b % 2.0 == 1.0 else math.inf


def cbrt(a: float) -> float:
    """The C library's, with one Newton step on the exact residue."""
    y = math.cbrt(a)
    if y == 0.0 or not math.isfinite(y):
        return y
    return y + float((Fraction(a) - Fraction(y) ** 3) / (3 * Fraction(y) ** 2))


def erfinv(a: float) -> float:
    """Two guesses of a logarithm, then Newton's steps: of erf below a half, of erfc above."""
    size = abs(a)
    if not 0.0 < size < 1.0:
        return a if size == 0.0 else (math.copysign(math.inf, a) if size == 1.0 else math.nan)
    if size < 1e-8:
        return a * HALF_ROOT_PI
    log = math.log1p(-size) + math.log1p(size)
    middle = 2.0 / (math.pi * 0.147) + 0.5 * log
    z = math.sqrt(math.sqrt(middle * middle - log / 0.147) - middle)
    for _ in range(4):
        error = math.erf(z) - size if size < 0.5 else (1.0 - size) - math.erfc(z)
        step = error * HALF_ROOT_PI * math.exp(z * z)
        z -= step / (1.0 + z * step)
    return math.copysign(z, a)


def lgamma(a: float) -> float:
    """log |Gamma(a)|, as ir/decompose/gamma.py computes it; the C library's is not relatively exact."""
    if math.isinf(a) or (a <= 0.0 and a == math.floor(a)):
        return math.inf
    if a != a or a > 2.556348163871691e305:
        return a * math.inf
    if a < 0.0:
        rest = abs(a - math.floor(a + 0.5))
        sine = math.sin(math.pi * rest) / math.pi if rest > 1e-9 else rest
        return -math.log(sine) - lgamma(1.0 - a)
    if a >= 8.5:
        s = 1.0 / (a * a)
        series = 1 / 12 - s * (
            1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360 - s / 156))))
        )
        return (a - 0.5) * (math.log(a) - 1.0) + (math.log(2.0 * math.pi) - 1.0) / 2.0 + series / a
    return _lgamma_near(a)


def _lgamma_near(a: float) -> float:
    """lgamma(2 + t) by its series with |t| <= 1/2, and the logarithm of what leads there."""
    steps = math.floor(a + 0.5) - 2
    t = a - (steps + 2)
    total = 0.0
    for term in reversed(ZETA):
        total = total * t + term
    value = (1.0 - EULER) * t + total * t * t
    if steps == -1:
        return value - math.log1p(t)
    if steps == -2:
        return value - (math.log(a) + math.log1p(a))
    return value + math.log(math.prod(a - step for step in range(1, steps + 1)))
