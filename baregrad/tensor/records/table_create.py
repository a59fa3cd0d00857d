# ruff: noqa: E501 - one operation is one row
"""Records of what makes tensors: tensor/ops/create.py and layout.py. Read record.py first."""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.tensor.records.record import NONE, Kind, array, call, numbers, op, refused

MADE = Kind("", "float32", "it reads no tensor")
LIKE = Kind("bool int float", "same", "it reads no elements")
PLACES = Kind("bool int", "int64", "it gives integers")

MATRIX = array(3, 5)
SHAPES = (call(MATRIX), call(array()), call(array(0, 3)), call(array(1, 1)))
SIZE = (refused("size -1", -1), refused("size 2.0", 2.0))

# fmt: off
RECORDS = (
    op("full",      MADE, "np.full(shape, value)", call((2, 3), 1.5), call((), 2.5), call((0, 2), 0.5), call((1,), 7, dtype=dt.float32), torch="torch.full", errors=(refused("size -1", (-1,), 1.0),)),
    op("zeros",     MADE, "np.zeros(shape)", call(2, 3), call(()), call(0, 2), call(1), torch="torch.zeros(*shape)", errors=SIZE),
    op("ones",      MADE, "np.ones(shape)", call(2, 3), call(()), call(0, 2), call(1), torch="torch.ones(*shape)", errors=SIZE),
    op("empty",     MADE, "np.zeros(shape)", call(2, 3), call(()), call(0, 2), call(1), torch="torch.zeros(*shape)", errors=SIZE),
    op("arange",    MADE, "np.arange(start) if stop is None else np.arange(start, stop, step)", call(5), call(2, 9, 3), call(9, 2, -2), call(3, 3), call(0, 1), gives="int64", torch="torch.arange(start) if stop is None else torch.arange(start, stop, step)", errors=(refused("step 0", 0, 5, 0),)),
    op("eye",       MADE, "np.eye(n, m)", call(3), call(2, 4), call(3, 2), call(0, 2), call(1), torch="torch.eye(n, n if m is None else m)", errors=(refused("size -1", -1),)),
    op("linspace",  MADE, "np.linspace(start, end, steps)", call(-1, 2, 7), call(3, 5, 1), call(3, 5, 0), call(2, 2, 3), torch="torch.linspace(start, end, steps)", errors=(refused("size -1", 0, 1, -1),)),
    op("logspace",  MADE, "np.logspace(start, end, steps, base=base)", call(-2, 3, 6), call(0, 4, 5, 2.0), call(0, 1, 0), call(1, 2, 1), tolerance=2, torch="torch.logspace(start, end, steps, base)", tinygrad=NONE, errors=(refused("base 0", 0, 1, 3, 0),)),
    op("full_like", LIKE, "np.full_like(x, value)", call(MATRIX, 1), call(array(), 1), call(array(0, 3), 1), call(array(1, 1), 0), torch="torch.full_like"),
    op("zeros_like", LIKE, "np.zeros_like(x)", SHAPES, torch="torch.zeros_like"),
    op("ones_like", LIKE, "np.ones_like(x)", SHAPES, torch="torch.ones_like"),
    op("empty_like", LIKE, "np.zeros_like(x)", SHAPES, same="x.zeros_like()", torch="torch.zeros_like"),
    op("new_full",  LIKE, "np.full(shape, value, x.dtype)", call(MATRIX, (2, 3), 1), call(array(), (), 0), call(array(0), (0, 2), 1), call(array(1), (1,), 1), tinygrad=NONE),
    op("new_zeros", LIKE, "np.zeros(shape, x.dtype)", call(MATRIX, (2, 3)), call(array(), ()), call(array(0), (0, 2)), call(array(1), (1,)), tinygrad=NONE),
    op("new_ones",  LIKE, "np.ones(shape, x.dtype)", call(MATRIX, (2, 3)), call(array(), ()), call(array(0), (0, 2)), call(array(1), (1,)), tinygrad=NONE),
    op("one_hot",   PLACES, "(np.asarray(x)[..., None] == np.arange(num_classes)).astype('int64')", call(array(4, low=0, high=4), 5), call(array(2, 3, low=0, high=2), 3), call(array(low=0, high=2), 3), call(array(0), 3), call(numbers(0), 1), torch="F.one_hot(x.long(), num_classes)"),
)
# fmt: on
