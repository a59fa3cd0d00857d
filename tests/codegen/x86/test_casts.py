"""Casts between all pairs of dtypes as kernels, against dtype/convert.py: bit for bit, on every pattern up to
16 bits and on borders and ties of wider dtypes.

The bits of a NaN are compared where a dtype has at most 16; wider ones may keep more of it than a sign. The
suite runs a sixth of the pairs, another for each --seed, on a part of the patterns; `slow` runs all on all.
"""

from __future__ import annotations

import math
import random
import struct
from functools import cache

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp
from baregrad.kernel import optimize
from baregrad.lower import lower
from baregrad.target import Target
from tests.kernel.kernels import axis, kernel, load, param, store

from .kernels import TARGETS, run

DTYPES = [row for row in dt.ALL if row is not dt.void]
PAIRS = [(a, b) for a in DTYPES for b in DTYPES if a is not b]
SHARE = 6
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def codes_of(dtype: DType, data: bytes) -> list[int]:
    """Stored bytes as unsigned integers."""
    return list(struct.unpack(f"<{len(data) // dtype.itemsize}{CODES[dtype.itemsize]}", data))


@cache
def ties() -> list[float]:
    """Float64 values where dtypes of at most 16 bits round one way or the other."""
    found: list[float] = []
    for dtype in DTYPES:
        if not dtype.is_float or dtype.bits > 16:
            continue
        codes = range(1 << (dtype.bits - 1)) if dtype.bits == 8 else range(0, 1 << 15, 97)
        values = [float(v) for c in codes if math.isfinite(v := float(dt.from_bits(dtype, c)))]
        values.append(dtype.max_finite + dtype.max_finite - values[-2 if dtype.bits == 8 else -1])
        half = dtype.epsilon / 2
        found += values
        least = 2.0 ** (dtype.min_exponent - dtype.mantissa - 1)
        found += [v * (1 + half) for v in values] + [v + least for v in values]
        found.append(dtype.max_finite * (1 + half))
    return found


@cache
def sources(dtype: DType) -> list[int]:
    """The bits of values of a dtype: all of them up to 16 bits."""
    return (
        [*range(1 << dtype.bits)] if dtype.bits <= 16 else codes_of(dtype, dt.pack(dtype, wide_values(dtype)))
    )


def wide_values(dtype: DType) -> list[dt.Value]:
    """Values of a dtype of more than 16 bits."""
    rng = random.Random(dtype.name)
    if dtype.is_float:
        near = [x for v in ties() for x in (v, math.nextafter(v, math.inf), math.nextafter(v, 0.0))]
        whole = [2.0**n + d for n in (7, 8, 15, 16, 31, 32, 63, 64) for d in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        some = [rng.uniform(-1, 1) * 2.0 ** rng.randrange(-160, 140) for _ in range(500)]
        special = [
            math.inf,
            math.nan,
            math.copysign(math.nan, -1.0),
            0.0,
            5e-324,
            1e308,
            3.4028235677973366e38,
        ]
        every = near + whole + some + special
        return [*dt.round_list(dtype, every + [-v for v in every])]
    low, high = int(dtype.min), int(dtype.max)
    edges = [(1 << n) + d for n in range(dtype.bits) for d in (-2, -1, 0, 1, 2)]
    cut = [(rng.randrange(128, 256) << n) + (1 << n >> 1) + d for n in range(dtype.bits) for d in (-1, 0, 1)]
    every_int = [0, *edges, *cut, *(rng.randrange(low, high) for _ in range(300))]
    return [v for v in every_int + [-v for v in every_int] if low <= v <= high]


def cast_kernel(source: DType, dtype: DType, count: int) -> UOp:
    i = axis(0, count)
    return kernel(store(param(0, count, dtype), i, load(param(1, count, source), i).cast(dtype), i))


def check(source: DType, dtype: DType, target: Target, codes: list[int], *, scalar: bool) -> None:
    ast = cast_kernel(source, dtype, len(codes))
    linear = lower(ast if scalar else optimize(ast, target), target)
    data = struct.pack(f"<{len(codes)}{CODES[source.itemsize]}", *codes)
    got = run(linear, target, [bytes(len(codes) * dtype.itemsize), data])[0]
    want = dt.pack(dtype, dt.convert_list(dt.unpack(source, data), source, dtype))
    if got == want:
        return
    how = "scalar" if scalar else "vector"
    for code, a, b in zip(codes, codes_of(dtype, got), codes_of(dtype, want), strict=True):
        about = f"{source} {code:#x} to {dtype}, {how}, {target.name}: {a:#x}, not {b:#x}"
        assert a == b or same_nan(dtype, a, b), about


def same_nan(dtype: DType, a: int, b: int) -> bool:
    """Whether bits of float32 or float64 are NaN with the same sign."""
    if not dtype.is_float or dtype.bits <= 16:
        return False
    x, y = (float(dt.from_bits(dtype, code)) for code in (a, b))
    return x != x and y != y and math.copysign(1, x) == math.copysign(1, y)


@pytest.mark.parametrize("scalar", [True, False], ids=["scalar", "vector"])
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("part", range(SHARE))
def test_some_pairs(target: Target, part: int, scalar: bool, request: pytest.FixtureRequest) -> None:
    turn = (SHARE * int(request.config.getoption("--seed")) + part) % (SHARE * SHARE)
    for source, dtype in PAIRS[turn :: SHARE * SHARE]:
        codes = sources(source)
        check(source, dtype, target, codes[:: max(1, len(codes) // 400) | 1], scalar=scalar)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("source", DTYPES, ids=lambda d: d.name)
def test_all_pairs(source: DType, target: Target) -> None:
    for dtype in DTYPES:
        if dtype is not source:
            for scalar in (True, False):
                check(source, dtype, target, sources(source), scalar=scalar)
