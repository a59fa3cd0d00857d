"""Evaluates graphs of scalar ops on numpy arrays, one element a lane: the arithmetic of the hardware, a
million points at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from baregrad.ir import UOp, toposort

NUMPY = {"float32": np.float32, "int32": np.int32, "bool": np.bool_, "int64": np.int64, "uint32": np.uint32}


def fused(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a * b + c of float32 with one rounding: the float64 sum rounded to odd, then to float32."""
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
    return np.where((b >= 0) & (b < 32), a << (b & 31), 0)


def shift_right(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where((b >= 0) & (b < 32), a >> (b & 31), np.where(a < 0, -1, 0))


MEANING: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b, "not": lambda a: ~a,
    "neg": lambda a: -a, "shl": shift_left, "shr": shift_right, "cmplt": lambda a, b: a < b,
    "cmple": lambda a, b: a <= b, "cmpeq": lambda a, b: a == b, "cmpne": lambda a, b: a != b,
    "select": np.where, "max": greatest, "min": least, "fma": fused, "trunc": np.trunc,
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
