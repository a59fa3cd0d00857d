# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/sorting.py. Read record.py first."""

from __future__ import annotations

import math

from baregrad.tensor.records.record import NONE, Array, Kind, array, call, edge, numbers, op, refused

SORTED = Kind("bool int float", "same int64")
ORDER = Kind("bool int float", "int64", "it gives integers")
VALUE = Kind("bool int float")

LINE = array(7, low=-9.0, high=9.0)
MATRIX = array(3, 5, low=-9.0, high=9.0)
CUBE = array(2, 3, 4, low=-9.0, high=9.0)
TIES = array(4, 6, low=0.0, high=2.0, whole=True)
POINT = array()
NOTHING = array(0, 3)
ONE = array(1, 1)
ODD = numbers(0.5, math.nan, -0.5, math.inf, -1.0, 0.25, -math.inf)
STEPS = numbers(-3, -1, 0, 2, 2, 5)
AXIS = refused("axis 2", MATRIX, 2, kind="AxisError")

# fmt: off
RECORDS = (
    op("sort",        SORTED, "ordered(x, axis, descending)", call(MATRIX), call(CUBE, 1, descending=True), call(LINE, 0), edge(TIES, 1), edge(ODD).only("float"), call(POINT), call(NOTHING), call(ONE), torch="torch.sort(x, dim=axis, descending=descending, stable=True)", errors=(AXIS,)),
    op("msort",       VALUE,  "np.sort(x, 0) if x.ndim else x", call(MATRIX), call(CUBE), edge(ODD).only("float"), call(POINT), call(NOTHING), call(ONE), torch="torch.msort(x)", tinygrad="sort"),
    op("argsort",     ORDER,  "ordered(x, axis, descending)[1]", call(MATRIX), call(CUBE, 1, descending=True), edge(TIES, 1), edge(ODD).only("float"), call(POINT), call(NOTHING), call(ONE), torch="torch.argsort(x, dim=axis, descending=descending, stable=True)", errors=(AXIS,)),
    op("topk",        SORTED, "[np.take(part, range(k), axis) if x.ndim else part for part in ordered(x, axis, largest)]", call(MATRIX, 2), call(CUBE, 1, 0), call(CUBE, 3, 1, largest=False), edge(ODD, 3).only("float"), call(POINT, 1), call(NOTHING, 2), call(ONE, 1), torch="torch.topk(x, k, axis, largest)", errors=(refused("topk of 6 of 5", MATRIX, 6, kind="AxisError"),)),
    op("kthvalue",    SORTED, "[np.take(part, [k - 1], axis) if keepdim else np.take(part, k - 1, axis) for part in ordered(x, axis, False)] if x.ndim else [x, 0]", call(MATRIX, 2).only("float"), call(CUBE, 1, 0).only("float"), call(CUBE, 3, 1, keepdim=True).only("float"), edge(TIES, 2).unlike("any place of equal ones"), call(POINT, 1), call(NOTHING, 2), call(ONE, 1), tinygrad=NONE, errors=(refused("kthvalue 0", MATRIX, 0, kind="AxisError"),)),
    op("median",      SORTED, "middle(x, axis, keepdim)", call(MATRIX), call(MATRIX, 1), call(CUBE, 0, keepdim=True), edge(ODD).only("float"), call(POINT), call(NOTHING, 1), call(ONE), tinygrad=NONE, torch="torch.median(x) if axis is None else torch.median(x, axis, keepdim)", errors=(AXIS, refused("no element", NOTHING))),
    op("nanmedian",   SORTED, "middle(x, axis, keepdim, True)", call(MATRIX), call(MATRIX, 1), call(CUBE, 0, keepdim=True), edge(ODD).only("float"), call(POINT), call(NOTHING, 1), call(ONE), tinygrad=NONE, torch="torch.nanmedian(x) if axis is None else torch.nanmedian(x, axis, keepdim)", errors=(AXIS, refused("no element", NOTHING))),
    op("mode",        SORTED, "most_frequent(x, axis, keepdim)", edge(TIES), edge(TIES, 0, keepdim=True), call(MATRIX), call(POINT), call(NOTHING), call(ONE), tinygrad=NONE, errors=(AXIS,)),
    op("quantile",    VALUE,  "np.quantile(x, q, axis, method=interpolation, keepdims=keepdim)", call(MATRIX, 0.3), call(MATRIX, 0.75, 1), call(CUBE, 0.5, 0, True, interpolation="lower"), call(LINE, 0.4, interpolation="nearest"), call(LINE, 0.4, interpolation="midpoint"), call(LINE, 0.4, interpolation="higher"), call(MATRIX, Array((2,), data=(0.25, 1.0), dtype="float32"), 1).only("float32"), edge(ODD, 0.5).only("float"), call(POINT, 0.5), call(ONE, 0.5), dtypes="float", shapes="empty: it has no element", tinygrad=NONE, errors=(refused("elements", NOTHING, 0.5), refused("cubic", MATRIX, 0.5, interpolation="cubic"), refused("1.5", MATRIX, 1.5))),
    op("nanquantile", VALUE,  "np.nanquantile(x, q, axis, method=interpolation, keepdims=keepdim)", call(MATRIX, 0.3), call(MATRIX, 0.75, 1), edge(ODD, 0.5).only("float"), call(POINT, 0.5), call(ONE, 0.5), dtypes="float", shapes="empty: it has no element", tinygrad=NONE, errors=(refused("elements", NOTHING, 0.5), refused("cubic", MATRIX, 0.5, interpolation="cubic"),)),
    op("unique",      Kind("bool int float", "same int64", "its shape depends on the elements"), "np.unique(x) if not return_inverse else np.unique(x, return_inverse=True, return_counts=return_counts)", edge(TIES), edge(TIES, return_inverse=True, return_counts=True), edge(POINT), edge(NOTHING), edge(ONE), jit="it reads its elements back", tinygrad=NONE, torch="torch.unique(x, return_inverse=return_inverse, return_counts=return_counts)"),
    op("searchsorted", ORDER, "np.searchsorted(x, values, 'right' if right else 'left')", call(STEPS, MATRIX), call(STEPS, STEPS), call(STEPS, STEPS, right=True), call(STEPS, POINT), call(array(0), LINE), call(array(1), ONE), dtypes="int float", torch="torch.searchsorted(x, values, right=right)", tinygrad=NONE),
    op("bucketize",   ORDER,  "np.searchsorted(boundaries, x, 'right' if right else 'left')", call(MATRIX, STEPS), call(STEPS, STEPS), call(STEPS, STEPS, right=True), call(POINT, STEPS), call(LINE, array(0)), call(ONE, array(1)), dtypes="int float", torch="torch.bucketize(x, boundaries, right=right)", tinygrad=NONE),
)
# fmt: on
