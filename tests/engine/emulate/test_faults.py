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


# Where the witness does an instruction, native code goes on within a stretch or at its beginning.
HELPED = {
    "a jump into a stretch": "s_getpc_b64 s[6:7]\n s_add_u32 s6, s6, 12\n s_setpc_b64 s[6:7]"
                             + "\n v_mov_b32_e32 v2, v1" * 3,
    "a load before a stretch": "s_cbranch_scc1 .Lon\n global_load_b32 v3, v1, s[4:5] offset:1"
                               "\n .Lon:\n v_mov_b32_e32 v2, v1",
    "a load within one": "global_load_b32 v3, v1, s[4:5] offset:1\n v_mov_b32_e32 v2, v1",
}  # fmt: skip


@pytest.mark.parametrize("name", HELPED)
def test_instructions_are_counted_where_the_witness_helps(name: str) -> None:
    assert run(HELPED[name], CDNA, block=16, runner=runner("fast")) == run(HELPED[name], CDNA, block=16)


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
