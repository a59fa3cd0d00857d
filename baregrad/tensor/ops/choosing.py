"""x[…] and x[…] = y with tensors and lists of integers and of bools, mixed with slices, None and Ellipsis.

As in numpy: indices that choose broadcast to one shape, whose axes come where the first of them stood if all
of them stand side by side (integers count among them), else first. What a mask chooses has to be counted:
that is a read-back, so that it can't stand in a captured step; x[mask] = number, where() and masked_fill()
can. One index along one axis is gathering.py's business, slices alone are indexing.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Self

from baregrad import dtype as dt
from baregrad.base.errors import IndexingError, ShapeError
from baregrad.base.integers import prod
from baregrad.engine import SESSION, from_bytes, read
from baregrad.ir import Size
from baregrad.tensor import check
from baregrad.tensor.base import number_node
from baregrad.tensor.ops.sorting import Sorting
from baregrad.tensor.place import user_line
from baregrad.tensor.slices import box_of, is_place

Brackets = Any  # all that may stand in brackets: what may not is refused
WHOLE = slice(None)


@dataclass(frozen=True, slots=True)
class Part:
    """Places, counted from 0 in row-major order over neighbouring axes of a view. `sure`: none is outside."""

    places: Any  # a tensor
    axes: tuple[int, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """`basic` makes a view with one axis for each item; of it `parts` choose, and axes `single` go away.

    `lead` and `rest` are the other axes, before and behind what is chosen.
    """

    basic: tuple[slice | None, ...]
    parts: tuple[Part, ...]
    single: tuple[int, ...]
    lead: tuple[int, ...]
    rest: tuple[int, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of the view with the chosen ones side by side."""
        return (*self.lead, *(a for part in self.parts for a in part.axes), *self.single, *self.rest)


class Choosing(Sorting):
    """Brackets and masks."""

    __slots__ = ()

    def __getitem__(self, index: Brackets) -> Self:
        """The part that integers, slices, None, Ellipsis, and tensors or lists of integers and bools name.

        Computes: a mask has to be counted. Errors: IndexingError for a number that is known to be out of
        range (config.check_bounds: also in tensors), and for what is no index.
        """
        items = index if isinstance(index, tuple) else (index,)
        if all(map(_is_basic, items)):
            return super().__getitem__(index)
        plan = self._plan(items, write=False)
        view = self._rearranged(plan)
        lead, rest = _split(view.shape, plan)
        shape, places = self._flat(plan, write=False)
        flat = view.reshape((*lead, self._span(plan), *rest))
        chosen = flat._gathered(flat._along(places, len(lead)), len(lead))
        return chosen.reshape((*lead, *shape, *rest))

    def _with(self, index: Brackets, value: Any) -> Self:
        """x with other elements at an index: what x[index] = value makes of it."""
        items = index if isinstance(index, tuple) else (index,)
        if all(map(_is_basic, items)):
            return self._put_into(index, value)
        masked = self._masked(items, value)
        if masked is not None:
            return masked
        return self._joined_at(items, value, "set", "x[…] = y")

    def _joined_at(self, items: tuple[Any, ...], value: Any, join: str, what: str) -> Self:
        """x with values put, or joined, at an index."""
        plan = self._plan(items, write=True)
        view = self._rearranged(plan)
        lead, rest = _split(view.shape, plan)
        shape, places = self._flat(plan, write=True)
        new = self._fitting(value, (*lead, *shape, *rest), items).reshape((*lead, prod(shape), *rest))
        flat = view.reshape((*lead, self._span(plan), *rest))
        made = flat._put(len(lead), flat._along(places, len(lead)), new, join, what)
        before = tuple(sorted(range(view.ndim), key=plan.order.__getitem__))
        made = made.reshape(view.shape).permute(before)
        whole = all(item in (None, WHOLE) for item in plan.basic)
        return made.reshape(self.shape) if whole else self._put_into(plan.basic, made)

    # -- masks -------------------------------------------------------------------------------------------

    def masked_select(self, mask: Self) -> Self:
        """The elements where the mask holds, in row-major order. Shapes: broadcast -> (count,). Computes."""
        shape = check.broadcast([self.shape, mask.shape], "masked_select")
        places = mask._mask("masked_select").expand(shape)._nonzero()
        return self.expand(shape).reshape(-1)._gathered(places, 0)

    def masked_scatter(self, mask: Self, source: Self) -> Self:
        """x with the elements of a source, one after the other, where the mask holds (broadcast)."""
        here = mask._mask("masked_scatter").expand(self.shape)
        if source.dtype is not self.dtype:
            return self._source_of(source, here, "masked_scatter")  # refuses
        if not self.numel():
            return self
        flat = here.reshape(-1)
        places = (flat.cast(dt.int64).cumsum(0) - 1).where(flat, 0)
        return source.reshape(-1).take(places).reshape(self.shape).where(here, self)

    def nonzero(self, *, as_tuple: bool = False) -> Self | tuple[Self, ...]:
        """The indices of elements that are not 0: (count, ndim), or a row for each axis. Computes."""
        places, rows, stride = self._nonzero(), [], self.numel()
        for size in self.shape:
            stride = stride // size if size else 1
            rows.append(places // stride % size if stride and size else places)
        if as_tuple:
            return tuple(rows) if self.ndim else (places,)
        if not rows:
            return self.zeros(places.shape[0], 0, dtype=dt.int64, device=self.device)
        return self.stack(rows, 1)

    def argwhere(self) -> Self:
        """nonzero()."""
        found = self.nonzero()
        assert not isinstance(found, tuple), "it was not asked for rows"
        return found

    def index_put(self, indices: Sequence[Brackets], values: Any, *, accumulate: bool = False) -> Self:
        """x with values put, or added, where x[indices] is."""
        values = values if isinstance(values, Choosing | bool | int | float) else self._as_index(values)
        if not accumulate:
            return self._with(tuple(indices), values)
        if all(map(_is_basic, indices)):
            return self._put_into(tuple(indices), self[tuple(indices)] + values)
        return self._joined_at(tuple(indices), values, "add", "index_put")

    def _mask(self, what: str) -> Self:
        """This, if it is a mask."""
        if self.dtype is not dt.bool_:
            raise IndexingError(f"{what} by {self.dtype}", why="a mask is bool", mend="compare, or .bool()")
        return self

    def _nonzero(self) -> Self:
        """Places in row-major order of what is not 0."""
        data = read(SESSION, (self if self.dtype is dt.bool_ else self.ne(0)).detach().value)
        return self._numbers(list(compress(range(len(data)), data)))

    def _numbers(self, numbers: list[int]) -> Self:
        buffer = SESSION.new_buffer((len(numbers),), dt.int64, self.device)
        return self.of(from_bytes(SESSION, dt.pack(dt.int64, numbers), buffer, user_line()))

    def _masked(self, items: tuple[Any, ...], value: Any) -> Self | None:
        """x with a value where a mask holds, if that can be had without counting."""
        mask = self._read(items[0]) if len(items) == 1 else None
        if not isinstance(mask, Choosing) or mask.dtype is not dt.bool_ or not mask.ndim:
            return None
        new = self._as_value(value)
        if new.ndim > self.ndim - mask.ndim:
            return None
        _fits(mask, self.shape[: mask.ndim], 0)
        wide = mask.reshape((*mask.shape, *(1 for _ in range(self.ndim - mask.ndim)))).expand(self.shape)
        return new.expand(self.shape).where(wide, self)

    # -- the index ---------------------------------------------------------------------------------------

    def _read(self, item: Any) -> Any:
        """One item: as it is, or a tensor."""
        if _is_basic(item):
            return item
        if isinstance(item, bool | str | bytes | float) or not _is_array(item):
            raise IndexingError(
                f"index {item!r:.60} of {self.shape}",
                why="an index is an integer, a slice, None, Ellipsis, or integers or bools as tensor or list",
                mend="convert it",
            )
        return item if isinstance(item, Choosing) else self._as_index(item)

    def _plan(self, index: tuple[Any, ...], *, write: bool) -> Plan:
        items = self._written_out(index)
        basic: list[slice | None] = []
        parts: list[Part] = []
        single: list[int] = []
        chosen: list[int] = []  # which items choose
        axis = 0
        for position, (given, item) in enumerate(items):
            if given is Ellipsis:
                continue
            if item is None or isinstance(item, slice):
                basic.append(item)
                axis += item is not None
                continue
            chosen.append(position)
            if is_place(item):
                begin, end, _ = box_of(item, self.shape[axis], axis)
                single.append(len(basic))
                basic.append(slice(begin, end))
                axis += 1
                continue
            count = item.ndim if item.dtype is dt.bool_ else 1
            part = self._chooses(given, item, axis, len(basic), write=write)
            parts.append(part)
            basic.extend([WHOLE] * count)
            axis += count
        beside = chosen == list(range(chosen[0], chosen[0] + len(chosen))) if chosen else True
        gone = {*single, *(a for part in parts for a in part.axes)}
        others = [a for a in range(len(basic)) if a not in gone]
        before = len([a for a in others if a < min(gone)]) if beside and parts else 0
        return Plan(tuple(basic), tuple(parts), tuple(single), tuple(others[:before]), tuple(others[before:]))

    def _written_out(self, index: tuple[Any, ...]) -> list[tuple[Any, Any]]:
        """The items as they were given and as they are, with slices for missing axes.

        Ellipsis stays before its slices, if only to stand between what chooses.
        """
        items = [(given, self._read(given)) for given in index]
        count = sum(_axes_of(item) for _, item in items)
        dots = [place for place, (given, _) in enumerate(items) if given is Ellipsis]
        if count > self.ndim or len(dots) > 1:
            raise IndexingError(
                f"{count} indices for {self.shape}",
                why="one index for each axis, one Ellipsis",
                mend="give fewer",
            )
        at = dots[0] if dots else len(items)
        missing = [(WHOLE, WHOLE)] * (self.ndim - count)
        return [*items[: at + bool(dots)], *missing, *items[at + bool(dots) :]]

    def _chooses(self, given: Any, item: Self, axis: int, at: int, *, write: bool) -> Part:
        """What a tensor chooses from axis `axis` on, which is axis `at` of the view."""
        if item.dtype is dt.bool_:
            if not item.ndim:
                raise IndexingError(
                    f"a bool as an index of {self.shape}",
                    why="a mask has an axis",
                    mend="use None or where()",
                )
            _fits(item, self.shape[axis : axis + item.ndim], axis)
            return Part(item._nonzero(), tuple(range(at, at + item.ndim)), True)
        places = self._counted(given, self.shape[axis], axis, "x[…] = y" if write else "x[…]", write=write)
        return Part(places, (at,), not isinstance(given, Choosing))

    def _rearranged(self, plan: Plan) -> Self:
        return super().__getitem__(plan.basic).permute(plan.order)

    def _span(self, plan: Plan) -> Size:
        """How many elements the chosen axes have."""
        return prod(self._span_of(plan, part) for part in plan.parts)

    def _span_of(self, plan: Plan, part: Part) -> Size:
        axes = [axis for axis, item in enumerate(plan.basic) if item is not None]
        return prod(self.shape[axes.index(axis)] for axis in part.axes)

    def _flat(self, plan: Plan, *, write: bool) -> tuple[tuple[Size, ...], Self]:
        """The shape that the parts broadcast to, and one row of places over all chosen axes."""
        parts = plan.parts
        shape = check.broadcast([part.places.shape for part in parts], "broadcast indices of shapes")
        if len(parts) == 1:
            return shape, parts[0].places.reshape(-1) if shape != (0,) else parts[0].places
        total: Any = None
        inside: Any = None
        for part in parts:
            size, places = self._span_of(plan, part), part.places.expand(shape).cast(dt.int64)
            if not part.sure:
                good = (places >= 0) & (places < size)
                inside = good if inside is None else inside & good
                places = places.maximum(0).minimum(max(size - 1, 0))
            total = places if total is None else total * size + places
        if write and inside is not None:
            total = total.where(inside, -1)
        return shape, total.reshape(prod(shape))

    # -- the value ---------------------------------------------------------------------------------------

    def _as_value(self, value: Any) -> Self:
        """What is assigned, as a tensor of this dtype."""
        if isinstance(value, Choosing):
            return value.cast(self.dtype)  # type: ignore[return-value]  # of the one public class
        return self.constant(number_node(value, self.dtype), self.device)

    def _fitting(self, value: Any, shape: tuple[Size, ...], index: Brackets) -> Self:
        """What is assigned, in the shape of what it replaces."""
        new = self._as_value(value)
        while new.ndim > len(shape) and new.shape[0] == 1:
            new = new.reshape(new.shape[1:])
        if new.ndim > len(shape) or check.broadcast([new.shape, shape], "assign") != shape:
            raise ShapeError(
                f"x[{index!r:.60}] = y with {new.shape} for {shape}",
                why="the value broadcasts to the part that it replaces",
                mend="reshape or expand it",
            )
        return new.expand(shape)


def _is_basic(item: Any) -> bool:
    return item is None or item is Ellipsis or isinstance(item, slice) or is_place(item)


def _is_array(item: Any) -> bool:
    return isinstance(item, Sequence | Choosing) or hasattr(item, "__array_interface__")


def _axes_of(item: Any) -> int:
    """How many axes an item stands for."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, Choosing) and item.dtype is dt.bool_ else 1


def _split(shape: tuple[Size, ...], plan: Plan) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
    """The sizes before and behind the chosen axes of a rearranged view."""
    return shape[: len(plan.lead)], shape[len(shape) - len(plan.rest) :]


def _fits(mask: Any, sizes: tuple[Size, ...], axis: int) -> None:
    if mask.shape != sizes:
        raise IndexingError(
            f"a mask of {mask.shape} for axes of {sizes}, from axis {axis} on",
            why="a mask has the shape of what it chooses from",
            mend="expand or cut it",
        )
