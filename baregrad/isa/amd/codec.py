"""Words of machine code and the fields in them: `split` takes an instruction apart, `join` puts it together.

Everything here follows from the formats of the manual: which bits name the format, where its fields lie, how
long it is, and which extra words follow (a literal, DPP, SDWA, addresses of images). What is not here: what a
field's value means as an operand, and how an instruction is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import Field, Format, Instruction, Tables, tables

LITERAL = 255
SOURCES = ("SRC0", "SRC1", "SRC2", "SSRC0", "SSRC1", "SRCX0", "SRCY0")
# What stands behind a format, if it names itself in the field SRC0.
EXTENSIONS = {"DPP16": 250, "DPP8": 233, "DPP8FI": 234, "DPP": 250, "SDWA": 249, "SDWAB": 249}
# Formats that share bits are told apart by a field: (format, field) -> the format for each value.
SEGMENTS = {"FLAT": ("SEG", {0: "FLAT", 1: "SCRATCH", 2: "GLOBAL"})}


@dataclass(frozen=True)
class Word:
    """An instruction as fields: `values` has those of the format and of its extension, but not the opcode and
    the encoding; `extension` is the name of the format behind it ("" for none).
    """

    entry: Instruction
    values: dict[str, int]
    extension: str = ""
    literal: int | None = None
    extra: tuple[int, ...] = field(default=())


class Shape(NamedTuple):
    """A format's bits: an instruction is of it if its first word & mask == wanted."""

    format: Format
    mask: int
    wanted: int
    size: int
    op: Field | None


@dataclass(frozen=True)
class Codec:
    """What decoding needs of an architecture, built once."""

    tables: Tables
    shapes: tuple[Shape, ...]
    entries: dict[tuple[str, int], Instruction]


@memo
def codec(arch: str) -> Codec:
    """The codec of an architecture. Errors: ConfigError."""
    found = tables(arch)
    shapes = [shape(one) for one in found.formats.values() if one.encoding]
    shapes.sort(key=lambda one: -one.mask.bit_count())
    entries = {(one.format, one.opcode): one for one in found.instructions}
    return Codec(found, tuple(shapes), entries)


def shape(one: Format) -> Shape:
    """Where a format's encoding lies, and its size in bytes."""
    encoding = one.fields["ENCODING"]
    mask = place(encoding, (1 << encoding.width) - 1)
    bits = max(high for each in one.fields.values() for high, _ in each.parts) + 1
    return Shape(
        one, mask, place(encoding, int(one.encoding, 2)), 8 if bits > 32 else 4, one.fields.get("OP")
    )


def place(where: Field, value: int) -> int:
    """A value's bits at the places of a field."""
    word, rest = 0, where.width
    for high, low in where.parts:
        rest -= high - low + 1
        word |= (value >> rest & ((1 << (high - low + 1)) - 1)) << low
    return word


def take(where: Field, word: int) -> int:
    """The value of a field."""
    value = 0
    for high, low in where.parts:
        value = value << (high - low + 1) | (word >> low & ((1 << (high - low + 1)) - 1))
    return value


def split(arch: str, data: bytes | memoryview, at: int = 0) -> tuple[Word, int]:
    """The instruction at an offset, and its size in bytes.

    Errors: EncodingError for bytes that are no instruction of the architecture, or cut off.
    """
    found = codec(arch)
    first = dword(data, at)
    for one in found.shapes:
        if first & one.mask == one.wanted:
            word = first | (dword(data, at + 4) << 32 if one.size == 8 else 0)
            entry = entry_of(found, one, word)
            if entry is not None:
                return whole(found, one, entry, word, data, at)
    raise EncodingError(
        f"{first:#010x} is no instruction of {found.tables.arch.chip}",
        why="no format with this encoding has this opcode",
        mend="the bytes may be data, or code of another chip",
    )


def dword(data: bytes | memoryview, at: int) -> int:
    """The 32-bit word at an offset. Errors: EncodingError beyond the end."""
    if at + 4 > len(data):
        raise EncodingError(
            f"{len(data) - at} bytes are left at {at}",
            why="an instruction is one or more words of 4 bytes",
            mend="give all of its bytes",
        )
    return int.from_bytes(data[at : at + 4], "little")


def entry_of(found: Codec, one: Shape, word: int) -> Instruction | None:
    """The entry with a word's opcode, in the format or in one that shares its bits."""
    name = one.format.name
    if name in SEGMENTS:
        where, names = SEGMENTS[name]
        name = names.get(take(one.format.fields[where], word), name)
    return found.entries.get((name, 0 if one.op is None else take(one.op, word)))


def whole(
    found: Codec, one: Shape, entry: Instruction, word: int, data: bytes | memoryview, at: int
) -> tuple[Word, int]:
    """The fields of a word and of what stands behind it."""
    values = fields_of(one.format, word)
    size, literal, extension = one.size, None, ""
    source = values.get("SRC0")
    for name, code in EXTENSIONS.items():
        if (
            source == code
            and name in found.tables.formats
            and one.format.name in ("VOP1", "VOP2", "VOPC", "VOP3")
        ):
            more = dword(data, at + size) << 32
            values |= fields_of(found.tables.formats[name], more)
            extension, size = name, size + 4
    if any(values.get(name) == LITERAL for name in SOURCES):
        literal = dword(data, at + size)
        size += 4
    return Word(entry, values, extension, literal), size


def fields_of(one: Format, word: int) -> dict[str, int]:
    """The values of a format's fields, without encoding and opcode."""
    return {name: take(where, word) for name, where in one.fields.items() if name not in ("ENCODING", "OP")}
