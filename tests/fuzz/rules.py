"""Random index expressions and views through simplify, for as long as one likes:

python tests/fuzz/rules.py SECONDS [SEED]     prints the seeds that fail
"""

import random
import sys
import time

from tests.rules import test_simplify, test_views


def run(seconds, seed):
    """Failures within some seconds, as texts; and how many seeds ran."""
    end = time.monotonic() + seconds
    failures = []
    ran = 0
    while time.monotonic() < end and len(failures) < 10:
        for check in (test_simplify.check, test_simplify.check_masked, test_views.check):
            try:
                check(seed)
            except Exception as problem:  # every kind of failure is a finding
                case = f"{check.__module__}.{check.__name__}({seed})"
                failures.append(f"{case}: {type(problem).__name__} {str(problem)[:300]}")
        ran += 1
        seed += 1
    return failures, ran


if __name__ == "__main__":
    start = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 40)
    print("from seed", start)
    found, count = run(float(sys.argv[1]), start)
    print("\n".join(found) or "none failed", "of", count)
    sys.exit(bool(found))
