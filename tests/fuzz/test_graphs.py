"""Random graphs on this processor against the interpreter: what once failed, and long runs (make fuzz)."""

from __future__ import annotations

import random

import pytest

from baregrad.base import override
from tests.fuzz.run_graphs import FEATURES, run, run_one

ONCE = (
    (108, FEATURES[1], "numbers of lanes in half a register"),
    (122, FEATURES[1], "numbers of lanes in half a register"),
)


@pytest.mark.parametrize("seed, features, what", ONCE)
def test_what_failed_once(seed: int, features: str, what: str) -> None:
    with override(features=features):
        run_one(seed, "cpu", every=True)


@pytest.mark.fuzz
@pytest.mark.parametrize("every", [False, True], ids=["plain", "every dtype and op"])
@pytest.mark.parametrize("part", range(10))
def test_graphs_agree_with_the_interpreter(every: bool, part: int) -> None:
    failures = run(random.SystemRandom().randrange(1 << 40), 100, "cpu", every)
    assert not failures, "\n".join(failures)
