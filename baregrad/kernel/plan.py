"""A list of Opts while it is chosen: the Shape so far, the Opts that made it, and the accesses that
choices look at.
"""

from __future__ import annotations

from baregrad.ir import UOp
from baregrad.kernel.access import Access, arithmetic
from baregrad.kernel.axes import Axis, Shape, is_copy
from baregrad.kernel.opts import Opt, apply, legal
from baregrad.target import Target


class Plan:
    """The Shape so far, and the Opts that made it."""

    __slots__ = ("arithmetic", "body", "opts", "shape", "target")

    def __init__(self, ast: UOp, target: Target) -> None:
        self.shape = Shape.of(ast)
        self.target = target
        self.opts: list[Opt] = []
        self.body: list[Access] = []
        self.arithmetic = arithmetic(self.shape.source)

    def do(self, name: str, *args: object) -> bool:
        """Apply a row if it is legal."""
        opt = Opt(name, tuple(str(a) for a in args))
        if not legal(self.shape, opt):
            return False
        self.shape = apply(self.shape, opt)
        self.opts.append(opt)
        return True

    def cut(self, name: str, n: int) -> tuple[str, str]:
        """Split n off an axis, ending as it best can; the names of the outer and the inner part, ""
        for none.
        """
        if n == 1:
            return name, ""
        if self.shape.by_name[name].size == n:
            return "", name
        for tail in ("", "overlap", "mask"):
            if tail == "overlap" and self.size(name) < n:
                continue
            if self.do("split", name, n, *([tail] if tail else [])):
                return name + "a", name + "b"
        return name, ""

    def size(self, name: str) -> int:
        """The size of an axis, or its greatest value where it is not constant; 1 for none."""
        return self.shape.by_name[name].most if name else 1

    def axes(self, kind: str) -> list[Axis]:
        """The kernel's own axes of a kind, outermost first; not those of copies."""
        return [a for a in self.shape.axes if a.kind == kind and not is_copy(a.name)]
