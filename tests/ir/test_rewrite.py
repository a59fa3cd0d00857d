"""Patterns, compiled tables and the drivers that apply them."""

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import (
    UOp,
    bounds,
    index,
    ops,
    parse,
    ranges_of,
    rewrite,
    simplify,
    substitute,
    text,
)
from baregrad.ir import rule_table as rules
from baregrad.ir.order import order_key
from baregrad.ir.pattern import any_, cast, const, exact, floats, fold, hi, ints, lo, of

x, y, c, d = any_("x"), any_("y"), const("c"), const("d")
TABLE = rules(
    "demo",
    [
        ("add_zero", x + 0, x, ints),
        ("mul_one", x * 1, x),
        ("mul_zero", x * 0, 0, ints),
        ("add_consts", (x + c) + d, x + fold(c + d), ints),
        ("sub_self", x - x, 0, ints),
        ("div_mod", (x // c) * c + x % c, x, lambda c: c > 0),
        ("less", x + c < d, x < fold(d - c), exact),
        ("small", x // c, 0, (lo(x) >= 0) & (hi(x) < c)),
    ],
)
I = UOp(ops.RANGE, dt.int64, (index(10),), (0, "loop"))
F = UOp(ops.LOAD, dt.float32, (UOp(ops.INDEX, dt.float32, (UOp(ops.PARAM, dt.float32, (), (0, 9)), I)),))

CASES = [  # name, before, after
    ("chain", I * 1 + 0, I),
    ("floats_keep_zero", F * 0.0, F * 0.0),
    ("float_one", F * 1.0, F),
    ("consts", I + 3 + 4, I + 7),
    ("commuted", I % 4 + (I // 4) * 4, I),
    ("identity", I - I, index(0)),
    ("not_identity", I - (I + 1), I - (I + 1)),
    ("compare", (I + 3) < 8, I < 5),
    ("bounds", I // 10, index(0)),
    ("not_bounds", I // 9, I // 9),
]


@pytest.mark.parametrize("name, before, after", CASES, ids=[row[0] for row in CASES])
def test_rules(name, before, after):
    assert rewrite([before], TABLE) == [after]


def test_exact_rules_do_not_fire_where_something_may_wrap():
    wide = UOp(ops.LOAD, dt.int64, (UOp(ops.INDEX, dt.int64, (UOp(ops.PARAM, dt.int64, (), (0, 9)), I)),))
    assert rewrite([(wide + 3) < 8], TABLE) == [(wide + 3) < 8]


def test_fired_rules_are_counted():
    fired = {}
    rewrite([I * 1 + 0], TABLE, fired=fired)
    assert fired == {"demo.mul_one": 1, "demo.add_zero": 1}


def test_deep_graphs():
    node = I
    for _ in range(5000):
        node = node + 1
    assert rewrite([node], TABLE) == [I + 5000]


ENDLESS = [  # name, rows
    ("circle", [("a", x + y, y * x), ("b", x * y, y + x)]),
    ("growing", [("a", x + y, (x + y) * 2)]),
]


@pytest.mark.parametrize("name, rows", ENDLESS, ids=[row[0] for row in ENDLESS])
def test_endless_rules_are_named(name, rows):
    with pytest.raises(CompileError, match=r"never come to rest(.|\n)*bad\.a"):
        rewrite([I + 3], rules("bad", rows))


BAD = [  # name, rows, message
    ("double", [("a", x + 0, x), ("a", x * 1, x)], "two rules named"),
    ("unbound", [("a", x + 0, y)], "uses y"),
    ("unbound_condition", [("a", x + 0, x, lambda c: c > 0)], "uses c"),
    ("no_op", [("a", x, x)], "matches anything"),
]


@pytest.mark.parametrize("name, rows, message", BAD, ids=[row[0] for row in BAD])
def test_bad_tables_are_refused(name, rows, message):
    with pytest.raises(CompileError, match=message):
        rules("bad", rows)


def test_arguments_dtypes_and_context():
    table = rules(
        "more",
        [
            ("to_int", cast(x, dt.int32), cast(-x, dt.int32)),
            ("as_x", of(ops.RECIPROCAL, x), cast(cast(x, dt.float64), "x")),
            ("reduce_max", of(ops.REDUCE, x, y, arg=("max", ())), x),
            ("context", of(ops.SQRT, x), lambda root, x, ctx: x if ctx == root.dtype.name else None),
            ("typed", any_("f", floats) - y, y),
        ],
    )
    assert table.apply(F.cast(dt.int32)) is (-F).cast(dt.int32)
    assert table.apply(F.cast(dt.int8)) is None
    assert table.apply(F.alu(ops.RECIPROCAL)) is F.cast(dt.float64).cast(dt.float32)
    for name, expected in (("max", F), ("min", None)):
        assert table.apply(UOp(ops.REDUCE, dt.float32, (F, I), (name, ()))) is expected
    assert rewrite([F.alu(ops.SQRT)], table, "float32") == [F]
    assert rewrite([F.alu(ops.SQRT)], table, "float64") == [F.alu(ops.SQRT)]
    assert table.apply(F - F * F) is F * F
    assert table.apply(I - I * I) is None


def test_a_result_never_loses_its_nodes_shape():
    n = UOp(ops.BROADCAST, dt.int32, (UOp(ops.GRID, dt.int64).cast(dt.int32),), 4)
    m = UOp(ops.GRID, dt.int64) < 3
    one, two = (UOp(ops.CONST, dt.int32, (), k) for k in (1, 2))
    for node in (n - n, m.where(one, m.where(n, two)), n + n):
        after = simplify(node)
        assert after.shape == (4,)


def test_substitute_does_not_look_into_what_it_puts_in():
    assert substitute((I + 1) * I, {I: I + 1}) == ((I + 1) + 1) * (I + 1)


@pytest.mark.slow
def test_chains_of_100000_nodes():
    node = I
    for n in range(100_000):
        node = node + n
    assert bounds(node) == (4999950000, 4999950009)
    assert ranges_of(node) == {I}
    assert rewrite([node], TABLE) == [I + 4999950000]
    assert simplify(node) is I + 4999950000
    assert parse(text(node))[-1] is node
    wide = F
    for n in range(100_000):
        wide = wide + float(n)
    assert simplify(wide) is wide
    assert order_key(wide) == order_key(wide)
