"""A small bus for looking at what happens: who does something says so, who wants to know listens.

`emit` costs a fraction of a microsecond while nobody listens; facts that are dear to compute stand behind
`if listening():`. Listeners live in the Config of the context, so that they end with their `with` block and
never see another thread's events. Debug output and the visualiser are listeners; nothing ever depends on one.
While config.debug is on, everything is also told to viz.debug, which is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from baregrad.base.config import config, override
from baregrad.base.lazy import load


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: its kind ("kernel", "pass", "launch", ...) and its facts by name."""

    kind: str
    facts: dict[str, Any]  # Any: each kind has its own facts


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A listener, and the kinds that it wants to hear of; none: all."""

    listener: Listener
    kinds: tuple[str, ...]

    def wants(self, kind: str) -> bool:
        """Whether it is told of this kind."""
        return not self.kinds or not kind or kind in self.kinds

    def __call__(self, event: Event) -> None:
        """Hand it on, if it is wanted."""
        if self.wants(event.kind):
            self.listener(event)


DEBUG_KINDS = (("launch", 2), ("pass", 3))  # kinds that are dear to make, and the debug level that shows them


def listening(kind: str = "") -> bool:
    """Whether anybody listens here, to a kind if one is given."""
    switches = config()
    if switches.debug >= dict(DEBUG_KINDS).get(kind, 1):
        return True
    return any(not isinstance(heard, Chosen) or heard.wants(kind) for heard in switches.listeners)


def emit(kind: str, **facts: Any) -> None:  # Any: see Event
    """Tell the listeners of this context what happened."""
    switches = config()
    if not switches.listeners and not switches.debug:
        return
    event = Event(kind, facts)
    for listener in switches.listeners:
        listener(event)
    if switches.debug:
        load("baregrad.viz.debug").show(event, switches.debug)


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
    with override(listeners=(*config().listeners, Chosen(listener, kinds))):
        yield
