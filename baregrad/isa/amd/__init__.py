"""AMD's GPUs as data: tables extracted from the vendor's manuals, and what reads them.

Knows nothing of a compiler. Read extract/__init__.py for how the tables come to be, archs.py for what
they are.
"""

from __future__ import annotations

from baregrad.isa.amd.archs import ARCHS, Arch, Field, Format, Instruction, Tables, tables

__all__ = ["ARCHS", "Arch", "Field", "Format", "Instruction", "Tables", "tables"]
