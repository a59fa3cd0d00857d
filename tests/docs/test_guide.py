"""Every lesson of docs/guide runs, as a reader would run it, and finds what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
LESSONS = sorted(GUIDE.glob("[0-9]*.py"))


@pytest.mark.parametrize("lesson", LESSONS, ids=[path.stem for path in LESSONS])
def test_lesson(lesson: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BG_CHECK": "0"}  # as a reader has it
    done = subprocess.run([sys.executable, str(lesson)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr


def test_lessons_are_numbered_and_say_how_to_run_them() -> None:
    assert [path.name[:2] for path in LESSONS] == [f"{n:02}" for n in range(1, len(LESSONS) + 1)]
    for path in LESSONS:
        text = path.read_text()
        assert text.startswith(f'"""{path.name[:2]}: '), path.name
        assert f"Run it: python docs/guide/{path.name}" in text


def test_the_list_of_lessons_has_each_with_its_title() -> None:
    listed = (GUIDE / "README.md").read_text()
    for path in LESSONS:
        title = path.read_text().partition("\n")[0].removeprefix('"""')
        number, _, about = title.partition(": ")
        assert f"| [{number}]({path.name}) | {about.rstrip('.')} |" in listed, path.name


def test_files_that_lessons_name_exist() -> None:
    pattern = re.compile(r"\b(?:[a-z_0-9]+/)+[a-z_0-9]+\.(?:py|md)")
    for path in LESSONS:
        for name in pattern.findall(path.read_text()):
            assert any((base / name).exists() for base in (ROOT, ROOT / "baregrad")), f"{path.name}: {name}"
