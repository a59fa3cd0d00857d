"""What the README shows is run: its Python gives the output beneath it, its commands exist and end well.

A ```python block is run; a ```text block right after it is what it prints. In a ```console block, lines after
"$ " are commands: `python -m baregrad ...` is run, of `make ...` the target must exist.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from baregrad.base.config import knobs

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line[2:] for kind, body in BLOCKS if kind == "console" for line in body.splitlines() if line[:2] == "$ "
]


RUN = """
import contextlib, io, json, sys
names, printed = {}, []
for position, body in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(body, f"README.md, block {position}", "exec"), names)
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


def test_python_blocks_print_what_they_show():
    """In one process of their own, one after another, as a reader would type them."""
    blocks = [(position, body) for position, (kind, body) in enumerate(BLOCKS) if kind == "python"]
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(blocks), capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    for (position, body), printed in zip(blocks, json.loads(done.stdout), strict=True):
        kind, shown = BLOCKS[position + 1] if position + 1 < len(BLOCKS) else ("", "")
        if kind == "text":
            assert printed.split() == shown.split(), f"block {position}:\n{body}\nprints\n{printed}"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_make_targets_exist(command):
    target = command.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command.startswith("python -m baregrad")]
)
def test_commands_end_well(command):
    arguments = command.partition("#")[0].split()[1:]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_switch_is_listed():
    rows = [
        f"| `{row.env}` | {row.default if row.default != '' else 'empty'} | {row.sentence} |"
        for row in knobs()
    ]
    assert [row for row in rows if row not in README] == []


def test_every_command_is_of_a_kind_that_is_checked():
    known = ("make ", "python -m baregrad", "git clone ", "cd ", "pip install ")
    assert [command for command in COMMANDS if not command.startswith(known)] == []
