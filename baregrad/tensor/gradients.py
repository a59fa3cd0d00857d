"""A tensor's side of gradients: leaves, their `grad`, backward(). How they are taken is in autograd.py."""

from __future__ import annotations

from itertools import count
from typing import Any, Self
from weakref import ref

from baregrad.base.errors import DTypeError, GradientError
from baregrad.engine import SESSION, Value
from baregrad.ir import UOp, ops
from baregrad.tensor import autograd
from baregrad.tensor.ops.sampling import Sampling
from baregrad.tensor.place import user_line

_leaves = count(1)


def leaf_node(node: UOp) -> UOp:
    """The same elements as a node that nothing else is: gradients end at it."""
    return UOp(ops.CONTIGUOUS, node.dtype, (node,), next(_leaves))


class Gradients(Sampling):
    """Leaves and backward()."""

    __slots__ = ()

    @property
    def grad(self) -> Self | None:
        """The gradient that backward() has summed here."""
        if SESSION.capture is not None:
            SESSION.capture.read_grad(self)
        return self._grad

    @grad.setter
    def grad(self, grad: Self | None) -> None:
        if SESSION.capture is not None:
            SESSION.capture.wrote_grad(self)
        self._grad = grad

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make gradients end here (or not). Errors: DTypeError for integers."""
        if requires_grad and not self.dtype.is_float:
            raise DTypeError(
                f"requires_grad of {self.dtype}", why="only floats have gradients", mend="cast to float32"
            )
        if requires_grad == self.requires_grad:
            return self
        value = self.value
        if requires_grad:
            with SESSION.lock:
                own = None if value.shares else value.own  # gradients end at memory of this tensor's own
                node = value.node if own else leaf_node(value.node)
                leaf = Value(node, self.device, value.support, leaf=ref(self), line=value.line)
                if own is not None:
                    leaf.settle(own)
                self.value = leaf
        else:
            self.value = self.detach().value
        return self

    def backward(self, gradient: Self | None = None, *, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor with respect to each leaf to the leaf's `grad`.

        Errors: GradientError without a tape, or without `gradient` for a tensor that is not a scalar.
        """
        root = self.value
        if not root.tracked:
            raise GradientError(
                "backward() of a tensor without a tape",
                why="nothing it was computed from requires a gradient, or backward() has used the tape up",
                mend="set requires_grad, leave no_grad(), or pass retain_graph=True to the first backward()",
            )
        if gradient is None and self.numel() != 1:
            raise GradientError(
                f"backward() of {self.shape} without a gradient",
                why="only a scalar has an obvious one",
                mend="sum() it, or pass gradient=",
            )
        with SESSION.lock:
            self._differentiate(root, gradient, retain_graph)

    def _differentiate(self, root: Value, gradient: Self | None, retain_graph: bool) -> None:
        """Add the gradients to the leaves of the tape."""
        tape = autograd.tape_of(root)
        boxes: dict[Value, Any] = {
            v: box for v in tape if v.leaf is not None and (box := v.leaf()) is not None
        }  # Tensors
        seed = autograd.ones_like(root) if gradient is None else gradient.value.node
        found = autograd.gradients(root, seed, tape, list(boxes))
        support = frozenset(h for v in tape for h in v.handles | v.support)
        if gradient is not None:
            support |= gradient.value.support
        for box, grad in zip(boxes.values(), found, strict=True):
            if grad is not None:
                box._add_grad(Value(grad, box.device, support, line=user_line()))
        if not retain_graph:
            for value in tape:
                value.release()
        # Computed with whatever is next: in the same kernels as the gradients, and before an assignment would
        # make it keep the old parameters.
        SESSION.postpone(root)

    def _add_grad(self, part: Value) -> None:
        old = self.grad
        if old is None:
            self.grad = self.of(part)
        else:
            total = Value(
                old.value.node + part.node, self.device, part.support | old.value.support, line=part.line
            )
            old.value = total
