"""x86-64 as data: tables of forms, and an encoder that reads them. Knows nothing of a compiler.

Read encoding.py first (how a row is written), then a table. Virtual registers appear in Inst as everywhere;
only physical ones can be encoded.
"""

from __future__ import annotations

from baregrad.isa.x86.builder import FORMS, SizedMem, assemble, form, forms, inst, mem
from baregrad.isa.x86.encode import Fixup, encode, fixups, resolve, signature
from baregrad.isa.x86.encoding import EVEX, LEGACY, VEX
from baregrad.isa.x86.registers import NAMES, NamedReg, name_of, register
from baregrad.isa.x86.table_scalar import CONDITIONS

__all__ = [
    "CONDITIONS",
    "EVEX",
    "FORMS",
    "LEGACY",
    "NAMES",
    "VEX",
    "Fixup",
    "NamedReg",
    "SizedMem",
    "assemble",
    "encode",
    "fixups",
    "form",
    "forms",
    "inst",
    "mem",
    "name_of",
    "register",
    "resolve",
    "signature",
]
