"""The heuristic's choice for every kernel of the table keeps its value, down to the LINEAR list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from baregrad.kernel import heuristic, optimize, show
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512
from tests.kernel.kernels import KERNELS, memory
from tests.lower.witness import run_kernel, run_linear


def same(want, got, note=""):
    for slot, (a, b) in enumerate(zip(want, got, strict=True)):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-5, err_msg=f"slot {slot} {note}")


@pytest.mark.parametrize("target", [AVX2, AVX512], ids=lambda t: t.name)
@pytest.mark.parametrize("name", KERNELS)
def test_value_is_kept(name, target):
    target = replace(target, threads=2)
    ast = KERNELS[name]
    opts = heuristic(ast, target)
    want, got = memory(ast), memory(ast)
    run_kernel(ast, want)
    run_linear(lower(optimize(ast, target, opts), target), got)
    same(want, got, show(opts))
