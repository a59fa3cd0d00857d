"""Rows of a table joined to one for each bag of numbers: embedding_bag. Read embedding() in gathering.py."""

from __future__ import annotations

from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.ir import const, ops
from baregrad.tensor.ops.choosing import Choosing


class Bags(Choosing):
    """embedding_bag."""

    __slots__ = ()

    def embedding_bag(
        self,
        weight: Self,
        offsets: Self | None = None,
        mode: str = "mean",
        *,
        per_sample_weights: Self | None = None,
        padding_idx: int | None = None,
        include_last_offset: bool = False,
    ) -> Self:
        """The mean, sum or max of the rows of a table that each bag of numbers names; zeros for an empty bag.

        A bag is a row of numbers, or what lies between two offsets into a vector. Numbers padding_idx do not
        count. per_sample_weights multiply the rows of a sum.
        Shapes: (bags, n), or (n,) with offsets (bags,); (count, size) -> (bags, size).
        Errors: as embedding(); ShapeError for other modes and shapes, DTypeError for a table of integers.
        """
        if mode not in ("mean", "sum", "max") or (per_sample_weights is not None and mode != "sum"):
            raise ShapeError(
                f"embedding_bag by {mode!r}",
                why="it is mean, sum or max, and only a sum has weights",
                mend="give such",
            )
        if not weight.dtype.is_float:
            raise DTypeError(
                f"embedding_bag of {weight.dtype}", why="rows are averaged", mend="cast the table"
            )
        if self.ndim != (2 if offsets is None else 1):
            raise ShapeError(
                f"embedding_bag of {self.shape}",
                why="bags are rows, or parts of a vector given by offsets",
                mend="reshape the numbers, or give offsets",
            )
        rows = self.embedding(weight, padding_idx)
        if per_sample_weights is not None:
            rows = rows * per_sample_weights.cast(rows.dtype).unsqueeze(-1)
        known = self.constant(const(True, dt.bool_).expand(self.shape), self.device)
        if padding_idx is not None:
            known = self._binary(ops.CMPNE, padding_idx % weight.shape[0])
        if offsets is None:
            return rows._in_rows(known, mode)
        return rows._in_bags(known, self._bag_of(offsets, include_last_offset), mode)

    def _bag_of(self, offsets: Self, include_last: bool) -> tuple[Self, int]:
        """The bag of each number, and how many there are."""
        if offsets.ndim != 1 or not offsets.dtype.is_int:
            raise DTypeError(
                f"embedding_bag with offsets {offsets.shape} of {offsets.dtype}",
                why="they are a vector of integers",
                mend="give where each bag begins",
            )
        begins = offsets[:-1] if include_last else offsets
        order = self.arange(self.shape[0], dtype=offsets.dtype, device=self.device)
        return begins.searchsorted(order, right=True) - 1, begins.shape[0]

    def _in_rows(self, known: Self, mode: str) -> Self:
        mask = known.unsqueeze(-1)
        count = known.cast(self.dtype).sum(1, keepdim=True)
        if mode == "max":
            if not self.shape[1]:
                return self.sum(1)
            return self.where(mask, self.dtype.min).max(1).where(count > 0, 0)
        total = self.where(mask, 0).sum(1)
        return total if mode == "sum" else total / count.maximum(1)

    def _in_bags(self, known: Self, bags: tuple[Self, int], mode: str) -> Self:
        of, count = bags
        of = of.where(known, -1)  # left out
        shape = (count, self.shape[1])
        base = self._full(shape, self.dtype.min if mode == "max" else 0)
        made = base._put(0, base._along(of, 0), self, "max" if mode == "max" else "add", "embedding_bag")
        if mode == "sum":
            return made
        ones = known.cast(self.dtype)
        sizes = self._full((count,), 0)._put(0, of, ones, "add", "embedding_bag").unsqueeze(-1)
        return made.where(sizes > 0, 0) if mode == "max" else made / sizes.maximum(1)
