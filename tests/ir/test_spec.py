"""The specs of the levels: broken graphs are refused with the sentence that they break; passes keep order."""

import pytest

from baregrad import dtype as dt
from baregrad.base.config import override
from baregrad.base.errors import CompileError, IRError
from baregrad.base.events import listen
from baregrad.ir import Buffer, UOp, const, index, ops
from baregrad.ir.passes import Pass, pipeline
from baregrad.ir.spec import KERNEL, LINEAR, TENSOR, verify

X = UOp(ops.BUFFER, dt.float32, (), Buffer(0, (2, 3)))
N = UOp(ops.RANGE, dt.int64, (index(4),), (0, "loop"))
R = UOp(ops.RANGE, dt.int64, (index(4),), (1, "reduce"))
OUT, IN = UOp(ops.PARAM, dt.float32, (), (0, 4)), UOp(ops.PARAM, dt.float32, (), (1, 4))


def at(memory, *where):
    return UOp(ops.INDEX, memory.dtype, (memory, *where))


def load(memory, *where):
    return UOp(ops.LOAD, memory.dtype, (at(memory, *where),))


def kernel(value, loops=(N,), store_at=N):
    store = UOp(ops.STORE, dt.void, (at(OUT, store_at), value))
    return UOp(ops.SINK, dt.void, (UOp(ops.END, dt.void, (store, *loops)),))


def total(*loops):
    return UOp(ops.REDUCE, dt.float32, (load(IN, R), *loops), ("add", ()))


GOOD = [  # name, graph, level
    ("tensor", (X + 1.0).reduce("add", (0, 1)), TENSOR),
    ("kernel", kernel(load(IN, N) * total(R)), KERNEL),
    ("list", [index(4), N, UOp(ops.END, dt.void, (N,))], LINEAR),
]


@pytest.mark.parametrize("name, graph, level", GOOD, ids=[row[0] for row in GOOD])
def test_good_graphs_pass(name, graph, level):
    verify(graph, level)


F16 = UOp(ops.BUFFER, dt.float16, (), Buffer(0, (2, 3)))
VECTOR = UOp(ops.BROADCAST, dt.float32, (const(1.0, dt.float32),), 4)
ONE = const(1.0, dt.float32)
BAD = [  # name, graph, level, message
    ("mixed_dtypes", UOp(ops.ADD, dt.float32, (X, F16)), TENSOR, "one dtype"),
    ("level", kernel(ONE), TENSOR, "no op of TENSOR"),
    ("arity", UOp(ops.ADD, dt.float32, (X,)), TENSOR, "takes 2 sources"),
    ("float_op_of_ints", UOp(ops.SQRT, dt.int32, (const(1, dt.int32),)), TENSOR, "one float dtype"),
    ("const", UOp(ops.CONST, dt.int8, (), 300), TENSOR, "Python value of the dtype"),
    ("reduce", UOp(ops.REDUCE, dt.float32, (X,), ("sum", (0,))), TENSOR, "name, axes in order"),
    ("assign", UOp(ops.ASSIGN, dt.float32, (X + X, X)), TENSOR, "a version of one"),
    ("open_range", kernel(load(IN, N), loops=()), KERNEL, "every range is closed"),
    (
        "reduce_of_its_own_result",
        kernel(UOp(ops.REDUCE, dt.float32, (load(IN, R) * total(R), R), ("add", ()))),
        KERNEL,
        "ranges of its own",
    ),
    ("open_reduce", kernel(load(IN, R)), KERNEL, "every range is closed"),
    (
        "reduce_of_loop",
        kernel(UOp(ops.REDUCE, dt.float32, (load(IN, N), N), ("add", ()))),
        KERNEL,
        "closes reduce ranges",
    ),
    ("end_of_reduce", kernel(load(IN, N), loops=(N, R)), KERNEL, "reduce nothing"),
    (
        "number",
        kernel(load(IN, N), (N, UOp(ops.RANGE, dt.int64, (index(3),), (0, "loop")))),
        KERNEL,
        "one number",
    ),
    (
        "grid",
        kernel(load(IN, N), (N, UOp(ops.RANGE, dt.int64, (index(3),), (1, "grid")))),
        KERNEL,
        "outermost",
    ),
    ("kind", kernel(ONE, (UOp(ops.RANGE, dt.int64, (index(3),), (1, "spin")),)), KERNEL, r"\(number, kind\)"),
    ("mask", kernel(load(IN, N, N)), KERNEL, "the mask is bool"),
    ("address_as_value", kernel(UOp(ops.NEG, dt.float32, (at(IN, N),))), KERNEL, "sources are values"),
    ("store_dtype", kernel(index(3)), KERNEL, "the memory's dtype"),
    ("order", [N], LINEAR, "before their readers"),
    ("twice", [index(4), index(4)], LINEAR, "one line"),
    ("open", [index(4), N], LINEAR, "every loop is closed"),
    ("lanes", [ONE, VECTOR, UOp(ops.ADD, dt.float32, (VECTOR, ONE))], LINEAR, "through BROADCAST"),
    (
        "leaves",
        [index(4), N, N + N, UOp(ops.END, dt.void, (N,)), (N + N) * (N + N)],
        LINEAR,
        "through RESULT",
    ),
    (
        "carry",
        [
            index(4),
            N,
            UOp(ops.END, dt.void, (N,)),
            UOp(ops.RANGE, dt.int64, (index(4), index(4)), (1, "loop")),
        ],
        LINEAR,
        "every loop is closed",
    ),
]


@pytest.mark.parametrize("name, graph, level, message", BAD, ids=[row[0] for row in BAD])
def test_broken_graphs_are_refused(name, graph, level, message):
    with pytest.raises(IRError, match=message):
        verify(graph, level)


def test_passes_run_in_order_are_verified_and_heard():
    broken = UOp(ops.ADD, dt.float32, (X, F16))
    made = pipeline(
        Pass("double", lambda g: g + g, spec=TENSOR),
        Pass("break", lambda g: broken, after=("double",), why="to see it caught", spec=TENSOR),
    )
    heard = []
    with (
        override(check=True),
        listen(heard.append, "pass"),
        pytest.raises(IRError, match="after pass break of demo"),
    ):
        made.run(X, name="demo")
    assert [event.facts["name"] for event in heard] == ["double", "break"]
    assert heard[0].facts["text"]().endswith("add float32 %0 %0")
    with override(check=True):
        assert made.run(X, until="double") is X + X


ORDER = [  # name, passes, message
    ("before", [Pass("a", abs, after=("b",), why="b folds"), Pass("b", abs)], "comes before b"),
    ("double", [Pass("a", abs), Pass("a", abs)], "stands twice"),
    ("no_reason", [Pass("a", abs), Pass("b", abs, after=("a",))], "without a reason"),
]


@pytest.mark.parametrize("name, passes, message", ORDER, ids=[row[0] for row in ORDER])
def test_bad_orders_are_refused(name, passes, message):
    with pytest.raises(CompileError, match=message):
        pipeline(*passes)
