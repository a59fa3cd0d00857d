"""Reductions over axes, and what is made of them: means, variances, softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.ir import Size, Symbolic, UOp, ops, toposort
from baregrad.tensor import check
from baregrad.tensor.ops.movement import Movement

STORED = frozenset((ops.BUFFER, ops.CONTIGUOUS, ops.ASSIGN, ops.COPY))
Axes = int | Sequence[int] | None


class Reduce(Movement):
    """Sums, products, extremes. axis None is all axes; keepdim leaves reduced axes with size 1."""

    __slots__ = ()

    def _reduce(self, name: str, axis: Axes, keepdim: bool) -> Self:
        axes = check.axes_in(axis, self.ndim, {"add": "sum", "mul": "prod"}.get(name, name))
        if name in ("max", "min") and any(self.shape[a] == 0 for a in axes):
            raise ShapeError(
                f"{name} of {self.shape} over axes {axes}",
                why="an empty axis has no extreme",
                mend="reduce another axis, or check the size first",
            )
        kept = tuple(size for a, size in enumerate(self.shape) if a not in axes)

        def build(x: UOp) -> UOp:
            y = x.reduce(name, axes)
            return y if keepdim else y.reshape(kept)

        source = self._laid_down() if name in ("max", "min") and self.requires_grad else self
        return source.apply(build)

    def _laid_down(self) -> Self:
        """Itself, stored once if sums of floats go into it.

        Two kernels may group and so round a sum differently, but an extreme is looked for by x == max(x).
        """
        nodes = toposort((self.value.node,), lambda node: node.op not in STORED)
        sums = (node for node in nodes if node.op is ops.REDUCE and node.dtype.is_float)
        return self.contiguous() if any(node.arg[0] in ("add", "mul") for node in sums) else self

    def sum(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The sum; bool and narrow integers are summed as int64, as in torch."""
        whole = not self.dtype.is_float and self.dtype is not dt.uint64
        return (self.cast(dt.int64) if whole else self)._reduce("add", axis, keepdim)

    def prod(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The product; bool and narrow integers are multiplied as int64, as in torch."""
        whole = not self.dtype.is_float and self.dtype is not dt.uint64
        if self.requires_grad:
            return self._multiplied(axis, keepdim)
        return (self.cast(dt.int64) if whole else self)._reduce("mul", axis, keepdim)

    def _multiplied(self, axis: Axes, keepdim: bool) -> Self:
        """The product by halves: its gradient divides by no element, so that it is right where one is 0."""
        axes = check.axes_in(axis, self.ndim, "prod")
        kept = [a for a in range(self.ndim) if a not in axes]
        shape = [self.shape[a] for a in kept]
        x = (
            self.permute([*kept, *axes]).reshape([*shape, self._count(axis)])
            if self.ndim
            else self.reshape(1)
        )
        while (size := x.shape[-1]) > 1:
            half = (size + 1) // 2
            lead = [(0, n) for n in shape]
            more = x.shrink([*lead, (half, size)]).pad([(0, 0)] * len(shape) + [(0, 2 * half - size)], 1)
            x = x.shrink([*lead, (0, half)])._binary(ops.MUL, more)
        if not x.shape[-1]:
            x = x.pad([(0, 0)] * len(shape) + [(0, 1)], 1)
        wide = tuple(1 if a in axes else size for a, size in enumerate(self.shape))
        return x.reshape(wide if keepdim else tuple(shape))

    def max(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The greatest; NaN if there is one. Errors: ShapeError over an empty axis."""
        return self._reduce("max", axis, keepdim)

    def min(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The least; NaN if there is one. Errors: ShapeError over an empty axis."""
        return self._reduce("min", axis, keepdim)

    def all(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """Whether all are true; of nothing they are."""
        return self._whether("min", axis, keepdim)

    def any(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """Whether one is true; of nothing none is."""
        return self._whether("max", axis, keepdim)

    def _whether(self, extreme: str, axis: Axes, keepdim: bool) -> Self:
        """The extreme of 0 and 1; over an empty axis, which has none, the sum or product."""
        axes = check.axes_in(axis, self.ndim, extreme)
        name = extreme if all(self.shape[a] for a in axes) else {"min": "mul", "max": "add"}[extreme]
        return self.bool().cast(dt.int32)._reduce(name, axes, keepdim).bool()

    def _count(self, axis: Axes) -> Size:
        count: Size = 1
        for a in check.axes_in(axis, self.ndim, "mean"):
            count *= self.shape[a]
        return count

    def _shared_by(self, count: Size) -> Self:
        """Divided by a number of elements; NaN if there are none."""
        if isinstance(count, Symbolic):
            return self / count
        return self * (1.0 / count if count else float("nan"))

    def mean(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The sum divided by the number of elements, in floats."""
        x = self.cast(check.float_dtype(self.dtype, "mean"))
        return x.sum(axis, keepdim)._shared_by(self._count(axis))

    def var(self, axis: Axes = None, keepdim: bool = False, correction: int = 1) -> Self:
        """The mean square distance from the mean, with divisor n - correction."""
        x = self.cast(check.float_dtype(self.dtype, "var"))
        apart = x - x.mean(axis, keepdim=True)
        return (apart * apart).sum(axis, keepdim)._shared_by(self._count(axis) - correction)

    def std(self, axis: Axes = None, keepdim: bool = False, correction: int = 1) -> Self:
        """The square root of var."""
        return self.var(axis, keepdim, correction).sqrt()

    def argmax(self, axis: int | None = None, keepdim: bool = False) -> Self:
        """The first place of the greatest element, as int64; of the flattened tensor when axis is None."""
        return self._place_of("max", axis, keepdim)

    def argmin(self, axis: int | None = None, keepdim: bool = False) -> Self:
        """The first place of the least element, as int64; of the flattened tensor when axis is None."""
        return self._place_of("min", axis, keepdim)

    def _place_of(self, extreme: str, axis: int | None, keepdim: bool) -> Self:
        if axis is None:
            flat = self.flatten()._place_of(extreme, 0, False)
            return flat.reshape((1,) * self.ndim) if keepdim else flat
        axis = check.axis_in(axis, self.ndim, f"arg{extreme}")
        if not self.ndim:
            return self.apply(lambda x: x.const_like(0).cast(dt.int64))
        size = self.shape[axis]
        x = self._laid_down()
        best = x._reduce(extreme, axis, True)
        hit = (x == best) | (x != x)  # NaN comes first, as greatest and as least
        places = (1,) * axis + (size,) + (1,) * (self.ndim - axis - 1)
        order = self.constant(UOp(ops.IOTA, dt.int64, (), size).reshape(places), self.device).expand(
            self.shape
        )
        return order.where(hit, size)._reduce("min", axis, keepdim)

    def softmax(self, axis: int = -1) -> Self:
        """exp(x) / sum(exp(x)) along an axis, with the greatest element taken off first."""
        x = self.cast(check.float_dtype(self.dtype, "softmax"))
        powers = (x - x.max(axis, keepdim=True).detach()).exp()
        return powers / powers.sum(axis, keepdim=True)

    def log_softmax(self, axis: int = -1) -> Self:
        """log(softmax(x)) along an axis, without forming the softmax."""
        x = self.cast(check.float_dtype(self.dtype, "log_softmax"))
        apart = x - x.max(axis, keepdim=True).detach()
        return apart - apart.exp().sum(axis, keepdim=True).log()

    def logsumexp(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """log(sum(exp(x))); infinite where the greatest element is."""
        x = self.cast(check.float_dtype(self.dtype, "logsumexp"))
        top = x.max(axis, keepdim=True).detach()
        top = top.where(top.abs() < float("inf"), 0)  # inf - inf would be NaN
        total = (x - top).exp().sum(axis, keepdim=True).log() + top
        if keepdim:
            return total
        axes = check.axes_in(axis, self.ndim, "logsumexp")
        return total.reshape(tuple(size for a, size in enumerate(self.shape) if a not in axes))

    @check.takes("float")
    def layer_norm(self, axes: int = 1, eps: float = 1e-5) -> Self:
        """The last `axes` axes shifted and scaled to mean 0 and variance 1.

        y = (x - mean) / sqrt(var + eps), var with divisor n. Source: Ba, Kiros, Hinton 2016, eq. 4.
        Errors: ShapeError unless 1 <= axes <= ndim.
        """
        if not 1 <= axes <= self.ndim:
            raise ShapeError(
                f"layer_norm over {axes} axes of {self.shape}",
                why="between 1 and ndim axes",
                mend="give such a number",
            )
        last = tuple(range(self.ndim - axes, self.ndim))
        apart = self - self.mean(last, keepdim=True)
        return apart * ((apart * apart).mean(last, keepdim=True) + eps).rsqrt()
