"""Devices: memory, and running code on it. `open_device` opens one by name; read device.py first.

What is not here: anything of the compiler. The runtime gets bytes, a grid and an argument block.
"""

from __future__ import annotations

from baregrad.runtime import dlpack
from baregrad.runtime.device import (
    DEVICES,
    Address,
    Borrows,
    Device,
    HostView,
    Kernel,
    Launch,
    PeerCopy,
    Recording,
    TargetFacts,
    Timestamps,
    Usage,
    open_device,
)

__all__ = [
    "DEVICES",
    "Address",
    "Borrows",
    "Device",
    "HostView",
    "Kernel",
    "Launch",
    "PeerCopy",
    "Recording",
    "TargetFacts",
    "Timestamps",
    "Usage",
    "dlpack",
    "open_device",
]
