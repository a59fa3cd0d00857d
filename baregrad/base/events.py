"""A small bus for looking at what happens: who does something says so, who wants to know listens.

`emit` costs a fraction of a microsecond while nobody listens; facts that are dear to compute stand behind
`if listening():`. Listeners live in the Config of the context, so that they end with their `with` block and
never see another thread's events. Debug output and the visualiser are listeners; nothing ever depends on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from baregrad.base.config import config, override


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: its kind ("kernel", "pass", "launch", ...) and its facts by name."""

    kind: str
    facts: dict[str, Any]  # Any: each kind has its own facts


Listener = Callable[[Event], None]


def listening() -> bool:
    """Whether anybody listens here."""
    return bool(config().listeners)


def emit(kind: str, **facts: Any) -> None:  # Any: see Event
    """Tell the listeners of this context what happened."""
    listeners = config().listeners
    if listeners:
        event = Event(kind, facts)
        for listener in listeners:
            listener(event)


@contextmanager
def listen(listener: Listener, *kinds: str) -> Iterator[None]:
    """Hear the events of the given kinds (of all kinds, if none is given) for a block of code.

    >>> heard = []
    >>> with listen(heard.append, "pass"):
    ...     emit("pass", name="simplify")
    ...     emit("kernel", name="r_4")
    >>> [event.facts["name"] for event in heard]
    ['simplify']
    """

    def chosen(event: Event) -> None:
        if not kinds or event.kind in kinds:
            listener(event)

    with override(listeners=(*config().listeners, chosen)):
        yield
