"""Integers of sizes that the language has no dtype for, in those that it has, against numbers of any size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import UOp, ops
from baregrad.isa.meaning import Type
from baregrad.lift import variable
from baregrad.lift.contained import contained, is_odd
from baregrad.lift.pieces import dtype_of
from tests.lift.values import evaluate, points

U24, U65, I160 = (dtype_of(Type(kind, bits)) for kind, bits in (("u", 24), ("u", 65), ("i", 160)))
U32, U64, I32, BIT = dt.uint32, dt.uint64, dt.int32, dt.bool_
COUNT = 60


def clamped(x: UOp, low: int, high: int) -> UOp:
    """A number brought into a range."""
    return (x < low).where(x.const_like(low), (x.const_like(high) < x).where(x.const_like(high), x))


def wide(*leaves: UOp) -> list[UOp]:
    """Leaves in many bits."""
    return [leaf.cast(I160) for leaf in leaves]


Make = Callable[..., UOp]
ROWS: dict[str, tuple[tuple[DType, ...], Make]] = {
    "a sum and its carry": ((U64, U64), lambda a, b: sum_of(a, b) >> 64),
    "the low word of a sum": ((U64, U64), lambda a, b: sum_of(a, b)),
    "a sum with a bit": ((U32, U32, BIT), lambda a, b, c: clamped(sum(wide(b, c), wide(a)[0]), 0, 2**32 - 1)),
    "a difference": ((U32, U32, BIT), lambda a, b, c: clamped(wide(a)[0] - wide(b)[0] - wide(c)[0], 0, 1000)),
    "a product": ((I32, I32), lambda a, b: clamped(product(a, b), -(2**31), 2**31 - 1)),
    "a large product": ((U32, U32, U64), lambda a, b, c: clamped(product(a, b) + wide(c)[0], 0, 2**40)),
    "a choice of sums": ((U64, U64, BIT), lambda a, b, c: c.where(sum_of(a, b), b.cast(U65))),
    "a comparison": ((U64, U64), lambda a, b: sum_of(a, b) < sum_of(b, b)),
    "one that may be equal": ((U64, U64), lambda a, b: UOp(ops.CMPLE, BIT, (sum_of(a, b), sum_of(b, a)))),
    "equality": ((U64, U64), lambda a, b: sum_of(a, b).eq(sum_of(b, b))),
    "a difference of others": ((U64, U64), lambda a, b: sum_of(a, b).ne(a.cast(U65))),
    "24 bits": ((U32, U32), lambda a, b: a.cast(U24) * b.cast(U24) + a.cast(U24)),
}  # fmt: skip


def product(a: UOp, b: UOp) -> UOp:
    """A product of two words."""
    return a.cast(I160) * b.cast(I160)


def sum_of(a: UOp, b: UOp) -> UOp:
    """A sum of two words with its carry."""
    return a.cast(U65) + b.cast(U65)


@pytest.mark.parametrize("name", ROWS)
def test_the_same_numbers(name: str) -> None:
    dtypes, make = ROWS[name]
    leaves = [variable(f"leaf{n}", dtype) for n, dtype in enumerate(dtypes)]
    made = make(*leaves)
    root = made if made.dtype is BIT else made.cast(U64)
    found = contained(root)
    assert not any(is_odd(node.dtype) for node in found.toposort()), "a dtype that nothing has"
    given = points(leaves, COUNT, 5)
    wanted, got = evaluate([root, found], given, COUNT)
    for n, (x, y) in enumerate(zip(wanted, got, strict=True)):
        assert int(x) == int(y), f"{name} of {[values[n] for values in given.values()]}: {x} became {y}"
