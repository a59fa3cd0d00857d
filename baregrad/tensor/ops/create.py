"""Making tensors: constants, counted values, random numbers that are the same on every device.

Random bits are Threefry-2x32 with 20 rounds over (seed, call number) and the element's index: no state but
one counter, which lies on the device, so that a captured step draws new numbers at each replay. Source:
Salmon and others, «Parallel random numbers: as easy as 1, 2, 3», 2011, section 3.3.
"""

from __future__ import annotations

import math
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError, ShapeError
from baregrad.dtype import DType
from baregrad.engine import SESSION, Value, from_bytes
from baregrad.ir import Scalar, UOp, const, ops
from baregrad.tensor import check
from baregrad.tensor.ops.indexing import Indexing

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


class Create(Indexing):
    """full, zeros, ones, arange, eye, rand and relatives."""

    __slots__ = ()

    @classmethod
    def full(
        cls, shape: tuple[int, ...], value: Scalar, *, dtype: DType | None = None, device: str | None = None
    ) -> Self:
        """A shape filled with one value."""
        value = check.number(value)
        found = dtype or dt.result_dtype(type(value))
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
        count = max(0, math.ceil((end - begin) / step))
        found = dtype or dt.result_dtype(type(begin), type(end), type(step))
        steps = UOp(ops.IOTA, dt.int64, (), count).cast(found)
        return cls.constant(steps * step + begin, device)

    @classmethod
    def eye(
        cls, n: int, m: int | None = None, *, dtype: DType = dt.float32, device: str | None = None
    ) -> Self:
        """1 where row and column agree, else 0, in n rows and m (else n) columns."""
        shape = check.shape_of((n, n if m is None else m), "eye")
        rows, columns = (UOp(ops.IOTA, dt.int64, (), size) for size in shape)
        same = rows.reshape((shape[0], 1)).expand(shape).eq(columns.reshape((1, shape[1])).expand(shape))
        return cls.constant(same.cast(dtype), device)

    # -- random numbers ----------------------------------------------------------------------------------

    @classmethod
    def manual_seed(cls, seed: int) -> None:
        """Start the random numbers of all devices anew."""
        SESSION.seed = seed & 0xFFFFFFFF
        for device, state in SESSION.generators.items():  # captured steps read these very tensors
            assert isinstance(state, cls), "the states are tensors"
            state.value = cls._first_state(device)

    @classmethod
    def _first_state(cls, device: str) -> Value:
        buffer = SESSION.new_buffer((2,), dt.uint32, device)
        return from_bytes(SESSION, dt.pack(dt.uint32, (SESSION.seed, 0)), buffer)

    @classmethod
    def _next_call(cls, device: str) -> Self:
        """(seed, call number) of this draw; the number on the device goes up by one."""
        with SESSION.lock:  # no call number is drawn twice
            state = SESSION.generators.get(device)
            if not isinstance(state, cls):
                state = cls.of(cls._first_state(device))
                SESSION.generators[device] = state
            now = state.of(state.value.again())
            step = UOp(ops.IOTA, dt.int64, (), 2).cast(dt.uint32)
            state.assign(state.apply(lambda x: x + step))  # type: ignore[attr-defined]  # it is in tensor.py
            return now

    @classmethod
    def random_bits(cls, *shape: int, device: str | None = None) -> Self:
        """32 random bits an element, as uint32."""
        sizes = check.shape_of(shape, "random_bits")
        count = math.prod(sizes)
        state = cls._next_call(device or SESSION.default_device())

        def build(key: UOp) -> UOp:
            seed, call = (key.shrink(((i, i + 1),)).expand((count,)) for i in (0, 1))
            index = UOp(ops.IOTA, dt.int64, (), count).cast(dt.uint32)
            return threefry(seed, call, index, index ^ index).reshape(sizes)

        return state.apply(build)

    @classmethod
    def rand(cls, *shape: int, dtype: DType = dt.float32, device: str | None = None) -> Self:
        """Uniform in [0, 1): multiples of 2^-24."""
        if not dtype.is_float:
            raise DTypeError(f"rand of {dtype}", why="uniform numbers are floats", mend="use randint")
        bits = cls.random_bits(*shape, device=device)
        return bits.apply(lambda x: ((x >> 8).bitcast(dt.int32).cast(dt.float32) * 2.0**-24).cast(dtype))

    @classmethod
    def uniform(cls, *shape: int, low: float = 0.0, high: float = 1.0, device: str | None = None) -> Self:
        """Uniform in [low, high)."""
        return cls.rand(*shape, device=device) * (high - low) + low

    @classmethod
    def randint(cls, low: int, high: int, shape: tuple[int, ...], *, device: str | None = None) -> Self:
        """Whole numbers in [low, high), as int64."""
        if not low < high <= low + 2**31:
            raise DTypeError(f"randint in [{low}, {high})", why="1 to 2^31 numbers", mend="give low < high")
        bits = cls.random_bits(*shape, device=device)
        return bits.apply(lambda x: ((x.cast(dt.int64) * (high - low)) >> 32) + low)

    def dropout(self, p: float = 0.5, training: bool = True) -> Self:
        """Each element 0 with probability p, else divided by 1 - p."""
        if not 0 <= p <= 1:
            raise DTypeError(f"dropout with p={p}", why="p is a probability", mend="give a number in [0, 1]")
        if not training or p == 0:
            return self
        keep = self.rand(*self.shape, device=self.device) >= p
        return (self * (1 / (1 - p) if p < 1 else 0.0)).where(keep, 0)


def threefry(key0: UOp, key1: UOp, x0: UOp, x1: UOp) -> UOp:
    """The first word of Threefry-2x32-20."""
    keys = (key0, key1, key0 ^ key1 ^ PARITY)
    x0, x1 = x0 + key0, x1 + key1
    for group in range(5):
        for turn in ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = ((x1 << turn) | (x1 >> (32 - turn))) ^ x0
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + (group + 1)
    return x0
