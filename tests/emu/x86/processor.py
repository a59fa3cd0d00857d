"""This processor as a witness: an instruction between loads and stores of registers, called through ctypes.

`Trial` is a batch of instructions in one piece of code; `run` calls one of them on a State (of emu/x86) and
gives the State that it leaves. rdi points to a block: general registers, flags, vector registers, masks, then
the memory that instructions may touch. r15 and rdi and rsp are the harness's own.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Sequence
from functools import cache

from baregrad.emu import Memory
from baregrad.emu.x86 import State
from baregrad.isa.form import Inst, Reg
from baregrad.isa.x86 import assemble, encode, inst, mem
from baregrad.isa.x86.meanings import FLAGS

GPRS = (0, 1, 2, 3, 6, 8, 9, 10, 11, 12, 13, 14)  # rsi points into the memory
SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
VECTORS = 20  # registers 0-15 and some that only EVEX reaches
FLAGS_AT, VECTORS_AT, MASKS_AT, MEMORY_AT = 128, 192, 192 + 64 * VECTORS, 256 + 64 * VECTORS
MEMORY_BYTES = 512
BITS = {"CF": 0, "PF": 2, "AF": 4, "ZF": 6, "SF": 7, "OF": 11}
NAMES = {0: "rax", 1: "rcx", 2: "rdx", 3: "rbx", 6: "rsi", 8: "r8", 9: "r9", 10: "r10", 11: "r11", 12: "r12",
         13: "r13", 14: "r14"}  # fmt: skip


@cache
def around(wide: bool) -> tuple[bytes, bytes]:
    """What comes before an instruction, which works on the block that rdi points to, and after it."""
    vectors = VECTORS if wide else 16
    kind = "zmm" if wide else "ymm"
    items: list[Inst | bytes] = [inst("push", name) for name in SAVED]
    for n in range(vectors):
        items.append(inst("vmovups", f"{kind}{n}", mem("rdi", disp=VECTORS_AT + 64 * n)))
    if wide:
        items += [inst("kmovq", f"k{n}", mem("rdi", disp=MASKS_AT + 8 * n)) for n in range(8)]
    items += [inst("push", mem("rdi", disp=FLAGS_AT, bits=64)), b"\x9d"]  # popfq
    before = [*items, *(inst("mov", NAMES[n], mem("rdi", disp=8 * n)) for n in GPRS)]
    items = [b"\x9c", inst("pop", "r15"), inst("mov", mem("rdi", disp=FLAGS_AT), "r15")]  # pushfq
    items += [inst("mov", mem("rdi", disp=8 * n), NAMES[n]) for n in GPRS]
    for n in range(vectors):
        items.append(inst("vmovups", mem("rdi", disp=VECTORS_AT + 64 * n), f"{kind}{n}"))
    if wide:
        items += [inst("kmovq", mem("rdi", disp=MASKS_AT + 8 * n), f"k{n}") for n in range(8)]
    items += [inst("vzeroupper"), *(inst("pop", name) for name in reversed(SAVED)), inst("ret")]
    return assemble(before), assemble(items)


class Trial:
    """Instructions that this processor can do."""

    def __init__(self, instructions: Sequence[Inst], wide: bool) -> None:
        self.wide = wide
        before, after = around(wide)
        pieces = [before + encode(one) + after for one in instructions]
        self.code = mmap.mmap(
            -1, sum(map(len, pieces)) or 1, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        )
        self.entries = []
        for piece in pieces:
            self.entries.append(self.code.tell())
            self.code.write(piece)
        self.begin = ctypes.addressof(ctypes.c_char.from_buffer(self.code))
        self.room = ctypes.create_string_buffer(MEMORY_AT + MEMORY_BYTES + 64)
        self.block_at = -(-ctypes.addressof(self.room) // 64) * 64  # aligned moves want it
        self.memory_at = self.block_at + MEMORY_AT

    def state(self, content: bytes) -> State:
        """A state whose memory is the block's."""
        memory = Memory()
        memory.map(self.memory_at, content)
        return State(memory)

    def run(self, number: int, before: State) -> State:
        """The state after an instruction of the batch."""
        gprs = [before[Reg("gpr", n)] for n in range(16)]
        flags = sum((before.flags[name] or 0) << BITS[name] for name in FLAGS) | 2
        packed = struct.pack("<17Q", *gprs, flags).ljust(VECTORS_AT, b"\0")
        packed += b"".join(before[Reg("vec", n)].to_bytes(64, "little") for n in range(VECTORS))
        packed += b"".join(before[Reg("mask", n)].to_bytes(8, "little") for n in range(8))
        packed = packed.ljust(MEMORY_AT, b"\0") + bytes(before.memory.pieces[0][1])
        ctypes.memmove(self.block_at, packed, len(packed))
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.begin + self.entries[number])
        function(self.block_at)
        raw = ctypes.string_at(self.block_at, MEMORY_AT + MEMORY_BYTES)
        after = self.state(raw[MEMORY_AT:])
        values = struct.unpack_from("<17Q", raw)
        for n in GPRS:
            after[Reg("gpr", n)] = values[n]
        after.flags = {name: values[16] >> BITS[name] & 1 for name in FLAGS}
        for n in range(VECTORS):
            after[Reg("vec", n)] = int.from_bytes(
                raw[VECTORS_AT + 64 * n : VECTORS_AT + 64 * n + 64], "little"
            )
        for n in range(8):
            after[Reg("mask", n)] = int.from_bytes(raw[MASKS_AT + 8 * n : MASKS_AT + 8 * n + 8], "little")
        return after
