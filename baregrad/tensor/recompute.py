"""checkpoint: a part of a network whose intermediate values are computed again for its gradient, not kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from baregrad.base.errors import GradientError
from baregrad.engine import Value, support_of
from baregrad.ir import UOp, ops, substitute_all
from baregrad.tensor import autograd
from baregrad.tensor.autograd import Backward, Output
from baregrad.tensor.place import user_line
from baregrad.tensor.tensor import Tensor


def checkpoint(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """function(*args, **kwargs), computed again where its gradient is taken: memory for the tensors among the
    arguments is kept instead of memory for everything in between.

    The function runs once; what is computed again is its graph, so that random numbers are the same in both,
    and nothing that the function does besides is done twice. It gives a tensor or a tuple of them.
    Cost: one more forward pass. Errors: GradientError for other results.

    >>> import baregrad as bg
    >>> x = bg.Tensor([1.0, 2.0], requires_grad=True)
    >>> bg.checkpoint(lambda x: (x * x).exp(), x * 1).sum().backward()
    >>> [round(g, 3) for g in x.grad.tolist()]
    [5.437, 218.393]
    """
    result = function(*args, **kwargs)
    outputs = result if isinstance(result, tuple) else (result,)
    for output in outputs:
        if not isinstance(output, Tensor):
            raise GradientError(
                f"a checkpoint gives a {type(output).__name__}",
                why="what is computed again are tensors",
                mend="let the function give a tensor, or a tuple of tensors",
            )
    if not autograd.recording() or not any(output.requires_grad for output in outputs):
        return result
    inputs = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
    found = _Again(inputs).put_on_tape(outputs)
    return found if isinstance(result, tuple) else found[0]


class _Again:
    """The rule of one checkpoint: the same graph from inputs that nothing else has."""

    __slots__ = ("_inputs", "_leaves", "number")

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        self.number = autograd.new_number()
        self._inputs = list(dict.fromkeys(x.value for x in inputs))
        self._leaves = [v.leaf is not None for v in self._inputs]

    def put_on_tape(self, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The outputs as tensors whose gradient goes on here."""
        parents = tuple(output.value for output in outputs if output.requires_grad)
        support = support_of((*(o.value for o in outputs), *self._inputs))
        sources = tuple(v.node for v in self._inputs)
        found: list[Tensor] = []
        count = 0
        for output in outputs:
            if not output.requires_grad:
                found.append(output)
                continue
            src = (output.value.node, *sources)
            node = UOp(ops.CUSTOM, output.dtype, src, (self.number, count))
            sources = sources if count else (node,)
            count += 1
            value = Value(node, output.device, support, parents=parents, rule=self, line=user_line())
            found.append(Tensor.of(value))
        return tuple(found)

    def parts(self, outputs: Mapping[int, Output], run: Backward) -> Sequence[UOp | None]:
        """The gradient through the graph of the outputs that begins at copies of the inputs."""
        inputs = outputs[0][0].src[1:]
        some = not all(self._leaves)  # parameters need no copies if anything else is one
        copies = [
            node if some and leaf else autograd.apart(node)
            for node, leaf in zip(inputs, self._leaves, strict=True)
        ]
        bodies = substitute_all(
            [node.src[0] for node, _ in outputs.values()], dict(zip(inputs, copies, strict=True))
        )
        seeds: dict[UOp, UOp] = {}
        for body, (_, grad) in zip(bodies, outputs.values(), strict=True):
            seeds[body] = seeds[body] + grad if body in seeds else grad
        return run.reverse_apart(seeds, copies)
