"""Text of single instructions and listings. That capstone writes every form alike is in test_forms.py."""

from __future__ import annotations

import pytest

from baregrad.isa import Inst, Label, Mem, Reg, Sub, VReg
from baregrad.isa.x86 import disassemble, encode, form, inst, mem, text

V = VReg(7, "vec", 512)
GATHERED = mem("rdi", "zmm2", 4)
TEXTS = [
    ("plain", inst("add", "rax", 1), "add rax, 1"),
    ("hexadecimal", inst("add", "rax", -100), "add rax, -0x64"),
    ("implicit", inst("idiv", "ecx"), "idiv ecx"),
    ("lock", inst("lock_inc", mem("rdi", bits=32)), "lock inc dword ptr [rdi]"),
    ("address", inst("lea", "rax", mem("rbx", "rcx", 8, -16)), "lea rax, [rbx+rcx*8-0x10]"),
    ("absolute", inst("mov", "eax", mem(disp=64)), "mov eax, dword ptr [0x40]"),
    ("label", inst("jne", Label("loop")), "jne loop"),
    ("pool", inst("vmovss", "xmm0", Mem(label=Label("pool"), disp=4)), "vmovss xmm0, dword ptr [pool+4]"),
    ("mask", inst("vmovups", mem("rdi"), "zmm1", mask="k2"), "vmovups zmmword ptr [rdi] {k2}, zmm1"),
    ("gather", inst("vpgatherdd", "zmm1", GATHERED, mask="k1"), "vpgatherdd zmm1 {k1}, [rdi+zmm2*4]"),
    ("virtual", Inst(form("vaddps", "zmm", "zmm", "zmm"), (V, Reg("vec", 1), V)), "vaddps v7, zmm1, v7"),
    ("part", Inst(form("vaddps", "zmm", "zmm", "zmm"), (V, Sub(V, 1), V)), "vaddps v7, v7[1], v7"),
    ("distance", inst("jmp", 16), "jmp $+0x10"),
]  # fmt: skip


@pytest.mark.parametrize("name, what, expected", TEXTS, ids=[row[0] for row in TEXTS])
def test_text(name, what, expected):
    assert text(what) == expected


def test_listing_shows_targets_and_other_bytes():
    code = encode(inst("dec", "ecx")) + bytes.fromhex("75fc") + b"\x06" + encode(inst("ret"))
    lines = list(disassemble(code, 0x4000))
    assert [line.text for line in lines] == ["dec ecx", "jne 0x4000", "byte 6", "ret"]
    assert [line.address for line in lines] == [0x4000, 0x4002, 0x4004, 0x4005]
    assert b"".join(line.code for line in lines) == code
    assert str(lines[0]).split() == ["4000", "ff", "c9", "dec", "ecx"]
