"""Evaluates graphs of scalar ops on numpy arrays, one element a lane: the arithmetic of the hardware, a
million points at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from baregrad.ir import UOp, toposort
from baregrad.ir.interpret_values import fma64

NUMPY = {
    "float32": np.float32,
    "float64": np.float64,
    "int32": np.int32,
    "bool": np.bool_,
    "int64": np.int64,
    "uint32": np.uint32,
}


def fused(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a * b + c with one rounding."""
    return fused32(a, b, c) if a.dtype == np.float32 else fused64(a, b, c)


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """26 bits and the rest."""
    large = a * 134217729.0
    high = large - (large - a)
    return high, a - high


def middle_fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a * b + c where nothing overflows or is denormal on the way: the sum of three floats, its tail rounded
    to odd (Boldo, Melquiond, «Emulation of a FMA and correctly rounded sums», 2008).
    """
    product = a * b
    (a1, a2), (b1, b2) = halves(a), halves(b)
    low = ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
    first, second = two_sum(c, low)
    total, rest = two_sum(product, first)
    tail, error = two_sum(rest, second)
    even = (tail.view(np.int64) & 1) == 0
    odd = np.nextafter(tail, np.where(error > 0, np.inf, -np.inf))
    return total + np.where((error != 0) & even, odd, tail)


def fused64(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a * b + c of float64 with one rounding; the exact way (fractions) where exponents are extreme."""
    a, b, c = np.broadcast_arrays(a, b, c)
    result = middle_fma(a, b, c)
    rough = a * b + c
    large = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.maximum(np.abs(c), np.abs(a * b)))
    low = np.minimum(np.abs(a * b), np.where(c == 0, np.inf, np.abs(c)))
    low = np.minimum(low, np.minimum(np.abs(a), np.abs(b)))
    safe = (large < 2.0**900) & (low > 2.0**-800)  # then no result but 0 is below 2**-905
    plain = ~np.isfinite(a) | ~np.isfinite(b) | ~np.isfinite(c) | (a == 0) | (b == 0)
    result = np.where(safe, result, rough)
    hard = np.flatnonzero(~safe & ~plain)
    if len(hard):
        result[hard] = [fma64(*each) for each in zip(a[hard].tolist(), b[hard].tolist(), c[hard].tolist())]
    return result


def fused32(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The float64 sum rounded to odd, then to float32."""
    product = a.astype(np.float64) * b.astype(np.float64)
    addend = c.astype(np.float64)
    total = product + addend
    back = total - product
    error = (product - (total - back)) + (addend - back)
    even = (total.view(np.int64) & 1) == 0
    toward = np.where(error > 0, np.inf, -np.inf)
    return np.where(np.isfinite(total) & (error != 0) & even, np.nextafter(total, toward), total).astype(
        np.float32
    )


def greatest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(a) | (a > b), a, b)


def least(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(a) | (a < b), a, b)


def shift_left(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    bits = 8 * a.itemsize
    return np.where((b >= 0) & (b < bits), a << (b & (bits - 1)), 0)


def shift_right(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    bits = 8 * a.itemsize
    return np.where((b >= 0) & (b < bits), a >> (b & (bits - 1)), np.where(a < 0, -1, 0))


MEANING: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b, "not": lambda a: ~a,
    "neg": lambda a: -a, "shl": shift_left, "shr": shift_right, "cmplt": lambda a, b: a < b,
    "cmple": lambda a, b: a <= b, "cmpeq": lambda a, b: a == b, "cmpne": lambda a, b: a != b,
    "select": np.where, "max": greatest, "min": least, "fma": fused, "trunc": np.trunc, "floor": np.floor,
    "sqrt": np.sqrt, "reciprocal": lambda a: 1 / a,
    "idiv": lambda a, b: a // b,
}  # fmt: skip


def evaluate(root: UOp, inputs: dict[UOp, np.ndarray]) -> np.ndarray:
    """The value of a graph; `inputs` gives the arrays of its leaves."""
    values: dict[UOp, Any] = dict(inputs)
    with np.errstate(all="ignore"):
        for node in toposort((root,), lambda n: n not in inputs):
            if node in values:
                continue
            kind = NUMPY[node.dtype.name]
            src = [values[s] for s in node.src]
            if node.op.name == "const":
                values[node] = np.asarray(node.arg, kind).reshape(1)
            elif node.op.name == "bitcast":
                values[node] = np.ascontiguousarray(src[0]).view(kind)
            elif node.op.name == "cast":
                values[node] = src[0].astype(kind)
            else:
                values[node] = MEANING[node.op.name](*src).astype(kind)
    return values[root]
