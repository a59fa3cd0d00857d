"""Training steps of the small models of tests/models against torch's: python -m bench.models [NAME ...].

Their tensors are so small that a step is launches and overheads, and the first step is compilation.
"""

from __future__ import annotations

import sys
import tempfile
from time import perf_counter
from typing import Any

import torch

import baregrad as bg
from baregrad.base import listen
from bench.ops import seconds
from tests.models.common import NAMES, in_torch, module_of, ours, state_of


def first_step(step: Any, batch: Any) -> tuple[float, float, int, float]:
    """Of the first step with an empty cache: seconds, those of compiling, kernels, the slowest one."""
    times: list[float] = []
    with (
        tempfile.TemporaryDirectory() as empty,
        bg.override(cache_dir=empty),
        listen(lambda e: times.append(e.facts["seconds"]), "compiled"),
    ):
        start = perf_counter()
        step(*batch).item()
        return perf_counter() - start, sum(times), len(times), max(times)


def launches(step: Any, batch: Any) -> int:
    """Kernels of a captured step."""
    found: list[int] = []
    with listen(lambda e: found.append(1), "launch"):
        step(*batch).item()
    return len(found)


def main() -> int:
    """A row for each model."""
    torch.set_num_threads(1)
    sys.stdout.write(
        "  model       first step, of it compiling (kernels, slowest)   kernels  eager ms  replay ms"
        "  torch ms  ratio\n"
    )
    with bg.override(threads=1):
        for name in sys.argv[1:] or NAMES:
            row(name)
    return 0


def row(name: str) -> None:
    """One model."""
    module = module_of(name)
    theirs, their_step, their_batch = in_torch(torch, module)
    _, step, batch = ours(module, state_of(theirs))
    first, compiling, count, slowest = first_step(step, batch)
    (eager,) = seconds([lambda: step(*batch).item()], budget=0.5)
    captured = bg.jit(step)
    mine, other = seconds([lambda: captured(*batch), lambda: their_step(*their_batch)], budget=2.0)
    sys.stdout.write(
        f"  {name:10} {first:8.2f} s {compiling:8.2f} s ({count:4}, {slowest * 1e3:5.0f} ms)"
        f" {launches(captured, batch):14} {eager.middle * 1e3:9.1f} {mine.middle * 1e3:10.3f}"
        f" {other.middle * 1e3:9.3f} {other.middle / mine.middle:6.2f}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
