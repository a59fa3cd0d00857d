"""What a captured step found outside of its arguments: Python values and tensors in its closure, globals and
objects.

A replay does not look at them, so it is checked that they are what they were: a learning rate that is a
Python number and was changed, or a parameter that was replaced, raises instead of being ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from baregrad.base.errors import JitError
from baregrad.engine.value import Value
from baregrad.ir import Symbolic

OURS = ("baregrad.base", "baregrad.engine", "baregrad.ir", "baregrad.runtime", "baregrad.tensor")
NO_VARIABLES: Mapping[str, int] = MappingProxyType({})
NAMES = object()  # the key of all names, places or keys that an object has
PLAIN = (bool, int, float, str, type(None), Symbolic)


class Surroundings:
    """(owner, key, what stood there) of every plain value and tensor that the step can reach by name."""

    def __init__(self, found: list[tuple[str, Any, Any, Any]]) -> None:
        self._found = found

    @classmethod
    def of(cls, function: Callable[..., Any], arguments: object = ()) -> Surroundings:
        """Look around a function and in the objects that it is given, as deep as plain objects, lists and
        dicts go.
        """
        seen: set[int] = set()
        found = list(_named(function, seen))
        given = [entry for part in _objects(arguments) for entry in _inside("the argument", part, seen)]
        return cls([*found, *given])

    def __contains__(self, value: object) -> bool:
        """Whether the step reaches this very tensor by name."""
        return any(found is value for _, _, _, found in self._found)

    def leave_notes(self) -> None:
        """Right after the capture: lists and dicts that the step itself has made longer are its notes."""
        self._found = [row for row in self._found if row[2] is not NAMES or _get(row[1], NAMES) == row[3]]

    def check(self, function: Callable[..., Any], variables: Mapping[str, int] = NO_VARIABLES) -> None:
        """Errors: JitError naming what is not what it was, or a size that is bound to another value than
        among the arguments.
        """
        for path, owner, key, old in self._found:
            new = _get(owner, key)
            if isinstance(new, Symbolic):
                _agree(path, new, variables)
            if new is old or (type(new) is type(old) and isinstance(old, PLAIN) and new == old):
                continue
            if key is NAMES and new == old:
                continue
            what = f"the {type(old).__name__}"
            if isinstance(getattr(old, "_value", None), Value):
                what = "the tensor"
            elif key is NAMES:
                what = f"the length, or what is named, of the {type(owner).__name__}"
            elif isinstance(old, PLAIN):
                what = f"the Python value {old!r:.80}"
            raise JitError(
                f"{what} at {path} was replaced since {getattr(function, '__name__', 'it')} was captured",
                why="a replay runs what was captured and does not look there again",
                mend="assign() to the tensor instead, pass the value as a tensor, or call reset()",
            )


def _agree(path: str, size: Symbolic, variables: Mapping[str, int]) -> None:
    """A size that the step finds by itself has no other value of a variable than the arguments."""
    for name, variable in size.variables.items():
        if variables.get(name, variable.value) != variable.value:
            raise JitError(
                f"the size at {path} has {variable}, and among the arguments it is {variables[name]}",
                why="a replay gives a variable one value",
                mend="pass the size as an argument",
            )


def _get(owner: Any, key: Any) -> Any:
    if key is NAMES:
        return len(owner) if isinstance(owner, list) else tuple(_names(owner))
    try:
        return owner[key] if isinstance(owner, dict | list | tuple) else getattr(owner, key)
    except (KeyError, IndexError, AttributeError, ValueError):  # ValueError: an empty cell
        return None


def _names(owner: Any) -> list[Any]:
    """The keys of a dict; the attributes of an object, in its own dictionary and in slots."""
    if isinstance(owner, dict):
        return list(owner)
    slots = [name for cls in type(owner).__mro__ for name in _slots(cls) if hasattr(owner, name)]
    return [*getattr(owner, "__dict__", ()), *slots]


def _slots(cls: type) -> tuple[str, ...]:
    given = vars(cls).get("__slots__", ())
    names = (given,) if isinstance(given, str) else tuple(given)
    return tuple(name for name in names if not name.startswith("__"))


def _objects(tree: Any) -> Iterator[Any]:
    """The objects among arguments that are no tensors and no plain values."""
    if isinstance(tree, tuple | list):
        for part in tree:
            yield from _objects(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _objects(part)
    elif not isinstance(tree, PLAIN) and not isinstance(getattr(tree, "_value", None), Value):
        yield tree


def _used(code: CodeType) -> set[str]:
    """The global names in a function's code and in that of the functions inside of it."""
    inner = (_used(part) for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*inner)


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
    for name in sorted(_used(code)):
        if name in names:
            yield from _at(name, names, name, seen)
    for name in ("__defaults__", "__kwdefaults__"):
        if getattr(inner, name, None):
            yield from _at(f"{code.co_name}.{name}", inner, name, seen)


def _at(path: str, owner: Any, key: Any, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    found = _get(owner, key)
    if key is NAMES or isinstance(found, PLAIN) or isinstance(getattr(found, "_value", None), Value):
        yield (path, owner, key, found)
    elif not isinstance(found, ModuleType):
        yield (path, owner, key, found)
        yield from _inside(path, found, seen)


def _inside(path: str, owner: Any, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    if id(owner) in seen or isinstance(owner, ModuleType):
        return
    seen.add(id(owner))
    if isinstance(owner, type):
        yield from _of_class(path, owner, owner)
        return
    function = getattr(owner, "__wrapped__", owner)  # of a step inside of the step
    if isinstance(function, FunctionType | MethodType):
        if not str(function.__module__).startswith(OURS):
            yield from _named(function, seen)
        return
    for name, place, key in _parts(path, owner):
        yield from _at(name, place, key, seen)
    if not isinstance(owner, dict | list | tuple) and not type(owner).__module__.startswith(OURS):
        yield from _of_class(path, owner, type(owner))


def _of_class(path: str, owner: Any, cls: type) -> Iterator[tuple[str, Any, Any, Any]]:
    """The plain values that an object has from its class."""
    for base in cls.__mro__:
        if base.__module__.startswith(("builtins", *OURS)):
            continue
        for key in vars(base):
            found = _get(owner, key) if isinstance(vars(base)[key], PLAIN) else owner
            if isinstance(found, PLAIN) and not key.startswith("__"):
                yield (f"{path}.{key}", owner, key, found)


def _parts(path: str, owner: Any) -> list[tuple[str, Any, Any]]:
    """The path, owner and key of all that an object holds under names."""
    if isinstance(owner, dict):
        return [(path, owner, NAMES), *((f"{path}[{key!r}]", owner, key) for key in owner)]
    if isinstance(owner, list | tuple):
        whole = [(path, owner, NAMES)] if isinstance(owner, list) else []
        return [*whole, *((f"{path}[{place}]", owner, place) for place in range(len(owner)))]
    if type(owner).__module__.startswith(OURS):
        return []
    return [(path, owner, NAMES), *((f"{path}.{key}", owner, key) for key in _names(owner))]
