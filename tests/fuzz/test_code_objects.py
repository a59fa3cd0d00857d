"""Hostile code objects: a few in the suite, 100,000 in make fuzz, in a process of their own."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.code_objects import run

ROOT = Path(__file__).parents[2]


def test_some_hostile_code_objects():
    assert run(150, 1)["failures"] == []


@pytest.mark.fuzz
def test_many_hostile_code_objects():
    seed = str(random.SystemRandom().randrange(1 << 40))
    command = [sys.executable, "-m", "tests.fuzz.code_objects", "100000", seed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["failures"] == [], figures
