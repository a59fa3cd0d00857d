"""Kernels of Triton run natively: what they compute, and that faults are the witness's."""

from __future__ import annotations

from array import array

import pytest

from baregrad.emu.amd import GpuFault, emulate
from baregrad.engine.emulate import Fast
from baregrad.runtime import open_device
from tests.emu.amd.references import LAUNCHES
from tests.emu.amd.test_kernels import ALL, run
from tests.isa.amd.triton import kernel


def test_add() -> None:
    fast, n = Fast(open_device("cpu")), 300
    x, y, out = array("f", range(n)), array("f", [2.5] * n), array("f", bytes(4 * n))
    done = emulate(kernel("add", "gfx950"), "add", (2, 1, 1), (256, 1, 1), [x, y, out, n], runner=fast)
    assert out == array("f", [a + b for a, b in zip(x, y, strict=True)])
    assert (done.groups, fast.left) == (2, 0)
    with pytest.raises(GpuFault, match="800 bytes from the start of argument 0") as caught:
        emulate(kernel("add", "gfx950"), "add", (1, 1, 1), (256, 1, 1), [x[:200], x, out, 300], runner=fast)
    assert (caught.value.kind, caught.value.wave, caught.value.lane) == ("memory", 3, 8)


@pytest.mark.parametrize("chip", [pytest.param("gfx1100", marks=pytest.mark.slow), "gfx950"])
def test_a_grid_of_workgroups(chip: str) -> None:
    fast, launch = Fast(open_device("cpu")), LAUNCHES["transpose"](70, 100)
    assert launch.grid == (3, 4, 1)
    assert run("transpose", chip, launch, fast).groups == 12
    assert fast.left == 0


def test_a_fault_names_the_workgroup() -> None:
    n = 1000
    x, out = array("f", bytes(4 * n)), array("f", bytes(4 * 700))
    with pytest.raises(GpuFault) as caught:
        emulate(kernel("add", "gfx1100"), "add", (4, 1, 1), (128, 1, 1), [x, x, out, n],
                runner=Fast(open_device("cpu")))  # fmt: skip
    assert (caught.value.group, caught.value.kind) == ((2, 0, 0), "memory")


@pytest.mark.slow
@pytest.mark.parametrize("name, chip", ALL)
def test_all_natively(name: str, chip: str) -> None:
    run(name, chip, LAUNCHES[name](), Fast(open_device("cpu")))
