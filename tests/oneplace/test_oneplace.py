"""One place for each thing: a row written into a copy of the package is known everywhere at once.

The copy is changed as a person would do it (rows.py) and asked in one process of its own (checks.py); the
contract tests of devices run on the copy's devices. A second place that a change needs is a mistake.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oneplace.checks import FACTS, KINDS
from tests.oneplace.rows import ADDITIONS, Addition, NewFile, write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with every row of rows.py."""
    root = tmp_path_factory.mktemp("oneplace")
    for name in ("baregrad", "tools"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests").symlink_to(ROOT / "tests")
    for additions in ADDITIONS.values():
        for thing in additions:
            path = root / "baregrad" / thing.file
            path.write_text(write(thing, path.read_text() if path.exists() else ""))
    return root


def run_in(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root), "BG_TOY": "4", "BG_CHECK": "1", "BG_CACHE": "0",
                   "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # fmt: skip
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def outcomes(changed: Path) -> dict[str, str]:
    done = run_in(changed, "-m", "tests.oneplace.checks")
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("fact", FACTS)
def test_it_follows_by_itself(outcomes: dict[str, str], fact: str) -> None:
    assert not outcomes[fact], outcomes[fact]


def test_every_addition_is_asked_about() -> None:
    assert set(KINDS.values()) == set(ADDITIONS)
    assert {fact.partition("_")[0] for fact in FACTS} == set(KINDS)


def test_new_devices_keep_the_contract(changed: Path) -> None:
    inner = changed / "contract"
    inner.mkdir()
    for name in ("conftest.py", "runtime/test_contract.py"):
        shutil.copy(ROOT / "tests" / name, inner / Path(name).name)
    markers = ["slow", "fuzz", "device", "llvm", "network", "smoke", "bless"]
    (inner / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n" + "".join(f"    {m}: as above\n" for m in markers)
    )
    done = run_in(changed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "toy", str(inner))
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


PROOF = """
import json
from baregrad.ir.rules import tables
from tests.rules import prove, values
kept = {row.name for table in tables() for row in table.rows if prove.is_stored(row)}
unproven = kept - set(json.loads(prove.STORED.read_text()))
assert unproven == {"identities.or_of_xor"}, unproven
rule = next(row for table in tables() for row in table.rows if row.name == "identities.or_of_xor")
assert values.check_rule(rule), "never matched"
how, wrong = prove.prove(rule)
assert wrong is None, wrong
print(how)
"""


def test_a_new_rule_is_proven(changed: Path) -> None:
    done = run_in(changed, "-c", PROOF)
    assert done.returncode == 0, done.stderr


def test_the_architecture_names_every_place() -> None:
    """The table of ARCHITECTURE.md says which files a change needs: all of those that rows.py writes to."""
    lines = (ROOT / "ARCHITECTURE.md").read_text().splitlines()
    for thing, additions in ADDITIONS.items():
        (row,) = [line for line in lines if line.startswith(f"| {thing} |")]
        named = re.findall(r"`([\w./*-]+)`", row.split("|")[2])
        for addition in additions:
            file = Path(addition.file)
            assert any(file.match(name) or addition.file.startswith(name) for name in named), (
                f"{thing} needs {addition.file}; ARCHITECTURE.md names {named}"
            )


def test_an_anchor_must_be_there_once() -> None:
    with pytest.raises(AssertionError, match="0 lines"):
        write(Addition("a.py", "b", "c\n"), "a\n")
    with pytest.raises(AssertionError, match="already"):
        write(NewFile("a.py", "c\n"), "a\n")
