"""x86-64 as data: tables of forms, and an encoder, a decoder and text that read them. Knows nothing of a
compiler.

Read encoding.py first (how a row is written), then a table. Virtual registers appear in Inst as everywhere;
only physical ones can be encoded.
"""

from __future__ import annotations

from baregrad.isa.x86.builder import FORMS, SizedMem, assemble, form, forms, inst, mem
from baregrad.isa.x86.decode import decode
from baregrad.isa.x86.encode import RIP, Fixup, encode, fixups, resolve, signature
from baregrad.isa.x86.encoding import EVEX, LEGACY, VEX
from baregrad.isa.x86.features import CPUID_BYTES, FEATURES, brand, caches, cpuid_code, features, vendor
from baregrad.isa.x86.registers import NAMES, NamedReg, name_of, register
from baregrad.isa.x86.table_scalar import CONDITIONS
from baregrad.isa.x86.text import Line, disassemble, text

__all__ = [
    "CONDITIONS",
    "CPUID_BYTES",
    "EVEX",
    "FEATURES",
    "FORMS",
    "LEGACY",
    "NAMES",
    "RIP",
    "VEX",
    "Fixup",
    "Line",
    "NamedReg",
    "SizedMem",
    "assemble",
    "brand",
    "caches",
    "cpuid_code",
    "decode",
    "disassemble",
    "encode",
    "features",
    "fixups",
    "form",
    "forms",
    "inst",
    "mem",
    "name_of",
    "register",
    "resolve",
    "signature",
    "text",
    "vendor",
]
