"""Every named fault is the same natively and in the self-check mode, and what is none gives the same."""

from __future__ import annotations

from functools import cache

import pytest

from baregrad.emu.amd import GpuFault, Runner
from baregrad.engine.emulate import Both, Fast
from baregrad.runtime import open_device
from tests.emu.amd.faulty import CASES, CDNA, DEFINED, RDNA, ROWS, matches, run, stored

RUNNERS = {"fast": Fast, "both": Both}
NOWHERE = ("fast", "no end")  # where native code has come from is not known, where no instruction is


@cache
def runner(mode: str) -> Runner:
    return RUNNERS[mode](open_device("cpu"))


@pytest.mark.slow
@pytest.mark.parametrize("mode", RUNNERS)
@pytest.mark.parametrize("name, chip", [case for case in CASES if ROWS[case[0]].runner is None])
def test_a_fault(name: str, chip: str, mode: str) -> None:
    row = ROWS[name]
    with pytest.raises(GpuFault) as caught:
        run(row.body, chip, block=row.block, scratch=row.scratch, runner=runner(mode))
    matches(caught.value, row._replace(instruction="") if (mode, name) == NOWHERE else row, chip)


@pytest.mark.slow
@pytest.mark.parametrize("mode", RUNNERS)
@pytest.mark.parametrize("chip", [RDNA, CDNA])
@pytest.mark.parametrize("name", DEFINED)
def test_what_is_no_fault(name: str, chip: str, mode: str) -> None:
    assert stored(name, chip, runner(mode)) == DEFINED[name][1]
