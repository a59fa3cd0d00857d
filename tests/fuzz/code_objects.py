"""Corrupt and hostile code objects: each is read or is a BadFile, soon and in little memory.

`python -m tests.fuzz.code_objects COUNT SEED` runs in a process of its own and prints figures as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import struct
import sys
from collections import Counter
from time import process_time

from baregrad.base.errors import BadFile, EncodingError
from baregrad.isa import elf
from baregrad.isa.amd import code_object as co
from tests.isa.amd.triton import files, objects

SECONDS, MEGABYTES = 1.0, 256
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 63, 64, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
           1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 64, (1 << 64) - 1)  # fmt: skip
PACKED = (b"\x80", b"\xc0", b"\xc1", b"\xc4\xff", b"\xc9\xff\xff\xff\xff", b"\xcb", b"\xd4", b"\xd9\xff",
          b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdd\x00\x01\x00\x00", b"\xdf\xff\xff\xff\xff",
          b"\x91" * 64)  # fmt: skip
TABLES = (elf.DYNSYM, elf.SYMTAB, elf.STRTAB, elf.NOTES, elf.DYNAMIC_TABLE)


def tables(data: bytes) -> list[int]:
    """Where the file's headers, symbols, note and descriptor are: what a reader steps through."""
    file = elf.read(data)
    spans = [
        (0, 64),
        (file.segments_at, 56 * len(file.segments)),
        (file.sections_at, 64 * len(file.sections)),
    ]
    spans += [
        (one.offset, one.size)
        for one in file.sections
        if one.type in (elf.DYNSYM, elf.SYMTAB, elf.NOTES, elf.DYNAMIC_TABLE)
    ]
    spans += [
        (one.offset, one.size)
        for one in file.sections
        if one.name in (".rodata", ".dynstr", ".strtab", ".shstrtab")
    ]
    return [at for begin, size in spans for at in range(begin, begin + size)]


def mutated(data: bytes, places: list[int], rng: random.Random) -> bytes:
    """The file with a few changes, most of them where a reader looks."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 40))):
        at = min(rng.choice(places), len(out) - 1)
        match rng.randrange(8):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.randrange(256)
            case 2 | 3 | 4:
                form = rng.choice("BHIQ")
                size = struct.calcsize(form)
                at -= at % size
                number = rng.choice(NUMBERS) if rng.random() < 0.7 else rng.randrange(2 * len(data))
                out[at : at + size] = (number % (1 << 8 * size)).to_bytes(size, "little")
            case 5:
                piece = rng.choice(PACKED)
                out[at : at + len(piece)] = piece
            case 6:
                other, size = rng.randrange(len(out)), rng.choice((1, 8, 24, 56, 64))
                out[at : at + size] = out[other : other + size]
            case 7 if rng.random() < 0.2:
                del out[rng.randrange(len(out)) :]
                out += b"" if out else b"\0"
    return bytes(out)


def noise(rng: random.Random) -> bytes:
    """Random bytes: bare, behind a good header, or as a note in an otherwise good file."""
    data = rng.randbytes(rng.choice((0, 1, 16, 63, 64, 100, 1000, 5000)))
    if rng.random() < 0.3:
        return data
    count = len(data) // 64
    head = elf.HEADER.pack(
        b"\x7fELF", 2, 1, 1, 64, 3, rng.randrange(4), 224, 1, 0, 64, 64, rng.choice((0x41, 0x54F)), 64,
        56, rng.randrange(count + 1), 64, rng.randrange(count + 1), rng.randrange(count + 1),
    )  # fmt: skip
    return head + data


def use(data: bytes, figures: Counter[str]) -> None:
    """Read everything that the file has; what is refused is counted."""
    try:
        file = elf.read(data, "f")
    except BadFile:
        figures["no ELF file"] += 1
        return
    steps = {
        "symbols": lambda: [
            file.symbols(one) for one in file.sections if one.type in (elf.SYMTAB, elf.DYNSYM)
        ],
        "relocations": lambda: [file.relocations(one) for one in file.sections[:40]],
        "notes": lambda: list(file.notes()),
        "dynamic": file.dynamic,
        "written": lambda: elf.write(file),
        "objects": lambda: whole(co.read(data, "f"), figures),
    }
    for name, step in steps.items():
        try:
            step()
            figures[name] += 1
        except (BadFile, EncodingError) as problem:
            if not (problem.why and problem.mend) or not (isinstance(problem, BadFile) or name == "written"):
                raise AssertionError(f"{name}: {problem!r}") from problem


def whole(one: co.CodeObject, figures: Counter[str]) -> None:
    """The kernels and the metadata of a code object."""
    for kernel in one.kernels:
        figures["kernels"] += 1
        assert co.Descriptor.read(kernel.descriptor.bytes, one.target.family) == kernel.descriptor
        try:
            pairs = co.directives(kernel.descriptor, one.target)
            entry = kernel.descriptor["entry_offset"]
            again = co.from_directives(pairs, one.target).replace(entry_offset=entry)
            assert again == kernel.descriptor, f"{pairs} give {again}"
            figures["directives"] += 1
        except EncodingError:
            figures["no directives"] += 1
    metadata = one.metadata
    figures["metadata"] += 1
    assert co.metadata.read(co.metadata.write(metadata)) == metadata
    text = co.metadata.text(metadata)
    assert co.metadata.parse(text) == metadata, text


def run(count: int, seed: int) -> dict:
    """Make and use `count` files; the figures, with what went wrong."""
    rng = random.Random(seed)
    whole_files = [*objects().values(), *files("many_kernels").values()]
    given = [(data, tables(data)) for data in whole_files[:: 1 if count > 1000 else 8]]
    figures: Counter[str] = Counter()
    failures: list[str] = []
    slowest = 0.0
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        data = noise(rng) if number % 8 == 7 else mutated(*rng.choice(given), rng)
        started = process_time()
        try:
            use(data, figures)
        except Exception as problem:  # whatever a reader raises beside its own error is what is looked for
            failures.append(f"seed {seed}, file {number}: {problem!r}"[:600])
        took = process_time() - started
        slowest = max(slowest, took)
        if took > SECONDS:
            failures.append(f"seed {seed}, file {number}: {took:.2f} s")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) >> 10
    if grown > MEGABYTES:
        failures.append(f"seed {seed}: memory grew by {grown} MiB")
    facts = {"files": count, "seed": seed, "slowest ms": round(slowest * 1e3, 1), "grown MiB": grown}
    return facts | dict(sorted(figures.items())) | {"failures": failures[:20]}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
