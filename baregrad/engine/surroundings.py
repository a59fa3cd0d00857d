"""What a captured step found outside of its arguments: Python values and tensors in its closure, globals and
objects.

A replay does not look at them, so it is checked that they are what they were: a learning rate that is a
Python number and was changed, or a parameter that was replaced, raises instead of being ignored.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import length_hint
from random import Random
from types import CodeType, FunctionType, GeneratorType, MappingProxyType, MethodType, ModuleType
from typing import Any

from baregrad.base.errors import JitError
from baregrad.engine.value import Value
from baregrad.engine.watch import is_library
from baregrad.ir import Symbolic

OURS = ("baregrad.base", "baregrad.engine", "baregrad.ir", "baregrad.runtime", "baregrad.tensor")
NO_VARIABLES: Mapping[str, int] = MappingProxyType({})
NAMES = object()  # the key of all names, places or keys that an object has
ELEMENTS = object()  # the key of the bytes of an array
STATE = object()  # the key of where an iterator or a generator of random numbers is
LARGEST = 16 << 20  # bytes of an array that are compared at each replay
PLAIN = (bool, int, float, str, type(None), Symbolic)


class Surroundings:
    """(owner, key, what stood there) of every plain value and tensor that the step can reach by name."""

    def __init__(self, found: list[tuple[str, Any, Any, Any]], arguments: list[Any]) -> None:
        self._found = found
        self._arguments = arguments  # alive, so that no other object gets the identity of one of them
        self._boxes = {id(value) for *_, value in found if _is_box(value)}

    @classmethod
    def of(cls, function: Callable[..., Any], arguments: object = ()) -> Surroundings:
        """Look around a function and in the objects that it is given, as deep as plain objects, lists and
        dicts go.
        """
        seen: set[int] = set()
        found = list(_named(function, seen))
        objects = list(_objects(arguments))
        given = [entry for part in objects for entry in _inside("the argument", part, seen)]
        return cls([*found, *given], objects)

    def __contains__(self, value: object) -> bool:
        """Whether the step reaches this very tensor by name."""
        return id(value) in self._boxes

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
            if (key is NAMES or key is ELEMENTS or key is STATE) and new == old:
                continue
            raise JitError(
                f"{_what(owner, key, old)} at {path} was replaced since "
                f"{getattr(function, '__name__', 'it')} was captured",
                why="a replay runs what was captured and does not look there again",
                mend="assign() to the tensor instead, pass the value as a tensor, or call reset()",
            )


def _what(owner: Any, key: Any, old: Any) -> str:
    """A row in words."""
    if _is_box(old):
        return "the tensor"
    if key is NAMES:
        return f"the length, or what is named, of the {type(owner).__name__}"
    if key is ELEMENTS:
        return f"an element of the {type(owner).__name__}"
    if key is STATE:
        return f"the next element of the {type(owner).__name__}"
    return f"the Python value {old!r:.80}" if isinstance(old, PLAIN) else f"the {type(old).__name__}"


def _is_box(value: Any) -> bool:
    return isinstance(getattr(value, "_value", None), Value)


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
        return len(owner) if isinstance(owner, list | deque) else tuple(_names(owner))
    if key is ELEMENTS:
        return bytes(owner) if isinstance(owner, bytearray) else owner.tobytes()
    if key is STATE:
        return _state(owner)
    try:
        return owner[key] if isinstance(owner, dict | list | tuple | deque) else getattr(owner, key)
    except (KeyError, IndexError, AttributeError, ValueError):  # ValueError: an empty cell
        return None


def _names(owner: Any) -> list[Any]:
    """The keys of a dict; the elements of a set; the attributes of an object, in its own dictionary and in
    slots.
    """
    if isinstance(owner, dict):
        return list(owner)
    if isinstance(owner, set | frozenset):
        return sorted(owner, key=id)
    slots = [name for cls in type(owner).__mro__ for name in _slots(cls) if hasattr(owner, name)]
    return [*getattr(owner, "__dict__", ()), *slots]


def _slots(cls: type) -> tuple[str, ...]:
    given = vars(cls).get("__slots__", ())
    names = (given,) if isinstance(given, str) else tuple(given)
    return tuple(name for name in names if not name.startswith("__"))


def _state(owner: Any) -> Any:
    """Where something is that gives one element after the other."""
    if isinstance(owner, GeneratorType):
        frame = owner.gi_frame
        return None if frame is None else (frame.f_lasti, repr(frame.f_locals))
    if hasattr(owner, "getstate"):
        return owner.getstate()
    if hasattr(owner, "bit_generator"):
        return repr(owner.bit_generator.state)
    return length_hint(owner, -1), repr(owner)


def _is_array(found: Any) -> bool:
    if isinstance(found, bytearray | array):
        return True
    return hasattr(found, "__array_interface__") and hasattr(found, "tobytes") and hasattr(found, "flags")


def _elements(path: str, found: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """The row of an array's elements, unless nobody can write them. Errors: JitError for a large one."""
    flags = getattr(found, "flags", None)
    if flags is not None and not flags.writeable and getattr(found, "base", None) is None:
        return
    size = len(found) if isinstance(found, bytearray) else len(found) * found.itemsize
    size = getattr(found, "nbytes", size)
    if size > LARGEST:
        raise JitError(
            f"a captured step reaches the array at {path} of {size >> 20} MiB",
            why="its elements would have to be compared at each replay",
            mend="make a Tensor of it before, pass it as an argument, or array.setflags(write=False)",
        )
    yield (path, found, ELEMENTS, _get(found, ELEMENTS))


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


def _is_users(module: str) -> bool:
    """Whether a module is neither of baregrad nor of a library."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or (file is None and module not in sys.builtin_module_names):
        return True
    return file is not None and not (
        module.startswith("baregrad.") or is_library(file) or "-packages" in file
    )


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
    names = inner.__globals__
    used = sorted(_used(code))
    places: dict[str, tuple[Any, Any]] = {name: (names, name) for name in used if name in names}
    for name, cell in zip(code.co_freevars, inner.__closure__ or (), strict=True):
        places[name] = (cell, "cell_contents")
    for name, (place, key) in places.items():
        yield from _at(name, place, key, seen)
        module = _get(place, key)
        if isinstance(module, ModuleType) and _is_users(module.__name__):
            for attribute in (a for a in used if a in vars(module)):
                yield from _at(f"{name}.{attribute}", module, attribute, seen)
    for name in ("__defaults__", "__kwdefaults__"):
        if getattr(inner, name, None):
            yield from _at(f"{code.co_name}.{name}", inner, name, seen)


def _at(path: str, owner: Any, key: Any, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    found = _get(owner, key)
    if key is NAMES or isinstance(found, PLAIN) or isinstance(getattr(found, "_value", None), Value):
        yield (path, owner, key, found)
    elif not isinstance(found, ModuleType):
        yield (path, owner, key, found)
        if _is_array(found):
            yield from _elements(path, found)
        elif hasattr(found, "__next__") or hasattr(found, "bit_generator") or isinstance(found, Random):
            yield (path, found, STATE, _state(found))
        else:
            yield from _inside(path, found, seen)


def _inside(path: str, owner: Any, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    if id(owner) in seen or isinstance(owner, ModuleType):
        return
    seen.add(id(owner))
    if isinstance(owner, type):
        yield from _of_class(path, owner, owner, seen)
        return
    function = getattr(owner, "__wrapped__", owner)  # of a step inside of the step
    if isinstance(function, FunctionType | MethodType):
        if not str(function.__module__).startswith(OURS):
            yield from _named(function, seen)
        return
    for name, place, key in _parts(path, owner):
        yield from _at(name, place, key, seen)
    if not isinstance(owner, dict | list | tuple | deque) and not type(owner).__module__.startswith(OURS):
        yield from _of_class(path, owner, type(owner), seen)


def _of_class(path: str, owner: Any, cls: type, seen: set[int]) -> Iterator[tuple[str, Any, Any, Any]]:
    """The plain values that an object has from its class, and what its methods reach."""
    for base in cls.__mro__:
        if base.__module__.startswith(("builtins", *OURS)):
            continue
        for key in vars(base) if _is_users(base.__module__) else ():
            part = vars(base)[key]
            part = getattr(part, "fget", getattr(part, "__func__", part))  # of a property, of a class method
            if isinstance(part, FunctionType) and id(part) not in seen:
                seen.add(id(part))
                yield from _named(part, seen)
        for key in vars(base):
            found = _get(owner, key) if isinstance(vars(base)[key], PLAIN) else owner
            if isinstance(found, PLAIN) and not key.startswith("__"):
                yield (f"{path}.{key}", owner, key, found)


def _parts(path: str, owner: Any) -> list[tuple[str, Any, Any]]:
    """The path, owner and key of all that an object holds under names."""
    if isinstance(owner, dict):
        return [(path, owner, NAMES), *((f"{path}[{key!r}]", owner, key) for key in owner)]
    if isinstance(owner, set | frozenset):
        return [(path, owner, NAMES)]
    if isinstance(owner, partial):
        return [(f"{path}.{key}", owner, key) for key in ("func", "args", "keywords")]
    if isinstance(owner, list | tuple | deque):
        whole = [] if isinstance(owner, tuple) else [(path, owner, NAMES)]
        return [*whole, *((f"{path}[{place}]", owner, place) for place in range(len(owner)))]
    if type(owner).__module__.startswith(OURS):
        return []
    return [(path, owner, NAMES), *((f"{path}.{key}", owner, key) for key in _names(owner))]
