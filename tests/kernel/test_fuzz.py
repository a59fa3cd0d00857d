"""Random lists of legal optimisations keep the value of a kernel, and so does what they are lowered to."""

from __future__ import annotations

import pytest

from baregrad.base.errors import CompileError
from baregrad.ir import run_kernel, run_linear
from baregrad.kernel import optimize, rows, show
from baregrad.kernel.axes import Shape
from baregrad.kernel.opts import TAILS, Opt, apply, legal
from baregrad.lower import lower
from baregrad.render.targets import AVX512
from tests.kernel import kernels
from tests.kernel.test_heuristic import same

KERNELS = {
    "scaled": kernels.scaled(13), "biased": kernels.biased(3, 8), "matmul": kernels.matmul(5, 8, 6),
    "matmul_flip_b": kernels.matmul(4, 7, 8, flip_b=True), "row_sum": kernels.row_sum(3, 12),
    "softmax": kernels.softmax(3, 8), "conv": kernels.conv(1, 2, 3, 4, 5), "pool": kernels.pool(2, 6),
    "two_outputs": kernels.two_outputs(21), "gather": kernels.gather(3, 8, 5),
    "divided": kernels.divided(2, 3),
    "scattered": kernels.scattered(7, 24, 5), "put": kernels.scattered(7, 11, 5, None),
    "conv_weights": kernels.conv_weights(2, 1, 2, 3, 4),
}  # fmt: skip
LANES = {4: (4, 8, 16), 8: (2, 4, 8)}  # lanes that the target has, by the bytes of the widest element


def random_opt(rng, shape):
    """One use of a random row, legal or not."""
    names = [a.name for a in shape.axes]
    row = rng.choice(list(rows()))
    if row == "split":
        return Opt(
            row,
            (rng.choice(names), str(rng.choice((2, 3, 4, 8))), *rng.choice([(), *((t,) for t in TAILS[1:])])),
        )
    if row in ("move", "merge", "collapse"):
        return Opt(row, (rng.choice(names), rng.choice(names)))
    if row == "stage":
        count = rng.randint(1, min(3, len(names)))
        return Opt(row, (str(rng.randrange(len(shape.source.loads))), *rng.sample(names, count)))
    return Opt(row, (rng.choice(names),))


def runs_on_target(shape):
    """Whether all lanes fill vectors of the target, and instances stay few."""
    lanes = [a.size for a in shape.axes if a.kind in ("vector", "reduce_vector")]
    instances = [a.size for a in shape.axes if a.kind in ("unroll", "reduce_unroll")]
    total = 1
    for n in instances:
        total *= n
    return all(n in LANES[4] for n in lanes) and total <= 100


@pytest.mark.fuzz
@pytest.mark.parametrize("name", KERNELS)
def test_random_lists_keep_the_value(name, rng):
    ast = KERNELS[name]
    want = [m.tolist() for m in kernels.memory(ast)]
    run_kernel(ast, want)
    for _ in range(25):
        shape, opts = Shape.of(ast), []
        for _ in range(12):
            opt = random_opt(rng, shape)
            if legal(shape, opt) and runs_on_target(after := apply(shape, opt)):
                shape, opts = after, [*opts, opt]
        sink = optimize(ast, AVX512, opts)
        print(show(opts))
        got = [m.tolist() for m in kernels.memory(ast)]
        run_kernel(sink, got)
        same(want, got, f"KERNEL: {show(opts)}")
        try:
            linear = lower(sink, AVX512)
        except CompileError:  # int64 lanes that this list asks for and the target lacks
            continue
        got = [m.tolist() for m in kernels.memory(ast)]
        run_linear(linear.uops, got, linear.grid)
        same(want, got, f"LINEAR: {show(opts)}")
