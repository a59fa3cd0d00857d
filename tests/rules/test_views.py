"""Rules of TENSOR views and of KERNEL loops: expected forms, and random graphs keep their values."""

import random

import pytest

from baregrad import dtype as dt
from baregrad.ir import (
    TENSOR,
    Buffer,
    UOp,
    const,
    evaluate,
    index,
    ops,
    run_kernel,
    simplify,
    simplify_tensor,
    verify,
)

X = UOp(ops.BUFFER, dt.float32, (), Buffer(0, (2, 3, 4)))
DATA = [float(n) for n in range(24)]
PADDED = X.pad(((0, 0), (1, 1), (0, 0)))

FORMS = [  # name, node, expected
    ("reshape_reshape", X.reshape((6, 4)).reshape((24,)), X.reshape((24,))),
    ("reshape_back", X.reshape((6, 4)).reshape((2, 3, 4)), X),
    ("permute_permute", X.permute((1, 2, 0)).permute((2, 0, 1)), X),
    ("permute_of_ones", X.reshape((1, 24)).permute((1, 0)), X.reshape((24, 1))),
    (
        "expand_expand",
        X.reshape((24, 1, 1)).expand((24, 2, 1)).expand((24, 2, 3)),
        X.reshape((24, 1, 1)).expand((24, 2, 3)),
    ),
    (
        "shrink_shrink",
        X.shrink(((0, 2), (1, 3), (0, 4))).shrink(((1, 2), (1, 2), (0, 4))),
        X.shrink(((1, 2), (2, 3), (0, 4))),
    ),
    ("pad_pad", PADDED.pad(((0, 0), (0, 2), (0, 0))), X.pad(((0, 0), (1, 3), (0, 0)))),
    ("flip_flip", X.flip((0, 1)).flip((1, 2)), X.flip((0, 2))),
    ("pad_undone", PADDED.shrink(((0, 2), (1, 4), (0, 4))), X),
    (
        "pad_partly_undone",
        PADDED.shrink(((0, 2), (0, 3), (0, 4))),
        X.shrink(((0, 2), (0, 2), (0, 4))).pad(((0, 0), (1, 0), (0, 0))),
    ),
    ("view_nothing", X.view((2, 3, 4), ((0, (1, 0, 0)), (0, (0, 1, 0)), (0, (0, 0, 1)))), X),
    (
        "view_view",
        X.view((2, 2), ((0, (1, 0)), (0, (0, 2)), (3, (0, -1)))).view((4,), ((1, (0,)), (0, (0,)))),
        X.view((4,), ((1, (0,)), (0, (0,)), (3, (0,)))),
    ),
    ("reduce_of_ones", X.reshape((2, 1, 12)).reduce("add", (1,)), X.reshape((2, 1, 12))),
    ("reduce_reduce", X.reduce("max", (1,)).reduce("max", (2,)), X.reduce("max", (1, 2))),
    (
        "reduce_of_another",
        X.reduce("max", (1,)).reduce("add", (2,)),
        X.reduce("max", (1,)).reduce("add", (2,)),
    ),
    ("contiguous_twice", (X + 1.0).contiguous().contiguous(), (X + 1.0).contiguous()),
    ("shape_kept", X.cast(dt.int32) * 0, const(0, dt.int32).expand((2, 3, 4))),
    ("select_kept", (X < 0.0).where(const(1.0, dt.float32), 1.0), const(1.0, dt.float32).expand((2, 3, 4))),
]


@pytest.mark.parametrize("name, node, expected", FORMS, ids=[row[0] for row in FORMS])
def test_form(name, node, expected):
    assert simplify_tensor(node) is expected


def random_view(rng, node):
    shape = node.shape
    kind = rng.randrange(9)
    if kind == 0:
        flat = 1
        for size in shape:
            flat *= size
        divisors = [d for d in range(1, flat + 1) if flat % d == 0] or [1]
        first = rng.choice(divisors)
        return node.reshape(rng.choice([(flat,), (first, flat // first), (first, 1, flat // first)]))
    if kind == 1:
        return node.permute(tuple(rng.sample(range(len(shape)), len(shape))))
    if kind == 2 and 1 in shape:
        return node.expand(tuple(rng.choice([1, 2]) if size == 1 else size for size in shape))
    if kind == 3:
        return node.pad(tuple((rng.choice([0, 0, 1]), rng.choice([0, 0, 2])) for _ in shape))
    if kind == 4:
        cuts = [sorted((rng.randint(0, size), rng.randint(0, size))) for size in shape]
        return node.shrink(
            tuple((a, b) if a < b else (0, size) for (a, b), size in zip(cuts, shape, strict=True))
        )
    if kind == 5:
        return node.flip(tuple(axis for axis in range(len(shape)) if rng.random() < 0.4))
    if kind == 6:
        return node.reduce(rng.choice(["add", "max"]), (rng.randrange(len(shape)),))
    if kind == 7:
        after = tuple(rng.randint(1, 3) for _ in range(rng.randint(1, 3)))
        rows = tuple(
            (rng.choice([0, 0, 1, -1]), tuple(rng.choice([0, 1, 2, -1]) for _ in after)) for _ in shape
        )
        return node.view(after, rows)
    return rng.choice(
        [
            node * 1.0,
            UOp(ops.NEG, node.dtype, (-node,)),
            (node < 3.0).where(node, node),
            node.maximum(node),
            node + -0.0,
        ]
    )


def check(seed):
    rng = random.Random(seed)
    node = X
    for _ in range(rng.randint(2, 9)):
        after = random_view(rng, node)
        size = 1
        for extent in after.shape:
            size *= extent
        node = after if size <= 200 else node
    after = simplify_tensor(node)
    verify(after, TENSOR)
    assert after.shape == node.shape, seed
    assert evaluate([node], {0: DATA}) == evaluate([after], {0: DATA}), seed
    assert simplify_tensor(after) is after, seed


@pytest.mark.parametrize("block", range(6))
def test_random_views_keep_their_values(block):
    for seed in range(block * 30, block * 30 + 30):
        check(seed)


def loop(size, number, kind="loop"):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, kind))


def test_loops_of_one_step_go():
    one, n, r = loop(1, 0), loop(3, 1), loop(1, 2, "reduce")
    data, out = UOp(ops.PARAM, dt.float32, (), (1, 3)), UOp(ops.PARAM, dt.float32, (), (0, 3))
    value = UOp(
        ops.LOAD, dt.float32, (UOp(ops.INDEX, dt.float32, (data, one * 3 + n + r, (n < 3) & (r < 1))),)
    )
    total = UOp(ops.REDUCE, dt.float32, (value, r), ("add", ()))
    store = UOp(ops.STORE, dt.void, (UOp(ops.INDEX, dt.float32, (out, one * 3 + n)), total))
    sink = UOp(ops.SINK, dt.void, (UOp(ops.END, dt.void, (store, one, n)),))
    after = simplify(sink)
    assert {node.arg for node in after.toposort() if node.op is ops.RANGE} == {(1, "loop")}
    assert not [node for node in after.toposort() if node.op in (ops.REDUCE, ops.AND)]
    for graph in (sink, after):
        buffers = [[0.0] * 3, [1.0, 2.0, 3.0]]
        run_kernel(graph, buffers)
        assert buffers[0] == [1.0, 2.0, 3.0]


def test_a_masked_load_needs_no_selection_of_zero():
    data, n = UOp(ops.PARAM, dt.float32, (), (1, 3)), loop(5, 0)
    load = UOp(ops.LOAD, dt.float32, (UOp(ops.INDEX, dt.float32, (data, n, n < 3)),))
    assert simplify((n < 3).where(load, 0.0)) is load
    assert simplify((n < 2).where(load, 0.0)) is not load
    assert simplify((n < 3).where(load, -0.0)) is not load


def test_loads_that_never_happen_are_zero():
    data = UOp(ops.PARAM, dt.float32, (), (1, 3))
    address = UOp(ops.INDEX, dt.float32, (data, loop(3, 0), loop(3, 0) < 0))
    assert simplify(UOp(ops.LOAD, dt.float32, (address,))) is const(0.0, dt.float32)
