"""Bytes of single instructions: known ones, displacements, labels; and operands that are refused."""

from __future__ import annotations

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa import Imm, Inst, Label, Mem, Reg, VReg
from baregrad.isa.x86 import RIP, decode, encode, fixups, form, inst, mem

KNOWN = [  # bytes as in the manual's examples, or as llvm-mc writes them
    ("ret", ("ret",), "c3"),
    ("mov_ri32", ("mov", "eax", 1), "b801000000"),
    ("mov_ri64", ("mov", "r15", 1 << 40), "49bf0000000000010000"),
    ("mov_sext", ("mov", "rax", -1), "48c7c0ffffffff"),
    ("spl_needs_rex", ("mov", "spl", "al"), "408ae0"),
    ("al_needs_none", ("mov", "al", "cl"), "8ac1"),
    ("add_imm8", ("add", "rsp", -8), "4883c4f8"),
    ("add_imm32", ("add", "rsp", 128), "4881c480000000"),
    ("lea_all", ("lea", "rax", mem("rbx", "r9", 8, 16)), "4a8d44cb10"),
    ("lock_xadd", ("lock_xadd", mem("rdi"), "rax"), "f0480fc107"),
    ("endbr64", ("endbr64",), "f30f1efa"),
    ("mfence", ("mfence",), "0faef0"),
    ("xgetbv", ("xgetbv",), "0f01d0"),
    ("rep_movsb", ("rep_movsb",), "f3a4"),
    ("vaddps_short", ("vaddps", "ymm1", "ymm2", "ymm3"), "c5ec58cb"),
    ("vaddps_long", ("vaddps", "ymm1", "ymm2", "ymm11"), "c4c16c58cb"),
    ("vfmadd", ("vfmadd231ps", "ymm0", "ymm1", "ymm2"), "c4e275b8c2"),
    ("vaddps_zmm", ("vaddps", "zmm1", "zmm2", "zmm3"), "62f16c4858cb"),
    ("vaddps_high", ("vaddps", "zmm31", "zmm30", "zmm29"), "62010c4058fd"),
    ("vzeroupper", ("vzeroupper",), "c5f877"),
    ("kmovw", ("kmovw", "k1", "eax"), "c5f892c8"),
]


@pytest.mark.parametrize("name, what, expected", KNOWN, ids=[row[0] for row in KNOWN])
def test_known_bytes(name, what, expected):
    assert encode(inst(*what)).hex() == expected


ADDRESSES = [  # base, index, scale, disp, expected ModRM and what follows, in mov eax, [...]
    ("plain", mem("rax"), "00"),
    ("rsp_needs_sib", mem("rsp"), "0424"),
    ("r12_needs_sib", mem("r12"), "0424"),
    ("rbp_needs_disp", mem("rbp"), "4500"),
    ("r13_needs_disp", mem("r13"), "4500"),
    ("disp8", mem("rax", disp=127), "407f"),
    ("disp8_least", mem("rax", disp=-128), "4080"),
    ("disp32", mem("rax", disp=128), "8080000000"),
    ("index", mem("rax", "rcx", 4), "0488"),
    ("index_rbp", mem("rbp", "rcx", 4), "448d00"),
    ("no_base", mem(None, "rcx", 8, 4), "04cd04000000"),
    ("absolute", mem(disp=0x1000), "042500100000"),
    ("rip", Mem(label=RIP, disp=-4), "05fcffffff"),
]


@pytest.mark.parametrize("name, address, expected", ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_addresses(name, address, expected):
    code = encode(inst("mov", "eax", address)).hex()
    assert code[code.index("8b") + 2 :] == expected


COMPRESSED = [  # instruction, N of disp8*N by the manual's tuple type
    ("full 512", ("vaddps", "zmm1", "zmm2"), 0, 64),
    ("full 256", ("vaddps", "ymm16", "ymm2"), 0, 32),
    ("full 128", ("vaddps", "xmm16", "xmm2"), 0, 16),
    ("full broadcast 32", ("vaddps", "zmm1", "zmm2"), 16, 4),
    ("full broadcast 64", ("vaddpd", "zmm1", "zmm2"), 8, 8),
    ("half", ("vcvtps2pd", "zmm1"), 0, 32),
    ("half broadcast", ("vcvtps2pd", "zmm1"), 8, 4),
    ("half mem", ("vpmovzxbw", "zmm1"), 0, 32),
    ("quarter mem", ("vpmovzxbd", "zmm1"), 0, 16),
    ("eighth mem", ("vpmovzxbq", "zmm1"), 0, 8),
    ("tuple1 scalar 32", ("vaddss", "xmm16", "xmm2"), 0, 4),
    ("tuple1 scalar 64", ("vaddsd", "xmm16", "xmm2"), 0, 8),
    ("tuple1 scalar 8", ("vpbroadcastb", "zmm1"), 0, 1),
    ("tuple1 expand", ("vexpandps", "zmm1"), 0, 4),
    ("tuple4", ("vbroadcastf32x4", "zmm1"), 0, 16),
    ("tuple8", ("vbroadcastf32x8", "zmm1"), 0, 32),
    ("mem128", ("vpslld", "zmm1", "zmm2"), 0, 16),
    ("movddup", ("vmovddup", "xmm16"), 0, 8),
    ("full mem", ("vmovdqu32", "zmm1"), 0, 64),
]


@pytest.mark.parametrize("name, what, lanes, unit", COMPRESSED, ids=[row[0] for row in COMPRESSED])
def test_disp8_is_compressed(name, what, lanes, unit):
    def length(disp):
        return len(encode(inst(*what, mem("rax", disp=disp, broadcast=lanes), evex=True)))

    none = length(0)
    assert [length(unit * n) - none for n in (1, 127, -128)] == [1, 1, 1], "disp8*N should fit"
    assert [length(unit * n) - none for n in (128, -129)] == [4, 4], "out of disp8*N"
    if unit > 1:
        assert length(unit - 1) - none == 4, "no multiple of N"


VADD = form("vaddps", "xmm", "xmm", "xmm")
WIDE = form("vaddps", "zmm", "zmm", "zmm")
STORE = form("vmovups", "m512", "zmm")
GATHER = form("vpgatherdd", "zmm", "vm32z")
X, Z, G = Reg("vec", 1), Reg("vec", 17), Reg("gpr", 1)
AT_RAX = Mem(Reg("gpr", 0))
REFUSED = [
    ("too_few", Inst(VADD, (X, X)), "takes 3 operands"),
    ("virtual", Inst(VADD, (X, X, VReg(1, "vec", 128))), "operand 2"),
    ("wrong_bank", Inst(VADD, (X, X, G)), "operand 2"),
    ("high_in_vex", Inst(VADD, (X, Z, X)), "operand 1"),
    ("mask_in_vex", Inst(VADD, (X, X, X), Reg("mask", 1)), "EVEX"),
    ("k0_as_mask", Inst(WIDE, (Z, Z, Z), Reg("mask", 0)), "k1-k7"),
    ("memory_first", Inst(WIDE, (AT_RAX, Z, Z)), "operand 0"),
    ("wrong_broadcast", Inst(WIDE, (Z, Z, Mem(Reg("gpr", 0), broadcast=8))), "broadcasts to 16"),
    ("broadcast_in_vex", Inst(VADD, (X, X, Mem(Reg("gpr", 0), broadcast=4))), "EVEX"),
    ("zeroed_store", Inst(STORE, (AT_RAX, Z), Reg("mask", 1), True), "cannot zero"),
    ("gather_without_mask", Inst(GATHER, (Z, Mem(G, X))), "needs a mask"),
    ("gather_without_index", Inst(GATHER, (Z, Mem(G)), Reg("mask", 1)), "index"),
    ("rsp_index", Inst(VADD, (X, X, Mem(G, Reg("gpr", 4)))), "index"),
    ("scale", Inst(VADD, (X, X, Mem(G, G, 3))), "times 1, 2, 4 or 8"),
    ("far_disp", Inst(VADD, (X, X, Mem(G, None, 1, 1 << 31))), "32 bits"),
    ("virtual_base", Inst(VADD, (X, X, Mem(VReg(3, "gpr")))), "physical"),
    ("imm8", Inst(form("add", "r32", "imm8"), (G, Imm(128))), "-128..127"),
    ("fixed", Inst(form("shl", "r32", "cl"), (G, Reg("gpr", 2))), "must be"),
    ("label_as_imm", Inst(form("add", "r32", "imm8"), (G, Label("x"))), "immediate"),
]


@pytest.mark.parametrize("name, wrong, message", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, wrong, message):
    with pytest.raises(EncodingError) as caught:
        encode(wrong)
    assert message in str(caught.value)
    assert f"the form is: {wrong.form.name}" in str(caught.value), "the mend names the operand list"


def test_vex_gather_refuses_high_index():
    gather = form("vpgatherdd", "xmm", "vm32x", "xmm")
    with pytest.raises(EncodingError, match="16-31"):
        encode(Inst(gather, (X, Mem(G, Reg("vec", 18)), Reg("vec", 3))))


def test_branches_reach_their_labels():
    near = Inst(form("jmp", "rel8"), (Label("there"),))
    assert encode(near, at=100, labels={"there": 100 + 2 + 127}).hex() == "eb7f"
    assert encode(near, at=100, labels={"there": 100 + 2 - 128}).hex() == "eb80"
    for target in (100 + 2 + 128, 100 + 2 - 129):
        with pytest.raises(EncodingError, match="bytes away"):
            encode(near, at=100, labels={"there": target})
    with pytest.raises(EncodingError, match="bytes away"):
        encode(inst("jne", Label("there")), at=0, labels={"there": 6 + (1 << 31)})
    with pytest.raises(EncodingError, match="no label"):
        encode(near, at=0, labels={})


def test_fixups_say_where_the_fields_are():
    assert fixups(inst("call", Label("f")))[0] == (1, 4, Label("f"), 0, 5)
    loaded = inst("vshufps", "zmm1", "zmm2", Mem(label=Label("pool"), disp=8), 3)
    code = encode(loaded)
    ((offset, size, label, addend, end),) = fixups(loaded)
    assert (offset, size, label, addend, end) == (len(code) - 5, 4, Label("pool"), 8, len(code))
    filled = encode(loaded, at=0x100, labels={"pool": 0x200})
    got, _ = decode(filled)
    assert got.operands[2] == Mem(label=RIP, disp=0x208 - 0x100 - len(code))
    blended = inst("vblendvps", "xmm1", "xmm2", Mem(label=Label("pool")), "xmm4")
    assert fixups(blended)[0].offset == len(encode(blended)) - 5


CUT = [("nothing", ""), ("prefix", "66"), ("modrm", "48 8b"), ("disp", "8b 80 00"), ("imm", "b8 00 00")]


@pytest.mark.parametrize("name, code", CUT, ids=[row[0] for row in CUT])
def test_cut_off_bytes_are_refused(name, code):
    with pytest.raises(EncodingError, match="no instruction"):
        decode(bytes.fromhex(code))
