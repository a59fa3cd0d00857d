"""The LINEAR text of a few kernels, so that a change of lowering is seen as text."""

from __future__ import annotations

import pytest

from baregrad.ir import text
from baregrad.kernel import optimize, parse
from baregrad.lower import lower
from baregrad.render.targets import AVX2
from tests.kernel.kernels import KERNELS, conv, gather, layernorm, matmul, row_sum, scaled

# fmt: off
GOLDEN = [
    ("tail",    scaled(37),             "split 0 8 mask; vector 0b"),
    ("sum",     row_sum(3, 64),         "split 1 8; reduce_vector 1b; split 1a 2; reduce_unroll 1ab"),
    ("norm",    layernorm(3, 8),        "reduce_vector 1; reduce_vector 2; vector 3"),
    ("tile",    matmul(2, 8, 6),        "unroll 0; vector 1"),
    ("panel",   matmul(4, 16, 6),       "split 1 8; vector 1b; stage 1 2 1b; threads 1a"),
    ("window",  conv(1, 1, 1, 3, 8),    "vector 3"),
    ("rows",    gather(3, 8, 5),        "vector 1"),
    ("outputs", KERNELS["two_outputs_45"], "threads 0"),
]
# fmt: on


@pytest.mark.parametrize("name, ast, opts", GOLDEN, ids=[g[0] for g in GOLDEN])
def test_text(golden, name, ast, opts):
    linear = lower(optimize(ast, AVX2, parse(opts)), AVX2)
    head = f"== {name} | {opts} | grid {linear.grid}, {linear.slots} slots, {linear.local_bytes} bytes\n"
    golden(f"lower/{name}.txt", head + text(linear.uops) + "\n")
