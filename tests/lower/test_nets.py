"""Kernels that the scheduler makes of layers and gradients keep their values, in place where they may be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from baregrad.ir import ops, run_kernel, run_linear
from baregrad.kernel import heuristic, optimize, show
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512
from baregrad.schedule import schedule
from tests.kernel.kernels import memory
from tests.schedule import nets
from tests.schedule.nets import Buffers
from tests.schedule.test_schedule import COUNTS

LAYERS = {make.__name__: make for make, _ in COUNTS if make.__name__ != "attention"}  # too large to interpret


def wide_linear(b):
    x, w, c = b.input(13, 7), b.input(7, 37), b.input(37)
    y = nets.matmul(x, w)
    return nets.gradients(nets.relu(y + nets.row(c, y)), [x, w, c], b.input(13, 37))


def wide_rows(b):
    x = b.input(3, 67)
    return [nets.softmax(x), nets.gelu(x), *nets.gradients(nets.softmax(x), [x], b.input(3, 67))]


def linear_adam(b):
    x, w, g = b.input(6, 5), b.input(5, 19), b.input(6, 19)
    return list(nets.adam(w, nets.matmul(x.permute((1, 0)), g), b.input(5, 19), b.input(5, 19)))


def small_attention(b):
    return [nets.attention(*(b.input(2, 9, 7) for _ in range(3)))]


LAYERS |= {make.__name__: make for make in (wide_linear, wide_rows, linear_adam, small_attention)}


def buffers_of(ast, donates):
    """Lists by slot; the new version of a donated buffer is the old one's list."""
    made = [np.abs(m).tolist() for m in memory(ast)]
    for new, old in donates:
        made[new] = made[old]
    return made


@cache
def items_of(name):
    """The kernels of a layer, each with what its buffers hold after it, for all targets."""
    buffers = Buffers()
    found = []
    for item in schedule(LAYERS[name](buffers), buffers).items:
        want = buffers_of(item.ast, ())
        run_kernel(item.ast, want)
        found.append((item, want))
    return found


@pytest.mark.parametrize("target", [AVX2, AVX512], ids=lambda t: t.name)
@pytest.mark.parametrize("name", LAYERS)
def test_value_is_kept(name, target):
    target = replace(target, threads=2)
    for item, want in items_of(name):
        opts = heuristic(item.ast, target)
        linear = lower(optimize(item.ast, target, opts), target)
        got = buffers_of(item.ast, item.donates)
        run_linear(linear.uops, got, linear.grid)
        for end in item.ast.src:
            slot = end.src[0].src[0].src[0].arg[0]
            np.testing.assert_allclose(
                got[slot], want[slot], rtol=3e-4, atol=3e-5, err_msg=f"{slot} {show(opts)}"
            )
        assert all(u.op is not ops.REDUCE for u in linear.uops)
