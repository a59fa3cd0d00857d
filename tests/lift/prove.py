"""The proofs of instruction selection: what a row's instructions mean is what its op means.

    python -m tests.lift.prove            every row; tells what is open
    python -m tests.lift.prove --write    and store what was proven, with a digest of each row, in proven.json

A claim (rows.py) is proven by z3; a row with a claim on which z3 gives up within the cap is tested on values,
at ten thousand points a claim. A row's digest is of its lines, its condition, and the meanings of all
instructions in them: when one changes, the row is to be proven anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from baregrad.isa.x86.meanings import meant
from baregrad.isa.x86.table_meaning import FUNCTIONS
from baregrad.render.x86.rows import Row, expand, names
from baregrad.render.x86.selector import ROWS
from tests.lift.rows import claims, compared, key
from tests.lift.smt import prove
from tests.lift.values import difference

STORED = Path(__file__).with_name("proven.json")
CAP_MS = 20_000
POINTS = 10_000


def instructions(row: Row) -> set[str]:
    """The names of the instructions that a row emits."""
    found = set()
    for wide in (True, False) if row.wide is None else (row.wide,):
        for dtype in row.dtypes:
            for shape in row.shape:
                lines = expand(row.lines, names(dtype, shape == "v", wide)).split("\n")
                found |= {line.split()[0] for line in lines if line.strip()}
    return found


def digest(row: Row) -> str:
    """What a row's proof rests on."""
    meanings = {
        name: [(line.when, line.text) for line in meant().get(name, ())] for name in sorted(instructions(row))
    }
    whole = [key(row), row.lines, meanings, sorted(FUNCTIONS.items()), row.op.doc]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]


def check(row: Row, cap: int, points: int) -> tuple[dict[str, Any], str]:
    """What is known of a row after trying, and what is wrong with it."""
    total = proven = 0
    open_ = []
    for claim in claims(row):
        made, meaning = compared(claim)
        total += 1
        answer = prove(made, meaning, claim.traps, cap // 20 if open_ else cap)
        if answer == "unknown":
            open_.append((made, meaning, claim.traps))
        elif answer:
            return {}, f"{claim.name}: {answer}"
        else:
            proven += 1
    for made, meaning, traps in open_:
        wrong = difference(made, meaning, traps, points)
        if wrong:
            return {}, f"{key(row)}: {wrong}"
    how = "proven" if proven == total else "tested"
    return {"digest": digest(row), "how": how, "claims": total, "proven": proven}, ""


def main() -> int:
    """Prove all rows."""
    stored, failed = {}, 0
    for row in ROWS:
        found, wrong = check(row, CAP_MS, POINTS)
        if wrong:
            failed += 1
            print("WRONG", wrong)
            continue
        stored[key(row)] = found
        if found["how"] != "proven":
            print(
                f"{key(row)}: {found['proven']} of {found['claims']} claims proven, the rest tested",
                flush=True,
            )
    count = sum(entry["how"] == "proven" for entry in stored.values())
    tested = len(stored) - count
    print(f"{len(ROWS)} rows: {count} proven, {tested} tested on {POINTS} points a claim, {failed} wrong")
    if "--write" in sys.argv and not failed:
        lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(stored[name])}" for name in sorted(stored))
        STORED.write_text(f"{{\n{lines}\n}}\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
