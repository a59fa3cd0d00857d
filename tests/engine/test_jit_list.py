"""Ways in which captured steps go wrong in silence: each row is right here, or an error that says why.

A row of table_jit.py runs twice on each device, with a `jit` that does nothing and with bg.jit. What the
second yields must be what the first does, up to the end ("right") or up to a JitError ("error"). docs/jit.md
lists the rows.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad.base.errors import JitError
from tests.engine.table_jit import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "jit.md"


def outcome_of(scenario):
    """What a scenario sees eagerly and captured, and the error it ends with."""
    expected = list(scenario(lambda function: function))
    found, error = [], None
    try:
        for value in scenario(bg.jit):
            found.append(value)
    except JitError as caught:
        error = caught
    return expected, found, error


def close(one, other):
    """Equal, floats to the last bits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-7)
    return one == other


SLOW = ("random numbers", "optimiser state", "learning rate", "momentum", "train and eval")
PAIRS = [
    pytest.param(device, *row, marks=pytest.mark.slow if slow else (), id=f"{row[0]}-{device}")
    for device in ("reference", "cpu")
    for row in ROWS
    for slow in [device == "cpu" and (row[1] == "error" or row[0] in SLOW)]  # what is refused runs no kernel
]


@pytest.mark.parametrize("device, name, outcome, sentence, scenario", PAIRS)
def test_row(device, name, outcome, sentence, scenario):
    with bg.override(device=device):
        expected, found, error = outcome_of(scenario)
    assert close(found, expected[: len(found)]), (found, expected)
    if outcome == "right":
        assert error is None, error
        assert len(found) == len(expected)
    else:
        assert error is not None, "it was to be refused"
        assert error.why
        assert error.mend
    assert Tensor([1.0]).item() == 1.0, "no capture is open"
    assert sys.getprofile() is None


HEAD = """# What a captured step may do

`bg.jit` runs a step as it is, captures it at the second call, and replays it from the third on: no Python
runs then. What a replay could not see is looked for, and is an error instead of an old number. Each row is a
test: `tests/engine/test_jit_list.py` compares captured programs with the same ones run eagerly. It makes this
page: `python -m tests.engine.test_jit_list`.

| what happens | it is | row |
|---|---|---|
"""
TAIL = """
Not looked for: what a step asks of C extensions, of other processes, of the network. Files that it writes and
text that it prints come once, at the capture. Arrays of numpy that the step reaches are compared at each
replay, up to 16 MiB; larger ones are refused unless nobody can write to them (`array.setflags(write=False)`).
What is installed in site-packages counts as a library: the globals of its functions are not looked at. While
a profiler runs, clocks and files are not seen.
"""


def page():
    """The page that lists the rows."""
    return HEAD + "".join(f"| {row[2]} | {row[1]} | {row[0]} |\n" for row in ROWS) + TAIL


def test_the_page_lists_the_rows():
    assert len(ROWS) >= 25
    assert PAGE.read_text() == page(), "python -m tests.engine.test_jit_list"


if __name__ == "__main__":
    PAGE.write_text(page())
