"""Every value of a narrow dtype through a function on this processor, against float64.

`python -m tests.functions.exhaustive --dtype float32 exp2 log2 sin tanh` takes some minutes a function
(2 ** 32 values); `--dtype float16` and `--dtype bfloat16` (2 ** 16) are at once. A function of two sources
gets each value of the first with `PARTNERS`. What is printed: the greatest distance in ulp, and where.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import ml_dtypes
import numpy as np

from baregrad import Tensor, dtypes
from tests.functions.measure import CASES, Array, Case, ulps

BLOCK = 1 << 22
KINDS = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
PARTNERS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 0.3125, 7.5, -20.0, 100.0, np.inf, -np.inf, np.nan)


def blocks(kind: type) -> Iterator[Array]:
    """All bit patterns, as unsigned integers."""
    whole = np.uint32 if np.dtype(kind).itemsize == 4 else np.uint16
    end = 1 << 8 * np.dtype(kind).itemsize
    for start in range(0, end, BLOCK):
        yield np.arange(start, min(start + BLOCK, end), dtype=whole)


def run(case: Case, dtype: str, patterns: Array, *partner: float) -> Array:
    """What this processor gives."""
    x = Tensor(patterns).bitcast(getattr(dtypes, dtype))
    others = [Tensor.full((), value, dtype=x.dtype).expand(*x.shape).contiguous() for value in partner]
    out = x.apply(lambda a, *b: a.alu(case.op, *b), *others)
    return out.bitcast(dtypes.uint32 if dtype == "float32" else dtypes.uint16).numpy().view(KINDS[dtype])


def distance(got: Array, want: Array, kind: type) -> Array:
    """ulps, for kinds that numpy has no spacing for too."""
    if kind is np.float32:
        return ulps(got, want)
    info = ml_dtypes.finfo(kind)
    with np.errstate(all="ignore"):
        near = want.astype(kind).astype(np.float64)
        top, tiny = float(info.max), float(info.smallest_normal)
        exponent = np.floor(np.log2(np.clip(np.abs(want), tiny, top)))
        unit = np.exp2(exponent - info.nmant)
        limit = top + np.exp2(np.floor(np.log2(top)) - info.nmant)
        wide = got.astype(np.float64)
        clipped = np.where(np.isinf(wide), np.copysign(limit, wide), wide)
        error = np.abs(clipped - np.clip(want, -limit, limit)) / unit
    exact = (wide == near) & ~np.isfinite(near) | (np.isnan(wide) & np.isnan(want))
    broken = np.isnan(wide) != np.isnan(want)
    return np.where(exact, 0.0, np.where(broken, np.inf, error))


def worst(case: Case, dtype: str) -> tuple[float, str]:
    """(the greatest distance, where) over all values."""
    kind = KINDS[dtype]
    found, where = 0.0, ""
    for partner in [()] if case.op.arity == 1 else [(value,) for value in PARTNERS]:
        for patterns in blocks(kind):
            x = patterns.view(kind)
            with np.errstate(all="ignore"):
                others = [np.full(x.shape, np.asarray(value, kind), np.float64) for value in partner]
                want = case.wide(x.astype(np.float64), *others)
            error = distance(run(case, dtype, patterns, *partner), want, kind)
            at = int(np.argmax(error))
            if error[at] > found:
                found, where = float(error[at]), f"{case.op.name}({', '.join(map(str, (x[at], *partner)))})"
    return found, where


def main() -> None:
    """Print a line for each function."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dtype", choices=KINDS, default="float32")
    wanted = parser.parse_args()
    for case in CASES:
        if wanted.names and case.op.name not in wanted.names:
            continue
        start = time.perf_counter()
        error, where = worst(case, wanted.dtype)
        took = time.perf_counter() - start
        print(f"{case.op.name:10} {wanted.dtype} {error:.4f} ulp at {where}, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
