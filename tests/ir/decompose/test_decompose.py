"""Every row against float64, on random bit patterns, borders and special values; and what decompose
refuses.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError, DTypeError
from baregrad.ir import UOp, ops
from baregrad.ir.decompose import ROWS, Decomposition, decompose
from baregrad.target import Target

_spec = importlib.util.spec_from_file_location("evaluate", Path(__file__).with_name("evaluate.py"))
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
evaluate = _module.evaluate

FUNCTIONS = [  # op, reference, where most of the random points lie
    (ops.EXP, np.exp, (-105, 90)),
    (ops.EXP2, np.exp2, (-152, 130)),
    (ops.LOG, np.log, (0.2, 5)),
    (ops.LOG2, np.log2, (0.2, 5)),
    (ops.TANH, np.tanh, (-10, 10)),
]
SPECIAL = [
    0.0, -0.0, 1, -1, 1e-45, -1e-45, 1e-40, -1e-40, 2.0**-126, np.inf, -np.inf, np.nan, 3.4e38, -3.4e38,
    88.72283, 88.72284, -87.33, -87.34, -103.97, -103.98, -104, 127.99999, 128, -149, -149.5, -150,
    9.01, 9.2, 0.61999995, 0.62,
]  # fmt: skip
CORE = frozenset((
    "add", "sub", "mul", "div", "and", "or", "xor", "shl", "shr", "cmplt", "cmpeq", "select", "fma", "cast",
    "bitcast", "trunc", "idiv", "max", "min",
))  # fmt: skip
NATIVE = frozenset({"bool", "int32", "int64", "float32"})
TARGET = Target("core", "none", native_ops=CORE | {"cmple"}, native_dtypes=NATIVE)
X = UOp(ops.PARAM, dt.float32, (), (0, 1))
Y = UOp(ops.PARAM, dt.float32, (), (1, 1))


def ulps(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """The distance in units of the last place of the float32 next to `want` (overflow counts as the next
    binade).
    """
    with np.errstate(all="ignore"):
        near = want.astype(np.float32)
        size = np.where(np.isfinite(near), np.abs(near), np.float32(3.4e38))
        unit = np.spacing(size).astype(np.float64)
        error = np.abs(got.astype(np.float64) - want) / unit
    same = (got == near) | (np.isnan(got) & np.isnan(near))
    return np.where(same, np.where(np.isfinite(error), error, 0.0), np.where(np.isnan(error), np.inf, error))


def points(count: int, low: float, high: float) -> np.ndarray:
    rng = np.random.default_rng(7)
    patterns = rng.integers(0, 2**32, count // 2, dtype=np.uint64).astype(np.uint32).view(np.float32)
    powers = 2.0 ** np.arange(-149, 128)
    parts = (patterns, rng.uniform(low, high, count // 2), np.arange(-152, 130), powers, SPECIAL)
    return np.concatenate([np.asarray(part, np.float32) for part in parts])


def check(op: ops.Op, reference: object, span: tuple[float, float], count: int) -> None:
    row = next(row for row in ROWS if row.op is op)
    x = points(count, *span)
    got = evaluate(decompose(X.alu(op), TARGET), {X: x})
    with np.errstate(all="ignore"):
        want = reference(x.astype(np.float64))  # type: ignore[operator]
    error = ulps(got, want)
    worst = int(np.argmax(error))
    assert error[worst] <= row.ulp, (
        f"{op.name}({x[worst]!r}) = {got[worst]!r}, not {want[worst]!r}: {error[worst]} ulp"
    )
    assert row.ulp <= op.ulp
    signs = (np.signbit(got) != np.signbit(want)) & ~np.isnan(want)
    assert not signs.any(), f"{op.name}({x[signs][:5]}) has the wrong sign"


@pytest.mark.parametrize("op, reference, span", FUNCTIONS, ids=[row[0].name for row in FUNCTIONS])
def test_function_is_within_its_bound(op: ops.Op, reference: object, span: tuple[float, float]) -> None:
    check(op, reference, span, 20_000)


@pytest.mark.slow
@pytest.mark.parametrize("op, reference, span", FUNCTIONS, ids=[row[0].name for row in FUNCTIONS])
def test_function_is_within_its_bound_on_two_million_points(
    op: ops.Op, reference: object, span: tuple[float, float]
) -> None:
    check(op, reference, span, 2_000_000)


def test_powers_of_two_are_exact() -> None:
    k = np.arange(-149, 128)
    assert (evaluate(decompose(X.alu(ops.EXP2), TARGET), {X: k.astype(np.float32)}) == 2.0**k).all()
    assert (evaluate(decompose(X.alu(ops.LOG2), TARGET), {X: (2.0**k).astype(np.float32)}) == k).all()


LACKING = Target(
    "least", "none", native_ops=CORE - {"max", "min"} | {"sqrt"}, native_dtypes=NATIVE | {"float64"}
)
VALUES = [0.0, -0.0, 1.5, -1.5, 1e-40, np.inf, -np.inf, np.nan, 2.0, -2.0]
EXACT = [ops.MAX, ops.MIN, ops.CMPLE, ops.CMPNE, ops.NEG, ops.RECIPROCAL, ops.FLOOR]


@pytest.mark.parametrize("op", EXACT, ids=[op.name for op in EXACT])
def test_exact_rows_have_the_meaning_of_their_op(op: ops.Op) -> None:
    pairs = [(a, b) for a in VALUES for b in VALUES]
    sources = (X, Y)[: op.arity]
    root = decompose(X.alu(op, *sources[1:]), LACKING)
    arrays = {X: np.array([a for a, _ in pairs], np.float32), Y: np.array([b for _, b in pairs], np.float32)}
    got = evaluate(root, arrays)
    assert op.meaning is not None
    for (a, b), value in zip(pairs, got.tolist(), strict=True):
        want = op.meaning(*(float(np.float32(v)) for v in (a, b)[: op.arity]))
        with np.errstate(all="ignore"):
            same = np.asarray(value, got.dtype).tobytes() == np.asarray(want, got.dtype).tobytes()
        assert same or (value != value and want != want), f"{op.name}({a}, {b}) = {value}, not {want}"


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.op.name}-{'-'.join(sorted(row.dtypes))}" for row in ROWS])
def test_what_is_made_has_only_native_ops(row: Decomposition) -> None:
    plain = "int32" if row.op in (ops.MOD, ops.NOT) else "float32"
    for name in row.dtypes or {plain}:
        x = UOp(ops.PARAM, dt.BY_NAME[name], (), (0, 1))
        root = decompose(x.alu(row.op, *(x,) * ((row.op.arity or 1) - 1)), LACKING)
        names = {node.op.name for node in root.toposort()} - {"const", "param"}
        assert names <= LACKING.native_ops, f"{row.op.name} of {name}"


def test_native_ops_stay() -> None:
    root = X.maximum(Y) + 1.0
    assert decompose(root, TARGET) is root


def test_foreign_dtypes_are_refused() -> None:
    half = UOp(ops.PARAM, dt.float16, (), (0, 1))
    with pytest.raises(DTypeError, match="float16"):
        decompose(half + half, TARGET)


def test_unknown_ops_are_refused() -> None:
    with pytest.raises(CompileError, match="sqrt"):
        decompose(X.alu(ops.SQRT), TARGET)
