"""CPUID: what the processor says agrees with the system's list."""

from __future__ import annotations

from pathlib import Path

import pytest

from baregrad.base.errors import DeviceError
from baregrad.isa import x86
from baregrad.runtime import open_device
from baregrad.runtime.cpu import cpuid
from baregrad.runtime.cpu.code import CodeMemory
from baregrad.runtime.system import System

LINUX_NAMES = {"lzcnt": "abm"}


@pytest.fixture(scope="module")
def said() -> bytes:
    return cpuid.Processor(CodeMemory(System())).cpuid


def linux_says() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_features_are_those_that_linux_lists(said: bytes) -> None:
    listed = set(linux_says()["flags"].split())
    assert x86.features(said) == {name for name in x86.FEATURES if LINUX_NAMES.get(name, name) in listed}


def test_names_are_those_that_linux_lists(said: bytes) -> None:
    assert x86.vendor(said) == linux_says()["vendor_id"]
    assert x86.brand(said) == linux_says()["model name"]


def test_caches_are_those_that_linux_lists(said: bytes) -> None:
    listed = {}
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        level, kind = (index / "level").read_text().strip(), (index / "type").read_text().strip()
        suffix = {"Data": "d", "Instruction": "i"}.get(kind, "")
        listed[f"l{level}{suffix}"] = int((index / "size").read_text().strip().rstrip("K")) * 1024
    if not listed:
        pytest.skip("this system does not tell its caches")
    assert x86.caches(said) == listed


def test_a_processor_that_says_nothing_has_nothing() -> None:
    nothing = bytes(x86.CPUID_BYTES)
    assert (x86.features(nothing), x86.caches(nothing), x86.brand(nothing)) == (set(), {}, "")


def test_time_stamps_rise() -> None:
    processor = cpuid.Processor(CodeMemory(System()))
    stamps = [processor.ticks() for _ in range(10)]
    assert stamps == sorted(set(stamps))


QUOTAS = [("half a core", "50000 100000", 1), ("two", "200000 100000", 2), ("none", "max 100000", 99)]


@pytest.mark.parametrize("name, text, most", QUOTAS, ids=[r[0] for r in QUOTAS])
def test_cores_obey_the_control_group(tmp_path: Path, name: str, text: str, most: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(text + "\n")
    assert cpuid.cores(str(file)) == min(most, cpuid.cores(str(tmp_path / "missing")))


def test_features_can_be_chosen() -> None:
    device = open_device("cpu", features=["avx2", "fma"])
    assert device.target_facts().features == {"avx2", "fma"}
    device.close()
    with pytest.raises(DeviceError, match="unknown CPU features: mmx9"):
        open_device("cpu", features=["avx2", "mmx9"])
