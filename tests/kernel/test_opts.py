"""Every optimisation keeps the value of a kernel, on odd and prime sizes; illegal ones say why."""

from __future__ import annotations

import pytest

from baregrad import dtype as dt
from baregrad import ir
from baregrad.base.errors import CompileError
from baregrad.kernel import optimize, parse, rows, show
from baregrad.kernel.axes import Shape
from baregrad.lower import lower
from baregrad.render.targets import AVX512
from tests.kernel.kernels import (
    KERNELS,
    axis,
    conv,
    conv_weights,
    kernel,
    layernorm,
    load,
    matmul,
    memory,
    param,
    pool,
    row_sum,
    scaled,
    softmax,
    store,
    two_outputs,
)
from tests.kernel.test_heuristic import same
from tests.lower.witness import run_kernel, run_linear

# fmt: off
LEGAL = [
    # name                 kernel                 opts
    ("split_exact", scaled(12), "split 0 4"),
    ("split_mask", scaled(13), "split 0 4 mask"),
    ("split_rest", scaled(13), "split 0 4 rest"),
    ("split_overlap", matmul(7, 5, 3), "split 0 4 overlap"),
    ("split_larger", scaled(5), "split 0 8 mask; vector 0b"),
    ("split_twice", scaled(37), "split 0 16 mask; split 0b 4; vector 0bb; unroll 0ba"),
    ("split_reduce_mask", row_sum(3, 13), "split 1 4 mask; reduce_unroll 1b"),
    ("split_reduce_rest", row_sum(3, 13), "split 1 4 rest"),
    ("split_max_mask", pool(1, 6), "split 4 4 mask; reduce_unroll 4b"),
    ("split_softmax", softmax(2, 5), "split 1 4 mask; reduce_vector 1b; split 2 4 mask; reduce_unroll 2b"),
    ("move", matmul(3, 5, 4), "move 1 0"),
    ("merge", matmul(3, 5, 4), "merge 0 1"),
    ("merge_threads", matmul(3, 5, 4), "merge 0 1; split 0.1 4 rest; threads 0.1a"),
    ("merge_reduce", conv_weights(2, 1, 2, 4, 4), "merge 5 6; split 5.6 8; reduce_vector 5.6b"),
    ("merge_reduce_tail", conv_weights(2, 1, 2, 3, 5), "merge 5 6; split 5.6 8 mask; reduce_vector 5.6b"),
    ("collapse_parallel", pool(2, 4), "collapse 0 1"),
    ("collapse_threads", pool(3, 8), "collapse 0 1; vector 2; threads 0.1"),
    ("unroll", matmul(3, 5, 4), "unroll 0; unroll 1"),
    ("reduce_unroll", matmul(3, 5, 4), "reduce_unroll 2"),
    ("vector", matmul(3, 8, 4), "vector 1"),
    ("vector_of_rows", matmul(8, 3, 4), "vector 0"),
    ("reduce_vector", matmul(3, 5, 8), "reduce_vector 2"),
    ("threads", matmul(3, 5, 4), "threads 0"),
    ("tile", matmul(6, 16, 4), "split 0 3; split 1 8; split 1b 4; unroll 0b; unroll 1ba; vector 1bb"),
    ("stage", matmul(6, 16, 5), "split 0 3; unroll 0b; split 1 8; vector 1b; move 1a 0a; stage 1 2 1b"),
    ("stage_tail", matmul(5, 13, 5), "split 0 3 mask; unroll 0b; split 1 8 mask; vector 1b; stage 1 2 1b"),
    ("stage_turned", matmul(5, 8, 7, False, True), "split 0 3 overlap; unroll 0b; vector 1; stage 1 2 1"),
    ("stage_copy", matmul(5, 8, 12, False, True), "vector 1; stage 1 2 1; split s0.2 4; unroll s0.2b"),
    ("stage_in_loop", matmul(3, 2, 2), "stage 0 0"),
    ("stage_block", matmul(3, 8, 12), "vector 1; split 2 4; stage 1 2b 1"),
    ("stage_two", matmul(4, 8, 6), "split 0 2; unroll 0b; vector 1; stage 0 0b 2; stage 1 2 1"),
    ("stage_grid", matmul(4, 16, 6), "split 1 8; vector 1b; stage 1 2 1b; threads 1a"),
    ("conv_tile", conv(1, 2, 4, 3, 8), "vector 3; split 1 2; unroll 1b; reduce_unroll 6"),
    ("conv_stage", conv(1, 2, 4, 3, 8), "vector 3; reduce_unroll 6; stage 0 4 5 6 3"),
    ("conv_flat", conv(1, 2, 4, 4, 4), "stage 0 4 5 6 2 3; collapse 2 3; vector 2.3; unroll 1"),
    ("conv_flat_tail", conv(1, 1, 2, 3, 5), "stage 0 4 5 6 2 3; collapse 2 3; split 2.3 8 mask; vector 2.3b"),
    ("stage_then_split", matmul(5, 7, 6), "stage 1 2 1; split 1 4 mask; vector 1b; split 2 4 rest"),
    ("two_outputs", two_outputs(21), "split 0 16 mask; vector 0b; unroll 0a"),
]
ILLEGAL = [
    # name                 kernel                 opts                         why
    ("no_axis", scaled(8), "vector 3", "no axis 3"),
    ("no_row", scaled(8), "turn 0", "no such row"),
    ("tail_unsaid", scaled(13), "split 0 4", "say how it ends"),
    ("overlap_in_place", scaled(13), "split 0 4 overlap", "in place"),
    ("overlap_reduce", row_sum(3, 13), "split 1 4 overlap", "count twice"),
    ("three_lanes", scaled(3), "vector 0", "power of two"),
    ("too_many", scaled(128), "unroll 0", "up to 64"),
    ("lanes_twice", matmul(8, 8, 4), "vector 0; vector 1", "lanes already"),
    ("reduce_as_parallel", row_sum(3, 8), "vector 1", "not loop"),
    ("grid_twice", matmul(3, 5, 4), "threads 0; threads 1", "a grid already"),
    ("threads_of_reduce", row_sum(3, 8), "threads 1", "no parallel loop"),
    ("not_dense", matmul(3, 5, 4), "collapse 0 1", "not one dense axis"),
    ("merge_some", layernorm(3, 8), "merge 1 2", "closes only one"),
    ("half_a_panel", conv(1, 1, 2, 4, 4), "stage 0 4 5 6 3; collapse 2 3", "no neighbours"),
    ("copy_tail", matmul(3, 8, 7), "vector 1; stage 1 2 1; split s0.2 4 mask", "equal parts"),
    ("panel_shared", matmul(3, 8, 4), "vector 1; stage 1 2", "share one panel"),
]
# fmt: on


@pytest.mark.parametrize("ast, opts", [c[1:] for c in LEGAL], ids=[c[0] for c in LEGAL])
def test_value_is_kept(ast, opts):
    want, shaped, lowered = memory(ast), memory(ast), memory(ast)
    run_kernel(ast, want)
    sink = optimize(ast, AVX512, parse(opts))
    run_kernel(sink, shaped)
    same(want, shaped, "KERNEL")
    lists = [m.tolist() for m in memory(ast)]
    ir.run_kernel(sink, lists)
    same(want, lists, "KERNEL, the package's interpreter")
    run_linear(lower(sink, AVX512), lowered)
    same(want, lowered, "LINEAR")


@pytest.mark.parametrize("ast, opts, why", [c[1:] for c in ILLEGAL], ids=[c[0] for c in ILLEGAL])
def test_illegal_says_why(ast, opts, why):
    with pytest.raises(CompileError) as error:
        optimize(ast, AVX512, parse(opts))
    assert why in str(error.value)


def test_text_goes_round():
    for _, _, opts in LEGAL:
        assert show(parse(opts)) == opts
    used = {opt.name for _, _, opts in LEGAL for opt in parse(opts)}
    assert used == set(rows()), "every row has a case"


def test_no_opts_is_the_kernel():
    for ast in KERNELS.values():
        assert optimize(ast, AVX512, ()) is ast


def test_lanes_do_not_reach_beyond_int32():
    cases = [(1, 1 << 26, True), (1, 1 << 27, True), (0, 1 << 26, True), (0, 1 << 28, False)]
    for number, size, legal in cases:  # along 1 lanes are neighbours in memory
        i, j = axis(0, 16), axis(1, 16)
        row = load(param(1, 16, dt.int64), i).maximum(0).minimum(size - 1)
        ast = kernel(store(param(0, 256), i * 16 + j, load(param(2, size * 16), row * 16 + j), i, j))
        why = rows()["vector"].why_not(Shape.of(ast), str(number))
        assert (why is None) is legal, (number, size, why)
