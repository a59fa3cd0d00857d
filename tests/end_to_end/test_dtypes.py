"""Every dtype computes on every device: what the reference device interprets is what others must give.

Ops are compared bit for bit on values that dtypes find hard; sums of floats with a tolerance, since a device
may group them; functions within an error that their dtype shows.
"""

from __future__ import annotations

import math
import random

import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad import dtype as dt

DTYPES = [row for row in dt.ALL if row not in (dt.void, dt.bool_)]
NARROW = [row for row in DTYPES if row.bits <= 16]
HERE = [*NARROW, dt.float64]  # the others: tests/codegen/x86
INTS = [row for row in DTYPES if row.is_int]
FLOATS = [row for row in DTYPES if row.is_float]
names = {"ids": lambda row: row.name}


def values(dtype: dt.DType, count: int, rng: random.Random) -> list[dt.Value]:
    """Values of a dtype: its borders, then random bits."""
    if dtype.is_int:
        some = [0, 1, -1, 2, 7, -8, dtype.min, dtype.max, dtype.min + 1, dtype.max - 1, dtype.bits, 100]
    else:
        least = 2.0 ** (dtype.min_exponent - dtype.mantissa)
        some = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            math.inf,
            -math.inf,
            math.nan,
            dtype.max_finite,
            least,
            3 * least,
            0.3,
            1e-3,
        ]
    drawn = [dt.from_bits(dtype, rng.randrange(1 << dtype.bits)) for _ in range(count - len(some))]
    return [*dt.convert_list(some, dt.float64 if dtype.is_float else dt.int64, dtype), *drawn][:count]


def bits(dtype: dt.DType, data: list[dt.Value]) -> list[object]:
    """What is compared: bits, and NaN without its own."""
    return ["nan" if v != v else dt.to_bits(dtype, v) for v in data]


def both(dtype: dt.DType, make, *inputs: list[dt.Value]) -> tuple[list[dt.Value], list[dt.Value], dt.DType]:
    """A computation on the CPU and on the reference device."""
    found = []
    for device in ("cpu", "reference"):
        result = make(*[Tensor(data, dtype=dtype, device=device) for data in inputs])
        found.append(result.reshape(-1).tolist())
    return found[0], found[1], result.dtype


ANY = [
    ("add", lambda a, b: a + b), ("sub", lambda a, b: a - b), ("mul", lambda a, b: a * b),
    ("max", lambda a, b: a.maximum(b)), ("min", lambda a, b: a.minimum(b)), ("neg", lambda a, b: -a),
    ("lt", lambda a, b: a < b), ("le", lambda a, b: a <= b),
    ("eq", lambda a, b: a == b), ("ne", lambda a, b: a != b),
    ("where", lambda a, b: a.where(a < b, b)), ("chain", lambda a, b: (a * b + a - b * 3) * a),
    ("compared sum", lambda a, b: (a + b) < (a * b)), ("to double", lambda a, b: (a + b).cast(dt.float64)),
    ("to single", lambda a, b: (a * b).cast(dt.float32)), ("to long", lambda a, b: (a + b).cast(dt.int64)),
]  # fmt: skip
OF_INTS = [
    ("floor div", lambda a, b: a // b), ("mod", lambda a, b: a % b), ("and", lambda a, b: a & b),
    ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b), ("not", lambda a, b: ~a),
    ("shl", lambda a, b: a << b), ("shr", lambda a, b: a >> b), ("by 7", lambda a, b: (a + b) // 7),
    ("mod 10", lambda a, b: (a * b) % 10), ("shifted", lambda a, b: (a + b) >> 3),
]  # fmt: skip
OF_FLOATS = [
    ("div", lambda a, b: a / b), ("sqrt", lambda a, b: a.abs().sqrt()),
    ("reciprocal", lambda a, b: a.reciprocal()),
    ("floor", lambda a, b: a.floor()), ("trunc", lambda a, b: a.trunc()),
    ("horner", lambda a, b: (a * b + b) * b + a),
]  # fmt: skip
CASES = [
    (name, make, dtype)
    for rows, dtypes in ((ANY, HERE), (OF_INTS, INTS), (OF_FLOATS, FLOATS))
    for name, make in rows
    for dtype in dtypes
    if dtype in HERE
]


# In the suite each dtype has every third case, another third for each: the rest are slow.
SOME = [
    pytest.param(
        *case, id=f"{case[0]}-{case[2]}", marks=() if i % 3 == DTYPES.index(case[2]) % 3 else pytest.mark.slow
    )
    for i, case in enumerate(CASES)
]


@pytest.mark.parametrize("name, make, dtype", SOME)
def test_ops(name, make, dtype, rng) -> None:
    a, b = values(dtype, 61, rng), values(dtype, 61, rng)
    rng.shuffle(b)
    got, want, result = both(dtype, make, a, b)
    for x, y, one, other in zip(a, b, bits(result, got), bits(result, want), strict=True):
        assert one == other, (
            f"{name} of {x!r}, {y!r} in {dtype}: {one} on the CPU, {other} on the reference device"
        )


MOVES = [
    ("pad", lambda x: x.pad(((1, 2), (3, 1)))), ("flip", lambda x: x.flip(0)),
    ("turn", lambda x: x.permute(1, 0) + 1),
    ("shrink", lambda x: x[1:3, 2:7]),
    ("expand", lambda x: x.reshape(4, 1, 9).expand(4, 3, 9) * 2),
    ("cat", lambda x: Tensor.cat([x, x.flip(1)], axis=0)),
    ("max", lambda x: x.max(axis=1)), ("min", lambda x: x.min(axis=0)),
    ("argmax", lambda x: x.argmax(axis=1)),
    ("copy", lambda x: x.permute(1, 0).contiguous()),
    ("windows", lambda x: x.reshape(36)[5:29].reshape(2, 12) * 3),
]  # fmt: skip


@pytest.mark.parametrize("name, make", MOVES, ids=[name for name, _ in MOVES])
@pytest.mark.parametrize("turn", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_movement(name, make, turn, rng) -> None:
    place = [row for row, _ in MOVES].index(name)
    for dtype in NARROW[(place + turn) % 3 :: 3]:
        data = [v if v == v else 1.0 for v in values(dtype, 36, rng)]
        got, want, result = both(dtype, lambda x: make(x.reshape(4, 9)), data)
        assert bits(result, got) == bits(result, want), f"{name} of {dtype}"


@pytest.mark.parametrize("dtype", DTYPES, **names)
@pytest.mark.parametrize("count", [1, 61, *(pytest.param(n, marks=pytest.mark.slow) for n in (7, 16, 300))])
def test_sums(dtype, count, rng) -> None:
    if dtype.is_int:
        data = values(dtype, count, rng)
        for make in (Tensor.sum, Tensor.prod):
            got, want, result = both(dtype, make, data)
            assert got == want, f"{make.__name__} of {count} {dtype}"
        return
    data = dt.round_list(dtype, [rng.uniform(-1, 1) for _ in range(count)])
    got, want, result = both(dtype, Tensor.sum, data)
    step = dtype.epsilon * max(abs(want[0]), 2.0**dtype.min_exponent)
    assert result is dtype
    assert abs(got[0] - want[0]) <= step + 2.0**-22 * sum(map(abs, data)), f"sum of {count} {dtype}"


@pytest.mark.parametrize("dtype", DTYPES, **names)
@pytest.mark.parametrize("shape", [(3, 5, 4), pytest.param((16, 33, 17), marks=pytest.mark.slow)], ids=str)
def test_products(dtype, shape, rng) -> None:
    """Float products are not rounded before they are added, the sum is rounded once."""
    n, k, m = shape
    draw = (lambda: rng.randrange(0, 4)) if dtype.is_int else (lambda: rng.randrange(-4, 5) / 4)
    a, b = [draw() for _ in range(n * k)], [draw() for _ in range(k * m)]
    product = (
        Tensor(a, dtype=dtype, device="cpu").reshape(n, k)
        @ Tensor(b, dtype=dtype, device="cpu").reshape(k, m)
    ).tolist()
    for i in range(n):
        for j in range(m):
            total = sum(a[i * k + x] * b[x * m + j] for x in range(k))
            want = dt.convert(total, dt.float64 if dtype.is_float else dt.int64, dtype)
            assert product[i][j] == want, f"{dtype} [{i}, {j}]"


@pytest.mark.parametrize("dtype", FLOATS, **names)
def test_functions(dtype, rng) -> None:
    """Computed in float32 (float64: in itself), rounded once."""
    data = [
        abs(v) if abs(v) < 5 else 1.5 for v in dt.round_list(dtype, [rng.uniform(0.1, 4) for _ in range(40)])
    ]
    for name, exact in (("exp", math.exp), ("log", math.log), ("tanh", math.tanh)):
        got = getattr(Tensor(data, dtype=dtype, device="cpu"), name)().tolist()
        for x, y in zip(data, got, strict=True):
            want = exact(x)
            ulp = 2.0 ** (max(math.frexp(want)[1] - 1, dtype.min_exponent) - dtype.mantissa)
            assert abs(y - want) <= (2.5 if dtype.bits > 16 else 0.51) * ulp, f"{name}({x}) of {dtype}: {y}"


@pytest.mark.parametrize("dtype", FLOATS, **names)
def test_gradients(dtype) -> None:
    x = Tensor([0.5, -1.0, 2.0], dtype=dtype, device="cpu").requires_grad_()
    (x * x * 2.0).sum().backward()
    assert x.grad.dtype is dtype
    assert x.grad.tolist() == [2.0, -4.0, 8.0]


def grown(seed: int, device: str) -> list[tuple[dt.DType, list[dt.Value]]]:
    """A random program over tensors of all dtypes: ops that are exact or rounded once."""
    rng = random.Random(seed)
    shape = rng.choice([(5,), (16,), (3, 7), (4, 16), (2, 3, 5)])
    count = math.prod(shape)
    pool = [
        Tensor(values(d, count, rng), dtype=d, device=device).reshape(*shape)
        for d in rng.sample(DTYPES, 3)
    ]  # fmt: skip
    for _ in range(rng.randrange(2, 9)):
        a = rng.choice(pool)
        b = rng.choice([t for t in pool if t.dtype is a.dtype])
        kind = rng.random()
        if kind < 0.3:
            a = a.cast(rng.choice(DTYPES))
        elif kind < 0.4:
            a = a.where(a < b, b)
        elif kind < 0.5:
            a = a.pad(((1, 0),) * len(shape))[tuple(slice(0, n) for n in shape)]
        elif kind < 0.6:
            # which zero is the greatest of several is open for floats
            a = a.max(axis=0, keepdim=True).expand(*shape) if a.dtype.is_int else a.flip(0)
        else:
            rows = ANY[:6] + (OF_INTS if a.dtype.is_int else OF_FLOATS)
            a = rng.choice(rows)[1](a, b)
        pool.append(a)
    return [(t.dtype, t.reshape(-1).tolist()) for t in pool[3:]]


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed) -> None:
    compare(seed)


@pytest.mark.fuzz
def test_many_random_programs(rng) -> None:
    for _ in range(300):
        compare(rng.randrange(1 << 40))


def compare(seed: int) -> None:
    with bg.override(check=True):
        pairs = zip(grown(seed, "cpu"), grown(seed, "reference"), strict=True)
    for place, ((dtype, got), (_, want)) in enumerate(pairs):
        assert bits(dtype, got) == bits(dtype, want), f"seed {seed}: value {place} of {dtype}"
