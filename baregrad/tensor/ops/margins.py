"""Losses of pairs, of margins and of distributions, by torch's names and defaults; others are in loss.py."""

from __future__ import annotations

import math
from typing import Self

from baregrad.base.errors import DTypeError, ShapeError
from baregrad.tensor import check
from baregrad.tensor.ops.sampling import Sampling


class Margins(Sampling):
    """Losses that compare: with a margin, with each other, or with what a distribution expects."""

    __slots__ = ()

    # -- pairs -------------------------------------------------------------------------------------------

    @check.takes("float")
    def hinge_embedding_loss(self, target: Self, margin: float = 1.0, reduction: str = "mean") -> Self:
        """x where the target is 1, max(0, margin - x) where it is -1."""
        apart = (-self + margin).relu()
        zero = self.zeros_like()
        return (apart.where(target.ne(1), zero) + self.where(target.ne(-1), zero))._reduced(reduction)

    @check.takes("float")
    def margin_ranking_loss(
        self, other: Self, target: Self, margin: float = 0.0, reduction: str = "mean"
    ) -> Self:
        """max(0, -y * (x - other) + margin) with targets y of 1 (x is greater) and -1."""
        return (-target * (self - other) + margin)._at_least_0()._reduced(reduction)

    @check.takes("float")
    def cosine_embedding_loss(
        self, other: Self, target: Self, margin: float = 0.0, reduction: str = "mean"
    ) -> Self:
        """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1.

        Shapes: (n, d) or (d,), targets (n,) or () -> targets'.
        """
        near = (self * other).sum(-1)
        sizes = ((self * self).sum(-1) + TINY) * ((other * other).sum(-1) + TINY)
        cosine = near / sizes.sqrt()
        loss = (-cosine + 1).where(target.eq(1), (cosine - margin)._at_least_0().where(target.eq(-1), 0))
        return loss._reduced(reduction)

    def triplet_margin_loss(
        self,
        positive: Self,
        negative: Self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> Self:
        """max(0, |x - positive| - |x - negative| + margin), distances being norms along the last axis.

        swap takes the distance of positive and negative where it is less. Source: Balntas and others 2016.
        """
        near, far = self.pairwise_distance(positive, p, eps), self.pairwise_distance(negative, p, eps)
        if swap:
            far = far.minimum(positive.pairwise_distance(negative, p, eps))
        return (near - far + margin)._at_least_0()._reduced(reduction)

    # -- distributions -----------------------------------------------------------------------------------

    @check.takes("float")
    def gaussian_nll_loss(
        self, target: Self, var: Self | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
    ) -> Self:
        """(log(v) + (x - y) ** 2 / v) / 2 for means x and variances v, at least eps; full adds log(2 pi) / 2.

        Shapes: variances as x, without the last axis, or with 1 there.
        """
        spread = var if isinstance(var, Margins) else self.full_like(var)
        if spread.shape != self.shape and spread.shape == self.shape[:-1]:
            spread = spread.unsqueeze(-1)
        safe = spread + (spread.clamp(min=eps) - spread).detach()  # the gradient passes the limit, as torch's
        loss = (safe.log() + (self - target).square() / safe) * 0.5
        return (loss + 0.5 * math.log(2 * math.pi) if full else loss)._reduced(reduction)

    @check.takes("float")
    def poisson_nll_loss(
        self,
        target: Self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> Self:
        """exp(x) - y * x, or x - y * log(x + eps) without log_input; full adds Stirling's log(y!) above 1."""
        loss = self.exp() - target * self if log_input else self - target * (self + eps).log()
        if full:
            some = target > 1
            safe = target.where(some, 1)
            term = safe * safe.log() - safe + (safe * (2 * math.pi)).log() * 0.5
            loss = loss + term.where(some, 0)
        return loss._reduced(reduction)

    # -- classes -----------------------------------------------------------------------------------------

    def soft_margin_loss(self, target: Self, reduction: str = "mean") -> Self:
        """log(1 + exp(-y * x)) with targets y of 1 and -1."""
        return (-target * self).softplus(1.0, math.inf)._reduced(reduction)

    @check.takes("float")
    def multi_margin_loss(
        self,
        target: Self,
        p: int = 1,
        margin: float = 1.0,
        weight: Self | None = None,
        reduction: str = "mean",
    ) -> Self:
        """sum over the other classes of max(0, margin - x[y] + x) ** p / classes, times weight[y].

        Shapes: (n, classes) or (classes,), targets (n,) or () -> targets'. Errors: ShapeError otherwise.
        """
        if self.ndim not in (1, 2) or target.shape != self.shape[:-1] or p not in (1, 2):
            raise ShapeError(
                f"multi_margin_loss of {self.shape} with targets {target.shape}, p={p}",
                why="inputs are (n, classes), targets (n,), p is 1 or 2",
                mend="reshape them",
            )
        own = self.gather(-1, target.unsqueeze(-1))
        each: Self = (self - own + margin)._at_least_0()
        each = each * each if p == 2 else each
        if weight is not None:
            each = each * weight.gather(0, target.reshape(-1)).reshape(*target.shape, 1)
        others: Self = target.one_hot(self.shape[-1]).eq(0)
        each = each.where(others, 0).sum(-1) * (1 / self.shape[-1])
        return each._reduced(reduction)

    def multilabel_soft_margin_loss(
        self, target: Self, weight: Self | None = None, reduction: str = "mean"
    ) -> Self:
        """The mean over classes of -(y * log(sigmoid(x)) + (1 - y) * log(sigmoid(-x)))."""
        loss = -(target * self.logsigmoid() + (-target + 1) * (-self).logsigmoid())
        return (loss if weight is None else loss * weight).mean(-1)._reduced(reduction)

    # -- probabilities -----------------------------------------------------------------------------------

    def gumbel_softmax(self, tau: float = 1.0, hard: bool = False, axis: int = -1) -> Self:
        """softmax((x + g) / tau) with Gumbel's noise g; hard gives 1 at the greatest, with the soft gradient.

        Source: Jang, Gu, Poole 2017, eq. 2. Errors: DTypeError for integers.
        """
        if not self.dtype.is_float:
            raise DTypeError(f"gumbel_softmax of {self.dtype}", why="it is of floats", mend="cast it")
        uniform = self.rand_like().cast(self.dtype)
        noise = -(-(-uniform).log1p()).maximum(TINIEST).log()
        soft = ((self + noise) * (1 / tau)).softmax(axis)
        if not hard:
            return soft
        places = self._places(self.shape[axis], axis % self.ndim, self.ndim)
        chosen = places.eq(soft.detach().argmax(axis, keepdim=True)).cast(self.dtype)
        return chosen + (soft - soft.detach())

    def _at_least_0(self) -> Self:
        """max(0, x), with gradient 1 at 0, as torch's clamp_min."""
        return self.clamp(min=0)


TINY = 1e-12  # added to squared norms, as torch does
TINIEST = 1e-30  # less than any exponential number that is drawn, but 0
