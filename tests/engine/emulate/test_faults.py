"""Every named fault is the same on the fast mode, and what is none gives the same."""

from __future__ import annotations

import functools

import pytest

from baregrad.emu.amd import GpuFault, Memory
from baregrad.engine.emulate import Fast
from baregrad.runtime import open_device
from tests.emu.amd.test_faults import CASES, CDNA, DEFINED, OUT, RDNA, ROWS, matches, run


@functools.cache
def fast() -> Fast:
    return Fast(open_device("cpu"))


@pytest.mark.slow
@pytest.mark.parametrize("name, chip", [case for case in CASES if ROWS[case[0]].runner is None])
def test_a_fault(name: str, chip: str) -> None:
    row = ROWS[name]
    with pytest.raises(GpuFault) as caught:
        run(row.body, chip, block=row.block, scratch=row.scratch, runner=fast())
    # Where native code has come from is not known, where no instruction is.
    matches(caught.value, row._replace(instruction="") if name == "no end" else row, chip)


@pytest.mark.slow
@pytest.mark.parametrize("chip", [RDNA, CDNA])
@pytest.mark.parametrize("name", DEFINED)
def test_what_is_no_fault(name: str, chip: str) -> None:
    body, expected = DEFINED[name]
    memory = Memory(1 << 20)
    body += "\n global_store_b32 v1, v3, s[4:5]\n s_endpgm"
    run(body, chip, block=4, scratch=16, memory=memory, runner=fast())
    assert memory.view(OUT, 16).cast("I").tolist() == expected
