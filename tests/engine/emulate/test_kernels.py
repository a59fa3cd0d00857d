"""Kernels of Triton run natively: what they compute, and that faults are the witness's."""

from __future__ import annotations

from array import array

import pytest

from baregrad.emu.amd import GpuFault, emulate
from baregrad.engine.emulate import Fast
from baregrad.runtime import open_device
from tests.emu.amd.kernels import kernel


def test_add() -> None:
    fast, n = Fast(open_device("cpu")), 300
    x, y, out = array("f", range(n)), array("f", [2.5] * n), array("f", bytes(4 * n))
    done = emulate(kernel("add", "gfx950"), "add", (2, 1, 1), (256, 1, 1), [x, y, out, n], runner=fast)
    assert out == array("f", [a + b for a, b in zip(x, y, strict=True)])
    assert (done.groups, fast.left) == (2, 0)
    with pytest.raises(GpuFault, match="800 bytes from the start of argument 0") as caught:
        emulate(kernel("add", "gfx950"), "add", (1, 1, 1), (256, 1, 1), [x[:200], x, out, 300], runner=fast)
    assert (caught.value.kind, caught.value.wave, caught.value.lane) == ("memory", 3, 8)
