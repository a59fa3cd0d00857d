"""Losses, by torch's names and defaults: x.loss(target), reduced to a mean, a sum, or not at all.

A target is gathered: one outside of the classes raises at the next read-back under `config.check_bounds`, and
counts as the nearest class without it, as in gathering.py.
"""

from __future__ import annotations

import math
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.ir import const, ops
from baregrad.tensor import check
from baregrad.tensor.ops.gathering import constant_of
from baregrad.tensor.ops.random import Random


class Loss(Random):
    """Losses of regression and of classification."""

    __slots__ = ()

    def _reduced(self, reduction: str) -> Self:
        """The mean, the sum, or itself."""
        if reduction == "mean":
            return self.mean()
        if reduction == "sum":
            return self.sum()
        if reduction != "none":
            _unknown(reduction)
        return self

    # -- regression --------------------------------------------------------------------------------------

    @check.takes("float")
    def mse_loss(self, target: Self, reduction: str = "mean") -> Self:
        """(x - y) ** 2. Shapes: broadcast. Errors: ShapeError for an unknown reduction, as all losses."""
        return (self - target).square()._reduced(reduction)

    @check.takes("float")
    def l1_loss(self, target: Self, reduction: str = "mean") -> Self:
        """|x - y|. Shapes: broadcast."""
        return (self - target).abs()._reduced(reduction)

    @check.takes("float")
    def huber_loss(self, target: Self, reduction: str = "mean", delta: float = 1.0) -> Self:
        """d * d / 2 with d = |x - y| below delta, else delta * (d - delta / 2). Errors: ShapeError for
        delta <= 0.
        """
        if delta <= 0:
            raise ShapeError(f"huber_loss with delta {delta}", why="delta is above 0", mend="give another")
        apart = (self - target).abs()
        small = apart < delta
        return (apart * apart * 0.5).where(small, (apart - delta / 2) * delta)._reduced(reduction)

    @check.takes("float")
    def smooth_l1_loss(self, target: Self, reduction: str = "mean", beta: float = 1.0) -> Self:
        """huber_loss divided by beta; l1_loss for beta 0. Source: Girshick 2015, eq. 3."""
        if not beta:
            return self.l1_loss(target, reduction)
        return self.huber_loss(target, reduction, beta) * (1 / beta)

    # -- probabilities -----------------------------------------------------------------------------------

    @check.takes("float")
    def binary_cross_entropy(self, target: Self, weight: Self | None = None, reduction: str = "mean") -> Self:
        """-w * (y * log(x) + (1 - y) * log(1 - x)) for probabilities x, each logarithm at least -100."""
        self._same_shape(target, "binary_cross_entropy")
        yes, no = self.log().maximum(-100), (-self + 1).log().maximum(-100)
        loss = -(target * yes + (-target + 1) * no)
        return (loss if weight is None else loss * weight)._reduced(reduction)

    @check.takes("float")
    def binary_cross_entropy_with_logits(
        self,
        target: Self,
        weight: Self | None = None,
        pos_weight: Self | None = None,
        reduction: str = "mean",
    ) -> Self:
        """binary_cross_entropy of sigmoid(x), stable: (1 - y) * x + (1 + (p - 1) * y) * softplus(-x)."""
        self._same_shape(target, "binary_cross_entropy_with_logits")
        smooth = (-self).maximum(0) + ((-self.abs()).exp() + 1).log()
        part = smooth if pos_weight is None else smooth * ((pos_weight - 1) * target + 1)
        loss = (-target + 1) * self + part
        return (loss if weight is None else loss * weight)._reduced(reduction)

    @check.takes("float")
    def kl_div(self, target: Self, reduction: str = "mean", log_target: bool = False) -> Self:
        """y * (log(y) - x) for log-probabilities x; "batchmean" divides the sum by the first axis.

        log_target: y is given as its logarithm. 0 where y is 0.
        """
        if log_target:
            loss = target.exp() * (target - self)
        else:
            some = target > 0
            loss = (target * (target.where(some, 1).log() - self)).where(some, 0)
        if reduction == "batchmean":
            return loss.sum()._shared_by(max(self.shape[0] if self.ndim else 1, 1))
        return loss._reduced(reduction)

    # -- classes -----------------------------------------------------------------------------------------

    @check.takes("float")
    def nll_loss(
        self,
        target: Self,
        weight: Self | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> Self:
        """-w[y] * x[y] for log-probabilities x of each class; the mean is weighted by w[y].

        Elements with target ignore_index count nothing.
        Shapes: (n, classes, …) or (classes,), integers (n, …) or (), weights (classes,) -> () or target's.
        Errors: ShapeError unless the shapes fit; DTypeError unless the targets are integers.
        """
        return self._classified(target, weight, ignore_index, reduction, 0.0)

    @check.takes("float")
    def cross_entropy(
        self,
        target: Self,
        weight: Self | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> Self:
        """nll_loss of log_softmax; with label_smoothing e, (1 - e) of it and e of the mean over classes.

        Targets of floats are probabilities of each class, in the logits' shape.
        Shapes: (n, classes, …) or (classes,) of logits; integers (n, …) or () -> () or target's.
        Errors: ShapeError unless the shapes fit or for label_smoothing outside of 0..1.
        Source: Szegedy and others 2016, section 7.
        """
        if not 0 <= label_smoothing <= 1:
            raise ShapeError(
                f"cross_entropy with label_smoothing {label_smoothing}",
                why="it is a part of the probability",
                mend="give a number in [0, 1]",
            )
        classes = _class_axis(self)
        logs = self.log_softmax(classes)
        if not target.dtype.is_float:
            return logs._classified(target, weight, ignore_index, reduction, label_smoothing)
        self._same_shape(target, "cross_entropy")
        count = self.shape[classes]
        smooth = target * (1 - label_smoothing) + label_smoothing / count if label_smoothing else target
        each = -(logs._weighted(weight) * smooth).sum(classes)
        rows = max(math.prod(self.shape) // max(count, 1), 1)
        return each.sum()._shared_by(rows) if reduction == "mean" else each._reduced(reduction)

    def _classified(
        self, target: Self, weight: Self | None, ignore_index: int, reduction: str, smoothing: float
    ) -> Self:
        classes = _class_axis(self)
        if self.shape[:classes] + self.shape[classes + 1 :] != target.shape or not self.ndim:
            raise ShapeError(
                f"nll_loss of {self.shape} with targets {target.shape}",
                why="log-probabilities are (n, classes, …) and targets (n, …)",
                mend="reshape them",
            )
        if not target.dtype.is_int:
            raise DTypeError(
                f"nll_loss with targets of {target.dtype}", why="they name classes", mend="cast them"
            )
        valid = target._differs(ignore_index)
        every = constant_of(target.value.uop)
        named = target if every is not None and every != ignore_index else target.where(valid, 0)
        named._named(self.shape[classes], classes, "nll_loss")
        each = -self._gathered(named.unsqueeze(classes), classes).squeeze(classes)
        mine = valid.cast(self.dtype)
        if weight is not None:
            self._weighted(weight)  # refuses another shape
            mine = mine * weight.cast(self.dtype)._gathered(named.reshape(-1), 0).reshape(named.shape)
        each = (each if weight is None else each * mine).where(valid, 0)
        if smoothing:
            logs = self._weighted(weight)
            spread = -(logs.sum(classes) * valid.cast(self.dtype)) * (smoothing / self.shape[classes])
            each = each * (1 - smoothing) + spread
        if reduction != "mean":
            return each._reduced(reduction)
        return each.sum() / mine.sum()

    def _differs(self, number: int) -> Self:
        """Where integers are not this number, which their dtype may not have."""
        if not self.dtype.min <= number <= self.dtype.max:
            return self.constant(const(True, dt.bool_).expand(self.shape), self.device)
        return self._binary(ops.CMPNE, number)

    def _weighted(self, weight: Self | None) -> Self:
        """Times the weight of each class."""
        if weight is None:
            return self
        classes = _class_axis(self)
        if weight.shape != (self.shape[classes],):
            raise ShapeError(
                f"weights {weight.shape} of {self.shape[classes]} classes",
                why="each class has one",
                mend="give as many",
            )
        return self * weight.cast(self.dtype).reshape((-1,) + (1,) * (self.ndim - classes - 1))

    def _same_shape(self, target: Self, what: str) -> None:
        check.float_dtype(self.dtype, what)
        if self.shape != target.shape:
            raise ShapeError(
                f"{what} of {self.shape} with targets {target.shape}",
                why="each element has its target",
                mend="reshape or expand one of them",
            )


def _class_axis(x: Random) -> int:
    return 1 if x.ndim > 1 else 0


def _unknown(reduction: str) -> None:
    raise ShapeError(
        f"reduction {reduction!r}",
        why="it is mean, sum or none (kl_div: batchmean)",
        mend="give one of these",
    )
