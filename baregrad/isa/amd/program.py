"""A whole assembly file to a code object, and back: labels, data, kernels' directives, metadata.

The code of all kernels lies in one run of bytes, in the file's order; a kernel's is what stands between its
label and where its `.size` says, or the next kernel. What is not here: single instructions (assembler.py,
text.py), descriptors and the file's layout (code_object). Sections of debug information are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from baregrad.base.errors import BaregradError, EncodingError
from baregrad.isa.amd import code_object as objects
from baregrad.isa.amd.assembler import parse
from baregrad.isa.amd.code_object import CodeObject, Kernel, Target
from baregrad.isa.amd.decode import decode
from baregrad.isa.amd.expression import evaluate
from baregrad.isa.amd.inst import Inst, encode
from baregrad.isa.amd.text import text

LABEL = re.compile(r"([A-Za-z_.$][\w.$]*):\s*")
COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//.*|;.*')
WIDTHS = {".byte": 1, ".short": 2, ".long": 4, ".quad": 8, ".int": 4, ".2byte": 2, ".4byte": 4, ".8byte": 8}
# What says nothing about the bytes that are loaded.
SILENT = frozenset((
    ".globl", ".global", ".type", ".protected", ".hidden", ".weak", ".file", ".loc", ".ident", ".addrsig",
    ".addrsig_sym", ".cfi_sections", ".cfi_startproc", ".cfi_endproc", ".cfi_escape", ".cfi_undefined",
    ".amdgpu_hsa_kernel", ".comm",
))  # fmt: skip
S_NOP = (0xBF800000).to_bytes(4, "little")
CODE, KEPT = ".text", (".text", ".rodata")


class Piece(NamedTuple):
    """Something of the code: an instruction, bytes, or expressions of `size` bytes each; `line` is where it
    stands.
    """

    at: int
    line: int
    inst: Inst | None = None
    data: bytes = b""
    values: tuple[str, ...] = ()
    size: int = 0


class Program:
    """An assembly file that is being read."""

    def __init__(self, source: str, chip: str) -> None:
        self.chip, self.version = chip, 5
        self.target = Target.parse(chip) if chip else None
        self.section = CODE
        self.size = 0
        self.pieces: list[Piece] = []
        self.symbols: dict[str, int | str] = {}
        self.kernels: dict[str, list[tuple[str, str]]] = {}
        self.ends: dict[str, str] = {}
        self.metadata: list[str] = []
        self.asking: set[str] = set()
        self.number = 0
        self.lines = iter(enumerate(source.splitlines(), 1))

    def read(self) -> None:
        """Read all lines."""
        for number, line in self.lines:
            self.number = number
            self.line(COMMENT.sub(lambda m: m[1] or "", line).strip())

    def wrong(self, what: str, why: str, mend: str) -> EncodingError:
        """The error of the line that is read."""
        return EncodingError(what, why=why, mend=mend, where=f"line {self.number}")

    def symbol(self, name: str) -> int:
        """A symbol's value: a label's place in the code, or what it was set to."""
        if name == ".":
            return self.size
        value = self.symbols.get(name)
        if isinstance(value, int):
            return value
        if value is None or name in self.asking:
            raise self.wrong(
                f"the symbol {name!r}",
                "it is set nowhere" if value is None else "it is set to something that names it",
                "set it with .set, or put a label",
            )
        self.asking.add(name)
        found = evaluate(value, self.symbol)
        self.asking.discard(name)
        return found

    # -- lines -----------------------------------------------------------------------------------------

    def line(self, line: str) -> None:
        """Read one line."""
        while match := LABEL.match(line):
            if self.section == CODE:
                self.symbols[match[1]] = self.size
            line = line[match.end() :]
        if not line:
            return
        word, rest = [*line.split(None, 1), ""][:2]
        if word in READERS:
            READERS[word](self, rest)
        elif word in WIDTHS:
            self.read_data(rest, WIDTHS[word])
        elif word.startswith(".") and word not in SILENT and self.section in KEPT:
            raise self.wrong(
                f"the directive {word}", "it is not known", f"one of {', '.join(READERS)}, or none"
            )
        elif not word.startswith(".") and self.section == CODE:
            self.instruction(line)

    def instruction(self, line: str) -> None:
        """Append an instruction."""
        if not self.chip:
            raise self.wrong("an instruction before .amdgcn_target", "it says for which chip", "put it first")
        inst = parse(self.chip, line)
        self.pieces.append(Piece(self.size, self.number, inst))
        self.size += inst.size

    def append(self, data: bytes) -> None:
        """Append bytes, in the code."""
        if self.section == CODE and data:
            self.pieces.append(Piece(self.size, self.number, data=data))
            self.size += len(data)

    def read_data(self, rest: str, size: int) -> None:
        """.long VALUE, …: evaluated when all labels are known."""
        if self.section == CODE:
            values = tuple(rest.split(","))
            self.pieces.append(Piece(self.size, self.number, values=values, size=size))
            self.size += size * len(values)

    def read_target(self, rest: str) -> None:
        """.amdgcn_target "amdgcn-amd-amdhsa--gfx950:sramecc+"."""
        self.target = Target.parse(rest.strip('"').rpartition("-")[2])
        self.chip = self.target.chip.name

    def read_version(self, rest: str) -> None:
        """.amdhsa_code_object_version 5."""
        self.version = evaluate(rest, self.symbol)

    def read_text(self, rest: str) -> None:
        """.text: the code."""
        self.section = CODE

    def read_section(self, rest: str) -> None:
        """.section NAME, …"""
        self.section = rest.split(",")[0].strip().strip('"')

    def read_set(self, rest: str) -> None:
        """.set NAME, EXPRESSION: evaluated when it is asked for."""
        name, _, value = rest.partition(",")
        self.symbols[name.strip()] = value.strip()

    def read_size(self, rest: str) -> None:
        """.size NAME, EXPRESSION."""
        name, _, value = rest.partition(",")
        if self.section == CODE:
            self.ends[name.strip()] = value.strip()

    def read_align(self, rest: str) -> None:
        """.p2align POWER, FILL, MOST: bytes up to a multiple of 2**POWER, if at most MOST are missing."""
        self.align(rest, 1)

    def read_align_words(self, rest: str) -> None:
        """.p2alignl: the same with words."""
        self.align(rest, 4)

    def align(self, rest: str, size: int) -> None:
        """Fill with units of `size` bytes; with s_nop where nothing is said."""
        values = [evaluate(part, self.symbol) if part.strip() else None for part in rest.split(",")]
        power, fill, most = ([*values, None, None])[:3]
        if power is None or not 0 <= power <= 12:
            raise self.wrong(f".p2align {rest}", "it is a power of 0 to 12", "give another")
        missing = -self.size % (1 << power)
        if most is not None and missing > most:
            return
        unit = S_NOP if fill is None else fill.to_bytes(size, "little")
        self.append((unit * (missing // len(unit) + 1))[:missing])

    def read_fill(self, rest: str) -> None:
        """.fill COUNT, SIZE, VALUE."""
        count, size, value = ([evaluate(part, self.symbol) for part in rest.split(",")] + [1, 0])[:3]
        if not (0 <= count <= 1 << 20 and 0 < size <= 8):
            raise self.wrong(f".fill {rest}", "at most 2**20 units of 1 to 8 bytes", "give others")
        self.append((value & ((1 << 8 * size) - 1)).to_bytes(size, "little") * count)

    def read_kernel(self, rest: str) -> None:
        """.amdhsa_kernel NAME … .end_amdhsa_kernel."""
        found = self.kernels.setdefault(rest, [])
        for line in self.until(".end_amdhsa_kernel"):
            words = COMMENT.sub(lambda m: m[1] or "", line).split(None, 1)
            if words:
                found.append((words[0].removeprefix(".amdhsa_"), "".join(words[1:])))

    def read_metadata(self, rest: str) -> None:
        """.amdgpu_metadata … .end_amdgpu_metadata."""
        self.metadata = list(self.until(".end_amdgpu_metadata"))

    def until(self, end: str) -> Iterator[str]:
        """The lines up to a directive."""
        for number, line in self.lines:
            self.number = number
            if line.strip() == end:
                return
            yield line
        raise self.wrong(f"no {end}", "the file ends before it", "put it")

    # -- what it makes ---------------------------------------------------------------------------------

    def code(self) -> bytes:
        """The code, with every branch placed."""
        out = bytearray()
        for piece in self.pieces:
            self.number = piece.line
            if piece.inst is None:
                out += piece.data
                for value in piece.values:
                    low = evaluate(value, self.symbol) & ((1 << 8 * piece.size) - 1)
                    out += low.to_bytes(piece.size, "little")
                continue
            label = piece.inst.label
            inst = piece.inst
            if label is not None:
                words, rest = divmod(self.symbol(label.name) - piece.at - inst.size, 4)
                if rest:
                    raise self.wrong(f"a branch to {label.name}", "it is not at a word", "align it")
                inst = parse(self.chip, f"{inst.name} {words}")
            out += encode(inst)
        return bytes(out)

    def object(self) -> bytes:
        """The code object. Errors: EncodingError; ConfigError without msgpack."""
        if self.target is None:
            raise self.wrong("no .amdgcn_target", "a code object is for a chip", "put it first")
        code, target = self.code(), self.target
        starts = {name: self.symbol(name) for name in self.kernels}
        made = []
        for name, pairs in self.kernels.items():
            after = min((at for at in starts.values() if at > starts[name]), default=len(code))
            end = starts[name] + evaluate(self.ends[name], self.symbol) if name in self.ends else after
            calls = {"instprefsize": lambda size: objects.inst_pref_size(size, target)}
            values = [(word, evaluate(value, self.symbol, calls)) for word, value in pairs]
            one = objects.from_directives(values, target)
            made.append(Kernel(name, code[starts[name] : end], one))
        metadata = objects.metadata.parse("\n".join(self.metadata)) if self.metadata else {}
        return objects.write(target, made, metadata, version=self.version)


READERS: dict[str, Callable[[Program, str], None]] = {
    ".amdgcn_target": Program.read_target,
    ".amdhsa_code_object_version": Program.read_version,
    ".text": Program.read_text,
    ".section": Program.read_section,
    ".set": Program.read_set,
    ".size": Program.read_size,
    ".p2align": Program.read_align,
    ".p2alignl": Program.read_align_words,
    ".fill": Program.read_fill,
    ".amdhsa_kernel": Program.read_kernel,
    ".amdgpu_metadata": Program.read_metadata,
}


def assemble(source: str, chip: str = "") -> bytes:
    """The code object of an assembly file in LLVM's syntax; `chip` where it has no .amdgcn_target.

    Errors: EncodingError with the line; ConfigError where metadata is given and msgpack is missing.
    """
    program = Program(source, chip)
    try:
        program.read()
        return program.object()
    except BaregradError as error:
        error.where = error.where or f"line {program.number}"
        raise


# -- the way back --------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of a listing; `target` is where a branch goes, else -1; `text` is "" for no instruction."""

    at: int
    data: bytes
    text: str
    target: int


def listing(chip: str, code: bytes, wave: int = 0) -> Iterator[Line]:
    """Code, an instruction a line; bytes that are no instruction stand alone, four at a time."""
    at = 0
    while at < len(code):
        try:
            inst, size = decode(chip, code, at, wave=wave)
        except EncodingError:
            size = min(4, len(code) - at)
            yield Line(at, code[at : at + size], "", -1)
        else:
            yield Line(at, code[at : at + size], text(inst), goes_to(inst, at))
        at += size


def goes_to(inst: Inst, at: int) -> int:
    """Where a branch at an offset goes, -1 for what is none."""
    slots = inst.form.slots
    if not slots or slots[-1].kind != "label" or not isinstance(inst.operands[-1], int):
        return -1
    return at + inst.size + 4 * inst.operands[-1]


def disassemble(one: CodeObject) -> str:
    """An assembly file that `assemble` makes the same kernels, descriptors and metadata of."""
    return "\n".join(_lines(one)) + "\n"


def _lines(one: CodeObject) -> Iterator[str]:
    chip = one.target.chip.name
    yield f'.amdgcn_target "amdgcn-amd-amdhsa--{one.target}"'
    yield f".amdhsa_code_object_version {one.version}"
    yield ".text"
    for number, kernel in enumerate(one.kernels):
        lines = list(listing(chip, kernel.code, kernel_wave(kernel)))
        places = {line.at for line in lines}
        targets = sorted({line.target for line in lines} & (places | {len(kernel.code)}))
        names = {at: f".L{number}_{k}" for k, at in enumerate(targets)}
        yield ".p2align 8"
        yield f"{kernel.name}:"
        for line in lines:
            if line.at in names:
                yield f"{names[line.at]}:"
            yield f"  {shown(line, names)}"
        if len(kernel.code) in names:
            yield f"{names[len(kernel.code)]}:"
        yield f".Lend{number}:"
        yield f".size {kernel.name}, .Lend{number}-{kernel.name}"
    for kernel in one.kernels:
        yield f".amdhsa_kernel {kernel.name}"
        yield from (
            f"  .amdhsa_{name} {value}" for name, value in objects.directives(kernel.descriptor, one.target)
        )
        yield ".end_amdhsa_kernel"
    if one.note:
        yield ".amdgpu_metadata"
        yield objects.metadata.text(one.metadata).rstrip()
        yield ".end_amdgpu_metadata"


def kernel_wave(kernel: Kernel) -> int:
    """The lanes of a kernel's waves, 0 where its family has one kind."""
    found = kernel.descriptor.fields.get("wavefront_size32")
    return 0 if found is None else 32 if found else 64


def shown(line: Line, names: dict[int, str]) -> str:
    """A line of code, with a label for where it goes; bytes that are no instruction as data."""
    if not line.text:
        return f".byte {', '.join(f'{byte:#x}' for byte in line.data)}"
    if line.target in names:
        return f"{line.text.rpartition(' ')[0]} {names[line.target]}"
    return line.text
