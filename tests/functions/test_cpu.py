"""The float32 functions run on this processor give what their decompositions mean, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, ops
from baregrad.target import Target
from tests.codegen.x86.kernels import TARGETS, Lines, broadcast, run
from tests.functions.measure import CASES, Case, graph, pairs
from tests.ir.decompose.evaluate import evaluate

COUNT = 4096


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


def check(case: Case, dtype: dt.DType, target: Target, scalar: bool, count: int) -> None:
    kind = np.float32 if dtype is dt.float32 else np.float64
    arrays = [np.resize(a, count) for a in pairs(kind, count - 1200, case, 5)]
    meaning, sources = graph(case.op, dtype, target)
    widest = max(node.dtype.itemsize for node in meaning.toposort())
    lanes = 0 if scalar else target.lanes(widest)
    lines = Lines()
    params = [lines.param(dtype, count) for _ in range(len(arrays) + 1)]
    loop = lines.range(count // max(1, lanes))
    at = lines.add(loop * lanes) if lanes else loop
    given = {s: lines.load(p, at, lanes or None) for s, p in zip(sources, params, strict=False)}
    lines.store(params[-1], at, vectorized(meaning, given, lanes, lines))
    lines.end(loop)
    memory = run(lines.linear(), target, [*[a.tobytes() for a in arrays], bytes(dtype.itemsize * count)])
    got = np.frombuffer(memory[-1], kind)
    want = evaluate(meaning, dict(zip(sources, arrays, strict=True)))
    ints = np.int32 if dtype is dt.float32 else np.int64
    same = (got.view(ints) == want.view(ints)) | (np.isnan(got) & np.isnan(want))
    first = np.flatnonzero(~same)[:4]
    shown = [a[first] for a in arrays]
    assert same.all(), f"{case.op.name}({shown}) = {got[first]}, not {want[first]}"


TARGET_NAMES = [t.name for t in TARGETS]


HOW = pytest.mark.parametrize(
    "scalar", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["vector", "scalar"]
)


@HOW
@pytest.mark.parametrize("target", TARGETS, ids=TARGET_NAMES)
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_float32_machine_code_does_what_the_graph_says(case: Case, target: Target, scalar: bool) -> None:
    check(case, dt.float32, target, scalar, 4096)


@HOW
@pytest.mark.parametrize("target", TARGETS, ids=TARGET_NAMES)
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_float64_machine_code_does_what_the_graph_says(case: Case, target: Target, scalar: bool) -> None:
    check(case, dt.float64, target, scalar, 1600)
