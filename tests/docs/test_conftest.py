"""tests/conftest.py does what it promises: limit, seeds, golden texts, verification, one cache a session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = (ROOT / "tests" / "conftest.py").read_text()
INNER = """
import os, time, pytest
from baregrad.base import cache_directory, config

def work():
    start = time.thread_time()
    while time.thread_time() - start < 0.1:
        pass

def test_long(): work()

@pytest.mark.slow
def test_long_and_says_so(): work()

def test_waiting_costs_nothing(): time.sleep(0.1)

def test_seed(rng): assert rng.random() < 0

def test_golden(golden): golden("a.txt", "two\\n")

def test_verified(): assert config().check

def test_cache(): assert cache_directory().name.startswith("baregrad-tests-")
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What pytest prints for the tests above, with a limit of a twentieth of a second."""
    base = tmp_path_factory.mktemp("conftest")
    inner = base / "tests"
    (inner / "golden").mkdir(parents=True)
    (inner / "golden" / "a.txt").write_text("one\n")
    (inner / "conftest.py").write_text(CONFTEST.replace("LIMIT_SECONDS = 1.0", "LIMIT_SECONDS = 0.02"))
    (inner / "test_inner.py").write_text(INNER)
    markers = "[pytest]\nmarkers =\n    slow: long\n    bless: may be blessed\n"
    (base / "pytest.ini").write_text(f"{markers}pythonpath = {ROOT}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--seed",
        "7",
        "-rA",
        "-q",
    ]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=base, env=bare, capture_output=True, text=True).stdout


OUTCOMES = [  # test                outcome   what is said
    ("test_long", "FAILED", "make it smaller, or mark it slow"),
    ("test_long_and_says_so", "PASSED", ""),
    ("test_waiting_costs_nothing", "PASSED", ""),
    ("test_seed", "FAILED", "seed 7: pytest --seed 7 'tests/test_inner.py::test_seed'"),
    ("test_golden", "FAILED", "+two\nif it is right: pytest --bless tests/golden/a.txt"),
    ("test_verified", "PASSED", ""),
    ("test_cache", "PASSED", ""),
]


@pytest.mark.parametrize("name, outcome, said", OUTCOMES, ids=[row[0] for row in OUTCOMES])
def test_promises(printed, name, outcome, said):
    lines = [line for line in printed.splitlines() if line.startswith(outcome)]
    assert any(line.split(" - ")[0].endswith(f"::{name}") for line in lines), printed
    assert said in printed
