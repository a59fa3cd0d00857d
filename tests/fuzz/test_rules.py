"""Long random runs of the rewrite rules (make fuzz)."""

import random

import pytest

from tests.fuzz.rules import run


@pytest.mark.fuzz
def test_rules_keep_values():
    seed = random.SystemRandom().randrange(1 << 40)
    failures, _ = run(20, seed)
    assert not failures, "\n".join(failures)
