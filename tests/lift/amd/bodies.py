"""The bodies of a chip: every distinct tree of its forms, without modifiers and with random ones.

What is not here: inputs (inputs.py), running (ways.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from baregrad.base.errors import BaregradError
from baregrad.isa.amd.forms import forms
from baregrad.isa.amd.layout import Form
from baregrad.isa.amd.meaning import Meaning, explained, key_of
from baregrad.isa.meaning import Tree, walk
from tests.isa.amd.samples import sample

SCALARS = frozenset((
    "OFFSET", "OFFSET0", "OFFSET1", "SIMM16", "SIMM32", "M0", "SRSRC", "SBASE", "SOFFSET", "SADDR", "MODE",
    "LDS_SIZE", "SCRATCH_BASE", "SCRATCH_SIZE", "SHARED_BASE", "PRIVATE_BASE", "laneId", "VGPR", "SGPR",
    "ACC", "EXEC", "VCC",
))  # fmt: skip
CHIPS = {"gfx1100": ("rdna3", 32), "gfx950": ("cdna4", 64)}


class Body(NamedTuple):
    """A tree: `name` is that of a form that has it; `plain` are its operands, which may be different in every
    lane; `changed` says whether modifiers are around it.
    """

    name: str
    tree: Tree
    scope: str
    variables: dict[str, int]
    memory: bool
    changed: bool

    @property
    def plain(self) -> tuple[str, ...]:
        """The operands."""
        return tuple(name for name in self.variables if name not in SCALARS and not name.endswith("_NUMBER"))


def bodies(arch: str, draws: int, seed: int = 1) -> Iterator[Body]:
    """Distinct trees: of every form, and of `draws` random instructions of it."""
    seen = set()
    rng = random.Random(seed)
    for form in forms(arch):
        for changed, meaning in meanings(form, draws, rng):
            if not isinstance(meaning, Meaning) or not meaning.tree:
                continue
            key = (meaning.tree, meaning.scope, tuple(sorted(meaning.variables.items())))
            if key in seen:
                continue
            seen.add(key)
            yield body_of(form.name, meaning, changed)


def body_of(name: str, meaning: Meaning, changed: bool) -> Body:
    """A meaning as a body."""
    memory = any(node.op in ("load", "store", "trap") for node in walk(meaning.tree))
    return Body(name, meaning.tree, meaning.scope, dict(meaning.variables), memory, changed)


def meanings(form: Form, draws: int, rng: random.Random) -> Iterator[tuple[bool, Meaning | str]]:
    """Without modifiers, and with random ones."""
    yield False, explained(form)
    for _ in range(draws if form.modifiers or form.slots else 0):
        try:
            inst = sample(form, rng)
            if inst is not None:
                yield True, explained(*key_of(inst))
        except BaregradError:
            continue
