"""Functions of float16 and bfloat16, computed in float32 and rounded once, on every value."""

from __future__ import annotations

import pytest

from tests.functions.exhaustive import worst
from tests.functions.measure import CASES, Case

BOUND = 0.501  # ulp: correctly rounded but for ties that float32 can't tell
FEW = [c if c.op.name == "exp" else pytest.param(c, marks=pytest.mark.slow) for c in CASES]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", FEW, ids=repr)
def test_function_is_rounded_once(case: Case, dtype: str) -> None:
    error, where = worst(case, dtype)
    assert error <= BOUND, f"{error} ulp at {where}"
