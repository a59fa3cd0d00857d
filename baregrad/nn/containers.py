"""Modules of modules: Sequential, ModuleList, ModuleDict. Their parts have torch's names: "0", "1", …"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from baregrad.base.errors import BaregradError, IndexingError
from baregrad.nn.module import Module
from baregrad.tensor import Tensor


class _Row(Module):
    """Parts by number; each is an attribute by that name."""

    def _parts(self) -> list[Any]:  # Any: modules, or functions of tensors
        return [part for name, part in vars(self).items() if name.isdecimal()]

    def _fill(self, parts: Iterable[Any]) -> None:  # Any: as above
        for name in [name for name in vars(self) if name.isdecimal()]:
            delattr(self, name)
        for place, part in enumerate(parts):
            setattr(self, str(place), part)

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts())

    def __getitem__(self, index: int | slice) -> Any:  # Any: a part, or this class with some of them
        if isinstance(index, slice):
            some = type(self)()
            some._fill(self._parts()[index])
            return some
        parts = self._parts()
        self._check(index, len(parts))
        return parts[index]

    def __setitem__(self, index: int, part: Any) -> None:  # Any: a part
        parts = self._parts()
        self._check(index, len(parts))
        setattr(self, str(index % len(parts)), part)

    def __delitem__(self, index: int) -> None:
        parts = self._parts()
        self._check(index, len(parts))
        del parts[index]
        self._fill(parts)

    def _check(self, index: int, count: int) -> None:
        if not -count <= index < count:
            raise IndexingError(
                f"part {index} of {type(self).__name__}", why=f"it has {count} parts", mend="give one of them"
            )

    def append(self, part: Any) -> Self:  # Any: a part
        """One part more."""
        setattr(self, str(len(self)), part)
        return self

    def insert(self, index: int, part: Any) -> None:  # Any: a part
        """One part more, before the one at `index`."""
        parts = self._parts()
        parts.insert(index, part)
        self._fill(parts)

    def extend(self, parts: Iterable[Any]) -> Self:  # Any: parts
        """More parts."""
        self._fill([*self._parts(), *parts])
        return self


class Sequential(_Row):
    """Layers, or any functions of a tensor, one after the other; or a dict of them by name."""

    _named: tuple[str, ...] = ()

    def __init__(self, *layers: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]]) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            self._named = tuple(layers[0])
            for name, layer in layers[0].items():
                setattr(self, name, layer)
        else:
            self._fill(layers)
        for layer in self._parts():
            if not callable(layer):
                raise BaregradError(
                    f"{layer!r} in a Sequential",
                    why="it calls its parts one after the other",
                    mend="give layers, or functions of a tensor",
                )

    def _parts(self) -> list[Any]:  # Any: modules, or functions of tensors
        return [vars(self)[name] for name in self._named] if self._named else super()._parts()

    def __call__(self, x: Any) -> Any:  # Any: what the layers take and give
        """The last layer of … of the first layer of x."""
        for layer in self._parts():
            x = layer(x)
        return x


class ModuleList(_Row):
    """Modules by number; it computes nothing."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._fill(modules)


class ParameterList(_Row):
    """Tensors by number; it computes nothing."""

    def __init__(self, parameters: Iterable[Tensor] = ()) -> None:
        self._fill(parameters)


class ModuleDict(Module):
    """Modules by name; it computes nothing."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        """More modules, or others by the same names."""
        for name, module in modules.items():
            self[name] = module

    def keys(self) -> list[str]:
        """The names."""
        return [name for name, _ in self.named_children()]

    def values(self) -> list[Module]:
        """The modules."""
        return list(self.children())

    def items(self) -> list[tuple[str, Module]]:
        """Names and modules."""
        return list(self.named_children())

    def pop(self, name: str) -> Module:
        """The module by a name, taken out."""
        found = self[name]
        delattr(self, name)
        return found

    def __getitem__(self, name: str) -> Module:
        found = vars(self).get(name)
        if not isinstance(found, Module):
            raise IndexingError(
                f"module {name!r}", why=f"the names are {', '.join(self.keys())}", mend="give one of them"
            )
        return found

    def __setitem__(self, name: str, module: Module) -> None:
        setattr(self, name, module)

    def __contains__(self, name: str) -> bool:
        return isinstance(vars(self).get(name), Module)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())
