"""From LINEAR lists to programs: `render(linear, target) -> Program`. Targets are rows in targets.py;
machine/ is what all instruction sets share, x86/ selects instructions. No device is needed for any
of it.
"""

from baregrad.render.program import Program
from baregrad.render.targets import AVX2, AVX512, TARGETS, host_target
from baregrad.render.x86.renderer import render

__all__ = ["AVX2", "AVX512", "TARGETS", "Program", "host_target", "render"]
