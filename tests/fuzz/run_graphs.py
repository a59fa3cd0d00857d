"""Random TENSOR graphs on a device against the interpreter: `python -m tests.fuzz.run_graphs --count 3000
--seed 0`, on the CPU or, with `--device c`, through C; `--every`: over all dtypes and ops (every.py).

The graphs run in a child process, every buffer ending at a page that can't be touched: a crash, a hang or a
read past an end is a failing seed, not the end of the run. Prints each failing seed with the command that
runs it alone.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from functools import partial
from time import perf_counter

from baregrad import dtype as dt
from baregrad.base import override
from baregrad.engine import SESSION, Value, from_bytes, realize
from baregrad.ir import UOp, evaluate, ops, substitute_all, toposort
from baregrad.render import AVX2
from tests.fuzz.every import every_graph
from tests.fuzz.graphs import Graph, random_graph

SIZES = (6, 10, 16, 30)  # nodes of a graph
FEATURES = ("", ",".join(sorted(AVX2.features)))
CHUNK = 100  # seeds of one child
SECONDS = 10  # a seed may take


def features_of(seed: int) -> str:
    """The CPU features that a seed is compiled for."""
    return FEATURES[seed // len(SIZES) % len(FEATURES)]


def made(seed: int, every: bool) -> tuple[Graph, list[float]]:
    """The graph of a seed, and how far each root may be off: a share of its greatest value."""
    if every:
        return every_graph(seed, SIZES[seed % len(SIZES)])
    graph = random_graph(seed, SIZES[seed % len(SIZES)])
    return graph, [1e-4 if root.dtype.is_float else 0.0 for root in graph.roots]


def run_one(seed: int, device: str, every: bool) -> None:
    """Run one seed; AssertionError where the device differs from the interpreter."""
    graph, shares = made(seed, every)
    wanted = evaluate(graph.roots, graph.memory)
    buffers = [n for n in toposort(tuple(graph.roots)) if n.op is ops.BUFFER]
    values = {}
    for node in buffers:
        fresh = SESSION.new_buffer(node.shape, node.dtype, device)
        values[node] = from_bytes(SESSION, dt.pack(node.dtype, graph.memory[node.arg.number]), fresh)
    roots = substitute_all(graph.roots, {node: value.node for node, value in values.items()})
    support = frozenset(value.own for value in values.values())
    results = [Value(root, device, support) for root in roots]
    realize(SESSION, results)
    for i, (root, value, expected, share) in enumerate(
        zip(graph.roots, results, wanted, shares, strict=True)
    ):
        data = value.own.device.read(value.own.address, len(expected) * root.dtype.itemsize)
        compare(f"seed {seed}, root {i}", root, dt.unpack(root.dtype, data), expected, share)


def compare(where: str, root: UOp, got: list, expected: list, share: float) -> None:
    """Equal, or off by at most a share of the greatest value, or of 0.25: what it is made of is larger."""
    bound = share * max([abs(v) for v in expected if share and math.isfinite(v)] + [0.25])
    for at, (a, b) in enumerate(zip(got, expected, strict=True)):
        same = a == b or (a != a and b != b) or abs(a - b) <= bound
        assert same, f"{where}: element {at} of {root.shape} {root.dtype} is {a}, should be {b}"


def child(first: int, count: int, name: str, every: bool) -> int:
    """Run seeds one after another, saying which before each."""
    device = SESSION.device(name)
    device.allocate = partial(device.allocate, guard=True)
    for seed in range(first, first + count):
        sys.stdout.write(f"{seed}\n")
        sys.stdout.flush()
        with override(features=features_of(seed), cache=False, check=seed % 16 == 0):
            run_one(seed, name, every)
    sys.stdout.write("done\n")
    return 0


def run(first: int, count: int, device: str, every: bool = False) -> list[str]:
    """Run seeds in children; a line for each that failed."""
    failures = []
    at = first
    while at < first + count:
        part = min(CHUNK, first + count - at)
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.run_graphs",
            "--child",
            "--device",
            device,
            "--seed",
            str(at),
            "--count",
            str(part),
            *(["--every"] if every else []),
        ]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS * part, check=False
            )
            lines, error, code = ended.stdout.split(), ended.stderr, ended.returncode
        except subprocess.TimeoutExpired as hang:
            lines, error, code = (hang.stdout or b"").decode().split(), f"hang over {SECONDS * part} s", 1
        if lines and lines[-1] == "done":
            at += part
            continue
        seed = int(lines[-1]) if lines else at
        last = error.strip().split("\n")[-1] if error.strip() else f"died with code {code}"
        failures.append(f"seed {seed}: {last}")
        sys.stderr.write(failures[-1] + "\n")
        at = seed + 1
    return failures


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="which device is compared: cpu or c")
    parser.add_argument("--every", action="store_true", help="all dtypes and ops")
    parser.add_argument("--child", action="store_true", help="run in this process")
    given = parser.parse_args()
    if given.child:
        return child(given.seed, given.count, given.device, given.every)
    start = perf_counter()
    failures = run(given.seed, given.count, given.device, given.every)
    minutes = (perf_counter() - start) / 60
    sys.stdout.write(
        f"{given.count} graphs, {len(failures)} differences, {given.count / minutes:.0f} a minute\n"
    )
    return bool(failures)


if __name__ == "__main__":
    raise SystemExit(main())
