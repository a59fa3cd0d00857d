"""Measure everything that speed is promised of, and print ratios: `make bench`, or `python -m bench NAME
...`.

Each thread count runs in a process of its own, in which ours and torch's calls take turns, so that both see
the same machine. Figures are medians; a ratio above 1 means that ours is faster. Read ops.py (kernels),
costs.py (overheads) and emulate.py (the emulator of AMD's chips, which has no rival here).
"""

from __future__ import annotations

import os
import subprocess
import sys

GROUPS = ("ops", "costs", "emulate")
# Otherwise torch's idle threads spin on the cores while ours run. It costs torch a wake-up each time it runs
# in parallel, which shows where that is often (the demo's step) and not in rows of milliseconds.
QUIET = {"OMP_WAIT_POLICY": "passive"}


def main() -> int:
    """Run the groups named on the command line (all by default)."""
    wanted = sys.argv[1:] or list(GROUPS)
    status = 0
    for group in wanted:
        if group == "ops":
            for threads in (1, 2):
                env = {**os.environ, "BG_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), **QUIET}
                status |= subprocess.call([sys.executable, "-m", "bench.ops", str(threads)], env=env)
        elif group in GROUPS:
            status |= subprocess.call([sys.executable, "-m", f"bench.{group}"])
        else:
            sys.stderr.write(f"no such group: {group}; there are {', '.join(GROUPS)}\n")
            return 2
    return status


if __name__ == "__main__":
    raise SystemExit(main())
