"""AMD's GPUs run from the meanings of their instructions: waves, workgroups, memory, launches.

`emulate` runs a kernel of a code object. Read state.py, then wave.py and launch.py; what an instruction
becomes is in emu/source.py. What is not here: meanings (isa/amd/meaning), the fast way (engine/emulate).
"""

from __future__ import annotations

from baregrad.emu.amd.allotted import beyond
from baregrad.emu.amd.code import Code, Meanings, Step
from baregrad.emu.amd.faults import GpuFault
from baregrad.emu.amd.group import Group, Runner, Witness
from baregrad.emu.amd.launch import Launch, Result, emulate
from baregrad.emu.amd.memory import Local, Memory
from baregrad.emu.amd.state import FAULTS, STOPS, Layout, layout, new
from baregrad.emu.amd.waits import Waits
from baregrad.emu.amd.watch import Change, Event, register, steps, stops
from baregrad.emu.amd.wave import Wave

__all__ = [
    "FAULTS", "STOPS", "Change", "Code", "Event", "GpuFault", "Group", "Launch", "Layout", "Local",
    "Meanings", "Memory", "Result", "Runner", "Step", "Waits", "Wave", "Witness", "beyond", "emulate",
    "layout", "new", "register", "steps", "stops",
]  # fmt: skip
