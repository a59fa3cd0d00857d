"""The operands of an entry by role: from its tree, from its name, or from a row of ours.

What is not here: the fields they lie in (scalar.py, forms.py).
"""

from __future__ import annotations

import re

from baregrad.isa.amd.archs import Instruction
from baregrad.isa.amd.rows import KINDS, NAMES, OPERANDS, PACKED, Found, operands
from baregrad.isa.amd.uses import IMPLICIT, uses
from baregrad.isa.amd.world import World


def roles(world: World, entry: Instruction) -> dict[str, Found]:
    """The operands of a vector or scalar entry, by role."""
    for fam, name, text in OPERANDS:
        if name == entry.name and fam in ("", world.family):
            return {one.role: one for one in operands(text)}
    compare = re.fullmatch(r"V_CMPX?_(\w+?)_([FIU])(\d+)", entry.name)
    if compare:
        kind, bits = compare[2].lower(), int(compare[3])
        second = Found("S1", "b", 16 if bits == 16 else 32, True, False) if compare[1] == "CLASS" else None
        return {
            "S0": Found("S0", kind, bits, True, False),
            "S1": second or Found("S1", kind, bits, True, False),
        }
    tree = world.tables.tree(entry)
    found = {} if tree is None else {
        role: Found(role, use.type, use.bits or 32, use.read, use.written)
        for role, use in uses(tree).items() if role in ("D0", "S0", "S1", "S2", "SIMM16", "SIMM32")
    }  # fmt: skip
    for end, wide, other in PACKED:
        if entry.name.endswith(end):
            found = {role: one._replace(type="b") if role[0] == "S" else one for role, one in found.items()}
            found["S0"] = Found("S0", "b", wide, True, False)
            if other:
                found["S1"] = Found("S1", "b", other, True, False)
            break
    return found


def implicit(world: World, entry: Instruction) -> tuple[tuple[str, bool, bool], ...]:
    """The registers that an entry uses without naming them: (name, read, written)."""
    tree = world.tables.tree(entry)
    if tree is None:
        return ()
    return tuple((key.lower(), use.read, use.written) for key, use in uses(tree).items() if key in IMPLICIT)


def name_of(world: World, entry: Instruction) -> str:
    """The name as assemblers write it."""
    for fam, given, name in NAMES:
        if given == entry.name and fam in (world.family, world.tables.arch.name):
            return name.lower()
    return entry.name.lower()


def kind_of(entry: Instruction, role: str, default: str) -> str:
    """The kind of an operand, by its row."""
    if default == "src" and any(entry.name.endswith(end) for end, _, _ in PACKED) and role in ("S0", "S1"):
        wide = next(row for row in PACKED if entry.name.endswith(row[0]))
        return "vsrc" if role == "S0" or wide[2] else default
    for name, which, kind in KINDS:
        if name == entry.name and which == role:
            return kind
    return default


def half(world: World, one: Found) -> bool:
    """Is it half a register in text?"""
    return world.family == "rdna" and one.bits == 16
