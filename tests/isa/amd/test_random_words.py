"""Random words of RDNA3 through our decoder and LLVM's; LLVM_LIBRARY names its C library (19 or 22).

Of words that both take, the texts are the same, but for what KNOWN lists. What only one takes is counted:
LLVM shows tuples that are not aligned and constants where registers must be, with a warning in the text.
"""

from __future__ import annotations

import ctypes
import os
import random
import re
from collections.abc import Callable

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import Format, tables
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.text import text

WORDS = 100_000
PARTS = ("TargetInfo", "Target", "TargetMC", "AsmParser", "AsmPrinter", "Disassembler")
LEFT_OUT = ("MIMG", "EXP", "MTBUF", "DPP16", "DPP8")
# LLVM's text or ours, where they differ: what it is.
KNOWN = (
    (r"instid|instskip", "LLVM says only that the number is no delay"),
    (r"s_version", "UC_VERSION names"),
    (r"lit\(", "literals of 16 bits whose upper half is not 0: LLVM leaves it out"),
    (r"Invalid dpp_ctrl", "LLVM shows no number"),
    (r"0x(3800|b800|3c00|bc00|4000|c000|4400|c400|3118)\b", "floats as constants of 16-bit integers"),
    (r"\bnull\b", "an offset of 0 of scalar memory"),
    (r"v_dot[248]", "OP_SEL that they do not use"),
    (r"sendmsg", "LLVM leaves out upper bits"),
    (
        r"_[fiub]16|align(bit|byte)",
        "fields that are not used choose another of LLVM's tables, which shows OP_SEL otherwise",
    ),
)
COMMON = (
    *range(128, 209),
    *range(240, 249),
    255,
    255,
    255,
    250,
    233,
    234,
    *range(128),
    235,
    236,
    237,
    238,
    253,
)


def disassembler(path: str, chip: str) -> Callable[[bytes], tuple[int, str]]:
    """LLVM's disassembler: the size and the text of the first instruction."""
    library = ctypes.CDLL(path)
    for part in PARTS:
        getattr(library, f"LLVMInitializeAMDGPU{part}")()
    create, take = library.LLVMCreateDisasmCPUFeatures, library.LLVMDisasmInstruction
    create.restype, take.restype = ctypes.c_void_p, ctypes.c_size_t
    create.argtypes = [ctypes.c_char_p] * 3 + [
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    take.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_uint64,
        ctypes.c_uint64,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    context = create(b"amdgcn-amd-amdhsa", chip.encode(), b"+real-true16", None, 0, None, None)
    out = ctypes.create_string_buffer(512)

    def one(data: bytes) -> tuple[int, str]:
        size = take(context, data, len(data), 0, out, 512)
        return size, re.sub(r"\s*//.*", "", out.value.decode()).replace("\t", " ").strip()

    return one


def draw(rng: random.Random, one: Format) -> bytes:
    """A word of a format: any opcode, likely operands, literals among them."""
    word = rng.getrandbits(160)
    for name, field in one.fields.items():
        size = field.width
        if name == "ENCODING":
            value = int(one.encoding, 2)
        elif name.startswith(("SRC", "SSRC")) and size >= 8:
            value = 256 + rng.getrandbits(8) if size == 9 and rng.random() < 0.4 else rng.choice(COMMON)
        elif size <= 3 and name != "OP":
            value = rng.getrandbits(size) if rng.random() < 0.5 else 0
        else:
            continue
        for high, low in reversed(field.parts):
            mask = (1 << high - low + 1) - 1
            word = word & ~(mask << low) | (value & mask) << low
            value >>= high - low + 1
    return word.to_bytes(20, "little")


@pytest.mark.slow
@pytest.mark.llvm
def test_random_words_of_rdna3_are_read_as_llvm_reads_them() -> None:
    path = os.environ.get("LLVM_LIBRARY", "/usr/lib/llvm-19/lib/libLLVM.so.19.1")
    if not os.path.exists(path):
        pytest.skip(f"no {path}: LLVM_LIBRARY names LLVM's C library")
    theirs, rng = disassembler(path, "gfx1100"), random.Random(11)
    known = [
        one
        for name, one in tables("gfx1100").formats.items()
        if one.encoding and "ENCODING" in one.fields and name not in LEFT_OUT
    ]
    wrong, same = [], 0
    for number in range(WORDS):
        data = draw(rng, known[number % len(known)])
        try:
            inst, size = decode("gfx1100", data)
        except EncodingError:
            continue
        found, shown = theirs(data)
        if found and (size, text(inst)) == (found, shown):
            same += 1
        elif found and not any(re.search(pattern, text(inst) + shown) for pattern, _ in KNOWN):
            wrong.append(f"{data[:size].hex()}: {shown!r}, not {text(inst)!r}")
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"
    assert same > WORDS // 10, same
