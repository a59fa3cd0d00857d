"""Module: tensors and other modules as plain attributes, found by walking them.

Nothing is registered: an attribute that is a Tensor, a Module, or a list, tuple or dict of them belongs to
the module, under the name by which it is reached ("blocks.0.weight"); these are torch's names, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from baregrad.base.errors import BaregradError, DTypeError, ShapeError
from baregrad.tensor import Tensor, no_grad


class Module:
    """Base of layers and networks; `training` is what train() and eval() set."""

    training: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:  # Any: the arguments are the subclass's
        """An object with `training` before its own __init__ runs, so that a captured step sees it change."""
        self = super().__new__(cls)
        self.training = True
        return self

    def parts(self) -> Iterable[tuple[str, Any]]:  # Any: what is no tensor or module is passed over
        """What belongs to the module, with its names: the attributes."""
        return vars(self).items()

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor with its name; one that is reached by two names comes twice."""
        for name, found in _walk(self, ""):
            if isinstance(found, Tensor):
                yield name, found

    def modules(self) -> Iterator[Module]:
        """This module and all modules in it, each once."""
        seen: set[int] = set()
        for _, found in _walk(self, ""):
            if isinstance(found, Module) and id(found) not in seen:
                seen.add(id(found))
                yield found

    def parameters(self) -> list[Tensor]:
        """The tensors that gradients flow into, each once."""
        return list({id(t): t for _, t in self.named_tensors() if t.requires_grad}.values())

    def train(self, mode: bool = True) -> Self:
        """Behave as in training: dropout drops, batch norm uses the batch."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in use."""
        return self.train(False)

    def state_dict(self) -> dict[str, Tensor]:
        """All tensors by name, cut off from the tape: as they are now, whatever is assigned later."""
        return {name: tensor.detach() for name, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Tensor], strict: bool = True) -> None:
        """Assign tensors by name; nothing is assigned unless everything fits.

        `strict` refuses missing and unknown names.
        Errors: BaregradError naming what is missing or unknown; ShapeError; DTypeError.
        """
        own = dict(self.named_tensors())
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
        parts = found.parts()
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
