"""Gradients limited between backward() and a step, by their norm or element by element."""

from __future__ import annotations

from collections.abc import Iterable

from baregrad.tensor import Tensor, no_grad


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), norm being that of all of them together.

    Gives the norm before. Source: Pascanu, Mikolov, Bengio 2013, algorithm 1.
    """
    found = [(p, p.grad) for p in ([parameters] if isinstance(parameters, Tensor) else parameters)]
    with no_grad():
        norms = [grad.norm(norm_type) for _, grad in found if grad is not None]
        if not norms:
            return Tensor(0.0)
        total = Tensor.stack(norms).norm(norm_type)
        scale = (total + 1e-6).reciprocal() * max_norm
        scale = scale.minimum(1.0)
        for parameter, grad in found:
            if grad is not None:
                parameter.grad = grad * scale.cast(grad.dtype)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit each element of the gradients to -clip_value..clip_value."""
    with no_grad():
        for parameter in [parameters] if isinstance(parameters, Tensor) else parameters:
            if parameter.grad is not None:
                parameter.grad = parameter.grad.clamp(-clip_value, clip_value)
