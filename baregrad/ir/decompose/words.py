"""What every function's decomposition is made of: the facts of a float format, FMA, and pairs of words.

A pair (high, low) stands for high + low, with low at most half a unit in the last place of high: twice the
digits. The functions are in the files beside this one, each written once for float32 and float64; what
differs is a row of FORMATS and the degree of the polynomials (generated/coefficients.py).

Sources: T. J. Dekker, «A floating-point technique for extending the available precision» (1971), for the
pairs; J.-M. Muller and others, «Handbook of Floating-Point Arithmetic», chapters 4 and 5, for the forms with
FMA.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import ops
from baregrad.ir.decompose.generated.coefficients import FLOAT32, FLOAT64
from baregrad.ir.uop import UOp

Pair = tuple[UOp, UOp]


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """A float format that functions are written for. `ints` has its size; `mantissa` are stored bits;
    `ln2_bits` is how many digits the high part of ln 2 has, so that its product with an exponent is exact.
    """

    dtype: DType
    ints: DType
    mantissa: int
    bias: int
    ln2_bits: int
    tables: dict[str, tuple[float, ...]]

    @property
    def round(self) -> float:
        """Adding it to a small float rounds to an integer, which then stands in the low bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def round_biased(self) -> float:
        """The same, with the bias of an exponent added: shifted left by `mantissa` the sum is 2**n."""
        return self.round + self.bias

    @property
    def tiny(self) -> float:
        """Below it x**3 is nothing beside x."""
        return 2.0 ** -(self.mantissa // 2 + 2)

    def single(self, value: float) -> float:
        """The value rounded to this format."""
        return nearest(value) if self.mantissa == 23 else value

    def parts(self, high: float, low: float) -> tuple[float, float]:
        """A constant given as a float64 pair, as a pair of this format."""
        first = self.single(high)
        return first, self.single((high - first) + low)

    @property
    def ln2(self) -> tuple[float, float]:
        """ln 2: a high part of `ln2_bits` bits, and the rest."""
        scale = 2.0**self.ln2_bits
        high = int(LN2[0] * scale) / scale
        return high, self.single((LN2[0] - high) + LN2[1])


FORMATS: dict[str, Format] = {
    "float32": Format(dt.float32, dt.int32, 23, 127, 16, FLOAT32),
    "float64": Format(dt.float64, dt.int64, 52, 1023, 42, FLOAT64),
}
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)
LOG10_E = (0.4342944819032518, 1.098319650216765e-17)
PI = (3.141592653589793, 1.2246467991473532e-16)


def nearest(value: float) -> float:
    """The value rounded to float32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def format_of(x: UOp) -> Format:
    """The format of a value."""
    return FORMATS[x.dtype.name]


def fma(a: UOp, b: UOp | float, c: UOp | float) -> UOp:
    """a * b + c with one rounding."""
    b = b if isinstance(b, UOp) else a.const_like(b)
    c = c if isinstance(c, UOp) else a.const_like(c)
    return UOp(ops.FMA, a.dtype, (a, b, c))


def polynomial(x: UOp, coefficients: tuple[float, ...]) -> UOp:
    """The polynomial in Horner's form, coefficients lowest first."""
    total = x.const_like(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = fma(total, x, coefficient)
    return total


def table(x: UOp, name: str) -> UOp:
    """The fitted polynomial of this name."""
    return polynomial(x, format_of(x).tables[name])


def sqrt(x: UOp) -> UOp:
    """The square root, correctly rounded."""
    return x.alu(ops.SQRT)


def floor(x: UOp) -> UOp:
    """The integer below."""
    return x.alu(ops.FLOOR)


# -- bits ------------------------------------------------------------------------------------------------


def bits_of(x: UOp) -> UOp:
    """The bits as an integer."""
    return x.bitcast(format_of(x).ints)


def magnitude(x: UOp) -> UOp:
    """|x|."""
    bits = bits_of(x)
    return (bits & bits.dtype.max).bitcast(x.dtype)


def sign_bit(x: UOp) -> UOp:
    """The bits of x's sign alone."""
    bits = bits_of(x)
    return bits & bits.dtype.min


def with_sign(x: UOp, sign: UOp) -> UOp:
    """x, which is not negative, with the sign whose bits are given."""
    return (bits_of(x) | sign).bitcast(x.dtype)


def flip_sign(x: UOp, sign: UOp) -> UOp:
    """x, negated where the bits of `sign` say so."""
    return (bits_of(x) ^ sign).bitcast(x.dtype)


def power_of_two(rounded: UOp) -> UOp:
    """2**n of a sum n + round_biased."""
    return (bits_of(rounded) << format_of(rounded).mantissa).bitcast(rounded.dtype)


def scale(x: UOp, n: UOp) -> UOp:
    """x * 2**n, rounded once, for an integral n that may be twice as large as an exponent."""
    form = format_of(x)
    half = fma(n, 0.5, form.round_biased)
    rest = n - (half - form.round_biased) + form.round_biased
    return x * power_of_two(half) * power_of_two(rest)


# -- pairs -----------------------------------------------------------------------------------------------


def fast_two_sum(a: UOp, b: UOp) -> Pair:
    """a + b exactly, for |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


def two_sum(a: UOp, b: UOp) -> Pair:
    """a + b exactly."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def two_product(a: UOp, b: UOp | float) -> Pair:
    """a * b exactly."""
    high = a * b
    return high, fma(a, b, -high)


def times(a: Pair, b: Pair) -> Pair:
    """The product of two pairs, not normalised."""
    high, low = two_product(a[0], b[0])
    return high, fma(a[0], b[1], fma(a[1], b[0], low))


def times_constant(a: Pair, constant: tuple[float, float]) -> Pair:
    """The product of a pair and a constant, not normalised."""
    high, low = two_product(a[0], constant[0])
    return high, fma(a[0], constant[1], fma(a[1], constant[0], low))


def nan_like(x: UOp) -> UOp:
    """NaN."""
    return x.const_like(float("nan"))
