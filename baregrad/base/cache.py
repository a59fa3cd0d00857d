"""Memory for results: `memo`, for tables built at first use.

The kernel cache on disk is engine's; the table of interned nodes is ir's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


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
