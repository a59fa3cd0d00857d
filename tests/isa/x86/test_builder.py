"""Choosing forms by kinds and by operands, and the small assembler."""

from __future__ import annotations

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa import Imm, Label, Reg
from baregrad.isa.x86 import EVEX, FORMS, VEX, assemble, form, forms, inst, mem, signature

CHOSEN = [  # what is written, the form that should be taken
    (("add", "rax", 5), "add r64/m64, imm8"),
    (("add", "rax", 500), "add r64/m64, imm32"),
    (("mov", "rax", 1 << 31), "mov r64, imm64"),
    (("mov", "rax", "rcx"), "mov r64, r64"),
    (("mov", mem("rax"), "cl"), "mov m8, r8"),
    (("shl", "eax", "cl"), "shl r32/m32, cl"),
    (("jmp", Label("x")), "jmp rel32"),
    (("idiv", "ecx"), "idiv {r32}, {r32}, r32/m32"),
    (("imul", "eax", "ecx", 100), "imul r32, r32/m32, imm8"),
    (("vmovss", "xmm1", mem("rdi")), "vmovss xmm, m32"),
    (("vpgatherdd", "zmm1", mem("rdi", "zmm2", 4)), "vpgatherdd zmm, vm32z"),
]


@pytest.mark.parametrize("what, expected", CHOSEN, ids=[row[1] for row in CHOSEN])
def test_inst_chooses(what, expected):
    assert signature(inst(*what).form) == expected


def test_implicit_operands_are_filled():
    assert inst("idiv", "ecx").operands == (Reg("gpr", 0), Reg("gpr", 2), Reg("gpr", 1))


EVEX_WANTED = [
    ("high register", ("vaddps", "xmm16", "xmm1", "xmm2"), {}),
    ("mask", ("vaddps", "xmm1", "xmm1", "xmm2"), {"mask": "k1"}),
    ("broadcast", ("vaddps", "xmm1", "xmm1", mem("rax", broadcast=4)), {}),
    ("asked", ("vaddps", "xmm1", "xmm1", "xmm2"), {"evex": True}),
]


@pytest.mark.parametrize("name, what, more", EVEX_WANTED, ids=[row[0] for row in EVEX_WANTED])
def test_evex_where_it_is_needed(name, what, more):
    assert isinstance(inst(*what, **more).form.encoding, EVEX)


def test_vex_is_first():
    assert isinstance(form("vaddps", "xmm", "xmm", "xmm").encoding, VEX)
    assert isinstance(form("vaddps", "xmm", "xmm", "xmm", evex=True).encoding, EVEX)


REFUSED = [
    ("unknown name", lambda: forms("vaddqs"), "no instruction"),
    ("unknown register", lambda: inst("add", "rax", "foo"), "no register"),
    ("no such kinds", lambda: form("vaddps", "zmm", "xmm", "zmm"), "no forms of vaddps"),
    ("several forms", lambda: form("add"), "forms of add"),
    ("no fit", lambda: inst("add", "rax", "ecx"), "no form of add"),
    ("size unknown", lambda: inst("inc", mem("rax")), "may be of several sizes"),
    ("label twice", lambda: assemble([Label("a"), Label("a")]), "twice"),
    ("label missing", lambda: assemble([inst("jmp", Label("a"))]), "no label"),
]


@pytest.mark.parametrize("name, make, message", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(name, make, message):
    with pytest.raises(EncodingError, match=message):
        make()


def test_size_of_memory_can_be_said():
    assert signature(inst("inc", mem("rax", bits=16)).form) == "inc r16/m16"


def test_assemble_forward_and_back():
    code = assemble(
        [Label("top"), inst("jmp", Label("end")), bytes(7), inst("jmp", Label("top")), Label("end")]
    )
    assert code.hex() == "e90c000000" + bytes(7).hex() + "e9efffffff"


def test_names_without_a_row_are_no_keys():
    assert "vaddqs" not in FORMS
    assert "vaddps" in FORMS


def test_an_imm_is_an_integer():
    assert inst("add", "eax", Imm(3)) == inst("add", "eax", 3)
