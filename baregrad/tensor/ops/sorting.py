"""Elements in order: sort, argsort, topk, median, quantiles, unique. Orders have no gradient, values do.

Elements are ordered as integers that stand for them (`_order_key`), in one of two ways. A short axis is
ranked: the place of an element is the number of elements that go before it, n * n comparisons in one kernel.
A long one goes through Batcher's bitonic network, on numbers that hold key and place together; its kernels
differ only by the distance of what they compare, the direction being read from memory. NaN counts as the
greatest.
"""

from __future__ import annotations

import math
from typing import Any, Self

from baregrad import dtype as dt
from baregrad.base.errors import AxisError, ShapeError
from baregrad.engine import SESSION, from_bytes
from baregrad.ir import const
from baregrad.tensor import check
from baregrad.tensor.ops.resize import Resize
from baregrad.tensor.place import user_line

RANKED = 1024  # longest axis that is ranked
HALVED = 32  # longest row whose elements are all compared with what goes into it
LOW = 0xFFFFFFFF


class Sorting(Resize):
    """Order, by torch's names and defaults."""

    __slots__ = ()

    # -- whole axes ------------------------------------------------------------------------------------------

    def sort(self, axis: int = -1, descending: bool = False, stable: bool = True) -> tuple[Self, Self]:
        """The elements of an axis in order, and their places; equal ones keep their order.

        Cost: n * n comparisons up to 1024 elements, else n * log2(n) ** 2 / 2.
        """
        order = self.argsort(axis, descending, stable)
        return self._taken(order, axis), order

    def msort(self) -> Self:
        """The elements along the first axis in order."""
        return self.sort(0)[0]

    def argsort(self, axis: int = -1, descending: bool = False, stable: bool = True) -> Self:
        """The places of an axis' elements in order, as int64; equal ones keep their order."""
        axis = check.axis_in(axis, self.ndim, "sort")
        if not self.ndim or not self.numel():
            return self.zeros(*self.shape, dtype=dt.int64, device=self.device)
        key = self._order_key(descending).movedim(axis, -1).contiguous()
        return key._order().movedim(-1, axis)

    def topk(self, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Self, Self]:
        """The k greatest (or least) elements of an axis, in order, and their places.

        Errors: AxisError for more than there are. Cost: as sort, but of blocks of 1024 where k is small.
        """
        axis = check.axis_in(axis, self.ndim, "topk")
        size = self.shape[axis] if self.ndim else 1
        if not 0 <= k <= size:
            raise AxisError(f"topk of {k} of {size}", why="there are not so many", mend="give a smaller k")
        if not self.ndim:
            return (self, self.argsort()) if k else (self.reshape(1)[:0], self.argsort().reshape(1)[:0])
        if not k or not self.numel():
            none = self.narrow(axis, 0, k)
            return none, none.argsort(axis)
        key = self._order_key(largest).movedim(axis, -1).contiguous()
        order = key._first(k).movedim(-1, axis)
        return self._taken(order, axis), order

    # -- one element -----------------------------------------------------------------------------------------

    def kthvalue(self, k: int, axis: int = -1, keepdim: bool = False) -> tuple[Self, Self]:
        """The k-th least element of an axis, from 1 on, and its place. Errors: AxisError out of range."""
        size = self.shape[check.axis_in(axis, self.ndim, "kthvalue")] if self.ndim else 1
        if not 1 <= k <= size:
            raise AxisError(f"kthvalue {k} of {size}", why="it is counted from 1", mend="give 1 to n")
        if not self.ndim:
            return self, self.argsort()
        order = self.argsort(axis).narrow(axis, k - 1, 1)
        return self._picked(order, axis, keepdim)

    def median(self, axis: int | None = None, keepdim: bool = False) -> Any:  # Any: a tensor, or two
        """The middle element, the lower of two, NaN if there is one; with an axis its place, too.

        Errors: ShapeError for an empty axis.
        """
        return self._median(axis, keepdim, skip=False)

    def nanmedian(self, axis: int | None = None, keepdim: bool = False) -> Any:  # Any: a tensor, or two
        """The middle of the elements that are not NaN; NaN if there is none."""
        return self._median(axis, keepdim, skip=True)

    def _median(self, axis: int | None, keepdim: bool, skip: bool) -> Self | tuple[Self, Self]:
        if axis is None:
            return self.reshape(-1)._middle(0, False, skip)[0] if self.numel() else self._no_middle()
        axis = check.axis_in(axis, self.ndim, "median")
        if not self.ndim:
            return self, self.argsort()
        return self._middle(axis, keepdim, skip) if self.shape[axis] else self._no_middle()

    def _no_middle(self) -> Self:
        raise ShapeError(f"median of {self.shape}", why="it has no element", mend="check the size first")

    def _middle(self, axis: int, keepdim: bool, skip: bool) -> tuple[Self, Self]:
        order = self.argsort(axis)
        nans = self.isnan().sum(axis, keepdim=True)
        count = -nans + self.shape[axis]
        wanted = (count - 1).maximum(0) // 2
        if not skip:
            wanted = wanted.where(nans.eq(0), count)  # the first NaN
        return self._picked(order._taken(wanted, axis), axis, keepdim)

    def _picked(self, order: Self, axis: int, keepdim: bool) -> tuple[Self, Self]:
        """The elements at one place an axis, and the place, without the axis unless it is kept."""
        values = self._taken(order, axis)
        return (values, order) if keepdim else (values.squeeze(axis), order.squeeze(axis))

    def mode(self, axis: int = -1, keepdim: bool = False) -> tuple[Self, Self]:
        """The most frequent element of an axis, the least of several, and its last place."""
        axis = check.axis_in(axis, self.ndim, "mode")
        if not self.ndim:
            return self, self.argsort()
        last = self.detach().movedim(axis, -1)
        same = last.unsqueeze(-1).eq(last.unsqueeze(-2))
        count = same.sum(-1)
        often = count.eq(count.max(-1, keepdim=True))
        rank = last.argsort(-1).argsort(-1)
        least = rank.where(often, self.shape[axis]).argmin(-1, keepdim=True)
        hit = last.eq(last._taken(least, -1))
        place = (self._places(self.shape[axis], 0, 1) * hit).argmax(-1, keepdim=True).movedim(-1, axis)
        return self._picked(place, axis, keepdim)

    # -- quantiles -------------------------------------------------------------------------------------------

    @check.takes("float")
    def quantile(
        self,
        q: float | Self,
        axis: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
    ) -> Self:
        """The element at q * (n - 1) in order, between two of them by the interpolation; NaN if there is one.

        interpolation: linear, lower, higher, nearest or midpoint. Shapes: q () or (k,) puts k first.
        Errors: ShapeError for another interpolation, an empty axis, or q outside of 0..1.
        """
        return self._quantile(q, axis, keepdim, interpolation, skip=False)

    @check.takes("float")
    def nanquantile(
        self,
        q: float | Self,
        axis: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
    ) -> Self:
        """quantile of the elements that are not NaN; NaN if there is none."""
        return self._quantile(q, axis, keepdim, interpolation, skip=True)

    def _quantile(
        self, q: float | Self, axis: int | None, keepdim: bool, interpolation: str, *, skip: bool
    ) -> Self:
        steps = ROUNDED.get(interpolation)
        good = isinstance(q, Sorting) or 0 <= q <= 1
        if steps is None or not self.numel() or not self.dtype.is_float or not good:
            raise ShapeError(
                f"quantile {q} of {self.shape} {self.dtype} by {interpolation!r}",
                why=f"it is of floats with elements, q in [0, 1], by {', '.join(ROUNDED)}",
                mend="give such arguments",
            )
        x = self.reshape(-1) if axis is None or not self.ndim else self.movedim(axis, -1)
        level = q if isinstance(q, Sorting) else self.full((), q, dtype=self.dtype, device=self.device)
        values = x.sort(-1)[0]
        nans = x.isnan().sum(-1, keepdim=True)
        count = -nans + x.shape[-1]
        at = (level.reshape(-1).cast(dt.float64) * (count - 1).maximum(0).cast(dt.float64)).movedim(-1, 0)
        at = at.unsqueeze(-1)
        found = values._between_places(at, steps)
        valid = count > 0 if skip else nans.eq(0)
        found = found.where(valid.squeeze(-1).unsqueeze(0), math.nan)
        if keepdim:
            found = found.reshape(found.shape[0], *self._with_one(axis))
        return found.reshape(found.shape[1:]) if not level.ndim else found

    def _with_one(self, axis: int | None) -> tuple[int, ...]:
        gone = range(self.ndim) if axis is None else (check.axis_in(axis, self.ndim, "quantile"),)
        return tuple(1 if a in gone else size for a, size in enumerate(self.shape))

    def _between_places(self, at: Self, steps: str) -> Self:
        """The elements of the last axis at places that are not whole. Shapes: (…, n), (k, …, 1) -> (k, …)."""
        wide = self.unsqueeze(0).expand(at.shape[0], *self.shape)
        if steps == "round":
            return wide._taken(at.round().cast(dt.int64), -1).squeeze(-1)
        low, high = at.floor(), at.ceil()
        below, above = (wide._taken(place.cast(dt.int64), -1).squeeze(-1) for place in (low, high))
        if steps in ("low", "high"):
            return below if steps == "low" else above
        part = (at - low).squeeze(-1).cast(self.dtype) if steps == "part" else 0.5
        return below.lerp(above, part)

    # -- sets ------------------------------------------------------------------------------------------------

    def unique(
        self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
    ) -> Any:  # Any: a tensor, or a tuple of what is wanted
        """The different elements in order; with the place of each element among them, and how often each is.

        Computes: the shape depends on the elements. Axes are joined; NaN differ from each other.
        """
        flat = self.detach().reshape(-1) if self.numel() else self.reshape(0)
        values, order = flat.sort()
        values, order = values.contiguous(), order.contiguous()
        size = flat.shape[0]
        first = values[1:].ne(values[:-1]).cast(dt.int64) if size > 1 else values[1:].cast(dt.int64)
        number = first.cumsum(0).pad([(min(size, 1), 0)])
        numbers = number.tolist()  # type: ignore[attr-defined]  # it is in tensor.py
        starts = [i for i, n in enumerate(numbers) if not i or n != numbers[i - 1]]
        result = [values._taken(self._list(starts), 0)]
        if return_inverse:
            result.append(number._taken(order.argsort(), 0).reshape(self.shape))
        if return_counts:
            result.append(self._list([b - a for a, b in zip(starts, [*starts[1:], size], strict=True)]))
        return result[0] if len(result) == 1 else tuple(result)

    @check.takes("int float")
    def searchsorted(self, values: Self, right: bool = False) -> Self:
        """Where values go into this axis, which is in order: before equal elements, or behind them.

        Shapes: (n,) and any, or (…, n) and (…, m) -> values'. As int64. Cost: log2(n) comparisons a value.
        """
        if self.ndim == 1 and isinstance(self.shape[0], int) and self.shape[0] > HALVED:
            return self._halved(values, right)
        x = self if self.ndim > 1 else self.reshape((1,) * values.ndim + (-1,))
        x, y = (x if self.ndim == 1 else x.unsqueeze(-2)).operands("searchsorted", values.unsqueeze(-1))
        return ((x <= y) if right else (x < y)).sum(-1)

    def _halved(self, values: Self, right: bool) -> Self:
        """searchsorted() of a row: by halves, as a place that grows by powers of 2."""
        dtype, size = dt.result_dtype(self.dtype, values.dtype), self.shape[0]
        x, y = self.cast(dtype), values.cast(dtype)
        place = self.constant(const(0, dt.int64).expand(y.shape), y.device)
        for bit in reversed(range(size.bit_length())):
            further = place + (1 << bit)
            there = x._gathered((further - 1).minimum(size - 1).reshape(-1), 0).reshape(y.shape)
            less = (there <= y) if right else (there < y)
            place = further.where(less & (further <= size), place)
        return place

    @check.takes("int float")
    def bucketize(self, boundaries: Self, right: bool = False) -> Self:
        """The bucket of each element: boundaries.searchsorted(x)."""
        return boundaries.searchsorted(self, right)

    # -- how -------------------------------------------------------------------------------------------------

    def _list(self, numbers: list[int]) -> Self:
        """Numbers as int64, on this device."""
        buffer = SESSION.new_buffer((len(numbers),), dt.int64, self.device)
        return self.of(from_bytes(SESSION, dt.pack(dt.int64, numbers), buffer, user_line()))

    def _taken(self, places: Self, axis: int) -> Self:
        """The elements at places along an axis. Shapes: (…, n, …), (…, k, …) -> (…, k, …)."""
        return self._gathered(places, check.axis_in(axis, self.ndim, "take")) if self.ndim else self

    def _order_key(self, descending: bool) -> Self:
        """Integers in the order of the elements: int32, int64 for those of 64 bits."""
        x = self.detach()
        wide = self.dtype.itemsize == 8
        whole = dt.int64 if wide else dt.int32
        least = whole.min
        if self.dtype.is_float:
            x = x if wide else x.cast(dt.float32)
            bits = x.where(x.ne(0), 0).bitcast(whole)  # -0 is 0
            key = (bits ^ whole.max).where(bits < 0, bits)
            key = key.where(~x.isnan(), whole.max)
        elif self.dtype in (dt.uint32, dt.uint64):
            key = x.bitcast(whole) ^ least
        else:
            key = x.cast(whole)
        return ~key if descending else key

    def _order(self) -> Self:
        """The places of the last axis' keys in order."""
        size = self.shape[-1]
        if size <= RANKED:
            return self._ranks()._inverse_order(size)
        if self.dtype is dt.int32:
            return self._bitonic()
        low = ((self & LOW) ^ -(2**31)).cast(dt.int32).contiguous()._bitonic()
        high = (self >> 32).cast(dt.int32)._taken(low, -1).contiguous()._bitonic()
        return low._taken(high, -1)

    def _first(self, k: int) -> Self:
        """The places of the k least keys of the last axis, in order: those of blocks first, if k is small."""
        *lead, size = self.shape
        if size <= RANKED:
            return self._ranks()._inverse_order(k)
        if 4 * k > RANKED:
            return self._order().narrow(-1, 0, k)
        count = -(-size // RANKED)
        room = [(0, 0)] * len(lead) + [(0, count * RANKED - size)]
        blocks = self.pad(room, self.dtype.max).reshape(*lead, count, RANKED).contiguous()
        inside = blocks._ranks()._inverse_order(k)
        keys = blocks._taken(inside, -1).reshape(*lead, count * k).contiguous()
        starts = (self._places(count, 0, 2) * RANKED).expand(count, k)
        places = (inside + starts).reshape(*lead, count * k).contiguous()
        return places._taken(keys._first(k), -1)  # in order of places, so that equal keys keep theirs

    def _ranks(self) -> Self:
        """How many keys of the last axis go before each: those that are less, or equal and before it."""
        size = self.shape[-1]
        other, mine = self.unsqueeze(-2), self.unsqueeze(-1)
        before = self._places(size, 1, 2) < self._places(size, 0, 2)
        ahead = (other < mine) | (other.eq(mine) & before)
        return ahead.cast(dt.int32)._reduce("add", -1, False).contiguous()

    def _inverse_order(self, k: int) -> Self:
        """The places of ranks 0 to k - 1."""
        places = self._places(self.shape[-1], 0, 1).expand(self.shape)
        ranks = self.cast(dt.int64)
        order = places.apply(lambda v, i: v.const_like(0).expand(v.shape).scatter(v.ndim - 1, i, v), ranks)
        return order.narrow(-1, 0, k).contiguous()

    def _bitonic(self) -> Self:
        """The order of int32 keys of the last axis. Source: Batcher 1968, section 4."""
        *lead, size = self.shape
        levels = (size - 1).bit_length()
        room = [(0, 0)] * len(lead) + [(0, (1 << levels) - size)]
        places = self._places(1 << levels, 0, 1)
        x = ((self.pad(room, self.dtype.max).cast(dt.int64) << 32) | places).contiguous()
        for run in range(1, levels + 1):
            direction = self._list([run])
            for near in range(run - 1, -1, -2):
                x = x._exchanged(near, direction)
                if near:
                    x = x._exchanged(near - 1, direction)
                x = x.contiguous()
        return (x & LOW).narrow(-1, 0, size).contiguous()

    def _exchanged(self, near: int, run: Self) -> Self:
        """Each number and the one 2 ** near on compared: up in even runs of 2 ** run, down in odd ones."""
        *lead, size = self.shape
        apart = self.reshape(*lead, size >> (near + 1), 2, 1 << near)
        other = apart.flip(-2)
        groups = apart._places(size >> (near + 1), 0, 3)
        down = ((groups >> (run.reshape(1, 1, 1) - (near + 1))) & 1).ne(0)
        upper = apart._places(2, 1, 3).ne(0)
        return apart.minimum(other).where(down.eq(upper), apart.maximum(other)).reshape(*lead, size)


ROUNDED = {"linear": "part", "lower": "low", "higher": "high", "nearest": "round", "midpoint": "half"}
