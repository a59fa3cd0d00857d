"""Functions in whole kernels on the CPU: as long as several vectors, with a tail."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad.ir import ops
from baregrad.tensor import Tensor
from tests.functions.measure import CASES, Case

COUNT = 133


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_function_of_a_tensor(case: Case) -> None:
    values = [(i % 89 + 1) / 90 for i in range(COUNT)]
    if case.op is ops.ACOSH:
        values = [1.0 + v for v in values]
    x = Tensor(values, device="cpu")
    got = applied(x, case)
    assert case.op.meaning is not None
    for v, seen in zip(x.tolist(), got, strict=True):
        want = case.op.meaning(*(v,) * (case.op.arity or 1))
        assert seen == pytest.approx(want, rel=3e-7), f"{case.op.name}({v})"


def applied(x: Tensor, case: Case) -> list[float]:
    """The op of a tensor (of itself twice), through the tensor's own builders."""
    made = x._unary(case.op) if case.op.arity == 1 else x._binary(case.op, x)
    return made.tolist()


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16, dt.float64], ids=str)
@pytest.mark.parametrize(
    "op",
    [
        ops.SIN,
        ops.ATAN2,
        *(pytest.param(op, marks=pytest.mark.slow) for op in (ops.ERFINV, ops.LGAMMA, ops.POW)),
    ],
    ids=lambda op: op.name,
)
def test_function_of_another_dtype(op: ops.Op, dtype: dt.DType) -> None:
    x = Tensor([0.5, 0.75, 0.25] * 15, device="cpu", dtype=dtype)
    made = x._unary(op) if op.arity == 1 else x._binary(op, x)
    assert op.meaning is not None
    want = [op.meaning(*(v,) * (op.arity or 1)) for v in (0.5, 0.75, 0.25)]
    assert made.tolist()[:3] == pytest.approx(want, rel=max(dtype.epsilon, 2e-16) * 1.01)
