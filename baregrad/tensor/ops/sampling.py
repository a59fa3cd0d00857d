"""Random choices: orders, and places by weight. Read random.py and sorting.py first."""

from __future__ import annotations

from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import ShapeError
from baregrad.dtype import DType
from baregrad.tensor import check
from baregrad.tensor.ops.bags import Bags

LEAST = 2.0**-25  # less than all exponential numbers but 0


class Sampling(Bags):
    """randperm and multinomial."""

    __slots__ = ()

    @classmethod
    def randperm(cls, n: int, *, dtype: DType = dt.int64, device: str | None = None) -> Self:
        """0 to n - 1 in random order."""
        return cls.random_bits(n, device=device).argsort().cast(dtype)

    @check.takes("float")
    def multinomial(self, num_samples: int, replacement: bool = False) -> Self:
        """Places along the last axis, each drawn with a chance in proportion to its element, as int64.

        Without replacement no place is drawn twice: the first ones of p / q, q being exponential. With it,
        the place where the running sum passes a uniform number. The weights are not looked at: a row of
        zeros, or fewer weights than draws, gives places of weight 0.
        Shapes: (n,) or (m, n) -> (num_samples,) or (m, num_samples). Errors: ShapeError for other shapes,
        integers, or more draws than places without replacement.
        """
        good = self.ndim in (1, 2) and self.dtype.is_float and num_samples > 0 and self.shape[-1] > 0
        if not good or (not replacement and num_samples > self.shape[-1]):
            raise ShapeError(
                f"multinomial of {num_samples} from {self.shape} {self.dtype}",
                why="weights are floats, (n,) or (m, n), and each place is drawn once without replacement",
                mend="draw fewer, or with replacement",
            )
        weights = self.detach()
        if not replacement:
            noise = -(-self.rand(*self.shape, device=self.device)).log1p()
            return (weights.cast(dt.float32) / noise.maximum(LEAST)).topk(num_samples)[1]
        sums = weights.cast(dt.float32).cumsum(-1).contiguous()
        drawn = self.rand(*self.shape[:-1], num_samples, device=self.device) * sums[..., -1:]
        return (sums.unsqueeze(-2) <= drawn.unsqueeze(-1)).sum(-1).minimum(self.shape[-1] - 1)
