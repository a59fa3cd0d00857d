"""Measures how far the decompositions of functions are from the functions, in units in the last place.

`python tools/ulps.py [--points N] [NAME ...]` prints a row for each function and dtype: the greatest
distance, where, how many points, how many ops. It needs numpy, scipy and mpmath (development packages).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from baregrad import dtype as dt
from baregrad.ir import ops
from tests.functions.measure import CASES, Case, graph, worst

BLOCK = 200_000


def measure(case: Case, kind: type, count: int) -> tuple[float, str]:
    """The worst of as many blocks of points as are wanted."""
    blocks = max(1, count // BLOCK)
    return max(worst(case, kind, min(count, BLOCK), seed) for seed in range(7, 7 + blocks))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--dtype", choices=["float32", "float64"])
    wanted = parser.parse_args()
    for case in CASES:
        if wanted.names and case.op.name not in wanted.names:
            continue
        for kind, dtype in ((np.float32, dt.float32), (np.float64, dt.float64)):
            if wanted.dtype in (None, dtype.name):
                root, _ = graph(case.op, dtype)
                size = sum(node.op not in (ops.CONST, ops.PARAM, ops.BITCAST) for node in root.toposort())
                error, where = measure(case, kind, wanted.points)
                print(f"{case.op.name:8} {dtype.name} {error:8.3f} {size:4} ops  {where}", flush=True)


if __name__ == "__main__":
    main()
