"""Random graphs on this processor against the interpreter: what once failed, and long runs (make fuzz)."""

from __future__ import annotations

import random

import pytest

from baregrad.base import override
from tests.fuzz.run_graphs import features_of, run, run_one

ONCE = {
    108: "numbers of lanes in half a register",
    1000122: "a gather whose offset is a lane and a scalar that was cast",
    1000798: "a sum in the list that lanes done one by one need too",
    3008107: "a mask that went from a load in the offset of a gather",
    1002503: "lanes of a reduction whose value does not depend on them",
}


@pytest.mark.parametrize("seed", ONCE)
def test_what_failed_once(seed: int) -> None:
    with override(features=features_of(seed)):
        run_one(seed, "cpu", every=True)


@pytest.mark.fuzz
@pytest.mark.parametrize("every", [False, True], ids=["plain", "every dtype and op"])
@pytest.mark.parametrize("part", range(10))
def test_graphs_agree_with_the_interpreter(every: bool, part: int) -> None:
    failures = run(random.SystemRandom().randrange(1 << 40), 100, "cpu", every)
    assert not failures, "\n".join(failures)
