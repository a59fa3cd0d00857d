"""The float32 functions run on this processor give what their decompositions mean, bit for bit, on
points of all sizes.

How far the decompositions are from the functions is measured in tests/ir/decompose.
"""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.ir import Op, UOp, ops
from baregrad.ir.decompose import decompose
from baregrad.target import Target
from tests.ir.decompose.evaluate import evaluate

from .kernels import TARGETS, Lines, broadcast, run

FUNCTIONS = (ops.EXP, ops.EXP2, ops.LOG, ops.LOG2, ops.TANH)
COUNT = 4096


def points() -> np.ndarray:
    rng = np.random.default_rng(3)
    patterns = rng.integers(0, 2**32, COUNT // 2, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = rng.uniform(-110, 110, COUNT // 2).astype(np.float32)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 2.0**-126, 1.0, -1.0], np.float32)
    return np.concatenate([patterns, near[: -len(special)], special])


def vectorized(node: UOp, given: dict[UOp, UOp], lanes: int, lines: Lines) -> UOp:
    """A graph of scalars as lines over vectors (lanes 0: as scalars)."""
    for part in node.toposort(lambda n: n not in given):
        if part not in given:
            if part.op is ops.CONST:
                made = broadcast(part, lanes) if lanes else part
            else:
                made = UOp(part.op, part.dtype, tuple(given[s] for s in part.src), part.arg)
            given[part] = lines.add(made)
    return given[node]


@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("op", FUNCTIONS, ids=[op.name for op in FUNCTIONS])
@pytest.mark.parametrize("scalar", [False, True], ids=["vector", "scalar"])
def test_function(op: Op, target: Target, scalar: bool) -> None:
    source = UOp(ops.PARAM, dt.float32, (), (0, 1))
    meaning = decompose(source.alu(op), target)
    x = points()
    lanes = 0 if scalar else target.lanes(4)
    lines = Lines()
    a, b = lines.param(dt.float32, COUNT), lines.param(dt.float32, COUNT)
    loop = lines.range(COUNT // max(1, lanes))
    at = lines.add(loop * lanes) if lanes else loop
    value = lines.load(a, at, lanes or None)
    lines.store(b, at, vectorized(meaning, {source: value}, lanes, lines))
    lines.end(loop)
    got = np.frombuffer(run(lines.linear(), target, [x.tobytes(), bytes(4 * COUNT)])[1], np.float32)
    want = evaluate(meaning, {source: x})
    same = (got.view(np.int32) == want.view(np.int32)) | (np.isnan(got) & np.isnan(want))
    assert same.all(), f"{op.name}({x[~same][:4]}) = {got[~same][:4]}, not {want[~same][:4]}"
