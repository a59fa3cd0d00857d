"""The language of selection rows: a few lines of assembly over letters, compiled to forms once for
each kind of operands.

    vcmpps m.k, a, a, #3            a line is a form's name and its operands
    vmovaps d{m}, a                 {m}: merging mask; {m}z: zeroing mask

d           the result            a b c    the sources            other letters    temporaries x.64
x as r64 (.8 .16 .32 .64 .k .x .y .z; .h .w: half, double the row's vector) #7 #b       an immediate: a
number, or the value of the constant source b (a function of it: #b:name) [f32:1.0]   a constant in
memory, repeated as the form wants it (an embedded broadcast where there is one) =f32:1.0    a
constant in a register [a+b] [a+3] [a+#b]   an address, for lea

A source that stands once, where its form takes memory of its size, can be a folded load:
`Plan.folds` says which. Nothing here knows ops: rows_*.py say which op becomes which lines. What is
not here: addresses and loops (memory.py, select.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import CompileError
from baregrad.isa.form import Form, Imm, Operand
from baregrad.isa.x86 import EVEX, forms
from baregrad.isa.x86.encoding import IMMEDIATES, memory_bits

BITS = {"r8": 8, "r16": 16, "r32": 32, "r64": 64, "xmm": 128, "ymm": 256, "zmm": 512, "k": 64}
VECTOR = {128: "xmm", 256: "ymm", 512: "zmm"}
SUFFIXES = {"8": "r8", "16": "r16", "32": "r32", "64": "r64", "k": "k", "x": "xmm", "y": "ymm", "z": "zmm"}
SOURCES = ("a", "b", "c")
_LETTER = re.compile(r"([a-z])(?:\.(\w+))?(?:\{([a-z])\}(z?))?$")
_CONSTANT = re.compile(r"\[?=?(\w+):([^\]]+)\]?$")


class Constant(NamedTuple):
    """A constant of a template: in a register (`size` 0: as wide as the kind) or in memory of `size`
    bytes.
    """

    dtype: str
    value: str
    kind: str  # register kind, or "" for memory
    size: int  # bytes of memory
    broadcast: int  # lanes of an embedded broadcast, 0 for none


class Dynamic(NamedTuple):
    """An immediate that is a source's constant value, through a function of that name."""

    source: int
    function: str


class Address(NamedTuple):
    """base + index or displacement: places in the environment, -1 for none."""

    base: int
    second: int
    disp: int
    dynamic: Dynamic | None


class Line(NamedTuple):
    """One instruction: its form, the one for small dynamic immediates, the one for a copy whose source
    is memory, operands and mask as places.
    """

    form: Form
    short: Form | None
    load: Form | None
    operands: tuple[int, ...]
    mask: int
    zeroing: bool


class Fold(NamedTuple):
    """How a source may be memory: as a whole, or one element repeated to so many lanes (0: not)."""

    whole: bool
    broadcast: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled template. The environment is [d, a, b, c, temporaries, extras]; lines index it.

    `folds` says which sources may be memory, and how. `reads` are the sources that are operands
    (not only immediates); `late` those never read after the result is first written, whose register
    the result may therefore take.
    """

    lines: tuple[Line, ...]
    temporaries: tuple[str, ...]  # register kinds
    extras: tuple[Imm | Constant | Dynamic | Address, ...]
    folds: dict[int, Fold]
    reads: frozenset[int]
    late: frozenset[int]


class Kinds(NamedTuple):
    """The register kinds of a row: result and sources; `natural` is the kind that temporaries have,
    `vector` whether xmm registers hold vectors rather than scalars.
    """

    result: str
    sources: tuple[str, ...]
    natural: str
    vector: bool
    bits: tuple[int, ...] = ()  # of the sources' elements: a scalar float is less than its register

    def element(self, source: int) -> int:
        """The bits of a source's element."""
        return self.bits[source] if self.bits else 32


class _Compiler:
    """The state of compiling one template."""

    def __init__(self, kinds: Kinds, wide: bool) -> None:
        self.kinds, self.wide = kinds, wide
        self.places = {"d": 0, "a": 1, "b": 2, "c": 3}
        self.temporaries: list[str] = []
        self.extras: list[Imm | Constant | Dynamic | Address] = []
        self.declared: dict[str, str] = {}

    def default_kind(self, letter: str) -> str:
        if letter == "d":
            return self.kinds.result
        if letter in SOURCES:
            return self.kinds.sources[SOURCES.index(letter)]
        return self.declared.get(letter, self.kinds.natural)

    def kind_of(self, letter: str, suffix: str | None) -> str:
        """The register kind of a letter in a line."""
        if suffix is None:
            kind = self.default_kind(letter)
        elif suffix in "hw":
            bits = BITS[self.kinds.natural]
            kind = VECTOR[max(128, bits // 2) if suffix == "h" else bits * 2]
        else:
            kind = SUFFIXES[suffix]
        if letter not in self.places:
            self.places[letter] = 4 + len(self.temporaries)
            self.temporaries.append("r32" if kind == "r8" else kind)
            self.declared[letter] = kind
        elif self.places[letter] > 3 and BITS[kind] > BITS[self.temporaries[self.places[letter] - 4]]:
            self.temporaries[self.places[letter] - 4] = kind  # as wide as its widest use
        return kind

    def extra(self, value: Imm | Constant | Dynamic | Address) -> int:
        """The place of something that is no register: numbered from -1 down until the temporaries are
        known.
        """
        self.extras.append(value)
        return -len(self.extras)

    def line(self, text: str) -> Line:
        name, _, rest = text.strip().partition(" ")
        operands = [part.strip() for part in rest.split(",")] if rest else []
        mask, zeroing = -100, False
        wanted: list[str] = []
        for position, operand in enumerate(operands):
            found = _LETTER.match(operand)
            if found is None:
                wanted.append(operand)
                continue
            wanted.append(self.kind_of(found[1], found[2]))
            if found[3]:
                mask, zeroing = self.places[found[3]], bool(found[4])
            operands[position] = found[1]
        chosen = self.choose(name, wanted, masked=mask != -100)
        short = None
        written = _named(chosen, len(operands))
        if any(o.startswith("#") and o[1:2].isalpha() for o in operands):
            short = self.choose(name, ["#0" if w.startswith("#") else w for w in wanted], masked=False)
            chosen = self.choose(
                name, ["#300" if w.startswith("#") else w for w in wanted], masked=False, lenient=True
            )
        places = tuple(
            self.place(operand, form_operand) for operand, form_operand in zip(operands, written, strict=True)
        )
        load = None
        if mask == -100 and operands[-1] in SOURCES:
            load = self.load_form(chosen, name, wanted, self.kinds.element(SOURCES.index(operands[-1])))
        return Line(chosen, short, load, places, mask, zeroing)

    def load_form(self, chosen: Form, name: str, wanted: list[str], bits: int) -> Form | None:
        """The form of a copy whose source is memory instead; a scalar float has one of its own."""
        if not chosen.is_move or len(wanted) != 2 or wanted[0] != wanted[1]:
            return None
        scalar = wanted[0] == "xmm" and not self.kinds.vector
        scalar_name = "vmovsd" if bits == 64 else "vmovss"
        return self.choose(scalar_name if scalar else name, [wanted[0], "["], masked=False)

    def place(self, operand: str, form_operand: Operand) -> int:
        """The place of one operand."""
        if operand in self.places:
            return self.places[operand]
        if operand.startswith("#"):
            return self.extra(_immediate(operand[1:]))
        if operand.startswith("[") and ("+" in operand or ":" not in operand):
            return self.extra(self.address(operand[1:-1]))
        found = _CONSTANT.match(operand)
        assert found is not None, f"operand {operand!r} of a selection row means nothing"
        if operand.startswith("="):
            return self.extra(Constant(found[1], found[2], form_operand.kinds[0], 0, 0))
        size, lanes = _memory_of(form_operand)
        return self.extra(Constant(found[1], found[2], "", size, lanes))

    def address(self, text: str) -> Address:
        base, _, rest = text.partition("+")
        if rest in self.places:
            return Address(self.places[base], self.places[rest], 0, None)
        if rest.startswith("#"):
            dynamic = _immediate(rest[1:])
            assert isinstance(dynamic, Dynamic), f"address {text!r}: write the number itself"
            return Address(self.places[base], -1, 0, dynamic)
        return Address(self.places[base], -1, int(rest or "0", 0), None)

    def choose(self, name: str, wanted: list[str], *, masked: bool, lenient: bool = False) -> Form:
        """The form of a name that takes these kinds: EVEX where the target has it, since it reaches
        all registers.
        """
        fitting = [form for form in forms(name) if _fits(form, wanted)]
        evex = [form for form in fitting if isinstance(form.encoding, EVEX)]
        plain = [form for form in fitting if not isinstance(form.encoding, EVEX)]
        found = (evex or ([] if masked else plain)) if self.wide else plain
        if not found and lenient:
            return self.choose(name, ["#0" if w.startswith("#") else w for w in wanted], masked=masked)
        if not found:
            raise CompileError(
                f"no form of {name} takes ({', '.join(wanted)})",
                why=f"render.x86: a selection row wants it {'with' if self.wide else 'without'} AVX-512",
                mend="correct the row, or add a form to isa/x86",
            )
        return found[0]


def _named(form: Form, count: int) -> list[Operand]:
    """The operands that a line names: those that are written, or all of them, implicit ones too."""
    return [o for o in form.operands if count == len(form.operands) or not o.implicit]


def _fits(form: Form, wanted: list[str]) -> bool:
    written = _named(form, len(wanted))
    if len(written) != len(wanted):
        return False
    for operand, kind in zip(written, wanted, strict=True):
        if kind[0] == "#":
            if operand.kinds[0][:3] != "imm" or not _immediate_fits(form, kind[1:]):
                return False
        elif kind[0] == "[":
            if not any(memory_bits(k) is not None for k in operand.kinds):
                return False
        elif kind[0] == "=":
            if operand.bank != "vec":
                return False
        elif kind not in operand.kinds:
            return False
    return True


def _immediate_fits(form: Form, text: str) -> bool:
    if text[:1].isalpha():
        return True
    _, low, high, _ = IMMEDIATES[form.encoding.imm]
    return low <= int(text, 0) <= high


def _immediate(text: str) -> Imm | Dynamic:
    if text[:1].isalpha():
        letter, _, function = text.partition(":")
        return Dynamic(SOURCES.index(letter), function)
    return Imm(int(text, 0))


def _memory_of(operand: Operand) -> tuple[int, int]:
    """(bytes, broadcast lanes) of the memory that an operand takes: one element where it can be broadcast."""
    whole = max(memory_bits(kind) or 0 for kind in operand.kinds)
    for kind in operand.kinds:
        if kind.endswith("bcst"):
            element = memory_bits(kind) or 1
            return element // 8, whole // element
    return whole // 8, 0


def _folds(lines: list[Line], kinds: Kinds) -> dict[int, Fold]:
    """The sources that may be memory: those that stand once, where their form takes memory of their size."""
    found = {}
    for number, kind in enumerate(kinds.sources):
        place = number + 1
        uses = [(line, i) for line in lines for i, p in enumerate(line.operands) if p == place]
        if len(uses) != 1 or any(line.mask == place for line in lines):
            continue
        line, i = uses[0]
        operand = _named(line.load or line.form, len(line.operands))[i]
        if operand.role != "r" or operand.fixed is not None:
            continue
        size = BITS[kind] if kinds.vector or kind != "xmm" else kinds.element(number)
        whole = any(memory_bits(k) == size for k in operand.kinds if k[0] == "m" and not k.endswith("bcst"))
        fold = Fold(whole, _memory_of(operand)[1])
        if fold != Fold(False, 0):
            found[number] = fold
    return found


def _reads(
    lines: list[Line], extras: list[Imm | Constant | Dynamic | Address]
) -> tuple[frozenset[int], frozenset[int]]:
    """The sources that are operands, and those of them that are not read once the result is written."""
    seen: set[int] = set()
    late: set[int] = set()
    written = False
    for line in lines:
        places = {line.mask, *line.operands}
        for p in line.operands:
            extra = extras[-p - 1] if p < 0 else None
            if isinstance(extra, Address):
                places |= {extra.base, extra.second}
        sources = {p - 1 for p in places if 1 <= p <= 3}
        seen |= sources
        if written:
            late |= sources
        written = written or line.operands[:1] == (0,)
    return frozenset(seen), frozenset(seen - late)


@memo
def compile_template(text: str, kinds: Kinds, wide: bool) -> Plan:
    """A template for these kinds of operands.

    Errors: CompileError when no form takes what a line says.
    """
    compiler = _Compiler(kinds, wide)
    lines = [compiler.line(line) for line in text.split("\n") if line.strip()]
    shift = 4 + len(compiler.temporaries)

    def settle(place: int) -> int:
        return shift - place - 1 if -100 < place < 0 else place

    settled = tuple(
        line._replace(operands=tuple(settle(p) for p in line.operands), mask=max(line.mask, -1))
        for line in lines
    )
    reads, late = _reads(lines, compiler.extras)
    return Plan(
        settled, tuple(compiler.temporaries), tuple(compiler.extras), _folds(lines, kinds), reads, late
    )


@memo
def find_form(name: str, kinds: str, wide: bool, masked: bool = False) -> Form:
    """The form of a name that takes these kinds, separated by spaces: "[" is any memory, "#1" an
    immediate.
    """
    compiler = _Compiler(Kinds("k", (), "k", False), wide)
    return compiler.choose(name, kinds.split(), masked=masked)
