"""What selection does without rows, against the meanings of what it emits: divisions by constants and in
float64, ops done lane by lane, and what goes across lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, const, ops
from baregrad.lift import variable
from baregrad.render.x86 import lanes
from baregrad.render.x86.selector import Selector
from tests.lift.rows import (
    Claim,
    claim_of_lane,
    compared,
    lane_of,
    leaf,
    result_of,
    selected,
)
from tests.lift.smt import prove
from tests.lift.values import difference

POINTS = 300
DATA = (dt.int32, dt.uint64, dt.float32, dt.float64, dt.bool_)


def without_row(op: Op, dtype: DType, count: int, wide: bool, divisor: int | None) -> Iterator[Claim]:
    """The claims of an op that is selected as it comes."""
    sources = [leaf(dtype, "a", count), leaf(dtype, "b", count)]
    if divisor is not None:
        sources[1] = const(divisor, dtype)
    node = UOp(op, dtype, tuple(sources))
    state, registers = selected(node, wide, lambda state: state.select_row(node))
    for lane in range(count or 1):
        yield claim_of_lane(f"{op} {dtype} {count} {divisor}", node, lane, state, registers)


DIVISORS = (3, 7, 10, 641, 1000, 65537, (1 << 29) - 1)
DIVISIONS = [
    (op, dtype, 0, True, c) for op in (ops.IDIV, ops.MOD) for dtype in (dt.int32, dt.int64) for c in DIVISORS
]
DIVISIONS += [(op, dtype, count, wide, None) for op in (ops.IDIV, ops.MOD) for dtype in (dt.int32, dt.uint32)
              for count, wide in ((4, True), (16, True), (4, False), (8, False))]  # fmt: skip
DIVISIONS += [(ops.IDIV, dt.int64, 0, True, (1 << 40) + 1), (ops.MOD, dt.int64, 4, False, None)]


@pytest.mark.parametrize("op, dtype, count, wide, divisor", DIVISIONS[::9])
def test_a_sample_of_divisions(op: Op, dtype: DType, count: int, wide: bool, divisor: int | None) -> None:
    claim = next(without_row(op, dtype, count, wide, divisor))
    assert difference(*compared(claim), claim.traps, POINTS) == ""


@pytest.mark.slow
@pytest.mark.parametrize("op, dtype, count, wide, divisor", DIVISIONS)
def test_divisions(op: Op, dtype: DType, count: int, wide: bool, divisor: int | None) -> None:
    for claim in {(c.made, c.meant): c for c in without_row(op, dtype, count, wide, divisor)}.values():
        assert difference(*compared(claim), claim.traps, 10_000) == ""


# -- across lanes ----------------------------------------------------------------------------------


def slices(dtype: DType, count: int, wide: bool) -> Iterator[tuple[UOp, list[UOp]]]:
    """Every lane and every aligned part of a vector."""
    source = leaf(dtype, "a", count)
    for size in (1, 2, 4, 8):
        if size == 1 or (size < count and (dtype is dt.bool_ or size * dtype.bits >= 128)):
            for start in range(0, count, size):
                node = UOp(ops.SLICE, dtype, (source,), (start, size))
                yield node, [lane_of(source, start + i) for i in range(size)]


def stacks(dtype: DType, count: int, wide: bool) -> Iterator[tuple[UOp, list[UOp]]]:
    """Scalars as lanes."""
    scalars = [variable(f"s{i}", dtype) for i in range(count)]
    yield UOp(ops.STACK, dtype, tuple(scalars)), [lane_of(scalar, 0) for scalar in scalars]


def broadcasts(dtype: DType, count: int, wide: bool) -> Iterator[tuple[UOp, list[UOp]]]:
    """A scalar in every lane."""
    scalar = variable("s", dtype)
    yield UOp(ops.BROADCAST, dtype, (scalar,), count), [lane_of(scalar, 0)] * count


ACROSS: dict[str, tuple[Callable[..., Iterator[tuple[UOp, list[UOp]]]], Callable[[Selector, UOp], None]]] = {
    "slice": (slices, lanes.slice_),
    "stack": (stacks, lanes.stack),
    "broadcast": (broadcasts, lanes.broadcast),
}


@pytest.mark.parametrize("name, dtype, wide", [("slice", dt.float32, False), ("stack", dt.bool_, False),
                                               ("broadcast", dt.int32, True)])  # fmt: skip
def test_a_sample_across_lanes(name: str, dtype: DType, wide: bool) -> None:
    check_across(name, dtype, wide)


@pytest.mark.slow
@pytest.mark.parametrize("wide", [True, False], ids=["avx512", "avx2"])
@pytest.mark.parametrize("dtype", DATA, ids=[d.name for d in DATA])
@pytest.mark.parametrize("name", ACROSS)
def test_across_lanes(name: str, dtype: DType, wide: bool) -> None:
    check_across(name, dtype, wide)


def check_across(name: str, dtype: DType, wide: bool) -> None:
    """Everything of a kind, at the least and greatest number of lanes."""
    cases, handler = ACROSS[name]
    most = min(16, (512 if wide else 256) // max(dtype.bits, 32))
    for count in {most, max(2, 128 // max(dtype.bits, 32))}:
        for node, meant in cases(dtype, count, wide):
            across(node, meant, wide, handler)


def across(node: UOp, meant: list[UOp], wide: bool, handler: Callable[[Selector, UOp], None]) -> None:
    """Every lane of a node is the leaf that it should be."""
    state, registers = selected(node, wide, lambda state: handler(state, node))
    register = state.value(node)
    vector = len(meant) > 1
    for lane, wanted in enumerate(meant):
        made = result_of(registers, register, node, lane, len(meant) if vector else 0)
        claim = Claim(node.op.name, made, wanted, (), -1 if vector else 1)
        left, right = compared(claim)
        assert prove(left, right, (), 5000) == "", f"lane {lane} of {node!r}"
