"""The tables of an architecture, read from what extraction stored (<arch>/generated/manual.json).

A table is read when it is first asked for. What is not here: how it came from the manual (extract/), and what
follows from it (operands, bytes, text).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

from baregrad.base import memo
from baregrad.base.errors import ConfigError
from baregrad.isa.pseudocode import Node, read


class Arch(NamedTuple):
    """An architecture: the chip that stands for it, lanes of a wave, the manual it is extracted from, and
    whether its instructions have forms (else there are tables of it alone).
    """

    name: str
    chip: str
    lanes: tuple[int, ...]
    manual: str
    forms: bool


# fmt: off
ARCHS = (
    Arch("rdna3", "gfx1100", (32, 64), "\"RDNA3\" Instruction Set Architecture, 15-Aug-2023", True),
    Arch("rdna4", "gfx1200", (32, 64), "\"RDNA4\" Instruction Set Architecture", False),
    Arch("cdna3", "gfx942",  (64,),    "\"AMD Instinct MI300\" Instruction Set Architecture", False),
    Arch("cdna4", "gfx950",  (64,),    "\"CDNA4\" Instruction Set Architecture", True),
)
# fmt: on


class Field(NamedTuple):
    """A field of a format: `parts` are (high bit, low bit), the high part first."""

    name: str
    parts: tuple[tuple[int, int], ...]

    @property
    def width(self) -> int:
        """Its bits."""
        return sum(high - low + 1 for high, low in self.parts)


class Format(NamedTuple):
    """A format: its fields, and what its field ENCODING must be ("" where that is not printed)."""

    name: str
    encoding: str
    fields: dict[str, Field]


@dataclass(frozen=True)
class Instruction:
    """An entry of the manual: `body` is the number of its tree, -1 where the manual has none."""

    format: str
    opcode: int
    name: str
    body: int
    examples: tuple[tuple[str, tuple[int, ...], int], ...]


@dataclass(frozen=True)
class Tables:
    """What the manual of an architecture says. `promotions`: what VOP3 adds to a shorter format's opcode."""

    arch: Arch
    formats: dict[str, Format]
    promotions: dict[str, int]
    instructions: tuple[Instruction, ...]
    texts: tuple[str, ...]

    def tree(self, instruction: Instruction) -> Node | None:
        """What an instruction does, or None where the manual does not say it in code."""
        return self._trees[instruction.body] if instruction.body >= 0 else None

    @cached_property
    def _trees(self) -> tuple[Node, ...]:
        return tuple(map(read, self.texts))


def arch(name: str) -> Arch:
    """An architecture by its name or its chip's. Errors: ConfigError for one that is not known."""
    for row in ARCHS:
        if name in (row.name, row.chip):
            return row
    raise ConfigError(
        f"no architecture {name!r}",
        why=f"there are {', '.join(f'{row.name} ({row.chip})' for row in ARCHS)}",
        mend="give one of these, or extract a manual: baregrad isa extract",
    )


@memo
def tables(name: str) -> Tables:
    """The tables of an architecture, by its name or its chip's. Errors: ConfigError."""
    row = arch(name)
    stored = files(__package__) / row.name / "generated" / "manual.json"
    return parse(stored.read_text(encoding="utf-8"), row)


def parse(text: str, row: Arch) -> Tables:
    """The tables of their text (extract/tables.py writes it)."""
    data = json.loads(text)
    formats = {
        name: Format(
            name, encoding, {key: Field(key, tuple(map(tuple, parts))) for key, parts in fields.items()}
        )
        for name, encoding, fields in data["formats"]
    }
    instructions = tuple(
        Instruction(
            format_,
            opcode,
            name,
            body,
            tuple((n, tuple(given), result) for n, given, result in more[0]) if more else (),
        )
        for format_, opcode, name, body, *more in data["instructions"]
    )
    return Tables(row, formats, dict(data["promotions"]), instructions, tuple(data["bodies"]))
