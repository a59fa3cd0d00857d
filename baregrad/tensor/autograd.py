"""Gradients: reverse mode over UOps, from a value down to the leaves of its tape, by the gradient rows of
ir/ops.py.

The tape (Value.parents) tells which values belong to a computation; the gradient itself is taken on the
graph. A tracked value that lies in memory stands in the graph as its buffer; before differentiating it is put
back as its formula, and when the gradient is realized the engine finds the buffer again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from baregrad.base.errors import GradientError
from baregrad.engine import SESSION, Value
from baregrad.ir import UOp, const, ops, substitute, substitute_all, toposort

_recording: ContextVar[bool] = ContextVar("baregrad_recording", default=True)


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
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def tape_of(root: Value) -> list[Value]:
    """All values that the root was computed from with gradients on, each behind those that went into it."""
    order: dict[Value, None] = {}
    stack = [(root, False)]
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


def gradients(root: Value, seed: UOp, tape: Sequence[Value], wanted: Sequence[Value]) -> list[UOp | None]:
    """The gradient of each wanted value, as an expression; None where the root does not depend on it."""
    formulas: dict[UOp, UOp] = {}  # of values that lie in memory, down to leaves
    for value in tape:
        if value.node is not value.uop:
            formulas[value.node] = substitute(value.uop, formulas)
    aliases = _aliases(root, tape, wanted)
    starts = (root.uop, *(v.uop for v in wanted), *(node for node, _ in aliases))
    whole, *ends = substitute_all(starts, formulas)
    found = reverse(whole, seed, frozenset(ends))
    result = [found.get(end) for end in ends[: len(wanted)]]
    for (_, place), end in zip(aliases, ends[len(wanted) :], strict=True):
        part, before = found.get(end), result[place]
        result[place] = before + part if before is not None and part is not None else before or part
    return result


def _aliases(root: Value, tape: Sequence[Value], wanted: Sequence[Value]) -> list[tuple[UOp, int]]:
    """Nodes that stood for a wanted value when something was computed from it, before it got its memory."""
    nodes = toposort((root.uop, *(v.uop for v in tape if v.parents)))
    places = {v.own: place for place, v in enumerate(wanted) if v.own is not None}
    candidates = [
        node for node in nodes if node.op in (ops.CONTIGUOUS, ops.ASSIGN)
    ]  # what leaves are made of
    handles = ((node, SESSION.handle_of(node)) for node in candidates)
    return [(node, places[handle]) for node, handle in handles if handle in places]


def reverse(root: UOp, seed: UOp, ends: frozenset[UOp]) -> dict[UOp, UOp]:
    """Reverse mode: the gradient of every node between the root and the ends."""
    order = toposort((root,), lambda node: node not in ends and node.op is not ops.DETACH)
    on_path: set[UOp] = set()
    for node in order:
        if node in ends or (node.op is not ops.DETACH and any(s in on_path for s in node.src)):
            on_path.add(node)
    found: dict[UOp, UOp] = {root: seed}
    for node in reversed(order):
        grad = found.get(node)
        if grad is None or node in ends or node not in on_path:
            continue
        for source, part in zip(node.src, _gradient_of(node, grad), strict=True):
            if part is not None and source in on_path:
                part = _sum_to(part, source)
                found[source] = found[source] + part if source in found else part
    return found


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


def ones_like(value: Value) -> UOp:
    """The seed of backward() on a scalar."""
    return const(1, value.dtype).expand(value.shape) if value.shape else const(1, value.dtype)
