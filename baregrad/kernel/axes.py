"""The axes of a kernel while it is optimised: which there are, how they come from the kernel's ranges, what
accesses stride.

A Shape is immutable: an optimisation (opts.py) gives another one. Nothing is rewritten until build.py makes
the kernel of a Shape. Axes are named: the number of the range, with `a` and `b` behind it for the outer and
inner part of a split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from baregrad.base.errors import CompileError
from baregrad.ir import UOp, bounds, ops
from baregrad.kernel.affine import Affine, affine, joined
from baregrad.kernel.facts import PARALLEL, Facts, number, size_of


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its size and its kind. The size is None where it is a value: that of `limit`, which is a
    symbolic size, or what is left for a loop that stops early (no limit). `most` is its greatest value.
    """

    name: str
    size: int | None
    kind: str
    limit: UOp | None = None
    most: int = 0

    @property
    def known(self) -> bool:
        """Whether its size is a constant or a symbolic size, and not what is left for some iterations."""
        return self.size is not None or self.limit is not None

    @property
    def parallel(self) -> bool:
        """Whether its iterations do not know each other."""
        return self.kind in PARALLEL


def is_copy(name: str) -> bool:
    """Whether an axis is one of the copy of a panel (s0.2 copies along axis 2), or a part of one."""
    return name.startswith("s")


@dataclass(frozen=True, slots=True)
class Split:
    """axis = outer * n + inner. How an inexact one ends: `mask`, `overlap` (the last part begins
    early) or `rest`. `share`: n parts of a symbolic size, as equal as they can be.
    """

    axis: Axis
    outer: str
    inner: str
    n: int
    tail: str  # "" when exact


@dataclass(frozen=True, slots=True)
class Merge:
    """first = merged // n, second = merged % n; `dense`: first * n + second is all that is ever asked for."""

    first: Axis
    second: Axis
    merged: str
    n: int
    dense: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """The panel that a load reads along some axes, copied into scratch memory; `copies` are the axes
    of the copy.
    """

    load: int
    panel: tuple[str, ...]  # as they were named when the panel was staged
    sizes: tuple[int, ...]
    copies: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A kernel before it is optimised, with what all Shapes of it share."""

    ast: UOp

    @cached_property
    def facts(self) -> Facts:
        """The ranges of every node."""
        return Facts(self.ast)

    @cached_property
    def loads(self) -> list[UOp]:
        """The LOADs, in order; an optimisation names one by its place here."""
        return [n for n in self.facts.order if n.op is ops.LOAD]

    @cached_property
    def stores(self) -> list[UOp]:
        """The STOREs, in order."""
        return [n for n in self.facts.order if n.op is ops.STORE]

    @cached_property
    def reduces(self) -> list[UOp]:
        """The REDUCEs, in order."""
        return [n for n in self.facts.order if n.op is ops.REDUCE]

    @cached_property
    def _affines(self) -> dict[UOp, Affine]:
        return {}

    def offset(self, access: UOp) -> Affine:
        """The offset of a LOAD or STORE as a sum."""
        return joined(affine(access.src[0].src[1], self._affines), self._affines)

    def affine(self, node: UOp) -> Affine:
        """Any integer expression as a sum."""
        return affine(node, self._affines)

    def stride(self, access: UOp, r: UOp) -> int | None:
        """How far an access moves along a range; None where it is not a constant."""
        form = self.offset(access)
        bit = self.facts.bit[r]
        if any(t is not r and self.facts.mask[t] & bit for t in form.terms):
            return None
        return form.coefficient(r)


def _axis(r: UOp) -> Axis:
    """The axis of a range of the kernel."""
    size = size_of(r)
    if size is not None:
        return Axis(str(number(r)), size, r.arg[1], None, size)
    return Axis(str(number(r)), None, r.arg[1], r.src[0], max(bounds(r.src[0])[1], 1))


@dataclass(frozen=True)
class Shape:
    """The axes of a kernel in nesting order, outermost first, and how they came to be."""

    source: Source
    axes: tuple[Axis, ...]
    steps: tuple[Split | Merge, ...] = ()
    stages: tuple[Stage, ...] = ()

    @staticmethod
    def of(ast: UOp) -> Shape:
        """The Shape of a kernel as it stands: one axis a range."""
        source = Source(ast)
        return Shape(source, tuple(map(_axis, source.facts.ranges)))

    @cached_property
    def by_name(self) -> dict[str, Axis]:
        """The axes by name."""
        return {axis.name: axis for axis in self.axes}

    def place(self, name: str) -> int:
        """Where an axis stands."""
        for i, axis in enumerate(self.axes):
            if axis.name == name:
                return i
        raise CompileError(
            f"no axis {name}",
            why=f"the axes are {', '.join(a.name for a in self.axes)}",
            mend="name one of them",
        )

    def replaced(self, name: str, *new: Axis) -> tuple[Axis, ...]:
        """The axes with others in the place of one."""
        at = self.place(name)
        return (*self.axes[:at], *new, *self.axes[at + 1 :])

    def with_kind(self, name: str, kind: str) -> Shape:
        """The Shape with an axis of another kind."""
        return replace(self, axes=self.replaced(name, replace(self.axes[self.place(name)], kind=kind)))

    def origin(self, name: str) -> UOp | None:
        """The range that an axis is a part of; None for an axis of a merge or a copy."""
        for step in reversed(self.steps):
            if isinstance(step, Split) and name in (step.outer, step.inner):
                name = step.axis.name
            elif isinstance(step, Merge) and name == step.merged:
                if not step.dense:
                    return None
                name = step.second.name
        return next((r for r in self.source.facts.ranges if str(number(r)) == name), None)
