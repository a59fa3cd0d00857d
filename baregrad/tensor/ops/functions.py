"""Functions of one or two tensors, by torch's names: one op each, or a few. Activations are in activation.py.

Names that are operators (eq, logical_and, bitwise_xor …) promote and broadcast as the operator does.
"""

from __future__ import annotations

import math
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError
from baregrad.ir import UOp, ops
from baregrad.tensor import check
from baregrad.tensor.ops import remainders
from baregrad.tensor.ops.elementwise import Other
from baregrad.tensor.ops.loss import Loss

WHOLE = {1: dt.int8, 2: dt.int16, 4: dt.int32, 8: dt.int64}  # bytes: the integer of that size


class Functions(Loss):
    """Elementwise functions beyond arithmetic."""

    __slots__ = ()

    # -- one op each -------------------------------------------------------------------------------------

    def expm1(self) -> Self:
        """exp(x) - 1, accurate near 0."""
        return self._unary(ops.EXPM1)

    def log1p(self) -> Self:
        """log(1 + x), accurate near 0."""
        return self._unary(ops.LOG1P)

    def log10(self) -> Self:
        """The logarithm to base 10."""
        return self._unary(ops.LOG10)

    def sinh(self) -> Self:
        """(exp(x) - exp(-x)) / 2."""
        return self._unary(ops.SINH)

    def cosh(self) -> Self:
        """(exp(x) + exp(-x)) / 2."""
        return self._unary(ops.COSH)

    def asinh(self) -> Self:
        """The inverse of sinh."""
        return self._unary(ops.ASINH)

    def acosh(self) -> Self:
        """The inverse of cosh, 0 and more; NaN below 1."""
        return self._unary(ops.ACOSH)

    def atanh(self) -> Self:
        """The inverse of tanh; infinite at -1 and 1, NaN outside."""
        return self._unary(ops.ATANH)

    def sin(self) -> Self:
        """The sine."""
        return self._unary(ops.SIN)

    def cos(self) -> Self:
        """The cosine."""
        return self._unary(ops.COS)

    def tan(self) -> Self:
        """The tangent."""
        return self._unary(ops.TAN)

    def asin(self) -> Self:
        """The arc sine; NaN outside of -1..1."""
        return self._unary(ops.ASIN)

    def acos(self) -> Self:
        """The arc cosine; NaN outside of -1..1."""
        return self._unary(ops.ACOS)

    def atan(self) -> Self:
        """The arc tangent."""
        return self._unary(ops.ATAN)

    def erf(self) -> Self:
        """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x."""
        return self._unary(ops.ERF)

    def erfc(self) -> Self:
        """1 - erf(x), accurate where that is small."""
        return self._unary(ops.ERFC)

    def erfinv(self) -> Self:
        """The inverse of erf; infinite at -1 and 1, NaN outside."""
        return self._unary(ops.ERFINV)

    def cbrt(self) -> Self:
        """The cube root."""
        return self._unary(ops.CBRT)

    def atan2(self, other: Other) -> Self:
        """The angle of the point (other, self): from -pi to pi, with the signs of zeros."""
        return self._binary(ops.ATAN2, other, floats=True)

    def lgamma(self) -> Self:
        """log(|gamma(x)|)."""
        return self._unary(ops.LGAMMA)

    def digamma(self) -> Self:
        """The derivative of lgamma; NaN at whole numbers below 0, at zeros infinite against their sign."""
        x = self.cast(check.float_dtype(self.dtype, "digamma"))

        def build(u: UOp) -> UOp:
            found: UOp = ops.LGAMMA.gradient(u.const_like(1), u.alu(ops.LGAMMA), u)[0]  # type: ignore[misc]
            return found

        whole = x.le(0) & x.eq(x.floor())
        at_0 = -x.detach().full_like(math.inf).copysign(x.detach())
        return x.where(~whole, 1).apply(build).where(~whole, at_0.where(x.eq(0), math.nan))

    def sinc(self) -> Self:
        """sin(pi * x) / (pi * x), 1 at 0."""
        angle = self * math.pi
        none = angle.eq(0)
        safe = angle.where(~none, 1)
        return (safe.sin() / safe).where(~none, 1)

    # -- rounding and remainders -------------------------------------------------------------------------

    def ceil(self) -> Self:
        """The least whole number of at least x; integers stay."""
        return -(-self).floor() if self.dtype.is_float else self

    def round(self, decimals: int = 0) -> Self:
        """The nearest whole number, the even one of two; with decimals, of x * 10**decimals, scaled back."""
        if not self.dtype.is_float:
            return self
        if decimals:
            scale = 10.0 ** abs(decimals)
            up, down = (self * scale, self / scale)
            return up.round() / scale if decimals > 0 else down.round() * scale
        size = self.abs()
        whole = size.floor()
        part = size - whole
        odd = (whole * 0.5).floor() * 2 != whole
        near = (whole + 1).where((part > 0.5) | ((part >= 0.5) & odd), whole)
        return near.where(self > 0, (-near).where(self < 0, self))  # 0, -0 and NaN stay

    def frac(self) -> Self:
        """x - trunc(x)."""
        return self - self.trunc()

    def fmod(self, other: Other) -> Self:
        """The remainder with the sign of the dividend: x - trunc(x / y) * y.

        Errors: ZeroDivisionError for the integer 0.
        """
        a, b = self.operands("fmod", other)
        if a.dtype.is_float and remainders.of_power_of_2(other):
            return a - (a / b).trunc() * b
        if a.dtype.is_float:
            exact: Self = remainders.fmod(a, b)
            return exact
        rest = self % other
        return (rest - b).where(rest.ne(0) & ((rest < 0) ^ (a < 0)), rest)

    def remainder(self, other: Other) -> Self:
        """The remainder with the sign of the divisor: %."""
        return self % other

    def floor_divide(self, other: Other) -> Self:
        """Division to minus infinity: //."""
        return self // other

    # -- tests of elements -------------------------------------------------------------------------------

    def isnan(self) -> Self:
        """Which elements are NaN."""
        return self != self

    def isinf(self) -> Self:
        """Which elements are infinite."""
        return self.abs().eq(math.inf) if self.dtype.is_float else self != self

    def isposinf(self) -> Self:
        """Which elements are infinite and positive."""
        return self.eq(math.inf) if self.dtype.is_float else self != self

    def isneginf(self) -> Self:
        """Which elements are infinite and negative."""
        return self.eq(-math.inf) if self.dtype.is_float else self != self

    def isfinite(self) -> Self:
        """Which elements are neither infinite nor NaN."""
        return (self - self).eq(0) if self.dtype.is_float else self.eq(self)

    def signbit(self) -> Self:
        """Which elements have a minus, zeros and NaN included."""
        return self.bitcast(WHOLE[self.dtype.itemsize]) < 0 if self.dtype.is_float else self < 0

    def isclose(self, other: Other, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Self:
        """Which pairs have |x - y| <= atol + rtol * |y|; equal infinities are close, NaN to NaN if wanted."""
        a, b = self.operands("isclose", other)
        close = a.eq(b)
        if a.dtype.is_float:
            close = close | (((a - b).abs() <= b.abs() * rtol + atol) & a.isfinite() & b.isfinite())
        else:
            p, q = a.cast(dt.float64), b.cast(dt.float64)  # of unsigned ones the difference would wrap
            close = close | ((p - q).abs() <= q.abs() * rtol + atol)
        return close | (a.isnan() & b.isnan()) if equal_nan else close

    def allclose(self, other: Other, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
        """Whether all pairs are close, as isclose says; computes."""
        return bool(self.isclose(other, rtol, atol, equal_nan).all())

    # -- operators by name -------------------------------------------------------------------------------

    def eq(self, other: Other) -> Self:
        """x == y."""
        return self._binary(ops.CMPEQ, other)

    def ne(self, other: Other) -> Self:
        """x != y."""
        return self._binary(ops.CMPNE, other)

    def lt(self, other: Other) -> Self:
        """x < y."""
        return self < other

    def le(self, other: Other) -> Self:
        """x <= y."""
        return self <= other

    def gt(self, other: Other) -> Self:
        """x > y."""
        return self > other

    def ge(self, other: Other) -> Self:
        """x >= y."""
        return self >= other

    def logical_and(self, other: Other) -> Self:
        """Where both are not 0."""
        return self.bool() & _truth(other)

    def logical_or(self, other: Other) -> Self:
        """Where one is not 0."""
        return self.bool() | _truth(other)

    def logical_xor(self, other: Other) -> Self:
        """Where just one is not 0."""
        return self.bool() ^ _truth(other)

    def logical_not(self) -> Self:
        """Where x is 0."""
        return ~self.bool()

    def bitwise_and(self, other: Other) -> Self:
        """x & y. Errors: DTypeError for floats."""
        return self & other

    def bitwise_or(self, other: Other) -> Self:
        """x | y. Errors: DTypeError for floats."""
        return self | other

    def bitwise_xor(self, other: Other) -> Self:
        """x ^ y. Errors: DTypeError for floats."""
        return self ^ other

    def bitwise_not(self) -> Self:
        """~x. Errors: DTypeError for floats."""
        return ~self

    def bitwise_left_shift(self, other: Other) -> Self:
        """x << y. Errors: DTypeError for floats."""
        return self << other

    def bitwise_right_shift(self, other: Other) -> Self:
        """x >> y. Errors: DTypeError for floats."""
        return self >> other

    # -- two and three operands --------------------------------------------------------------------------

    def clip(self, min: Other | None = None, max: Other | None = None) -> Self:
        """clamp, by numpy's name."""
        return self.clamp(min, max)

    def clamp_min(self, min: Other) -> Self:
        """max(x, min)."""
        return self.clamp(min)

    def clamp_max(self, max: Other) -> Self:
        """min(x, max)."""
        return self.clamp(None, max)

    def lerp(self, end: Other, weight: Other) -> Self:
        """x + weight * (end - x), exact at both ends. Errors: DTypeError for integers."""
        if not self.dtype.is_float:
            raise DTypeError(f"lerp of {self.dtype}", why="it is a function of floats", mend="cast first")
        start, stop, part = self.operands("lerp", end, weight)
        apart = stop - start
        return (start + apart * part).where(part < 0.5, stop - apart * (1 - part))

    def addcmul(self, a: Self, b: Other, *, value: float = 1) -> Self:
        """x + value * a * b."""
        product = a * b
        return self + (product if value == 1 else product * value)

    def addcdiv(self, a: Self, b: Other, *, value: float = 1) -> Self:
        """x + value * a / b."""
        return self + a / b * value

    def copysign(self, other: Self) -> Self:
        """|x| with the sign of y, that of zeros included; in floats."""
        x = self.cast(check.float_dtype(self.dtype, "copysign"))
        same = ~(x.signbit() ^ other.signbit())
        return x.where(same, -x)

    def hypot(self, other: Other) -> Self:
        """sqrt(x * x + y * y), without overflow in between."""
        a, b = (t.abs() for t in self.operands("hypot", other, floats=True))
        long, short = a.maximum(b), a.minimum(b)
        plain = (long > 0) & (long < math.inf)
        ratio = (short / long.where(plain, 1)).where(plain, 0)
        return (long * (ratio * ratio + 1).sqrt()).where(~(a.isinf() | b.isinf()), math.inf)

    def logaddexp(self, other: Other) -> Self:
        """log(exp(x) + exp(y)), without overflow in between."""
        a, b = self.operands("logaddexp", other, floats=True)
        apart = (a - b).where(~(a.eq(b)), 0)  # inf - inf would be NaN
        return a.maximum(b) + (-apart.abs()).exp().log1p()

    def logaddexp2(self, other: Other) -> Self:
        """log2(2 ** x + 2 ** y), without overflow in between."""
        a, b = self.operands("logaddexp2", other, floats=True)
        return (a * math.log(2)).logaddexp(b * math.log(2)) * (1 / math.log(2))

    def heaviside(self, values: Other) -> Self:
        """0 below 0 and for NaN, 1 above, the given values at 0."""
        a, b = self.operands("heaviside", values)
        return b.where(a.eq(0), a.gt(0).cast(a.dtype))

    def xlogy(self, other: Other) -> Self:
        """x * log(y), 0 where x is 0 and y is not NaN."""
        a, b = self.operands("xlogy", other, floats=True)
        nothing = a.eq(0) & ~b.isnan()
        return (a * b.where(~nothing, 1).log()).where(~nothing, 0)

    def nan_to_num(self, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Self:
        """NaN and infinities replaced: by default by 0 and the dtype's greatest and least numbers."""
        if not self.dtype.is_float:
            return self
        high = self.dtype.max_finite if posinf is None else posinf
        low = -self.dtype.max_finite if neginf is None else neginf
        return self.where(~self.isnan(), nan).where(~self.isposinf(), high).where(~self.isneginf(), low)

    def logit(self, eps: float | None = None) -> Self:
        """log(x / (1 - x)), with x limited to eps..1 - eps first if eps is given."""
        x = self.cast(check.float_dtype(self.dtype, "logit"))
        x = x if eps is None else x.clip(eps, 1 - eps)
        return x.log() - (-x).log1p()

    def deg2rad(self) -> Self:
        """x * pi / 180."""
        return self * (math.pi / 180)

    def rad2deg(self) -> Self:
        """x * 180 / pi."""
        return self * (180 / math.pi)


def _truth(value: Other) -> Other:
    return value.cast(dt.bool_) if isinstance(value, Functions) else bool(value)
