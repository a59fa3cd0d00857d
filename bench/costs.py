"""Overheads: importing, starting cold, compiling, launching."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median
from time import perf_counter
from typing import Any

import baregrad as bg
from baregrad.base import listen
from baregrad.cli.digits import Trainer, load_digits, split

COLD = "import baregrad as bg; (bg.Tensor.rand(1024) + 1).sum().item()"
COLD_TORCH = "import torch; (torch.rand(1024) + 1).sum().item()"


def process(code: str, runs: int = 7, **environment: str) -> float:
    """The median time of a fresh process."""
    times = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as empty:
            env = {**os.environ, "BG_CACHE_DIR": empty, **environment}
            start = perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=env)
            times.append(perf_counter() - start)
    return median(times)


def starts() -> None:
    """Import and cold start."""
    nothing = process("pass")
    say("python -c pass", nothing)
    say("import baregrad", process("import baregrad"), bar=0.3)
    say("cold (rand(1024) + 1).sum().item()", process(COLD), bar=0.8)
    say("the same in torch", process(COLD_TORCH))


def launches() -> None:
    """100 dependent kernels of 16 elements: each a kernel of its own because it is realized."""

    @bg.jit
    def chain(x: Any) -> Any:
        for _ in range(100):
            x = (x + 1).realize()
        return x

    x = bg.Tensor([float(i) for i in range(16)])
    for _ in range(5):
        chain(x)
    times = []
    for _ in range(300):
        start = perf_counter()
        chain(x)
        times.append(perf_counter() - start)
    assert chain(x).tolist() == [i + 100.0 for i in range(16)], "the chain adds 100"
    say("replay of 100 dependent kernels, each", median(times) / 100, bar=1e-6)


def compile_times(run: Any) -> list[float]:
    """The compile time of each kernel of what `run` does."""
    times: list[float] = []
    with (
        bg.override(cache=False, check=False),
        listen(lambda e: times.append(e.facts["seconds"]), "compiled"),
    ):
        run()
    return times


def chains() -> None:
    """200 chained exp against 50."""

    def chained(n: int) -> float:
        x = bg.Tensor([float(n)])
        for _ in range(n):
            x = x.exp()
        start = perf_counter()
        with bg.override(cache=False, check=False):
            x.item()
        return perf_counter() - start

    chained(7)
    few, many = median([chained(50 + i) for i in range(3)]), median([chained(200 + i) for i in range(3)])
    sys.stdout.write(
        f"  50 chained exp {few * 1e3:.1f} ms, 200: {many * 1e3:.1f} ms, ratio {many / few:.2f} (bar 5)\n"
    )


def demo_kernels() -> None:
    """Compile times of the demo's step; a first round, for another number of threads, warms the tables."""
    training, held_out = split(load_digits())

    def step() -> None:
        trainer = Trainer(training, held_out, seed=0, epochs=1)
        next(iter(trainer.epoch(0)))

    with bg.override(threads=1):
        compile_times(step)
    with bg.override(threads=2):
        times = sorted(compile_times(step))
    say(f"compile time of the demo's {len(times)} kernels, median", median(times), bar=0.020)
    say("95th percentile", times[int(0.95 * (len(times) - 1))], bar=0.150)


def say(what: str, value: float, bar: float = 0.0) -> None:
    """One line."""
    shown = f"{value * 1e6:.2f} µs" if value < 1e-3 else f"{value * 1e3:.1f} ms"
    verdict = "" if not bar else ("ok" if value <= bar else f"above {bar}")
    sys.stdout.write(f"  {what:50} {shown:>12} {verdict}\n")
    sys.stdout.flush()


def main() -> int:
    """All overheads."""
    sys.stdout.write("overheads (medians)\n")
    for part in (starts, launches, chains, demo_kernels):
        part()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
