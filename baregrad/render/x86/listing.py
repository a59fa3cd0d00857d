"""A kernel's machine code as text: labels where branches go, then offset and instruction, one a line."""

from __future__ import annotations

from baregrad.isa.x86 import text
from baregrad.render.machine import Assembled


def listing(name: str, done: Assembled) -> str:
    """The listing of assembled code."""
    labels: dict[int, list[str]] = {}
    for label, place in done.labels.items():
        if place < done.code_bytes:
            labels.setdefault(place, []).append(label)
    lines = [f"{name}:"]
    for place, inst in done.places:
        lines += [f"{label}:" for label in labels.get(place, ())]
        lines.append(f"  {place:5x}  {text(inst)}")
    return "\n".join(lines) + "\n"
