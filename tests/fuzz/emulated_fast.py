"""Hostile kernels on the fast mode: each ends as it does on the witness, and nothing crashes the process.

`python -m tests.fuzz.emulated_fast COUNT SEED [KIND …]` prints figures as JSON; on its error stream is the
case that runs, for native code may end the process. The cases are those of emulated.py.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import traceback
from collections import Counter
from time import process_time

from baregrad.emu.amd import Runner, Witness
from baregrad.engine.emulate import Fast
from baregrad.runtime import open_device
from tests.fuzz.emulated import ADDRESSES, KINDS, Late, bases, outcome


def compared(count: int, seed: int, kinds: list[str]) -> dict:
    """Run cases on both; the figures, with what went wrong."""
    fast = Fast(open_device("cpu"))
    figures: Counter[str] = Counter()
    failures: dict[str, str] = {}
    kept = {id(one.launch.memory) for one in bases()}
    began = process_time()

    def native(rng: random.Random) -> Runner:
        fast._natives.clear()
        for one in fast._limits.keys() - kept:
            del fast._limits[one]
        return fast

    for number in range(seed, seed + count):
        kind = kinds[number % len(kinds)]
        sys.stderr.write(f"\r{kind} {number}    ")
        try:
            expected, found = outcome(kind, number, lambda rng: Witness()), outcome(kind, number, native)
        except (Exception, Late) as problem:  # whatever is not an error of ours is what is looked for
            last = traceback.extract_tb(problem.__traceback__)[-1]
            failures.setdefault(f"{last.filename}:{last.lineno} {problem!r}"[:300], f"{kind} {number}")
            continue
        figures[found] += 1
        if found != expected:
            failures.setdefault(f"{found}, not {expected}", f"{kind} {number}")
            figures["differ"] += 1
    took = process_time() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    facts = {"cases": count, "seed": seed, "seconds": round(took, 1), "MiB": grown, "by witness": fast.left}
    return facts | {"outcomes": dict(figures.most_common()), "failures": failures}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    print(json.dumps(compared(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or list(KINDS)), indent=1))
