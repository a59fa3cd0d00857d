"""Lifted UOps on values: scalar graphs, many points at once, by the meanings of the IR's rows.

A point is a value for each leaf: special ones (every pair of them first), then random bits. Two results are
the same when their bits are, or both are NaN.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import Any

from baregrad import dtype as dt
from baregrad.dtype import DType, Kind
from baregrad.ir import UOp, ops
from baregrad.ir.interpret_values import apply, bitcast, convert

Values = list[Any]
EDGES = (0, 1, 2, 3, 7, 31, 32, 63, 64)
FLOAT_EDGES = (
    0.0, 0.5, 1.0, 1.5, 2.5, 1e-40, 3e38, 255.5, 65504.0, 65520.0, 2.0**31, 2.0**31 - 128, 2.0**32,
    2.0**32 - 256, 2.0**63, 2.0**63 - 1024, 2.0**64, 2.0**64 - 2048, 2.0**53, 2147483647.5, 4294967295.5,
    float("inf"), float("nan"), 2.0**24 + 1, 1e20, 1 / 3,
)  # fmt: skip


def edges(dtype: DType) -> Values:
    """Special values of a dtype."""
    if dtype is dt.bool_:
        return [False, True]
    if dtype.is_float:
        return [dt.round_to(dtype, sign * value) for value in FLOAT_EDGES for sign in (1.0, -1.0)]
    bits = dtype.bits
    near = {e for n in (*EDGES, 1 << bits - 1, 1 << bits // 2, 2**24, 2**53) for e in (n - 1, n, n + 1, -n)}
    return sorted(wrapped(value, dtype) for value in near)


def wrapped(value: int, dtype: DType) -> int:
    """An integer in a dtype of any width."""
    value &= (1 << dtype.bits) - 1
    return value - (1 << dtype.bits) if dtype.kind is Kind.INT and value >> dtype.bits - 1 else value


def random_value(rng: random.Random, dtype: DType) -> Any:
    """Random bits of a dtype, integers of random size."""
    if dtype is dt.bool_:
        return rng.random() < 0.5
    if not dtype.is_float:
        return wrapped(rng.getrandbits(rng.randint(1, dtype.bits)) * rng.choice((1, -1)), dtype)
    if rng.random() < 0.5:
        return dt.from_bits(dtype, rng.getrandbits(dtype.bits))
    return dt.round_to(dtype, rng.uniform(-2, 2) * 2.0 ** rng.randint(-4, 66))


def points(leaves: Sequence[UOp], count: int, seed: int) -> dict[UOp, Values]:
    """So many points."""
    rng = random.Random(seed)
    special = [edges(leaf.dtype) for leaf in leaves]
    found: dict[UOp, Values] = {}
    for n, leaf in enumerate(leaves):
        stride = 1
        for other in special[:n]:
            stride *= len(other)
        half = [special[n][i // stride % len(special[n])] for i in range(count // 2)]
        mixed = [rng.choice(special[n]) if rng.random() < 0.3 else random_value(rng, leaf.dtype)
                 for _ in range(count - count // 2)]  # fmt: skip
        found[leaf] = half + mixed
    return found


def evaluate(roots: Sequence[UOp], given: dict[UOp, Values], count: int) -> list[Values]:
    """The values of some nodes at all points."""
    known = dict(given)
    for root in roots:
        for node in root.toposort():
            if node not in known:
                known[node] = _values(node, [known[s] for s in node.src], count)
    return [known[root] for root in roots]


def _values(node: UOp, a: list[Values], count: int) -> Values:
    dtype = node.dtype
    if node.op is ops.CONST:
        return [wrapped(node.arg, dtype) if dtype.is_int else node.arg] * count
    if node.op in (ops.CAST, ops.BITCAST):
        source = node.src[0].dtype
        if max(source.bits, dtype.bits) > 64 or (source.is_int and dtype.is_int):
            return [wrapped(int(value), dtype) for value in a[0]]
        return (convert if node.op is ops.CAST else bitcast)(a[0], source, dtype)
    if dtype.bits > 64 and node.op in (ops.SHL, ops.SHR):  # the op's own meaning ends at 64
        turn: Callable[[int, int], int] = _shl if node.op is ops.SHL else _shr
        return [wrapped(turn(x, n), dtype) for x, n in zip(*a, strict=True)]
    return apply(node.op, dtype, a)


def _shl(x: int, n: int) -> int:
    return x << n if 0 <= n < 128 else 0


def _shr(x: int, n: int) -> int:
    return x >> min(n, 128)


def leaves_of(roots: Sequence[UOp]) -> list[UOp]:
    """The leaves of some nodes, in a fixed order."""
    found = {node for root in roots for node in root.toposort() if node.op is ops.PARAM}
    return sorted(found, key=lambda leaf: (leaf.arg[0], leaf.dtype.name))


def same(dtype: DType, a: Any, b: Any) -> bool:
    """Whether two values are one: bits, or both NaN."""
    if not dtype.is_float:
        return bool(a == b)
    return bool((a != a and b != b) or struct.pack("<d", a) == struct.pack("<d", b))


def difference(made: UOp, meant: UOp, impossible: Sequence[UOp], count: int, seed: int = 1) -> str:
    """ "" or a point where two nodes differ, or where something happens that never should."""
    roots = [made, meant, *impossible]
    leaves = leaves_of(roots)
    given = points(leaves, count, seed)
    first, second, *never = evaluate(roots, given, count)
    for i in range(count):
        if not same(made.dtype, first[i], second[i]) or any(values[i] for values in never):
            at = {leaf.arg[0]: given[leaf][i] for leaf in leaves}
            return f"{at}: made {first[i]}, meant {second[i]}"
    return ""
