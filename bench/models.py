"""Training steps of the small models of tests/models against torch's: python -m bench.models [NAME ...].

Their tensors are so small that a step is launches and overheads, and the first step is compilation. Seconds
of the first step are the processor's; other times are those of the fastest call.
"""

from __future__ import annotations

import sys
import tempfile
from time import process_time
from typing import Any

import torch

import baregrad as bg
from baregrad.base import listen
from bench.ops import seconds
from tests.models.common import NAMES, in_torch, module_of, ours, state_of


def first_step(step: Any, batch: Any) -> tuple[float, int]:
    """Seconds of the processor and kernels compiled in a first step with an empty cache."""
    names: list[str] = []
    with (
        tempfile.TemporaryDirectory() as empty,
        bg.override(cache_dir=empty),
        listen(lambda e: names.append(e.facts["name"]), "compiled"),
    ):
        start = process_time()
        step(*batch).item()
        return process_time() - start, len(names)


def launches(step: Any, batch: Any) -> int:
    """Kernels of a captured step."""
    found: list[int] = []
    with listen(lambda e: found.append(1), "launch"):
        step(*batch).item()
    return len(found)


def main() -> int:
    """A row for each model."""
    torch.set_num_threads(1)
    sys.stdout.write("  model       first step (compiled)  kernels    eager   replay    torch  ratio\n")
    with bg.override(threads=1):
        for name in sys.argv[1:] or NAMES:
            row(name)
    return 0


def row(name: str) -> None:
    """One model."""
    module = module_of(name)
    theirs, their_step, their_batch = in_torch(torch, module)
    _, step, batch = ours(module, state_of(theirs))
    first, compiled = first_step(step, batch)
    (eager,) = seconds([lambda: step(*batch).item()], budget=0.5)
    captured = bg.jit(step)
    mine, other = seconds([lambda: captured(*batch), lambda: their_step(*their_batch)], budget=2.0)
    times = "".join(f"{t.least * 1e3:6.2f} ms" for t in (eager, mine, other))
    sys.stdout.write(
        f"  {name:10} {first:8.2f} s  ({compiled:4})   {launches(captured, batch):10} {times}"
        f" {other.least / mine.least:6.2f}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
