"""Writing a code object: sections, segments, symbols and hashes in the places where lld puts them.

Loaders map the segments and look kernels up in the dynamic symbols, and tools expect lld's order, so that the
loaded parts are byte for byte what lld makes of the same kernels. What is not here: linking, global
variables, debug information. Read objects.py first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from baregrad.base.errors import EncodingError
from baregrad.isa import elf
from baregrad.isa.amd.code_object import metadata as notes
from baregrad.isa.amd.code_object.descriptor import SIZE
from baregrad.isa.amd.code_object.objects import SUFFIX, Kernel
from baregrad.isa.amd.code_object.target import ABI_VERSIONS, HSA, MACHINE, S_NOP, Family, Target

PAGE = 0x1000
CODE_ALIGN = 256
SEGMENTS = 8
ALLOC = elf.SHF_ALLOC
NAMES = (".note", ".dynsym", ".gnu.hash", ".hash", ".dynstr", ".rodata", ".text", ".dynamic",
         ".relro_padding", ".symtab", ".shstrtab", ".strtab")  # fmt: skip
INDEX = {name: number for number, name in enumerate(NAMES, 1)}


def write(
    target: Target,
    kernels: Iterable[Kernel],
    metadata: Mapping[str, notes.Value] | bytes,
    *,
    version: int = 5,
) -> bytes:
    """The file of a code object; the entry in each descriptor is set to where the kernel's code comes to lie.

    `metadata` is the map, or the note's bytes. Errors: EncodingError for what no code object holds;
    ConfigError where a map is given and msgpack is not installed.
    """
    kernels = tuple(kernels)
    _check(kernels, target, version)
    note = metadata if isinstance(metadata, bytes) else notes.write(metadata)
    code, starts = _code(kernels, target.family)
    sections = _loaded(kernels, elf.note(elf.Note(notes.OWNER, notes.KIND, note)), code, starts)
    segments = _segments(sections)
    sections += _unloaded(kernels, sections, starts)
    end = sections[-1].offset + sections[-1].size
    return elf.write(
        elf.Elf(
            elf.ET_DYN, MACHINE, target.flags, HSA, ABI_VERSIONS[version], 0, segments, tuple(sections),
            sections_at=_up(end, 8), names_in=INDEX[".shstrtab"], source="code object",
        )
    )  # fmt: skip


def _check(kernels: Sequence[Kernel], target: Target, version: int) -> None:
    """Refuse what no code object holds."""
    names = [one.name for one in kernels]
    faults = {
        f"version {version}": version not in ABI_VERSIONS,
        "no kernels": not kernels,
        "two kernels of one name": len(set(names)) < len(names),
        "a name that is empty or has a byte 0": any(not name or "\0" in name for name in names),
        "code that is not whole words": any(len(one.code) % 4 or not one.code for one in kernels),
        f"a descriptor that is not of {target.family.name}": any(
            one.descriptor.family is not target.family for one in kernels
        ),
    }
    found = [text for text, wrong in faults.items() if wrong]
    if found:
        raise EncodingError(
            f"a code object with {', '.join(found)}",
            why=f"it has kernels of different names for one family, and a version of {list(ABI_VERSIONS)}",
            mend="mend what is given to write()",
        )


def _code(kernels: Sequence[Kernel], family: Family) -> tuple[bytes, list[int]]:
    """The section .text, and where in it each kernel begins; behind the last the chip may read ahead."""
    out, starts = bytearray(), []
    for one in kernels:
        out += S_NOP.to_bytes(4, "little") * ((_up(len(out), CODE_ALIGN) - len(out)) // 4)
        starts.append(len(out))
        out += one.code
    words = (_up(len(out), family.pad_align) - len(out)) // 4 + family.pads
    return bytes(out + family.pad.to_bytes(4, "little") * words), starts


def _loaded(kernels: Sequence[Kernel], note: bytes, code: bytes, starts: Sequence[int]) -> list[elf.Section]:
    """The empty section and those that are loaded, each at its address."""
    plain = _symbols(kernels, starts, 0, 0)
    ordered = [elf.Symbol(""), *elf.gnu_hash_order(plain)]
    names = elf.string_table([one.name for one in plain])
    sizes = (len(note), elf.SYMBOL.size * len(ordered), len(elf.gnu_hash_table(ordered)),
             len(elf.hash_table(ordered)), len(names), SIZE * len(kernels))  # fmt: skip
    at, places = elf.HEADER.size + SEGMENTS * elf.SEGMENT.size, []
    for size, align in zip(sizes, (4, 8, 8, 4, 1, 64)):
        places.append(_up(at, align))
        at = places[-1] + size
    note_at, symbols_at, gnu_at, hash_at, names_at, rodata = places
    text = _up(_next_page(at), CODE_ALIGN)
    text_offset = at + (text - at) % PAGE
    dynamic = _up(_next_page(text + len(code)), 8)
    dynamic_offset = text_offset + len(code) + (dynamic - text - len(code)) % PAGE
    descriptors = b"".join(
        one.descriptor.replace(entry_offset=(text + start - rodata - SIZE * number) % (1 << 64)).bytes
        for number, (one, start) in enumerate(zip(kernels, starts))
    )
    symbols = [elf.Symbol(""), *elf.gnu_hash_order(_symbols(kernels, starts, text, rodata))]
    table = _dynamic(symbols_at, names_at, len(names), gnu_at, hash_at)
    padding = -(dynamic + len(table)) % PAGE
    code_, data = ALLOC | elf.SHF_EXECINSTR, ALLOC | elf.SHF_WRITE
    strings, names_of = INDEX[".dynstr"], INDEX[".dynsym"]
    rows = elf.symbol_table(symbols, names)
    gnu, hashes = elf.gnu_hash_table(symbols), elf.hash_table(symbols)
    end = (dynamic + len(table), dynamic_offset + len(table))
    # fmt: off
    return [
        elf.Section("", 0, align=0),
        _section(".note",     elf.NOTES,         ALLOC, (note_at, note_at), note, 4),
        _section(".dynsym",   elf.DYNSYM,        ALLOC, (symbols_at, symbols_at), rows, 8, (strings, 1, 24)),
        _section(".gnu.hash", elf.GNU_HASH,      ALLOC, (gnu_at, gnu_at), gnu, 8, (names_of, 0, 0)),
        _section(".hash",     elf.HASH,          ALLOC, (hash_at, hash_at), hashes, 4, (names_of, 0, 4)),
        _section(".dynstr",   elf.STRTAB,        ALLOC, (names_at, names_at), names, 1),
        _section(".rodata",   elf.PROGBITS,      ALLOC, (rodata, rodata), descriptors, 64),
        _section(".text",     elf.PROGBITS,      code_, (text, text_offset), code, CODE_ALIGN),
        _section(".dynamic",  elf.DYNAMIC_TABLE, data, (dynamic, dynamic_offset), table, 8, (strings, 0, 16)),
        elf.Section(".relro_padding", elf.NOBITS, data, *end, padding),
    ]
    # fmt: on


def _section(
    name: str,
    kind: int,
    flags: int,
    at: tuple[int, int],
    data: bytes,
    align: int,
    table: tuple[int, int, int] = (0, 0, 0),
) -> elf.Section:
    """A section with its bytes; `at`: address and offset; `table`: link, info and size of a row."""
    link, info, row = table
    return elf.Section(name, kind, flags, *at, len(data), link, info, align, row, memoryview(data))


def _symbols(kernels: Sequence[Kernel], starts: Sequence[int], text: int, rodata: int) -> list[elf.Symbol]:
    """Each kernel's function and descriptor, at their addresses."""
    found = []
    for number, (one, start) in enumerate(zip(kernels, starts)):
        found += [
            elf.Symbol(
                one.name, text + start, len(one.code), elf.FUNC, elf.GLOBAL, elf.PROTECTED, INDEX[".text"]
            ),
            elf.Symbol(
                one.name + SUFFIX, rodata + SIZE * number, SIZE, elf.OBJECT, elf.GLOBAL, elf.DEFAULT,
                INDEX[".rodata"],
            ),
        ]  # fmt: skip
    return found


def _dynamic(symbols: int, names: int, names_size: int, gnu: int, hashes: int) -> bytes:
    """The dynamic table, in lld's order."""
    rows = ((elf.DT_SYMTAB, symbols), (elf.DT_SYMENT, elf.SYMBOL.size), (elf.DT_STRTAB, names),
            (elf.DT_STRSZ, names_size), (elf.DT_GNU_HASH, gnu), (elf.DT_HASH, hashes),
            (elf.DT_NULL, 0))  # fmt: skip
    return b"".join(elf.DYNAMIC.pack(*row) for row in rows)


def _segments(sections: Sequence[elf.Section]) -> tuple[elf.Segment, ...]:
    """The segments of the loaded sections."""
    by_name = {one.name: one for one in sections}
    note, rodata, text = by_name[".note"], by_name[".rodata"], by_name[".text"]
    dynamic, padding = by_name[".dynamic"], by_name[".relro_padding"]
    head, table = elf.HEADER.size, SEGMENTS * elf.SEGMENT.size
    first = rodata.address + rodata.size
    read, write_, run = elf.PF_R, elf.PF_R | elf.PF_W, elf.PF_R | elf.PF_X
    size, memory = dynamic.size, dynamic.size + padding.size

    def segment(kind: int, flags: int, one: elf.Section, memory: int, align: int) -> elf.Segment:
        """The segment of a section."""
        return elf.Segment(kind, flags, one.offset, one.address, one.address, one.size, memory, align)

    return (
        elf.Segment(elf.PT_PHDR, read, head, head, head, table, table, 8),
        elf.Segment(elf.PT_LOAD, read, 0, 0, 0, first, first, PAGE),
        segment(elf.PT_LOAD, run, text, text.size, PAGE),
        segment(elf.PT_LOAD, write_, dynamic, memory, PAGE),
        segment(elf.PT_DYNAMIC, write_, dynamic, size, 8),
        segment(elf.PT_GNU_RELRO, read, dynamic, memory, 1),
        elf.Segment(elf.PT_GNU_STACK, write_, 0, 0, 0, 0, 0, 0),
        segment(elf.PT_NOTE, read, note, note.size, 4),
    )


def _unloaded(
    kernels: Sequence[Kernel], sections: Sequence[elf.Section], starts: Sequence[int]
) -> list[elf.Section]:
    """The sections for tools: all symbols, and the names of sections and symbols."""
    by_name = {one.name: one for one in sections}
    dynamic, text, rodata = by_name[".dynamic"], by_name[".text"].address, by_name[".rodata"].address
    symbols = [
        elf.Symbol(""),
        elf.Symbol("_DYNAMIC", dynamic.address, other=elf.HIDDEN, section=INDEX[".dynamic"]),
        *_symbols(kernels, starts, text, rodata),
    ]
    names = elf.string_table([one.name for one in symbols])
    at = _up(dynamic.offset + dynamic.size, 8)
    rows = elf.symbol_table(symbols, names)
    labels = elf.string_table(NAMES)
    return [
        _section(".symtab", elf.SYMTAB, 0, (0, at), rows, 8, (INDEX[".strtab"], 2, 24)),
        _section(".shstrtab", elf.STRTAB, 0, (0, at + len(rows)), labels, 1),
        _section(".strtab", elf.STRTAB, 0, (0, at + len(rows) + len(labels)), names, 1),
    ]


def _up(at: int, align: int) -> int:
    """The next multiple of `align`."""
    return -(-at // align) * align


def _next_page(at: int) -> int:
    """Where a segment with other rights begins: on another page, as deep in it as the last one ended."""
    return _up(at, PAGE) + at % PAGE
