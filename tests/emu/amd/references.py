"""What the kernels of tests/vectors/triton compute, in numpy: launches with inputs and what must come out.

A launch is small enough for the slow emulator; `sizes` of a row may be raised by whoever times the fast one.
What is not here: the kernels themselves (tests/vectors/triton/kernels.py), running them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Launch(NamedTuple):
    """A kernel's arguments in order (arrays are its buffers, outputs are all 0 before), its grid, and what
    must be in its buffers afterwards: {number of the argument: (values, relative and absolute tolerance)}.
    """

    args: tuple[Array | int | float, ...]
    grid: tuple[int, int, int]
    expected: dict[int, tuple[Array, float]]


def floats(seed: int, *shape: int) -> Array:
    """Normal values of float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def integers(seed: int, low: int, high: int, *shape: int, dtype: Any = np.int32) -> Array:
    """Integers from low to high - 1."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def add(n: int = 300) -> Launch:
    x, y = floats(1, n), floats(2, n)
    return Launch((x, y, np.zeros_like(x), n), (-(-n // 256), 1, 1), {2: (x + y, 0)})


def softmax(rows: int = 2, columns: int = 777) -> Launch:
    x = floats(3, rows, columns)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    return Launch((x, np.zeros_like(x), columns), (rows, 1, 1), {1: (e / e.sum(1, keepdims=True), 1e-5)})


def layernorm(rows: int = 2, columns: int = 777) -> Launch:
    x, w, b = floats(4, rows, columns), floats(5, columns), floats(6, columns)
    wide = x.astype(np.float64)
    y = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5) * w + b
    return Launch((x, w, b, np.zeros_like(x), columns, 1e-5), (rows, 1, 1), {3: (y, 2e-5)})


def gelu(n: int = 300) -> Launch:
    x = floats(7, n)
    y = [0.5 * v * (1 + math.erf(v * 0.7071067811865476)) for v in map(float, x)]
    return Launch((x, np.zeros_like(x), n), (-(-n // 256), 1, 1), {1: (np.array(y), 2e-5)})


def product(inputs: Any, out: Any, block: int, tolerance: float) -> Callable[..., Launch]:
    """A matrix product of two arrays of that dtype."""
    least = max(64, block)

    def made(m: int = least, n: int = least, k: int = 64) -> Launch:
        if np.issubdtype(inputs, np.integer):
            a, b = (integers(s, -128, 128, *shape, dtype=inputs) for s, shape in ((8, (m, k)), (9, (k, n))))
        else:
            a, b = floats(8, m, k).astype(inputs), floats(9, k, n).astype(inputs)
        kind = np.int64 if np.issubdtype(inputs, np.integer) else np.float64
        c = a.astype(kind) @ b.astype(kind)
        grid = (m // block, n // block, 1)
        return Launch((a, b, np.zeros((m, n), out), m, n, k), grid, {2: (c, tolerance)})

    return made


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def matmul_mxfp4(m: int = 32, n: int = 32, k: int = 128) -> Launch:
    a, b = (integers(s, 0, 256, rows, k // 2, dtype=np.uint8) for s, rows in ((10, m), (11, n)))
    sa, sb = (integers(s, 122, 133, rows, k // 32, dtype=np.uint8) for s, rows in ((12, m), (13, n)))

    def values(packed: Array, scales: Array) -> Array:
        each = E2M1[np.stack((packed & 15, packed >> 4), -1).reshape(len(packed), k)]
        return each * np.repeat(2.0 ** (scales.astype(np.float64) - 127), 32, 1)

    c = values(a, sa) @ values(b, sb).T
    args = (a, sa, b, sb, np.zeros((m, n), np.float32), m, n, k)
    return Launch(args, (m // 32, n // 32, 1), {4: (c, 1e-6)})


def attention(n: int = 64) -> Launch:
    q, k, v = (floats(s, n, 64).astype(np.float16) for s in (14, 15, 16))
    s = q.astype(np.float64) @ k.astype(np.float64).T * 0.125
    p = np.exp(s - s.max(1, keepdims=True))
    out = p @ v.astype(np.float64) / p.sum(1, keepdims=True)
    return Launch((q, k, v, np.zeros((n, 64), np.float32), n, 0.125), (n // 64, 1, 1), {3: (out, 2e-3)})


def atomics(n: int = 300) -> Launch:
    x = integers(17, 0, 1000, n)
    out = np.zeros(17, np.int64)
    np.add.at(out, x & 15, 1)
    out[16] = x.max()
    return Launch((x, np.zeros(17, np.int32), n), (-(-n // 256), 1, 1), {1: (out, 0)})


def scan() -> Launch:
    x = floats(18, 512)
    return Launch((x, np.zeros_like(x)), (1, 1, 1), {1: (np.cumsum(x.astype(np.float64)), 1e-4)})


def sort() -> Launch:
    x = integers(19, -(2**31), 2**31, 256)
    return Launch((x, np.zeros_like(x)), (1, 1, 1), {1: (np.sort(x), 0)})


def philox_values(seed: int, n: int) -> Array:
    """Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), Philox-4x32-10, its first word as
    a float in [0, 1): the absolute value (of a negative x: -x - 1) times the float below 2**-31.
    """
    counter = [np.arange(n, dtype=np.uint64), *(np.zeros(n, np.uint64) for _ in range(3))]
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [
            b >> 32 ^ counter[1] ^ keys[0],
            b & 0xFFFFFFFF,
            a >> 32 ^ counter[3] ^ keys[1],
            a & 0xFFFFFFFF,
        ]
        keys = [keys[0] + 0x9E3779B9 & 0xFFFFFFFF, keys[1] + 0xBB67AE85 & 0xFFFFFFFF]
    signed = counter[0].astype(np.uint32).view(np.int32)
    return np.where(signed < 0, -signed - 1, signed).astype(np.float32) * np.float32(4.6566127342e-10)


def philox(n: int = 300) -> Launch:
    out = philox_values(1234, n)
    return Launch((np.zeros(n, np.float32), n, 1234), (-(-n // 256), 1, 1), {0: (out, 0)})


def transpose(m: int = 40, n: int = 50) -> Launch:
    x = floats(20, m, n).astype(np.float16)
    return Launch((x, np.zeros((n, m), np.float16), m, n), (-(-m // 32), -(-n // 32), 1), {1: (x.T, 0)})


def argmax(rows: int = 3) -> Launch:
    x = floats(21, rows, 500)
    return Launch((x, np.zeros(rows, np.int32), 500), (rows, 1, 1), {1: (x.argmax(1), 0)})


def integer_arithmetic(n: int = 300) -> Launch:
    x, y = integers(22, -(10**9), 10**9, n), integers(23, 1, 5000, n)
    x[:4], y[:4] = (-7, 7, -7, 7), (2, 2, -2, -2)
    a, b = x.astype(np.int64), y.astype(np.int64)
    quotient = np.trunc(a / b).astype(np.int64)
    out = (quotient * 3 + (a - quotient * b) ^ (a << 2) | (b >> 1)).astype(np.uint32).view(np.int32)
    return Launch((x, y, np.zeros_like(x), n), (-(-n // 256), 1, 1), {2: (out, 0)})


def convert(n: int = 300) -> Launch:
    x = floats(24, n) * 100
    out = x.astype(np.float16).astype(np.float32).astype(ml_dtypes.bfloat16)
    return Launch((x, np.zeros(n, ml_dtypes.bfloat16), n), (-(-n // 256), 1, 1), {1: (out, 0)})


def double(n: int = 300) -> Launch:
    x = np.abs(floats(25, n).astype(np.float64))
    out = np.sqrt(x * x + 1) / (x + 2)
    return Launch((x, np.zeros_like(x), n), (-(-n // 256), 1, 1), {1: (out, 1e-14)})


def trig(n: int = 300) -> Launch:
    x = floats(26, n)
    wide = x.astype(np.float64)
    out = np.sin(wide) + np.cos(wide) * np.log(np.abs(wide) + 1) + np.exp2(wide)
    return Launch((x, np.zeros_like(x), n), (-(-n // 256), 1, 1), {1: (out, 1e-5)})


F8 = ml_dtypes.float8_e4m3fn
LAUNCHES: dict[str, Callable[..., Launch]] = {
    "add": add, "softmax": softmax, "layernorm": layernorm, "gelu": gelu,
    "matmul_f32": product(np.float32, np.float32, 32, 1e-4),
    "matmul_f16": product(np.float16, np.float32, 64, 1e-4),
    "matmul_bf16": product(ml_dtypes.bfloat16, np.float32, 64, 1e-4),
    "matmul_i8": product(np.int8, np.int32, 64, 0),
    "matmul_fp8": product(F8, np.float32, 64, 1e-4),
    "gemm_fp8": product(F8, np.float32, 128, 1e-4),
    "matmul_mxfp4": matmul_mxfp4, "attention": attention, "atomics": atomics, "scan": scan, "sort": sort,
    "philox": philox, "transpose": transpose, "argmax": argmax, "integers": integer_arithmetic,
    "convert": convert, "double": double, "trig": trig,
}  # fmt: skip
"""The launch of each kernel; their defaults are small."""


def close(found: Array, expected: Array, tolerance: float) -> bool:
    """Whether a buffer has what it must, within a tolerance of each value and of the largest."""
    found, expected = (np.asarray(one).reshape(-1).astype(np.float64) for one in (found, expected))
    return bool(np.all(np.abs(found - expected) <= tolerance * (np.abs(expected) + np.abs(expected).max())))
