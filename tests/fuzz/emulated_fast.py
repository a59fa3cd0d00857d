"""Hostile kernels on the fast mode: each ends as on the witness, with the same registers, LDS and memory.

`python -m tests.fuzz.emulated_fast COUNT SEED [KIND …]` prints figures as JSON; on its error stream is the
case that runs, for native code may end the process. The cases are those of emulated.py, and as the only kind
"grids": several workgroups.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from time import process_time

from baregrad.emu.amd import GpuFault, Group, Runner, Witness
from baregrad.emu.amd.code import Code
from baregrad.engine.emulate import Fast
from baregrad.engine.emulate.both import same_nan
from baregrad.isa.meaning import Type
from baregrad.runtime import open_device
from tests.fuzz import emulated
from tests.fuzz.emulated import ADDRESSES, BLOCKS, KINDS, Late, bases, outcome

SECONDS = 15.0  # templates that nobody has compiled so far may take seconds
FILES = ("SGPR", "SCC", "MODE", "VGPR", "ACC")
NANS = (Type("f", 64), Type("f", 32), Type("f", 16), Type("bf", 16))


class Kept:
    """A runner that keeps what a workgroup ended with."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.state: dict[str, list[int]] = {}
        self.lanes = 1

    def run(self, group: Group, budget: int) -> int:
        """Run, and keep the states of all waves, LDS and memory, whatever happens."""
        try:
            return self.runner.run(group, budget)
        finally:
            memory, self.lanes = group.waves[0].memory, group.waves[0].layout.lanes
            self.state = {
                "LDS": list(group.lds.bytes),
                "memory": memory.bytes[: memory.next & ~3].cast("I").tolist(),
            }
            for wave in group.waves:
                at, cells = wave.layout.at, wave.layout.cells
                for name in FILES:
                    if name in at:
                        cell = at[name]
                        self.state[f"{name} of wave {wave.number}"] = wave.u[
                            cell : cell + cells[name]
                        ].tolist()


def alike(witness: Sequence[int], native: Sequence[int], lanes: int) -> bool:
    """The same words, but for NaNs that operations make: a word or half of one, or two words next to each
    other or a register apart. Which NaN it is, is the processor's.
    """
    return witness == native or all(
        x == y or same_nan(native, witness, n, NANS, (1, lanes))
        for n, (x, y) in enumerate(zip(witness, native, strict=True))
    )


def differences(a: Kept, b: Kept) -> str:
    """The parts of the states that are not alike."""
    return " ".join(name for name, cells in a.state.items() if not alike(cells, b.state[name], a.lanes))


def grids(count: int, seed: int) -> dict[str, str]:
    """Kernels with a few changed bytes on grids of several workgroups: the same errors and memory on both;
    gives what differs.
    """
    fast, failures = Fast(open_device("cpu")), dict[str, str]()
    for number in range(seed, seed + count):
        rng = random.Random(number)
        one = rng.choice(bases())
        launch, code = one.launch, one.launch.code
        data, start = bytearray(code.data), launch.start - code.base
        for _ in range(rng.choice((0, 0, 1, 2))):
            data[rng.randrange(start, min(len(data), start + 256))] ^= 1 << rng.randrange(8)
        launch.block = rng.choice(BLOCKS)
        launch.grid = rng.choice(((2, 1, 1), (5, 1, 1), (2, 3, 1), (1, 2, 2), (3, 2, 2)))
        launch.code = Code(code.arch, bytes(data), code.base, code.layout, code.meanings, code.registers)
        ends = []
        for runner in (Witness(), fast):
            launch.memory.bytes[: len(one.content)] = one.content
            try:
                said = str(launch.run(runner, 3000))
            except GpuFault as fault:
                said = f"{fault.kind} in {fault.group}"
            ends.append((said, launch.memory.bytes[: launch.memory.next & ~3].cast("I").tolist()))
        launch.code, launch.block, launch.grid = code, (32, 1, 1), (1, 1, 1)
        (a, left), (b, right) = ends
        if a != b or not alike(left, right, 1):
            failures[f"grid {number} of {one.name}"] = f"{a}; {b}" if a != b else "memory"
    return failures


def compared(count: int, seed: int, kinds: list[str]) -> dict:
    """Run cases on both; the figures, with what went wrong."""
    emulated.SECONDS = SECONDS
    fast = Fast(open_device("cpu"))
    figures: Counter[str] = Counter()
    failures: dict[str, str] = {}
    began = process_time()
    for number in range(seed, seed + count):
        kind = kinds[number % len(kinds)]
        sys.stderr.write(f"\r{kind} {number}    ")
        slow, quick = Kept(Witness()), Kept(fast)
        try:
            expected = outcome(kind, number, lambda rng, runner=slow: runner)
            found = outcome(kind, number, lambda rng, runner=quick: runner)
        except (Exception, Late) as problem:  # whatever is not an error of ours is what is looked for
            last = traceback.extract_tb(problem.__traceback__)[-1]
            failures.setdefault(f"{last.filename}:{last.lineno} {problem!r}"[:300], f"{kind} {number}")
            continue
        figures[found] += 1
        different = differences(slow, quick) if found == expected else f"not {expected}"
        if different:
            failures.setdefault(f"{found}: {different}", f"{kind} {number}")
            figures["differ"] += 1
    took = process_time() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    facts = {"cases": count, "seed": seed, "seconds": round(took, 1), "MiB": grown, "by witness": fast.left}
    return facts | {"outcomes": dict(figures.most_common()), "failures": failures}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    if sys.argv[3:] == ["grids"]:
        print(json.dumps({"failures": grids(int(sys.argv[1]), int(sys.argv[2]))}, indent=1))
        sys.exit()
    print(json.dumps(compared(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or list(KINDS)), indent=1))
