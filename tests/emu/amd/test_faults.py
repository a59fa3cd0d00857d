"""Every named fault on both chips, on the witness; launches and descriptors that no chip can follow."""

from __future__ import annotations

import dataclasses

import pytest

from baregrad.base.errors import ConfigError
from baregrad.emu.amd import GpuFault, Memory, emulate
from baregrad.emu.amd.kernarg import Argument, put
from baregrad.emu.amd.kernarg import Row as Place
from tests.emu.amd.faulty import CASES, CDNA, DEFINED, LANES, OUT, RDNA, ROWS, matches, program, run, stored


@pytest.mark.parametrize("name, chip", CASES)
def test_a_fault(name: str, chip: str) -> None:
    row = ROWS[name]
    with pytest.raises(GpuFault) as caught:
        run(row.body, chip, block=row.block, scratch=row.scratch, runner=row.runner)
    matches(caught.value, row, chip)


@pytest.mark.parametrize("chip", [RDNA, CDNA])
def test_what_is_no_fault(chip: str) -> None:
    for name, (_, expected) in DEFINED.items():
        found = stored(name, chip)
        assert found == expected, f"{name}: {[hex(one) for one in found]}"


@pytest.mark.parametrize("chip", [RDNA, CDNA])
def test_a_fault_of_the_second_wave(chip: str) -> None:
    with pytest.raises(GpuFault) as caught:
        run("ds_load_b32 v3, v1\n s_nop 0", chip, block=128, lds=4 * LANES[chip] + 12)
    assert (caught.value.wave, caught.value.lane) == (1, 3), caught.value


def test_waves_that_have_ended_are_not_waited_for() -> None:
    body = ROWS["an end before a barrier"].body
    assert run(body, CDNA, block=128).instructions > 10


def test_a_narrow_operand_of_a_wide_constant() -> None:
    memory = Memory(1 << 20)
    run("v_mov_b32_e32 v3, src_shared_limit\n global_store_b32 v1, v3, s[4:5]", RDNA, block=1, memory=memory)
    assert memory.view(OUT, 4).cast("I")[0] == 0xFFFFFFFF


LAUNCHES = [
    ("65537 bytes of LDS", RDNA, {"lds": 65537}),
    ("163841 bytes of LDS", CDNA, {"lds": 163841}),
    ("a grid", RDNA, {"grid": 1 << 30}),
    ("a grid", RDNA, {"grid": 0}),
    ("workgroups of", RDNA, {"block": 1025}),
]


@pytest.mark.parametrize("says, chip, options", LAUNCHES)
def test_a_launch_that_no_chip_can_do(says: str, chip: str, options: dict) -> None:
    with pytest.raises(ConfigError, match=says):
        run("s_endpgm", chip, **options)


def test_the_budget_is_that_of_the_whole_grid() -> None:
    with pytest.raises(GpuFault, match="budget: 2 instructions of the workgroup"):
        run("s_endpgm", RDNA, grid=1 << 25)


ABSURD = [
    ("512 vector registers", RDNA, {"vgpr_granules": 63}),
    ("31 user SGPRs", RDNA, {"user_sgpr_count": 31}),
    ("127 user SGPRs", CDNA, {"kernarg_preload_length": 127}),
    ("bytes of scratch", RDNA, {"private_segment_fixed_size": 0xFFFFFFFF}),
    ("bytes of arguments", CDNA, {"kernarg_size": 0xFFFFFFFF}),
]


@pytest.mark.parametrize("says, chip, fields", ABSURD)
def test_an_absurd_descriptor(says: str, chip: str, fields: dict[str, int]) -> None:
    one = program("s_endpgm", chip)
    kernel = one.kernels[0]
    kernel = dataclasses.replace(kernel, descriptor=kernel.descriptor.replace(**fields))
    with pytest.raises(ConfigError, match=says):
        emulate(dataclasses.replace(one, kernels=(kernel,)), "k", (1, 1, 1), (32, 1, 1), bytes(64))


BAD_ARGUMENTS = [
    (0, -1, 1),
    (-8, 8, 1),
    (60, 8, 1),
    (0, 1 << 60, 1),
    (0, 4, 1e300),
    (0, 3, 1.0),
    (0, 8, b"abc"),
]


@pytest.mark.parametrize("offset, size, value", BAD_ARGUMENTS)
def test_an_argument_that_does_not_fit(offset: int, size: int, value: Argument) -> None:
    with pytest.raises(ConfigError, match="for an argument of"):
        put(bytearray(64), Place(offset, size, "by_value"), value)
