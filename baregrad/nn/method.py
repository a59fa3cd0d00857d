"""Method: the base of layers that are one method of Tensor with keywords of its own.

Activations, losses and pooling are made of it. Keywords are looked at when the layer is made, not when it is
called first.
"""

from __future__ import annotations

import inspect
from typing import Any

from baregrad.base.errors import BaregradError
from baregrad.nn.module import Module
from baregrad.tensor import Tensor


class Method(Module):
    """layer(x, *others) is x.method(*others, **keywords); the keywords are attributes of the layer.

    A keyword that is a tensor (a loss's weight) moves and is saved with the layer.
    Errors: BaregradError for a keyword that the method does not have, is given twice, or is missing.
    """

    method: str
    others: int = 0  # how many tensors a call takes besides x
    places: tuple[str, ...] | None = None  # keywords by place, where torch's order is not the method's

    def __init__(self, *given: Any, **keywords: Any) -> None:  # Any: the keywords of the method
        known = list(inspect.signature(getattr(Tensor, self.method)).parameters.values())[1 + self.others :]
        names = tuple(parameter.name for parameter in known)
        places = names if self.places is None else self.places
        facts = dict(zip(places, given, strict=False))
        twice, unknown = facts.keys() & keywords.keys(), keywords.keys() - set(names)
        facts |= keywords
        missing = [p.name for p in known if p.default is p.empty and p.name not in facts]
        wrong = (
            f"{len(given)} arguments by place" if len(given) > len(places)
            else f"{', '.join(sorted(twice))} twice" if twice
            else f"unknown {', '.join(sorted(unknown))}" if unknown
            else f"no {', '.join(missing)}" if missing
            else ""
        )  # fmt: skip
        if wrong:
            raise BaregradError(
                f"{type(self).__name__} with {wrong}",
                why=f"it takes {', '.join(names) or 'nothing'}; by place {', '.join(places) or 'nothing'}",
                mend="give these by name",
            )
        self._names = tuple(facts)
        for name, fact in facts.items():
            setattr(self, name, fact)

    def __call__(
        self, x: Tensor, *others: Tensor
    ) -> Any:  # Any: a tensor, or a tuple where places are wanted
        """x.method(*others, **keywords)."""
        return getattr(x, self.method)(*others, **{name: getattr(self, name) for name in self._names})
