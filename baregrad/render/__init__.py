"""From LINEAR lists to programs: `render(linear, target) -> Program`.

Targets are rows in targets.py; machine/ is what all instruction sets share, x86/ selects instructions, text/
writes C. No device is needed for any of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baregrad.base import load
from baregrad.base.errors import CompileError
from baregrad.render.program import Program
from baregrad.render.targets import AVX2, AVX512, TARGETS, C, host_target, target_for

if TYPE_CHECKING:
    from baregrad.lower import Linear
    from baregrad.target import Target

RENDERERS = {
    "x86-64": "baregrad.render.x86.renderer",
    "x86-64-windows": "baregrad.render.x86.renderer",
    "c": "baregrad.render.text.c",
}
"""The module of each architecture, loaded when it is first needed."""


def render(linear: Linear, target: Target) -> Program:
    """The program of a kernel for a target.

    Errors: CompileError for a line that the target has no code for, and for an architecture without renderer.
    """
    module = RENDERERS.get(target.arch)
    if module is None:
        raise CompileError(
            f"no renderer for {target.arch}, which {target.name} has",
            why=f"there are renderers for {', '.join(RENDERERS)}",
            mend="choose another target, or add a renderer to baregrad/render",
        )
    program: Program = load(module).render(linear, target)
    return program


__all__ = ["AVX2", "AVX512", "TARGETS", "C", "Program", "host_target", "render", "target_for"]
