"""ELF files: real ones are written again byte for byte, wrong ones are refused with a reason."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from baregrad.base.errors import BadFile, EncodingError
from baregrad.isa import elf
from tests.isa.amd.triton import objects


def test_real_files_are_written_to_the_same_bytes() -> None:
    for name, data in objects().items():
        file = elf.read(data, name)
        assert elf.write(file) == data, name
        symbols = file.symbols(file.of_type(elf.DYNSYM))
        names = elf.string_table([one.name for one in symbols])
        made = {
            ".dynstr": names,
            ".dynsym": elf.symbol_table(symbols, names),
            ".hash": elf.hash_table(symbols),
            ".gnu.hash": elf.gnu_hash_table(symbols),
            ".note": b"".join(map(elf.note, file.notes())),
        }
        for section, got in made.items():
            assert got == bytes(file.section(section).data), f"{section} of {name}"


def test_symbols_and_the_dynamic_table_are_read() -> None:
    file = elf.read(objects()["softmax.gfx1100"])
    empty, function, descriptor = file.symbols(file.section(".dynsym"))
    assert empty == elf.Symbol("")
    assert function == elf.Symbol("softmax", 0x1600, 2264, elf.FUNC, elf.GLOBAL, elf.PROTECTED, 7)
    assert (function.visibility, descriptor.name, descriptor.size) == (elf.PROTECTED, "softmax.kd", 64)
    assert file.dynamic()[:2] == ((elf.DT_SYMTAB, 0x4E0), (elf.DT_SYMENT, 24))
    assert [one.type for one in file.segments][:2] == [elf.PT_PHDR, elf.PT_LOAD]
    assert file.symbols(None) == ()
    assert bytes(file.memory(0x1600, 4)) == bytes(file.section(".text").data[:4])


def relocatable(kind: int, rows: bytes) -> elf.Elf:
    """A file with one section of relocations."""
    names = elf.string_table([".rel", ".names"])
    sections = (
        elf.Section("", 0),
        elf.Section(".rel", kind, 0, 0, 64, len(rows), 0, 0, 8, 16, memoryview(rows)),
        elf.Section(".names", elf.STRTAB, 0, 0, 512, len(names), 0, 0, 1, 0, memoryview(names)),
    )
    return elf.read(elf.write(elf.Elf(elf.ET_REL, 62, sections=sections, sections_at=1024, names_in=2)))


def test_relocations_are_read() -> None:
    file = relocatable(elf.RELA, elf.RELOCATION_A.pack(16, 5 << 32 | 3, -4) * 2)
    assert file.relocations(file.sections[1]) == (elf.Relocation(16, 3, 5, -4),) * 2
    file = relocatable(elf.REL, elf.RELOCATION.pack(8, 2 << 32 | 1))
    assert file.relocations(file.sections[1]) == (elf.Relocation(8, 1, 2, None),)


def test_a_gnu_hash_table_of_many_symbols_finds_each() -> None:
    given = [elf.Symbol(f"kernel_{number}") for number in range(100)]
    symbols = [elf.Symbol(""), *elf.gnu_hash_order(given)]
    table = elf.gnu_hash_table(symbols)
    buckets, first, words, shift = struct.unpack_from("<4I", table)
    rest = struct.unpack_from(f"<{words}Q{buckets}I{len(given)}I", table, 16)
    bloom, heads, chain = rest[:words], rest[words : words + buckets], rest[words + buckets :]
    for one in given:
        value = elf.gnu_hash(one.name)
        word = bloom[value // 64 % words]
        assert word >> value % 64 & 1, one.name
        assert word >> (value >> shift) % 64 & 1, one.name
        index = heads[value % buckets]
        while symbols[index].name != one.name:
            assert not chain[index - first] & 1, f"{one.name} is not in its bucket"
            index += 1


BROKEN = [  # what, offset in softmax.gfx1100, format, value, words of the error
    ("magic", 0, "4s", b"\x7fELG", "no ELF file"),
    ("32 bits", 4, "B", 1, "64 bits"),
    ("big-endian", 5, "B", 2, "little-endian"),
    ("segments behind the end", 32, "Q", 1 << 40, "a table of 8 rows"),
    ("sections behind the end", 40, "Q", (1 << 64) - 1, "a table of 22 rows"),
    ("size of a segment's row", 54, "H", 55, "rows of 55 bytes"),
    ("size of a section's row", 58, "H", 0, "rows of 0 bytes"),
    ("many sections", 60, "H", 0xFFFF, "a table of 65535 rows"),
    ("names in no section", 62, "H", 22, "names are in section 22 of 22"),
    ("a segment's size", 64 + 56 + 32, "Q", 1 << 63, "segment 1"),
    ("a section's offset", 6472 + 64 + 24, "Q", 1 << 20, "section 1"),
    ("a section's name", 6472 + 64, "I", 1 << 31, "a name at offset"),
]


@pytest.mark.parametrize("what, at, form, value, words", BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_header_is_refused(what: str, at: int, form: str, value: int | bytes, words: str) -> None:
    data = bytearray(objects()["softmax.gfx1100"])
    struct.pack_into("<" + form, data, at, value)
    with pytest.raises(BadFile, match=words):
        elf.read(data, what)


def test_a_short_file_is_refused() -> None:
    data = objects()["add.gfx950"]
    for size in (0, 3, 63, 64, 600, len(data) - 1):
        with pytest.raises(BadFile, match="add"):
            elf.read(data[:size], "add")


def test_names_together_are_bounded() -> None:
    strings = elf.Strings(memoryview(b"a" * 1000 + b"\0"), "f")
    assert len([strings.at(offset) for offset in (0, 1, 1, 2, 999)]) == 5
    with pytest.raises(BadFile, match="a name at offset"):
        [strings.at(offset) for offset in range(1000)]


def test_a_note_that_is_longer_than_its_section_is_refused() -> None:
    for data in (bytes(11), elf.NOTE.pack(4, 100, 1) + b"AMD\0", elf.NOTE.pack(1 << 31, 0, 1)):
        with pytest.raises(BadFile, match=r"\.note"):
            list(elf.notes(memoryview(data), ".note"))


def test_sections_that_share_notes_are_refused() -> None:
    file = elf.read(objects()["add.gfx950"])
    twice = replace(file, sections=(*file.sections, file.section(".note")))
    with pytest.raises(BadFile, match="lie on those of another section"):
        list(twice.notes())


def test_parts_that_overlap_are_not_written() -> None:
    row = elf.Segment(elf.PT_LOAD, 4, 0, 0, 0, 0, 0, 8)
    with pytest.raises(EncodingError, match="segments at 0x20 lies on"):
        elf.write(elf.Elf(elf.ET_DYN, 62, segments=(row,), segments_at=32))
    with pytest.raises(EncodingError, match="'b' is not in the string table"):
        elf.symbol_table([elf.Symbol("b")], elf.string_table(["a"]))
