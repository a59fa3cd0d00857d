"""`baregrad doctor`: status 0 where the CPU device computes, and what is wrong where it does not."""

from __future__ import annotations

import re

import pytest

from baregrad.base import override
from baregrad.cli import doctor, main
from baregrad.cli.doctor import SECTIONS, command
from baregrad.engine import SESSION
from baregrad.render import AVX2
from baregrad.runtime import DEVICES, TargetFacts


@pytest.fixture
def run(capsys):
    """Status and output of a call."""

    def call():
        with pytest.raises(SystemExit) as caught:
            main(["doctor"])
        return caught.value.code, capsys.readouterr().out

    return call


@pytest.fixture
def few(monkeypatch):
    """Without the C device, which would start a compiler."""
    monkeypatch.setattr(doctor, "DEVICES", {n: row for n, row in DEVICES.items() if n != "c"})


def test_a_machine_that_works(run, few, tmp_path):
    with override(cache_dir=str(tmp_path / "none")):
        status, out = run()
    assert status == 0
    assert command.name == "doctor"
    assert all(f"{name}\n" in out for name in SECTIONS)
    assert re.search(r"^  cpu +works; .*x86-64", out, re.MULTILINE)
    assert re.search(r"^  target +x86-64-avx\S+: vectors of (32|64) bytes$", out, re.MULTILINE)
    assert re.search(r"^  threads +\d+$", out, re.MULTILINE)
    assert re.search(r"^  numpy +\d", out, re.MULTILINE)
    assert "not there yet" in out
    assert "BG_CACHE_DIR" in out


@pytest.mark.cc
def test_the_c_device_is_tried(run):
    status, out = run()
    assert status == 0
    assert re.search(r"^  c +works; ", out, re.MULTILINE)
    assert re.search(r"^  flags +-std=c11 ", out, re.MULTILINE)


def test_a_cpu_without_what_is_needed(run, few, monkeypatch):
    facts = TargetFacts("x86-64", AVX2.features - {"fma"}, 1, {}, "", "old")
    monkeypatch.setattr(SESSION.device("cpu"), "target_facts", lambda: facts)
    with override(threads=61):  # a target that no other test has asked for
        status, out = run()
    assert status == 1
    assert re.search(r"^  cpu +not here: this CPU has no fma; ", out, re.MULTILINE)


def test_a_sum_that_is_wrong(run, few, monkeypatch):
    monkeypatch.setattr(doctor, "WANTED", 16.0)
    status, out = run()
    assert status == 1
    assert re.search(r"^  cpu +wrong: 3 \+ 5 \+ 7 is 15.0 on it; ", out, re.MULTILINE)


CACHES = [  # mode, what is said
    (0o700, "700, private"),
    (0o755, "755, others can get at it: chmod 700"),
]


@pytest.mark.parametrize("mode, said", CACHES, ids=["private", "open"])
def test_the_cache_directory(run, few, tmp_path, mode, said):
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "entry").write_bytes(bytes(2048))
    tmp_path.chmod(mode)
    with override(cache_dir=str(tmp_path)):
        status, out = run()
    assert status == 0
    assert said in out
    assert "1 files, 2 KiB" in out


def test_without_a_c_compiler(run, few, monkeypatch):
    def missing():
        raise doctor.BaregradError("no compiler", mend="install one")

    monkeypatch.setattr(doctor, "find_compiler", missing)
    status, out = run()
    assert status == 0
    assert re.search(r"^  none +install one$", out, re.MULTILINE)
