"""The machine around meanings: launches, workgroups, barriers, and each fault by its name."""

from __future__ import annotations

import struct
from contextlib import nullcontext

import pytest

from baregrad.emu.amd import faults
from baregrad.emu.amd.group import Witness
from baregrad.emu.amd.lanes import SKIP, ZERO, Control, table
from baregrad.emu.amd.launch import emulate
from baregrad.emu.amd.memory import Memory
from baregrad.emu.amd.watch import register, steps, stops
from tests.emu.amd.programs import MEANINGS, launched, program, run

ADDRESS = "s_load_b64 s[4:5], s[0:1], 0x0\n v_lshlrev_b32_e32 v1, 2, v0\n"

FAULTS = [
    ("memory", "v_mov_b32_e32 v1, 0\n global_load_b32 v2, v1, s[8:9]\n s_endpgm", 0),
    ("memory", ADDRESS + "global_store_b32 v1, v0, s[4:5] offset:4\n s_endpgm", 31),
    ("alignment", ADDRESS + "global_atomic_add_u32 v1, v0, s[4:5] offset:2\n s_endpgm", 0),
    ("lds", "v_lshlrev_b32_e32 v1, 2, v0\n ds_store_b32 v1, v0\n s_endpgm", 16),
    ("budget", ".Lagain:\n s_branch .Lagain", -1),
    ("bad_opcode", ".long 0xFFFFFFFF", -1),
    ("bad_opcode", "v_sub_f32_e32 v1, v1, v2", -1),
    ("fetch", "s_branch 30000", -1),
    ("bad_opcode", "s_branch 50", -1),
    ("bad_opcode", "s_mov_b32 s5, 0", -1),
    ("trap", "s_trap 2", -1),
]


@pytest.mark.parametrize("kind, body, lane", FAULTS)
def test_each_fault_has_a_name_and_a_place(kind: str, body: str, lane: int) -> None:
    memory = Memory(1 << 20)
    args = struct.pack("<Q", memory.put(bytes(128)))
    with pytest.raises(faults.GpuFault) as caught:
        emulate(program(body), "k", (1, 1, 1), (32, 1, 1), args, lds=64, memory=memory, meanings=MEANINGS,
                budget=1000)  # fmt: skip
    assert (caught.value.kind, caught.value.lane) == (kind, lane), caught.value
    assert "wave 0" in caught.value.where
    assert caught.value.why


def test_a_barrier_that_a_part_meets_elsewhere() -> None:
    body = """v_readfirstlane_b32 s6, v0
    s_cmp_eq_u32 s6, 0
    s_cbranch_scc0 .Lother
    s_barrier
    s_endpgm
    .Lother:
    s_barrier
    s_endpgm"""
    with pytest.raises(faults.GpuFault, match="barrier"):
        run(body, block=64)


def test_waves_meet_at_barriers_and_share_lds() -> None:
    # Each lane stores its number, and reads that of the lane which is 32 further.
    body = """s_load_b64 s[4:5], s[0:1], 0x0
    v_lshlrev_b32_e32 v1, 2, v0
    ds_store_b32 v1, v0
    s_barrier
    v_add_nc_u32_e32 v2, 0x80, v1
    v_cmp_gt_u32_e32 vcc_lo, 32, v0
    s_mov_b32 exec_lo, vcc_lo
    ds_load_b32 v3, v2
    global_store_b32 v1, v3, s[4:5]
    s_endpgm"""
    memory = Memory(1 << 20)
    out = memory.put(bytes(128))
    args = struct.pack("<Q", out)
    result = emulate(
        program(body), "k", (2, 1, 1), (64, 1, 1), args, lds=256, memory=memory, meanings=MEANINGS
    )
    assert memory.view(out, 128).cast("I").tolist() == list(range(32, 64))
    assert (result.groups, result.instructions) == (2, 40)


LOADED = "s_load_b64 s[4:5], s[0:1], 0x0\n v_lshlrev_b32_e32 v1, 2, v0\n"
GLOBAL = LOADED + "s_waitcnt lgkmcnt(0)\n global_load_b32 v2, v1, s[4:5]\n global_load_b32 v3, v1, s[4:5]\n"
WAITS = [
    (LOADED + "s_mov_b32 s6, s4", "reads"),
    (LOADED + "s_mov_b32 s4, 0", "writes"),
    (LOADED + "s_waitcnt vmcnt(0)\n s_mov_b32 s6, s4", "reads"),
    (LOADED + "s_waitcnt lgkmcnt(0)\n s_mov_b32 s6, s4", ""),
    (LOADED + "s_load_b32 s8, s[0:1], 0x0\n s_waitcnt lgkmcnt(1)\n s_mov_b32 s6, s4", "reads"),
    (GLOBAL + "s_waitcnt vmcnt(1)\n v_mov_b32_e32 v4, v2", ""),
    (GLOBAL + "s_waitcnt vmcnt(1)\n v_mov_b32_e32 v4, v3", "reads"),
    (GLOBAL + "global_load_b32 v2, v1, s[4:5]", ""),
    (GLOBAL + "global_store_b32 v1, v2, s[4:5]", "reads"),
]


@pytest.mark.parametrize("body, what", WAITS)
def test_missing_waits(body: str, what: str) -> None:
    memory = Memory(1 << 20)
    args = struct.pack("<Q", memory.put(bytes(128)))
    one = program(body + "\n s_endpgm")
    runner = Witness(waits=True)
    expected = pytest.raises(faults.GpuFault, match=f"wait: .* {what} what") if what else nullcontext()
    with expected:
        emulate(one, "k", (1, 1, 1), (32, 1, 1), args, memory=memory, meanings=MEANINGS, runner=runner)


def test_steps_say_what_changed() -> None:
    body = "s_mov_b32 s4, 5\n v_mov_b32_e32 v1, s4\n v_add_f32_e32 v2, 1.0, v1\n s_endpgm"
    events = list(steps(launched(body, block=2)))
    assert [str(event).split("  ")[-1] for event in events[:1]] == ["s[4]: 0x0 -> 0x5"]
    assert [(c.register, c.lane, c.new) for c in events[1].changes] == [
        (register("v1"), 0, 5), (register("v1"), 1, 5),
    ]  # fmt: skip
    assert [stops(event, ["v_add_f32"], ()) for event in events] == [False, False, True, False]
    assert [stops(event, [0], [register("v1")]) for event in events] == [True, True, False, False]


def test_what_a_wave_begins_with() -> None:
    launch = launched("s_endpgm", bytes(64), block=48, scratch=16)
    group = launch.group((3, 0, 0))
    second = group.waves[1]
    assert second.u[126] == 0xFFFF, "half of the second wave is off"
    assert second.u[2] == 3
    assert second.u[0] | second.u[1] << 32 == launch.kernarg
    assert second.u[second.layout.at["VGPR"] + 5] == 37
    assert second.get("SCRATCH_SIZE") == 16
    assert launch.memory.find(second.get("SCRATCH_BASE")) is not None
    launch.release(group)
    assert launch.memory.find(second.get("SCRATCH_BASE")) is None


MOVES = [
    (Control(0x1B), [3, 2, 1, 0, 7]),  # quad_perm:[3,2,1,0]
    (Control(0x101), [1, 2, 3, 4, 5]),
    (Control(0x111), [SKIP, 0, 1, 2, 3]),
    (Control(0x111, bound=True), [ZERO, 0, 1, 2, 3]),
    (Control(0x121), [15, 0, 1, 2, 3]),
    (Control(0x140), [15, 14, 13, 12, 11]),
    (Control(0x141), [7, 6, 5, 4, 3]),
    (Control(0x152), [2, 2, 2, 2, 2]),
    (Control(0x161), [1, 0, 3, 2, 5]),
    (Control(0x161, banks=1), [1, 0, 3, 2, SKIP]),
    (Control(0o76543210, eight=True), [0, 1, 2, 3, 4]),
]


@pytest.mark.parametrize("control, expected", MOVES)
def test_lanes_of_dpp(control: Control, expected: list[int]) -> None:
    assert list(table(control, 0xFFFFFFFF, 32)[:5]) == expected


def test_dpp_leaves_out_lanes_that_are_off() -> None:
    assert table(Control(0xB1), 0b1101, 32)[:4] == (SKIP, 0, 3, 2)
    assert table(Control(0xB1, fetch=True), 0b1101, 32)[:4] == (1, 0, 3, 2)
