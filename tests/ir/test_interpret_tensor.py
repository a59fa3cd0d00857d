"""The TENSOR interpreter against numpy."""

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import Buffer, UOp, const, evaluate, ops

A = np.random.default_rng(1).standard_normal((4, 5, 6)).astype("f")
NODE = UOp(ops.BUFFER, dt.float32, (), Buffer(0, (4, 5, 6)))


def value(node):
    return np.array(evaluate([node], {0: A.ravel().tolist()})[0], dtype="f").reshape(node.shape)


MOVEMENT = (
    [  # name, node, expected
        ("permute", NODE.permute((2, 0, 1)), A.transpose(2, 0, 1)),
        ("pad", NODE.pad(((1, 2), (0, 1), (3, 0))), np.pad(A, ((1, 2), (0, 1), (3, 0)))),
        ("shrink", NODE.shrink(((1, 3), (0, 5), (2, 4))), A[1:3, :, 2:4]),
        ("shrink_to_nothing", NODE.shrink(((1, 1), (0, 5), (2, 4))), A[1:1, :, 2:4]),
        (
            "pad_nothing",
            NODE.shrink(((1, 1), (0, 5), (2, 4))).pad(((1, 0), (0, 0), (1, 1))),
            np.zeros((1, 5, 4)),
        ),
        ("flip", NODE.flip((0, 2)), A[::-1, :, ::-1]),
        ("reshape", NODE.reshape((10, 12)), A.reshape(10, 12)),
        (
            "expand",
            NODE.reshape((4, 1, 5, 6, 1)).expand((4, 3, 5, 6, 2)),
            np.broadcast_to(A.reshape(4, 1, 5, 6, 1), (4, 3, 5, 6, 2)),
        ),
        ("expand_scalar", const(2.0, dt.float32).expand((2, 3)), np.full((2, 3), 2.0)),
        ("reduce_max", NODE.reduce("max", (1,)), A.max(1, keepdims=True)),
        ("reduce_min", NODE.reduce("min", (0, 1, 2)), A.min(keepdims=True)),
        (
            "reduce_empty",
            NODE.shrink(((1, 1), (0, 5), (0, 6))).reduce("max", (0,)),
            np.full((1, 5, 6), -np.inf),
        ),
        ("broadcast_scalar", NODE + 1.0, A + 1),
    ]
    + [
        (f"sum_{axes}", NODE.reduce("add", axes), A.astype("d").sum(axes, keepdims=True).astype("f"))
        for axes in [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)]
    ]
)


@pytest.mark.parametrize("name, node, expected", MOVEMENT, ids=[row[0] for row in MOVEMENT])
def test_structure(name, node, expected):
    seen = value(node)
    assert seen.shape == expected.shape
    np.testing.assert_array_equal(seen, expected.astype("f"))


def test_reduce_of_nan_and_infinities():
    x = UOp(ops.BUFFER, dt.float64, (), Buffer(0, (3,)))
    inf, nan = float("inf"), float("nan")
    table = [
        ("max", [1.0, nan, 2.0], nan),
        ("min", [nan, 1.0, 0.0], nan),
        ("add", [inf, -inf, 1.0], nan),
        ("add", [1e308, 1e308, -1e308], 1e308),
    ]
    for name, row, expected in table:
        np.testing.assert_equal(evaluate([x.reduce(name, (0,))], {0: row})[0], [expected])


def test_integers_wrap():
    x = UOp(ops.BUFFER, dt.int8, (), Buffer(0, (2,)))
    assert evaluate([x + x, x * x, x.reduce("add", (0,))], {0: [100, -128]})[0] == [-56, 0]
    assert evaluate([-x, x.cast(dt.uint8), x.bitcast(dt.uint8)], {0: [100, -128]}) == [
        [-100, -128],
        [100, 128],
        [100, 128],
    ]


def test_assign_gives_the_next_version_and_keeps_the_old_one():
    x = UOp(ops.BUFFER, dt.int32, (), Buffer(0, (2,)))
    y = x.assign(x + 1)
    assert evaluate([x, y, y + x], {0: [1, 2]}) == [[1, 2], [2, 3], [3, 5]]


def test_wrong_buffers_are_refused():
    with pytest.raises(IRError, match="was given 1 values"):
        evaluate([NODE], {0: [1.0]})


def test_deep_graphs_do_not_recurse():
    x = const(0, dt.int32)
    y = UOp(ops.BUFFER, dt.int32, (), Buffer(0, (1,)))
    for _ in range(2000):
        y = y + 1
    assert evaluate([y, x], {0: [1]}) == [[2001], [0]]
