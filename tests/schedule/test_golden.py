"""Golden texts of the kernels that layers become: what fuses, the loops that are shared, the indices."""

from __future__ import annotations

from pathlib import Path

import pytest

from baregrad.schedule import schedule
from tests.schedule.nets import Buffers
from tests.schedule.test_schedule import COUNTS
from tests.schedule.text import schedule_text

FILES = Path(__file__).parents[1] / "golden" / "schedule"


@pytest.mark.bless
@pytest.mark.parametrize("make", [make for make, _ in COUNTS], ids=[make.__name__ for make, _ in COUNTS])
def test_kernels_of_layers(make, golden):
    buffers = Buffers()
    golden(FILES / f"{make.__name__}.txt", schedule_text(schedule(make(buffers), buffers)))


@pytest.mark.parametrize("make", [make for make, _ in COUNTS], ids=[make.__name__ for make, _ in COUNTS])
def test_equal_graphs_on_other_buffers_are_the_same_kernels(make):
    one, two = Buffers(), Buffers(500)
    first, second = (schedule(make(buffers), buffers) for buffers in (one, two))
    assert [item.ast for item in first.items] == [item.ast for item in second.items]
