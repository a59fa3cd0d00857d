"""All forms of an architecture: those of the scalar and vector formats are made here, of memory in memory.py.

From an entry's tree (or its row in rows.py) come the operands, from the format the fields and modifiers.
What is not here: what a form is (layout.py), instructions (inst.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from baregrad.base import memo
from baregrad.base.errors import EncodingError
from baregrad.isa.amd import graphics, image, memory
from baregrad.isa.amd.aliases import aliases
from baregrad.isa.amd.archs import ARCHS, Instruction, tables
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.layout import Form, Modifier, Parts, Slot, parts, put
from baregrad.isa.amd.operands import family
from baregrad.isa.amd.roles import half, implicit, kind_of, name_of, roles
from baregrad.isa.amd.rows import EXTRA, KINDS, NO_EXTENSION, NO_LONG_DPP, NO_SDWA, ONLY_SOURCE, PLAIN, Found
from baregrad.isa.amd.scalar import sop, sopk, sopp
from baregrad.isa.amd.world import World

SIZES = {"VOP3": 8, "VOP3A": 8, "VOP3B": 8, "VOP3SD": 8, "VOP3P": 8, "VOP3P-MAI": 8, "VOPD": 8, "VINTERP": 8}
LONG = {"VOP3": "VOP3SD", "VOP3A": "VOP3B"}
CARRY_IN = re.compile(r"V_(ADD|SUB|SUBREV)_CO_CI_U32|V_(ADDC|SUBB|SUBBREV)_CO_U32")
CARRY_OUT = re.compile(r"V_(ADD|SUB|SUBREV)_CO_U32")
MATRIX = re.compile(r"V_(S?MFMAC?(?:_SCALE)?|WMMA)_(\w+?)_(\d+)X(\d+)X(\d+)_?(?:(\d+)B_)?(\w+)")
"""A matrix product: kind, type of the result, M, N, K, blocks, types of A and B."""
ELEMENT = {"F32": 32, "F64": 64, "F16": 16, "BF16": 16, "I8": 8, "IU8": 8, "IU4": 4, "FP8": 8, "BF8": 8,
           "I32": 32, "XF32": 32}  # fmt: skip


@memo
def forms(name: str, wave: int = 0) -> tuple[Form, ...]:
    """All forms of an architecture (by its name or its chip's), for waves of 32 or 64 lanes (0: default).

    Errors: EncodingError for an architecture that has tables alone.
    """
    row = arch_of(name)
    if not row.forms:
        others = " or ".join(one.chip for one in ARCHS if one.forms)
        raise EncodingError(
            f"no instructions of {row.chip}",
            why=f"{row.name} is extracted into tables; how its instructions are written is not worked out",
            mend=f"take {others}, or read the tables (isa.amd.archs.tables)",
        )
    if (name, wave) != (row.name, wave or row.lanes[0]):
        return forms(row.name, wave or row.lanes[0])
    found = tables(name)
    extra = [Instruction(fmt, op, given, -1, ()) for on, fmt, op, given, _ in EXTRA if on == row.name]
    entries = (*found.instructions, *extra)
    world = World(
        found,
        family(row.name),
        wave,
        frozenset(e.name for e in entries if e.format.startswith("VOP3")),
        frozenset(e.name for e in entries if e.format in ("VOP1", "VOP2", "VOPC")),
    )
    made: list[Form] = []
    for entry in entries:
        build = BUILDERS.get(entry.format)
        if build is not None:
            made += build(world, entry)
    return tuple(made)


@memo
def by_name(name: str, wave: int = 0) -> dict[str, tuple[Form, ...]]:
    """Forms by the name that is written; without its suffix too, e32 first, then e64; and by other names."""
    row = arch_of(name)
    if (name, wave) != (row.name, wave or row.lanes[0]):
        return by_name(row.name, wave or row.lanes[0])
    found: dict[str, list[Form]] = {}
    for form in forms(name, wave):
        found.setdefault(form.name, []).append(form)
    for form in sorted(forms(name, wave), key=lambda form: SUFFIXES.index(suffix(form)[1])):
        short, end = suffix(form)
        if short != form.name:
            found.setdefault(short, []).append(form)
        elif end:
            found.setdefault(short + end, []).append(form)
    for other, known in aliases(arch_of(name).name):
        for end in ("", *SUFFIXES):
            if known + end in found:
                found.setdefault(other + end, found[known + end])
    return {key: tuple(rows) for key, rows in found.items()}


SUFFIXES = ("", "_e32", "_e64", "_dpp", "_e64_dpp", "_sdwa")


def suffix(form: Form) -> tuple[str, str]:
    """A form's name without its suffix, and that, or the one that may be written there."""
    short = re.sub(r"_(e32|e64|dpp|sdwa|e64_dpp)$", "", form.name)
    if short != form.name:
        return short, form.name[len(short) :]
    return short, {"VOP1": "_e32", "VOP2": "_e32", "VOPC": "_e32"}.get(
        form.encoding, "_e64" if form.encoding.startswith("VOP3") and form.encoding != "VOP3P" else ""
    )


def short_source(world: World, entry: Instruction, one: Found, where: Parts, kind: str) -> Slot:
    """S0 (any source), S1 (a vector register) or D0 of a short format."""
    kind = kind_of(entry, one.role, {"src": "src16", "vgpr": "vgpr16"}[kind] if half(world, one) else kind)
    return Slot(
        one.role,
        kind,
        where,
        max(one.bits, 1) if one.bits <= 16 else one.bits,
        one.type,
        one.read,
        one.written,
    )


def short(world: World, entry: Instruction) -> Iterator[Form]:
    """VOP1, VOP2, VOPC: e32, and with DPP or SDWA behind."""
    fmt = entry.format
    fields, found = world.tables.formats[fmt].fields, roles(world, entry)
    name = name_of(world, entry)
    slots: list[Slot] = []
    if "D0" in found:
        slots.append(short_source(world, entry, found["D0"], parts(fields["VDST"]), "vgpr"))
    mask = world.mask_register
    vcc = Slot("VCC", "fixed", (), world.wave, "u", False, True, fixed=mask)
    if fmt == "VOPC" and not (world.family == "rdna" and entry.name.startswith("V_CMPX")):
        slots.append(vcc)
    if CARRY_IN.fullmatch(entry.name) or CARRY_OUT.fullmatch(entry.name):
        slots.append(vcc)
    if "S0" in found:
        slots.append(short_source(world, entry, found["S0"], parts(fields["SRC0"]), "src"))
    constant = Slot("SIMM32", "literal", (), found["D0"].bits if "D0" in found else 32, "f")
    always = bool(re.match(r"V_(FMA|MAD)[MA]K_", entry.name))
    if always and "MK" in entry.name:
        slots.append(constant)
    if "S1" in found:
        slots.append(short_source(world, entry, found["S1"], parts(fields["VSRC1"]), "vgpr"))
    if always and "AK" in entry.name:
        slots.append(constant)
    if CARRY_IN.fullmatch(entry.name) or entry.name == "V_CNDMASK_B32":
        slots.append(vcc._replace(read=True, written=False))
    suffix = "_e32" if entry.name in world.long and entry.name not in PLAIN else ""
    uses_ = implicit(world, entry)
    yield world.form(
        entry, name + suffix, fmt, 4, slots, literal="always" if always else "may", implicit=uses_
    )
    if entry.name not in NO_EXTENSION:
        yield from extended(world, entry, name, fmt, slots, uses_)


def extended(
    world: World,
    entry: Instruction,
    name: str,
    fmt: str,
    slots: list[Slot],
    uses_: tuple[tuple[str, bool, bool], ...],
) -> Iterator[Form]:
    """A short format with a word of DPP or SDWA behind it."""
    source = parts(world.tables.formats[fmt].fields["SRC0"])
    wide = any(slot.bits > 32 for slot in slots if slot.role[0] in "DS" and slot.kind != "sdst")
    for extension, code, suffix in world.extensions:
        lanes = extension != "SDWA"
        if lanes and world.family == "cdna" and fmt == "VOPC":
            continue
        narrow = world.family == "cdna" and (lanes or entry.name in ONLY_SOURCE)
        if (wide and not narrow) or (not lanes and entry.name in NO_SDWA):
            continue
        one = "SDWAB" if not lanes and fmt == "VOPC" else extension.removesuffix("FI")
        fields = world.tables.formats[one].fields
        made = [world.extended_slot(slot, extension) for slot in slots]
        only = not lanes and entry.name in ONLY_SOURCE
        modifiers = world.extension_modifiers(extension, fields, made, only or fmt == "VOPC")
        if not lanes and fmt == "VOPC":
            where = (*parts(fields["SDST"]), *parts(fields["SD"]))
            made[0] = Slot("D0", "sdst8", where, 64, "u", False, True)
        made = [slot._replace(sext=-1) for slot in made] if only else made
        also = put(parts(fields["DST_SEL"]), 6) if only else 0
        yield world.form(
            entry,
            name + suffix,
            f"{fmt}+{extension}",
            8,
            made,
            modifiers,
            fixed=put(source, code),
            mask=put(source, -1),
            also=also,
            implicit=uses_,
        )


def long(world: World, entry: Instruction) -> Iterator[Form]:
    """VOP3 and VOP3 with a scalar result."""
    fmt, found, name = entry.format, roles(world, entry), name_of(world, entry)
    fields = world.tables.formats[fmt].fields
    compare = entry.name.startswith("V_CMP")
    slots: list[Slot] = []
    any_half = any(one.bits == 16 for one in found.values())
    if "D0" in found:
        one = found["D0"]
        kind = kind_of(entry, "D0", "lvgpr" if half(world, one) else "vgpr")
        slots.append(
            Slot(
                "D0",
                kind,
                parts(fields["VDST"])[:1] if kind not in ("sdst", "lanedst") else ((0, 7),),
                one.bits,
                one.type,
                one.read,
                one.written,
                half=14 if kind == "lvgpr" else -1,
            )
        )
    elif compare and not (world.family == "rdna" and entry.name.startswith("V_CMPX")):
        slots.append(Slot("D0", "sdst", ((0, 7),), world.wave, "u", False, True))
    if "SDST" in fields:
        slots.append(Slot("D1", "sdst", parts(fields["SDST"]), world.wave, "u", False, True))
    for number, role in enumerate(("S0", "S1", "S2")):
        if role in found:
            slots.append(long_source(world, entry, fmt, number, found[role]))
    if CARRY_IN.fullmatch(entry.name) or entry.name.startswith("V_CNDMASK"):
        slots.append(Slot("S2", "mask9", parts(fields["SRC2"]), world.wave, "u"))
    suffix = "_e64" if entry.name in world.short else ""
    modifiers = world.long_modifiers(entry.name, fields, slots, any_half, bool(suffix))
    uses_ = implicit(world, entry)
    also = unused(world, fmt, slots) | (
        126 if world.family == "rdna" and entry.name.startswith("V_CMPX") else 0
    )
    yield world.form(
        entry,
        name + suffix,
        fmt,
        8,
        slots,
        modifiers,
        literal="may" if world.family == "rdna" else "",
        also=also,
        implicit=uses_,
    )
    if world.family == "rdna" and long_dpp(entry, slots):
        yield from long_extended(
            world, entry, name, fmt, slots, modifiers, uses_, also if "CMPX" in entry.name else 0
        )


def unused(world: World, fmt: str, slots: list[Slot]) -> int:
    """Fields that a form does not use, as LLVM sets them on RDNA3: sources are the constant 0."""
    if world.family != "rdna":
        return 0
    fields = world.tables.formats[fmt].fields
    used = {slot.where for slot in slots}
    return sum(
        put(parts(fields[key]), 128) for key in ("SRC0", "SRC1", "SRC2") if parts(fields[key]) not in used
    )


def long_dpp(entry: Instruction, slots: list[Slot]) -> bool:
    """May DPP follow a long form?"""
    lanes = any(name == entry.name for name, _, _ in KINDS) and not entry.name.startswith("V_MOVRELS")
    lanes = lanes or entry.name in NO_LONG_DPP
    data = [
        slot for slot in slots if slot.role in ("D0", "S0", "S1", "S2") and slot.kind not in ("sdst", "mask9")
    ]
    narrow = bool(data) and all(slot.bits <= 32 for slot in data)
    return narrow and not lanes and not re.match(r"V_MUL_(LO|HI)_[UI]32$", entry.name)


def long_extended(  # noqa: PLR0913 - all that a long form is made of
    world: World, entry: Instruction, name: str, fmt: str, slots: list[Slot], modifiers: list[Modifier],
    uses_: tuple[tuple[str, bool, bool], ...], also: int = 0,
) -> Iterator[Form]:  # fmt: skip
    """A long format with a word of DPP behind it."""
    source = parts(world.tables.formats[fmt].fields["SRC0"])
    for extension, code, _ in world.extensions:
        fields = world.tables.formats[extension.removesuffix("FI")].fields
        kinds = {"S0": ("vgpr", "lvgpr"), "S1": ("vsrc", "vlsrc")}
        made = [
            slot._replace(kind=kinds[slot.role][slot.half >= 0]) if slot.role in kinds else slot
            for slot in slots
        ]
        made = [slot._replace(where=((64, 8),)) if slot.role == "S0" else slot for slot in made]
        more = [*modifiers, *world.lane_modifiers(extension, fields, 32)]
        yield world.form(
            entry,
            name + "_e64_dpp",
            f"{fmt}+{extension}",
            12,
            made,
            more,
            fixed=put(source, code),
            mask=put(source, -1),
            also=also,
            implicit=uses_,
        )


def long_source(world: World, entry: Instruction, fmt: str, number: int, one: Found) -> Slot:
    """A source of VOP3."""
    fields = world.tables.formats[fmt].fields
    is_half = half(world, one)
    kind = kind_of(entry, one.role, "lsrc" if is_half else "src")
    signed = one.type == "f" or entry.name in ("V_DOT2_F16_F16", "V_DOT2_BF16_BF16")
    signed = signed and kind in ("src", "lsrc")
    neg = parts(fields["NEG"])[0][0] + number if signed and "NEG" in fields else -1
    plain = parts(fields["ABS"])[0][0] + number if signed and "ABS" in fields else -1
    return Slot(
        one.role,
        kind,
        parts(fields[f"SRC{number}"]),
        one.bits,
        one.type,
        one.read,
        one.written,
        neg,
        plain,
        half=11 + number if is_half else -1,
    )


def packed_type(name: str, role: str) -> str:
    """What a float means for a packed operand (make.PACKED): by the end of the name, not for a sum."""
    return (
        "b" if role == "S2" and "DOT" in name else {"F16": "h", "BF16": "e"}.get(name.rpartition("_")[2], "b")
    )


def packed(world: World, entry: Instruction) -> Iterator[Form]:
    """VOP3P: two halves at once, dot products, matrices."""
    name = name_of(world, entry)
    match = MATRIX.fullmatch(entry.name)
    if match:
        yield from matrix(world, entry, name, match)
        return
    if entry.name == "V_MFMA_LD_SCALE_B32":
        slots = [Slot("S0", "src", ((32, 9),)), Slot("S1", "src", ((41, 9),))]
        found = [Modifier("op_sel", "bits", ((11, 2),)), Modifier("op_sel_hi", "bits", ((59, 2),), 3)]
        yield world.form(entry, name, "VOP3P", 8, slots, found, also=1 << 14)
        return
    if "ACCVGPR" in entry.name:
        yield accvgpr(world, entry, name)
        return
    fields, uses_ = world.tables.formats["VOP3P"].fields, roles(world, entry)
    mixed = "_MIX" in entry.name
    slots = [Slot("D0", "vgpr", parts(fields["VDST"]), max(32, uses_["D0"].bits), "b", False, True)]
    count = 0
    for number, role in enumerate(("S0", "S1", "S2")):
        if role in uses_:
            count += 1
            one = uses_[role]
            slots.append(
                Slot(
                    role,
                    "src",
                    parts(fields[f"SRC{number}"]),
                    16 if mixed else max(32, one.bits),
                    one.type if mixed else packed_type(entry.name, role),
                    True,
                    False,
                    61 + number if mixed else -1,
                    8 + number if mixed else -1,
                )
            )
    made = world.packed_modifiers(entry.name, count, mixed)
    unset = 0 if mixed else world.packed_unused(0 if world.plain_dot(entry.name) else count)
    literal = "may" if world.family == "rdna" else ""
    yield world.form(entry, name, "VOP3P", 8, slots, made, literal=literal, implicit=implicit(world, entry),
                     also=unused(world, "VOP3P", slots) | unset)  # fmt: skip
    if world.family == "rdna" and ("MIX" in entry.name or "DOT2_F32" in entry.name):
        yield from long_extended(world, entry, name, "VOP3P", slots, made, ())


def accvgpr(world: World, entry: Instruction, name: str) -> Form:
    """Moves between vector and accumulation registers."""
    fields = world.tables.formats["VOP3P"].fields
    read = "READ" in entry.name
    slots = [Slot("D0", "vgpr" if read else "agpr", parts(fields["VDST"]), 32, "b", False, True),
             Slot("S0", "accsrc" if read else "src", parts(fields["SRC0"]))]  # fmt: skip
    return world.form(entry, name, "VOP3P", 8, slots, also=world.packed_unused(0))


def matrix(world: World, entry: Instruction, name: str, match: re.Match[str]) -> Iterator[Form]:
    """V_MFMA, V_SMFMAC, V_WMMA: registers follow from the dimensions and the types."""
    kind, result, m, n, k = match[1], match[2], int(match[3]), int(match[4]), int(match[5])
    blocks, types = int(match[6] or 1), match[7].split("_")
    if kind == "WMMA":
        yield world.wmma(entry, name, result, types[0])
        return
    out = m * n * blocks * ELEMENT[result] // 64
    if types[0] == "F8F6F4":
        yield from world.mixed_matrix(entry, name, m * k // 64, out)
        yield from world.scaled_matrix(entry, name, m * k // 64, out)
        return
    a = m * k * blocks * ELEMENT[types[0]] // 64
    yield world.mfma(
        entry,
        name,
        out,
        a // 2 if kind == "SMFMAC" else a,
        a,
        sparse=kind == "SMFMAC",
        double=result == "F64",
    )


BUILDERS = {
    "SOP1": sop,
    "SOP2": sop,
    "SOPC": sop,
    "SOPK": sopk,
    "SOPP": sopp,
    "VOP1": short,
    "VOP2": short,
    "VOPC": short,
    "VOP3": long,
    "VOP3SD": long,
    "VOP3A": long,
    "VOP3B": long,
    "VOP3P": packed,
    **memory.BUILDERS,
    **graphics.BUILDERS,
    **image.BUILDERS,
}
