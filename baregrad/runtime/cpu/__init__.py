"""The CPU device: an x86-64 processor running machine code that is ours down to the worker loop.

Read device.py first. What is not here: making the code (baregrad/render).
"""

from __future__ import annotations

from baregrad.runtime.cpu.device import CpuDevice

__all__ = ["CpuDevice"]
