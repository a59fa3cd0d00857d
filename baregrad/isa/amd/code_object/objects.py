"""Code objects of AMD GPUs, read from ELF files.

What is here: a code object as its target, kernels and metadata; reading linked ones (.hsaco) and relocatable
ones (.o). Writing is in layout.py. Read target.py and descriptor.py first.
"""

from __future__ import annotations

from dataclasses import dataclass

from baregrad.base.errors import BadFile
from baregrad.isa import elf
from baregrad.isa.amd.code_object import metadata as notes
from baregrad.isa.amd.code_object.descriptor import SIZE, Descriptor
from baregrad.isa.amd.code_object.target import ABI_VERSIONS, HSA, MACHINE, Target

SUFFIX = ".kd"  # a kernel's descriptor is named as the kernel, with this behind it


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel: its instructions' bytes, its descriptor, and where the first instruction is loaded."""

    name: str
    code: bytes
    descriptor: Descriptor
    entry: int = 0


@dataclass(frozen=True, slots=True)
class CodeObject:
    """A code object: what it was built for, its version (4, 5, 6), its kernels, and the file it is from."""

    target: Target
    version: int
    kernels: tuple[Kernel, ...]
    elf: elf.Elf

    @property
    def note(self) -> bytes:
        """The bytes of its metadata; none in a file without. Errors: BadFile."""
        for one in self.elf.notes():
            if (one.owner, one.type) == (notes.OWNER, notes.KIND):
                return one.data
        return b""

    @property
    def metadata(self) -> dict[str, notes.Value]:
        """Its metadata, decoded anew each time. Errors: BadFile; ConfigError without msgpack."""
        note = self.note
        return notes.read(note, self.elf.source) if note else {}

    def kernel(self, name: str) -> Kernel:
        """A kernel by its name. Errors: BadFile if it is not there."""
        for one in self.kernels:
            if one.name == name:
                return one
        raise BadFile(
            f"{self.elf.source} has no kernel {name!r}",
            why=f"it has {', '.join(one.name for one in self.kernels) or 'none'}",
            mend="give one of these",
        )


def read(data: bytes | bytearray | memoryview, source: str = "code object") -> CodeObject:
    """A code object of its bytes. Errors: BadFile, and no other."""
    file = elf.read(data, source)
    versions = {abi: version for version, abi in ABI_VERSIONS.items()}
    if (file.machine, file.abi) != (MACHINE, HSA) or file.abi_version not in versions:
        raise BadFile(
            f"{source}: machine {file.machine}, ABI {file.abi}, version {file.abi_version}",
            why=f"code objects have {MACHINE}, {HSA} and one of {list(versions)}",
            mend="build it as a code object of version 4, 5 or 6 for amdhsa",
        )
    target = Target.of_flags(file.flags, source)
    symbols = file.symbols(file.of_type(elf.SYMTAB)) or file.symbols(file.of_type(elf.DYNSYM))
    functions = {one.name: one for one in symbols if one.type == elf.FUNC}
    kernels: list[Kernel] = []
    left = len(data)
    for one in symbols:
        if one.type == elf.OBJECT and one.name.endswith(SUFFIX) and one.size == SIZE:
            function = functions.get(one.name.removesuffix(SUFFIX))
            left -= function.size if function else 0
            if left < 0:  # many kernels could share one long code
                raise _bad(f"{source}: the kernels' code is longer than the file", "each has code of its own")
            kernels.append(_kernel(file, one, function, target))
    return CodeObject(target, versions[file.abi_version], tuple(kernels), file)


def _kernel(file: elf.Elf, symbol: elf.Symbol, function: elf.Symbol | None, target: Target) -> Kernel:
    """The kernel whose descriptor has this symbol."""
    name = symbol.name.removesuffix(SUFFIX)
    descriptor = Descriptor.read(_bytes(file, symbol), target.family, file.source)
    if function is None or (file.type == elf.ET_DYN and symbol.value + descriptor.entry != function.value):
        raise _bad(
            f"{file.source}: {name}'s descriptor is at {symbol.value:#x}, its entry {descriptor.entry:#x} on",
            f"the function {name} is {f'at {function.value:#x}' if function else 'not there'}",
        )
    return Kernel(name, bytes(_bytes(file, function)), descriptor, function.value)


def _bytes(file: elf.Elf, symbol: elf.Symbol) -> memoryview:
    """The bytes that a symbol names, by address in a linked file, by offset in its section in another."""
    if 0 < symbol.section < len(file.sections):
        section = file.sections[symbol.section]
        at = symbol.value - (section.address if file.type != elf.ET_REL else 0)
        if at >= 0 and at + symbol.size <= len(section.data):
            return section.data[at : at + symbol.size]
    raise _bad(
        f"{file.source}: {symbol.name}: {symbol.size} bytes at {symbol.value:#x} of section {symbol.section}",
        "a symbol lies inside its section",
    )


def _bad(what: str, why: str) -> BadFile:
    """The error for a file whose parts do not fit together."""
    return BadFile(what, why=why, mend="the file is corrupt: build or fetch it again")
