"""Programs of a few instructions as native code: loops, masks, ends, what is left to a witness."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from baregrad.base.errors import Fault
from baregrad.emu.amd import STOPS, layout
from baregrad.engine.emulate import Memory, Native, Templates, Waves
from baregrad.isa.amd.assembler import parse as parse_line
from baregrad.isa.amd.inst import Inst, encode
from baregrad.isa.meaning import Tree, parse
from baregrad.runtime import open_device

LAYOUT = layout("rdna3", 32)

THREE = {"D0": 32, "S0": 32, "S1": 32}
MEANINGS: dict[str, tuple[str, str, dict[str, int]]] = {
    "V_ADD_F32": ("lane", "D0 = (S0.f32 + S1.f32).u32", THREE),
    "V_ADD_NC_U32": ("lane", "D0 = S0 + S1", THREE),
    "V_CMP_LT_U32": ("lane", "D0 = S0 < S1", {**THREE, "D0": 1}),
    "V_CNDMASK_B32": ("lane", "D0 = S2 ? S1 : S0", {**THREE, "S2": 1}),
    "S_ADD_I32": ("scalar", "D0 = S0 + S1", THREE),
    "S_MOV_B32": ("scalar", "D0 = S0", {"D0": 32, "S0": 32}),
    "S_CMP_LT_I32": ("scalar", "SCC = S0.i < S1.i", {"S0": 32, "S1": 32, "SCC": 1}),
}


class Given(NamedTuple):
    """A meaning."""

    tree: Tree
    scope: str
    variables: dict[str, int]


def meaning(inst: Inst) -> Given | None:
    """Those above."""
    found = MEANINGS.get(inst.form.entry.name)
    return None if found is None else Given(parse(found[1], found[2]), found[0], found[2])


def native(text: str) -> Native:
    """Lines of assembly; a branch says its distance in words."""
    code = b"".join(encode(parse_line("gfx1100", line)) for line in text.split("\n") if line.strip())
    device = open_device("cpu")
    templates = Templates(device, LAYOUT, meaning, lambda inst: inst.form.name)
    return Native(device, templates, "rdna3", code, 0x1000, [0], Memory())


def no_step(wave: int) -> None:
    """Nothing is left to a witness."""
    raise AssertionError(f"wave {wave} came to the witness")


LOOP = """
v_add_nc_u32 v1, s4, v1
v_cmp_lt_u32_e64 s6, v1, v2
v_cndmask_b32_e64 v3, 7, v1, s6
s_add_i32 s4, s4, 1
s_cmp_lt_i32 s4, s5
s_cbranch_scc1 0xfff8
s_endpgm
"""


def test_a_loop_under_exec() -> None:
    waves = Waves(LAYOUT, 1)
    state, first = waves.state(0), LAYOUT.at["VGPR"]
    state[5], state[126] = 10, 0x0FFFFFF0
    for lane in range(32):
        state[first + 32 + lane], state[first + 64 + lane] = lane, 60
        state[first + 96 + lane] = 99
    assert waves.run(native(LOOP), 0, 1, 1000, no_step) == 1000 - 10 * 6 - 1
    assert state[4] == 10
    for lane in range(32):
        on = 4 <= lane < 28
        total = lane + (45 if on else 0)
        wanted = (total if total < 60 else 7) if on else 99
        assert (state[first + 32 + lane], state[first + 96 + lane]) == (total, wanted), f"lane {lane}"
    assert state[6] == sum(1 << lane for lane in range(4, 15))


def test_waves_take_turns_at_a_barrier_and_a_witness_does_what_has_no_template() -> None:
    waves = Waves(LAYOUT, 3)
    for wave in range(3):
        waves.state(wave)[5] = 10 * wave
    seen = []

    def step(wave: int) -> None:
        state = waves.state(wave)
        seen.append((wave, state[LAYOUT.at["PC"]]))
        assert STOPS[state[LAYOUT.at["STOP"]]] == "running"
        state[7] = state[5] * 2
        state[LAYOUT.at["PC"]] += 4

    text = "s_add_i32 s5, s5, 1\ns_barrier\ns_mul_i32 s7, s5, 2\ns_mov_b32 s8, s7\ns_endpgm"
    left = waves.run(native(text), 0, 3, 100, step)
    assert seen == [(wave, 0x1008) for wave in range(3)]
    assert [waves.state(wave)[8] for wave in range(3)] == [2, 22, 42]
    assert left == 100 - 3 * 5


def test_an_endless_loop_uses_up_its_budget() -> None:
    with pytest.raises(Fault, match="budget"):
        Waves(LAYOUT, 1).run(native("s_branch 0xffff"), 0, 1, 10_000, no_step)
