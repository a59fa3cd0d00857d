"""Kernels of layers, gradients and optimisers, lowered for both targets: the machine code gives what
the LINEAR list means, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from baregrad.ir import run_linear
from baregrad.kernel import optimize
from baregrad.lower import lower
from baregrad.render.targets import AVX2, AVX512
from baregrad.schedule import schedule
from baregrad.target import Target
from tests.kernel.kernels import memory
from tests.schedule.nets import Buffers
from tests.schedule.test_schedule import COUNTS

from .kernels import run

LAYERS = {make.__name__: make for make, _ in COUNTS}
HEAVY = {"attention", "conv_backward", "layernorm_backward", "softmax_forward"}  # for the interpreter
CASES = [pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in LAYERS]


def as_bytes(values: list[Any], like: np.ndarray) -> bytes:
    return np.asarray(values, like.dtype).tobytes()


@pytest.mark.parametrize("target", [AVX2, AVX512], ids=[AVX2.name, AVX512.name])
@pytest.mark.parametrize("name", CASES)
def test_code_means_what_its_list_means(name: str, target: Target) -> None:
    buffers = Buffers()
    for item in schedule(LAYERS[name](buffers), buffers).items:
        linear = lower(optimize(item.ast, target), replace(target, threads=2))
        given = [np.abs(m) for m in memory(item.ast)]
        want = [m.tolist() for m in given]
        run_linear(linear.uops, want, linear.grid)
        got = run(linear, target, [m.tobytes() for m in given], linear.grid)
        for slot, (values, data) in enumerate(zip(want, got, strict=True)):
            expected = np.asarray(values, given[slot].dtype)
            found = np.frombuffer(data, given[slot].dtype)
            np.testing.assert_array_equal(found, expected, err_msg=f"{linear.name}, slot {slot}")
