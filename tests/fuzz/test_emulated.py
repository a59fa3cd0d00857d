"""Hostile kernels on the emulator: a few in make slow, 100,000 in make fuzz, in processes of their own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.emulated import KINDS, many

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_some_hostile_kernels() -> None:
    figures = many(200, 0, list(KINDS))
    assert figures["failures"] == {}, figures


def child(module: str, count: int, seed: int, *kinds: str) -> dict:
    """The figures of a run in a process of its own, which may crash."""
    command = [sys.executable, "-m", module, str(count), str(seed), *kinds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{module} ended with {done.returncode}: {done.stderr[-300:]}"
    return json.loads(done.stdout)


@pytest.mark.fuzz
def test_many_hostile_kernels() -> None:
    seed = random.SystemRandom().randrange(1 << 40)
    for part in range(5):
        figures = child("tests.fuzz.emulated", 20000, seed + 20000 * part)
        assert figures["failures"] == {}, figures


@pytest.mark.fuzz
def test_many_hostile_kernels_on_the_fast_mode() -> None:
    figures = child("tests.fuzz.emulated_fast", 20000, random.SystemRandom().randrange(1 << 40))
    assert figures["failures"] == {}, figures


@pytest.mark.fuzz
def test_many_grids_on_the_fast_mode() -> None:
    figures = child("tests.fuzz.emulated_fast", 5000, random.SystemRandom().randrange(1 << 40), "grids")
    assert figures["failures"] == {}, figures
