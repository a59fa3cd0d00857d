"""Activations, by torch's names and defaults; relu, sigmoid, silu and leaky_relu are in elementwise.py.

Where a formula has two branches, the argument of the branch that is not taken is replaced by 0 first: its
infinite derivative times 0 would make the gradient NaN.
"""

from __future__ import annotations

from typing import Self

from baregrad.base.errors import ShapeError
from baregrad.tensor import check
from baregrad.tensor.ops.functions import Functions

SELU_ALPHA = 1.6732632423543772848170429916717  # Klambauer and others 2017, section 2
SELU_SCALE = 1.0507009873554804934193349852946


class Activation(Functions):
    """Functions that stand between layers."""

    __slots__ = ()

    def _below(self) -> Self:
        """x where it is not above 0, else 0."""
        return self.where(~(self > 0), 0)

    @check.takes("float")
    def elu(self, alpha: float = 1.0) -> Self:
        """x above 0, else alpha * (exp(x) - 1). Source: Clevert, Unterthiner, Hochreiter 2016, eq. 15."""
        return self.where(self > 0, self._below().expm1() * alpha)

    @check.takes("float")
    def selu(self) -> Self:
        """scale * elu(x, alpha), with the two numbers that keep mean 0 and variance 1."""
        return self.elu(SELU_ALPHA) * SELU_SCALE

    @check.takes("float")
    def celu(self, alpha: float = 1.0) -> Self:
        """x above 0, else alpha * (exp(x / alpha) - 1). Source: Barron 2017, eq. 2."""
        return self.where(self > 0, (self._below() * (1 / alpha)).expm1() * alpha)

    @check.takes("float")
    def softplus(self, beta: float = 1.0, threshold: float = 20.0) -> Self:
        """log(1 + exp(beta * x)) / beta; x itself where beta * x > threshold."""
        scaled = self * beta
        smooth = (scaled.maximum(0) + (-scaled.abs()).exp().log1p()) * (1 / beta)
        return self.where(scaled > threshold, smooth)

    @check.takes("float")
    def logsigmoid(self) -> Self:
        """log(sigmoid(x)) = min(x, 0) - log(1 + exp(-|x|))."""
        return self.minimum(0) - (-self.abs()).exp().log1p()

    @check.takes("float")
    def softsign(self) -> Self:
        """x / (1 + |x|)."""
        return self / (self.abs() + 1)

    @check.takes("float")
    def mish(self) -> Self:
        """x * tanh(softplus(x)). Source: Misra 2019."""
        return self * self.softplus().tanh()

    @check.takes("float")
    def hardtanh(self, min_val: float = -1.0, max_val: float = 1.0) -> Self:
        """x limited to min_val..max_val, with gradient 0 at both."""
        return self.where(~(self <= min_val), min_val).where(~(self >= max_val), max_val)

    @check.takes("float")
    def relu6(self) -> Self:
        """min(max(x, 0), 6)."""
        return self.hardtanh(0.0, 6.0)

    @check.takes("float")
    def hardsigmoid(self) -> Self:
        """min(max(x + 3, 0), 6) / 6."""
        return (self + 3).relu6() * (1 / 6)

    @check.takes("float")
    def hardswish(self) -> Self:
        """x * hardsigmoid(x). Source: Howard and others 2019, section 5.2."""
        return self * self.hardsigmoid()

    @check.takes("float")
    def tanhshrink(self) -> Self:
        """x - tanh(x)."""
        return self - self.tanh()

    @check.takes("float")
    def softshrink(self, lambd: float = 0.5) -> Self:
        """x moved by lambd towards 0; 0 within lambd of it."""
        return (self - lambd).where(self > lambd, (self + lambd).where(self < -lambd, self * 0))

    @check.takes("float")
    def hardshrink(self, lambd: float = 0.5) -> Self:
        """x, 0 within lambd of 0."""
        return self.where(~(self.abs() <= lambd), 0)

    @check.takes("float")
    def threshold(self, threshold: float, value: float) -> Self:
        """x above the threshold, else the value."""
        return self.where(~(self <= threshold), value)

    @check.takes("float")
    def glu(self, axis: int = -1) -> Self:
        """a * sigmoid(b), a and b being the halves of an axis. Source: Dauphin and others 2017, eq. 1.

        Shapes: (…, 2n, …) -> (…, n, …). Errors: ShapeError for an odd size.
        """
        axis = check.axis_in(axis, self.ndim, "glu")
        size = self.shape[axis] if self.ndim else 1
        if size % 2:
            raise ShapeError(
                f"glu of {self.shape} along axis {axis}", why="its size is odd", mend="give it an even size"
            )
        lead = (slice(None),) * axis
        return self[(*lead, slice(size // 2))] * self[(*lead, slice(size // 2, None))].sigmoid()

    @check.takes("float")
    def prelu(self, weight: Self) -> Self:
        """x above 0, else weight * x, with one weight, or one for each element of axis 1.

        Shapes: (n, channels, …), (channels,) or (1,) -> (n, channels, …). Errors: ShapeError otherwise.
        """
        count = weight.numel()
        if weight.ndim > 1 or (count != 1 and (self.ndim < 2 or count != self.shape[1])):
            raise ShapeError(
                f"prelu of {self.shape} with weights {weight.shape}",
                why="there is one weight, or one a channel (axis 1)",
                mend="give a weight of shape (1,) or (channels,)",
            )
        shape = (1,) * self.ndim if count == 1 else (1, count) + (1,) * (self.ndim - 2)
        slope = weight.reshape(shape)
        return self.where(self > 0, self * slope)

    @check.takes("float")
    def softmin(self, axis: int = -1) -> Self:
        """softmax(-x)."""
        return (-self).softmax(axis)
