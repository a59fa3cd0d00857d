"""optimize: a kernel and its Opts -> the kernel with axes split and kinds set."""

from __future__ import annotations

from collections.abc import Iterable

from baregrad.ir import UOp
from baregrad.kernel.axes import Shape
from baregrad.kernel.build import build
from baregrad.kernel.heuristic import heuristic
from baregrad.kernel.opts import Opt, apply
from baregrad.target import Target


def optimize(ast: UOp, target: Target, opts: Iterable[Opt] | None = None) -> UOp:
    """The kernel after a list of Opts; None: the heuristic's. The value is the same."""
    shape = Shape.of(ast)
    for opt in heuristic(ast, target) if opts is None else opts:
        shape = apply(shape, opt)
    return build(shape)
