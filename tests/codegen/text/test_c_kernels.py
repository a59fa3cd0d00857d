"""Whole kernels in C: shaped for the C target, and lists of AVX-512 vectors as they stand.

Plain Python says what is right. The second makes C a witness of what the x86 renderer is given: lanes, masks,
gathers, scratch memory. All are compiled with one call, before the first test.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from baregrad.kernel import optimize
from baregrad.lower import lower
from baregrad.render import AVX2, AVX512, C
from baregrad.render.text.c import source
from baregrad.runtime import Launch, open_device
from tests.kernel.kernels import KERNELS, memory
from tests.kernel.test_heuristic import same
from tests.lower.test_lower import lane_sum, row_tail, staged_product
from tests.lower.witness import run_kernel

pytestmark = pytest.mark.cc
BY_HAND = {"row_tail": row_tail(), "staged_product": staged_product(), "lane_sum": lane_sum()}
SHAPED = (  # the others take the C compiler long, and differ in their sizes
    "scaled_37", "scaled_5", "biased_7_10", "matmul_7_13_5", "matrix_vector", "row_sum_5_37",
    "column_max_7_33", "softmax_3_21", "layernorm_3_50", "cross_entropy_4_10", "pool_2_8", "gather_5_16_7",
    "transposed_9_20", "two_outputs_45", "counted_37", "divided_3_5",
)  # fmt: skip
CASES = {
    **{f"{name}-c": (KERNELS[name], lambda ast: lower(optimize(ast, C), C)) for name in SHAPED},
    **{f"{name}-lanes": (KERNELS[name], lambda ast: lower(optimize(ast, AVX512), AVX512)) for name in SHAPED},
    **{f"{name}-by-hand": (ast, lambda ast: lower(ast, AVX2)) for name, ast in BY_HAND.items()},
}


@pytest.fixture(scope="module")
def results() -> dict[str, list[Any]]:
    """The buffers of each case as the C device leaves them; what is behind each cannot be touched."""
    device = open_device("c")
    launches, places = [], {}
    for name, (ast, shaped) in CASES.items():
        buffers = memory(ast)
        places[name] = [(device.allocate(b.nbytes, guard=True), b) for b in buffers]
        for at, data in places[name]:
            device.write(at, data.tobytes())
        linear = shaped(ast)
        kernel = device.load(source(linear).encode(), name)
        launches.append(Launch(kernel, [at for at, _ in places[name]], linear.grid))
    device.run(device.record(launches))
    found = {
        name: [np.frombuffer(device.read(at, at.nbytes), b.dtype) for at, b in pairs]
        for name, pairs in places.items()
    }
    device.close()
    return found


@pytest.mark.parametrize("name", CASES)
def test_value(name: str, results: dict[str, list[Any]]) -> None:
    ast = CASES[name][0]
    wanted = memory(ast)
    run_kernel(ast, wanted)
    same(wanted, results[name])
