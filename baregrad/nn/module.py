"""Module: tensors and other modules as plain attributes, found by walking them.

Nothing is registered: an attribute that is a Tensor, a Module, or a list, tuple or dict of them belongs to
the module, under the name by which it is reached ("blocks.0.weight"); these are torch's names, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from baregrad.base.errors import BaregradError, DTypeError, ShapeError
from baregrad.tensor import Tensor, no_grad


def Parameter(data: Tensor, requires_grad: bool = True) -> Tensor:
    """A tensor of a module's own with the elements of `data`, into which gradients flow."""
    return data.detach().requires_grad_() if requires_grad else data.detach()


class Module:
    """Base of layers and networks; `training` is what train() and eval() set.

    A call is `forward`, which a network defines; layers define the call itself.
    """

    training: bool
    _buffers: frozenset[str] = frozenset()  # tensors that are never trained
    _left_out: frozenset[str] = frozenset()  # buffers that are no part of the state

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:  # Any: the arguments are the subclass's
        """An object with `training` before its own __init__ runs, so that a captured step sees it change."""
        self = super().__new__(cls)
        self.training = True
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # Any: what the subclass's forward takes and gives
        """forward, of the subclass. Errors: BaregradError if it has none."""
        forward = getattr(self, "forward", None)
        if forward is None:
            raise BaregradError(
                f"a call of {type(self).__name__}",
                why="it has neither forward nor __call__",
                mend="define forward(self, x)",
            )
        return forward(*args, **kwargs)

    # -- what is in it -----------------------------------------------------------------------------------

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor with its name; one that is reached by two names comes twice."""
        for name, found in _walk(self, ""):
            if isinstance(found, Tensor):
                yield name, found

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module and all modules in it with their names, each once."""
        seen: set[int] = set()
        for name, found in _walk(self, ""):
            if isinstance(found, Module) and id(found) not in seen:
                seen.add(id(found))
                yield name, found

    def modules(self) -> Iterator[Module]:
        """This module and all modules in it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one."""
        return ((name, found) for name, found in vars(self).items() if isinstance(found, Module))

    def children(self) -> Iterator[Module]:
        """The modules that are attributes of this one."""
        return (module for _, module in self.named_children())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The tensors that gradients flow into with their names, each once."""
        seen: set[int] = set()
        for name, tensor in self.named_tensors():
            if tensor.requires_grad and id(tensor) not in seen:
                seen.add(id(tensor))
                yield name, tensor

    def parameters(self) -> list[Tensor]:
        """The tensors that gradients flow into, each once."""
        return [tensor for _, tensor in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The tensors that no gradients flow into, with their names."""
        return ((name, tensor) for name, tensor in self.named_tensors() if not tensor.requires_grad)

    def buffers(self) -> list[Tensor]:
        """The tensors that no gradients flow into."""
        return [tensor for _, tensor in self.named_buffers()]

    # -- changes -----------------------------------------------------------------------------------------

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """An attribute that no gradients flow into; it is no part of the state unless `persistent`."""
        setattr(self, name, tensor)
        self._buffers |= {name}
        self._left_out = self._left_out - {name} if persistent else self._left_out | {name}

    def register_parameter(self, name: str, tensor: Tensor | None) -> None:
        """An attribute that gradients flow into."""
        setattr(self, name, None if tensor is None else tensor.requires_grad_())

    def add_module(self, name: str, module: Module | None) -> None:
        """An attribute that is a module."""
        setattr(self, name, module)

    def apply(self, function: Callable[[Module], Any]) -> Self:  # Any: results are not looked at
        """The function called on all modules in this one, and on it last."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make gradients flow into all tensors of floats but registered buffers, or into none."""
        kept = {id(getattr(module, name)) for module in self.modules() for name in module._buffers}
        for _, tensor in self.named_tensors():
            if not requires_grad or (tensor.dtype.is_float and id(tensor) not in kept):
                tensor.requires_grad_(requires_grad)
        return self

    def train(self, mode: bool = True) -> Self:
        """Behave as in training: dropout drops, batch norm uses the batch."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in use."""
        return self.train(False)

    # -- the state ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """All tensors by name, cut off from the tape: as they are now, whatever is assigned later."""
        return {name: tensor.detach() for name, tensor in self._state()}

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor with its name, without buffers that are no part of the state."""
        lead = ((f"{name}." if name else "", module) for name, module in self.named_modules())
        left_out = {start + name for start, module in lead for name in module._left_out}
        return ((name, tensor) for name, tensor in self.named_tensors() if name not in left_out)

    def load_state_dict(self, state: Mapping[str, Tensor], strict: bool = True) -> None:
        """Assign tensors by name; nothing is assigned unless everything fits.

        `strict` refuses missing and unknown names.
        Errors: BaregradError naming what is missing or unknown; ShapeError; DTypeError.
        """
        own = dict(self._state())
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if strict and (missing or unknown):
            raise BaregradError(
                f"the state lacks {_listed(missing)} and has unknown {_listed(unknown)}",
                why=f"{type(self).__name__} has the tensors {_listed(list(own))}",
                mend="load the state of the same network, or pass strict=False to load what fits by name",
            )
        common = [(name, tensor, state[name]) for name, tensor in own.items() if name in state]
        for name, tensor, new in common:
            _check_fits(name, tensor, new)
        with no_grad():
            for _, tensor, new in common:
                tensor.assign(new.to(tensor.device))


def _walk(found: Any, name: str, inside: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """All that is reached from a module by attributes, items and keys, with its name; a cycle once."""
    if id(found) in inside:
        return
    yield name, found
    parts: Any = ()
    if isinstance(found, Module):
        parts = vars(found).items()
    elif isinstance(found, dict):
        parts = found.items()
    elif isinstance(found, list | tuple):
        parts = enumerate(found)
    for key, part in parts:
        yield from _walk(part, f"{name}.{key}" if name else str(key), (*inside, id(found)))


def _check_fits(name: str, tensor: Tensor, new: Tensor) -> None:
    if new.shape != tensor.shape:
        raise ShapeError(
            f"{name} has shape {tensor.shape}, the state has {new.shape}",
            why="a state fits the network that it was taken from",
            mend="build the network with the sizes of the state",
        )
    if new.dtype is not tensor.dtype:
        raise DTypeError(
            f"{name} is {tensor.dtype}, the state has {new.dtype}",
            why="the dtype stays",
            mend="cast it first",
        )


def _listed(names: list[str]) -> str:
    if not names:
        return "nothing"
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
