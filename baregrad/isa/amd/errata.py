"""What the manuals print and is not so: each correction is a row with its evidence.

    field    "VOP3P.ENCODING"   the bits that are right, "31:24"
    opcodes  "VOP1 as VOP3A"    what is added to the opcode of the shorter format
    no body  "S_WAITCNT"        code that is not what the instruction does
    body     "DS_SWIZZLE_B32"   what it does, as a tree of ours

Whoever extracts a manual gets these rows applied and listed in the report; a row that corrects nothing is an
error.
"""

from __future__ import annotations

from typing import NamedTuple


class Erratum(NamedTuple):
    """One correction of one architecture's manual."""

    arch: str
    kind: str
    place: str
    right: str
    evidence: str


ERRATA = (
    Erratum("rdna3", "field", "VOP3P.ENCODING", "31:24", "8 digits are printed for the 6 bits [31:26]"),
    Erratum("rdna3", "field", "VINTERP.ENCODING", "31:24", "8 digits are printed for the 6 bits [31:26]"),
    Erratum(
        "rdna3",
        "field",
        "SMEM.GLC",
        "14:14",
        "bit 16 is printed; the assembler in Triton 3.9.0 encode it in bit 14",
    ),
    Erratum(
        "rdna3",
        "field",
        "SMEM.DLC",
        "13:13",
        "bit 14 is printed; the assembler in Triton 3.9.0 encode it in bit 13",
    ),
    Erratum("cdna3", "field", "VOP3P.ENCODING", "31:23", "9 digits are printed for the 8 bits [31:24]"),
    Erratum("cdna3", "field", "VOP3P-MAI.ENCODING", "31:23", "9 digits are printed for the 8 bits [31:24]"),
    Erratum("cdna4", "field", "VOP3P.ENCODING", "31:23", "9 digits are printed for the 8 bits [31:24]"),
    Erratum("cdna4", "field", "VOP3P-MAI.ENCODING", "31:23", "9 digits are printed for the 8 bits [31:24]"),
    Erratum("cdna4", "opcodes", "VOP1 as VOP3A", "0x140", "the section on VOP1 in VOP3 says + 0x140"),
    Erratum("cdna3", "opcodes", "VOP1 as VOP3A", "0x140", "the section on VOP1 in VOP3 says + 0x140"),
    Erratum("rdna4", "field", "VINTERP.ENCODING", "31:24", "8 digits are printed for the 6 bits [31:26]"),
    Erratum("cdna3", "no body", "S_WAITCNT", "", "lists the parts of the immediate operand"),
    Erratum("cdna4", "no body", "S_WAITCNT", "", "lists the parts of the immediate operand"),
)


def of(arch: str) -> tuple[Erratum, ...]:
    """The rows of one architecture."""
    return tuple(row for row in ERRATA if row.arch == arch)
