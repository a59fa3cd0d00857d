"""Every float32 function is within the bound of its row, on patterns of all sizes and at every border."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad.ir.decompose import row_for
from tests.functions.measure import CASES, Case, worst

BLOCK = 200_000


def check(case: Case, kind: type, count: int, seed: int = 7) -> None:
    row = row_for(case.op, "float32" if kind is np.float32 else "float64")
    assert row is not None, f"{case.op.name} has no decomposition"
    error, where = worst(case, kind, count, seed)
    assert error <= row.ulp, f"{where}; the row says {row.ulp}"
    assert row.ulp <= case.op.ulp, f"the op's row says {case.op.ulp}, its decomposition's {row.ulp}"


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_function_is_within_its_bound(case: Case) -> None:
    check(case, np.float32, case.many)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_function_is_within_its_bound_on_ten_million_points(case: Case) -> None:
    for seed in range(50):
        check(case, np.float32, BLOCK, 100 + seed)
