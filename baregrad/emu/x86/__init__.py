"""x86-64 run from its meanings: registers, flags, a step, a list. Read machine.py."""

from __future__ import annotations

from baregrad.emu.x86.machine import State, execute, shown, step

__all__ = ["State", "execute", "shown", "step"]
