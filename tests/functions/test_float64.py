"""Every float64 function is within the bound of its row; so is the meaning of its op."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad.ir import ops
from tests.functions.measure import CASES, Case, pairs, ulps
from tests.functions.test_float32 import check

MEANT = 20.0  # what C libraries lose at the arguments nearest to multiples of pi / 2


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_function_is_within_its_bound(case: Case) -> None:
    check(case, np.float64, case.few)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_function_is_within_its_bound_on_many_points(case: Case) -> None:
    for seed in range(10):
        check(case, np.float64, 10_000, 100 + seed)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_meaning_is_the_function(case: Case) -> None:
    arrays = pairs(np.float64, 300, case, 3)
    assert case.op.meaning is not None
    got = np.array([case.op.meaning(*each) for each in zip(*[a.tolist() for a in arrays], strict=True)])
    with np.errstate(all="ignore"):
        want = case.wider(*[a.astype(np.longdouble) for a in arrays])
    error = ulps(got, want)
    signs = (np.signbit(got) != np.signbit(want)) & ~np.isnan(want)
    at = int(np.argmax(np.where(signs, np.inf, error)))
    shown = ", ".join(repr(a[at]) for a in arrays)
    assert not signs[at], f"{case.op.name}({shown}) = {got[at]!r} has the wrong sign"
    assert error[at] <= (MEANT if case.op in (ops.SIN, ops.COS, ops.TAN) else 2.0), (
        f"{case.op.name}({shown}) = {got[at]!r}, not {want[at]!r}: {error[at]} ulp"
    )
