"""Two manuals, one meaning: instructions that RDNA3 and CDNA4 share give the same on random operands."""

from __future__ import annotations

import random

import pytest

from baregrad.emu import Memory, Plain
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.meaning import Meaning, explained
from baregrad.isa.meaning import run

# CDNA4's name: RDNA3's
NAMES = {
    "V_ADD_U32": "V_ADD_NC_U32", "V_SUB_U32": "V_SUB_NC_U32", "V_SUBREV_U32": "V_SUBREV_NC_U32",
    "V_ADDC_CO_U32": "V_ADD_CO_CI_U32", "V_SUBB_CO_U32": "V_SUB_CO_CI_U32",
    "V_SUBBREV_CO_U32": "V_SUBREV_CO_CI_U32", "V_CVT_PKRTZ_F16_F32": "V_CVT_PK_RTZ_F16_F32",
    "S_FF1_I32_B32": "S_CTZ_I32_B32", "S_FLBIT_I32_B32": "S_CLZ_I32_U32", "V_ADD_U16": "V_ADD_NC_U16",
    "V_SUB_U16": "V_SUB_NC_U16", "V_CVT_PKNORM_I16_F32": "V_CVT_PK_NORM_I16_F32",
    "V_CVT_FLR_I32_F32": "V_CVT_FLOOR_I32_F32", "S_ANDN2_B32": "S_AND_NOT1_B32",
    "S_ORN2_B64": "S_OR_NOT1_B64", "V_MUL_LEGACY_F32": "V_MUL_DX9_ZERO_F32",
}  # fmt: skip
APART = ("S_GETREG_B32",)  # registers of the chip have other numbers
SPECIAL = {
    16: (0, 0x8000, 0x7C00, 0x3C00, 0x7E00, 1, 0xFFFF),
    32: (0, 1 << 31, 0x7F800000, 0x3F800000, 0x7FC00000, 1, 0xFFFFFFFF),
    64: (0, 1 << 63, 0x7FF << 52, 0x3FF << 52, 0xFFF << 51, 1, (1 << 64) - 1),
}


def meanings(arch):
    """By RDNA3's name and whether it is the long form; without memory and what reaches across lanes."""
    found = {}
    for form in forms(arch, 64):
        entry = form.entry
        if entry.format.startswith(("VOP", "SOP")) and not form.name.endswith(("dpp", "sdwa")):
            one = explained(form)
            if isinstance(one, Meaning) and one.scope != "wave":
                long = "e64" in form.name or entry.format in ("VOP3", "VOP3A")
                found.setdefault((NAMES.get(entry.name, entry.name), long), one)
    return found


def operand(rng, bits):
    """Bits of every kind of number."""
    if bits in SPECIAL and rng.random() < 0.25:
        return rng.choice(SPECIAL[bits])
    return rng.getrandbits(6 if rng.random() < 0.2 else bits) & ((1 << bits) - 1)


def done(one, given):
    world = Plain(Memory())
    world.widths.update(one.variables)
    world.values.update({name: given[name] & ((1 << bits) - 1) for name, bits in one.variables.items()})
    run(one.tree, world)
    return {name: world.values[name] for name in one.variables}


@pytest.mark.slow
def test_manuals_agree():
    rng = random.Random(3)
    first, second = meanings("rdna3"), meanings("cdna4")
    shared = [key for key in first if key in second and key[0] not in APART]
    assert len(shared) > 800
    differ = {}
    for key in shared:
        a, b = first[key].variables, second[key].variables
        for _ in range(40):
            given = {name: operand(rng, max(a.get(name, 1), b.get(name, 1))) for name in sorted({*a, *b})}
            given |= {"MODE": 1 << 9, "laneId": rng.getrandbits(6)}
            left, right = done(first[key], given), done(second[key], given)
            for name in left.keys() & right.keys():
                mask = (1 << min(a[name], b[name])) - 1
                if left[name] & mask != right[name] & mask:
                    differ[key] = (name, hex(left[name]), hex(right[name]), given)
    assert not differ
