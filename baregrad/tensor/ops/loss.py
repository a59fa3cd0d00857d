"""Losses."""

from __future__ import annotations

from typing import Self

from baregrad.base.errors import ShapeError
from baregrad.tensor.base import TensorBase
from baregrad.tensor.ops.create import Create


class Loss(Create):
    """cross_entropy, nll_loss, mse_loss."""

    __slots__ = ()

    def nll_loss(self, target: TensorBase) -> Self:
        """The mean of -x[i, target[i]] for log-probabilities x.

        Shapes: (n, classes), (n,) of integers -> ().
        Errors: ShapeError unless the shapes fit. A target outside of the classes counts as 0.
        """
        if self.ndim != 2 or target.shape != self.shape[:1]:
            raise ShapeError(
                f"nll_loss of {self.shape} with targets {target.shape}",
                why="log-probabilities are (n, classes) and targets (n,)",
                mend="reshape them",
            )
        chosen: Self = target.one_hot(self.shape[1])  # type: ignore[attr-defined]  # one public class
        share: float = 1.0 / max(self.shape[0], 1)
        return -(self * chosen.cast(self.dtype)).sum() * share

    def cross_entropy(self, target: TensorBase) -> Self:
        """nll_loss of log_softmax. Shapes: (n, classes) of logits, (n,) of integers -> ()."""
        return self.log_softmax(-1).nll_loss(target)

    def mse_loss(self, target: TensorBase) -> Self:
        """The mean square difference."""
        return (self - target).square().mean()
