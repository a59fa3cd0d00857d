"""CPUID: what the processor says agrees with the kernel's list; made-up processors show what counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from baregrad.base.errors import DeviceError
from baregrad.isa.x86 import FORMS
from baregrad.runtime import open_device
from baregrad.runtime.cpu import cpuid
from baregrad.runtime.cpu.code import CodeMemory
from baregrad.runtime.system import System

LINUX_NAMES = {"sse3": "pni", "lzcnt": "abm", "prefetchw": "3dnowprefetch"}


@pytest.fixture(scope="module")
def here() -> cpuid.ThisProcessor:
    return cpuid.ThisProcessor(CodeMemory(System()))


def linux_says() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_features_are_those_that_linux_lists(here: cpuid.ThisProcessor) -> None:
    listed = set(linux_says()["flags"].split())
    unlisted = {"avx_ne_convert"}  # Linux does not show every feature
    expected = {f.name for f in cpuid.FEATURES if LINUX_NAMES.get(f.name, f.name) in listed}
    assert cpuid.features(here) - unlisted == expected - unlisted


def test_names_are_those_that_linux_lists(here: cpuid.ThisProcessor) -> None:
    says = linux_says()
    assert cpuid.vendor(here) == says["vendor_id"]
    assert cpuid.model(here) == says["model name"]


def test_caches_are_those_that_linux_lists(here: cpuid.ThisProcessor) -> None:
    listed = {}
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        level, kind = (index / "level").read_text().strip(), (index / "type").read_text().strip()
        suffix = {"Data": "d", "Instruction": "i"}.get(kind, "")
        listed[f"l{level}{suffix}"] = int((index / "size").read_text().strip().rstrip("K")) * 1024
    if not listed:
        pytest.skip("this system does not tell its caches")
    assert cpuid.caches(here) == listed


def test_every_feature_that_a_form_needs_is_known() -> None:
    known = {row.name for row in cpuid.FEATURES}
    needed = {name for forms in FORMS.values() for form in forms for name in form.needs}
    assert needed <= known


def test_the_table_has_no_double_rows() -> None:
    places = [row[1:5] for row in cpuid.FEATURES]
    assert len(set(places)) == len(places) == len({row.name for row in cpuid.FEATURES})


class Made:
    """A processor with every bit set in the leaves that it has."""

    def __init__(
        self, most: int, extended: int, xcr0: int, *, osxsave: bool = True, subleaves: int = 1
    ) -> None:
        self.most, self.extended, self.xcr0, self.osxsave = most, extended, xcr0, osxsave
        self.subleaves = subleaves

    def cpuid(self, leaf: int, subleaf: int = 0) -> tuple[int, int, int, int]:
        if leaf in (0, 0x80000000):
            return (self.extended if leaf else self.most, 0, 0, 0)
        if leaf == 7 and subleaf == 0:
            return (self.subleaves, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
        ecx = 0xFFFFFFFF if self.osxsave else 0xFFFFFFFF & ~(1 << 27)
        return (0xFFFFFFFF, 0xFFFFFFFF, ecx, 0xFFFFFFFF)

    def xgetbv(self) -> int:
        assert self.osxsave, "xgetbv without OSXSAVE is an undefined instruction"
        return self.xcr0


MADE = [  # name            processor                                    has              has not
    ("everything", Made(7, 0x80000001, 0x600E7), "avx2 avx512f amx_tile lzcnt avx512_bf16", ""),
    ("no zmm", Made(7, 0x80000001, 0x7), "avx2 fma avx_vnni", "avx512f avx512_bf16 amx_tile"),
    ("no ymm", Made(7, 0x80000001, 0x3), "sse4_2 bmi2 popcnt", "avx avx2 fma f16c avx512f"),
    ("no osxsave", Made(7, 0x80000001, 0, osxsave=False), "sse4_2 bmi2", "avx avx2 avx512f"),
    ("old", Made(1, 0x80000000, 0x7), "sse2 avx f16c", "avx2 bmi1 lzcnt avx512_bf16"),
    ("one subleaf", Made(7, 0x80000001, 0xE7, subleaves=0), "avx512f", "avx512_bf16 avx_vnni"),
]


@pytest.mark.parametrize("name, made, has, has_not", MADE, ids=[r[0] for r in MADE])
def test_made_up_processors(name: str, made: Made, has: str, has_not: str) -> None:
    found = cpuid.features(made)
    assert set(has.split()) <= found
    assert not set(has_not.split()) & found


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
