"""The gradient of every function's row is its slope: against central differences of its meaning."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, evaluate, ops
from tests.functions.measure import CASES, Case

INSIDE = {  # where to look, for functions that are not defined on all of these
    ops.LOG: (0.3, 2.0, 40.0), ops.LOG2: (0.3, 2.0, 40.0), ops.LOG10: (0.3, 2.0, 40.0),
    ops.RSQRT: (0.3, 2.0, 9.0),
    ops.LOG1P: (-0.7, 0.01, 3.0), ops.ASIN: (-0.7, 0.01, 0.9), ops.ACOS: (-0.7, 0.01, 0.9),
    ops.ATANH: (-0.7, 0.01, 0.9), ops.ERFINV: (-0.7, 0.01, 0.9), ops.ACOSH: (1.1, 2.0, 30.0),
    ops.LGAMMA: (-2.3, 0.3, 1.7, 30.0), ops.POW: (0.3, 1.7, 2.5),
}  # fmt: skip
ANYWHERE = (-1.3, 0.4, 2.1)
SECOND = 1.7
STEP = 1e-5


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_gradient_is_the_slope(case: Case) -> None:
    op, points = case.op, list(INSIDE.get(case.op, ANYWHERE))
    assert op.gradient is not None
    assert op.meaning is not None
    sources = tuple(UOp(ops.BUFFER, dt.float64, (), Buffer(n, (len(points),))) for n in range(op.arity or 1))
    y = UOp(op, dt.float64, sources)
    gradients = op.gradient(y * 0.0 + 1.0, y, *sources)
    given = {0: points, 1: [SECOND] * len(points)}
    for number, gradient in enumerate(gradients):
        seen = evaluate([gradient], given)[0]
        for x, slope in zip(points, seen, strict=True):
            at = (x, SECOND)[: op.arity]
            above = op.meaning(*(v + STEP * (i == number) for i, v in enumerate(at)))
            below = op.meaning(*(v - STEP * (i == number) for i, v in enumerate(at)))
            want = (above - below) / (2 * STEP)
            assert slope == pytest.approx(want, rel=1e-7, abs=1e-9), f"{op.name}{at}, source {number}"


def test_pow_gradient_at_its_edges() -> None:
    x = UOp(ops.BUFFER, dt.float64, (), Buffer(0, (3,)))
    p = UOp(ops.BUFFER, dt.float64, (), Buffer(1, (3,)))
    y = x.alu(ops.POW, p)
    assert ops.POW.gradient is not None
    by_base, by_power = ops.POW.gradient(y * 0.0 + 1.0, y, x, p)
    given = {0: [0.0, 0.0, -2.0], 1: [2.0, 0.0, 3.0]}
    assert evaluate([by_base], given)[0] == [0.0, 0.0, 12.0]
    assert evaluate([by_power], given)[0][:2] == [0.0, 0.0]
