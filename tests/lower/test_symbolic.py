"""Kernels with symbolic sizes keep their values through Opts and lowering, for values around whole vectors:
loops whose last steps are masked, and their masks left out of the others.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from baregrad.ir import Variable, ops, run_kernel, run_linear, sized, verify
from baregrad.kernel import heuristic, optimize, parse, show
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512
from baregrad.schedule import schedule
from tests.schedule import nets
from tests.schedule.nets import Buffers

N = sized(Variable("n", 1, 70))
VALUES = (1, 8, 17, 64, 67)


def sums(b):
    x = b.input(3, N)
    return [x.reduce("add", (1,)), x.reduce("max", (1,)) * 2.0]


def rows(b):
    return [nets.softmax(b.input(2, N))]


def layernorm(b):
    return [nets.layernorm(b.input(N, 5), b.input(5), b.input(5))]


def elementwise(b):
    x, y = b.input(3, N), b.input(N)
    return [nets.row(y, x) + x * 2.0, x.permute((1, 0))]


def product(b):
    return [nets.matmul(b.input(5, N), b.input(N, 6)), nets.matmul(b.input(N, 4), b.input(4, N))]


def padded(b):
    x = b.input(N, 3)
    return [x.pad(((1, 2), (0, 0))) * 3.0, x.shrink(((N - 1, N), (0, 3))), x.reshape((N * 3,)).flip((0,))]


NETS = (sums, rows, layernorm, elementwise, product, padded)
LISTS = {  # of the sum over rows of sums()
    "masked lanes": "split 1 8 mask; reduce_vector 1b",
    "instances": "split 1 32 mask; split 1b 8; reduce_vector 1bb; reduce_unroll 1ba",
    "masked twice": "split 1 8 mask; reduce_vector 1b; split 1a 4 mask; reduce_unroll 1ab",
    "masked rows": "split 0 2 mask; unroll 0b; split 1 16 mask; reduce_vector 1b",
    "shares": "split 1 16 mask; reduce_vector 1b; split 1a 4 share",
    "scalars": "split 1 4 mask; reduce_unroll 1b",
}


def filled(buffers, value):
    """Lists for the slots of a kernel, of as many elements as they have for a value."""
    made = []
    for slot, buffer in enumerate(buffers):
        count = 1
        for size in buffer.shape:
            count *= size if isinstance(size, int) else size.map(lambda _: value)
        made.append([((7 * i + 3 * slot) % 19 - 9) / 4.0 for i in range(count)])
    return made


def check(item, target, opts):
    linear = lower(optimize(item.ast, target, opts), target)
    verify(linear.uops, "LINEAR")
    for value in VALUES:
        expected, got = filled(item.buffers, value), filled(item.buffers, value)
        run_kernel(item.ast, [*expected, value])
        run_linear(linear.uops, [*got, value], linear.grid)
        for a, b in zip(expected, got, strict=True):
            assert b == pytest.approx(a, rel=1e-5, abs=1e-5), (item.ast.arg, value)
    return linear


@pytest.mark.parametrize("target", [pytest.param(AVX2, marks=pytest.mark.slow), AVX512], ids=lambda t: t.name)
@pytest.mark.parametrize("net", NETS)
def test_value_is_kept(net, target):
    buffers = Buffers()
    for item in schedule(net(buffers), buffers).items:
        assert item.variables == ("n",)
        check(item, target, heuristic(item.ast, replace(target, threads=2)))


@pytest.mark.parametrize("name", LISTS)
def test_value_is_kept_by_lists_of_opts(name):
    buffers = Buffers()
    (item,) = schedule([b.reduce("add", (1,)) for b in [buffers.input(3, N)]], buffers).items
    linear = check(item, AVX512, parse(LISTS[name]))
    loops = [line for line in linear.uops if line.op is ops.RANGE and line.src[0].op is not ops.CONST]
    whole = [line for line in linear.uops if line.op is ops.LOAD and len(line.src[0].src) == 2]
    assert len(loops) == 2  # whole blocks, and the rest
    assert bool(whole) == (name != "masked rows")


@pytest.mark.parametrize(
    "opts", ["split 0 4 share; threads 0a; split 1 4 mask; vector 1b", "split 0 3 share"]
)
def test_value_is_kept_by_shares(opts):
    buffers = Buffers()
    x = buffers.input(N, 9)
    (item,) = schedule([x * 2.0 + 1.0], buffers).items
    check(item, AVX512, parse(opts))


def test_rows_are_shared_by_threads():
    buffers = Buffers()
    x = buffers.input(sized(Variable("n", 1, 4096)), 384)
    (item,) = schedule([nets.softmax(x)], buffers).items
    opts = heuristic(item.ast, replace(AVX512, threads=2))
    assert "split 0 8 share; threads 0a" in show(opts)
    assert lower(optimize(item.ast, AVX512, opts), AVX512).grid == 8


def test_loops_are_vectors():
    buffers = Buffers()
    for item in schedule([*rows(buffers), *product(buffers), *elementwise(buffers)], buffers).items:
        linear = lower(optimize(item.ast, AVX512), AVX512)
        floats = [
            line for line in linear.uops if line.op in (ops.FMA, ops.MUL, ops.MAX) and line.dtype.is_float
        ]
        assert all(line.shape or line.op is ops.MAX for line in floats), item.ast.arg
        assert linear.slots == len(item.buffers) + 1
