"""Random functions through ordering, allocation, checker and a run: python -m tests.fuzz.regalloc --count N.

Each seed makes one function; every fourth is allocated in its own and in a new order. "roomy" and "tight" (4
integer, 8 vector, 3 flag registers) are the toy instruction set, whose lists are run before and after; "x86"
and "x86 tight" (5, 6 and 2 registers) are x86-64 forms, which are checked and encoded only. A failing seed is
printed and can be given again with --machine NAME --seed S --count 1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from baregrad.base.errors import BaregradError
from baregrad.isa.form import Inst
from baregrad.render.machine import MachineTarget, allocate, assemble, check, order
from tests.codegen.machine import toy, x86
from tests.codegen.machine.generate import function


class Subject(NamedTuple):
    """A machine, the functions that it gets and how they are compared."""

    machine: MachineTarget
    function: Callable[[int, int], list[Inst]]
    shows: Callable[[Sequence[Inst]], object] | None


MACHINES: dict[str, Callable[[], Subject]] = {
    "roomy": lambda: Subject(toy.target(), function, toy.run),
    "tight": lambda: Subject(toy.target(4, 8, 4), function, toy.run),
    "x86": lambda: Subject(x86.target(), x86.function, None),
    "x86 tight": lambda: Subject(x86.target(5, 6, 2), x86.function, None),
}


def try_seed(seed: int, subject: Subject) -> str:
    """What is wrong with a seed, "" if nothing."""
    machine, make, shows = subject
    before = make(seed, 10 + seed * 7 % 70)
    try:
        for insts in (before, order(before, machine)) if seed % 4 == 0 else (before,):
            allocation = allocate(insts, machine)
            check(insts, allocation, machine)
            if shows is None:
                assemble(allocation.insts, machine)
            elif shows(allocation.insts) != shows(before):
                return "the run shows something else"
    except (BaregradError, AssertionError, IndexError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def fuzz(first: int, count: int, subject: Subject) -> list[int]:
    """The seeds that fail, printed as they are found."""
    failed: list[int] = []
    for seed in range(first, first + count):
        wrong = try_seed(seed, subject)
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
    failed: list[int] = []
    for name in options.machine or sorted(MACHINES):
        start = time.perf_counter()
        found = fuzz(options.seed, options.count, MACHINES[name]())
        rate = options.count / (time.perf_counter() - start)
        print(f"{name}: {options.count} functions, {len(found)} errors, {rate:.0f} seeds/s")
        failed += found
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
