"""Triton's kernels, emulated, give what numpy gives."""

from __future__ import annotations

import numpy as np
import pytest

from baregrad.emu.amd import Result, Runner, Witness, emulate
from tests.emu.amd.references import LAUNCHES, Launch, close
from tests.isa.amd.triton import THREADS, kernel, objects

ALL = [tuple(name.split(".")[:2]) for name in objects()]
QUICK = [("add", "gfx1100"), ("transpose", "gfx950")]


def raw(one: object) -> object:
    """An argument as the emulator takes it: an array as its bytes."""
    return memoryview(one.reshape(-1).view(np.uint8)) if isinstance(one, np.ndarray) else one


def run(name: str, chip: str, launch: Launch, runner: Runner | None = None, lds: int = 65536) -> Result:
    """Launch a kernel and compare its buffers."""
    args = [one.copy() if isinstance(one, np.ndarray) else one for one in launch.args]
    entry = kernel(name, chip)
    done = emulate(
        entry, entry.kernels[0].name, launch.grid, (THREADS[chip], 1, 1), [raw(one) for one in args],
        lds=lds, runner=runner,
    )  # fmt: skip
    for at, (expected, tolerance) in launch.expected.items():
        assert close(args[at], expected, tolerance), f"{name} on {chip}: argument {at}"
    return done


@pytest.mark.parametrize("name, chip", QUICK)
def test_on_the_witness(name: str, chip: str) -> None:
    run(name, chip, LAUNCHES[name](), Witness(waits=True))


@pytest.mark.slow
@pytest.mark.parametrize("name, chip", [one for one in ALL if one not in QUICK])
def test_all_on_the_witness(name: str, chip: str) -> None:
    run(name, chip, LAUNCHES[name](), Witness(waits=True))
