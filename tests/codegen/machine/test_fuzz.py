"""A long random run of the allocator; BG_FUZZ_COUNT functions (2,000), from the session's seed on."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.regalloc import MACHINES, fuzz


@pytest.mark.fuzz
@pytest.mark.parametrize("name", sorted(MACHINES))
def test_random_functions(name: str, request: pytest.FixtureRequest) -> None:
    count = int(os.environ.get("BG_FUZZ_COUNT", "2000"))
    assert fuzz(request.config.getoption("--seed") * count, count, MACHINES[name]()) == []
