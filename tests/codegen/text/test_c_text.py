"""The C text of kernels as stored texts, and what it is refused for. No compiler is needed here."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, ops
from baregrad.kernel import optimize, parse
from baregrad.lower import Linear, lower
from baregrad.render import AVX2, C, render
from baregrad.render.text.c import source
from baregrad.render.text.c_rows import ROWS
from tests.kernel.kernels import conv, gather, layernorm, matmul, row_sum, scaled, softmax

# fmt: off
GOLDEN = [
    ("sum",     row_sum(3, 64),     C,    None),
    ("softmax", softmax(3, 7),      C,    ""),
    ("tile",    matmul(2, 8, 6),     C,    "unroll 0; vector 1"),
    ("window",  conv(1, 1, 1, 3, 8), C,   ""),
    ("tail",    scaled(37),         AVX2, "split 0 8 mask; vector 0b"),
    ("norm",    layernorm(3, 8),    AVX2, "reduce_vector 1; reduce_vector 2; vector 3"),
    ("panel",   matmul(4, 16, 6),   AVX2, "split 1 8; vector 1b; stage 1 2 1b; threads 1a"),
    ("rows",    gather(3, 8, 5),    AVX2, "vector 1"),
]
# fmt: on


@pytest.mark.parametrize("name, ast, target, opts", GOLDEN, ids=[g[0] for g in GOLDEN])
def test_text(golden, name, ast, target, opts) -> None:
    linear = lower(optimize(ast, target, None if opts is None else parse(opts)), target)
    program = render(linear, C)
    assert program.listing == program.code.decode()
    assert (program.grid, program.slots) == (linear.grid, linear.slots)
    golden(f"c/{name}.c", program.listing)


def test_rows_are_what_the_target_says() -> None:
    assert {op.name for op in ROWS} == C.native_ops


def test_a_dtype_that_c_has_not_is_refused() -> None:
    line = UOp(ops.PARAM, dt.float16, (), (0, 4))
    with pytest.raises(CompileError, match="float16 in C"):
        source(Linear("half", (line,), 1, 1))


def test_an_op_of_another_level_is_refused() -> None:
    line = UOp(ops.IOTA, dt.int32, (), 4)
    with pytest.raises(CompileError, match="no op of LINEAR"):
        source(Linear("iota", (line,), 1, 0))


NAMES = [("exp", "exp"), ("a b", "a_b"), ("größe", "gr__e"), ("int", "int")]


@pytest.mark.parametrize("name, called", NAMES, ids=[called for _, called in NAMES])
def test_a_kernel_may_be_called_anything(name: str, called: str) -> None:
    assert f"\nvoid kernel_{called}(void **args, int64_t grid_item)\n" in source(Linear(name, (), 1, 0))
