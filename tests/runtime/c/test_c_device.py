"""The C device beside its contract: one compilation a list, names, unloading, shared objects on disk."""

from __future__ import annotations

import ctypes
import platform
import stat
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from baregrad.base import override
from baregrad.base.errors import DeviceError
from baregrad.runtime import Launch
from baregrad.runtime.c import CDevice, compiler

pytestmark = pytest.mark.cc


def text(body: str, name: str = "f") -> bytes:
    return f"void {name}(void **args, int64_t item)\n{{\n    {body}\n}}\n".encode()


ADD = "uint64_t *words = args[0]; words[item] += (uint64_t)args[1];"


@pytest.fixture
def device() -> Iterator[CDevice]:
    opened = CDevice()
    yield opened
    opened.close()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names in each call of the compiler."""
    made: list[str] = []
    real = compiler._compile
    monkeypatch.setattr(
        compiler,
        "_compile",
        lambda found, source, names, to: (made.append(names), real(found, source, names, to)),
    )
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """An empty cache directory."""
    with override(cache_dir=str(tmp_path / "cache"), cache=True):
        yield tmp_path / "cache" / "c"


def test_a_list_is_one_call_of_the_compiler(device: CDevice, empty: Path, calls: list[str]) -> None:
    at = device.allocate(16)
    device.write(at, bytes(16))
    one, two = device.load(text(ADD)), device.load(text("*(uint64_t *)args[0] *= 7;"))  # both are called f
    launches = [Launch(one, (at, 3), 2), Launch(two, (at,)), Launch(one, (at, -1), 2)]
    device.run(device.record(launches))
    assert device.read(at, 16) == (20).to_bytes(8, "little") + (2).to_bytes(8, "little")
    device.run(device.record(launches[:1]))
    assert calls == ["f, f"]
    assert len(list(empty.iterdir())) == 1


def run_add(device: CDevice) -> int:
    """Compile ADD, or find it, and use it."""
    at = device.allocate(8)
    device.write(at, bytes(8))
    device.launch(device.load(text(ADD)), (at, 5))
    return int.from_bytes(device.read(at, 8), "little")


def test_what_was_compiled_is_found_again(device: CDevice, empty: Path, calls: list[str]) -> None:
    assert [run_add(device), run_add(CDevice())] == [5, 5]
    assert calls == ["f"]
    (entry,) = empty.iterdir()
    assert stat.S_IMODE(empty.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o700


def test_a_damaged_file_is_compiled_again(device: CDevice, empty: Path, calls: list[str]) -> None:
    other = CDevice()
    run_add(other)
    other.close()
    (entry,) = empty.iterdir()
    entry.write_bytes(b"\x7fELF and then nothing")
    assert run_add(device) == 5
    assert calls == ["f", "f"]


def test_without_the_cache_nothing_is_left(device: CDevice, empty: Path, calls: list[str]) -> None:
    with override(cache=False):
        assert run_add(device) == 5
    assert calls == ["f"]
    assert not empty.exists()


def test_a_text_that_the_compiler_refuses(device: CDevice, empty: Path) -> None:
    good, bad = device.load(text(ADD, "good")), device.load(text("int x = nonsense;", "bad"))
    at = device.allocate(8)
    with pytest.raises(DeviceError, match="refused the C text of bad") as caught:
        device.launch(bad, (at, 1))
    assert "bad.c:3" in caught.value.why
    assert "nonsense" in caught.value.why
    device.write(at, bytes(8))
    device.launch(good, (at, 1))
    assert not [entry for entry in empty.iterdir() if entry.name.startswith(".")]


def test_code_that_is_no_kernel_is_refused(device: CDevice) -> None:
    with pytest.raises(DeviceError, match="no kernel"):
        device.load(b"int main(void) { return 0; }")


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler.find_compiler.cache_clear()  # type: ignore[attr-defined] # it is a memo
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DeviceError, match="no C compiler") as caught:
        CDevice()
    assert "cc, gcc, clang" in caught.value.why
    assert "install" in caught.value.mend


def test_a_compiler_that_does_not_work_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compiler.find_compiler()
    (tmp_path / "cc").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "gcc").write_text(f'#!/bin/sh\nexec {found.path} "$@"\n')
    for name in ("cc", "gcc"):
        (tmp_path / name).chmod(0o700)
    compiler.find_compiler.cache_clear()  # type: ignore[attr-defined] # it is a memo
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert compiler.find_compiler().path == str(tmp_path / "gcc")
    assert compiler.find_compiler().digest == found.digest
    compiler.find_compiler.cache_clear()  # type: ignore[attr-defined] # it is a memo


def test_a_library_is_unmapped_with_its_last_kernel(device: CDevice) -> None:
    kernels = [device.load(text(ADD)), device.load(text(ADD + " "))]
    at = device.allocate(8)
    device.write(at, bytes(8))
    device.record([Launch(kernel, (at, 1)) for kernel in kernels])
    library = device._kernels[kernels[0].entry].library
    assert library is not None
    maps = Path("/proc/self/maps")
    before = maps.read_text().count(".so")
    device.unload(kernels[0])
    device.launch(kernels[1], (at, 9))
    assert device.read(at, 1) == b"\x09"
    assert maps.read_text().count(".so") == before
    device.unload(kernels[1])
    assert maps.read_text().count(".so") < before


FLUSH = """
#include <xmmintrin.h>
unsigned flush(void) { unsigned old = _mm_getcsr(); _mm_setcsr(old | 0x8040); return old; }
void restore(unsigned old) { _mm_setcsr(old); }
unsigned flushes(void) { return (_mm_getcsr() & 0x8040) == 0x8040; }
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="sets bits of x86-64's MXCSR")
def test_denormals_are_kept_where_the_process_flushes_them(device: CDevice) -> None:
    helper = compiler.with_shared_object(FLUSH, "flush", lambda path: ctypes.CDLL(str(path)))
    at = device.allocate(4)
    device.write(at, struct.pack("<f", 2e-38))
    recording = device.record([Launch(device.load(text("*(float *)args[0] *= 0.25f;")), (at,))])
    old = helper.flush()
    device.run(recording)
    still = helper.flushes()
    helper.restore(old)
    assert still == 1
    assert struct.unpack("<f", device.read(at, 4))[0] == pytest.approx(5e-39, rel=1e-5, abs=0)


def test_a_closed_device_runs_nothing(device: CDevice) -> None:
    at = device.allocate(8)
    recording = device.record([Launch(device.load(text(ADD)), (at, 1))])
    device.close()
    with pytest.raises(DeviceError, match="closed"):
        device.run(recording)


def test_arguments_are_checked_when_they_are_recorded(device: CDevice) -> None:
    kernel, at = device.load(text(ADD)), device.allocate(8)
    device.free(at)
    with pytest.raises(DeviceError, match="no memory in use"):
        device.record([Launch(kernel, (at, 1))])


def test_facts_name_the_compiler(device: CDevice) -> None:
    found = compiler.find_compiler()
    facts = device.target_facts()
    assert (facts.arch, facts.cores) == ("c", 1)
    assert facts.model == f"{found.path} {found.version}"
    said = subprocess.run([found.path, "--version"], capture_output=True, text=True, check=True).stdout
    assert found.version.split()[0] in said
