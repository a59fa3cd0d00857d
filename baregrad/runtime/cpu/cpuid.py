"""What the processor is: CPUID and XGETBV, read by small functions of our own instructions.

A feature counts only if the processor has it and the operating system keeps its registers (XCR0): FEATURES
says which bit and which registers. The names are those of the instruction tables' `needs`.
What is not here: which features a target wants (rows in `render`), and overriding them (device.py).
Source: Intel SDM volume 2 (CPUID) and volume 1, 13.2 (XCR0); AMD64 APM volume 3, appendix E.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import NamedTuple, Protocol

from baregrad.isa.x86 import assemble, inst, mem
from baregrad.runtime.cpu.code import CodeMemory

YMM_STATE = 0b110  # XCR0: xmm and the upper halves of ymm
ZMM_STATE = 0b1110_0110  # also k0-k7, the upper halves of zmm0-15, zmm16-31
TILE_STATE = 0x60000
CPU_QUOTA = "/sys/fs/cgroup/cpu.max"  # "quota period" in µs, or "max period" (Linux: cgroup-v2)
EAX, EBX, ECX, EDX = range(4)


class Feature(NamedTuple):
    """Where CPUID tells of a feature, and the XCR0 bits that the system must have set for it."""

    name: str
    leaf: int
    subleaf: int
    register: int
    bit: int
    state: int = 0


# fmt: off
FEATURES = (
    Feature("sse3",             1, 0, ECX, 0),
    Feature("ssse3",            1, 0, ECX, 9),
    Feature("fma",              1, 0, ECX, 12, YMM_STATE),
    Feature("cx16",             1, 0, ECX, 13),
    Feature("sse4_1",           1, 0, ECX, 19),
    Feature("sse4_2",           1, 0, ECX, 20),
    Feature("movbe",            1, 0, ECX, 22),
    Feature("popcnt",           1, 0, ECX, 23),
    Feature("avx",              1, 0, ECX, 28, YMM_STATE),
    Feature("f16c",             1, 0, ECX, 29, YMM_STATE),
    Feature("sse2",             1, 0, EDX, 26),
    Feature("bmi1",             7, 0, EBX, 3),
    Feature("avx2",             7, 0, EBX, 5,  YMM_STATE),
    Feature("bmi2",             7, 0, EBX, 8),
    Feature("erms",             7, 0, EBX, 9),
    Feature("avx512f",          7, 0, EBX, 16, ZMM_STATE),
    Feature("avx512dq",         7, 0, EBX, 17, ZMM_STATE),
    Feature("adx",              7, 0, EBX, 19),
    Feature("avx512ifma",       7, 0, EBX, 21, ZMM_STATE),
    Feature("avx512cd",         7, 0, EBX, 28, ZMM_STATE),
    Feature("avx512bw",         7, 0, EBX, 30, ZMM_STATE),
    Feature("avx512vl",         7, 0, EBX, 31, ZMM_STATE),
    Feature("avx512vbmi",       7, 0, ECX, 1,  ZMM_STATE),
    Feature("avx512_vbmi2",     7, 0, ECX, 6,  ZMM_STATE),
    Feature("gfni",             7, 0, ECX, 8,  YMM_STATE),
    Feature("avx512_vnni",      7, 0, ECX, 11, ZMM_STATE),
    Feature("avx512_bitalg",    7, 0, ECX, 12, ZMM_STATE),
    Feature("avx512_vpopcntdq", 7, 0, ECX, 14, ZMM_STATE),
    Feature("fsrm",             7, 0, EDX, 4),
    Feature("amx_bf16",         7, 0, EDX, 22, TILE_STATE),
    Feature("avx512_fp16",      7, 0, EDX, 23, ZMM_STATE),
    Feature("amx_tile",         7, 0, EDX, 24, TILE_STATE),
    Feature("amx_int8",         7, 0, EDX, 25, TILE_STATE),
    Feature("avx_vnni",         7, 1, EAX, 4,  YMM_STATE),
    Feature("avx512_bf16",      7, 1, EAX, 5,  ZMM_STATE),
    Feature("avx_ne_convert",   7, 1, EDX, 5,  YMM_STATE),
    Feature("lzcnt",   0x80000001, 0, ECX, 5),
    Feature("prefetchw", 0x80000001, 0, ECX, 8),
)
# fmt: on

OSXSAVE = Feature("osxsave", 1, 0, ECX, 27)
CACHE_LEAVES = (("GenuineIntel", 4), ("AuthenticAMD", 0x8000001D), ("HygonGenuine", 0x8000001D))
CACHE_NAMES = {(1, 1): "l1d", (1, 2): "l1i", (2, 3): "l2", (3, 3): "l3"}  # (level, type) of SDM table 3-8


class Processor(Protocol):
    """What can be asked of a processor; a test hands in one that never was."""

    def cpuid(self, leaf: int, subleaf: int = 0) -> tuple[int, int, int, int]:
        """eax, ebx, ecx, edx of a leaf."""

    def xgetbv(self) -> int:
        """XCR0: the registers that the operating system keeps. Only if OSXSAVE is set."""


class ThisProcessor:
    """The processor that we run on, asked through functions put into `code`."""

    __slots__ = ("_code", "_cpuid", "_xgetbv", "ticks")

    def __init__(self, code: CodeMemory) -> None:
        self._code = code  # which would be unmapped if nobody kept it
        cpuid = code.load(_cpuid_code(), "cpuid").entry
        xgetbv = code.load(_wide_code("xgetbv"), "xgetbv").entry
        ticks = code.load(_wide_code("rdtsc"), "rdtsc").entry
        void_p, unsigned, wide = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
        self._cpuid = ctypes.CFUNCTYPE(None, unsigned, unsigned, void_p)(cpuid)
        self._xgetbv = ctypes.CFUNCTYPE(wide, unsigned)(xgetbv)
        self.ticks = ctypes.CFUNCTYPE(wide)(ticks)
        """The time stamp counter."""

    def cpuid(self, leaf: int, subleaf: int = 0) -> tuple[int, int, int, int]:
        """eax, ebx, ecx, edx of a leaf."""
        out = ctypes.create_string_buffer(16)
        self._cpuid(leaf, subleaf, ctypes.addressof(out))
        a, b, c, d = struct.unpack("<4I", out.raw)
        return a, b, c, d

    def xgetbv(self) -> int:
        """XCR0."""
        value: int = self._xgetbv(0)
        return value


def features(processor: Processor) -> frozenset[str]:
    """The features that the processor has and the operating system lets us use."""
    leaves: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    most = {0: processor.cpuid(0)[EAX], 0x80000000: processor.cpuid(0x80000000)[EAX]}

    def has(row: Feature) -> bool:
        if row.leaf > most[row.leaf & 0x80000000]:
            return False
        at = (row.leaf, row.subleaf)
        if at not in leaves:
            # SDM: a leaf with too large a subleaf may give another leaf's values; leaf 7 tells its last one.
            known = row.leaf != 7 or row.subleaf <= processor.cpuid(7)[EAX]
            leaves[at] = processor.cpuid(*at) if known else (0, 0, 0, 0)
        return bool(leaves[at][row.register] >> row.bit & 1)

    state = processor.xgetbv() if has(OSXSAVE) else 0
    return frozenset(row.name for row in FEATURES if has(row) and row.state & ~state == 0)


def caches(processor: Processor) -> dict[str, int]:
    """Bytes of the caches by name, as far as CPUID tells (deterministic cache parameters)."""
    leaf = dict(CACHE_LEAVES).get(vendor(processor))
    found: dict[str, int] = {}
    if leaf is None or leaf > processor.cpuid(leaf & 0x80000000)[EAX]:
        return found
    for subleaf in range(8):
        a, b, c, _ = processor.cpuid(leaf, subleaf)
        name = CACHE_NAMES.get((a >> 5 & 7, a & 31))
        if a & 31 == 0:
            break
        if name is not None:
            found[name] = ((b >> 22) + 1) * ((b >> 12 & 0x3FF) + 1) * ((b & 0xFFF) + 1) * (c + 1)
    return found


def vendor(processor: Processor) -> str:
    """The maker's name: GenuineIntel, AuthenticAMD, ..."""
    _, b, c, d = processor.cpuid(0)
    return struct.pack("<3I", b, d, c).decode("ascii", "replace")


def model(processor: Processor) -> str:
    """The processor's brand string, or "" if it has none."""
    if processor.cpuid(0x80000000)[EAX] < 0x80000004:
        return ""
    words = [word for leaf in (0x80000002, 0x80000003, 0x80000004) for word in processor.cpuid(leaf)]
    return struct.pack("<12I", *words).partition(b"\0")[0].decode("ascii", "replace").strip()


def cores(quota_file: str = CPU_QUOTA) -> int:
    """How many cores this process may use: those it may run on, as far as its control group pays."""
    may_run = len(os.sched_getaffinity(0))
    try:
        with open(quota_file, encoding="ascii") as file:
            quota, period = file.read().split()
    except OSError:  # no control group: no quota
        return may_run
    if quota == "max":
        return may_run
    return max(1, min(may_run, -(-int(quota) // int(period))))


def _cpuid_code() -> bytes:
    """f(edi = leaf, esi = subleaf, rdx = place for eax, ebx, ecx, edx)."""
    return assemble(
        [
            inst("push", "rbx"),
            inst("mov", "r8", "rdx"),
            inst("mov", "eax", "edi"),
            inst("mov", "ecx", "esi"),
            inst("cpuid"),
            inst("mov", mem("r8"), "eax"),
            inst("mov", mem("r8", disp=4), "ebx"),
            inst("mov", mem("r8", disp=8), "ecx"),
            inst("mov", mem("r8", disp=12), "edx"),
            inst("pop", "rbx"),
            inst("ret"),
        ]
    )


def _wide_code(name: str) -> bytes:
    """f(edi) -> edx:eax of an instruction that takes ecx (xgetbv) or nothing (rdtsc)."""
    return assemble(
        [inst("mov", "ecx", "edi"), inst(name), inst("shl", "rdx", 32), inst("or", "rax", "rdx"), inst("ret")]
    )
