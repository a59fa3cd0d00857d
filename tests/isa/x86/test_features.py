"""CPUID: what a filled buffer means, and, on an x86-64 Linux, that our code and the kernel read the same."""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys
from pathlib import Path

import pytest

from baregrad.isa.x86 import CPUID_BYTES, FEATURES, brand, cpuid_code, disassemble, features
from baregrad.isa.x86.features import LEAVES

KERNEL_NAMES = {"lzcnt": "abm"}  # ours: the kernel's, where they differ


def filled(xcr0: int, names: set[str]) -> bytes:
    """A buffer that shows these features."""
    buffer = bytearray(CPUID_BYTES)

    def put(leaf: int, subleaf: int, register: int, bits: int) -> None:
        at = 16 * LEAVES.index((leaf, subleaf)) + 4 * register
        word = int.from_bytes(buffer[at : at + 4], "little") | bits
        buffer[at : at + 4] = word.to_bytes(4, "little")

    put(0, 0, 0, 7)
    put(7, 0, 0, 1)
    put(0x80000000, 0, 0, 0x80000004)
    for name in names:
        leaf, subleaf, register, bit = FEATURES[name]
        put(leaf, subleaf, register, 1 << bit)
    buffer[-8:] = xcr0.to_bytes(8, "little")
    return bytes(buffer)


CASES = [
    ("all kept", 0xE7, {"avx", "fma", "avx512f", "bmi2"}, {"avx", "fma", "avx512f", "bmi2"}),
    ("no zmm state", 0x07, {"avx", "fma", "avx512f", "bmi2"}, {"avx", "fma", "bmi2"}),
    ("no ymm state", 0x03, {"avx", "fma", "avx512f", "bmi2"}, {"bmi2"}),
    ("none", 0, set(), set()),
]


@pytest.mark.parametrize("name, xcr0, has, expected", CASES, ids=[row[0] for row in CASES])
def test_features_need_saved_state(name, xcr0, has, expected):
    assert features(filled(xcr0, has)) == expected


def test_leaves_past_the_greatest_say_nothing():
    buffer = bytearray(filled(0xE7, {"avx2", "avx"}))
    buffer[0] = 1
    assert features(bytes(buffer)) == {"avx"}


def test_every_feature_has_its_leaf():
    assert {place[:2] for place in FEATURES.values()} <= set(LEAVES)


def test_the_code_is_all_instructions():
    assert all(line.inst is not None for line in disassemble(cpuid_code()))


@pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux", reason="runs x86-64 Linux code"
)
def test_the_kernel_sees_the_same_cpu():
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(cpuid_code())
        buffer = ctypes.create_string_buffer(CPUID_BYTES)
        place = ctypes.c_char.from_buffer(page)
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(place))(ctypes.addressof(buffer))
        del place
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next(line for line in lines if line.startswith("flags")).split(":")[1].split()
    found = features(buffer.raw)
    assert found == {name for name in FEATURES if KERNEL_NAMES.get(name, name) in flags}
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    assert brand(buffer.raw) == model
