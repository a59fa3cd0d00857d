"""Gradients: reverse mode over UOps, from values down to the leaves of their tape, by the gradient rows of
ir/ops.py.

The tape (Value.parents) tells which values belong to a computation; the gradient itself is taken on the
graph. A tracked value that lies in memory stands in the graph as its buffer; before differentiating it is put
back as its formula, and when the gradient is realized the engine finds the buffer again. A gradient is an
expression like any other, so it can be differentiated again.

A CUSTOM node stands for its first source; its gradient goes on by a rule of the tape (function.py,
recompute.py) to its other sources. Its argument is (rule, output): the first output's further sources are
the inputs, another one's is the first output, so that the rule runs once, when all are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, Protocol

from baregrad.base.errors import GradientError
from baregrad.engine import SESSION, Value
from baregrad.ir import UOp, const, ops, substitute, substitute_all, toposort

_recording: ContextVar[bool] = ContextVar("baregrad_recording", default=True)
_numbers = count(1)


def recording() -> bool:
    """Whether operations are being put on the tape."""
    return _recording.get()


@contextmanager
def no_grad() -> Iterator[None]:
    """Nothing inside is put on the tape.

    >>> import baregrad as bg
    >>> with bg.no_grad():
    ...     (bg.Tensor([1.0], requires_grad=True) * 2).requires_grad
    False
    """
    with set_grad_enabled(False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Operations inside are put on the tape, also inside of no_grad()."""
    with set_grad_enabled(True):
        yield


@contextmanager
def set_grad_enabled(mode: bool) -> Iterator[None]:
    """Whether operations inside are put on the tape."""
    token = _recording.set(mode)
    try:
        yield
    finally:
        _recording.reset(token)


def new_number() -> int:
    """A number that makes a node one of its own."""
    return next(_numbers)


def apart(node: UOp) -> UOp:
    """The same elements as a node that nothing else is, in memory that nothing else has."""
    return UOp(ops.CONTIGUOUS, node.dtype, (node,), new_number())


class Rule(Protocol):
    """How the gradients of the outputs of a CUSTOM node go on to its inputs."""

    number: int

    def parts(self, outputs: Mapping[int, Output], run: Backward) -> Sequence[UOp | None]:
        """A gradient, or None, for each source of the first output's node behind the first.

        The outputs are those that a gradient has reached, and the first.
        """


Output = tuple[UOp, UOp]  # the node of an output, and its gradient


def tape_of(*roots: Value) -> list[Value]:
    """All values that the roots were computed from with gradients on, each behind those that went into it."""
    order: dict[Value, None] = {}
    stack = [(root, False) for root in roots]
    while stack:
        value, ready = stack.pop()
        if ready:
            order[value] = None
        elif value not in order:
            stack.append((value, True))
            stack.extend((parent, False) for parent in value.parents if parent not in order)
    return list(order)


def node_of(value: Value) -> UOp:
    """The expression to build on: under no_grad it is cut off, so that no gradient finds a way through it."""
    return value.node if recording() or not value.tracked else UOp(ops.DETACH, value.dtype, (value.node,))


class Backward:
    """One run from roots, each with its seed, to the wanted values.

    `used` are values that rules made or read: what the gradients read beside the tape.
    """

    def __init__(
        self,
        roots: Sequence[tuple[Value, UOp]],
        tape: Sequence[Value],
        wanted: Sequence[Value],
        seeds: Iterable[Value] = (),
        *,
        create_graph: bool = False,
    ) -> None:
        self.roots, self.tape, self.wanted, self.create_graph = roots, tape, wanted, create_graph
        self.used: list[Value] = list(seeds)
        rules: list[Any] = [
            v.rule for v in tape if v.rule is not None
        ]  # the engine does not know what a Rule is
        self._rules: dict[int, Rule] = {rule.number: rule for rule in rules}
        self._waiting: dict[UOp, dict[int, Output]] = {}  # first output -> the others
        self._apart: dict[UOp, UOp] = {}  # what a rule's own runs have brought to the ends
        self._ends: frozenset[UOp] = frozenset()
        self._stops: frozenset[UOp] = frozenset()

        self._support = frozenset(h for v in tape for h in v.handles | v.support)

    def value(self, node: UOp, device: str, line: str = "") -> Value:
        """A gradient as a value; with create_graph it is on the tape itself."""
        support = self._support.union(*(v.handles | v.support for v in self.used))
        parents = (*(root for root, _ in self.roots), *self.used) if self.create_graph else ()
        tracked = tuple(dict.fromkeys(v for v in parents if v.tracked))
        return Value(node, device, support, parents=tracked, line=line)

    def gradients(self) -> list[UOp | None]:
        """The gradient of each wanted value, as an expression; None where the roots do not depend on it."""
        formulas: dict[UOp, UOp] = {}  # of values that lie in memory, down to leaves
        for value in self.tape:
            if value.node is not value.uop:
                formulas[value.node] = substitute(value.uop, formulas)
        aliases = self._aliases()
        starts = (
            *(r.uop for r, _ in self.roots),
            *(v.uop for v in self.wanted),
            *(node for node, _ in aliases),
        )
        nodes = substitute_all(starts, formulas)
        whole, ends = nodes[: len(self.roots)], nodes[len(self.roots) :]
        self._refuse_twins(ends[: len(self.wanted)], formulas)
        leaves = [e for e, v in zip(ends, self.wanted, strict=False) if not v.parents]
        self._ends = frozenset(ends)
        self._stops = frozenset((*leaves, *ends[len(self.wanted) :]))
        seeds: dict[UOp, UOp] = {}
        for node, (_, seed) in zip(whole, self.roots, strict=True):
            _add(seeds, node, seed)
        found = self.reverse(seeds)
        for node, part in self._apart.items():
            _add(found, node, part)
        result = [found.get(end) for end in ends[: len(self.wanted)]]
        for (_, place), end in zip(aliases, ends[len(self.wanted) :], strict=True):
            if end in found:
                before = result[place]
                result[place] = found[end] if before is None else before + found[end]
        return result

    def _aliases(self) -> list[tuple[UOp, int]]:
        """Nodes that stood for a wanted leaf when something was computed from it, before it had memory."""
        nodes = toposort((*(r.uop for r, _ in self.roots), *(v.uop for v in self.tape if v.parents)))
        places = {v.own: place for place, v in enumerate(self.wanted) if v.own is not None and not v.parents}
        # what leaves are made of
        candidates = [node for node in nodes if node.op in (ops.CONTIGUOUS, ops.ASSIGN)]
        handles = ((node, SESSION.handle_of(node)) for node in candidates)
        return [(node, places[handle]) for node, handle in handles if handle in places]

    def _refuse_twins(self, ends: Sequence[UOp], formulas: dict[UOp, UOp]) -> None:
        """Of two tensors computed in the same way the graph does not know which one a result came from."""
        for end, value in zip(ends, self.wanted, strict=True):
            if value.parents and any(
                other is not value and other.parents and substitute(other.uop, formulas) is end
                for other in self.tape
                if other.shape == value.shape
            ):
                raise GradientError(
                    f"the gradient of a tensor of shape {value.shape} that was computed twice alike",
                    why="the graph holds equal expressions once",
                    mend="compute it once and use it twice, or detach() and requires_grad_() one of them",
                )

    def reverse(self, seeds: dict[UOp, UOp], stops: frozenset[UOp] = frozenset()) -> dict[UOp, UOp]:
        """Reverse mode: the gradient of every node between the seeded nodes and the ends."""
        stops |= self._stops
        order = toposort(tuple(seeds), lambda node: node not in stops and node.op is not ops.DETACH)
        on_path: set[UOp] = set()
        ends = self._ends | stops
        for node in order:
            if node in ends or (node.op is not ops.DETACH and any(s in on_path for s in node.src)):
                on_path.add(node)
        found = dict(seeds)
        for node in reversed(order):
            grad = found.get(node)
            if grad is None and node in self._waiting:
                grad = zeros(node)
            if grad is None or node in stops or node not in on_path:
                continue
            parts = self._custom(node, grad) if node.op is ops.CUSTOM else _gradient_of(node, grad)
            for source, part in zip(node.src, parts, strict=True):
                if part is not None and source in on_path:
                    _add(found, source, _sum_to(part, source))
        return found

    def reverse_apart(self, seeds: dict[UOp, UOp], inputs: Sequence[UOp]) -> list[UOp | None]:
        """A rule's own run, down to its inputs; what reaches the wanted values on other ways is kept."""
        found = self.reverse(seeds, frozenset(inputs))
        for end in self._ends - set(inputs):
            if end in found:
                _add(self._apart, end, found[end])
        return [found.get(node) for node in inputs]

    def _custom(self, node: UOp, grad: UOp) -> tuple[UOp | None, ...]:
        number, output = node.arg
        if output:
            self._waiting.setdefault(node.src[1], {})[output] = (node, grad)
            return None, None
        if number not in self._rules:
            raise GradientError(
                "a gradient through a custom function whose tape was used up",
                why="backward() has let go of what it had saved",
                mend="pass retain_graph=True to the first backward()",
            )
        outputs = {0: (node, grad), **self._waiting.pop(node, {})}
        return None, *self._rules[number].parts(outputs, self)


def _add(found: dict[UOp, UOp], node: UOp, part: UOp) -> None:
    found[node] = found[node] + part if node in found else part


def _gradient_of(node: UOp, grad: UOp) -> tuple[UOp | None, ...]:
    if node.op.gradient is None:
        if node.dtype.is_float and node.op.name not in ("trunc", "floor"):
            raise GradientError(
                f"{node.op.name} has no gradient",
                why="its row gives none",
                mend="detach() the value before it, or use another operation",
            )
        return (None,) * len(node.src)
    parts: tuple[UOp | None, ...] = node.op.gradient(grad, node, *node.src)
    return parts


def _sum_to(grad: UOp, source: UOp) -> UOp:
    """The gradient of a scalar that was broadcast."""
    if grad.shape == source.shape:
        return grad
    if grad.ndim and not source.ndim:
        return grad.reduce("add", tuple(range(grad.ndim))).reshape(())
    return grad.expand(source.shape)


def ones(node: UOp) -> UOp:
    """The seed of backward() on a scalar."""
    return const(1, node.dtype).expand(node.shape) if node.shape else const(1, node.dtype)


def zeros(node: UOp) -> UOp:
    """The gradient of what was not used."""
    return const(0, node.dtype).expand(node.shape) if node.shape else const(0, node.dtype)
