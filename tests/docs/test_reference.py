"""The pages of docs/reference are what the tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHIPS = ["amd-gfx1100.md", "amd-gfx950.md"]


def check(*pages: str) -> None:
    command = [sys.executable, "tools/gen_docs.py", "--check", *pages]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generated_pages_are_current():
    found = sorted(path.name for path in (ROOT / "docs" / "reference").glob("*.md"))
    assert set(CHIPS) < set(found)
    check(*(name for name in found if name not in CHIPS))


@pytest.mark.slow
def test_the_pages_of_chips_are_current():
    check(*CHIPS)
