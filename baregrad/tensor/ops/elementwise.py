"""Elementwise operations: arithmetic, comparison, functions of floats, activations, casts."""

from __future__ import annotations

import builtins
import math
import operator
from functools import reduce
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError
from baregrad.dtype import DType
from baregrad.ir import Op, Scalar, Symbolic, ops
from baregrad.tensor import check
from baregrad.tensor.base import TensorBase
from baregrad.tensor.ops import remainders

Other = TensorBase | Scalar | Symbolic


class Elementwise(TensorBase):
    """Operations that work element by element, with torch's broadcasting and promotion."""

    __slots__ = ()

    def _binary(self, op: Op, other: Other, *, flipped: bool = False, floats: bool = False) -> Self:
        other = check.number(other)
        if not isinstance(other, TensorBase | bool | int | float | Symbolic):
            return NotImplemented
        a, b = self.operands(op.name, other, floats=floats)
        if flipped:
            a, b = b, a
        _refuse(op, a.dtype)
        return a.apply(lambda x, y: x.alu(op, y), b)

    def _either(self, logical: Op, arithmetic: Op, other: Other) -> Self:
        """The logical op where both operands are bool, as in torch."""
        other = check.number(other)
        kind = other.dtype if isinstance(other, TensorBase) else type(other)
        both = self.dtype is dt.bool_ and kind in (dt.bool_, bool)
        return self._binary(logical if both else arithmetic, other)

    def _divided(self, dividend: Scalar) -> Self:
        return self._binary(ops.DIV, dividend, flipped=True, floats=True)

    def _raised(self, base: Scalar) -> Self:
        base = check.number(base)
        if not isinstance(base, bool | int | float):
            return NotImplemented
        exponent, number = self.operands("pow", base, floats=True)
        return (exponent * math.log2(base)).exp2() if base > 0 and base != 1 else number._power(exponent)

    def _unary(self, op: Op) -> Self:
        dtype = check.float_dtype(self.dtype, op.name)
        return self.apply(lambda x: x.cast(dtype).alu(op))

    # fmt: off
    def __add__(self, other: Other) -> Self: return self._either(ops.OR, ops.ADD, other)
    def __radd__(self, other: Scalar) -> Self: return self._binary(ops.ADD, other, flipped=True)
    def __sub__(self, other: Other) -> Self: return self._binary(ops.SUB, other)
    def __rsub__(self, other: Scalar) -> Self: return self._binary(ops.SUB, other, flipped=True)
    def __mul__(self, other: Other) -> Self: return self._either(ops.AND, ops.MUL, other)
    def __rmul__(self, other: Scalar) -> Self: return self._binary(ops.MUL, other, flipped=True)
    def __truediv__(self, other: Other) -> Self: return self._binary(ops.DIV, other, floats=True)
    def __rtruediv__(self, other: Scalar) -> Self: return self._divided(other)
    def __and__(self, other: Other) -> Self: return self._binary(ops.AND, other)
    def __or__(self, other: Other) -> Self: return self._binary(ops.OR, other)
    def __xor__(self, other: Other) -> Self: return self._binary(ops.XOR, other)
    def __lshift__(self, other: Other) -> Self: return self._binary(ops.SHL, other)
    def __rshift__(self, other: Other) -> Self: return self._binary(ops.SHR, other)
    def __lt__(self, other: Other) -> Self: return self._binary(ops.CMPLT, other)
    def __le__(self, other: Other) -> Self: return self._binary(ops.CMPLE, other)
    def __gt__(self, other: Other) -> Self: return self._binary(ops.CMPLT, other, flipped=True)
    def __ge__(self, other: Other) -> Self: return self._binary(ops.CMPLE, other, flipped=True)
    def __eq__(self, other: Other) -> Self: return self._binary(ops.CMPEQ, other)  # type: ignore[override]  # torch's
    def __ne__(self, other: Other) -> Self: return self._binary(ops.CMPNE, other)  # type: ignore[override]  # torch's
    def __hash__(self) -> int: return id(self)
    def __invert__(self) -> Self: return self._integral("~").apply(lambda x: ~x)
    def __pow__(self, other: Other) -> Self: return self.pow(other)
    def __rpow__(self, other: Scalar) -> Self: return self._raised(other)
    # fmt: on

    def __neg__(self) -> Self:
        """-self."""
        if self.dtype is dt.bool_:
            raise DTypeError(
                "- of a bool tensor", why="bool has no negative", mend="use ~, or cast to an integer"
            )
        return self.apply(lambda x: -x)

    def __floordiv__(self, other: Other) -> Self:
        """Division to minus infinity. Errors: ZeroDivisionError for the integer 0; a 0 inside an integer
        tensor gives 0.
        """
        return self._floored(ops.IDIV, other)

    def __mod__(self, other: Other) -> Self:
        """The remainder, with the sign of the divisor. Errors: ZeroDivisionError for the integer 0."""
        return self._floored(ops.MOD, other)

    def _floored(self, op: Op, other: Other) -> Self:
        a, b = self.operands(op.name, other)
        if a.dtype.is_float and remainders.of_power_of_2(other):
            quotient = a.div(b).floor()
            return quotient if op is ops.IDIV else a - quotient * b
        if a.dtype.is_float:
            exact: Self = remainders.floor_divide(a, b) if op is ops.IDIV else remainders.remainder(a, b)
            return exact
        if not isinstance(other, TensorBase) and other == 0:
            raise ZeroDivisionError(
                f"integer {op.name} of {self.shape} by 0: divide floats, or by another number"
            )
        return a._binary(op, b)

    def add(self, other: Other, *, alpha: Scalar = 1) -> Self:
        """self + alpha * other."""
        return self + (other if alpha == 1 else _scaled(other, alpha))

    def sub(self, other: Other, *, alpha: Scalar = 1) -> Self:
        """self - alpha * other."""
        return self - (other if alpha == 1 else _scaled(other, alpha))

    def mul(self, other: Other) -> Self:
        """self * other."""
        return self * other

    def div(self, other: Other) -> Self:
        """self / other, in floats."""
        return self / other

    def neg(self) -> Self:
        """-self."""
        return -self

    def _integral(self, what: str) -> Self:
        if self.dtype.is_float:
            raise DTypeError(
                f"{what} of {self.dtype}", why="it works on the bits of integers", mend="cast to an integer"
            )
        return self

    def cast(self, dtype: DType) -> Self:
        """The elements in another dtype. Errors: DTypeError for what is no dtype of bg.dtypes."""
        if dtype is self.dtype:
            return self
        check.dtype_in(dtype, "cast")
        return self.apply(lambda x: x.cast(dtype))

    def float(self) -> Self:
        """The elements as float32."""
        return self.cast(dt.float32)

    def int(self) -> Self:
        """The elements as int32."""
        return self.cast(dt.int32)

    def bool(self) -> Self:
        """Which elements are not 0."""
        return self.cast(dt.bool_)

    def bitcast(self, dtype: DType) -> Self:
        """The same bits as another dtype of the same size."""
        return self.apply(lambda x: x.bitcast(dtype))

    def maximum(self, other: Other) -> Self:
        """The greater of each pair; NaN if either is NaN."""
        return self._binary(ops.MAX, other)

    def minimum(self, other: Other) -> Self:
        """The smaller of each pair; NaN if either is NaN."""
        return self._binary(ops.MIN, other)

    def clamp(self, min: Other | None = None, max: Other | None = None) -> Self:
        """Limited to min..max, each a number or a tensor; max where min > max. The gradient is 1 at both."""
        low = self if min is None else self.where((self >= min) | (self != self), min)
        return low if max is None else low.where((low <= max) | (low != low), max)

    def where(self, condition: TensorBase, other: Other) -> Self:
        """self where the condition holds, other elsewhere; all three broadcast.

        Errors: DTypeError unless the condition is of bool; ShapeError.
        """
        if condition.dtype is not dt.bool_:
            raise DTypeError(
                f"where with a condition of {condition.dtype}", why="it chooses", mend="compare, or .bool()"
            )
        a, b = self.operands("where", other)
        shape = check.broadcast([condition.shape, a.shape], "where")
        a = a.fit(a.dtype, shape)
        b = b if not b.ndim else b.fit(a.dtype, shape)
        mask = condition.fit(dt.bool_, shape)
        return a.apply(lambda x, m, y: m.where(x, y), mask, b)

    def masked_fill(self, mask: TensorBase, value: Scalar) -> Self:
        """The value where the mask holds, self elsewhere. Errors: DTypeError unless the mask is of bool."""
        if mask.dtype is not dt.bool_:
            raise DTypeError(
                f"masked_fill by a mask of {mask.dtype}", why="it chooses", mend="compare, or .bool()"
            )
        return self._or_else(~mask, value)  # type: ignore[operator]  # a mask is of the public class

    def _or_else(self, condition: TensorBase, value: Scalar) -> Self:
        """where with a number that makes no integers of bool."""
        return self.where(condition, value != 0 if self.dtype is dt.bool_ else value)

    def pow(self, exponent: Other) -> Self:
        """self to the power of the exponent; whole and half exponents that are Python numbers by
        multiplication.

        x ** 0 and 1 ** y are 1, a negative number to a power that is not whole is NaN. Integers to powers
        that are tensors of integers stay integers; to negative ones they are 0, but for 1 and -1.
        """
        exponent = check.number(exponent)
        if isinstance(exponent, TensorBase) and exponent.dtype.is_int and self.dtype.is_int:
            return self._integer_power(exponent)
        if isinstance(exponent, TensorBase | Symbolic) or not math.isfinite(exponent):
            base, power = self.operands("pow", exponent, floats=True)
            return base._power(power)
        if exponent == 0.5:
            return self.sqrt()
        whole = exponent == builtins.int(exponent)
        if whole and abs(exponent) <= 64:
            result = self._whole_power(abs(builtins.int(exponent)))
            return result if exponent >= 0 else result.reciprocal()
        size = ((self.abs() if whole else self).log2() * exponent).exp2()
        return size.where(self >= 0, -size) if whole and exponent % 2 else size

    def _power(self, exponent: Self) -> Self:
        """x ** y as one op."""
        return self.apply(lambda x, y: x.alu(ops.POW, y), exponent)

    def _is(self, number: Scalar) -> Self:
        return self._binary(ops.CMPEQ, number)

    def _integer_power(self, exponent: TensorBase) -> Self:
        """x ** y of integers: the product of the squares of squares that the bits of y name."""
        square, power = self.operands("pow", exponent)
        base = square
        result = base.apply(lambda x: x.const_like(1).expand(x.shape))
        for bit in range(base.dtype.bits - base.dtype.is_signed):
            result = (result * square).where(((power >> bit) & 1).cast(dt.bool_), result)
            square = square * square
        if not base.dtype.is_signed:
            return result
        odd = (power & 1).cast(dt.bool_)
        inverse = (base * 0 + 1).where(base._is(1), base.where(odd, -base).where(base._is(-1), 0))
        return result.where(power >= 0, inverse)

    def _whole_power(self, n: builtins.int) -> Self:
        """The product of the squares of squares that n's bits name."""
        if n == 0:
            return self.apply(lambda x: x.const_like(1).expand(x.shape))
        squares = [self]
        for _ in range(n.bit_length() - 1):
            squares.append(squares[-1] * squares[-1])
        return reduce(operator.mul, (square for bit, square in enumerate(squares) if n >> bit & 1))

    # fmt: off
    def sqrt(self) -> Self: return self._unary(ops.SQRT)  # noqa: D102
    def reciprocal(self) -> Self: return self._unary(ops.RECIPROCAL)  # noqa: D102
    def rsqrt(self) -> Self: return self.sqrt().reciprocal()  # noqa: D102
    def exp(self) -> Self: return self._unary(ops.EXP)  # noqa: D102
    def exp2(self) -> Self: return self._unary(ops.EXP2)  # noqa: D102
    def log(self) -> Self: return self._unary(ops.LOG)  # noqa: D102
    def log2(self) -> Self: return self._unary(ops.LOG2)  # noqa: D102
    def tanh(self) -> Self: return self._unary(ops.TANH)  # noqa: D102
    def floor(self) -> Self: return self._unary(ops.FLOOR) if self.dtype.is_float else self  # noqa: D102
    def trunc(self) -> Self: return self._unary(ops.TRUNC) if self.dtype.is_float else self  # noqa: D102
    # fmt: on

    def square(self) -> Self:
        """self * self."""
        return self * self

    def abs(self) -> Self:
        """The distance from 0."""
        return self.where(self > 0, -self) if self.dtype.is_int else self.maximum(-self)

    def sign(self) -> Self:
        """-1, 0 or 1; NaN and bool stay."""
        if self.dtype is dt.bool_:
            return self
        zero = self.where(self != self, 0)
        return zero.where(~(self > 0), 1).where(~(self < 0), -1)

    # -- activations -------------------------------------------------------------------------------------

    @check.takes("int float")
    def relu(self) -> Self:
        """max(x, 0), with gradient 0 at 0; NaN stays."""
        return self.where(~(self <= 0), 0)

    @check.takes("float")
    def sigmoid(self) -> Self:
        """1 / (1 + exp(-x)), by exp(-|x|), which never overflows: its gradient would be NaN."""
        below = self < 0
        power = self.where(below, -self).exp()
        return power.where(below, 1) / (power + 1)

    @check.takes("float")
    def silu(self) -> Self:
        """x * sigmoid(x)."""
        return self * self.sigmoid()

    @check.takes("float")
    def gelu(self, approximate: str = "none") -> Self:
        """x * (1 + erf(x / sqrt(2))) / 2; approximate="tanh": x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 *
        x ** 3))) / 2.

        Source: Hendrycks, Gimpel 2016, section 2. Errors: DTypeError for another approximation.
        """
        if approximate == "none":
            return self * 0.5 * ((self * math.sqrt(0.5))._unary(ops.ERF) + 1)
        if approximate != "tanh":
            raise DTypeError(
                f"gelu with approximate={approximate!r}", why='it is "none" or "tanh"', mend="give one"
            )
        inner = (self + self * self * self * 0.044715) * math.sqrt(2 / math.pi)
        return self * 0.5 * (inner.tanh() + 1)

    @check.takes("float")
    def leaky_relu(self, negative_slope: builtins.float = 0.01) -> Self:
        """x, or a fraction of it below 0."""
        return self.where(self > 0, self * negative_slope)


def _scaled(value: Other, by: Scalar) -> Other:
    value = check.number(value)
    return value * by if isinstance(value, Elementwise | bool | int | float) else value


def _refuse(op: Op, dtype: DType) -> None:
    """Ops of bits on floats, and arithmetic on bool."""
    if op.dtype in ("bits", "int") and dtype.is_float:
        raise DTypeError(
            f"{op.name} of {dtype}", why="it works on the bits of integers", mend="cast to an integer"
        )
    if dtype is dt.bool_ and op.dtype in ("same", "int") and op not in (ops.MAX, ops.MIN, ops.MUL, ops.ADD):
        raise DTypeError(
            f"{op.name} of bool", why="bool has no arithmetic", mend="cast to int32, or use & | ^ ~"
        )
