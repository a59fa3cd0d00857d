"""Templates that come with the package, compiled: one file for each chip and level of processors.

A file has a header (magic, source of the compiler, target), an index of keys in order, and the programs, each
compressed alone with a digest of its own. It is mapped and looked up by halving, so that opening it costs a
fraction of a millisecond however much is in it. A file of another compiler or target is not used, nor one
that is cut off; an entry that is damaged is compiled as if it were not there. What is not here: which
templates are in it (usual.py), who writes the files (tools/warm_templates.py: `make warm`).
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

from baregrad.base import memo
from baregrad.base.errors import BadFile
from baregrad.base.events import emit
from baregrad.base.system import write_aside
from baregrad.engine.disk import source_digest
from baregrad.render import Program
from baregrad.target import Target

MAGIC = b"baregrad warm 1\n"
HEADER = struct.Struct("<16s32s32sIIQ")  # magic, compiler, target, entries, check of the index, bytes of all
ENTRY = struct.Struct("<16sQI16s")  # key, where it is, its bytes, digest of both
PROGRAM = struct.Struct("<III")  # grid, slots, bytes of the name; name and code are behind
DIRECTORY = Path(__file__).parent / "warm"
MEND = "make warm writes it again"


class Archive:
    """A file of templates, open; `found` counts those that were taken of it."""

    __slots__ = ("_count", "_data", "found", "path")

    def __init__(self, path: Path, target: Target) -> None:
        """Map a file.

        Errors: BadFile for one that is no such file, is cut off or damaged, or of another compiler or target;
        FileNotFoundError.
        """
        self._count: int
        self.path, self.found = path, 0
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < HEADER.size:
                raise refused(path, "it is cut off")
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, source, made_for, self._count, check, whole = HEADER.unpack_from(self._data)
        end = HEADER.size + self._count * ENTRY.size
        for good, why in (
            (magic == MAGIC, "it is no file of templates"),
            (source == compiler(), "another compiler made it"),
            (made_for == digest_of_target(target), f"it was not made for {target.name}"),
            (end <= whole == size, "it is cut off"),
        ):
            if not good:
                raise refused(path, why)
        if zlib.crc32(memoryview(self._data)[HEADER.size : end]) != check:
            raise refused(path, "its index is damaged")

    def __len__(self) -> int:
        return self._count

    def find(self, text: str) -> Program | None:
        """The template under a key (templates.text_of); None if there is none, or it is damaged."""
        key, low, high = digest(text), 0, self._count
        while low < high:
            middle = (low + high) // 2
            at = HEADER.size + middle * ENTRY.size
            if self._data[at : at + 16] < key:
                low = middle + 1
            else:
                high = middle
        if low == self._count:
            return None
        there, at, size, check = ENTRY.unpack_from(self._data, HEADER.size + low * ENTRY.size)
        if there != key:
            return None
        packed = self._data[at : at + size]
        if check != digest_of_entry(key, packed):
            emit("damaged", path=str(self.path))
            return None
        self.found += 1
        return unpacked(packed)


def write(path: Path, target: Target, programs: Mapping[bytes, Program]) -> None:
    """Write a file of templates by their digests (`digest` of their keys)."""
    entries = [(key, packed(programs[key])) for key in sorted(programs)]
    at, index = HEADER.size + len(entries) * ENTRY.size, bytearray()
    for key, one in entries:
        index += ENTRY.pack(key, at, len(one), digest_of_entry(key, one))
        at += len(one)
    made_for = digest_of_target(target)
    header = HEADER.pack(MAGIC, compiler(), made_for, len(entries), zlib.crc32(index), at)
    path.parent.mkdir(exist_ok=True)
    write_aside(path, b"".join((header, index, *(one for _, one in entries))))
    path.chmod(0o644)  # whoever has the package may read it


def digest(text: str) -> bytes:
    """What stands for a key in the index."""
    return hashlib.sha256(text.encode()).digest()[:16]


def packed(program: Program) -> bytes:
    """A program, compressed."""
    name = program.name.encode()
    head = PROGRAM.pack(program.grid, program.slots, len(name))
    return zlib.compress(head + name + program.code, 9)


def unpacked(data: bytes) -> Program:
    """The way back."""
    plain = zlib.decompress(data)
    grid, slots, named = PROGRAM.unpack_from(plain)
    begin = PROGRAM.size + named
    return Program(plain[PROGRAM.size : begin].decode(), plain[begin:], grid, slots)


def digest_of_entry(key: bytes, packed: bytes) -> bytes:
    """That an entry is whole, and the one of its key."""
    return hashlib.sha256(key + packed).digest()[:16]


def digest_of_target(target: Target) -> bytes:
    """All facts of a target."""
    return hashlib.sha256(repr(target.cache_key()).encode()).digest()


def compiler() -> bytes:
    """The digest of the compiler's source."""
    return bytes.fromhex(source_digest())


def refused(path: Path, why: str) -> BadFile:
    """The error for a file that is not used."""
    return BadFile(f"{path.name} is not used", why=why, mend=MEND)


def path_of(chip: str, target: Target) -> Path:
    """Where the file for a chip and a target is."""
    return DIRECTORY / f"{chip}-{target.name}.bin"


@memo
def shipped(path: Path, target: Target) -> Archive | str:
    """The open file, or why there is none."""
    try:
        return Archive(path, target)
    except FileNotFoundError:
        return f"{path.name} is not there: {MEND}"
    except BadFile as error:
        emit("unused", path=str(path), why=error.why)
        return f"{path.name}: {error.why}; {MEND}"


__all__ = ["Archive", "digest", "path_of", "shipped", "write"]
