"""What a record of a public operation says, and the numbers that its samples are made of.

A record is a row of a table_*.py: an operation's name, samples (arguments), the dtypes that it takes, what it
should give as a formula, its gradient or why it has none, calls that must raise, and what torch and tinygrad
call it. Formulas are text over the method's own parameters (`self` is x); nothing here resolves them: tests
do, with numpy and scipy, and `make compare` does, with torch. Read table_elementwise.py next.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from baregrad import dtype as dt
from baregrad.dtype import DType, Value

VALUED = tuple(row for row in dt.ALL if row is not dt.void)


@dataclass(frozen=True, slots=True)
class Array:
    """A tensor among a sample's arguments: random numbers in low..high, or the data given.

    dtype: a dtype of its own; empty: the one that the operation is tried with. whole: only whole numbers.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    dtype: str = ""
    data: tuple[Value, ...] = ()
    whole: bool = False

    def numbers(self, dtype: DType, seed: str) -> list[Value]:
        """Its elements in row-major order, each a number that the dtype has."""
        kept = dt.BY_NAME[self.dtype] if self.dtype else dtype
        if self.data:
            return _fitted(self.data, kept)
        count = math.prod(self.shape)
        draw = random.Random(crc32(f"{seed} {self}".encode()))
        if kept is dt.bool_:
            return [draw.random() < 0.5 for _ in range(count)]
        if kept.is_int or self.whole:
            low, high = math.ceil(self.low), math.floor(self.high)
            low = max(low, int(kept.min)) if kept.is_int else low
            return _fitted([draw.randint(min(low, high), high) for _ in range(count)], kept)
        return _fitted([draw.uniform(self.low, self.high) for _ in range(count)], kept)


def _fitted(values: Any, dtype: DType) -> list[Value]:
    """Values of a dtype: floats rounded, integers and bool as they are where they are whole, else cut."""
    if dtype.is_float:
        return dt.round_list(dtype, [float(v) for v in values])
    if dtype is dt.bool_:
        return [bool(v) for v in values]
    whole = (int(v) if math.isfinite(v) else 0 for v in values)
    return [min(max(v, int(dtype.min)), int(dtype.max)) for v in whole]


@dataclass(frozen=True, slots=True)
class Sample:
    """Arguments of one call. smooth: its gradient exists everywhere near, and is finite; dtypes: which of the
    record's it is made with, all if empty; gives: in place of the record's; differs: why torch's is another.
    """

    args: tuple[Any, ...]  # Arrays, lists of Arrays, and what else the method takes
    options: Mapping[str, Any]
    smooth: bool = True
    dtypes: str = ""
    gives: str = ""
    differs: str = ""

    def only(self, dtypes: str) -> Sample:
        """The sample for some dtypes."""
        return replace(self, dtypes=dtypes)

    def giving(self, gives: str) -> Sample:
        """The sample with another dtype of its result."""
        return replace(self, gives=gives)

    def unlike(self, differs: str) -> Sample:
        """The sample, of which torch makes something else."""
        return replace(self, differs=differs)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that must raise, and words of the message. kind: the error's class by name."""

    words: str
    args: tuple[Any, ...]
    options: Mapping[str, Any]
    kind: str = "ShapeError"


@dataclass(frozen=True, slots=True)
class Kind:
    """What many operations have in common: defaults of a record.

    dtypes: "bool", "int", "float" or names; gives: the result's dtype as gives() reads it, a word for each of
    several results; gradient: why there is none, empty if there is one; elementwise: any shapes that
    broadcast.
    """

    dtypes: str
    gives: str = "same"
    gradient: str = ""
    elementwise: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """All that is promised of one public operation. Texts that say why not are empty where it is so.

    reference: the formula; tolerance: in multiples of 16 roundings of an element and 4 of the greatest.
    same: another way to write it that makes the very same expression, in place of a formula.
    second: why the second derivative is not as differences of the first say; jit: why it can't be captured.
    random: what numbers it draws, of which the formula gives but the shape.
    shapes: why some of empty, 0-d and size-1 inputs are not among the samples.
    torch: a name, or a formula with the same parameters; empty: nothing of the kind. differs: how ours is
    another one, so that results are not compared.
    """

    name: str
    kind: Kind
    reference: str
    samples: tuple[Sample, ...]
    dtypes: str
    gives: str
    gradient: str
    elementwise: bool
    tolerance: float = 1.0
    same: str = ""
    second: str = ""
    jit: str = ""
    random: str = ""
    shapes: str = ""
    errors: tuple[Refusal, ...] = ()
    torch: str = ""
    differs: str = ""
    tinygrad: str = ""
    operator: str = ""

    def takes(self, dtype: DType) -> bool:
        """Whether its inputs may be of a dtype."""
        return is_one(dtype, self.dtypes)

    def samples_of(self, dtype: DType) -> list[Sample]:
        """The samples that are made with a dtype."""
        return [s for s in self.samples if is_one(dtype, s.dtypes or self.dtypes)]

    @property
    def torch_name(self) -> str:
        """What torch calls it."""
        return self.torch.partition("(")[0]


def is_one(dtype: DType, words: str) -> bool:
    """Whether a dtype is among words: names, "float", "int", "bool"."""
    given = words.split()
    return dtype.name in given or (dtype.is_float and "float" in given) or (dtype.is_int and "int" in given)


def gives(rule: str, dtype: DType) -> DType:
    """The dtype of a result by its rule: same; float (floats stay, the rest gives float32); total (floats
    and uint64 stay, the rest gives int64); or a name.
    """
    if rule == "same":
        return dtype
    if rule == "float":
        return dtype if dtype.is_float else dt.float32
    if rule == "total":
        return dtype if dtype.is_float or dtype is dt.uint64 else dt.int64
    return dt.BY_NAME[rule]


# ---- how rows are written


def array(*shape: int, low: float = -2.0, high: float = 2.0, dtype: str = "", whole: bool = False) -> Array:
    """Random numbers in a shape."""
    return Array(shape, low, high, dtype, whole=whole)


def numbers(*data: Value, dtype: str = "") -> Array:
    """A vector of given numbers."""
    return Array((len(data),), dtype=dtype, data=data)


def call(*args: Any, **options: Any) -> Sample:  # Any: what methods take
    """A call whose value and gradient are checked."""
    return Sample(args, options)


def edge(*args: Any, **options: Any) -> Sample:  # Any: what methods take
    """A call at edges, where only the value is checked."""
    return Sample(args, options, smooth=False)


def refused(words: str, *args: Any, kind: str = "ShapeError", **options: Any) -> Refusal:
    """A call that must raise."""
    return Refusal(words, args, options, kind)


SAME = "="  # the same name
NONE = ""  # nothing of the kind


def op(  # noqa: PLR0913 - a row has as many facts as there are
    name: str,
    kind: Kind,
    reference: str,
    *samples: Sample | tuple[Sample, ...],
    dtypes: str = "",
    gives: str = "",
    gradient: str = "",
    torch: str = SAME,
    tinygrad: str = SAME,
    elementwise: bool | None = None,
    **facts: Any,  # fields of Record
) -> Record:
    """A row. torch and tinygrad: by default a method of the same name."""
    flat = tuple(s for part in samples for s in (part if isinstance(part, tuple) else (part,)))
    return Record(
        name,
        kind,
        reference,
        flat,
        dtypes or kind.dtypes,
        gives or kind.gives,
        gradient or kind.gradient,
        kind.elementwise if elementwise is None else elementwise,
        torch=f"Tensor.{name}" if torch == SAME else torch,
        tinygrad=name if tinygrad == SAME else tinygrad,
        **facts,
    )
