"""jit: a step is run as it is once, captured the second time, and from then on replayed as one native call.

What the step reads and writes is known by number (engine/graph.py): arguments, boxes that were there before
(parameters, optimiser state, the random counter), and results. A replay puts the memory that these have now
into the launches' argument blocks, runs the list, and gives the boxes and the returned tensors their new
values. What can't be replayed safely raises: a read-back inside, another shape, another Python value, a
parameter that was replaced by another tensor.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, cast

from baregrad.base.config import cache_key_fields, config
from baregrad.base.errors import JitError
from baregrad.engine.capture import Capture
from baregrad.engine.realize import realize
from baregrad.engine.replay import Replay
from baregrad.engine.session import SESSION
from baregrad.engine.surroundings import Surroundings
from baregrad.engine.value import Value
from baregrad.engine.watch import Watch
from baregrad.ir import Symbolic, Variable, free_of, gather_variables, sized, value_of

P = ParamSpec("P")
R = TypeVar("R")


class Jit(Generic[P, R]):
    """A step that is captured at its second call. `reset()` forgets the capture."""

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._calls = 0
        self._replay: Replay | None = None
        self._surroundings: Surroundings | None = None
        self._signature: Any = None  # the arguments with tensors as None
        self._fixed: list[tuple[int, Any]] = []  # arguments that the step also reaches by name
        self._config = config()  # at the capture
        self._shared: list[int] = []  # for each argument the first that has the same memory

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]:
        """A method: each instance has a capture of its own, also one that was copied with its attributes."""
        if instance is None:
            return self
        name = f"_jit_{self._function.__name__}"
        bound: Jit[..., Any] | None = getattr(instance, name, None)
        if bound is None or getattr(bound._function, "__self__", None) is not instance:
            bound = Jit(self._function.__get__(instance, owner))
            setattr(instance, name, bound)
        return bound

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Callable[P, R]]]:
        return jit, (self._function,)  # a copy or pickle is not captured yet

    def __deepcopy__(self, memo: dict[int, Any]) -> Jit[P, R]:
        """The step of the copied object, not captured yet."""
        return Jit(copy.deepcopy(self._function, memo))

    def reset(self) -> None:
        """Forget the capture; the next call runs as it is."""
        self._calls, self._replay, self._surroundings, self._signature = 0, None, None, None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run, capture or replay the step.

        Errors: JitError for what can't be captured or replayed safely.
        """
        if SESSION.capture is not None:  # inside of another step: part of that one
            return self._function(*args, **kwargs)
        self._calls += 1
        if len(kwargs) > 1:  # they are known by name, in whatever order
            kwargs = dict(sorted(kwargs.items()))  # type: ignore[assignment]  # the same arguments
        boxes = list(boxes_in((args, kwargs)))
        realize(SESSION, [box._value for box in boxes])
        if self._calls == 1 or config().check_bounds:  # a replay looks at no index
            result = self._function(*args, **kwargs)
            realize(SESSION, [box._value for box in boxes_in(result)])
            return result
        signature = signature_of((args, kwargs))
        if self._replay is None or self._surroundings is None:
            return self._capture(signature, boxes, args, kwargs)
        self._compare_switches()
        with SESSION.lock:
            self._compare(signature, boxes)
            variables = variables_in((args, kwargs))
            self._surroundings.check(self._function, variables)
            return cast(R, self._replay.run(SESSION, boxes, variables))  # built as what the function returned

    def _capture(self, signature: Any, boxes: list[Any], args: Any, kwargs: Any) -> R:
        surroundings = Surroundings.of(self._function, (args, kwargs))
        variables = variables_in((args, kwargs))
        surroundings.check(self._function, variables)
        starts = [box._value for box in boxes]
        capture = SESSION.capture = Capture(SESSION, boxes)
        try:
            with Watch():
                result = self._function(*args, **kwargs)
            if capture.refused is not None:
                raise capture.refused
            refuse_plain(result)
            capture.refuse_unnamed(surroundings)
            left = [*boxes_in(result), *capture.new, *(box for box, _ in capture.before.values())]
            realize(SESSION, [box._value for box in left])
            for graph in capture.graphs:
                refuse_other_values(graph.variables, variables)
        except BaseException:
            self._calls = 1  # the next call captures anew
            raise
        finally:
            SESSION.capture = None
        surroundings.leave_notes()
        with SESSION.lock:
            self._replay = Replay(SESSION, capture, boxes, starts, result)
        self._config = config()
        self._surroundings, self._signature, self._shared = surroundings, signature, sharing(starts)
        self._fixed = [(place, box) for place, box in enumerate(boxes) if box in surroundings]
        return result

    def _compare_switches(self) -> None:
        now, then = config(), self._config
        if now is then or (cache_key_fields(now) == cache_key_fields(then) and now.device == then.device):
            return
        raise JitError(
            f"{self._function.__name__} was captured under other switches than it is called with",
            why="its kernels were compiled for these: "
            + ", ".join(f"{k}={v!r}" for k, v in (*cache_key_fields(then), ("device", then.device))),
            mend="call it under the same override(...), or call reset()",
        )

    def _compare(self, signature: Any, boxes: list[Any]) -> None:
        if signature != self._signature:
            raise JitError(
                f"{self._function.__name__} is called with {signature}, captured with {self._signature}",
                why="a replay runs what was captured: shapes, dtypes, devices and Python values can't change",
                mend="call reset() first, use one jit for each signature, or pass the number as a tensor",
            )
        apart = any(boxes[place] is not box for place, box in self._fixed)
        if apart or sharing([box._value for box in boxes]) != self._shared:
            raise JitError(
                f"{self._function.__name__}: other arguments are one tensor than at the capture",
                why="a replay treats as one what was one, and apart what was apart",
                mend="pass a copy (x + 0), or call reset() first",
            )


def jit(function: Callable[P, R]) -> Jit[P, R]:
    """Capture a step of tensors and replay it without Python.

    The first call runs as it is, the second is captured, the others are replayed. All that the step computes
    must come from tensors: arguments, or tensors that it finds where it found them at the capture.

    >>> import baregrad as bg
    >>> @bg.jit
    ... def double(x):
    ...     return x * 2
    >>> [double(bg.Tensor([float(i)])).item() for i in range(4)]
    [0.0, 2.0, 4.0, 6.0]

    Errors: JitError for what is no function.
    """
    if not callable(function):
        raise JitError(
            f"jit of {function!r}", why="it captures the calls of a function", mend="give the function itself"
        )
    return Jit(function)


def sharing(values: Sequence[Value]) -> list[int]:
    """For each realized value the place of the first that has the same memory."""
    first: dict[Any, int] = {}
    return [first.setdefault(value.own, place) for place, value in enumerate(values)]


def variables_in(tree: Any) -> dict[str, int]:
    """The values of the variables in arguments: those of sizes, and of the shapes of tensors.

    Errors: ShapeError if one is bound to two values.
    """
    found: dict[str, Variable] = {}
    _gather(tree, found)
    return {name: value_of(sized(variable)) for name, variable in found.items()}


def _gather(tree: Any, found: dict[str, Variable]) -> None:
    if isinstance(tree, Symbolic):
        gather_variables(tree, found)
    elif is_box(tree):
        gather_variables(tree._value.shape, found)
    elif isinstance(tree, tuple | list | dict):
        for part in tree.values() if isinstance(tree, dict) else tree:
            _gather(part, found)


def refuse_other_values(used: Mapping[str, int], given: Mapping[str, int]) -> None:
    """What a step binds by itself is that of the capture for ever: it can't be an argument's variable."""
    for name, value in used.items():
        if given.get(name, value) != value:
            raise JitError(
                f"{name} is {given[name]} among the arguments and {value} inside a captured step",
                why="a replay gives a variable one value",
                mend="use two variables",
            )


def is_box(value: object) -> bool:
    """Whether something holds a Value: a tensor."""
    return isinstance(getattr(value, "_value", None), Value)


def boxes_in(tree: Any) -> Iterator[Any]:
    """The tensors in nested tuples, lists and dicts, in order."""
    if is_box(tree):
        yield tree
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from boxes_in(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from boxes_in(part)


def signature_of(tree: Any) -> Any:
    """A tree with each tensor as (shape, dtype, device): equal ones run the same kernels."""
    if is_box(tree):
        value = tree._value
        return ("tensor", tuple(map(free_of, value.shape)), value.dtype, value.device, value.leaf is not None)
    if isinstance(tree, tuple | list):
        return (type(tree).__name__, *(signature_of(part) for part in tree))
    if isinstance(tree, dict):
        return ("dict", *((name, signature_of(part)) for name, part in tree.items()))
    if tree is None or isinstance(tree, bool | int | float | complex | str | bytes | range):
        return (type(tree).__name__, repr(tree))
    if isinstance(tree, Symbolic):
        return ("size", free_of(tree))
    if isinstance(tree, slice):
        return ("slice", signature_of((tree.start, tree.stop, tree.step)))
    if hasattr(tree, "__array_interface__"):  # an array of numpy: its elements are part of the capture
        return ("array", str(tree.dtype), tree.shape, tree.tobytes())
    return ("object", type(tree).__name__, id(tree))


def refuse_plain(result: Any) -> None:
    """A step may return tensors, in tuples, lists and dicts, and None."""
    if result is None or is_box(result):
        return
    if isinstance(result, tuple | list | dict):
        for part in result.values() if isinstance(result, dict) else result:
            refuse_plain(part)
        return
    raise JitError(
        f"a captured step returns {type(result).__name__} {result!r}",
        why="a replay runs no Python, so it would be the value of the capture for ever",
        mend="return tensors",
    )
