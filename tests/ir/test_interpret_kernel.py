"""The KERNEL and LINEAR interpreters against values written down by hand."""

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import IRError
from baregrad.ir import UOp, const, index, ops, run_kernel, run_linear


def loop(size, number, kind="loop"):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, kind))


def param(slot, size, dtype=dt.float32):
    return UOp(ops.PARAM, dtype, (), (slot, size))


def local(number, size, dtype=dt.float32):
    return UOp(ops.LOCAL, dtype, (), (number, size))


def at(memory, *where):
    return UOp(ops.INDEX, memory.dtype, (memory, *where))


def load(memory, *where, after=()):
    return UOp(ops.LOAD, memory.dtype, (at(memory, *where), *after))


def store(memory, offset, value, *mask):
    return UOp(ops.STORE, dt.void, (at(memory, offset, *mask), value))


def end(body, *ranges):
    return UOp(ops.END, dt.void, (body, *ranges))


def reduce(name, value, *ranges):
    return UOp(ops.REDUCE, value.dtype, (value, *ranges), (name, ()))


def sink(*ends):
    return UOp(ops.SINK, dt.void, ends)


def run(graph, *buffers):
    run_kernel(graph, buffers)
    return buffers[0]


I, J = loop(2, 0), loop(3, 1, "reduce")


def test_matrix_times_vector():
    product = load(param(1, 6), I * 3 + J) * load(param(2, 3), J)
    graph = sink(end(store(param(0, 2), I, reduce("add", product, J)), I))
    assert run(graph, [0.0] * 2, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.5, 2.0]) == [8.0, 18.5]


def test_reduces_in_float64_and_rounds_once():
    graph = sink(store(param(0, 1), index(0), reduce("add", load(param(1, 3), J), J)))
    assert run(graph, [0.0], [2.0**24, 1.0, 1.0]) == [2.0**24 + 2]


REDUCES = [  # name, dtype, values, expected
    ("max", dt.float32, [1.0, 5.0, -2.0], 5.0),
    ("min", dt.int32, [1, 5, -2], -2),
    ("mul", dt.int8, [100, 2, 1], -56),
    ("add", dt.float64, [1e308, 1e308, -1e308], 1e308),
    ("max", dt.bool_, [False, True, False], True),
]


@pytest.mark.parametrize("name, dtype, values, expected", REDUCES)
def test_reduce(name, dtype, values, expected):
    value = load(param(1, 3, dtype), J)
    graph = sink(store(param(0, 1, dtype), index(0), reduce(name, value, J)))
    assert run(graph, [None], values) == [expected]


def test_two_reductions_that_depend_on_each_other():
    x = load(param(1, 3), J)
    k = loop(3, 2, "reduce")
    top = reduce("max", x, J)
    total = reduce("add", load(param(1, 3), k) - top, k)
    graph = sink(store(param(0, 1), index(0), total))
    assert run(graph, [0.0], [1.0, 4.0, 2.0]) == [-5.0]


def test_masks():
    n = loop(5, 0)
    inside = (n > 0) & (n < 4)
    graph = sink(end(store(param(0, 5), n, load(param(1, 3), n - 1, inside) + 1.0, n < 4), n))
    assert run(graph, [9.0] * 5, [1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0, 4.0, 9.0]


@pytest.mark.parametrize("offset", [-1, 1])
def test_addresses_outside_are_refused(offset):
    n = loop(3, 0)
    for graph in (
        sink(end(store(param(0, 3), n, load(param(1, 3), n + offset)), n)),
        sink(end(store(param(0, 3), n + offset, load(param(1, 3), n)), n)),
    ):
        with pytest.raises(IRError, match="of 3 elements"):
            run(graph, [0.0] * 3, [1.0, 2.0, 3.0])


def test_local_memory_and_order():
    g = loop(2, 0, "grid")
    a, b = loop(3, 1), loop(3, 2)
    fill = end(store(local(0, 3), a, load(param(1, 6), g * 3 + a)), a)
    back = load(local(0, 3), index(2) - b, after=(fill,))
    graph = sink(end(store(param(0, 6), g * 3 + b, back), g, b))
    assert run(graph, [0.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]


def test_local_memory_that_nothing_was_stored_to_is_refused():
    graph = sink(store(param(0, 1), index(0), load(local(0, 3), index(0))))
    with pytest.raises(IRError, match="nothing was stored"):
        run(graph, [0.0])


def test_a_store_runs_once_a_step():
    size = load(param(1, 2, dt.int64), I)  # 0 and 3 steps
    n = UOp(ops.RANGE, dt.int64, (size,), (1, "loop"))
    graph = sink(end(store(param(0, 2), I, const(1.0, dt.float32)), I, n))
    assert run(graph, [0.0, 0.0], [0, 3]) == [0.0, 1.0]


def test_many_loops():
    loops = [loop(2 if n % 8 == 0 else 1, n) for n in range(30)]
    where = loops[0] * 8 + loops[8] * 4 + loops[16] * 2 + loops[24]
    graph = sink(end(store(param(0, 16, dt.int64), where, where * where), *loops))
    assert run(graph, [0] * 16) == [n * n for n in range(16)]


def test_loops_of_every_kind_are_loops():
    for kind in ("grid", "loop", "vector", "unroll"):
        n = loop(4, 0, kind)
        assert run(sink(end(store(param(0, 4, dt.int64), n, n * n), n)), [0] * 4) == [0, 1, 4, 9]


def linear(*nodes):
    """A list of nodes with everything that they need before them, in order of first use."""
    seen, order = set(), []
    for node in nodes:
        for part in node.toposort(lambda n: n not in seen):
            if part not in seen:
                seen.add(part)
                order.append(part)
    return order


def test_linear_sum_of_vectors():
    total = UOp(ops.BROADCAST, dt.float32, (const(0.0, dt.float32),), 4)
    loop_ = UOp(ops.RANGE, dt.int64, (index(3), total), (0, "loop"))
    x = UOp(ops.LOAD, dt.float32, (at(param(1, 12), loop_ * 4),), 4)
    carry = UOp(ops.CARRY, dt.float32, (loop_,), 0)
    done = UOp(ops.END, dt.void, (loop_, carry + x))
    result = UOp(ops.RESULT, dt.float32, (done,), 0)
    write = UOp(ops.STORE, dt.void, (at(param(0, 4), index(0)), result))
    out = [0.0] * 4
    run_linear(linear(write), [out, [float(n) for n in range(12)]])
    assert out == [12.0, 15.0, 18.0, 21.0]


def test_linear_masks_gathers_slices_and_grid():
    item = UOp(ops.GRID, dt.int64)
    lanes = UOp(ops.LANES, dt.int32, (), 4)
    three = UOp(ops.BROADCAST, dt.int32, (const(3, dt.int32),), 4)
    off = lanes < three
    x = UOp(
        ops.LOAD, dt.float32, (at(param(1, 6), item * 3, off),), 4
    )  # the masked-off lane would be outside
    back = UOp(ops.LOAD, dt.float32, (at(param(1, 6), three - lanes),))
    first = UOp(ops.SLICE, dt.float32, (x,), (0, 1))
    pair = UOp(ops.STACK, dt.float32, (first, UOp(ops.SLICE, dt.float32, (back,), (0, 1))))
    one = UOp(ops.STORE, dt.void, (at(param(0, 8), item * 4, off), x))
    two = UOp(ops.STORE, dt.void, (at(param(2, 4), item * 2), pair))
    out, pairs = [9.0] * 8, [0.0] * 4
    run_linear(linear(one, two), [out, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], pairs], 2)
    assert out == [1.0, 2.0, 3.0, 9.0, 4.0, 5.0, 6.0, 9.0]
    assert pairs == [1.0, 4.0, 4.0, 4.0]


def test_linear_refuses_disorder():
    x = load(param(1, 6), index(7))
    write = store(param(0, 1), index(0), x)
    with pytest.raises(IRError, match="of 6 elements"):
        run_linear(linear(write), [[0.0], [0.0] * 6])
    with pytest.raises(IRError, match="used before its line"):
        run_linear([write], [[0.0], [0.0] * 6])
    outer = UOp(ops.RANGE, dt.int64, (index(2),), (0, "loop"))
    with pytest.raises(IRError, match="not closed"):
        run_linear(linear(outer), [])


def test_scalars_and_vectors_of_all_rows_agree():
    table = [
        row
        for row in ops.BY_NAME.values()
        if row.elementwise and row.arity and row not in (ops.CAST, ops.BITCAST)
    ]
    for row in table:
        for dtype in (dt.float32, dt.int32):
            kinds = (float,) if dtype.is_float else (int,)
            samples = [s for s in row.samples if type(s) in kinds][:6]
            if not samples or (row.dtype in ("bits", "int") and dtype.is_float):
                continue
            result = dt.bool_ if row.dtype == "bool" else dtype
            data = param(1, len(samples), dtype)
            scalars = [load(data, index(n)) for n in range(2)]
            vectors = [UOp(ops.LOAD, dtype, (at(data, index(n)),), len(samples) - 1) for n in range(2)]
            masks = [scalars[0] < scalars[1], vectors[0] < vectors[1]]
            one, many = (
                (masks[n], *part) if row is ops.SELECT else (*part, part[0])[: row.arity]
                for n, part in enumerate((scalars, vectors))
            )
            out = [param(0, 1, result), param(2, len(samples) - 1, result)]
            made = [
                store(out[0], index(0), UOp(row, result, tuple(one))),
                store(out[1], index(0), UOp(row, result, tuple(many))),
            ]
            seen = [[None], samples, [None] * (len(samples) - 1)]
            run_linear(linear(*made), seen)
            assert repr(seen[0][0]) == repr(seen[2][0]), (row, dtype)
