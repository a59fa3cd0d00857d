"""What a form is made of: slots (operands), modifiers, and the bits where they lie.

A form is one way to encode one entry of the manual: v_add_f32 has forms for e32, e64, DPP and SDWA. What is
not here: which forms there are (forms.py, memory.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from baregrad.base import memo
from baregrad.isa.amd.archs import Field, Instruction
from baregrad.isa.amd.operands import Operand

Parts = tuple[tuple[int, int], ...]
"""(lowest bit, width) of a value's pieces, the low piece first."""


def parts(field: Field, at: int = 0) -> Parts:
    """Where a field lies in the words of an instruction."""
    return tuple((low + at, high - low + 1) for high, low in reversed(field.parts))


def put(where: Parts, value: int) -> int:
    """A value's bits at their places."""
    if len(where) == 1:
        low, width = where[0]
        return (value & (1 << width) - 1) << low
    word = 0
    for low, width in where:
        word |= (value & (1 << width) - 1) << low
        value >>= width
    return word


def take(where: Parts, word: int) -> int:
    """The value at these places."""
    if len(where) == 1:
        low, width = where[0]
        return word >> low & (1 << width) - 1
    value = at = 0
    for low, width in where:
        value |= (word >> low & (1 << width) - 1) << at
        at += width
    return value


def width(where: Parts) -> int:
    """How many bits a value has."""
    return where[0][1] if len(where) == 1 else sum(size for _, size in where)


class Slot(NamedTuple):
    """An operand of a form, in the order of the text.

    `kind` is one of operands.table, "fixed" (always `fixed`), "literal" (the word behind) or an immediate's
    syntax; `neg`, `abs`, `sext`, `half` are the bits that change it, -1 for none.
    """

    role: str
    kind: str
    where: Parts
    bits: int = 32
    type: str = "b"
    read: bool = True
    written: bool = False
    neg: int = -1
    abs: int = -1
    sext: int = -1
    half: int = -1
    fixed: Operand = 0

    @property
    def registers(self) -> int:
        """Registers of 32 bits that it takes."""
        return max(1, (self.bits + 31) // 32)

    @property
    def literal(self) -> bool:
        """May it be the literal behind the instruction?"""
        return self.kind in ("ssrc", "src", "lsrc", "src16", "lane")


class Modifier(NamedTuple):
    """What is written behind the operands: `style` is a row of modifiers.py, `default` is not written."""

    name: str
    style: str
    where: Parts
    default: int = 0


class Sizes(Protocol):
    """How the sizes of a form's operands follow from its bits (image.py); forms of given sizes have none."""

    def key(self, word: int) -> int:
        """A number for the sizes that an instruction has, -1 if there is no such instruction."""

    def of(self, key: int) -> Form:
        """The form of a key."""

    def every(self) -> Iterator[Form]:
        """The forms of all sizes that instructions are made with."""

    def refuse(self, word: int) -> None:
        """Refuse bits that decoding takes but no instruction is made with. Errors: EncodingError."""


class Form(NamedTuple):
    """One way to encode an entry: an instruction is of it if its bits & mask == value.

    `also` are bits that are set when it is made but may be anything when it is read; `size` is in bytes,
    without a literal; `literal` says whether one may follow, or always does. A form with
    `sizes` has no slots: they are those of its `sized` forms.
    """

    arch: str
    wave: int
    name: str
    entry: Instruction
    encoding: str
    mask: int
    value: int
    size: int
    slots: tuple[Slot, ...]
    modifiers: tuple[Modifier, ...] = ()
    literal: str = ""
    also: int = 0
    implicit: tuple[tuple[str, bool, bool], ...] = ()
    sizes: Sizes | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.mask, self.value))

    def __str__(self) -> str:
        shown = ", ".join(f"{s.role.lower()}: {s.kind} of {s.bits} bits" for s in self.slots)
        shown = "data, addresses, resource (their sizes follow from the modifiers)" if self.sizes else shown
        more = " ".join(m.name for m in self.modifiers)
        return f"{self.name} {shown}" + (f" [{more}]" if more else "")


@memo
def sized(sizes: Sizes, key: int) -> Form:
    """The form of a key, one object for each."""
    return sizes.of(key)
