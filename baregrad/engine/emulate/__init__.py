"""AMD's GPUs run fast: instructions as compiled templates, stitched to native code. Read fast.py."""

from __future__ import annotations

from baregrad.engine.emulate.both import Both, Difference
from baregrad.engine.emulate.fast import Memory, Native, Waves
from baregrad.engine.emulate.runner import Fast
from baregrad.engine.emulate.templates import Made, Templates

__all__ = ["Both", "Difference", "Fast", "Made", "Memory", "Native", "Templates", "Waves"]
