"""ELF files of 64 bits, little-endian: read from bytes, written to bytes.

What is here: the header, sections, segments, symbols, notes, relocations, the dynamic table, and both hash
tables that a loader finds symbols by. What is not: what a machine puts into them (a code object of AMD is
isa/amd/code_object), linking, other widths and byte orders, more than 65,279 sections.

A file may be anybody's: each offset, size and count is checked against the bytes that are there before it is
used, and nothing is copied but names, whose total length is bounded by the file's. Source of the layouts:
System V ABI, chapters 4 and 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from baregrad.base.errors import BadFile, EncodingError

# fmt: off
HEADER = struct.Struct("<4sBBBBB7xHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
NOTE = struct.Struct("<III")
RELOCATION = struct.Struct("<QQ")     # REL
RELOCATION_A = struct.Struct("<QQq")  # RELA
DYNAMIC = struct.Struct("<qQ")

# What a section holds (sh_type), what a segment is for (p_type), what a file is (e_type).
PROGBITS, SYMTAB, STRTAB, RELA, HASH = 1, 2, 3, 4, 5
DYNAMIC_TABLE, NOTES, NOBITS, REL, DYNSYM = 6, 7, 8, 9, 11
GNU_HASH = 0x6FFFFFF6
PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_PHDR, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 4, 6, 0x6474E551, 0x6474E552
ET_REL, ET_DYN = 1, 3

# Bits of a section (sh_flags) and of a segment (p_flags).
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
PF_X, PF_W, PF_R = 1, 2, 4

# Symbols: what they name, who sees them, and sections that are none.
NOTYPE, OBJECT, FUNC = 0, 1, 2
LOCAL, GLOBAL, WEAK = 0, 1, 2
DEFAULT, HIDDEN, PROTECTED = 0, 2, 3
SHN_UNDEF, SHN_LORESERVE = 0, 0xFF00

DT_NULL, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_GNU_HASH = 0, 4, 5, 6, 10, 11, 0x6FFFFEF5
# fmt: on


class Segment(NamedTuple):
    """A row of the program header: `size` bytes at `offset` go to `memory_size` bytes at `address`."""

    type: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory_size: int
    align: int


class Symbol(NamedTuple):
    """A name for a place: `section` is a section's index, SHN_UNDEF, or one of those from SHN_LORESERVE."""

    name: str
    value: int = 0
    size: int = 0
    type: int = NOTYPE
    binding: int = LOCAL
    other: int = 0
    section: int = SHN_UNDEF

    @property
    def visibility(self) -> int:
        """DEFAULT, HIDDEN or PROTECTED."""
        return self.other & 3


class Note(NamedTuple):
    """A note: who wrote it, what kind it is for the writer, and its bytes."""

    owner: str
    type: int
    data: bytes


class Relocation(NamedTuple):
    """A place to be filled in at load time; `addend` is None where it stands in the place itself (REL)."""

    offset: int
    type: int
    symbol: int
    addend: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """A section. `data` is empty for NOBITS, whose `size` is only of memory.

    `name_at` is where its name begins in the table of names; -1: `write` looks for it.
    """

    name: str
    type: int
    flags: int = 0
    address: int = 0
    offset: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    align: int = 1
    entry_size: int = 0
    data: memoryview = field(default_factory=lambda: memoryview(b""))
    name_at: int = -1


@dataclass(frozen=True, slots=True)
class Elf:
    """An ELF file: its header's facts, its segments, its sections (section 0 is the empty one).

    `segments_at` and `sections_at` are where the two tables lie; `names_in` is the index of the section that
    holds the sections' names. `source` names the file in errors.
    """

    type: int
    machine: int
    flags: int = 0
    abi: int = 0
    abi_version: int = 0
    entry: int = 0
    segments: tuple[Segment, ...] = ()
    sections: tuple[Section, ...] = ()
    segments_at: int = HEADER.size
    sections_at: int = 0
    names_in: int = 0
    source: str = "ELF file"

    def section(self, name: str) -> Section | None:
        """The first section of this name."""
        return next((one for one in self.sections if one.name == name), None)

    def of_type(self, type: int) -> Section | None:
        """The first section of this type."""
        return next((one for one in self.sections if one.type == type), None)

    def symbols(self, section: Section | None) -> tuple[Symbol, ...]:
        """The symbols of a symbol table; none of None. Errors: BadFile."""
        if section is None:
            return ()
        names = self._strings(section.link, section.name)
        return tuple(
            Symbol(names.at(name), value, size, info & 15, info >> 4, other, index)
            for name, info, other, index, value, size in _rows(SYMBOL, section, self.source)
        )

    def notes(self) -> Iterator[Note]:
        """The notes of all note sections. Errors: BadFile."""
        end = 0
        for one in sorted((one for one in self.sections if one.type == NOTES), key=lambda one: one.offset):
            if one.offset < end:  # many sections could have one long list of notes
                raise _bad(self.source, f"the notes of {one.name} lie on those of another section")
            end = one.offset + one.size
            yield from notes(one.data, one.name, self.source)

    def relocations(self, section: Section) -> tuple[Relocation, ...]:
        """The rows of a section of relocations. Errors: BadFile."""
        if section.type == REL:
            rows = ((at, info, None) for at, info in _rows(RELOCATION, section, self.source))
            return tuple(Relocation(at, info & 0xFFFFFFFF, info >> 32, addend) for at, info, addend in rows)
        return tuple(
            Relocation(at, info & 0xFFFFFFFF, info >> 32, addend)
            for at, info, addend in _rows(RELOCATION_A, section, self.source)
        )

    def dynamic(self) -> tuple[tuple[int, int], ...]:
        """The dynamic table as (tag, value), up to its end. Errors: BadFile."""
        section = self.of_type(DYNAMIC_TABLE)
        found: list[tuple[int, int]] = []
        for tag, value in _rows(DYNAMIC, section, self.source) if section else ():
            if tag == DT_NULL:
                break
            found.append((tag, value))
        return tuple(found)

    def memory(self, address: int, size: int) -> memoryview:
        """The `size` bytes that a load puts at `address`. Errors: BadFile where no section has them."""
        for one in self.sections:
            if one.flags & SHF_ALLOC and one.type != NOBITS and _inside(address, size, one.address, one.size):
                return one.data[address - one.address : address - one.address + size]
        raise BadFile(
            f"{self.source}: no section has the {size} bytes at address {address:#x}",
            why="a symbol or a descriptor points there",
            mend="the file is corrupt: build or fetch it again",
        )

    def _strings(self, index: int, user: str) -> Strings:
        """The string table that a section links to."""
        if not 0 < index < len(self.sections) or self.sections[index].type != STRTAB:
            raise _bad(
                self.source, f"section {user} names section {index} as its strings, which are not there"
            )
        return Strings(self.sections[index].data, self.source)


class Strings:
    """Names of a string table by their offset. All names together are no longer than 8 times the table."""

    __slots__ = ("_known", "_left", "_source", "_table")

    def __init__(self, table: memoryview, source: str) -> None:
        self._table, self._source = bytes(table), source
        self._left = 8 * len(table) + 64
        self._known: dict[int, str] = {0: ""} if not len(table) else {}

    def at(self, offset: int) -> str:
        """The name that begins at an offset. Errors: BadFile."""
        name = self._known.get(offset)
        if name is not None:
            return name
        end = self._table.find(b"\0", offset, offset + self._left) if offset < len(self._table) else -1
        if end < 0:
            raise _bad(
                self._source, f"a name at offset {offset} of a string table of {len(self._table)} bytes"
            )
        self._left -= end - offset + 1
        try:
            name = self._table[offset:end].decode()
        except UnicodeDecodeError:
            raise _bad(self._source, f"the name at offset {offset} of a string table is no UTF-8") from None
        self._known[offset] = name
        return name


def read(data: bytes | bytearray | memoryview, source: str = "ELF file") -> Elf:
    """An ELF file of its bytes; sections are views of them. Errors: BadFile, and no other."""
    view = memoryview(data).cast("B")
    if len(view) < HEADER.size or bytes(view[:4]) != b"\x7fELF":
        raise _bad(source, f"{len(view)} bytes that begin with {bytes(view[:4])!r} are no ELF file")
    _, width, order, _, abi, abi_version, *rest = HEADER.unpack_from(view)
    if (width, order) != (2, 1):
        raise _bad(source, f"class {width}, byte order {order}: only 64 bits (2), little-endian (1) are read")
    file_type, machine, _, entry, segments_at, sections_at, flags, _, *counts = rest
    segment_size, segment_count, section_size, section_count, names_in = counts
    rows = _table(view, SEGMENT, segments_at, segment_count, segment_size, source)
    segments = tuple(
        Segment(kind, bits, at, address, physical, size, memory, align)
        for kind, bits, at, address, physical, size, memory, align in rows
    )
    for number, one in enumerate(segments):
        if not _inside(one.offset, one.size, 0, len(view)):
            raise _bad(source, f"segment {number}: {one.size} bytes at {one.offset} of {len(view)}")
    headers = list(_table(view, SECTION, sections_at, section_count, section_size, source))
    sections = _sections(view, headers, names_in, source)
    return Elf(
        file_type, machine, flags, abi, abi_version, entry, segments, sections, segments_at, sections_at,
        names_in, source,
    )  # fmt: skip


def _sections(
    view: memoryview, headers: list[tuple[int, ...]], names_in: int, source: str
) -> tuple[Section, ...]:
    """The sections of their headers, with their names."""
    if not headers:
        return ()
    data: list[memoryview] = []
    for number, (_, kind, _, _, at, size, *_) in enumerate(headers):
        if kind in (0, NOBITS):
            data.append(view[:0])
            continue
        if not _inside(at, size, 0, len(view)):
            raise _bad(source, f"section {number}: {size} bytes at {at} of {len(view)}")
        data.append(view[at : at + size])
    if names_in >= len(headers):
        raise _bad(source, f"the sections' names are in section {names_in} of {len(headers)}")
    names = Strings(data[names_in], source)
    return tuple(
        Section(names.at(name), kind, flags, address, at, size, link, info, align, entry, bytes_, name)
        for (name, kind, flags, address, at, size, link, info, align, entry), bytes_ in zip(headers, data)
    )


def notes(data: memoryview, name: str, source: str = "ELF file") -> Iterator[Note]:
    """The notes that stand one behind the other, each part padded to 4 bytes. Errors: BadFile."""
    at = 0
    while at < len(data):
        if len(data) - at < NOTE.size:
            raise _bad(source, f"{name} ends inside the header of a note")
        owner_size, size, kind = NOTE.unpack_from(data, at)
        begin = at + NOTE.size + -(-owner_size // 4) * 4
        if begin + size > len(data):
            raise _bad(source, f"{name}: a note of {owner_size} + {size} bytes at {at} of {len(data)}")
        owner = bytes(data[at + NOTE.size : at + NOTE.size + owner_size]).rstrip(b"\0")
        yield Note(owner.decode("latin-1"), kind, bytes(data[begin : begin + size]))
        at = begin + -(-size // 4) * 4


def write(elf: Elf) -> bytes:
    """The file's bytes: the header, both tables and each section where they say that they lie.

    Bytes that belong to nothing are 0. Errors: EncodingError for parts that lie on each other.
    """
    parts: list[tuple[int, bytes | memoryview, str]] = [(0, _file_header(elf), "the header")]
    if elf.segments:
        parts.append((elf.segments_at, b"".join(SEGMENT.pack(*one) for one in elf.segments), "segments"))
    if elf.sections:
        parts.append((elf.sections_at, _headers(elf), "sections"))
    parts += [(one.offset, one.data, one.name) for one in elf.sections if len(one.data)]
    parts.sort(key=lambda part: part[0])
    out = bytearray()
    for at, data, name in parts:
        if at < len(out):
            raise EncodingError(
                f"{elf.source}: {name} at {at:#x} lies on what ends at {len(out):#x}",
                why="each byte of a file belongs to one part",
                mend="give the parts offsets one behind the other",
            )
        out += bytes(at - len(out))
        out += data
    return bytes(out)


def _file_header(elf: Elf) -> bytes:
    """The first 64 bytes."""
    return HEADER.pack(
        b"\x7fELF", 2, 1, 1, elf.abi, elf.abi_version, elf.type, elf.machine, 1, elf.entry,
        elf.segments_at if elf.segments else 0, elf.sections_at, elf.flags, HEADER.size,
        SEGMENT.size if elf.segments else 0, len(elf.segments), SECTION.size, len(elf.sections), elf.names_in,
    )  # fmt: skip


def _headers(elf: Elf) -> bytes:
    """The table of sections; a section's name is found in the section that holds the names."""
    names = bytes(elf.sections[elf.names_in].data)
    rows = []
    for one in elf.sections:
        at = one.name_at if one.name_at >= 0 else _name_at(one.name, names)
        rows.append(
            SECTION.pack(
                at, one.type, one.flags, one.address, one.offset, one.size, one.link, one.info, one.align,
                one.entry_size,
            )
        )  # fmt: skip
    return b"".join(rows)


def string_table(names: Sequence[str]) -> bytes:
    """A string table that begins with the empty name, each name once, in their order."""
    return b"\0" + b"".join(name.encode() + b"\0" for name in dict.fromkeys(names) if name)


def symbol_table(symbols: Sequence[Symbol], names: bytes) -> bytes:
    """The bytes of symbols, whose names are in the string table `names`."""
    rows = []
    for one in symbols:
        at = _name_at(one.name, names)
        rows.append(SYMBOL.pack(at, one.binding << 4 | one.type, one.other, one.section, one.value, one.size))
    return b"".join(rows)


def _name_at(name: str, table: bytes) -> int:
    """Where a name begins in a string table: a name of its own, or the end of another's."""
    if not name:
        return 0
    wanted = name.encode() + b"\0"
    at = table.find(b"\0" + wanted) + 1 or table.find(wanted)
    if at < 0:
        raise EncodingError(
            f"the name {name!r} is not in the string table of {len(table)} bytes",
            why="sections and symbols are named by offsets into it",
            mend="make the table of all names: string_table(names)",
        )
    return at


def note(one: Note) -> bytes:
    """The bytes of a note."""
    owner = one.owner.encode() + b"\0"
    head = NOTE.pack(len(owner), len(one.data), one.type)
    return head + owner + bytes(-len(owner) % 4) + one.data + bytes(-len(one.data) % 4)


def hash_table(symbols: Sequence[Symbol]) -> bytes:
    """The table DT_HASH of a dynamic symbol table: as many buckets as symbols."""
    heads, chain = [0] * len(symbols), [0] * len(symbols)
    for index, one in enumerate(symbols[1:], 1):
        bucket = sysv_hash(one.name) % len(symbols)
        chain[index], heads[bucket] = heads[bucket], index
    return struct.pack(f"<{2 + 2 * len(symbols)}I", len(symbols), len(symbols), *heads, *chain)


def gnu_hash_order(symbols: Sequence[Symbol]) -> list[Symbol]:
    """Symbols in the order that DT_GNU_HASH wants: bucket by bucket."""
    buckets = max(len(symbols) // 4, 1)
    return sorted(symbols, key=lambda one: gnu_hash(one.name) % buckets)


def gnu_hash_table(symbols: Sequence[Symbol]) -> bytes:
    """The table DT_GNU_HASH of a dynamic symbol table whose symbols, all but the first, are in its order."""
    named = symbols[1:]
    hashes = [gnu_hash(one.name) for one in named]
    buckets = max(len(named) // 4, 1)
    words = 1 << (len(named) * 12 // 64).bit_length()
    bloom, heads, chain = [0] * words, [0] * buckets, []
    for index, value in enumerate(hashes):
        bloom[value // 64 % words] |= 1 << value % 64 | 1 << (value >> 26) % 64
        heads[value % buckets] = heads[value % buckets] or index + 1
        last = index + 1 == len(hashes) or hashes[index + 1] % buckets != value % buckets
        chain.append(value & ~1 | last)
    head = struct.pack("<4I", buckets, 1, words, 26)
    return head + struct.pack(f"<{words}Q{buckets + len(chain)}I", *bloom, *heads, *chain)


def sysv_hash(name: str) -> int:
    """The hash of a name in DT_HASH.

    >>> hex(sysv_hash("printf"))
    '0x77905a6'
    """
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value ^= value >> 24 & 0xF0
        value &= 0xFFFFFFF
    return value


def gnu_hash(name: str) -> int:
    """The hash of a name in DT_GNU_HASH.

    >>> hex(gnu_hash("printf"))
    '0x156b2bb8'
    """
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _inside(at: int, size: int, begin: int, length: int) -> bool:
    """True if the `size` bytes at `at` lie in the `length` bytes at `begin`."""
    return begin <= at and at + size <= begin + length


def _table(
    view: memoryview, row: struct.Struct, at: int, count: int, size: int, source: str
) -> Iterator[tuple[int, ...]]:
    """The rows of one of the header's two tables."""
    if not count:
        return iter(())
    if size != row.size:
        raise _bad(source, f"rows of {size} bytes in the table at {at:#x}, which has {row.size}")
    if not _inside(at, count * size, 0, len(view)):
        raise _bad(source, f"a table of {count} rows of {size} bytes at {at} of {len(view)}")
    return row.iter_unpack(view[at : at + count * size])


def _rows(row: struct.Struct, section: Section, source: str) -> Iterator[tuple[int, ...]]:
    """The rows of a section that is a table."""
    if len(section.data) % row.size:
        raise _bad(source, f"{section.name}: {len(section.data)} bytes are not rows of {row.size}")
    return row.iter_unpack(section.data)


def _bad(source: str, what: str) -> BadFile:
    """The error for a file that is not what it says."""
    return BadFile(
        f"{source}: {what}",
        why="every part of an ELF file lies inside it and has the size that its table says",
        mend="the file is corrupt or no ELF file of 64 bits: build or fetch it again",
    )
