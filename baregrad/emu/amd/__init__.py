"""AMD's GPUs run from the meanings of their instructions: waves, workgroups, memory. Read state.py."""

from __future__ import annotations

from baregrad.emu.amd.state import FAULTS, STOPS, Layout, layout, new

__all__ = ["FAULTS", "STOPS", "Layout", "layout", "new"]
