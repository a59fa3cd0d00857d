"""simplify: expected forms of index arithmetic, and random expressions keep their values."""

import random

import pytest

from baregrad import dtype as dt
from baregrad.ir import UOp, index, ops
from baregrad.ir.rules import simplify


def loop(size, number):
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, "loop"))


def text(node):
    """A short text of an index expression."""
    if node.op is ops.CONST:
        return str(node.arg)
    if node.op is ops.RANGE:
        return "ijklmn"[node.arg[0]]
    if node.op.symbol:
        return f"({text(node.src[0])} {node.op.symbol} {text(node.src[1])})"
    return f"{node.op.name}({', '.join(map(text, node.src))})"


I, J, K, L = loop(4, 0), loop(3, 1), loop(5, 2), loop(7, 3)
FLAT = ((I * 3 + J) * 5 + K) * 7 + L

FORMS = [  # name, node, expected
    ("last_axis", FLAT % 7, "l"),
    ("axis_2", FLAT // 7 % 5, "k"),
    ("axis_1", FLAT // 35 % 3, "j"),
    ("axis_0", FLAT // 105, "i"),
    ("joined_axes", FLAT // 35, "((i * 3) + j)"),
    (
        "there_and_back",
        FLAT // 105 * 105 + FLAT // 35 % 3 * 35 + FLAT % 35,
        "((((i * 105) + (j * 35)) + (k * 7)) + l)",
    ),
    ("div_mod_of_one_range", L // 2 * 2 + L % 2, "l"),
    ("three_digits", L // 4 * 4 + L // 2 % 2 * 2 + L % 2, "l"),
    ("flip", (3 - I) % 4, "((i * -1) + 3)"),
    ("flip_twice", 3 - (3 - I), "i"),
    ("across", FLAT // 21, "((i * 5) + (((j * 5) + k) // 3))"),
    ("window", (I * 2 + K) % 12, "((i * 2) + k)"),
    ("no_window", (I * 2 + K) // 12, "0"),
    ("stays_positive", (7 - J) // 3, "((((j * -1) + 4) // 3) + 1)"),
    ("drop_small_terms", FLAT < 105, "(i < 1)"),
    ("true", FLAT < 420, "True"),
    ("false", FLAT < 0, "False"),
    ("narrower", (L + 1 < 3) & (L < 5), "(l < 2)"),
    ("contradiction", (L < 2) & (L > 3), "False"),
    ("shared_terms", (I * 3 + L) < (I * 3 + 4), "(l < 4)"),
    ("equal", (I * 3 + J).eq(I * 3 + 2), "(j == 2)"),
    ("never_equal", (I * 4).eq(J * 2 + 1), "False"),
    ("min_by_bounds", (I + 3).minimum(9), "(i + 3)"),
    ("not_comparison", ~(I < 2), "(1 < i)"),
]


@pytest.mark.parametrize("name, node, expected", FORMS, ids=[row[0] for row in FORMS])
def test_form(name, node, expected):
    assert text(simplify(node)) == expected


def value(node, counters, known):
    """A node's value by the meanings of its ops."""
    if node not in known:
        if node in counters:
            return counters[node]
        if node.op is ops.CONST:
            return node.arg
        got = [value(s, counters, known) for s in node.src]
        exact = got[0] if node.op is ops.CAST else node.op.meaning(*got)
        known[node] = dt.normalize(exact, node.dtype)
    return known[node]


ROWS = [
    ops.ADD,
    ops.ADD,
    ops.SUB,
    ops.MUL,
    ops.IDIV,
    ops.MOD,
    ops.MAX,
    ops.MIN,
    ops.SELECT,
    ops.SHR,
    ops.NEG,
    ops.AND,
]


def random_index(rng, depth, dtype):
    if depth == 0 or rng.random() < 0.1:
        loops = [loop(rng.choice([2, 3, 4, 6]), n).cast(dtype) for n in range(3)]
        number = rng.randint(-13 if dtype.is_signed else 0, 13)
        return rng.choice([*loops, *loops, UOp(ops.CONST, dtype, (), number)])
    row = rng.choice(ROWS)
    a, b = random_index(rng, depth - 1, dtype), random_index(rng, depth - 1, dtype)
    if row in (ops.IDIV, ops.MOD, ops.MUL) and rng.random() < 0.8:
        b = UOp(ops.CONST, dtype, (), rng.choice([1, 2, 3, 4, 6, 8, 12]))
    if row is ops.SELECT:
        return random_mask(rng, depth - 1, dtype).where(a, b)
    return UOp(row, dtype, (a, b)[: row.arity])


def random_mask(rng, depth, dtype):
    a, b = random_index(rng, depth, dtype), random_index(rng, depth, dtype)
    one = UOp(rng.choice([ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE]), dt.bool_, (a, b))
    if rng.random() < 0.4 and depth:
        other = random_mask(rng, depth - 1, dtype)
        one = UOp(rng.choice([ops.AND, ops.OR, ops.XOR]), dt.bool_, (one, other))
    return ~one if rng.random() < 0.2 else one


def check(seed):
    rng = random.Random(seed)
    dtype = rng.choice([dt.int64, dt.int64, dt.int32, dt.int8, dt.uint8])
    make = random_index if rng.random() < 0.6 else random_mask
    node = make(rng, rng.choice([2, 3, 4, 5]), dtype)
    after = simplify(node)
    loops = sorted({n for n in node.toposort() if n.op is ops.RANGE}, key=lambda n: (n.arg, n.src[0].arg))
    for _ in range(40):
        point = [rng.randrange(n.src[0].arg) for n in loops]
        counters = dict(zip(loops, point, strict=True))
        before, now = value(node, counters, {}), value(after, counters, {})
        assert before == now, f"seed {seed}: {text(node)} -> {text(after)} at {point}: {before} became {now}"
    assert simplify(after) is after, f"seed {seed}: {text(after)} is not at rest"


@pytest.mark.parametrize("block", [0, 1, 2, *(pytest.param(n, marks=pytest.mark.slow) for n in range(3, 20))])
def test_random_expressions_keep_their_values(block):
    for seed in range(block * 40, block * 40 + 40):
        check(seed)


def check_masked(seed):
    """An address under a mask is the same wherever the mask is true."""
    rng = random.Random(seed)
    memory = UOp(ops.PARAM, dt.float32, (), (0, 100))
    loops = [loop(size, n) for n, size in enumerate((6, 4, 5))]
    shifted = [n + rng.randint(-3, 3) for n in loops]
    mask = loops[0] < 9
    for _ in range(rng.randint(1, 3)):
        x = rng.choice([*shifted, shifted[0] + shifted[1], shifted[0] * 4 + loops[1]])
        mask = mask & (rng.choice([x >= rng.randint(-2, 3), x < rng.randint(1, 9)]))
    flat_ = (shifted[0] * 4 + shifted[1]) * 5 + shifted[2]
    n = rng.choice([2, 3, 4, 5, 10, 20])
    offset = rng.choice([flat_ // n, flat_ % n, flat_ // n * n + flat_ % n, flat_ // 5 % 4 + flat_ % 5])
    before = UOp(ops.INDEX, dt.float32, (memory, offset, mask))
    after = simplify(before)
    for _ in range(60):
        counters = {node: rng.randrange(node.src[0].arg) for node in loops}
        on = value(mask, counters, {})
        still = value(after.src[2], counters, {}) if len(after.src) > 2 else True
        assert on == still, f"seed {seed}: mask {text(mask)} became another"
        if on:
            a, b = value(offset, counters, {}), value(after.src[1], counters, {})
            assert a == b, (
                f"seed {seed}: {text(offset)} under {text(mask)} -> {text(after.src[1])}: {a} became {b}"
            )


@pytest.mark.parametrize("block", range(4))
def test_random_addresses_under_masks_keep_their_values(block):
    for seed in range(block * 40, block * 40 + 40):
        check_masked(seed)
