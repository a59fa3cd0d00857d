"""Things in the order of what they are made of: the one walk over graphs, whatever their nodes are.

Nothing here knows what a node is; UOps, kernels and values all come this way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def sources_first(roots: Iterable[Node], sources: Callable[[Node], Sequence[Node]]) -> list[Node]:
    """The roots and all that is below them, each once and behind its sources; without recursion.

    >>> sources_first("a", {"a": "bc", "b": "d", "c": "d", "d": ""}.__getitem__)
    ['d', 'b', 'c', 'a']
    """
    seen: set[Node] = set()
    order: list[Node] = []
    stack: list[tuple[Node, bool]] = [(root, False) for root in roots]
    stack.reverse()
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend([(source, False) for source in reversed(sources(node)) if source not in seen])
    return order
