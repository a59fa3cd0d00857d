"""Making tensors: constants and counted values. Random numbers are in random.py, others in layout.py."""

from __future__ import annotations

import math
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.dtype import DType
from baregrad.ir import Scalar, Size, Symbolic, UOp, const, ops
from baregrad.tensor import check
from baregrad.tensor.ops.gathering import Gathering


class Create(Gathering):
    """full, zeros, ones, arange, eye and relatives."""

    __slots__ = ()

    @classmethod
    def full(
        cls, shape: tuple[int, ...], value: Scalar, *, dtype: DType | None = None, device: str | None = None
    ) -> Self:
        """A shape filled with one value. Errors: ShapeError, DTypeError for no sizes, number or dtype."""
        value = check.number(value)
        if not isinstance(value, bool | int | float | Symbolic):
            raise DTypeError(
                f"full of {value!r}", why="bool, int and float are numbers", mend="convert it first"
            )
        found = check.dtype_in(dtype or dt.result_dtype(type(value)), "full")
        sizes = check.shape_of((shape,), "full")
        return cls.constant(const(value, found).expand(sizes), device)

    @classmethod
    def zeros(cls, *shape: int, dtype: DType = dt.float32, device: str | None = None) -> Self:
        """Zeros."""
        return cls.full(check.shape_of(shape, "zeros"), 0, dtype=dtype, device=device)

    @classmethod
    def ones(cls, *shape: int, dtype: DType = dt.float32, device: str | None = None) -> Self:
        """Ones."""
        return cls.full(check.shape_of(shape, "ones"), 1, dtype=dtype, device=device)

    def full_like(self, value: Scalar) -> Self:
        """One value in this tensor's shape and dtype."""
        return self.full(self.shape, value, dtype=self.dtype, device=self.device)

    def zeros_like(self) -> Self:
        """Zeros in this tensor's shape and dtype."""
        return self.full_like(0)

    def ones_like(self) -> Self:
        """Ones in this tensor's shape and dtype."""
        return self.full_like(1)

    @classmethod
    def arange(
        cls,
        start: float,
        stop: float | None = None,
        step: float = 1,
        *,
        dtype: DType | None = None,
        device: str | None = None,
    ) -> Self:
        """start, start + step, ... below stop; integers give int64, as in torch.

        Errors: ShapeError for step 0.
        """
        start, stop, step = map(check.number, (start, stop, step))
        if step == 0:
            raise ShapeError(
                "arange with step 0", why="it would never end", mend="give another step, or full()"
            )
        begin, end = (0, start) if stop is None else (start, stop)
        if any(isinstance(part, Symbolic) for part in (begin, end, step)):
            return cls._symbolic_arange(begin, end, step, dtype, device)
        count = max(0, math.ceil((end - begin) / step))
        found = dtype or dt.result_dtype(type(begin), type(end), type(step))
        steps = UOp(ops.IOTA, dt.int64, (), count).cast(found)
        return cls.constant(steps * step + begin, device)

    @classmethod
    def _symbolic_arange(
        cls, begin: Size, end: Size, step: Size, dtype: DType | None, device: str | None
    ) -> Self:
        """arange with symbolic ends."""
        for part in (begin, end):
            if not isinstance(part, int | Symbolic):
                raise ShapeError(
                    f"arange from {begin!r} to {end!r}", why="symbolic sizes are integers", mend="give ints"
                )
        if type(step) is not int or step < 1:
            raise ShapeError(
                f"arange by {step!r} to a symbolic size", why="the step is an int above 0", mend="flip() it"
            )
        count = -(-(end - begin) // step)
        (size,) = check.shape_of((count,), "arange")
        places: Self = cls.constant(UOp(ops.IOTA, dt.int64, (), size), device) * step + begin
        return places if dtype is None else places.cast(dtype)

    @classmethod
    def eye(
        cls, n: int, m: int | None = None, *, dtype: DType = dt.float32, device: str | None = None
    ) -> Self:
        """1 where row and column agree, else 0, in n rows and m (else n) columns."""
        shape = check.shape_of((n, n if m is None else m), "eye")
        rows, columns = (UOp(ops.IOTA, dt.int64, (), size) for size in shape)
        same = rows.reshape((shape[0], 1)).expand(shape).eq(columns.reshape((1, shape[1])).expand(shape))
        return cls.constant(same.cast(dtype), device)
