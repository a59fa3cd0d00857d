"""Blocks with one function for all their instructions leave the state that these leave one by one."""

from __future__ import annotations

import random

import pytest

from baregrad.emu.amd import layout
from baregrad.engine.emulate import Memory, Native, Templates, Waves
from baregrad.engine.emulate.fast import Stopped
from baregrad.engine.emulate.hot import Heat
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.inst import encode
from baregrad.isa.amd.meaning import key_of, meaning_of
from baregrad.runtime import open_device
from tests.engine.emulate.test_native import LOOP, no_step

AT_ONCE, LATER = Heat(1, 1), Heat(3, 7)

HALVES = """
v_mul_f32 v4, v1, v2
v_lshrrev_b32 v5, 16, v4
v_cndmask_b16 v6.h, v5.l, 0x7fc0, s0
v_cndmask_b16 v6.l, v4.h, v5.l, s0
v_mad_u32_u24 v7, 15, 2.0, v6
v_fma_f32 v4, v4, v7, v1
s_add_u32 s0, s0, s1
s_addc_u32 s2, s2, s3
v_cndmask_b32_e64 v8, v7, v4, s0
v_mov_b32 v9, s2
s_endpgm
"""
WIDE = """
v_lshlrev_b64 v[2:3], 3, v[0:1]
v_add_co_u32_e64 v4, vcc, v2, v0
v_addc_co_u32_e64 v5, vcc, v3, v1, vcc
v_fma_f64 v[6:7], v[2:3], v[4:5], v[0:1]
v_perm_b32 v8, v4, v5, v2
v_perm_b32 v9, v8, v5, v2
v_max_f32_e32 v0, v8, v9
s_not_b64 s[2:3], s[2:3]
v_cndmask_b32_e64 v1, v8, v9, s[2:3]
s_endpgm
"""
PROGRAMS = {"loop": ("gfx1100", LOOP), "halves": ("gfx1100", HALVES), "wide": ("gfx950", WIDE)}


def ended(chip: str, text: str, heat: Heat | None, budget: int = 1000) -> tuple[list[int], int, int]:
    """The state after a program, what is left of the budget, how many blocks got a function."""
    arch, lanes = ("rdna3", 32) if chip == "gfx1100" else ("cdna4", 64)
    where, device, rng = layout(arch, lanes), open_device("cpu"), random.Random(chip)
    code = b"".join(encode(parse(chip, line)) for line in text.split("\n") if line.strip())
    templates = Templates(device, where, meaning_of, key_of)
    native = Native(device, templates, arch, code, 0x1000, [0], Memory(), heat=heat)
    waves = Waves(where, 1)
    state, first = waves.state(0), where.at["VGPR"]
    for cell in (*range(108), *range(first, first + 10 * lanes)):
        state[cell] = rng.getrandbits(30)
    state[4], state[5], state[126] = 0, 20, 0x0FFFF0F5
    state[127] = 0x80000001 if lanes == 64 else 0
    try:
        left = waves.run(native, 0, 1, budget, no_step)
    except Stopped as stopped:
        assert waves.places(native, 1) == [0], "before the loop's stretch"
        left = stopped.left
    assert not [why for why in templates.refused.values() if why.startswith("block")]
    return list(state), left, native.together


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_block_is_its_instructions(name: str) -> None:
    state, left, none = ended(*PROGRAMS[name], None)
    together, same, count = ended(*PROGRAMS[name], AT_ONCE)
    assert (together, same) == (state, left)
    assert (none, count) == (0, 1)


def test_a_block_gets_its_function_while_it_runs_and_the_budget_counts_as_before() -> None:
    for budget in (1000, 57):
        state, left, _ = ended("gfx1100", LOOP, None, budget)
        assert ended("gfx1100", LOOP, LATER, budget) == (state, left, 1)
