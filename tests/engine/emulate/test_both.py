"""Both modes side by side: kernels agree after each block, and what does not is found and named."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from baregrad.engine.emulate import Both, Difference, Native, runner
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.meaning import key_of, meaning_of
from baregrad.isa.meaning import parse
from baregrad.runtime import open_device
from tests.emu.amd.faulty import OUT, RDNA
from tests.emu.amd.faulty import run as run_body
from tests.emu.amd.references import LAUNCHES
from tests.emu.amd.test_kernels import ALL, run

QUICK = [("add", "gfx950"), ("scan", "gfx950")]
ADDS = """v_mov_b32_e32 v3, 5
s_mov_b32 s6, 3
.Lagain:
v_add_nc_u32_e32 v3, v3, v1
s_sub_u32 s6, s6, 1
s_cmp_lg_u32 s6, 0
s_cbranch_scc1 .Lagain
global_store_b32 v1, v3, s[4:5]"""
LOADS = "global_load_b32 v3, v1, s[4:5]\n ds_store_b32 v1, v3\n s_barrier\n v_mov_b32_e32 v4, 1"


def both(*, single: bool = False) -> Both:
    return Both(open_device("cpu"), single=single)


def plant(monkeypatch: pytest.MonkeyPatch, name: str, body: str) -> None:
    """Native code has another meaning for an instruction."""

    def wrong(inst: Inst) -> object:
        found = meaning_of(inst)
        if found is None or inst.form.entry.name != name:
            return found
        variables = found.variables | ({"laneId": 32} if "laneId" in body else {})
        return found._replace(tree=parse(body, variables), variables=variables)

    def key(inst: Inst) -> Hashable:
        return key_of(inst) if inst.form.entry.name != name else (key_of(inst), body)

    monkeypatch.setattr(runner, "meaning_of", wrong)
    monkeypatch.setattr(runner, "key_of", key)


@pytest.mark.parametrize("name, chip", QUICK)
def test_a_kernel(name: str, chip: str) -> None:
    checked = both()
    run(name, chip, LAUNCHES[name](), checked)
    assert checked.blocks >= 8
    assert checked.alone == 0


@pytest.mark.slow
@pytest.mark.parametrize("name, chip", ALL)
def test_all_kernels(name: str, chip: str) -> None:
    checked = both()
    run(name, chip, LAUNCHES[name](), checked)
    assert checked.alone == 0


def test_a_wrong_template_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "V_ADD_NC_U32", "D0 = S0 + S1 + u32(laneId == 9)")
    with pytest.raises(Difference) as caught:
        run_body(ADDS, RDNA, runner=both())
    found = caught.value
    assert (found.place, found.lane, found.native, found.witness) == ("v3", 9, 42, 41)
    assert (found.group, found.wave, found.pc) == ((0, 0, 0), 0, 0x14)
    assert any("v_add_nc_u32" in line for line in found.lines)
    assert "v3 lane 9 is 0x2a natively, 0x29 by the witness" in str(found)
    with pytest.raises(Difference) as caught:
        run_body(ADDS, RDNA, runner=both(single=True))
    assert [line.split()[1] for line in caught.value.lines] == ["v_add_nc_u32_e32"]


WRONG = {
    "memory": ("GLOBAL_STORE_B32", "store(u64(ADDR) + SADDR, DATA ^ 1)", f"the memory at {OUT:#x} (0 bytes"),
    "LDS": ("DS_STORE_B32", "store(u64(ADDR), DATA0 ^ 1, lds)", "LDS byte 0x0"),
    "scalar": ("S_SUB_U32", "D0 = S0 - S1 + 1", "s6"),
    "flag": ("S_CMP_LG_U32", "SCC = S0 == S1", "SCC"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_difference_elsewhere(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    entry, body, place = WRONG[name]
    plant(monkeypatch, entry, body)
    with pytest.raises(Difference) as caught:
        run_body(LOADS if name == "LDS" else ADDS, RDNA, lds=128, runner=both())
    assert caught.value.place.startswith(place)


def test_a_wrong_branch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    item = Native.item

    def turned(self: Native, one: object, memory: object) -> object:
        found = item(self, one, memory)  # type: ignore[arg-type]
        return found._replace(condition="scc0") if found.condition else found

    monkeypatch.setattr(Native, "item", turned)
    with pytest.raises(Difference, match=r"the place in the code is 0x2[0-9a-f] natively") as caught:
        run_body(ADDS, RDNA, runner=both())
    assert caught.value.lines[-1].split()[1] == "s_cbranch_scc1"
