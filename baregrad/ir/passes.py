"""Passes: named steps from graph to graph, in a list that checks its own order and what each step hands on.

A pipeline is data: `Pass(name, run, after=..., why=..., spec=...)`, one a line. After each pass the graph
is verified against the pass's level while `config().check` is on, and listeners of "pass" events are told
of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from baregrad.base.config import config
from baregrad.base.errors import CompileError
from baregrad.base.events import emit, listening
from baregrad.ir.spec import verify
from baregrad.ir.text import text

Step = Callable[..., Any]  # graph, then what `Pipeline.run` was given besides; gives a graph or a list


@dataclass(frozen=True, slots=True)
class Pass:
    """One step: what it does, which passes must come before it and why, and the level of what it gives."""

    name: str
    run: Step
    after: tuple[str, ...] = ()
    why: str = ""
    spec: str | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Passes in order. `run` takes a graph through all of them."""

    passes: tuple[Pass, ...]

    def run(self, graph: Any, *context: Any, name: str = "", until: str | None = None) -> Any:
        """The graph after all passes, or those up to `until`; a pass is called with (graph, *context)."""
        checked, heard = config().check, listening()
        for step in self.passes:
            graph = step.run(graph, *context)
            if heard:
                emit("pass", name=step.name, of=name, text=partial(text, graph), graph=graph)
            if checked and step.spec is not None:
                verify(graph, step.spec, f"pass {step.name}" + (f" of {name}" if name else ""))
            if step.name == until:
                break
        return graph


def pipeline(*passes: Pass) -> Pipeline:
    """Make a pipeline.

    Errors: CompileError for a double name, an `after` that names no earlier pass, or one without a `why`.

    >>> first = Pass("fold", lambda g: g + 1)
    >>> pipeline(first, Pass("double", lambda g: g * 2, after=("fold",), why="smaller")).run(1)
    4
    """
    seen: set[str] = set()
    for step in passes:
        missing = [name for name in step.after if name not in seen]
        if step.name in seen or missing:
            raise CompileError(
                f"pass {step.name} " + (f"comes before {', '.join(missing)}" if missing else "stands twice"),
                why=step.why or "names are unique, and `after` names earlier passes",
                mend="reorder the passes",
            )
        if step.after and not step.why:
            raise CompileError(
                f"pass {step.name} comes after {', '.join(step.after)} without a reason",
                why="an order without a reason is never changed",
                mend="say why",
            )
        seen.add(step.name)
    return Pipeline(passes)
