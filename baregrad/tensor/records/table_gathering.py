# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/gathering.py: elements chosen by tensors of integers. Read record.py first."""

from __future__ import annotations

from baregrad.tensor.records.record import NONE, Array, Kind, array, call, edge, numbers, op, refused

CHOSEN = Kind("bool int float")
ADDED = Kind("int float")

MATRIX = array(3, 5)
CUBE = array(2, 3, 4)
NOTHING = array(0, 3)
POINT = array()
ONE = array(1, 1)
WIDE = array(4, 5, low=0, high=2, dtype="int64")  # along axis 0 of MATRIX
DEEP = array(2, 7, 4, low=-3, high=2, dtype="int32")  # along axis 1 of CUBE
FEW = array(2, 3, low=0, high=4, dtype="int16")  # along axis 1 of MATRIX, and fewer rows
ROW = numbers(2, 0, -1, 2, dtype="int64")
ROWS = numbers(0, 2, dtype="uint8")
ZEROS = Array((1, 1), dtype="int64", data=(0,))
ZERO = Array((), dtype="int64", data=(0,))
NO_INTS = array(0, 3, dtype="int64")
OUTSIDE = refused("index 3 of axis 0", MATRIX, 0, [3], kind="IndexingError")
FLOATS = refused("counts", MATRIX, 0, array(3, 5), kind="DTypeError")
AXES = refused("as many axes", MATRIX, 0, ROW)
NO_AXIS = refused("axis 2", MATRIX, 2, ROW, kind="AxisError")


MASK = array(3, 5, dtype="bool")
NUMBERS = array(3, 5, whole=True)
BAGS = array(3, 5, low=0, high=6, dtype="int64")
VECTOR = array(8, low=0, high=6, dtype="int64")
BEGINS = numbers(0, 3, 3, 7, dtype="int64")
TABLE = array(7, 4)

# fmt: off
SAMPLES = (call(MATRIX, 0, WIDE, array(4, 5)), call(CUBE, 1, DEEP, array(2, 7, 4)), call(MATRIX, 1, FEW, array(3, 4)), edge(NOTHING, 0, NO_INTS, NOTHING), edge(POINT, 0, ZERO, POINT), call(ONE, 0, ZEROS, ONE))
PARTS = (call(MATRIX, 0, ROW, array(4, 5)), call(CUBE, -1, ROWS, array(2, 3, 2)), edge(MATRIX, 0, numbers(dtype="int64"), array(0, 5)), edge(POINT, 0, ZERO, POINT), call(ONE, 0, numbers(0, dtype="int64"), ONE))
EACH = (refused("index 9 of axis 0", MATRIX, 0, [[9] * 5], array(1, 5), kind="IndexingError"), refused("each place", MATRIX, 0, WIDE, array(3, 5)), refused("the dtype stays", MATRIX, 0, WIDE, array(4, 5, dtype="int8"), kind="DTypeError"))
NO_AXIS_4 = refused("axis 2", MATRIX, 2, WIDE, array(4, 5), kind="AxisError")

RECORDS = (
    op("gather",         CHOSEN, "gathered(x, axis, index)", call(MATRIX, 0, WIDE), call(CUBE, 1, DEEP), call(CUBE, -2, DEEP), call(MATRIX, 1, FEW), call(MATRIX, 1, array(3, 1, low=0, high=4, dtype="int64")), edge(NOTHING, 0, NO_INTS), call(POINT, 0, ZERO), call(ONE, 0, ZEROS), torch="torch.gather(x, axis, index.long() % x.shape[axis] if x.ndim else index)", errors=(OUTSIDE, FLOATS, AXES, NO_AXIS)),
    op("index_select",   CHOSEN, "np.take(x, np.atleast_1d(index), axis) if x.ndim else x", call(MATRIX, 0, ROW), call(CUBE, -1, ROWS), call(MATRIX, 1, ZERO), edge(array(0, 3), 1, ROW), call(POINT, 0, ZERO), call(ONE, 1, numbers(0, dtype="int64")), torch="torch.index_select(x, axis, index.long() % x.shape[axis] if x.ndim else index)", tinygrad=NONE, errors=(OUTSIDE, refused("a row", MATRIX, 0, WIDE), FLOATS, NO_AXIS)),
    op("take",           CHOSEN, "np.take(x, index)", call(MATRIX, array(2, 3, low=-15, high=14, dtype="int64")), call(CUBE, ZERO), call(POINT, ZEROS), edge(MATRIX, numbers(dtype="int64")), call(ONE, ZERO), edge(array(0), numbers(dtype="int64")), torch="torch.take(x, index.long())", tinygrad=NONE, errors=(refused("index 15", MATRIX, [15], kind="IndexingError"), refused("counts", MATRIX, MATRIX, kind="DTypeError"))),
    op("take_along_dim", CHOSEN, "np.take_along_axis(x if axis is not None else x.reshape(-1), indices if axis is not None else indices.reshape(-1), axis or 0)", call(MATRIX, WIDE, 0), call(MATRIX, array(1, 2, low=0, high=4, dtype="int64"), 1), call(array(1, 5), array(3, 2, low=0, high=4, dtype="int64"), 1), call(MATRIX, array(2, 2, low=0, high=14, dtype="int64")), call(ONE, ZEROS, 0), edge(NOTHING, NO_INTS, 1), call(POINT, ZERO), torch="torch.take_along_dim(x, indices.long(), axis)", tinygrad=NONE, errors=(refused("as many axes", MATRIX, ROW, 0), refused("axis 2", MATRIX, WIDE, 2, kind="AxisError"), refused("take", MATRIX, array(4, 4, low=0, high=2, dtype="int64"), 0))),
    op("scatter",        CHOSEN, "scattered(x, axis, index, src, {None: 'set', 'add': 'add', 'multiply': 'mul'}[reduce])", SAMPLES, call(MATRIX, 0, WIDE, 1), call(MATRIX, 0, WIDE, array(4, 5), reduce="add").only("int float"), call(array(3, 5, low=0.5, high=2.0), 0, WIDE, array(4, 5, low=0.5, high=1.5), reduce="multiply").only("float32 float64"), torch="torch.scatter(x, axis, index.long() % x.shape[axis] if x.ndim else index, src) if reduce is None else torch.scatter(x, axis, index.long() % x.shape[axis], src, reduce=reduce)", differs="torch does not say which of several values stays", errors=(*EACH, refused("reduce='max'", MATRIX, 0, WIDE, array(4, 5), reduce="max"), NO_AXIS_4)),
    op("scatter_add",    ADDED,  "scattered(x, axis, index, src, 'add')", SAMPLES, tolerance=4, torch="torch.scatter_add(x, axis, index.long() % x.shape[axis] if x.ndim else index, src)", tinygrad=NONE, errors=(*EACH, NO_AXIS_4)),
    op("scatter_reduce", ADDED,  "scattered(x, axis, index, src, reduce, include_self)", call(MATRIX, 0, WIDE, array(4, 5), "sum"), call(MATRIX, 0, WIDE, array(4, 5), "amax"), call(MATRIX, 0, WIDE, array(4, 5), "amin", include_self=False), call(MATRIX, 0, WIDE, array(4, 5), "mean"), call(CUBE, 1, DEEP, array(2, 7, 4), "mean", include_self=False), call(array(3, 5, low=0.5, high=2.0), 0, WIDE, array(4, 5, low=0.5, high=1.5), "prod", include_self=False).only("float32 float64"), edge(NOTHING, 0, NO_INTS, NOTHING, "sum"), edge(POINT, 0, ZERO, POINT, "sum"), call(ONE, 0, ZEROS, ONE, "amax", include_self=False), tolerance=4, torch="torch.scatter_reduce(x, axis, index.long() % x.shape[axis] if x.ndim else index, src, reduce, include_self=include_self)", errors=(refused("'max'", MATRIX, 0, WIDE, array(4, 5), "max"), refused("each place", MATRIX, 0, WIDE, array(3, 5), "sum"))),
    op("index_add",      ADDED,  "parts(x, axis, index, source * np.asarray(alpha).astype(x.dtype), 'add')", PARTS, call(MATRIX, 0, ROW, array(4, 5), alpha=2), tolerance=4, torch="torch.index_add(x, axis, index.long() % x.shape[axis] if x.ndim else index, source, alpha=alpha)", tinygrad=NONE, errors=(refused("index 9", MATRIX, 0, [9], array(1, 5), kind="IndexingError"), refused("a row", MATRIX, 0, WIDE, array(4, 5)), NO_AXIS_4)),
    op("index_copy",     CHOSEN, "parts(x, axis, index, source, 'set')", PARTS, torch="torch.index_copy(x, axis, index.long() % x.shape[axis] if x.ndim else index, source)", differs="torch does not say which of several values stays", tinygrad=NONE, errors=(refused("index 9", MATRIX, 0, [9], array(1, 5), kind="IndexingError"), refused("a row", MATRIX, 0, WIDE, array(4, 5)), NO_AXIS_4)),
    op("index_fill",     CHOSEN, "parts(x, axis, index, np.broadcast_to(np.asarray(value).astype(x.dtype), x.shape[:axis % max(x.ndim, 1)] + (index.size,) + x.shape[axis % max(x.ndim, 1) + 1:]), 'set')", call(MATRIX, 0, ROW, 1), call(CUBE, -1, ROWS, 1), edge(NOTHING, 1, ROWS, 1), edge(POINT, 0, ZERO, 1), call(ONE, 0, ZERO, 1), torch="torch.index_fill(x, axis, index.long() % x.shape[axis] if x.ndim else index, value)", tinygrad=NONE, errors=(refused("index 9", MATRIX, 0, [9], 1, kind="IndexingError"), refused("axis 2", MATRIX, 2, ROW, 1, kind="AxisError"))),
    op("index_reduce",   ADDED,  "parts(x, axis, index, source, reduce, include_self)", call(MATRIX, 0, ROW, array(4, 5), "amax"), call(CUBE, -1, ROWS, array(2, 3, 2), "mean"), call(MATRIX, 0, ROW, array(4, 5), "amin", include_self=False), edge(NOTHING, 1, ROWS, array(0, 2), "amax"), call(ONE, 0, numbers(0, dtype="int64"), ONE, "amax"), shapes="0-d: it has no parts", tolerance=4, torch="torch.index_reduce(x, axis, index.long() % x.shape[axis], source, reduce, include_self=include_self)", tinygrad=NONE, errors=(refused("'max'", MATRIX, 0, ROW, array(4, 5), "max"), refused("a row", MATRIX, 0, WIDE, array(4, 5), "amax"))),
    op("put",            CHOSEN, "scattered(x.reshape(-1), 0, index.reshape(-1), source.reshape(-1), 'add' if accumulate else 'set').reshape(x.shape)", call(MATRIX, array(2, 3, low=-15, high=14, dtype="int64"), array(2, 3)), call(MATRIX, array(2, 3, low=0, high=14, dtype="int64"), array(2, 3), accumulate=True).only("int float"), edge(NOTHING, NO_INTS, NOTHING), call(POINT, ZERO, POINT), call(ONE, ZERO, ONE), tolerance=4, torch="torch.put(x, index.long(), source, accumulate)", differs="torch does not say which of several values stays", tinygrad=NONE, errors=(refused("index 15", MATRIX, [15], array(1), kind="IndexingError"), refused("each place", MATRIX, [1, 2], array(1)))),
    op("masked_select",  CHOSEN, "np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape))[np.broadcast_to(mask, np.broadcast_shapes(x.shape, mask.shape))]", call(MATRIX, MASK), call(MATRIX, array(5, dtype="bool")), edge(array(5), MASK), call(NOTHING, array(0, 3, dtype="bool")), call(POINT, array(dtype="bool")), call(ONE, array(1, 1, dtype="bool")), jit="what a mask chooses is counted", tinygrad=NONE, errors=(refused("a mask is bool", MATRIX, MATRIX, kind="IndexingError"), refused("masked_select", MATRIX, array(4, dtype="bool")))),
    op("masked_scatter", CHOSEN, "filled(x, mask, source)", call(MATRIX, MASK, array(3, 5)), call(MATRIX, array(5, dtype="bool"), array(20)), edge(NOTHING, array(0, 3, dtype="bool"), array(1)), call(POINT, array(dtype="bool"), array(1)), call(ONE, array(1, 1, dtype="bool"), array(1)), tinygrad=NONE, errors=(refused("a mask is bool", MATRIX, MATRIX, MATRIX, kind="IndexingError"), refused("the dtype stays", MATRIX, MASK, array(15, dtype="int8"), kind="DTypeError"), refused("expand", MATRIX, array(4, dtype="bool"), MATRIX))),
    op("nonzero",        CHOSEN, "list(np.atleast_1d(x).nonzero())[:max(x.ndim, 1)] if as_tuple else np.argwhere(x)", call(MASK), call(NUMBERS), call(array(2, 3, 4, dtype="bool"), as_tuple=True), call(NOTHING), call(POINT), call(ONE, as_tuple=True), gives="int64", gradient="it counts", jit="what is not 0 is counted", torch="torch.nonzero(x, as_tuple=as_tuple)", tinygrad=NONE),
    op("argwhere",       CHOSEN, "np.argwhere(x)", call(MASK), call(NUMBERS), call(NOTHING), call(POINT), call(ONE), gives="int64", gradient="it counts", jit="what is not 0 is counted", torch="torch.argwhere(x)", tinygrad=NONE),
    op("index_put",      CHOSEN, "put_at(x, indices, values, accumulate)", call(MATRIX, [ROW, numbers(0, 4, 1, 1, dtype="int64")], array(4)), call(MATRIX, [ROW], array(4, 5), accumulate=True).only("int float"), call(CUBE, [numbers(0, dtype="int64"), array(2, 3, low=0, high=2, dtype="int64")], array(4)), edge(NOTHING, [numbers(dtype="int64")], array(0, 3)), call(ONE, [numbers(0, dtype="int64")], ONE), shapes="0-d: it has no axis", tolerance=4, torch="torch.index_put(x, [i.long() for i in indices], values, accumulate)", differs="torch does not say which of several values stays", tinygrad=NONE, errors=(refused("assign", MATRIX, [ROW], array(3)), refused("2 indices", array(3), [ROW, ROW], array(3), kind="IndexingError"))),
    op("embedding_bag",  CHOSEN, "bags(x, weight, offsets, mode, per_sample_weights, padding_idx, include_last_offset)", call(BAGS, TABLE), call(BAGS, TABLE, mode="sum"), call(BAGS, TABLE, mode="max", padding_idx=2), call(BAGS, TABLE, mode="mean", padding_idx=2), call(BAGS, TABLE, mode="sum", per_sample_weights=array(3, 5)), call(VECTOR, TABLE, BEGINS), call(VECTOR, TABLE, BEGINS, "max"), call(VECTOR, TABLE, BEGINS, "sum", padding_idx=1, include_last_offset=True), edge(NO_INTS, TABLE), call(ZEROS, ONE), dtypes="float", gradient="", shapes="0-d: it has no bags", tolerance=4, torch="F.embedding_bag(x, weight, offsets, mode=mode, per_sample_weights=per_sample_weights, padding_idx=padding_idx, include_last_offset=include_last_offset)", tinygrad=NONE, errors=(refused("'min'", BAGS, TABLE, mode="min"), refused("only a sum", BAGS, TABLE, per_sample_weights=array(3, 5)), refused("rows", VECTOR, TABLE), refused("integers", VECTOR, TABLE, MATRIX, kind="DTypeError"))),
    op("embedding",      CHOSEN, "weight[x]", call(array(2, 3, low=0, high=6, dtype="int64"), array(7, 4)), call(ZERO, array(7, 4)), edge(NO_INTS, array(7, 4)), call(ZEROS, ONE), call(array(4, low=0, high=6, dtype="uint8"), array(7, 4)), gradient="", torch="F.embedding(x.long(), weight, padding_idx)", tinygrad=NONE, errors=(refused("counts", MATRIX, MATRIX, kind="DTypeError"), refused("index 9", ZERO, array(7, 4), 9, kind="IndexingError"))),
)
# fmt: on
