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


@pytest.mark.parametrize("scalar", [False, True], ids=["vector", "scalar"])
@pytest.mark.parametrize("target", TARGETS, ids=[t.name for t in TARGETS])
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_machine_code_does_what_the_graph_says(case: Case, target: Target, scalar: bool) -> None:
    arrays = [np.resize(a, COUNT) for a in pairs(np.float32, COUNT - 1200, case, 5)]
    meaning, sources = graph(case.op, dt.float32, target)
    lanes = 0 if scalar else target.lanes(4)
    lines = Lines()
    params = [lines.param(dt.float32, COUNT) for _ in range(len(arrays) + 1)]
    loop = lines.range(COUNT // max(1, lanes))
    at = lines.add(loop * lanes) if lanes else loop
    given = {s: lines.load(p, at, lanes or None) for s, p in zip(sources, params, strict=False)}
    lines.store(params[-1], at, vectorized(meaning, given, lanes, lines))
    lines.end(loop)
    memory = run(lines.linear(), target, [*[a.tobytes() for a in arrays], bytes(4 * COUNT)])
    got = np.frombuffer(memory[-1], np.float32)
    want = evaluate(meaning, dict(zip(sources, arrays, strict=True)))
    same = (got.view(np.int32) == want.view(np.int32)) | (np.isnan(got) & np.isnan(want))
    at_first = np.flatnonzero(~same)[:4]
    shown = [a[at_first] for a in arrays]
    assert same.all(), f"{case.op.name}({shown}) = {got[at_first]}, not {want[at_first]}"
