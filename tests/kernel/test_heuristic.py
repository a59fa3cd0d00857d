"""The heuristic's choice for every kernel of the table keeps its value, down to the LINEAR list."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from baregrad.kernel import heuristic, optimize, show
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512
from tests.kernel.kernels import KERNELS, conv, conv_weights, gated, matmul, memory, row_sum, softmax
from tests.lower.witness import run_kernel, run_linear


def same(want, got, note=""):
    for slot, (a, b) in enumerate(zip(want, got, strict=True)):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-5, err_msg=f"slot {slot} {note}")


@cache
def meant(name):
    """What the buffers of a kernel hold after it, for all targets."""
    made = memory(KERNELS[name])
    run_kernel(KERNELS[name], made)
    return made


@pytest.mark.parametrize("target", [AVX2, AVX512], ids=lambda t: t.name)
@pytest.mark.parametrize("name", KERNELS)
def test_value_is_kept(name, target):
    target = replace(target, threads=2)
    ast = KERNELS[name]
    opts = heuristic(ast, target)
    got = memory(ast)
    run_linear(lower(optimize(ast, target, opts), target), got)
    same(meant(name), got, show(opts))


# fmt: off
CHOICES = [
    # what                            kernel                         in the Opts           not in them
    ("short rows of a reduce joined", conv_weights(4, 16, 32, 8, 8), "merge 5 6",          "reduce_vector 6"),
    ("lanes are dense",               softmax(4, 64),                "reduce_vector",      "vector 0"),
    ("all columns in one tile",       conv(1, 64, 64, 32, 30),       "split 3 16 overlap", "split 3 32 mask"),
    ("rows on lines of their own",    matmul(1024, 1024, 1024, True), "split 1 32",        "split 1 64"),
    ("a tile",                        gated(4, 32, 80, 1),           "unroll 0",           "split 0 2"),
    ("few copies of many functions",  gated(4, 32, 80, 40),          "vector",             "unroll 0"),
    ("two long rows at once",         row_sum(8, 1 << 15),           "split 0 2; unroll 0b", "vector 0"),
    ("a panel that is transposed",    matmul(64, 64, 64, flip_b=True), "unroll s0.2b",    "split 1 80"),
    ("a panel of some columns",       matmul(1024, 384, 1152),       "split 1 96",         "split 1 112"),
]
# fmt: on


@pytest.mark.parametrize("ast, there, absent", [c[1:] for c in CHOICES], ids=[c[0] for c in CHOICES])
def test_choice(ast, there, absent):
    opts = show(heuristic(ast, AVX512))
    assert there in opts, opts
    assert absent not in opts.split("; "), opts


def test_a_panel_before_lanes_along_a_reduce():
    opts = show(heuristic(matmul(512, 512, 512, flip_b=True), AVX2))
    assert "stage" in opts, opts
