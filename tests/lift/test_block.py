"""Instructions in a row as one kernel: registers are read once and stored once; what cannot be is refused."""

from __future__ import annotations

import pytest

from baregrad.base.errors import CompileError
from baregrad.ir import ops
from baregrad.isa.meaning import parse
from baregrad.lift.amd import Place
from baregrad.lift.block import Step, block

CELLS = {"SCC": 1, "STOP": 2, "VCC": 106, "EXEC": 126, "SINK": 200}
THREE = {"D0": 32, "S0": 32, "S1": 32}


def step(scope: str, text: str, variables: dict[str, int], **cells: int) -> Step:
    """An instruction whose registers are at cells: those from 1000 up are of lanes."""
    places = []
    for name, bits in variables.items():
        kind = "vector" if cells[name] >= 1000 else "mask" if bits == 1 and scope == "lane" else "scalar"
        places.append(Place(name, kind, bits, -1, cells[name]))
    return Step(parse(text, variables), scope, tuple(places), {}, frozenset(("D0",)))


def test_what_is_written_over_vanishes() -> None:
    made = block(
        "two",
        [
            step("lane", "D0 = S0 + S1", THREE, D0=1000, S0=1032, S1=1064),
            step("lane", "D0 = S0 * S1", THREE, D0=1000, S0=1000, S1=1032),
            step("scalar", "D0 = S0 + S1", THREE, D0=4, S0=4, S1=5),
            step("lane", "D0 = S0 ^ S1", THREE, D0=1096, S0=1000, S1=4),
        ],
        CELLS,
        32,
    )
    nodes = made.toposort()
    stores = [node for node in nodes if node.op is ops.STORE]
    loads = [node for node in nodes if node.op is ops.LOAD]
    assert len(stores) == 4  # v0, v3, s4, and the one that keeps stores behind loads
    assert len(loads) == 5  # v1, v2, s4, s5, EXEC


def test_a_mask_is_no_number() -> None:
    compared = step("lane", "D0 = S0 < S1", {**THREE, "D0": 1}, D0=6, S0=1000, S1=1032)
    added = step("scalar", "D0 = S0 + S1", THREE, D0=4, S0=6, S1=5)
    with pytest.raises(CompileError, match="a mask that is read as a number"):
        block("two", [compared, added], CELLS, 32)
