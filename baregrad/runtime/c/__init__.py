"""The C device: kernels as C text, compiled with the compiler of this machine, run on the calling thread.

Read device.py first. What is not here: making the text (baregrad/render/text).
"""

from __future__ import annotations

from baregrad.runtime.c.device import CDevice

__all__ = ["CDevice"]
