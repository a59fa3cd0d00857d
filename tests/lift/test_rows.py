"""The selection rows against the meanings of the instructions that they emit: what is stored is about the
rows as they are, some are proven and tested again, and a wrong row is found by both.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from baregrad import dtype as dt
from baregrad.ir import ops
from baregrad.isa.x86 import FORMS
from baregrad.isa.x86.meanings import meant
from baregrad.render.x86 import lanes
from baregrad.render.x86.rows import Row
from tests.lift.prove import POINTS, STORED, check, digest, instructions
from tests.lift.rows import ROWS, claims, compared, key
from tests.lift.smt import prove
from tests.lift.values import difference

PARTS = 10
SAMPLE = ROWS[3::23]


@cache
def stored() -> dict[str, dict[str, object]]:
    return json.loads(STORED.read_text())  # type: ignore[no-any-return]  # what it holds is tested here


def test_every_row_was_proven_or_tested_as_it_is() -> None:
    names = [key(row) for row in ROWS]
    assert len(set(names)) == len(names), "two rows have one name"
    old = {
        name
        for row, name in zip(ROWS, names, strict=True)
        if stored().get(name, {}).get("digest") != digest(row)
    }
    assert not old, f"prove them: python -m tests.lift.prove --write; {sorted(old)}"
    assert {entry["how"] for entry in stored().values()} <= {"proven", "tested"}
    assert set(stored()) <= set(names), "rows that are gone"


def test_every_instruction_that_selection_names_has_a_meaning() -> None:
    """Those of the rows, and those that the code beside them names."""
    named = set().union(*map(instructions, ROWS))
    for path in Path(lanes.__file__).parent.glob("*.py"):
        words = re.findall(r'"([a-z0-9_]+)[" ]', path.read_text())
        named |= {word for word in words if word in FORMS}
    assert len(named) > 200
    assert {name for name in named if name not in meant()} == {"ret"}


@pytest.mark.parametrize("row", SAMPLE, ids=map(key, SAMPLE))
def test_a_sample_again(row: Row) -> None:
    for claim in islice(claims(row), 2):
        made, meant = compared(claim)
        assert prove(made, meant, claim.traps, 100) in ("", "unknown"), claim.name
        assert difference(made, meant, claim.traps, 200) == "", claim.name


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_all_rows_again(part: int) -> None:
    """Values for every claim; the solver where it had an answer."""
    for row in ROWS[part::PARTS]:
        known = stored()[key(row)]
        cap = 20_000 if known["how"] == "proven" else 100
        found, wrong = check(row, cap, POINTS)
        assert not wrong
        assert found == known or cap == 100
        for claim in claims(row):
            assert difference(*compared(claim), claim.traps, 1000) == ""


# op, dtypes, shape, lines that are wrong, and for which target
WRONG = [
    ("the other order", ops.SUB, (dt.int32,), "v", "vpsubd d, b, a", None),
    ("no mask of the count", ops.SHL, (dt.int32,), "s", "shlx d, a, b", None),
    ("the wrong NaN", ops.MAX, (dt.float32,), "v", "vmaxps d, a, b", None),
    ("the sign of zero", ops.NEG, (dt.float32,), "v", "vsubps d, =f32:0.0, a", None),
    ("rounded elsewhere", ops.FLOOR, (dt.float32,), "s", "vrndscaless d, a, a, #11", True),
    ("no carry between halves", ops.ADD, (dt.int64,), "v", "vpaddd d, a, b", None),
    ("lanes that are off", ops.SELECT, (dt.int32,), "v", "vpblendmd d{a}, b, c", True),
    ("what is above 32 bits", ops.CMPEQ, (dt.int32,), "s", "cmp a.64, b.64; sete t.8; movzx d, t.8", None),
    ("it traps", ops.IDIV, (dt.uint32,), "s", "mov q, a; mov r, #0; div q, r, b; mov d, q", None),
]  # fmt: skip


@pytest.mark.parametrize("why, op, dtypes, shape, lines, wide", WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_row_is_found(why, op, dtypes, shape, lines, wide):
    claim = next(claims(Row(op, dtypes, shape, lines, wide)))
    made, meant = compared(claim)
    assert prove(made, meant, claim.traps, 2000) not in ("", "unknown"), why
    assert difference(made, meant, claim.traps, 500), why
