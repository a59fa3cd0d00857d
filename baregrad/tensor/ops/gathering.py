"""Elements chosen by tensors of integers: gather and scatter, and what is made of them.

An index that is out of range raises at once where the host knows it: a Python number, a list of them, a
constant. In tensors it can't be known without a read-back; `config.check_bounds` makes the next one raise.
Without it memory is safe all the same: what is read is the nearest element of the axis, and what would be
written outside is left out. Brackets are in choosing.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from baregrad import dtype as dt
from baregrad.base.config import config
from baregrad.base.errors import DTypeError, IndexingError, ShapeError
from baregrad.engine import SESSION, Guard, Value, from_bytes, out_of_range
from baregrad.ir import Scalar, Size, UOp, bounds, const, ops
from baregrad.tensor import check, numbers
from baregrad.tensor.base import number_node
from baregrad.tensor.ops.indexing import Indexing
from baregrad.tensor.place import user_line

Index = Any  # a tensor of integers, an integer, or nested sequences of them
JOINS = {"sum": "add", "prod": "mul", "mean": "add", "amax": "max", "amin": "min"}


class Gathering(Indexing):
    """gather, scatter, index_*, take*. Negative indices count from the end."""

    __slots__ = ()

    # -- reading -----------------------------------------------------------------------------------------

    def gather(self, axis: int, index: Index) -> Self:
        """Along an axis the elements that an index names: y[i, j] = x[index[i, j], j] for axis 0.

        Shapes: x and the index have as many axes, those of the index but this one are at most x's -> the
        index's. Errors: IndexingError for a number that is known to be out of range; ShapeError; DTypeError.
        """
        axis = check.axis_in(axis, self.ndim, "gather")
        places = self._counted(index, self.shape[axis] if self.ndim else 1, axis, "gather")
        if not self.ndim:
            return self._lifted().gather(0, places._lifted()).reshape(places.shape)
        return self._box_of(places, axis, "gather")._gathered(places, axis)

    def _gathered(self, places: Self, axis: int) -> Self:
        return self.apply(lambda x, i: x.gather(axis, i), places)

    def index_select(self, axis: int, index: Index) -> Self:
        """The parts along an axis that a row of numbers names. Shapes: (…, n, …), (k,) -> (…, k, …)."""
        axis = check.axis_in(axis, self.ndim, "index_select")
        places = self._row(index, axis, "index_select")
        return self._gathered(self._along(places, axis), axis) if self.ndim else self

    def take(self, index: Index) -> Self:
        """The elements at places in row-major order. Shapes: any, index's -> the index's."""
        places = self._counted(index, self.numel(), 0, "take")
        return self.reshape(-1)._gathered(places.reshape(-1), 0).reshape(places.shape)

    def take_along_dim(self, indices: Index, axis: int | None = None) -> Self:
        """gather, where all other axes broadcast; without an axis both are flat.

        Errors: as gather; ShapeError unless the index has as many axes.
        """
        if axis is None:
            return self.reshape(-1).gather(0, self._as_index(indices).reshape(-1))
        axis = check.axis_in(axis, self.ndim, "take_along_dim")
        places = self._counted(indices, self.shape[axis], axis, "take_along_dim")
        if places.ndim != self.ndim:
            raise ShapeError(
                f"take_along_dim of {self.shape} by {places.shape}",
                why="the index has as many axes",
                mend="unsqueeze it",
            )
        lead, rest = self.shape[:axis], self.shape[axis + 1 :]
        other = check.broadcast(
            [(*lead, 1, *rest), (*places.shape[:axis], 1, *places.shape[axis + 1 :])], "take"
        )
        x, at = ((*other[:axis], n, *other[axis + 1 :]) for n in (self.shape[axis], places.shape[axis]))
        return self.expand(x)._gathered(places.expand(at), axis)

    def embedding(self, weight: Self, padding_idx: int | None = None) -> Self:
        """The rows of a table that these numbers name; no gradient flows into row padding_idx.

        Shapes: integers (…), (count, size) -> (…, size). Errors: as gather, and for negative numbers.
        Cost: that of the rows, also of the gradient (beside its zeros).
        """
        self._whole("embedding")._named(weight.shape[0], 0, "embedding")
        shape = (*self.shape, weight.shape[1])
        rows = weight._gathered(weight._along(self.reshape(-1), 0), 0).reshape(shape)
        if padding_idx is None:
            return rows
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise out_of_range("embedding", padding_idx, 0, weight.shape[0], -weight.shape[0])
        known = self._binary(ops.CMPNE, padding_idx % weight.shape[0]).unsqueeze(-1)
        return rows.where(known, rows.detach())

    # -- writing -----------------------------------------------------------------------------------------

    def scatter(self, axis: int, index: Index, src: Self | Scalar, *, reduce: str | None = None) -> Self:
        """x with values put where an index names along an axis: y[index[i, j], j] = src[i, j] for axis 0.

        Of several values for one place the last stays; `reduce` "add" or "multiply" joins them to x instead.
        Shapes: x, index and src have as many axes; those of the index are at most src's, and but for this
        axis at most x's -> x's. Errors: as gather.
        """
        joins = {None: "set", "add": "add", "multiply": "mul"}
        if reduce not in joins:
            raise ShapeError(
                f"scatter with reduce={reduce!r}", why="it is add or multiply", mend="use scatter_reduce()"
            )
        return self._scattered(axis, index, src, joins[reduce], "scatter")

    def scatter_add(self, axis: int, index: Index, src: Self) -> Self:
        """x with values added where an index names along an axis; equal indices add up."""
        return self._scattered(axis, index, src, "add", "scatter_add")

    def scatter_reduce(
        self, axis: int, index: Index, src: Self, reduce: str, *, include_self: bool = True
    ) -> Self:
        """x with values joined where an index names: by "sum", "prod", "mean", "amax" or "amin".

        Without include_self x itself counts only where no value comes.
        """
        axis = check.axis_in(axis, self.ndim, "scatter_reduce")
        places = self._counted(
            index, self.shape[axis] if self.ndim else 1, axis, "scatter_reduce", write=True
        )
        return self._reduced_to(axis, places, src, reduce, include_self)

    def _reduced_to(self, axis: int, places: Self, src: Self, reduce: str, include_self: bool) -> Self:
        what = "scatter_reduce"
        if reduce not in JOINS:
            raise ShapeError(
                f"{what} by {reduce!r}", why=f"it is one of {', '.join(JOINS)}", mend="give one of these"
            )
        join = JOINS[reduce]
        base = self
        if not include_self:  # what joining leaves as it is, wherever a value will come
            none = {"add": 0, "mul": 1, "max": self.dtype.min, "min": self.dtype.max}[join]
            base = self._put(axis, places, none, "set", what)
        joined = base._put(axis, places, src, join, what)
        if reduce != "mean":
            return joined
        ones = self._full(places.shape, 1)
        counts = self._full(self.shape, int(include_self))._put(axis, places, ones, "add", what)
        counts = counts if include_self else counts.maximum(1)
        return joined / counts if self.dtype.is_float else joined // counts

    def index_add(self, axis: int, index: Index, source: Self, *, alpha: Scalar = 1) -> Self:
        """x with alpha times the parts of a source added to those that a row of numbers names."""
        return self._parts(axis, index, source if alpha == 1 else source * alpha, "add", "index_add")

    def index_copy(self, axis: int, index: Index, source: Self) -> Self:
        """x with the parts of a source in the place of those that a row of numbers names."""
        return self._parts(axis, index, source, "set", "index_copy")

    def index_fill(self, axis: int, index: Index, value: Scalar) -> Self:
        """x with a value in all parts that a row of numbers names."""
        return self._parts(axis, index, value, "set", "index_fill")

    def index_reduce(
        self, axis: int, index: Index, source: Self, reduce: str, *, include_self: bool = True
    ) -> Self:
        """scatter_reduce of whole parts, which a row of numbers names; "prod", "mean", "amax" or "amin"."""
        axis = check.axis_in(axis, self.ndim, "index_reduce")
        places = self._along(self._row(index, axis, "index_reduce", write=True), axis)
        return self._reduced_to(axis, places, source, reduce, include_self)

    def put(self, index: Index, source: Self, *, accumulate: bool = False) -> Self:
        """x with values put, or added, at places in row-major order."""
        flat = self._counted(index, self.numel(), 0, "put", write=True).reshape(-1)
        how = "add" if accumulate else "set"
        return self.reshape(-1)._put(0, flat, source.reshape(-1), how, "put").reshape(self.shape)

    def _parts(self, axis: int, index: Index, source: Self | Scalar, join: str, what: str) -> Self:
        axis = check.axis_in(axis, self.ndim, what)
        places = self._row(index, axis, what, write=True)
        return self._put(axis, self._along(places, axis), source, join, what)

    def _scattered(self, axis: int, index: Index, src: Self | Scalar, join: str, what: str) -> Self:
        axis = check.axis_in(axis, self.ndim, what)
        places = self._counted(index, self.shape[axis] if self.ndim else 1, axis, what, write=True)
        return self._put(axis, places, src, join, what)

    def _put(self, axis: int, places: Self, src: Self | Scalar, join: str, what: str) -> Self:
        """x with values joined to it; the part of it that the index covers is cut out first."""
        if join != "set" and self.dtype is dt.bool_:
            raise DTypeError(f"{what} of bool", why="it counts", mend="cast to int32, or scatter() True")
        if not self.ndim:
            lifted = src._lifted() if isinstance(src, Gathering) else src
            return self._lifted()._put(0, places._lifted(), lifted, join, what).reshape(())
        part = self._box_of(places, axis, what)
        if not isinstance(src, Gathering):
            value = self._full(places.shape, src)
        else:
            value = src._source_of(self, places, what)
        if 0 in places.shape:
            return self
        made = part.apply(lambda x, i, v: x.scatter(axis, i, v, join), places, value)
        return made if part is self else self._with_part(made)

    def _with_part(self, part: Self) -> Self:
        """x with its first elements on each axis in exchange."""
        room = tuple((0, n - m) for n, m in zip(self.shape, part.shape, strict=True))
        mask = self.constant(const(True, dt.bool_).expand(part.shape).pad(room), self.device)
        return part.pad(room).where(mask, self)

    # -- what is given -----------------------------------------------------------------------------------

    def _as_index(self, index: Index) -> Self:
        """What a user gives as an index, as a tensor on this device."""
        if isinstance(index, Gathering):
            return index  # type: ignore[return-value]  # every tensor is of the one public class
        shape, found, packed = numbers.pack(index if not isinstance(index, range) else list(index), None)
        if 0 in shape:
            found = dt.int64  # an empty list has no dtype
        return self.of(
            from_bytes(SESSION, packed, SESSION.new_buffer(shape, found, self.device), user_line())
        )

    def _counted(self, index: Index, size: Size, axis: int, what: str, *, write: bool = False) -> Self:
        """An index with negative numbers counted from 0; refused where it is known to be out of range."""
        if isinstance(size, int) and not isinstance(index, Gathering):
            return self._as_index(_from_0(index, what, axis, size))._whole(what)
        at = self._as_index(index)._whole(what)
        if isinstance(size, int):
            known = constant_of(at.value.uop)
            if known is not None and at.numel():
                _from_0(known, what, axis, size)
            elif not size and at.numel() and not write:
                raise out_of_range(what, 0, axis, 0, 0)
            at._guarded(what, axis, size, -size)
        if bounds(at.value.node)[0] >= 0:
            return at
        wide = at if isinstance(size, int) and size <= at.dtype.max else at.cast(dt.int64)
        return wide.apply(lambda i: (i < 0).where(i + number_node(size, i.dtype), i))

    def _whole(self, what: str) -> Self:
        """These indices, if they are integers."""
        if not self.dtype.is_int:
            raise DTypeError(f"{what} by an index of {self.dtype}", why="it counts", mend="cast it to int64")
        return self

    def _named(self, size: Size, axis: int, what: str) -> None:
        """Refuse a number, counted from 0, that is known to be out of range; look at others when asked to."""
        if isinstance(size, int) and self.numel():
            known = constant_of(self.value.uop)
            if not size or (known is not None and not 0 <= known < size):
                raise out_of_range(what, known or 0, axis, size, 0)
            self._guarded(what, axis, size, 0)

    def _guarded(self, what: str, axis: int, size: int, low: int) -> None:
        """Look at these indices at the next read-back, if that is asked for."""
        if config().check_bounds and SESSION.capture is None and self.numel():
            flat = self.detach().reshape(-1)
            ends = (flat.min(keepdim=True), flat.max(keepdim=True))
            seen = self.cat([end.cast(dt.int64) for end in ends]).value
            SESSION.guard(
                Guard(Value(seen.uop, seen.device, seen.support, line=user_line()), what, axis, size, low)
            )

    def _row(self, index: Index, axis: int, what: str, *, write: bool = False) -> Self:
        """Numbers of parts along an axis, of shape (k,)."""
        places = self._counted(index, self.shape[axis] if self.ndim else 1, axis, what, write=write)
        if places.ndim > 1:
            raise ShapeError(
                f"{what} by an index of {places.shape}", why="parts are named by a row", mend="flatten it"
            )
        return places if places.ndim else places.reshape(1)

    def _along(self, places: Self, axis: int) -> Self:
        """A row of numbers as an index of whole parts."""
        count = places.shape[0]
        if not self.ndim:
            return places
        sizes = tuple(count if place == axis else 1 for place in range(self.ndim))
        return places.reshape(sizes).expand((*self.shape[:axis], count, *self.shape[axis + 1 :]))

    def _box_of(self, places: Self, axis: int, what: str) -> Self:
        """The first elements of each other axis, as many as the index has."""
        other = self.shape[:axis] + self.shape[axis + 1 :]
        wanted = places.shape[:axis] + places.shape[axis + 1 :]
        if other == wanted:
            return self
        if places.ndim != self.ndim or any(few > many for few, many in zip(wanted, other, strict=True)):
            raise ShapeError(
                f"{what} of {self.shape} by an index of {places.shape} along axis {axis}",
                why="the index has as many axes, and but for this one none is larger",
                mend="reshape, expand or cut the index",
            )
        sizes = (*places.shape[:axis], self.shape[axis], *places.shape[axis + 1 :])
        return self.shrink([(0, size) for size in sizes])

    def _source_of(self, base: Self, places: Self, what: str) -> Self:
        """Values of the base's dtype, one for each place."""
        if self.dtype is not base.dtype:
            raise DTypeError(
                f"{what} of {self.dtype} into {base.dtype}", why="the dtype stays", mend="cast it"
            )
        if self.shape == places.shape:
            return self
        if self.ndim != places.ndim or any(n > m for n, m in zip(places.shape, self.shape, strict=True)):
            raise ShapeError(
                f"{what} of {self.shape} to places of {places.shape}",
                why="each place has a value",
                mend="expand the values, or cut the index",
            )
        return self.shrink([(0, size) for size in places.shape])

    def _full(self, shape: Sequence[Size], value: Scalar) -> Self:
        """A value in a shape, in this dtype and on this device."""
        return self.constant(const(value, self.dtype).expand(tuple(shape)), self.device)

    def _lifted(self) -> Self:
        return self.reshape(1) if not self.ndim else self


def constant_of(uop: UOp) -> int | None:
    """The number that all elements are, if that can be seen."""
    while uop.op in ops.MOVEMENT and uop.op not in (ops.PAD, ops.VIEW):
        uop = uop.src[0]
    return int(uop.arg) if uop.op is ops.CONST else None


def _from_0(index: Index, what: str, axis: int, size: int) -> Any:
    """Numbers that the host knows, counted from 0. Errors: IndexingError for one out of range."""
    if isinstance(index, int) and not isinstance(index, bool):
        if not -size <= index < size:
            raise out_of_range(what, index, axis, size, -size)
        return index % size
    if isinstance(index, Sequence) and not isinstance(index, str | bytes):
        return [_from_0(part, what, axis, size) for part in index]
    if hasattr(index, "tolist"):
        return _from_0(index.tolist(), what, axis, size)
    raise IndexingError(
        f"{what} by {index!r:.60}", why="an index is integers", mend="give a tensor, an integer or a list"
    )
