"""render/program.py and render/targets.py: the records, and the choice of a row for a CPU."""

from __future__ import annotations

import pytest

from baregrad.base.errors import DeviceError
from baregrad.render.program import Program
from baregrad.render.targets import AVX2, TARGETS, C, host_target, target_for


def test_a_listing_is_made_when_it_is_asked_for():
    asked = []
    program = Program("r_4", b"\xc3", 1, 2, lambda: asked.append(1) or "ret")
    assert asked == []
    assert program.listing == "ret"
    assert program == Program("r_4", b"\xc3", 1, 2)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_best_row_is_chosen(target):
    assert target_for(target.arch, target.features | {"sse2"}) is target


def test_a_cpu_without_avx2_is_refused():
    with pytest.raises(DeviceError, match="avx2"):
        host_target(AVX2.features - {"avx2"})


def test_an_architecture_without_rows_gets_the_first():
    assert target_for("null", ()) is TARGETS[0]
    assert target_for("c", ()) is C
