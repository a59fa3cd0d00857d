"""Code objects: the ELF files that AMD's GPUs load, read and written.

`read(bytes)` gives a CodeObject: its target, its kernels (name, code, descriptor), its metadata.
`write(target, kernels, metadata)` gives the bytes of one. Kernel descriptors are tables of rows, to and from
their 64 bytes and the `.amdhsa_` directives. What is not here: instructions. Read objects.py first.
"""

from __future__ import annotations

from baregrad.isa.amd.code_object import metadata
from baregrad.isa.amd.code_object.descriptor import Descriptor
from baregrad.isa.amd.code_object.directives import directives, from_directives, inst_pref_size
from baregrad.isa.amd.code_object.layout import write
from baregrad.isa.amd.code_object.objects import CodeObject, Kernel, read
from baregrad.isa.amd.code_object.target import CHIPS, FAMILIES, Chip, Family, Target

__all__ = [
    "CHIPS", "FAMILIES", "Chip", "CodeObject", "Descriptor", "Family", "Kernel", "Target", "directives",
    "from_directives", "inst_pref_size", "metadata", "read", "write",
]  # fmt: skip
