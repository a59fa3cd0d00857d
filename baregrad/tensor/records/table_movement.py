# ruff: noqa: E501 - one operation is one row
"""Records of tensor/ops/movement.py, layout.py and the views of indexing.py. Read record.py first."""

from __future__ import annotations

from baregrad.tensor.records.record import NONE, Kind, array, call, op, refused

MOVEMENT = Kind("bool int float")

LINE = array(7)
MATRIX = array(3, 5)
CUBE = array(2, 3, 4)
NOTHING = array(0, 3)
POINT = array()
ONE = array(1, 1)
NO_AXIS = refused("axis 3", CUBE, 3, kind="AxisError")

# fmt: off
RECORDS = (
    # -- axes
    op("reshape",      MOVEMENT, "np.reshape(x, shape)", call(MATRIX, 5, 3), call(CUBE, (-1, 2, 3)), call(POINT, 1, 1), call(NOTHING, 3, 0), call(ONE, ()), errors=(refused("", MATRIX, 4, 2), refused("", MATRIX, -1, 4), refused("", MATRIX, -1, -1))),
    op("view",         MOVEMENT, "np.reshape(x, shape)", call(MATRIX, 5, 3), call(POINT, 1), call(NOTHING, 0), call(ONE, 1), same="x.reshape(*shape)", errors=(refused("", MATRIX, 4, 2),)),
    op("view_as",      MOVEMENT, "np.reshape(x, other.shape)", call(array(4, 3, 2), CUBE), call(POINT, ONE), call(NOTHING, array(3, 0)), same="x.reshape(other.shape)", tinygrad="view", errors=(refused("", MATRIX, CUBE),)),
    op("reshape_as",   MOVEMENT, "np.reshape(x, other.shape)", call(array(4, 3, 2), CUBE), call(POINT, ONE), call(NOTHING, array(3, 0)), same="x.reshape(other.shape)", tinygrad="reshape", errors=(refused("", MATRIX, CUBE),)),
    op("ravel",        MOVEMENT, "np.ravel(x)", call(CUBE), call(POINT), call(NOTHING), call(ONE), tinygrad="flatten"),
    op("flatten",      MOVEMENT, "np.reshape(x, x.shape[:start_dim] + (-1,) + (x.shape[end_dim % x.ndim + 1:])) if x.size else x.reshape(0)", call(CUBE), call(CUBE, 1), call(CUBE, 0, 1), call(NOTHING), call(ONE), shapes="0-d: reshape", errors=(NO_AXIS,)),
    op("unflatten",    MOVEMENT, "np.reshape(x, x.shape[:axis % x.ndim] + tuple(sizes) + x.shape[axis % x.ndim + 1:])", call(CUBE, 2, (2, 2)), call(NOTHING, 0, (0, 2)), call(ONE, -1, (1, 1)), shapes="0-d: it has no axis", torch="Tensor.unflatten(x, axis, tuple(sizes))", errors=(refused("", CUBE, 0, (3, 2)), refused("axis 3", CUBE, 3, (1, 2), kind="AxisError"))),
    op("expand",       MOVEMENT, "np.broadcast_to(x, tuple(n if s == -1 else s for s, n in zip(shape, (1,) * (len(shape) - x.ndim) + x.shape)))", call(array(3, 1), 4, 3, 5), call(array(3, 1), -1, 5), call(POINT, 2, 3), call(array(1, 0), 2, 0), call(ONE, 0, 1), errors=(refused("", MATRIX, 4, 3), refused("", MATRIX, 3))),
    op("expand_as",    MOVEMENT, "np.broadcast_to(x, other.shape)", call(array(3, 1), array(2, 3, 4)), call(POINT, ONE), call(array(1, 0), array(2, 0)), same="x.expand(other.shape)", tinygrad="expand", errors=(refused("", MATRIX, CUBE),)),
    op("broadcast_to", MOVEMENT, "np.broadcast_to(x, shape)", call(LINE, 2, 7), call(POINT, 2, 3), call(array(1, 0), 2, 0), call(ONE, 3, 1), same="x.expand(*shape)", torch="Tensor.broadcast_to(x, shape)", tinygrad="expand", errors=(refused("", MATRIX, 4, 3),)),
    op("permute",      MOVEMENT, "np.transpose(x, order)", call(CUBE, 2, 0, 1), call(CUBE, (0, -1, 1)), call(POINT, ()), call(NOTHING, 1, 0), call(ONE, 1, 0), errors=(refused("", MATRIX, 0, 0, kind="BaregradError"), refused("", MATRIX, 1, kind="BaregradError"), refused("axis 2", MATRIX, 0, 2, kind="AxisError"))),
    op("transpose",    MOVEMENT, "np.swapaxes(x, axis0, axis1)", call(CUBE, -1, -2), call(CUBE, 0, 2), call(NOTHING, 0, 1), call(ONE, 0, 1), shapes="0-d: it has no axes", errors=(refused("axis 2", MATRIX, 0, 2, kind="AxisError"),)),
    op("swapaxes",     MOVEMENT, "np.swapaxes(x, axis0, axis1)", call(CUBE, 0, 2), call(NOTHING, 0, 1), call(ONE, 0, 1), shapes="0-d: it has no axes", same="x.transpose(axis0, axis1)", tinygrad="transpose", errors=(refused("axis 2", MATRIX, 0, 2, kind="AxisError"),)),
    op("swapdims",     MOVEMENT, "np.swapaxes(x, axis0, axis1)", call(CUBE, 0, 2), call(NOTHING, 0, 1), call(ONE, 0, 1), shapes="0-d: it has no axes", same="x.transpose(axis0, axis1)", tinygrad="transpose", errors=(refused("axis 2", MATRIX, 0, 2, kind="AxisError"),)),
    op("T",            MOVEMENT, "np.transpose(x)", call(MATRIX), call(NOTHING), call(ONE), call(LINE), shapes="0-d: torch warns of it", torch="x.T if x.ndim == 2 else x", tinygrad="T"),
    op("mT",           MOVEMENT, "np.swapaxes(x, -1, -2)", call(CUBE), call(NOTHING), call(ONE), shapes="0-d: it has no matrix", same="x.transpose(-2, -1)", torch="x.mT", tinygrad="transpose"),
    op("t",            MOVEMENT, "np.transpose(x)", call(MATRIX), call(LINE), call(POINT), call(NOTHING), call(ONE), tinygrad="T", errors=(refused("more than 2", CUBE),)),
    op("movedim",      MOVEMENT, "np.moveaxis(x, source, destination)", call(CUBE, 0, -1), call(CUBE, (0, 1), (2, 0)), call(NOTHING, 0, 1), call(ONE, 0, 1), shapes="0-d: it has no axes", tinygrad="permute", errors=(refused("movedim", CUBE, (0, 1), 2, kind="AxisError"), refused("twice", CUBE, (0, 0), (1, 2), kind="AxisError"))),
    op("moveaxis",     MOVEMENT, "np.moveaxis(x, source, destination)", call(CUBE, 0, -1), call(NOTHING, 0, 1), call(ONE, 0, 1), shapes="0-d: it has no axes", same="x.movedim(source, destination)", tinygrad="permute", errors=(refused("movedim", CUBE, (0, 1), 2, kind="AxisError"),)),
    op("squeeze",      MOVEMENT, "np.squeeze(x) if axis is None else np.squeeze(x, axis) if x.shape[axis] == 1 else x", call(array(1, 3, 1)), call(array(1, 3, 1), 0), call(array(1, 3, 1), 1), call(POINT), call(array(0, 1)), call(ONE), errors=(NO_AXIS,)),
    op("unsqueeze",    MOVEMENT, "np.expand_dims(x, axis)", call(MATRIX, -1), call(MATRIX, 1), call(POINT, 0), call(NOTHING, 0), call(ONE, 2), errors=(refused("axis 4", CUBE, 4, kind="AxisError"),)),
    # -- order and copies
    op("flip",         MOVEMENT, "np.flip(x, axes)", call(MATRIX, 0, 1), call(CUBE, 1), call(CUBE, -1), call(NOTHING, 0), call(ONE, 0, 1), shapes="0-d: it has no axes", torch="Tensor.flip(x, axes)", errors=(refused("axis 3", CUBE, 3, kind="AxisError"), refused("twice", MATRIX, 0, -2, kind="AxisError"))),
    op("roll",         MOVEMENT, "np.roll(x, shifts, axis)", call(MATRIX, 2, 1), call(MATRIX, (-1, 7), (0, 1)), call(MATRIX, 4), call(NOTHING, 1, 0), call(ONE, 3, 0), call(POINT, 1), errors=(refused("one shift", MATRIX, (1, 2), 0, kind="AxisError"),)),
    op("repeat",       MOVEMENT, "np.tile(x, times)", call(MATRIX, 2, 3), call(MATRIX, 2, 1, 2), call(POINT, 3), call(NOTHING, 2, 2), call(ONE, 0, 2), errors=(refused("repeat", MATRIX, 2, kind="AxisError"),)),
    op("tile",         MOVEMENT, "np.tile(x, times)", call(MATRIX, 2), call(MATRIX, (2, 1, 3)), call(POINT, 3), call(NOTHING, 2), call(ONE, 2, 2), tinygrad="repeat"),
    op("repeat_interleave", MOVEMENT, "np.repeat(x, repeats, axis)", call(MATRIX, 3, 1), call(MATRIX, 2), call(MATRIX, 0, 0), call(POINT, 2), call(NOTHING, 2, 1), call(ONE, 3, 0), errors=(refused("-1 times", MATRIX, -1),)),
    # -- parts
    op("shrink",       MOVEMENT, "x[tuple(slice(*pair) for pair in box)]", call(MATRIX, [(1, 3), (0, 4)]), call(POINT, []), call(NOTHING, [(0, 0), (1, 2)]), call(ONE, [(0, 1), (1, 1)]), torch=NONE, errors=(refused("", MATRIX, [(0, 4), (0, 3)]), refused("", MATRIX, [(0, 1)]))),
    op("narrow",       MOVEMENT, "np.take(x, range(start, start + length), axis)", call(MATRIX, 1, 1, 3), call(MATRIX, 1, -2, 2), call(CUBE, 0, 1, 0), call(NOTHING, 1, 0, 2), call(ONE, 0, 0, 1), shapes="0-d: it has no axis", tinygrad="shrink", errors=(refused("narrow", MATRIX, 1, 3, 3), refused("axis 2", MATRIX, 2, 0, 1, kind="AxisError"))),
    op("select",       MOVEMENT, "np.take(x, index, axis)", call(CUBE, 1, -1), call(CUBE, 0, 1), call(array(0, 3), 1, 0), call(ONE, 0, 0), shapes="0-d: it has no axis", tinygrad="__getitem__", errors=(refused("index 5", MATRIX, 1, 5, kind="IndexingError"),)),
    op("unbind",       MOVEMENT, "list(np.moveaxis(x, axis, 0))", call(CUBE, 1), call(CUBE), call(array(2, 0)), call(ONE), shapes="0-d: it has no axis", tinygrad="split", errors=(refused("no axis", POINT),)),
    op("split",        MOVEMENT, "np.split(x, range(size, x.shape[axis], size), axis)", call(MATRIX, 2, 1), call(CUBE, 1), call(array(2, 0), 1), call(ONE, 1), shapes="0-d: it has no axis", errors=(refused("split", MATRIX, 0, kind="AxisError"), refused("axis 2", MATRIX, 1, 2, kind="AxisError"))),
    op("chunk",        MOVEMENT, "[x[i:i + -(-x.shape[0] // chunks)] for i in range(0, x.shape[0], -(-x.shape[0] // chunks))] if axis == 0 else np.split(x, chunks, axis)", call(LINE, 3), call(CUBE, 2, 2), call(ONE, 2), shapes="0-d and empty: as split", errors=(refused("0 parts", LINE, 0, kind="AxisError"),)),
    op("unfold",       MOVEMENT, "np.moveaxis(parted(np.moveaxis(x, axis, -1), size, step), -2, axis if axis >= 0 else axis - 1)", call(MATRIX, 1, 3, 2), call(MATRIX, 0, 2, 1), call(CUBE, -1, 2, 3), call(array(0, 4), 1, 2, 1), call(ONE, 0, 1, 1), shapes="0-d: it has no axis", errors=(refused("windows", MATRIX, 0, 4, 1), refused("windows", MATRIX, 0, 1, 0))),
    op("__getitem__",  MOVEMENT, "x[index]", call(MATRIX, 1), call(MATRIX, (-1, -2)), call(MATRIX, (slice(1, None), slice(1, 4))), call(MATRIX, (slice(None), slice(None, None, 2))), call(MATRIX, (slice(None, None, -2), slice(None, None, -1))), call(LINE, slice(5, 1, -2)), call(MATRIX, (None, slice(None), None, 1)), call(CUBE, (..., 0)), call(CUBE, (0, ..., 1)), call(MATRIX, slice(2, 2)), call(MATRIX, slice(1, 99)), call(POINT, None), call(POINT, ()), call(NOTHING, (slice(None), 0)), call(ONE, 0), operator="x[index]", torch="Tensor.__getitem__",
       differs="torch refuses negative steps", errors=(refused("index 3", MATRIX, 3, kind="IndexingError"), refused("index -6", MATRIX, (0, -6), kind="IndexingError"), refused("3 indices", MATRIX, (0, 0, 0), kind="IndexingError"), refused("1.0", MATRIX, 1.0, kind="IndexingError"), refused("", MATRIX, (..., ...), kind="IndexingError"), refused("step is 0", MATRIX, slice(None, None, 0), kind="IndexingError"))),
    # -- triangles and diagonals
    op("triu",         MOVEMENT, "np.triu(x, diagonal)", call(MATRIX), call(CUBE, 1), call(array(0, 3)), call(ONE), shapes="0-d: it has no matrix", errors=(refused("2 axes", LINE),)),
    op("tril",         MOVEMENT, "np.tril(x, diagonal)", call(MATRIX), call(CUBE, -1), call(array(0, 3)), call(ONE), shapes="0-d: it has no matrix", errors=(refused("2 axes", LINE),)),
    op("diagonal",     MOVEMENT, "np.diagonal(x, offset, axis1, axis2)", call(MATRIX), call(MATRIX, 2), call(CUBE, -1, 1, 2), call(CUBE, 0, 2, 0), call(MATRIX, 9), call(NOTHING), call(ONE), shapes="0-d: it has no matrix", torch="Tensor.diagonal(x, offset, axis1, axis2)", errors=(refused("less than 2", LINE), refused("twice", MATRIX, 0, 1, 1, kind="AxisError"))),
    op("diag",         MOVEMENT, "np.diag(x, diagonal)", call(LINE, 1), call(MATRIX, -1), call(array(0)), call(ONE), shapes="0-d: it has no diagonal", errors=(refused("vectors and matrices", CUBE),)),
    op("diag_embed",   MOVEMENT, "np.stack([np.diag(row, offset) for row in x]) if x.ndim == 2 else np.diag(x, offset)", call(MATRIX, -2), call(LINE), call(array(2, 0), 1), call(ONE), shapes="0-d: it has no axis", tinygrad="diag", errors=(refused("no axis", POINT),)),
    op("pad",          MOVEMENT, "np.pad(x, amounts, constant_values=value)", call(MATRIX, [(1, 2), (0, 3)]), call(MATRIX, [(1, 0), (2, 1)], 1), call(NOTHING, [(1, 1), (0, 0)]), call(ONE, [(0, 0), (1, 0)]), shapes="0-d: it has no axes", torch="F.pad(x, [n for pair in reversed(amounts) for n in pair], value=value)", errors=(refused("pad", MATRIX, [(1, 1)]), refused("pad", MATRIX, [(1, 1), (-1, 0)]))),
    op("pixel_shuffle", MOVEMENT, "shuffled(x, factor)", call(array(2, 8, 3, 2), 2), call(array(0, 4, 1, 1), 2).unlike("another shape of nothing"), call(array(1, 1, 1), 1), shapes="0-d: it has no channels", torch="F.pixel_shuffle(x, factor)", tinygrad=NONE, errors=(refused("pixel_shuffle", array(2, 3, 2, 2), 2),)),
    op("pixel_unshuffle", MOVEMENT, "unshuffled(x, factor)", call(array(2, 2, 4, 6), 2), call(array(0, 4, 2, 2), 2).unlike("another shape of nothing"), call(array(1, 1, 1), 1), shapes="0-d: it has no channels", torch="F.pixel_unshuffle(x, factor)", tinygrad=NONE, errors=(refused("pixel_unshuffle", array(2, 3, 3, 2), 2),)),
    # -- joining
    op("cat",          MOVEMENT, "np.concatenate(tensors, axis)", call([MATRIX, array(2, 5)]), call([MATRIX, array(3, 2)], -1), call([CUBE, CUBE, CUBE], 1), call([array(0, 5), MATRIX]), call([ONE, ONE]), shapes="0-d: it has no axis", torch="torch.cat(tensors, axis)", errors=(refused("no tensors", []), refused("cat", [MATRIX, array(2, 2)]), refused("axis 2", [MATRIX], 2, kind="AxisError"))),
    op("stack",        MOVEMENT, "np.stack(tensors, axis)", call([MATRIX, MATRIX], 1), call([MATRIX, MATRIX, MATRIX], -1), call([POINT, POINT]), call([NOTHING, NOTHING]), call([ONE]), torch="torch.stack(tensors, axis)", errors=(refused("no tensors", []), refused("", [MATRIX, LINE]))),
    op("hstack",       MOVEMENT, "np.hstack(tensors)", call([MATRIX, array(3, 2)]), call([LINE, array(2)]), call([array(2, 0), array(2, 1)]), call([ONE, ONE]), shapes="0-d: stack", torch="torch.hstack(tensors)", tinygrad="cat", errors=(refused("cat", [MATRIX, array(2, 2)]),)),
    op("vstack",       MOVEMENT, "np.vstack(tensors)", call([MATRIX, array(5)]), call([LINE, LINE]), call([NOTHING, array(3)]), call([ONE, ONE]), shapes="0-d: stack", torch="torch.vstack(tensors)", tinygrad="cat", errors=(refused("cat", [MATRIX, array(2, 2)]),)),
    op("meshgrid",     MOVEMENT, "np.meshgrid(*tensors, indexing=indexing)", call([LINE, array(3)]), call([LINE, array(3)], indexing="xy"), call([array(0), array(2)]), call([array(1), array(1)]), shapes="0-d: it has no axis", torch="torch.meshgrid(*tensors, indexing=indexing)"),
    # -- the same elements
    op("contiguous",   MOVEMENT, "x", call(MATRIX), call(POINT), call(NOTHING), call(ONE)),
    op("detach",       MOVEMENT, "x", call(MATRIX), call(POINT), call(NOTHING), call(ONE), gradient="it cuts the tape"),
    # -- turned, joined, parted
    op("fliplr",       MOVEMENT, "np.fliplr(x)", call(MATRIX), call(CUBE), call(array(2, 0)), call(ONE), shapes="0-d: it has no axis 1", tinygrad="flip", errors=(refused("", LINE, kind="BaregradError"),)),
    op("flipud",       MOVEMENT, "np.flipud(x)", call(MATRIX), call(CUBE), call(NOTHING), call(ONE), shapes="0-d: it has no axis", tinygrad="flip"),
    op("rot90",        MOVEMENT, "np.rot90(x, k, axes)", call(MATRIX), call(CUBE, 2, (1, 2)), call(CUBE, -1, (2, 0)), call(MATRIX, 4), call(NOTHING), call(ONE), shapes="0-d: it has no axes", tinygrad=NONE, torch="Tensor.rot90(x, k, tuple(axes))", errors=(refused("axis 2", MATRIX, 1, (0, 2), kind="AxisError"),)),
    op("broadcast_tensors", MOVEMENT, "list(np.broadcast_arrays(*tensors))", call(array(3, 1), array(5)), call(POINT, MATRIX), call(array(1, 0), array(2, 1)), call(ONE, ONE), torch="torch.broadcast_tensors(*tensors)", tinygrad=NONE, errors=(refused("", array(2), array(3)),)),
    op("cartesian_prod", MOVEMENT, "np.stack([part.reshape(-1) for part in np.meshgrid(*tensors, indexing='ij')], -1) if len(tensors) > 1 else tensors[0]", call(array(2), array(3)), call(array(2), array(1), array(3)), call(LINE), call(array(0), array(2)), call(array(1), array(1)), shapes="0-d: it is no vector", torch="torch.cartesian_prod(*tensors)", tinygrad=NONE),
    op("block_diag",   MOVEMENT, "blocks(tensors)", call(MATRIX, array(2, 2)), call(LINE, MATRIX), call(ONE, ONE), call(array(0, 2), ONE), call(POINT, ONE), torch="torch.block_diag(*tensors)", tinygrad=NONE),
    op("split_with_sizes", MOVEMENT, "np.split(x, np.cumsum(sizes)[:-1], axis)", call(MATRIX, [2, 0, 3], 1), call(CUBE, [1, 1]), call(array(2, 0), [1, 1]), call(ONE, [1]), shapes="0-d: it has no axis", torch="Tensor.split_with_sizes(x, sizes, axis)", tinygrad="split", errors=(refused("", MATRIX, [1, 1]),)),
    op("tensor_split", MOVEMENT, "np.array_split(x, parts, axis)", call(LINE, 3), call(MATRIX, (1, 3), 1), call(CUBE, 2, -1), call(NOTHING, 2, 1), call(ONE, 2), shapes="0-d: it has no axis", torch="Tensor.tensor_split(x, parts, axis)", tinygrad=NONE, errors=(refused("axis 2", MATRIX, 1, 2, kind="AxisError"),)),
)
# fmt: on
