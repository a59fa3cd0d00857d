"""A tensor's side of gradients: leaves, their `grad`, backward(). How they are taken is in autograd.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self
from weakref import ref

from baregrad.base.errors import DTypeError, GradientError, ShapeError
from baregrad.engine import SESSION, Value
from baregrad.ir import UOp
from baregrad.tensor import autograd
from baregrad.tensor.autograd import Backward
from baregrad.tensor.ops.margins import Margins
from baregrad.tensor.place import user_line


class Gradients(Margins):
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
                node = value.node if own else autograd.apart(value.node)
                leaf = Value(node, self.device, value.support, leaf=ref(self), line=value.line)
                if own is not None:
                    leaf.settle(own)
                self.value = leaf
        else:
            self.value = self.detach().value
        return self

    def retain_grad(self) -> None:
        """Let backward() give this tensor its `grad`, too, though gradients do not end here.

        Errors: GradientError without a tape.
        """
        if not self.value.tracked:
            raise GradientError(
                "retain_grad() of a tensor without a tape",
                why="nothing it was computed from requires a gradient",
                mend="set requires_grad, or leave no_grad()",
            )
        if self.value.parents:
            self.value.leaf = ref(self)

    def register_hook(self, hook: Callable[[Self], Self | None]) -> Hook:
        """Call `hook` with each gradient that backward() brings to this leaf; what it returns, if it is not
        None, takes its place. `.remove()` of the result takes the hook away.

        Errors: GradientError unless gradients end here, or are retained (retain_grad()).
        """
        if self.value.leaf is None:
            raise GradientError(
                "register_hook() of a tensor that keeps no gradient",
                why="hooks see the gradients of leaves",
                mend="call retain_grad() on it first",
            )
        hooks = self._hooks = getattr(self, "_hooks", {})
        return Hook(hooks, hook)

    def backward(
        self,
        gradient: Self | None = None,
        *,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Self] | None = None,
    ) -> None:
        """Add the gradient of this tensor with respect to each leaf, or to the inputs, to its `grad`.

        The tape is used up unless `retain_graph`, which is as `create_graph` where it is not given. With
        `create_graph` the gradients are on a tape themselves and can be differentiated again.
        Errors: GradientError without a tape, or without `gradient` for a tensor that is not a scalar.
        """
        with SESSION.lock:
            roots = [(self.value, self._seed(gradient))]
            tape = autograd.tape_of(self.value)
            boxes: dict[Value, Any] = {  # Tensors
                v: box for v in tape if v.leaf is not None and (box := v.leaf()) is not None
            }
            if inputs is not None:
                boxes = {box.value: box for box in inputs}
            seeds = () if gradient is None else (gradient.value,)
            run = Backward(roots, tape, list(boxes), seeds, create_graph=create_graph)
            for box, grad in zip(boxes.values(), run.gradients(), strict=True):
                if grad is not None:
                    box._add_grad(run.value(grad, box.device, user_line()))
            self._finish(tape, create_graph if retain_graph is None else retain_graph)

    def gradient(
        self,
        *inputs: Self,
        gradient: Self | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        allow_unused: bool = False,
    ) -> tuple[Self | None, ...]:
        """The gradient of this tensor with respect to each input; no `grad` changes.

        The arguments are those of backward(). Errors: GradientError also for an input that this tensor does
        not depend on, which has None with `allow_unused`.

        >>> import baregrad as bg
        >>> x = bg.Tensor([3.0], requires_grad=True)
        >>> (slope,) = (x * x * x).sum().gradient(x, create_graph=True)
        >>> (bend,) = slope.sum().gradient(x)
        >>> slope.item(), bend.item()
        (27.0, 18.0)
        """
        return grad(
            self,
            inputs,
            gradient,
            retain_graph=retain_graph,
            create_graph=create_graph,
            allow_unused=allow_unused,
        )

    def _seed(self, gradient: Self | None) -> UOp:
        """What backward() begins with."""
        if not self.value.tracked:
            raise GradientError(
                "backward() of a tensor without a tape",
                why="nothing it was computed from requires a gradient, or backward() has used the tape up",
                mend="set requires_grad, leave no_grad(), or pass retain_graph=True to the first backward()",
            )
        if gradient is None:
            if self.numel() != 1:
                raise GradientError(
                    f"backward() of {self.shape} without a gradient",
                    why="only a scalar has an obvious one",
                    mend="sum() it, or pass gradient=",
                )
            return autograd.ones(self.value.uop)
        if gradient.shape != self.shape:
            raise ShapeError(
                f"backward() of {self.shape} with a gradient of {gradient.shape}",
                why="a gradient has its tensor's shape",
                mend="expand or reshape it",
            )
        return gradient.value.node.cast(self.dtype)

    def _finish(self, tape: Sequence[Value], retain: bool) -> None:
        """Let the tape go. The root is computed with whatever is next: in the same kernels as the gradients,
        and before an assignment would make it keep the old parameters.
        """
        root = self.value
        if not retain:
            for value in tape:
                value.release()
        SESSION.postpone(root)

    def _add_grad(self, part: Value) -> None:
        for hook in list(getattr(self, "_hooks", {}).values()):
            given = self.of(part)
            found = hook(given)
            if found is not None:
                part = found.value
        old = self.grad
        if old is None:
            self.grad = self.of(part)
        else:
            now = old.value
            parents = tuple(v for v in (now, part) if v.tracked)
            support = part.support | now.support
            old.value = Value(now.node + part.node, self.device, support, parents=parents, line=part.line)


class Hook:
    """A hook that can be taken away."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: dict[Hook, Any], hook: Callable[..., Any]) -> None:
        self._hooks = hooks
        hooks[self] = hook

    def remove(self) -> None:
        """Take it away; twice is fine."""
        self._hooks.pop(self, None)


def grad(
    outputs: Any,  # a Tensor or a sequence of them, as are inputs; for grad_outputs also None
    inputs: Any,
    grad_outputs: Any = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """The gradient of the outputs, summed, with respect to each input, as torch.autograd.grad.

    `grad_outputs` has the outputs' own gradients, None for 1. The tape is used up unless `retain_graph`,
    which is as `create_graph` where it is not given. Errors: GradientError for an input that was not used,
    which has None with `allow_unused`.

    >>> import baregrad as bg
    >>> x = bg.Tensor([3.0], requires_grad=True)
    >>> bg.grad((x * x).sum(), x)[0].item()
    6.0
    """
    outputs, inputs = _listed(outputs), _listed(inputs)
    grad_outputs = [None] * len(outputs) if grad_outputs is None else _listed(grad_outputs)
    with SESSION.lock:
        roots = [(out.value, out._seed(g)) for out, g in zip(outputs, grad_outputs, strict=True)]
        tape = autograd.tape_of(*(root for root, _ in roots))
        known = set(tape)
        values = [x.value for x in inputs]
        used = [v for v in dict.fromkeys(values) if v in known and v.tracked]
        seeds = [g.value for g in grad_outputs if g is not None]
        run = Backward(roots, tape, used, seeds, create_graph=create_graph)
        found = dict(zip(used, run.gradients(), strict=True))
        result = []
        for x, value in zip(inputs, values, strict=True):
            grad = found.get(value)
            if grad is None and not allow_unused:
                raise GradientError(
                    f"the gradient with respect to a tensor of shape {x.shape} that was not used",
                    why="the outputs do not depend on it"
                    if value.tracked
                    else "it does not require a gradient",
                    mend="pass allow_unused=True to have None, or call requires_grad_() before it is used",
                )
            result.append(None if grad is None else x.of(run.value(grad, x.device, user_line())))
        for out in outputs:
            out._finish(tape, create_graph if retain_graph is None else retain_graph)
        return tuple(result)


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]
