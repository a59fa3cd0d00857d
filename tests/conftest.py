"""What holds for every test: IR verified, compiled kernels kept apart, time limited, randomness seeded.

- A test that computes for more than a second fails unless it is marked slow; half of that is the aim. Time is
  that of the test's own thread and is scaled by the speed of this machine, so that a busy or slow machine
  makes no test fail.
- `rng` is a random.Random of the test's own; its seed is shown when the test fails and given back with
  --seed.
- `golden(path, text)` compares with a stored text and shows the difference; --bless PATH writes it anew.
"""

from __future__ import annotations

import difflib
import gc
import os
import random
import shutil
import tempfile
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from zlib import crc32

import pytest

LIMIT_SECONDS = 1.0  # on a machine where `reference_work` takes REFERENCE_SECONDS
REFERENCE_SECONDS = 0.010
UNLIMITED = {"slow", "fuzz", "device", "llvm", "network", "compare"}
TESTS = Path(__file__).parent

# Before baregrad is imported, here and in every process that a test starts: switches are read once. The
# workers of one session are children of the first process, so that they share its directory of compiled
# kernels.
os.environ.setdefault("BG_CHECK", "1")
OWN_CACHE = None
if "PYTEST_XDIST_WORKER" not in os.environ:
    OWN_CACHE = tempfile.mkdtemp(prefix="baregrad-tests-")
    os.environ["BG_CACHE_DIR"] = OWN_CACHE


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of our own."""
    parser.addoption("--seed", type=int, default=0, help="the seed of all random tests")
    parser.addoption(
        "--bless", action="append", default=[], metavar="PATH", help="write this golden file anew"
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say what a failure can depend on."""
    return f"seed {config.getoption('--seed')}, limit {LIMIT_SECONDS * machine_slowness():.2f} s a test"


def pytest_unconfigure() -> None:
    """Forget the kernels of this session."""
    if OWN_CACHE is not None:
        shutil.rmtree(OWN_CACHE, ignore_errors=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What the collection made stays: a test that collects garbage need not look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)  # tests make many nodes and few cycles


@cache
def why_no_compiler() -> str:
    """Why tests marked cc cannot run here; empty where they can."""
    try:
        import_module("baregrad.runtime.c.compiler").find_compiler()  # baregrad comes after the switches
    except RuntimeError as error:
        return str(error)
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine lacks a tool for."""
    if item.get_closest_marker("cc") and why_no_compiler():
        pytest.skip(why_no_compiler())


def reference_work() -> int:
    """What the machine's speed is measured with."""
    total = 0
    for n in range(150_000):
        total += n & 7
    return total


@cache
def machine_slowness() -> float:
    """How much slower Python runs here than where the limit was set; at least 1."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        reference_work()
        times.append(time.thread_time() - start)
    return max(1.0, min(times) / REFERENCE_SECONDS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> object:
    """Run the test, and fail it if it computed for too long."""
    start = time.thread_time()
    result = yield
    took = time.thread_time() - start
    if took > LIMIT_SECONDS and not UNLIMITED & {mark.name for mark in item.iter_markers()}:
        limit = LIMIT_SECONDS * machine_slowness()
        if took > limit:
            pytest.fail(f"took {took:.2f} s of {limit:.2f}: make it smaller, or mark it slow", pytrace=False)
    return result


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers that are the same each time for one test and one --seed."""
    seed = request.config.getoption("--seed")
    print(f"seed {seed}: pytest --seed {seed} '{request.node.nodeid}'")
    return random.Random(crc32(request.node.nodeid.encode()) ^ seed)


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compare a text with the file that holds what it should be: golden("lower/sum.txt", text)."""

    def compare(name: str, text: str) -> None:
        path = TESTS / "golden" / name
        if any(Path(blessed).resolve() == path for blessed in request.config.getoption("--bless")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return
        stored = path.read_text() if path.exists() else ""
        if text != stored:
            lines = difflib.unified_diff(stored.splitlines(), text.splitlines(), "stored", "now", lineterm="")
            shown = "\n".join(lines)
            pytest.fail(
                f"{shown}\nif it is right: pytest --bless {path.relative_to(TESTS.parent)}", pytrace=False
            )

    return compare
