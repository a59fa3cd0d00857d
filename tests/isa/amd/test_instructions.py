"""Instructions as objects: written in Python, as text and as bytes, all four ways; what is refused."""

from __future__ import annotations

import random

import pytest

from baregrad.base.errors import EncodingError
from baregrad.isa.amd import dsl
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.dsl import gfx950, gfx1100, s, v
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.immediates import SYNTAX
from baregrad.isa.amd.inst import Inst, encode
from baregrad.isa.amd.layout import width
from baregrad.isa.amd.operands import Reg, family, table
from baregrad.isa.amd.text import text

# (object, text, bytes): the bytes are LLVM's
CASES = (
    (gfx1100.v_add_f32_e32(v[1], v[2], v[3]), "v_add_f32_e32 v1, v2, v3", "02070206"),
    (gfx1100.s_branch(-2), "s_branch 65534", "feffa0bf"),
    (
        gfx950.s_waitcnt(0xC07F),
        "s_waitcnt lgkmcnt(0)",
        "7fc08cbf",
    ),
)


@pytest.mark.parametrize("inst, line, code", CASES, ids=[line for _, line, _ in CASES])
def test_all_ways_lead_to_the_same(inst: Inst, line: str, code: str) -> None:
    arch = inst.form.arch
    assert encode(inst).hex() == code
    assert parse(arch, line) == inst
    assert decode(arch, bytes.fromhex(code)) == (inst, len(code) // 2)
    assert eval(repr(inst), vars(dsl)) == inst


def test_an_instruction_knows_what_it_reads_and_writes() -> None:
    inst = gfx1100.v_add_f32(v[1], v[2], -abs(v[3]), clamp=True)
    assert (inst.format, inst.opcode, inst.writes) == ("VOP3", 259, (Reg("v", 1),))
    assert inst.reads == (Reg("v", 2), Reg("v", 3), Reg("exec_lo"), Reg("mode"))
    assert Reg("scc") in gfx1100.s_add_u32(s[0], s[1], 5).writes


def test_a_wrong_operand_is_refused_with_the_forms() -> None:
    with pytest.raises(EncodingError, match=r"v_add_f32_e32 d0: vgpr of 32 bits"):
        gfx1100.v_add_f32(s[1], v[2], v[3])
    with pytest.raises(EncodingError, match="no instruction"):
        gfx950.v_add_nc_u32(v[1], v[2], v[3])
    with pytest.raises(EncodingError, match="does not fit"):
        gfx1100.ds_load_b32(v[1], v[2], offset=1 << 16)


@pytest.mark.parametrize("arch", ["gfx1100", "gfx950"])
def test_every_code_of_a_field_has_a_row(arch: str) -> None:
    for form in forms(arch):
        for slot in form.slots:
            if slot.kind not in SYNTAX and slot.kind not in ("fixed", "literal"):
                rows = table(family(form.arch), slot.kind, slot.registers)
                assert len(rows) >= 1 << width(slot.where), f"{form.name} {slot.role} {slot.kind}"


@pytest.mark.parametrize("arch", ["gfx1100", "gfx950"])
def test_random_bytes_never_crash_the_decoder(arch: str) -> None:
    rng = random.Random(11)
    known = 0
    for _ in range(2000):
        data = rng.randbytes(rng.randrange(21))
        try:
            inst, size = decode(arch, data)
        except EncodingError:
            continue
        known += 1
        assert encode(inst) == data[:size]
        assert text(inst)
    assert known > 500
