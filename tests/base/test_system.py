"""base/system.py: checked calls, files written aside, and a cache directory that is ours alone."""

from __future__ import annotations

import errno
import os

import pytest

from baregrad.base import cache_directory, check, libc, override, system, write_aside
from baregrad.base.errors import ConfigError, SystemCallError


def test_a_refused_call_names_its_errno():
    with pytest.raises(SystemCallError, match="to close") as caught:
        check(libc().close(-1), "to close it")
    assert caught.value.errno == errno.EBADF
    assert isinstance(caught.value, OSError)
    assert "EBADF" in str(caught.value)


def test_another_result_can_mean_failure():
    assert check(-1, "a count", failed=None) == -1
    with pytest.raises(SystemCallError):
        check(0, "to map memory", failed=0)


def test_write_aside_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "entry"
    write_aside(path, b"old")
    write_aside(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["entry"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "entry"
    write_aside(path, b"old")

    def refuse(source: str, target: object) -> None:
        raise PermissionError(f"no renaming of {source} to {target}")

    monkeypatch.setattr(system.os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_aside(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["entry"]


def test_the_cache_directory_is_made_for_us_alone(tmp_path):
    with override(cache_dir=str(tmp_path / "deep" / "cache")):
        inner = cache_directory("x86-64", "kernels")
        assert inner == tmp_path / "deep" / "cache" / "x86-64" / "kernels"
        assert inner.stat().st_mode & 0o777 == 0o700
        assert cache_directory().stat().st_mode & 0o777 == 0o700
        assert cache_directory("x86-64", "kernels") == inner


def test_a_cache_that_others_can_write_is_refused(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    with override(cache_dir=str(tmp_path / "cache")), pytest.raises(ConfigError, match="mode 777") as caught:
        cache_directory()
    assert "chmod 700" in caught.value.mend


def test_a_cache_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: os.getuid() + 1)
    with override(cache_dir=str(tmp_path / "cache")), pytest.raises(ConfigError, match="belongs to user"):
        cache_directory()
