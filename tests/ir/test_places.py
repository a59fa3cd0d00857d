"""GATHER and SCATTER: their meaning against numpy, their gradients, their bounds, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import IRError, ShapeError
from baregrad.ir import TENSOR, Buffer, UOp, bounds, evaluate, ops, verify
from tests.schedule import nets, numeric

RNG = np.random.default_rng(7)
X = UOp(ops.BUFFER, dt.int32, (), Buffer(1, (3, 4, 5)))
I = UOp(ops.BUFFER, dt.int64, (), Buffer(2, (3, 7, 5)))
V = UOp(ops.BUFFER, dt.int32, (), Buffer(3, (3, 7, 5)))
MEMORY = {
    1: RNG.integers(-9, 9, (3, 4, 5)).astype(np.int32),
    2: RNG.integers(-2, 6, (3, 7, 5)),
    3: RNG.integers(-9, 9, (3, 7, 5)).astype(np.int32),
}
ROWS = [("gather", X.gather(1, I)), *((c, X.scatter(1, I, V, c)) for c in sorted(ops.COMBINES))]


@pytest.mark.parametrize("name, node", ROWS, ids=[row[0] for row in ROWS])
def test_meaning(name, node):
    verify(node, TENSOR)
    seen = evaluate([node], {number: array.ravel().tolist() for number, array in MEMORY.items()})[0]
    np.testing.assert_array_equal(seen, numeric.evaluate([node], MEMORY)[0].ravel())


def numbers(node, memory):
    return np.array(evaluate([node], {n: a.ravel().tolist() for n, a in memory.items()})[0])


@pytest.mark.parametrize("combine", [None, *sorted(ops.COMBINES)])
def test_gradients_are_those_of_finite_differences(combine):
    x = UOp(ops.BUFFER, dt.float64, (), Buffer(1, (2, 3)))
    v = UOp(ops.BUFFER, dt.float64, (), Buffer(3, (2, 5)))
    i = UOp(ops.BUFFER, dt.int8, (), Buffer(2, (2, 5)))
    g = UOp(ops.BUFFER, dt.float64, (), Buffer(4, (2, 5) if combine is None else (2, 3)))
    memory = {
        1: RNG.standard_normal((2, 3)),
        2: np.array([[0, 2, 2, 7, -1], [1, 1, 1, 0, 0]]),
        3: RNG.standard_normal((2, 5)),
        4: RNG.standard_normal(g.shape),
    }
    if combine is None:  # a place outside is clamped
        y, wanted = x.gather(1, i), [x]
    else:
        y, wanted = x.scatter(1, i, v, combine), [x, v]
    for node, gradient in zip(wanted, nets.gradients(y, wanted, g)):
        found = numbers(gradient, memory)
        array = memory[node.arg.number]
        for place in np.ndindex(array.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = array.copy()
                moved[place] += step
                sides.append(numbers(y, {**memory, node.arg.number: moved}) @ memory[4].ravel())
            flat = np.ravel_multi_index(place, array.shape)
            assert abs(found[flat] - (sides[0] - sides[1]) / 2e-6) < 1e-6, (node, place)


def test_the_gradient_of_the_greatest_is_shared_among_equals():
    x = UOp(ops.BUFFER, dt.float64, (), Buffer(1, (2,)))
    v = UOp(ops.BUFFER, dt.float64, (), Buffer(3, (3,)))
    i = UOp(ops.BUFFER, dt.int64, (), Buffer(2, (3,)))
    g = UOp(ops.BUFFER, dt.float64, (), Buffer(4, (2,)))
    memory = {1: np.ones(2), 2: np.array([0, 0, 0]), 3: np.array([1.0, 1.0, 0.0]), 4: np.array([3.0, 5.0])}
    of_x, of_v = nets.gradients(x.scatter(0, i, v, "max"), [x, v], g)
    assert numbers(of_x, memory).tolist() == [1.0, 5.0]
    assert numbers(of_v, memory).tolist() == [1.0, 1.0, 0.0]


def test_bounds():
    small = X.maximum(0).minimum(9)
    assert bounds(small.gather(1, I)) == (0, 9)
    assert bounds(small.scatter(1, I, V.maximum(-2).minimum(4), "max")) == (-2, 9)
    assert bounds(small.scatter(1, I, V, "add")) == (-(2**31), 2**31 - 1)


REFUSED = [
    ("index of other axes", lambda: X.gather(0, I), ShapeError, "same size"),
    (
        "an axis without elements",
        lambda: X.shrink(((0, 3), (1, 1), (0, 5))).gather(1, I),
        ShapeError,
        "no elem",
    ),
    (
        "values of another shape",
        lambda: UOp(ops.SCATTER, X.dtype, (X, I, X), (1, "add")),
        ShapeError,
        "place",
    ),
    ("an index of floats", lambda: verify(X.gather(1, I.cast(dt.float32)), TENSOR), IRError, "integer"),
    ("values of another dtype", lambda: verify(X.scatter(1, I, I), TENSOR), IRError, "base's dtype"),
    ("an unknown way to join", lambda: verify(X.scatter(1, I, V, "mean"), TENSOR), IRError, "joined"),
]


@pytest.mark.parametrize("name, make, kind, part", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, make, kind, part):
    with pytest.raises(kind, match=part):
        make()
