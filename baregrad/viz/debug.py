"""What BG_DEBUG shows: 1 kernels, 2 times, 3 the IR after each pass, 4 assembly. base.events calls `show`."""

from __future__ import annotations

import sys
from typing import Any

from baregrad.base import Event
from baregrad.viz.figures import figures, microseconds
from baregrad.viz.listing import assembly


def write(line: str) -> None:
    """The one place where what happened goes to the user while it happens."""
    sys.stdout.write(line + "\n")


def show(event: Event, level: int) -> None:
    """Write an event that the level shows."""
    row = LINES.get(event.kind)
    if row is not None and level >= row[0]:
        write(row[1](event.facts, level))


Facts = dict[str, Any]  # Any: as in Event


def _compiled(facts: Facts, level: int) -> str:
    program = facts["program"]
    line = f"compiled {facts['name']}: {len(program.code)} bytes in {microseconds(facts['seconds'])}"
    return line + ("\n" + assembly(program.code) if level >= 4 else "")


def _cached(facts: Facts, level: int) -> str:
    return f"cached   {facts['name']}: {len(facts['program'].code)} bytes"


def _damaged(facts: Facts, level: int) -> str:
    return f"damaged  {facts['path']}: compiled again"


def _unused(facts: Facts, level: int) -> str:
    return f"unused   {facts['path']}: {facts['why']}"


def _launch(facts: Facts, level: int) -> str:
    ast = facts["compiled"].ast
    rates = "" if ast is None else ", " + figures(ast, facts["variables"]).rates(facts["seconds"])
    return f"ran      {facts['name']}: {microseconds(facts['seconds'])}{rates}"


def _pass(facts: Facts, level: int) -> str:
    return f"== {facts['of']} after {facts['name']}\n{facts['text']()}\n"


LINES = {  # kind -> the level from which it is shown, and its line
    "compiled": (1, _compiled),
    "cached": (1, _cached),
    "damaged": (1, _damaged),
    "unused": (1, _unused),
    "launch": (2, _launch),
    "pass": (3, _pass),
}
