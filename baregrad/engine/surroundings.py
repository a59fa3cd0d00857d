"""What a captured step found outside of its arguments: Python values and tensors in its closure, globals and
objects.

A replay does not look at them, so it is checked that they are what they were: a learning rate that is a
Python number and was changed, or a parameter that was replaced, raises instead of being ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

from baregrad.base.errors import JitError
from baregrad.engine.value import Value

OURS = ("baregrad.base", "baregrad.engine", "baregrad.ir", "baregrad.runtime", "baregrad.tensor")
PLAIN = (bool, int, float, str, type(None))


class Surroundings:
    """(owner, key, what stood there) of every plain value and tensor that the step can reach by name."""

    def __init__(self, found: list[tuple[str, Any, Any, Any]]) -> None:
        self._found = found

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Surroundings:
        """Look around a function, as deep as plain objects, lists and dicts go."""
        seen: set[int] = set()
        return cls(list(_named(function, seen)))

    def __contains__(self, value: object) -> bool:
        """Whether the step reaches this very tensor by name."""
        return any(found is value for _, _, _, found in self._found)

    def check(self, function: Callable[..., Any]) -> None:
        """Errors: JitError naming what is not what it was."""
        for path, owner, key, old in self._found:
            new = _get(owner, key)
            if new is old or (type(new) is type(old) and isinstance(old, PLAIN) and new == old):
                continue
            what = (
                "the tensor"
                if isinstance(getattr(old, "_value", None), Value)
                else f"the Python value {old!r}"
            )
            raise JitError(
                f"{what} at {path} was replaced since {getattr(function, '__name__', 'it')} was captured",
                why="a replay runs what was captured and does not look there again",
                mend="assign() to the tensor instead, pass the value as a tensor, or call reset()",
            )


def _get(owner: Any, key: Any) -> Any:
    if isinstance(owner, dict | list):
        try:
            return owner[key]
        except (KeyError, IndexError):
            return None
    return getattr(owner, key, None)


def _named(function: Callable[..., Any], seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    inner = getattr(function, "__func__", function)
    owner = getattr(function, "__self__", None)
    if owner is not None:
        yield from _inside("self", owner, seen)
    code = getattr(inner, "__code__", None)
    if code is None:
        yield from _inside(type(function).__name__, function, seen)
        return
    for name, cell in zip(code.co_freevars, inner.__closure__ or (), strict=True):
        yield from _at(name, cell, "cell_contents", seen)
    names = inner.__globals__
    for name in code.co_names:
        if name in names:
            yield from _at(name, names, name, seen)


def _at(path: str, owner: Any, key: Any, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    found = _get(owner, key)
    if isinstance(found, PLAIN) or isinstance(getattr(found, "_value", None), Value):
        yield (path, owner, key, found)
    else:
        yield from _inside(path, found, seen)


def _inside(path: str, owner: Any, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    if id(owner) in seen or isinstance(owner, type | ModuleType):
        return
    seen.add(id(owner))
    function = getattr(owner, "__wrapped__", owner)  # of a step inside of the step
    if isinstance(function, FunctionType | MethodType):
        if not str(function.__module__).startswith(OURS):
            yield from _named(function, seen)
        return
    for name, place, key in _parts(path, owner):
        yield from _at(name, place, key, seen)
    if isinstance(owner, tuple):
        for number, part in enumerate(owner):
            yield from _inside(f"{path}[{number}]", part, seen)


def _parts(path: str, owner: Any) -> list[tuple[str, Any, Any]]:
    """The path, owner and key of all that an object holds under names."""
    if isinstance(owner, dict):
        return [(f"{path}[{key!r}]", owner, key) for key in owner]
    if isinstance(owner, list):
        return [(f"{path}[{place}]", owner, place) for place in range(len(owner))]
    if hasattr(owner, "__dict__") and not type(owner).__module__.startswith(OURS):
        return [(f"{path}.{key}", owner, key) for key in vars(owner)]
    return []
