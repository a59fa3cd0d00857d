"""`device`: every device that computes; `reference`: that one alone, for what depends on no kernel.

New tensors of the test are made there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baregrad.base.config import override


@pytest.fixture(params=["reference", "cpu"])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """A device by name."""
    with override(device=request.param):
        yield request.param


@pytest.fixture
def reference() -> Iterator[str]:
    """The reference device, which compiles nothing."""
    with override(device="reference"):
        yield "reference"
