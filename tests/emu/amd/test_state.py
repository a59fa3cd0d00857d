"""The layout of a wave's state."""

from __future__ import annotations

import pytest

from baregrad.emu.amd.state import ROWS, layout, new
from baregrad.isa.amd.operands import Reg

PLACES = [
    ("rdna3", 32, Reg("s", 5), "SGPR", 5),
    ("rdna3", 32, Reg("vcc_lo"), "SGPR", 106),
    ("rdna3", 32, Reg("vcc", 0, 2), "SGPR", 106),
    ("rdna3", 32, Reg("m0"), "SGPR", 125),
    ("cdna4", 64, Reg("m0"), "SGPR", 124),
    ("cdna4", 64, Reg("exec", 0, 2), "SGPR", 126),
    ("cdna4", 64, Reg("ttmp", 9), "SGPR", 117),
    ("rdna3", 32, Reg("v", 3), "VGPR", 96),
    ("cdna4", 64, Reg("v", 3), "VGPR", 192),
    ("cdna4", 64, Reg("a", 255), "ACC", 255 * 64),
]


@pytest.mark.parametrize("arch, lanes, register, part, offset", PLACES)
def test_where_registers_lie(arch: str, lanes: int, register: Reg, part: str, offset: int) -> None:
    one = layout(arch, lanes)
    assert one.cell(register) == one.at[part] + offset


def test_parts_do_not_overlap() -> None:
    for arch, lanes in (("rdna3", 32), ("rdna3", 64), ("cdna4", 64)):
        one = layout(arch, lanes)
        end = 0
        for row in ROWS:
            if row.name in one.at:
                assert one.at[row.name] >= end, row.name
                end = one.at[row.name] + one.cells[row.name]
        assert end == one.size
        assert len(new(one)) == 4 * one.size
