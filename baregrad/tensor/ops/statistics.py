"""Reductions made of others, and running sums: norms, counts, moments, cumsum, cumprod.

A running sum is the sum of a window that ends at each element, which costs n * n: long axes are cut into
blocks, and the running sum of the blocks' totals is added, which costs about n ** 1.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.tensor import check
from baregrad.tensor.ops.layout import Layout
from baregrad.tensor.ops.reduce import Axes

BLOCK = 32  # longest axis that is summed by windows over all of it


class Statistics(Layout):
    """norm, moments, extremes over several axes, running sums."""

    __slots__ = ()

    def amax(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The greatest, by torch's name for several axes."""
        return self.max(axis, keepdim)

    def amin(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The least, by torch's name for several axes."""
        return self.min(axis, keepdim)

    def aminmax(self, axis: Axes = None, keepdim: bool = False) -> tuple[Self, Self]:
        """The least and the greatest."""
        return self.min(axis, keepdim), self.max(axis, keepdim)

    def var_mean(self, axis: Axes = None, keepdim: bool = False, correction: int = 1) -> tuple[Self, Self]:
        """var and mean."""
        return self.var(axis, keepdim, correction), self.mean(axis, keepdim)

    def std_mean(self, axis: Axes = None, keepdim: bool = False, correction: int = 1) -> tuple[Self, Self]:
        """std and mean."""
        return self.std(axis, keepdim, correction), self.mean(axis, keepdim)

    def count_nonzero(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """How many elements are not 0, as int64."""
        return self.bool().sum(axis, keepdim)

    def nansum(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The sum, NaN counting as 0."""
        return self.where(~self.isnan(), 0).sum(axis, keepdim)

    @check.takes("float")
    def nanmean(self, axis: Axes = None, keepdim: bool = False) -> Self:
        """The mean of the elements that are not NaN."""
        return self.nansum(axis, keepdim) / (~self.isnan()).sum(axis, keepdim)

    def norm(self, p: float = 2.0, axis: Axes = None, keepdim: bool = False) -> Self:
        """sum(|x| ** p) ** (1 / p); p 0 counts what is not 0, an infinite p gives the extreme of |x|.

        Where the 2-norm is 0 its gradient is 0. Errors: DTypeError for what has no floats.
        """
        x = self.cast(check.float_dtype(self.dtype, "norm"))
        if math.isinf(p):
            return x.abs().max(axis, keepdim) if p > 0 else x.abs().min(axis, keepdim)
        if p == 0:
            return x.ne(0).cast(x.dtype).sum(axis, keepdim)
        if p == 1:
            return x.abs().sum(axis, keepdim)
        total = (x * x if p == 2 else x.abs().pow(p)).sum(axis, keepdim)
        nothing = total.eq(0)
        root = total.where(~nothing, 1)
        return (root.sqrt() if p == 2 else root.pow(1 / p)).where(~nothing, 0)

    def vector_norm(self, ord: float = 2.0, axis: Axes = None, keepdim: bool = False) -> Self:
        """norm, by the name in torch.linalg."""
        return self.norm(ord, axis, keepdim)

    @check.takes("float")
    def normalize(self, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Self:
        """x / max(norm(x, p), eps) along an axis."""
        return self / self.norm(p, axis, keepdim=True).clamp_min(eps)

    @check.takes("float")
    def cosine_similarity(self, other: Self, axis: int = 1, eps: float = 1e-8) -> Self:
        """sum(x * y) / (max(norm(x), eps) * max(norm(y), eps)) along an axis. Shapes: broadcast first."""
        a, b = self.operands("cosine_similarity", other, floats=True)
        return (a.normalize(2.0, axis, eps) * b.normalize(2.0, axis, eps)).sum(axis)

    @check.takes("float")
    def pairwise_distance(
        self, other: Self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
    ) -> Self:
        """norm(x - y + eps, p) along the last axis."""
        return (self - other + eps).norm(p, -1, keepdim)

    # -- running -----------------------------------------------------------------------------------------

    def cumsum(self, axis: int) -> Self:
        """The sum of each element and all before it along an axis; integers as int64, as in torch.

        Cost: about n ** 1.5 additions for an axis of n.
        """
        whole = not self.dtype.is_float and self.dtype is not dt.uint64
        return (self.cast(dt.int64) if whole else self)._running("cumsum", "add", axis, 0)

    def cumprod(self, axis: int) -> Self:
        """The product of each element and all before it along an axis; integers as int64, as in torch.

        Cost: as cumsum; log2(n) products of the whole where a gradient is wanted, which is right at zeros.
        """
        whole = not self.dtype.is_float and self.dtype is not dt.uint64
        if self.requires_grad:
            return self._doubled("cumprod", axis, 1, lambda x, before: x * before)
        return (self.cast(dt.int64) if whole else self)._running("cumprod", "mul", axis, 1)

    def cummax_values(self, axis: int) -> Self:
        """The greatest of each element and all before it along an axis (torch's cummax without places)."""
        return self._running("cummax", "max", axis, self.dtype.min)

    def cummin_values(self, axis: int) -> Self:
        """The least of each element and all before it along an axis (torch's cummin without places)."""
        return self._running("cummin", "min", axis, self.dtype.max)

    @check.takes("float")
    def logcumsumexp(self, axis: int) -> Self:
        """log(cumsum(exp(x))), each sum with its own greatest element taken off. Cost: log2(n) sums."""
        x = self.cast(check.float_dtype(self.dtype, "logcumsumexp"))
        return x._doubled("logcumsumexp", axis, x.dtype.min, lambda one, before: one._log_sum(before))

    def _log_sum(self, other: Self) -> Self:
        """log(exp(x) + exp(y)), whose gradient has no NaN where both are -inf."""
        top = self.detach().maximum(other.detach())
        safe = top.where(top.abs() < math.inf, 0)
        total = (self - safe).exp() + (other - safe).exp()
        nothing = total.eq(0)
        return (total.where(~nothing, 1).log() + safe).where(~nothing, -math.inf)

    def _doubled(self, what: str, axis: int, neutral: float, join: Callable[[Self, Self], Self]) -> Self:
        """A running join by distances 1, 2, 4, … Source: Hillis, Steele 1986."""
        axis = check.axis_in(axis, self.ndim, what)
        if not self.numel() or not self.ndim:
            return self
        x, distance = self.movedim(axis, -1), 1
        size = x.shape[-1]
        while distance < size:
            room = [(0, 0)] * (self.ndim - 1) + [(distance, 0)]
            before = x.narrow(-1, 0, size - distance).pad(room, neutral)
            x, distance = join(x, before).contiguous(), distance * 2
        return x.movedim(-1, axis)

    @check.takes("bool int float")
    def cummax(self, axis: int) -> tuple[Self, Self]:
        """The greatest of each element and all before it along an axis, and its last place there."""
        return self._placed("max", axis)

    @check.takes("bool int float")
    def cummin(self, axis: int) -> tuple[Self, Self]:
        """The least of each element and all before it along an axis, and its last place there."""
        return self._placed("min", axis)

    def _placed(self, name: str, axis: int) -> tuple[Self, Self]:
        axis = check.axis_in(axis, self.ndim, f"cum{name}")
        x = self.detach()
        if not self.ndim or not self.numel():
            return self, x.full_like(0).cast(dt.int64)
        values = x.cummax_values(axis) if name == "max" else x.cummin_values(axis)
        hit = x.eq(values) | x.ne(x)
        order = self._places(self.shape[axis], axis, self.ndim).expand(self.shape)
        places = order.where(hit, 0).cummax_values(axis).contiguous()
        return self._gathered(places, axis), places

    def _running(self, what: str, name: str, axis: int, neutral: float) -> Self:
        axis = check.axis_in(axis, self.ndim, what)
        if not self.numel() or not self.ndim:
            return self
        last = self.movedim(axis, -1)
        return last._running_last(name, neutral).movedim(-1, axis)

    def _running_last(self, name: str, neutral: float) -> Self:
        *lead, size = self.shape
        if size <= BLOCK:
            return self._windowed(name, neutral)
        block = max(BLOCK, math.isqrt(size))
        count = -(-size // block)
        room = [(0, 0)] * len(lead) + [(0, count * block - size)]
        inside = self.pad(room, neutral).reshape(*lead, count, block)._running_last(name, neutral)
        totals = inside.narrow(-1, block - 1, 1).reshape(*lead, count).contiguous()
        so_far = totals._running_last(name, neutral).narrow(-1, 0, count - 1)
        before = so_far.pad([(0, 0)] * len(lead) + [(1, 0)], neutral).unsqueeze(-1)
        joined = inside._combined(name, before)
        return joined.reshape(*lead, count * block).narrow(-1, 0, size)

    def _windowed(self, name: str, neutral: float) -> Self:
        """The reduction of the window that ends at each element of the last axis."""
        size = self.shape[-1]
        before = [(0, 0)] * (self.ndim - 1) + [(size - 1, 0)]
        return self.pad(before, neutral).unfold(-1, size, 1)._reduce(name, -1, False)

    def _combined(self, name: str, other: Self) -> Self:
        if name in ("add", "mul"):
            return self + other if name == "add" else self * other
        return self.maximum(other) if name == "max" else self.minimum(other)

    def diff(self, n: int = 1, axis: int = -1) -> Self:
        """Each element less the one before it along an axis, n times. Errors: ShapeError for n < 0."""
        if n < 0:
            raise ShapeError(f"diff {n} times", why="it is done at least 0 times", mend="give another n")
        axis = check.axis_in(axis, self.ndim, "diff")
        x = self
        for _ in range(n):
            size = x.shape[axis]
            if not size:
                return x
            x = x.narrow(axis, 1, size - 1) - x.narrow(axis, 0, size - 1)
        return x
