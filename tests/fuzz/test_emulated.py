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


@pytest.mark.fuzz
def test_many_hostile_kernels() -> None:
    first = random.SystemRandom().randrange(1 << 40)
    for part in range(5):
        command = [sys.executable, "-m", "tests.fuzz.emulated", "20000", str(first + 20000 * part), *KINDS]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        figures = json.loads(done.stdout)
        assert figures["failures"] == {}, figures
