# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/reduce.py and statistics.py. Read record.py first."""

from __future__ import annotations

import math

from baregrad.tensor.records.record import NONE, Kind, array, call, edge, numbers, op, refused

TOTAL = Kind("bool int float", "total")
EXTREME = Kind("bool int float")
MEAN = Kind("bool int float", "float")
WHETHER = Kind("bool int float", "bool", "it gives bool")
PLACE = Kind("bool int float", "int64", "it gives integers")

MATRIX = array(3, 5)
CUBE = array(2, 3, 4)
NOTHING = array(0, 3)
POINT = array()
ONE = array(1, 1)
NEAR_1 = array(3, 5, low=0.5, high=1.5)
POSITIVE = array(3, 5, low=0.5, high=3.0)
HOLES = numbers(1.0, math.nan, -2.5, math.nan, 0.25)
BAD_AXIS = (
    refused("axis 2", MATRIX, 2, kind="AxisError"),
    refused("twice", MATRIX, (0, -2), kind="AxisError"),
    refused("integer", MATRIX, 1.0, kind="AxisError"),
)
ONE_AXIS = (refused("axis 2", MATRIX, 2, kind="AxisError"), refused("integer", MATRIX, 1.0, kind="AxisError"))
NO_EXTREME = (*BAD_AXIS, refused("empty", NOTHING, 0), refused("empty", NOTHING))

SUMS = (
    call(MATRIX),
    call(CUBE, 1),
    call(CUBE, (0, -1), keepdim=True),
    call(POINT),
    call(NOTHING, 0),
    call(NOTHING, 1),
    call(ONE, 1),
)
BUT_UINT8 = "bool int8 int16 int32 int64 uint16 uint32 uint64 float"
TRUTHS = (*(s.only(BUT_UINT8) for s in SUMS), call(MATRIX, 1).only("uint8").unlike("uint8 of uint8"))
EXTREMES = (
    call(MATRIX),
    call(CUBE, 1),
    call(CUBE, (0, -1), keepdim=True),
    call(POINT),
    call(NOTHING, 1),
    call(ONE, 1),
)
RUNNING = (call(MATRIX, 1), call(CUBE, 0), call(CUBE, -2), call(POINT, 0), call(NOTHING, 0), call(ONE, 1))

# fmt: off
RECORDS = (
    op("sum",           TOTAL,   "np.sum(x, axis, keepdims=keepdim)", SUMS, edge(HOLES), errors=BAD_AXIS),
    op("prod",          TOTAL,   "np.prod(x, axis, keepdims=keepdim)", call(NEAR_1), call(NEAR_1, 1), call(NEAR_1, 0, keepdim=True), call(POINT), call(NOTHING, 0), call(ONE, 1), tolerance=2, torch="(Tensor.prod(x) if axis is None else Tensor.prod(x, axis, keepdim))", errors=BAD_AXIS),
    op("mean",          MEAN,    "np.mean(x, axis, keepdims=keepdim)", call(MATRIX), call(CUBE, (0, 2)), call(CUBE, 1, keepdim=True), call(POINT), call(NOTHING, 1), call(ONE, 1), edge(NOTHING, 0), torch="Tensor.mean(x, axis, keepdim, dtype=None if x.is_floating_point() else torch.float32)", errors=BAD_AXIS),
    op("var",           MEAN,    "np.var(x, axis, ddof=correction, keepdims=keepdim)", call(MATRIX, 1), call(CUBE, (0, 2), keepdim=True), call(MATRIX, correction=0), call(POINT, correction=0), call(NOTHING, 1), call(ONE, 1, correction=0), tolerance=4, torch="Tensor.var(x if x.is_floating_point() else x.float(), axis, correction=correction, keepdim=keepdim)", errors=BAD_AXIS),
    op("std",           MEAN,    "np.std(x, axis, ddof=correction, keepdims=keepdim)", call(MATRIX, 1), call(CUBE, (0, 2), keepdim=True), call(MATRIX, correction=0), edge(POINT, correction=0), call(NOTHING, 1), edge(ONE, 1, correction=0), tolerance=4, torch="Tensor.std(x if x.is_floating_point() else x.float(), axis, correction=correction, keepdim=keepdim)", errors=BAD_AXIS),
    op("var_mean",      MEAN,    "[np.var(x, axis, ddof=correction, keepdims=keepdim), np.mean(x, axis, keepdims=keepdim)]", call(MATRIX, 1), call(CUBE, (0, 2), keepdim=True), call(MATRIX, correction=0), call(POINT, correction=0), call(NOTHING, 1), call(ONE, 1, correction=0), tolerance=4, torch="torch.var_mean(x if x.is_floating_point() else x.float(), axis, correction=correction, keepdim=keepdim)", errors=BAD_AXIS),
    op("std_mean",      MEAN,    "[np.std(x, axis, ddof=correction, keepdims=keepdim), np.mean(x, axis, keepdims=keepdim)]", call(MATRIX, 1), call(CUBE, (0, 2), keepdim=True), call(MATRIX, correction=0), edge(POINT, correction=0), call(NOTHING, 1), edge(ONE, 1, correction=0), tolerance=4, torch="torch.std_mean(x if x.is_floating_point() else x.float(), axis, correction=correction, keepdim=keepdim)", errors=BAD_AXIS),
    op("max",           EXTREME, "np.max(x, axis, keepdims=keepdim)", EXTREMES, edge(HOLES).only("float"), torch="Tensor.amax(x, () if axis is None else axis, keepdim)", errors=NO_EXTREME),
    op("min",           EXTREME, "np.min(x, axis, keepdims=keepdim)", EXTREMES, edge(HOLES).only("float"), torch="Tensor.amin(x, () if axis is None else axis, keepdim)", errors=NO_EXTREME),
    op("amax",          EXTREME, "np.max(x, axis, keepdims=keepdim)", EXTREMES, same="x.max(axis, keepdim)", torch="Tensor.amax(x, () if axis is None else axis, keepdim)", tinygrad="max", errors=NO_EXTREME),
    op("amin",          EXTREME, "np.min(x, axis, keepdims=keepdim)", EXTREMES, same="x.min(axis, keepdim)", torch="Tensor.amin(x, () if axis is None else axis, keepdim)", tinygrad="min", errors=NO_EXTREME),
    op("aminmax",       EXTREME, "[np.min(x, axis, keepdims=keepdim), np.max(x, axis, keepdims=keepdim)]", EXTREMES[:2], EXTREMES[3:], torch="Tensor.aminmax(x, dim=axis, keepdim=keepdim)", tinygrad=NONE, errors=NO_EXTREME),
    op("all",           WHETHER, "np.all(x, axis, keepdims=keepdim)", TRUTHS, edge(HOLES).only("float int8 bool"), errors=BAD_AXIS),
    op("any",           WHETHER, "np.any(x, axis, keepdims=keepdim)", TRUTHS, edge(HOLES).only("float int8 bool"), errors=BAD_AXIS),
    op("argmax",        PLACE,   "argmax(x, axis, keepdim)", call(MATRIX, 1), call(CUBE), call(CUBE, 0, keepdim=True), call(array(4, 6, low=0.0, high=1.0, whole=True), 1), call(POINT), call(NOTHING, 1), call(ONE, 1), edge(HOLES).only("float"), errors=(*ONE_AXIS, refused("empty", array(0)))),
    op("argmin",        PLACE,   "argmin(x, axis, keepdim)", call(MATRIX, 1), call(CUBE), call(CUBE, 0, keepdim=True), call(array(4, 6, low=0.0, high=1.0, whole=True), 1), call(POINT), call(NOTHING, 1), call(ONE, 1), edge(HOLES).only("float"), errors=(*ONE_AXIS, refused("empty", array(0)))),
    op("count_nonzero", PLACE,   "np.count_nonzero(x, axis)", call(MATRIX, 1), call(CUBE), call(CUBE, (0, 2)), call(POINT), call(NOTHING, 0), call(ONE, 1), torch="Tensor.count_nonzero(x, axis)", tinygrad=NONE, errors=BAD_AXIS),
    op("nansum",        TOTAL,   "np.nansum(x, axis, keepdims=keepdim)", SUMS, edge(HOLES).only("float"), tinygrad=NONE, errors=BAD_AXIS),
    op("nanmean",       MEAN,    "np.nanmean(x, axis, keepdims=keepdim)", call(MATRIX), call(CUBE, (0, 2), keepdim=True), call(POINT), call(NOTHING, 1), call(ONE, 1), edge(HOLES).only("float"), dtypes="float", tinygrad=NONE, errors=BAD_AXIS),
    op("logsumexp",     MEAN,    "np.log(np.sum(np.exp(x), axis, keepdims=keepdim))", call(MATRIX), call(CUBE, 1), call(CUBE, (0, 2), keepdim=True), call(POINT), call(NOTHING, 1), call(ONE, 1), tolerance=2, torch="Tensor.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdim)", errors=BAD_AXIS),
    op("norm",          MEAN,    "norm(x, p, axis, keepdim)", call(MATRIX), call(MATRIX, 1, 0), call(MATRIX, 3, 1, keepdim=True), call(MATRIX, math.inf, 1), call(MATRIX, -math.inf, 1), call(POSITIVE, 0.5, 1), edge(MATRIX, 0, 1), call(POINT), call(NOTHING, 2, 1), call(ONE, 2, 1), tolerance=2, torch="torch.linalg.vector_norm(x if x.is_floating_point() else x.float(), p, axis, keepdim)", tinygrad=NONE, errors=(refused("axis 2", MATRIX, 2, 2, kind="AxisError"),)),
    op("normalize",     MEAN,    "x / np.maximum(norm(x, p, axis, True), eps)", call(MATRIX), call(CUBE, 2, 0), call(MATRIX, 1, -1), call(NOTHING), edge(array(2, 3, low=0.0, high=0.0)).only("float32 float64"), call(POSITIVE, 3), edge(ONE), shapes="0-d: it has no axis", dtypes="float", tolerance=2, torch="F.normalize", errors=(refused("axis 2", MATRIX, 2, 2, kind="AxisError"),)),
    op("cosine_similarity", MEAN, "np.sum(x * other, axis) / (norm(x, 2, axis, False) * norm(other, 2, axis, False))", call(MATRIX, MATRIX), call(CUBE, CUBE, 2), call(array(0, 3), array(0, 3)), call(MATRIX, array(1, 5)), edge(ONE, ONE), shapes="0-d: it has no axis", dtypes="float", tolerance=2, torch="F.cosine_similarity", tinygrad=NONE),
    op("pairwise_distance", MEAN, "norm(x - other + eps, p, -1, keepdim)", call(MATRIX, MATRIX), call(MATRIX, MATRIX, 1, keepdim=True), call(array(0, 3), array(0, 3)), call(ONE, ONE), shapes="0-d: it has no axis", dtypes="float", tolerance=2, torch="F.pairwise_distance", tinygrad=NONE),
    op("layer_norm",    MEAN,    "(x - x.mean(tuple(range(-axes, 0)), keepdims=True)) / np.sqrt(x.var(tuple(range(-axes, 0)), keepdims=True) + eps)", call(MATRIX), call(CUBE, 2), call(MATRIX, 1, 0.1), call(NOTHING), edge(ONE).only("float32 float64"), shapes="0-d: it has no axis", dtypes="float", tolerance=4, torch="F.layer_norm(x, x.shape[-axes:], eps=eps)", tinygrad="layernorm", errors=(refused("layer_norm", MATRIX, 3), refused("layer_norm", MATRIX, 0))),
    op("trace",         TOTAL,   "np.trace(x)", call(MATRIX), call(NOTHING), call(ONE), shapes="0-d: it has no matrix", tinygrad=NONE, errors=(refused("less than 2", array(3)),)),
    # -- running
    op("cumsum",        TOTAL,   "np.cumsum(x, axis) if x.ndim else x", RUNNING, call(array(2, 77), 1), call(array(1300), 0), tolerance=2, errors=ONE_AXIS),
    op("cumprod",       TOTAL,   "np.cumprod(x, axis) if x.ndim else x", call(NEAR_1, 1), call(NEAR_1, 0), call(array(2, 77, low=0.9, high=1.1), 1), call(POINT, 0), call(NOTHING, 0), call(ONE, 1), tolerance=2, errors=ONE_AXIS),
    op("cummax_values", EXTREME, "np.maximum.accumulate(x, axis) if x.ndim else x", RUNNING, call(array(2, 77), 1), torch="torch.cummax(x, axis).values", tinygrad="cummax", errors=ONE_AXIS),
    op("cummin_values", EXTREME, "np.minimum.accumulate(x, axis) if x.ndim else x", RUNNING, call(array(2, 77), 1), torch="torch.cummin(x, axis).values", tinygrad="cummin", errors=ONE_AXIS),
    op("logcumsumexp",  MEAN,    "np.logaddexp.accumulate(x, axis) if x.ndim else x", RUNNING, dtypes="float", tolerance=2, errors=ONE_AXIS),
    op("diff",          EXTREME, "np.diff(x, n, axis)", call(MATRIX), call(MATRIX, 2), call(CUBE, 1, 0), call(MATRIX, 0), call(NOTHING, 1, 1), call(ONE), shapes="0-d: it has no axis", dtypes="int float", tinygrad=NONE, errors=(refused("-1 times", MATRIX, -1), refused("axis 2", MATRIX, 1, 2, kind="AxisError"))),
    op("cummax",        Kind("bool int float", "same int64"), "running_extreme(x, axis, np.maximum)", RUNNING, edge(array(4, 6, low=0.0, high=2.0, whole=True), 1), errors=ONE_AXIS),
    op("cummin",        Kind("bool int float", "same int64"), "running_extreme(x, axis, np.minimum)", RUNNING, edge(array(4, 6, low=0.0, high=2.0, whole=True), 1), errors=ONE_AXIS),
    op("vector_norm",   MEAN,    "norm(x, ord, axis, keepdim)", call(MATRIX), call(MATRIX, 1, 0), call(MATRIX, math.inf, 1), call(POINT), call(NOTHING, 2, 1), call(ONE, 2, 1), tolerance=2, same="x.norm(ord, axis, keepdim)", torch="torch.linalg.vector_norm(x if x.is_floating_point() else x.float(), ord, axis, keepdim)", tinygrad=NONE),
)
# fmt: on
