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
from baregrad.engine import Value
from baregrad.ir import UOp, const, ops, substitute_all, toposort

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
    """All values that the root was computed from with gradients on, the root first."""
    seen = {root: None}
    stack = [root]
    while stack:
        for parent in stack.pop().parents:
            if parent not in seen:
                seen[parent] = None
                stack.append(parent)
    return list(seen)


def gradients(root: Value, seed: UOp, tape: Sequence[Value], wanted: Sequence[Value]) -> list[UOp | None]:
    """The gradient of each wanted value, as an expression; None where the root does not depend on it."""
    formulas = {v.node: v.uop for v in tape if v.node is not v.uop}
    whole, *ends = substitute_all((root.uop, *(v.uop for v in wanted)), formulas)
    found = reverse(whole, seed, frozenset(ends))
    return [found.get(end) for end in ends]


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
