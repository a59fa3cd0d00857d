"""Which features a CPU has: names, where CPUID shows them, and code that asks.

`cpuid_code` is a small function made of our own forms; whoever may run code calls it with a buffer of
`CPUID_BYTES` bytes and gives them to `features`. Nothing is executed here. Names are those of the tables'
`needs`. Source: Intel SDM volume 2, CPUID and XGETBV; AMD APM volume 3, appendix E.

>>> sorted(features(bytes(CPUID_BYTES)))
[]
"""

from __future__ import annotations

from baregrad.isa.form import Inst, Label
from baregrad.isa.x86.builder import assemble, inst, mem

LEAVES = (
    (0x00000000, 0),
    (0x00000001, 0),
    (0x00000007, 0),
    (0x00000007, 1),
    (0x80000000, 0),
    (0x80000001, 0),
    (0x80000002, 0),
    (0x80000003, 0),
    (0x80000004, 0),
    *((0x00000004, n) for n in range(5)),
    *((0x8000001D, n) for n in range(5)),
)
"""The leaf and subleaf of each 16 bytes (eax, ebx, ecx, edx) that are stored; XCR0 follows, in 8 bytes."""

CPUID_BYTES = 16 * len(LEAVES) + 8
"""The size of the buffer that the code fills."""

_EAX, _EBX, _ECX, _EDX = range(4)

# fmt: off
# name: leaf, subleaf, register, bit
FEATURES: dict[str, tuple[int, int, int, int]] = {
    "sse4_2":           (1, 0, _ECX, 20),
    "popcnt":           (1, 0, _ECX, 23),
    "f16c":             (1, 0, _ECX, 29),
    "fma":              (1, 0, _ECX, 12),
    "avx":              (1, 0, _ECX, 28),
    "bmi1":             (7, 0, _EBX, 3),
    "avx2":             (7, 0, _EBX, 5),
    "bmi2":             (7, 0, _EBX, 8),
    "erms":             (7, 0, _EBX, 9),
    "avx512f":          (7, 0, _EBX, 16),
    "avx512dq":         (7, 0, _EBX, 17),
    "avx512cd":         (7, 0, _EBX, 28),
    "avx512bw":         (7, 0, _EBX, 30),
    "avx512vl":         (7, 0, _EBX, 31),
    "avx512_vnni":      (7, 0, _ECX, 11),
    "avx512_vpopcntdq": (7, 0, _ECX, 14),
    "avx512_bf16":      (7, 1, _EAX, 5),
    "lzcnt":            (0x80000001, 0, _ECX, 5),
}
"""Every feature that a row can need, and a few more."""
# fmt: on

_OSXSAVE = (1, 0, _ECX, 27)
_YMM_STATE, _ZMM_STATE = 0x06, 0xE6  # bits of XCR0 that the system must have set (SDM volume 1, 13.3)
_CACHE_LEAVES = {"GenuineIntel": 4, "AuthenticAMD": 0x8000001D, "HygonGenuine": 0x8000001D}
_CACHE_NAMES = {(1, 1): "l1d", (1, 2): "l1i", (2, 3): "l2", (3, 3): "l3"}  # level, type (SDM table 3-8)
_NEEDS_YMM = ("avx", "fma", "f16c")


def cpuid_code() -> bytes:
    """A function f(rdi = buffer) that fills `CPUID_BYTES` bytes; System V, keeps what it must.

    XCR0 is stored as 0 where the system has not enabled XGETBV.
    """
    body: list[Inst | Label | bytes] = [inst("push", "rbx")]
    for n, (leaf, subleaf) in enumerate(LEAVES):
        body += [inst("mov", "eax", leaf), inst("mov", "ecx", subleaf), inst("cpuid")]
        body += [
            inst("mov", mem("rdi", disp=16 * n + 4 * i), name)
            for i, name in enumerate(("eax", "ebx", "ecx", "edx"))
        ]
    end = mem("rdi", disp=16 * len(LEAVES))
    osxsave = mem("rdi", disp=16 * LEAVES.index(_OSXSAVE[:2]) + 4 * _OSXSAVE[2], bits=32)
    body += [
        inst("xor", "eax", "eax"),
        inst("xor", "edx", "edx"),
        inst("bt", osxsave, _OSXSAVE[3]),
        inst("jae", Label("store")),
        inst("xor", "ecx", "ecx"),
        inst("xgetbv"),
        Label("store"),
        inst("mov", end, "eax"),
        inst("mov", mem("rdi", disp=16 * len(LEAVES) + 4), "edx"),
        inst("pop", "rbx"),
        inst("ret"),
    ]
    return assemble(body)


def features(filled: bytes) -> frozenset[str]:
    """The features that a filled buffer shows, without those whose registers the system does not keep."""
    state = int.from_bytes(filled[16 * len(LEAVES) :], "little")
    found = {name for name, place in FEATURES.items() if _bit(filled, place)}
    if state & _YMM_STATE != _YMM_STATE:
        found -= {name for name in found if name.startswith("avx") or name in _NEEDS_YMM}
    if state & _ZMM_STATE != _ZMM_STATE:
        found -= {name for name in found if name.startswith("avx512")}
    return frozenset(found)


def brand(filled: bytes) -> str:
    """The name that the CPU gives itself, "" if it gives none."""
    first = LEAVES.index((0x80000002, 0))
    if _register(filled, 0x80000000, 0, _EAX) < 0x80000004:
        return ""
    return filled[16 * first : 16 * (first + 3)].split(b"\0")[0].decode("ascii", "replace").strip()


def vendor(filled: bytes) -> str:
    """The maker of the CPU: GenuineIntel, AuthenticAMD, ..."""
    b, c, d = (filled[4 * n : 4 * n + 4] for n in (_EBX, _ECX, _EDX))
    return (b + d + c).decode("ascii", "replace")


def caches(filled: bytes) -> dict[str, int]:
    """Bytes of the caches by name ("l1d", "l1i", "l2", "l3"), as far as the CPU tells.

    ways * partitions * line size * sets. Source: SDM, CPUID leaf 4; AMD APM, leaf 8000001D, of the same form.
    """
    leaf = _CACHE_LEAVES.get(vendor(filled))
    found: dict[str, int] = {}
    if leaf is None or leaf > _register(filled, leaf & 0x80000000, 0, _EAX):
        return found
    for subleaf in range(5):
        a, b, c = (_register(filled, leaf, subleaf, n) for n in (_EAX, _EBX, _ECX))
        name = _CACHE_NAMES.get((a >> 5 & 7, a & 31))
        if name is not None:
            found[name] = ((b >> 22) + 1) * ((b >> 12 & 0x3FF) + 1) * ((b & 0xFFF) + 1) * (c + 1)
    return found


def _register(filled: bytes, leaf: int, subleaf: int, register: int) -> int:
    at = 16 * LEAVES.index((leaf, subleaf)) + 4 * register
    return int.from_bytes(filled[at : at + 4], "little")


def _bit(filled: bytes, place: tuple[int, int, int, int]) -> bool:
    """One bit of a leaf; leaves past the greatest one that the CPU has say nothing."""
    leaf, subleaf, register, bit = place
    greatest = _register(filled, leaf & 0x80000000, 0, _EAX)
    if leaf > greatest or (subleaf and subleaf > _register(filled, leaf, 0, _EAX)):
        return False
    return _register(filled, leaf, subleaf, register) >> bit & 1 == 1
