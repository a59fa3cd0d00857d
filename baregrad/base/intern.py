"""The weak intern table: equal keys give one object, which goes when nobody holds it.

One of the three mutable module states is such a table, in ir.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class _Entry(ref[T]):
    """A weak reference that knows its key, so that a dead one finds its place in the table."""

    __slots__ = ("key",)
    key: Hashable


class WeakTable(Generic[T]):
    """key -> object, weakly held.

    >>> class Node: pass
    >>> table = WeakTable()
    >>> node = Node()
    >>> table.put("a", node) is node
    True
    >>> table.get("a") is node
    True
    >>> del node
    >>> table.get("a") is None
    True
    """

    __slots__ = ("_drop", "_entries")

    def __init__(self) -> None:
        entries: dict[Hashable, _Entry[T]] = {}

        def drop(entry: ref[T]) -> None:
            key = entry.key  # type: ignore[attr-defined]  # every entry of the table is an _Entry
            if entries.get(key) is entry:
                del entries[key]

        self._entries = entries
        self._drop = drop

    def get(self, key: Hashable) -> T | None:
        """The living object of a key."""
        entry = self._entries.get(key)
        return None if entry is None else entry()

    def put(self, key: Hashable, value: T) -> T:
        """Hold `value` weakly under `key`; the living object of the key, if another thread was first."""
        entry = _Entry(value, self._drop)
        entry.key = key
        while (found := self._entries.setdefault(key, entry)) is not entry:
            first = found()
            if first is not None:
                return first
            self._drop(found)
        return value

    def __len__(self) -> int:
        return len(self._entries)
