"""The fast mode without AVX-512: vectors of 32 bytes, whatever else this machine has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baregrad.base.config import override
from baregrad.emu.amd import Runner
from baregrad.engine.compile import target_of
from baregrad.engine.emulate import Both, Fast
from baregrad.engine.emulate.hot import Heat
from baregrad.render import AVX2
from baregrad.runtime import open_device
from tests.emu.amd.references import LAUNCHES
from tests.emu.amd.test_kernels import ALL, run
from tests.engine.emulate import test_hot

QUICK = [("add", "gfx950"), ("philox", "gfx950")]


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with override(features=",".join(sorted(AVX2.features))):
        yield


def natively(name: str, chip: str, runner: Runner) -> None:
    """A kernel gives numpy's values, all of it in native code."""
    run(name, chip, LAUNCHES[name](), runner)
    if isinstance(runner, Fast):
        assert runner.left == 0


@pytest.mark.parametrize("name, chip", QUICK)
def test_a_kernel(name: str, chip: str) -> None:
    device = open_device("cpu")
    assert target_of(device).name == AVX2.name
    natively(name, chip, Fast(device))


def test_a_block_is_its_instructions() -> None:
    test_hot.test_a_block_is_its_instructions("loop")


@pytest.mark.slow
@pytest.mark.parametrize("name, chip", ALL)
def test_all_kernels(name: str, chip: str) -> None:
    device = open_device("cpu")
    natively(name, chip, Fast(device))
    natively(name, chip, Fast(device, heat=Heat(1, 1)))
    natively(name, chip, Both(device))
