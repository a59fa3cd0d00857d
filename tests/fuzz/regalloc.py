"""Random functions through ordering, allocation, checker and a run: python -m tests.fuzz.regalloc --count N.

Each seed makes one function of the toy instruction set and allocates it for a roomy and for a tight machine
(4 integer, 8 vector and 3 flag registers), plain and ordered. A failing seed is printed and can be given again
with --seed S --count 1. --machine chooses one machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from baregrad.base.errors import CompileError
from baregrad.render.machine import MachineTarget, allocate, check, order
from tests.codegen.machine import toy
from tests.codegen.machine.generate import function

MACHINES: dict[str, Callable[[], MachineTarget]] = {
    "roomy": toy.target,
    "tight": lambda: toy.target(4, 8, 4),
}


def try_seed(seed: int, machines: list[MachineTarget]) -> str:
    """What is wrong with a seed, "" if nothing."""
    before = function(seed, 10 + seed * 7 % 70)
    wanted = toy.run(before)
    try:
        for machine in machines:
            for insts in (before, order(before, machine)) if seed % 4 == 0 else (before,):
                allocation = allocate(insts, machine)
                check(insts, allocation, machine)
                if toy.run(allocation.insts) != wanted:
                    return "the run shows something else"
    except (CompileError, AssertionError, IndexError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def fuzz(first: int, count: int, machines: list[MachineTarget]) -> list[int]:
    """The seeds that fail, printed as they are found."""
    failed: list[int] = []
    for seed in range(first, first + count):
        wrong = try_seed(seed, machines)
        if wrong:
            print(f"seed {seed}: {wrong}")
            failed.append(seed)
    return failed


def main() -> int:
    """Run the seeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--machine", choices=sorted(MACHINES), action="append")
    options = parser.parse_args()
    names = options.machine or sorted(MACHINES)
    start = time.perf_counter()
    failed = fuzz(options.seed, options.count, [MACHINES[name]() for name in names])
    seconds = time.perf_counter() - start
    print(
        f"{options.count} functions on {' and '.join(names)}: {len(failed)} errors, "
        f"{options.count / seconds:.0f} seeds a second, seeds from {options.seed}"
    )
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
