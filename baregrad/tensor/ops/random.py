"""Random numbers that are the same on every device.

Random bits are Threefry-2x32 with 20 rounds over (seed, call number) and the element's index: no state but
one counter, which lies on the device, so that a captured step draws new numbers at each replay. Source:
Salmon and others, «Parallel random numbers: as easy as 1, 2, 3», 2011, section 3.3. What needs an order or
running sums (randperm, multinomial) is in sampling.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from baregrad import dtype as dt
from baregrad.base.errors import DTypeError
from baregrad.dtype import DType
from baregrad.engine import SESSION, Value, from_bytes
from baregrad.ir import UOp, ops
from baregrad.tensor import check
from baregrad.tensor.ops.create import Create

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


class Random(Create):
    """rand, randn, randint, bernoulli, dropout and relatives."""

    __slots__ = ()

    # -- bits ------------------------------------------------------------------------------------------------

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
    def _next_call(cls, device: str | None) -> Self:
        """(seed, call number) of this draw; the number on the device goes up by one."""
        device = device or SESSION.default_device()
        with SESSION.lock:  # no call number is drawn twice
            state = SESSION.generators.get(device)
            if not isinstance(state, cls):
                state = cls.of(cls._first_state(device))
                SESSION.generators[device] = state
            now = state.of(state.value.again())
            step = UOp(ops.IOTA, dt.int64, (), 2).cast(dt.uint32)
            state.assign(state.apply(lambda x: x + step))  # type: ignore[attr-defined]  # it is in tensor.py
            return now

    def _word(self, number: int, shape: tuple[int, ...]) -> Self:
        """Word 0 or 1 of the 64 random bits that a draw has for each element, as uint32."""
        count = math.prod(shape)

        def build(key: UOp) -> UOp:
            seed, call = (key.shrink(((i, i + 1),)).expand((count,)) for i in (0, 1))
            index = UOp(ops.IOTA, dt.int64, (), count).cast(dt.uint32)
            return threefry(seed, call, index, index ^ index)[number].reshape(shape)

        return self.apply(build)

    @classmethod
    def random_bits(cls, *shape: int, device: str | None = None) -> Self:
        """32 random bits an element, as uint32."""
        sizes = check.shape_of(shape, "random_bits")
        return cls._next_call(device)._word(0, sizes)

    # -- distributions ---------------------------------------------------------------------------------------

    @classmethod
    def rand(cls, *shape: int, dtype: DType = dt.float32, device: str | None = None) -> Self:
        """Uniform in [0, 1): multiples of 2^-24, of 2^-53 for float64, for short floats of what they hold.

        Errors: DTypeError for other dtypes.
        """
        if not check.dtype_in(dtype, "rand").is_float:
            raise DTypeError(f"rand of {dtype}", why="uniform numbers are floats", mend="use randint")
        sizes = check.shape_of(shape, "rand")
        draw = cls._next_call(device)
        if dtype is dt.float64:
            upper, lower = ((draw._word(i, sizes) >> n).cast(dt.float64) for i, n in ((0, 6), (1, 5)))
            return (upper * 2.0**27 + lower) * 2.0**-53
        bits = min(24, dtype.mantissa + 1)
        shift, scale = 32 - bits, 2.0**-bits
        return draw._word(0, sizes).apply(
            lambda x: ((x >> shift).bitcast(dt.int32).cast(dt.float32) * scale).cast(dtype)
        )

    @classmethod
    def uniform(cls, *shape: int, low: float = 0.0, high: float = 1.0, device: str | None = None) -> Self:
        """Uniform in [low, high)."""
        return cls.rand(*shape, device=device) * (high - low) + low

    @classmethod
    def randn(cls, *shape: int, dtype: DType = dt.float32, device: str | None = None) -> Self:
        """Normal numbers of mean 0 and variance 1. Source: Box, Muller 1958. Errors: DTypeError."""
        if not check.dtype_in(dtype, "randn").is_float:
            raise DTypeError(f"randn of {dtype}", why="normal numbers are floats", mend="cast them")
        wide = dt.float64 if dtype is dt.float64 else dt.float32
        sizes = check.shape_of(shape, "randn")
        draw = cls._next_call(device)
        first, second = (
            draw._word(i, sizes).apply(
                lambda x: (x >> 1).bitcast(dt.int32).cast(wide) * 2.0**-31 + 2.0**-32
            )  # never 0
            for i in (0, 1)
        )
        return ((first.log() * -2).sqrt() * (second * (2 * math.pi))._unary(ops.COS)).cast(dtype)

    @classmethod
    def normal(
        cls,
        mean: float | Self = 0.0,
        std: float | Self = 1.0,
        size: Sequence[int] | None = None,
        *,
        dtype: DType = dt.float32,
        device: str | None = None,
    ) -> Self:
        """Normal numbers of a mean and a standard deviation, each a number or a tensor of them.

        Errors: DTypeError for numbers without a size, or a std below 0.
        """
        given = [t for t in (mean, std) if isinstance(t, Random)]
        if (size is None) != bool(given) or (not isinstance(std, Random) and std < 0):
            raise DTypeError(
                f"normal({mean}, {std}, {size})",
                why="two numbers have a size, tensors have their own, std is at least 0",
                mend="give a size with numbers alone",
            )
        shape = check.broadcast([t.shape for t in given], "normal") if given else tuple(size or ())
        place = given[0].device if given else device
        return cls.randn(*shape, dtype=given[0].dtype if given else dtype, device=place) * std + mean

    @classmethod
    def randint(
        cls,
        low: int,
        high: int | Sequence[int],
        size: Sequence[int] | None = None,
        *,
        dtype: DType = dt.int64,
        device: str | None = None,
    ) -> Self:
        """Whole numbers in [low, high); randint(high, size) begins at 0.

        Errors: DTypeError unless there are 1 to 2^31 numbers.
        """
        low, high = check.number(low), check.number(high)
        if size is None or not isinstance(high, int):
            low, high, size = 0, low, high if isinstance(high, Sequence) else size
        if size is None or not low < high <= low + 2**31:
            raise DTypeError(
                f"randint in [{low}, {high}) of size {size}", why="1 to 2^31 numbers", mend="give low < high"
            )
        count, first = high - low, low
        bits = cls.random_bits(*size, device=device)
        return bits.apply(lambda x: (((x.cast(dt.int64) * count) >> 32) + first).cast(dtype))

    def rand_like(self, *, dtype: DType | None = None) -> Self:
        """Uniform numbers in [0, 1) in this tensor's shape and dtype."""
        return self.rand(*self.shape, dtype=dtype or self.dtype, device=self.device)

    def randn_like(self, *, dtype: DType | None = None) -> Self:
        """Normal numbers in this tensor's shape and dtype."""
        return self.randn(*self.shape, dtype=dtype or self.dtype, device=self.device)

    def randint_like(self, low: int, high: int | None = None, *, dtype: DType | None = None) -> Self:
        """Whole numbers in [low, high), or [0, low), in this tensor's shape and dtype."""
        first, last = (0, low) if high is None else (low, high)
        return self.randint(first, last, self.shape, dtype=dtype or self.dtype, device=self.device)

    def bernoulli(self, p: float | None = None) -> Self:
        """1 with each element's probability, or with p, else 0. Errors: DTypeError for integers without p."""
        if p is None and not self.dtype.is_float:
            raise DTypeError(f"bernoulli of {self.dtype}", why="probabilities are floats", mend="cast them")
        if p is not None:
            _check_probability("bernoulli", p)
        hit = self.rand(*self.shape, device=self.device) < (self if p is None else p)
        return hit.cast(self.dtype)

    @check.takes("float")
    def dropout(self, p: float = 0.5, training: bool = True) -> Self:
        """Each element 0 with probability p, else divided by 1 - p."""
        return self._dropped(p, training, self.shape, "dropout")

    @check.takes("float")
    def dropout1d(self, p: float = 0.5, training: bool = True) -> Self:
        """Each channel 0 with probability p, else divided by 1 - p. Shapes: (n, channels, l) -> the same."""
        return self._channels_dropped(p, training, 1)

    @check.takes("float")
    def dropout2d(self, p: float = 0.5, training: bool = True) -> Self:
        """As dropout1d. Shapes: (n, channels, h, w) -> the same."""
        return self._channels_dropped(p, training, 2)

    @check.takes("float")
    def dropout3d(self, p: float = 0.5, training: bool = True) -> Self:
        """As dropout1d. Shapes: (n, channels, d, h, w) -> the same."""
        return self._channels_dropped(p, training, 3)

    def _channels_dropped(self, p: float, training: bool, axes: int) -> Self:
        whole = self.shape[: max(0, self.ndim - axes)]
        return self._dropped(p, training, (*whole, *(1,) * (self.ndim - len(whole))), f"dropout{axes}d")

    def _dropped(self, p: float, training: bool, shape: tuple[int, ...], what: str) -> Self:
        _check_probability(what, p)
        if not training or p == 0:
            return self
        keep = self.rand(*shape, device=self.device) >= p
        return (self * (1 / (1 - p) if p < 1 else 0.0)).where(keep, 0)


def _check_probability(what: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise DTypeError(f"{what} with p={p}", why="p is a probability", mend="give a number in [0, 1]")


def threefry(key0: UOp, key1: UOp, x0: UOp, x1: UOp) -> tuple[UOp, UOp]:
    """Threefry-2x32-20."""
    keys = (key0, key1, key0 ^ key1 ^ PARITY)
    x0, x1 = x0 + key0, x1 + key1
    for group in range(5):
        for turn in ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = ((x1 << turn) | (x1 >> (32 - turn))) ^ x0
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + (group + 1)
    return x0, x1
