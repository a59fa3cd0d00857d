"""Rows of the tests of the wider API: a function of ours against one of numpy's, on given arrays."""

from __future__ import annotations

import numpy as np

from baregrad.tensor import Tensor
from tests.tensor.table_ops import I, J, Row, floats, ints, wide

EPS = 2.0**-24

__all__ = ["I", "J", "Row", "check_row", "close", "floats", "ints"]


def check_row(row: Row) -> None:
    """Shape, values and kind of dtype."""
    ours = row.ours(*(Tensor(array) for array in row.arrays))
    with np.errstate(all="ignore"):
        theirs = np.asarray(row.theirs(*(wide(array) for array in row.arrays)))
    close(ours, theirs, row.scale)


def close(ours: Tensor, theirs: np.ndarray, scale: float = 1.0) -> None:
    """Whether integers are equal, and floats within 32 rounding errors, or 8 of the greatest."""
    assert ours.shape == theirs.shape
    found = ours.numpy()
    if not ours.dtype.is_float:
        assert found.tolist() == theirs.tolist()
        return
    assert theirs.dtype.kind == "f", f"{ours.dtype} for {theirs.dtype}"
    greatest = np.abs(theirs[np.isfinite(theirs) & (np.abs(theirs) < 1e30)]).max(initial=0.0)
    np.testing.assert_allclose(
        found, theirs, rtol=32 * scale * EPS, atol=8 * scale * EPS * greatest, equal_nan=True
    )
