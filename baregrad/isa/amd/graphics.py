"""Forms of RDNA3 for graphics: interpolation (VINTERP), parameters from local memory (LDSDIR), exports (EXP).

What is not here: images (image.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from baregrad.isa.amd.archs import Instruction
from baregrad.isa.amd.layout import Form, Modifier, Slot, parts, put
from baregrad.isa.amd.operands import OFF
from baregrad.isa.amd.world import World

# Which operands are halves of a register, by the end of the name. Source: RDNA3 ISA 12.4
HALVES = {"P10_F32": "", "P2_F32": "", "P10_F16_F32": "S0 S2", "P2_F16_F32": "D0 S0",
          "P10_RTZ_F16_F32": "S0 S2", "P2_RTZ_F16_F32": "D0 S0"}  # fmt: skip


def interpolation(world: World, entry: Instruction) -> Iterator[Form]:
    """VINTERP."""
    fields = world.tables.formats["VINTERP"].fields
    halves = HALVES[entry.name.removeprefix("V_INTERP_")].split()
    slots = []
    for role, field, kind in (
        ("D0", "VDST", "vgpr"),
        ("S0", "SRC0", "src"),
        ("S1", "SRC1", "src"),
        ("S2", "SRC2", "src"),
    ):
        number = int(role[1])
        one = Slot(
            role,
            "vgpr" if kind == "vgpr" else "vsrc",
            parts(fields[field]),
            32,
            "f",
            kind == "src",
            kind == "vgpr",
        )
        one = one._replace(neg=61 + number) if kind == "src" else one
        if role in halves:
            bit = 11 + number if kind == "src" else 14
            one = one._replace(kind="vlsrc" if kind == "src" else "lvgpr", bits=16, half=bit)
        slots.append(one)
    found = [Modifier("clamp", "flag", parts(fields["CLMP"]))]
    found.append(Modifier("wait_exp", "counted", parts(fields["WAITEXP"])))
    yield world.form(entry, entry.name.lower(), "VINTERP", 8, slots, found)


def parameters(world: World, entry: Instruction) -> Iterator[Form]:
    """LDSDIR."""
    fields = world.tables.formats["LDSDIR"].fields
    slots = [Slot("D0", "vgpr", parts(fields["VDST"]), 32, "b", False, True)]
    if entry.name == "LDS_PARAM_LOAD":
        slots.append(Slot("ATTR", "attribute", (*parts(fields["ATTR_CHAN"]), *parts(fields["ATTR"]))))
    found = [Modifier("wait_vdst", "counted", parts(fields["WAIT_VA"]))]
    yield world.form(entry, entry.name.lower(), "LDSDIR", 4, slots, found)


def exports(world: World, entry: Instruction) -> Iterator[Form]:
    """EXP: a form for each choice of the four components."""
    fields = world.tables.formats["EXP"].fields
    enable = parts(fields["EN"])
    target = Slot("TARGET", "target", parts(fields["TARGET"]))
    found = [
        Modifier("done", "flag", parts(fields["DONE"])),
        Modifier("row_en", "flag", parts(fields["ROW"])),
    ]
    for chosen in range(16):
        slots = [target]
        for number in range(4):
            role = f"VSRC{number}"
            given = Slot(role, "vgpr", parts(fields[role]), 32, "b")
            slots.append(given if chosen >> number & 1 else Slot(role, "fixed", (), fixed=OFF))
        yield world.form(
            entry, "exp", "EXP", 8, slots, found, fixed=put(enable, chosen), mask=put(enable, -1)
        )


BUILDERS = {"VINTERP": interpolation, "LDSDIR": parameters, "EXP": exports}
