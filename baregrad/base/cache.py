"""Memory for results: `memo` for tables built at first use, `Bounded` for caches that must not grow for ever.

The kernel cache on disk is engine's; the table of interned nodes is ir's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import cache
from typing import Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def memo(function: Callable[P, R]) -> Callable[P, R]:
    """Remember a pure function's result for each of its arguments, as long as the program runs.

    For tables and other facts that are the same at every call: built at first use, so that importing costs
    nothing.

    >>> @memo
    ... def squares() -> tuple[int, ...]:
    ...     return tuple(n * n for n in range(4))
    >>> squares() is squares()
    True
    """
    return cast(Callable[P, R], cache(function))  # functools forgets the parameters' types


class Bounded(Generic[K, V]):
    """At most `limit` values by key; the one that was not used for longest goes first.

    >>> recent = Bounded[str, int](limit=2)
    >>> recent.put("a", 1), recent.put("b", 2), recent.get("a"), recent.put("c", 3)
    (None, None, 1, None)
    >>> list(recent)
    ['a', 'c']
    """

    __slots__ = ("_values", "limit")

    def __init__(self, limit: int) -> None:
        assert limit > 0, f"a cache of {limit} values keeps nothing"
        self.limit = limit
        self._values: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value, which is now the one used last; None if it is not kept."""
        if key not in self._values:
            return None
        value = self._values.pop(key)
        self._values[key] = value
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; the oldest goes if there are too many."""
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self.limit:
            del self._values[next(iter(self._values))]

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value that is kept, or else the one that `make` gives, which is then kept."""
        if key in self._values:
            return cast(V, self.get(key))
        value = make()
        self.put(key, value)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)
