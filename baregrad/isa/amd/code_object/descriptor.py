"""The kernel descriptor: 64 bytes that tell the packet processor how to start a kernel.

What is here: the descriptor as an object with fields. Which fields there are is table_descriptor.py; the text
form (`.amdhsa_` directives) is directives.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from baregrad.base import memo
from baregrad.base.errors import BadFile, EncodingError
from baregrad.isa.amd.code_object.table_descriptor import ROWS, WORDS, Row
from baregrad.isa.amd.code_object.target import Family

SIZE = 64


@memo
def rows(family: str) -> dict[str, Row]:
    """The rows of a family's descriptor by name, in the table's order; they check themselves."""
    found: dict[str, Row] = {}
    taken = 0
    for row in ROWS:
        if family not in row.families:
            continue
        bits = (1 << row.width) - 1 << position(row)
        assert row.name not in found, f"{family} has two rows {row.name}"
        assert not taken & bits, f"{family}: {row.name} lies on bits of another row"
        taken |= bits
        found[row.name] = row
    return found


def position(row: Row) -> int:
    """The field's lowest bit, counted from the descriptor's first."""
    return WORDS[row.word] * 8 + row.low


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A kernel descriptor of a family: `value` is its 64 bytes as a number, the first byte the lowest.

    >>> from baregrad.isa.amd.code_object import FAMILIES
    >>> one = Descriptor.make(FAMILIES["gfx11"], kernarg_size=40, wavefront_size32=1)
    >>> one["kernarg_size"], one["dx10_clamp"], len(one.bytes)
    (40, 0, 64)
    >>> one.replace(kernarg_size=48)["kernarg_size"]
    48
    """

    family: Family
    value: int

    @staticmethod
    def make(family: Family, **fields: int) -> Descriptor:
        """A descriptor with these fields, all others 0. Errors: EncodingError."""
        return Descriptor(family, 0).replace(**fields)

    @staticmethod
    def read(data: bytes | memoryview, family: Family, source: str = "kernel descriptor") -> Descriptor:
        """The descriptor of its bytes. Errors: BadFile for another number of them."""
        if len(data) != SIZE:
            raise BadFile(
                f"{source}: {len(data)} bytes",
                why=f"a kernel descriptor has {SIZE}",
                mend="the file is corrupt: build or fetch it again",
            )
        return Descriptor(family, int.from_bytes(data, "little"))

    @property
    def bytes(self) -> bytes:
        """Its 64 bytes."""
        return self.value.to_bytes(SIZE, "little")

    def __getitem__(self, name: str) -> int:
        """A field's value. Errors: EncodingError for a field that the family does not have."""
        row = self._row(name)
        return self.value >> position(row) & (1 << row.width) - 1

    @property
    def fields(self) -> Mapping[str, int]:
        """All fields of the family with their values."""
        return {name: self[name] for name, row in rows(self.family.name).items() if row.width}

    @property
    def entry(self) -> int:
        """Where the kernel's first instruction is, in bytes from the descriptor's first byte on."""
        offset = self["entry_offset"]
        return offset - (offset >> 63 << 64)

    @property
    def stray(self) -> int:
        """The bits that are set and belong to no field: 0 in a descriptor that is right."""
        known = 0
        for row in rows(self.family.name).values():
            known |= (1 << row.width) - 1 << position(row)
        return self.value & ~known

    def replace(self, **fields: int) -> Descriptor:
        """The descriptor with other values in these fields. Errors: EncodingError."""
        value = self.value
        for name, number in fields.items():
            row = self._row(name)
            if not 0 <= number < 1 << row.width:
                raise EncodingError(
                    f"{name} of a {self.family.name} kernel can't be {number}",
                    why=f"the field has {row.width} bits",
                    mend=f"give it 0 ... {(1 << row.width) - 1}",
                )
            value &= ~((1 << row.width) - 1 << position(row))
            value |= number << position(row)
        return Descriptor(self.family, value)

    def _row(self, name: str) -> Row:
        """The row of a field."""
        row = rows(self.family.name).get(name)
        if row is None or not row.width:
            raise EncodingError(
                f"a kernel descriptor of {self.family.name} has no field {name!r}",
                why=f"it has {', '.join(n for n, r in rows(self.family.name).items() if r.width)}",
                mend="use one of these",
            )
        return row
