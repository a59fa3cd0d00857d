"""Real kernels on the witness, and the command line."""

from __future__ import annotations

import math
import random
from array import array
from pathlib import Path

import pytest

from baregrad.cli import main
from baregrad.emu.amd import GpuFault, Witness, emulate
from tests.isa.amd.triton import THREADS, kernel, objects

CHIPS = [pytest.param("gfx1100", marks=pytest.mark.slow), "gfx950"]


def floats(count: int, seed: int) -> array[float]:
    rng = random.Random(seed)
    return array("f", [rng.gauss(0, 1) for _ in range(count)])


@pytest.mark.parametrize("chip", CHIPS)
def test_add(chip: str) -> None:
    n = 300
    x, y, out = floats(n, 1), floats(n, 2), array("f", bytes(4 * n))
    emulate(
        kernel("add", chip),
        "add",
        (2, 1, 1),
        (THREADS[chip], 1, 1),
        [x, y, out, n],
        runner=Witness(waits=True),
    )
    assert out == array("f", [a + b for a, b in zip(x, y, strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize("chip", THREADS)
def test_softmax(chip: str) -> None:
    cols = 700
    x, out = floats(cols, 1), array("f", bytes(4 * cols))
    emulate(kernel("softmax", chip), "softmax", (1, 1, 1), (THREADS[chip], 1, 1), [x, out, cols], lds=65536)
    powers = [math.exp(value) for value in x]
    assert max(abs(a - b / sum(powers)) for a, b in zip(out, powers, strict=True)) < 1e-7


def test_memory_behind_an_argument_is_not_there() -> None:
    x, out = floats(200, 1), array("f", bytes(1200))
    with pytest.raises(GpuFault, match="800 bytes from the start of argument 0") as caught:
        emulate(kernel("add", "gfx950"), "add", (1, 1, 1), (256, 1, 1), [x, x, out, 300])
    assert (caught.value.kind, caught.value.wave, caught.value.lane) == ("memory", 3, 8)
    assert caught.value.instruction.startswith("global_load_dword")


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "add.hsaco", tmp_path / "out.npy"
    path.write_bytes(objects()["add.gfx950"])
    given = f"f32[300]=range f32[300]=2.5 f32[300]>{out} 300"
    arguments = [
        "emulate",
        str(path),
        "--grid",
        "2",
        "--block",
        "256",
        "--args",
        given,
        "--break",
        "v_add_f32",
    ]
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert "v_add_f32_e32 v2, v4, v2" in shown
    assert "argument 2: 1200 bytes" in shown
    assert "2.5 3.5 4.5 5.5" in shown
    assert out.read_bytes()[:6] == b"\x93NUMPY"
    assert array("f", out.read_bytes()[-4:])[0] == 301.5
