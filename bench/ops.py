"""Kernels against torch's: the same shapes, values that agree, calls that take turns, medians; the ratio of
the fastest calls beside them, which other work on the machine changes less.

Ours are replays, which write into memory that is there; torch does too, wherever its function has `out`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import conv2d, layer_norm

import baregrad as bg
from bench.step import Torchs, gpt_steps, ours

Call = Callable[[], Any]

GPT_BAR = 0.5


def softmax(a: Any, *, out: Any) -> Any:
    """torch's softmax of rows."""
    return torch.softmax(a, -1, out=out)


def norm(a: Any) -> Any:
    """torch's layer_norm of rows."""
    return layer_norm(a, a.shape[-1:])


# name, sizes of the inputs, ours, torch's, operations (of floats, or bytes moved) of one call, bar
ROWS: list[tuple[str, list[tuple[int, ...]], Callable[..., Any], Callable[..., Any], float, float]] = [
    ("matmul 512", [(512, 512)] * 2, lambda a, b: a @ b, torch.matmul, 2 * 512**3, 0.7),
    ("matmul 1024", [(1024, 1024)] * 2, lambda a, b: a @ b, torch.matmul, 2 * 1024**3, 0.7),
    ("matmul 2048", [(2048, 2048)] * 2, lambda a, b: a @ b, torch.matmul, 2 * 2048**3, 0.7),
    ("softmax 4096", [(4096, 4096)], lambda a: a.softmax(-1), softmax, 8 * 4096**2, 0.9),
    ("layernorm 4096", [(4096, 4096)], lambda a: a.layer_norm(), norm, 1 << 27, 0.9),
    ("exp 16M", [(1 << 24,)], lambda a: a.exp(), torch.exp, 1 << 24, 0.9),
    ("add 16M", [(1 << 24,)] * 2, lambda a, b: a + b, torch.add, 12 * (1 << 24), 0.9),
    ("sum 16M", [(1 << 24,)], lambda a: a.sum(), lambda a: a.sum(), 4 * (1 << 24), 0.9),
    (
        "conv2d 64x64x3x3",
        [(16, 64, 32, 32), (64, 64, 3, 3)],
        lambda a, w: a.conv2d(w),
        lambda a, w: conv2d(a, w),
        2 * 16 * 64 * 64 * 9 * 30 * 30,
        0.5,
    ),
]  # fmt: skip


# torch's functions that can write into memory that is there: the shape of their result
WRITES_INTO: dict[str, Callable[[list[tuple[int, ...]]], tuple[int, ...]]] = {
    "matmul": lambda sizes: sizes[0],
    "softmax": lambda sizes: sizes[0],
    "add": lambda sizes: sizes[0],
    "exp": lambda sizes: sizes[0],
}


class Times(NamedTuple):
    """The median and the least time of a call, in seconds."""

    middle: float
    least: float


def seconds(calls: list[Call], budget: float = 2.0) -> list[Times]:
    """The times of each call; they take turns."""
    for call in calls:
        for _ in range(3):
            call()
    times: list[list[float]] = [[] for _ in calls]
    until = perf_counter() + budget
    while perf_counter() < until or len(times[0]) < 5:
        for call, mine in zip(calls, times, strict=True):
            start = perf_counter()
            call()
            mine.append(perf_counter() - start)
    return [Times(median(t), min(t)) for t in times]


def measure(name: str, sizes: list[tuple[int, ...]], ours: Any, theirs: Any, work: float, bar: float) -> None:
    """One row: check that the values agree, time both, print."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(size, dtype=np.float32) for size in sizes]
    mine = [bg.Tensor(a) for a in arrays]
    torches = [torch.from_numpy(a) for a in arrays]
    step = bg.jit(ours)
    kept = WRITES_INTO.get(name.split()[0])
    if kept:  # as in a replay: no new memory at each call
        theirs = partial(theirs, out=torch.empty(kept(sizes)))
    expected = theirs(*torches).numpy()
    for _ in range(3):
        got = step(*mine).numpy()
    scale = np.abs(expected).max()
    wrong = np.abs(got - expected).max() / scale
    assert wrong < 1e-4, f"{name}: differs from torch by {wrong} of the greatest value"
    with torch.no_grad():
        a, b = seconds([lambda: step(*mine), lambda: theirs(*torches)])
    rate = f"{work / a.middle / 1e9:8.1f} {work / b.middle / 1e9:8.1f} G/s"
    verdict = "" if not bar else ("ok" if b.middle / a.middle >= bar else f"below {bar}")
    say(name, a, b, rate, verdict)


def say(name: str, a: Times, b: Times, rate: str = "", verdict: str = "") -> None:
    """One line."""
    times = f"{a.middle * 1e3:9.3f} ms {b.middle * 1e3:9.3f} ms  {rate:21}"
    ratios = f"ratio {b.middle / a.middle:5.2f} (fastest {b.least / a.least:5.2f})"
    sys.stdout.write(f"  {name:18} {times}  {ratios} {verdict}\n")
    sys.stdout.flush()


def demo_step() -> None:
    """The demo's training step."""
    trainer, batch = ours()
    theirs = Torchs()
    torches = [torch.from_numpy(t.numpy()) for t in batch]
    a, b = seconds([lambda: trainer.step(*batch), lambda: theirs.step(*torches)])
    say("demo's step", a, b)


def gpt_step() -> None:
    """A GPT's training step: 6 layers of width 384, 6 heads, context 256, batch 4, vocabulary 512, AdamW."""
    mine, theirs = gpt_steps()
    for _ in range(3):
        got, expected = mine().item(), theirs().item()
        assert abs(got - expected) < 1e-4 * abs(expected), f"GPT step: loss {got}, torch's {expected}"
    a, b = seconds([mine, theirs], budget=15.0)
    say("GPT step", a, b, verdict="ok" if b.middle / a.middle >= GPT_BAR else f"below {GPT_BAR}")


def main() -> int:
    """All rows with the number of threads given."""
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    sys.stdout.write(
        f"{threads} thread(s), torch {torch.__version__}: ours, torch's, ours and torch's rate\n"
    )
    only = sys.argv[2:]
    for row in ROWS:
        if not only or any(word in row[0] for word in only):
            measure(*row)
    if not only or any(word in "demo's step" for word in only):
        demo_step()
    if not only or any(word in "GPT step" for word in only):
        gpt_step()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
