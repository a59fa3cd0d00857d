"""C structs as declared offsets over a memoryview.

A Layout is a table of fields, each with its offset and its `struct` format, written down where everybody can
see it: Python code reads and writes records through it, and emitted machine code addresses memory with the
same offsets. The table checks itself when it is built. What is not here: any particular struct (each driver
declares its own).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from baregrad.base.errors import DeviceError


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, its offset in bytes, its `struct` format ("I" u32, "Q" u64, "q" s64, ...)."""

    name: str
    offset: int
    format: str


class Layout:
    """A struct of `size` bytes with named fields.

    Errors: DeviceError when two fields have one name or overlap, when one is not aligned to its own size or
    does not fit in `size`.

    >>> point = Layout("point", 16, [Field("x", 0, "Q"), Field("y", 8, "I")])
    >>> memory = bytearray(32)
    >>> point.write(memory, 16, x=7, y=3)
    >>> point.read(memory, "y", 16), point.offset("y"), point.size
    (3, 8, 16)
    """

    __slots__ = ("_fields", "_structs", "name", "size")

    def __init__(self, name: str, size: int, fields: Sequence[Field]) -> None:
        self.name, self.size = name, size
        self._fields: dict[str, Field] = {}
        self._structs: dict[str, struct.Struct] = {}
        end, last = 0, "its start"
        for field in sorted(fields, key=lambda f: f.offset):
            packed = struct.Struct("<" + field.format)
            self._require(field.name not in self._fields, field, "another field has this name")
            self._require(field.offset >= end, field, f"it overlaps {last}, which ends at {end}")
            self._require(field.offset % packed.size == 0, field, f"it is not aligned to {packed.size} bytes")
            end, last = field.offset + packed.size, field.name
            self._require(end <= size, field, f"it ends at {end}, behind the struct's {size} bytes")
            self._fields[field.name], self._structs[field.name] = field, packed

    def _require(self, good: bool, field: Field, why: str) -> None:
        """Refuse a bad row of the table."""
        if not good:
            raise DeviceError(
                f"layout {self.name}: bad field {field.name} at offset {field.offset}",
                why=why,
                mend="mend the field's row in the layout's table",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The fields in the order of their offsets."""
        return tuple(self._fields)

    def offset(self, name: str) -> int:
        """Where the field begins, in bytes."""
        return self._fields[name].offset

    def bits(self, name: str) -> int:
        """The field's width."""
        return self._structs[name].size * 8

    def read(self, memory: memoryview | bytearray | bytes, name: str, at: int = 0) -> int:
        """The field's value in the record that begins at byte `at`."""
        value: int = self._structs[name].unpack_from(memory, at + self._fields[name].offset)[0]
        return value

    def write(self, memory: memoryview | bytearray, at: int = 0, /, **values: int) -> None:
        """Set fields of the record that begins at byte `at`."""
        for name, value in values.items():
            self._structs[name].pack_into(memory, at + self._fields[name].offset, value)
