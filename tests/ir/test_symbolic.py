"""Symbolic sizes: their algebra and what bounds decide, their nodes and text, graphs with values put in, and
the interpreters of all levels with values for variables.
"""

from __future__ import annotations

import random

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import IRError, ShapeError
from baregrad.ir import (
    Buffer,
    UOp,
    Variable,
    bound_graph,
    bound_to,
    bounds,
    const,
    evaluate,
    free_graph,
    index,
    ops,
    parse,
    run_kernel,
    run_linear,
    size_node,
    size_of_node,
    sized,
    text,
    variables_of,
    verify,
    with_numbers,
)

N, M = Variable("n", 1, 64), Variable("m", 2, 9)
n, m = N.bind(10), M.bind(3)

SAME = [
    (n + 0, n),
    (n - n, 0),
    (n * 0, 0),
    (n + n, 2 * n),
    (3 * n + 1 - n, n * 2 + 1),
    (n * m, m * n),
    ((n + m) * (n - m), n * n - m * m),
    (n * 4 // 2, n * 2),
    (n * 4 % 2, 0),
    (n * m * 6 // (n * 2), m * 3),
    ((n * m + m) // (n + 1), m),
    ((n * m + m + 1) % (n + 1), 1),
    (n // 1, n),
    (n // 65, 0),
    (n % 65, n),
    ((n + 1) - n, 1),
    (-(-(n * 16) // 16), n),
    (divmod(n * 2, n), (2, 0)),
    (sum([n, n, 1]), 2 * n + 1),
]


@pytest.mark.parametrize("a, b", SAME)
def test_equal_sizes_are_equal_objects(a, b):
    assert a == b
    assert hash(a) == hash(b)
    assert repr(a) == repr(b)


def test_values_bounds_and_names():
    assert [size.value for size in (n + 1, n * m, n // 4, n % 4, 7 // n, -(-n // 4))] == [11, 30, 2, 2, 0, 3]
    assert [(s.min, s.max) for s in (n + 1, n * m, n // 4, n % 4)] == [(2, 65), (2, 576), (0, 16), (0, 3)]
    assert [repr(s) for s in (n, n + 1, n * m)] == ["n=10", "(n + 1)=11", "(m * n)=30"]
    assert repr(sized(N) * 2 - 1) == "2 * n - 1"
    assert n in (1, n)
    assert 10 not in (n,)
    assert n != 10


def test_arithmetic_agrees_with_numbers():
    rng = random.Random(0)
    signs = ("+", "-", "*", "//", "%")
    for _ in range(300):
        words = [rng.choice(["n", "m", "3", "(n + 1)", "(n * m)", "(n // 4)"]) for _ in range(4)]
        formula = "".join(word + rng.choice(signs) for word in words[:-1]) + words[-1]
        try:
            size = eval(formula, {"n": n, "m": m})
        except ShapeError:
            continue  # a divisor that may be 0
        for a, b in ((1, 2), (17, 9), (64, 5)):
            expected = eval(formula, {"n": a, "m": b})
            got = bound_to(size, {"n": a, "m": b})
            assert (got if isinstance(got, int) else got.value) == expected, formula
            if not isinstance(size, int):
                assert size.min <= expected <= size.max, formula


@pytest.mark.parametrize("case", [lambda: n < 64, lambda: n >= 2, lambda: bool(n - 1), lambda: max(n, m)])
def test_what_differs_between_values_is_refused(case):
    with pytest.raises(ShapeError, match="depends on values"):
        case()


def test_what_bounds_decide():
    assert [n < 65, n <= 64, n > 0, n > 0, bool(n), m * n >= 2, n - m < n, n < n + 1] == [True] * 8
    assert [n > 64, n >= 65, n + 1 <= n, n < 1] == [False] * 4


REFUSED = [
    (lambda: N.bind(65), "bound to 65"),
    (lambda: N.bind(0), "bound to 0"),
    (lambda: Variable("n", 3, 2), "from 3 to 2"),
    (lambda: Variable("no name", 1, 2), "named"),
    (lambda: Variable("n", 1, 2.5), "integer"),
    (lambda: N.bind(True), "integer"),
    (lambda: Variable("n", 1, 2, 1).bind(2), "is bound to 1"),
    (lambda: range(n), "Python number"),
    (lambda: float(n), "Python number"),
    (lambda: n // (n - 1), "1 or more"),
    (lambda: n + N, "has no value"),
    (lambda: sized(N).value, "has no value"),
    (lambda: (n + N.bind(11)).variables, "is 10 and 11"),
    (lambda: (n + Variable("n", 1, 7).bind(2)).variables, "two variables named n"),
]


@pytest.mark.parametrize("case, message", REFUSED)
def test_errors(case, message):
    with pytest.raises(ShapeError, match=message):
        case()


# -- nodes and graphs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [n, n + 1, n * m - 3, n // 4 * 2, n % 4, (n + 1) * m // (n + 3)])
def test_a_size_as_nodes_and_back(size):
    node = size_node(size)
    verify(node, "TENSOR")
    assert size_of_node(node) == size
    assert evaluate([node], {}) == [[size.value]]
    assert evaluate([node], {}, {"n": 5}) == [[bound_to(size, {"n": 5}).value]]
    assert bounds(node)[0] <= size.value <= bounds(node)[1]


def test_nodes_that_are_no_size():
    with pytest.raises(IRError, match="in a size"):
        size_of_node(UOp(ops.IOTA, dt.int64, (), 3))


def graph(size):
    """A reduction, a pad and a position over x[size, 4]."""
    x = UOp(ops.BUFFER, dt.float32, (), Buffer(1, (size, 4)))
    wide = x.pad(((1, 0), (0, 0))).shrink(((1, size + 1), (0, 4)))
    count = size_node(size).cast(dt.float32)
    return (wide.reduce("add", (0,)).reshape((4,)) + count) * const(2.0, dt.float32)


def test_graphs_with_values_put_in():
    root = graph(n)
    assert list(variables_of([root]).values()) == [Variable("n", 1, 64, 10)]
    assert free_graph([root]) == free_graph([graph(N.bind(3))])
    assert bound_graph(free_graph([root]), {"n": 10}) == (root,)
    assert with_numbers([root], {"n": 7}) == with_numbers([graph(N.bind(7))], {})
    plain = graph(5)
    assert free_graph([plain]) == (plain,)
    x = [float(i) for i in range(28)]
    assert evaluate([root], {1: x}, {"n": 7}) == evaluate([graph(N.bind(7))], {1: x})


def test_text_comes_back():
    for root in (graph(n), graph(sized(N) + 1)):
        assert parse(text(root))[-1] is root


def kernel(count):
    """out[0] = sum of x[i] for i below a variable's value; as a KERNEL graph."""
    out = UOp(ops.PARAM, dt.float32, (), (0, 1))
    x = UOp(ops.PARAM, dt.float32, (), (1, sized(N)))
    loop = UOp(ops.RANGE, dt.int64, (count,), (0, "reduce"))
    load = UOp(ops.LOAD, dt.float32, (UOp(ops.INDEX, dt.float32, (x, loop)),))
    total = UOp(ops.REDUCE, dt.float32, (load, loop), ("add", ()))
    store = UOp(ops.STORE, dt.void, (UOp(ops.INDEX, dt.float32, (out, index(0))), total))
    return UOp(ops.SINK, dt.void, (UOp(ops.END, dt.void, (store,)),), "sum")


def test_kernels_take_values_behind_their_buffers():
    sink = kernel(UOp(ops.VARIABLE, dt.int64, (), ("n", 1, 64, 2)))
    verify(sink, "KERNEL")
    assert parse(text(sink))[-1] is sink
    for count in (1, 3, 8):
        out = [0.0]
        run_kernel(sink, [out, [1.0] * 8, count])
        assert out == [count]
    with pytest.raises(IRError, match="load"):
        run_kernel(sink, [[0.0], [1.0] * 8, 9])
    with pytest.raises(IRError, match="slot"):
        verify(kernel(UOp(ops.VARIABLE, dt.int64, (), ("n", 1, 64, None))), "KERNEL")


def test_lists_take_values_behind_their_buffers():
    count = UOp(ops.VARIABLE, dt.int64, (), ("n", 1, 64, 1))
    out = UOp(ops.PARAM, dt.int64, (), (0, 1))
    place = UOp(ops.INDEX, dt.int64, (out, index(0)))
    store = UOp(ops.STORE, dt.void, (place, count))
    lines = [count, out, index(0), place, store]
    verify(lines, "LINEAR")
    held = [0]
    run_linear(lines, [held, 42])
    assert held == [42]
