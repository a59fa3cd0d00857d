"""The kernel cache: found again, shared between processes, damaged entries replaced, keyed by all causes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from baregrad.base import config, listen, override
from baregrad.engine import disk
from baregrad.render import AVX2, AVX512, Program

PROGRAM = Program("e_16", b"\x90" * 64, 3, 2)


@pytest.fixture
def empty(tmp_path):
    """An empty cache directory."""
    with override(cache_dir=str(tmp_path / "cache"), cache=True):
        yield tmp_path / "cache"


def entry(directory):
    return directory / "kernels" / KEY


KEY = disk.key("kernel text", AVX2)


def test_what_is_stored_is_found(empty):
    assert disk.load(KEY) is None
    disk.store(KEY, PROGRAM)
    assert disk.load(KEY) == PROGRAM


def test_the_directory_is_private(empty):
    disk.store(KEY, PROGRAM)
    assert stat.S_IMODE(os.stat(empty).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(entry(empty)).st_mode) == 0o600


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"\x90",
        lambda data: flipped(data, len(data) - 5),
        lambda data: flipped(data, 3),
        lambda data: b"null\n" + data,
        lambda data: b"{}\n" + data.partition(b"\n")[2],
        lambda data: b"\xff\xfe\n",
    ],
    ids=["empty", "short", "long", "code", "header", "null", "no header", "no text"],
)
def test_a_damaged_entry_is_not_used(empty, damage):
    disk.store(KEY, PROGRAM)
    entry(empty).write_bytes(damage(entry(empty).read_bytes()))
    heard = []
    with listen(heard.append, "damaged"):
        assert disk.load(KEY) is None
    assert len(heard) == 1
    disk.store(KEY, PROGRAM)
    assert disk.load(KEY) == PROGRAM


def test_the_key_names_all_causes():
    keys = {KEY, disk.key("another text", AVX2), disk.key("kernel text", AVX512)}
    with override(contract=not config().contract):
        keys.add(disk.key("kernel text", AVX2))
    assert len(keys) == 4


STEP = "import baregrad as bg; print((bg.Tensor([1.0, 2.0, 3.0]) * 2).tolist())"
COUNT = """
import baregrad as bg
from baregrad.base import listen
heard = []
with listen(lambda event: heard.append(event.kind), "compiled", "cached"):
    (bg.Tensor([1.0, 2.0, 3.0]) * 2).tolist()
print(heard)
"""


def test_processes_share_the_cache(tmp_path):
    """Three at once fill it; a fourth compiles nothing."""
    env = {**os.environ, "BG_CACHE_DIR": str(tmp_path / "cache"), "BG_CACHE": "1", "BG_CHECK": "0"}
    command = [sys.executable, "-c", STEP]
    running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["[2.0, 4.0, 6.0]"] * 3
    last = subprocess.run([sys.executable, "-c", COUNT], env=env, capture_output=True, text=True, check=True)
    assert last.stdout.strip() == "['cached']"
