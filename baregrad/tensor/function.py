"""Functions whose gradient the user writes, as torch.autograd.Function has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from baregrad.base.errors import GradientError
from baregrad.engine import Value, support_of
from baregrad.ir import UOp, ops
from baregrad.tensor import autograd
from baregrad.tensor.autograd import Backward, Output
from baregrad.tensor.place import user_line
from baregrad.tensor.tensor import Tensor


class Context:
    """What forward leaves for backward: saved tensors, and any attributes.

    `needs_input_grad` has a bool for each argument of apply().
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._saved: list[Tensor | None] = []
        self._silent: set[int] = set()
        self._on_tape: dict[int, Tensor] = {}  # outputs of forward, while backward runs

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors as they are now, whatever is assigned to them later."""
        self._saved = list(tensors)

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Outputs that have no gradient."""
        self._silent.update(map(id, outputs))

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was saved."""
        return tuple(t if t is None else self._on_tape.get(id(t), t) for t in self._saved)


class Function:
    """A function with a gradient of its own: write `forward(ctx, *args)` and `backward(ctx, *grads)` as
    static methods, and call `apply`.

    forward runs off the tape and gives a tensor or a tuple of tensors; backward gets the gradient of each
    (zeros for one that was not used) and gives one for each argument, None for those without. With
    create_graph backward runs on the tape, so that it can be differentiated again.

    >>> import baregrad as bg
    >>> class Cube(bg.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3 * x * x
    >>> x = bg.Tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).sum().backward()
    >>> x.grad.tolist()
    [12.0]
    """

    @staticmethod
    def forward(ctx: Context, *args: Any, **kwargs: Any) -> Any:
        """The function. Errors: GradientError if a subclass has none."""
        raise GradientError(
            "a Function without forward", why="apply() calls it", mend="write a static method"
        )

    @staticmethod
    def backward(ctx: Context, *grads: Any) -> Any:
        """The gradient of each argument. Errors: GradientError if a subclass has none."""
        raise GradientError("a Function without backward", why="its gradient is wanted", mend="write one")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call forward, and put the function on the tape if a tensor among the arguments is there.

        Errors: GradientError if forward gives something else than tensors.
        """
        tracked = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        ctx = Context(tracked)
        now = [Tensor.of(a.value) if isinstance(a, Tensor) else a for a in args]  # whatever is assigned later
        with autograd.no_grad():
            result = cls.forward(ctx, *now)
        outputs = result if isinstance(result, tuple) else (result,)
        for output in outputs:
            if not isinstance(output, Tensor):
                raise GradientError(
                    f"{cls.__name__}.forward gives a {type(output).__name__}",
                    why="what a function gives are tensors",
                    mend="keep other things on ctx",
                )
        if not (autograd.recording() and any(tracked)):
            return result
        found = _FunctionRule(cls, ctx, now).put_on_tape(outputs)
        return found if isinstance(result, tuple) else found[0]


class _FunctionRule:
    """The rule of one call."""

    __slots__ = ("_args", "_cls", "_ctx", "_inputs", "_nodes", "_outputs", "number")

    def __init__(self, cls: type[Function], ctx: Context, args: Sequence[Any]) -> None:
        self.number = autograd.new_number()
        self._cls, self._ctx = cls, ctx
        self._args = [a.dtype if isinstance(a, Tensor) else None for a in args]
        self._inputs = [a.value for a in args if isinstance(a, Tensor)]
        self._outputs: Sequence[Tensor] = ()  # as forward gave them
        self._nodes: dict[int, UOp] = {}  # place among the outputs -> CUSTOM node

    def put_on_tape(self, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The outputs as tensors whose gradient goes on here."""
        self._outputs = outputs
        sources = tuple(v.node for v in self._inputs)
        for place, output in enumerate(outputs):
            if output.dtype.is_float and id(output) not in self._ctx._silent:
                src = (output.value.node, *sources)
                node = UOp(ops.CUSTOM, output.dtype, src, (self.number, len(self._nodes)))
                sources = sources if self._nodes else (node,)
                self._nodes[place] = node
        return tuple(self._on_tape(place) for place in range(len(outputs)))

    def _on_tape(self, place: int) -> Tensor:
        output = self._outputs[place]
        if place not in self._nodes:
            return output
        parents = tuple(v for v in self._inputs if v.tracked)
        support = support_of((output.value, *self._inputs))
        value = Value(
            self._nodes[place], output.device, support, parents=parents, rule=self, line=user_line()
        )
        return Tensor.of(value)

    def parts(self, outputs: Mapping[int, Output], run: Backward) -> Sequence[UOp | None]:
        """Call backward."""
        grads = {place: outputs[i][1] for i, place in enumerate(self._nodes) if i in outputs}
        tensors = [
            Tensor.of(run.value(grads[place], output.device)) if place in grads else output.zeros_like()
            for place, output in enumerate(self._outputs)
        ]
        with autograd.set_grad_enabled(run.create_graph):
            if run.create_graph:
                self._ctx._on_tape = {id(o): self._on_tape(p) for p, o in enumerate(self._outputs)}
            result = self._cls.backward(self._ctx, *tensors)
            self._ctx._on_tape = {}
            results = result if isinstance(result, tuple) else (result,)
            self._check(results)
            pairs = zip(self._args, results, strict=True)
            inputs = zip(self._inputs, (r for dtype, r in pairs if dtype is not None), strict=True)
            return [self._node(value, found, run) for value, found in inputs]

    def _check(self, results: Sequence[object]) -> None:
        name = self._cls.__name__
        if len(results) != len(self._args):
            raise GradientError(
                f"{name}.backward gives {len(results)} gradients for {len(self._args)} arguments",
                why="it gives one for each argument of apply()",
                mend="give None for arguments without a gradient",
            )
        for dtype, found in zip(self._args, results, strict=True):
            if not (found is None or (dtype is not None and isinstance(found, Tensor))):
                raise GradientError(
                    f"{name}.backward gives a {type(found).__name__} for an argument",
                    why="a tensor has a tensor as its gradient, other arguments have none",
                    mend="give a tensor or None",
                )

    def _node(self, value: Value, found: Tensor | None, run: Backward) -> UOp | None:
        """A gradient's expression; it must have the input's shape."""
        if found is None:
            return None
        if found.shape != value.shape:
            raise GradientError(
                f"{self._cls.__name__}.backward gives {found.shape} for an input of {value.shape}",
                why="a gradient has its input's shape",
                mend="sum() over the axes that were expanded",
            )
        run.used.append(found.value)
        return autograd.node_of(found.value).cast(value.dtype)
