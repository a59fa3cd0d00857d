"""Forms of the memory formats: SMEM, DS, FLAT (with GLOBAL and SCRATCH), MUBUF, MTBUF; and pairs (VOPD).

Sizes of data follow from the names; where a bit of the instruction changes its operands (an address that is
off, a result that is returned) there is a form for each. What is not here: the scalar and vector formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from baregrad.isa.amd.archs import Field, Instruction
from baregrad.isa.amd.layout import Form, Modifier, Parts, Slot, parts, put
from baregrad.isa.amd.operands import OFF
from baregrad.isa.amd.world import World

CACHE = {"rdna": ("glc", "slc", "dlc"), "cdna": ("sc0", "nt", "sc1")}
COMPONENTS = {"X": 1, "XY": 2, "XYZ": 3, "XYZW": 4}


def data_bits(name: str) -> int:
    """The bits of data that a memory instruction moves, by its name; 32 where it moves less."""
    name = re.sub(r"^DS_CONDXCHG32", "DS", name)
    match = re.search(r"FORMAT_(?:D16_)?(?:HI_)?(XYZW|XYZ|XY|X)$", name)
    if match:
        count = COMPONENTS[match[1]]
        return 32 * ((count + 1) // 2 if "D16" in name else count)
    match = re.search(r"(?:DWORD)?X(\d+)$", name)
    if match:
        return 32 * int(match[1])
    match = re.search(r"_[BUIF](\d+)(?:_TR_B\d+)?(?:_D16.*)?$", name)
    return max(32, int(match[1])) if match else 32


SMEM = re.compile(r"S_(BUFFER_|SCRATCH_)?(LOAD|STORE|ATOMIC_\w+?)(?:_B(\d+)|_DWORD(?:X(\d+))?|_X(2))?")


def smem(world: World, entry: Instruction) -> Iterator[Form]:
    """Scalar loads, and what is done to scalar caches."""
    fields, name = world.tables.formats["SMEM"].fields, entry.name.lower()
    match = SMEM.fullmatch(entry.name)
    flags = [
        Modifier(key, "flag", parts(fields[key.upper()])) for key in ("glc", "dlc") if key.upper() in fields
    ]
    sdata = parts(fields["SDATA"])
    buffer = name.startswith(("s_buffer", "s_atc_probe_buffer"))
    base = Slot("SBASE", "sbase", parts(fields["SBASE"]), 128 if buffer else 64)
    if match:
        bits = int(match[3] or 32 * int(match[4] or match[5] or 1))
        bits = 2 * bits if "CMPSWAP" in entry.name else bits
        load = match[2] == "LOAD"
        data = Slot("SDATA", "sdata", sdata, bits, "b", not load, load or "ATOMIC" in match[2])
        yield from scalar_offsets(world, entry, [data, base], flags)
    elif name.startswith("s_atc_probe"):
        yield from scalar_offsets(world, entry, [Slot("SDATA", "decimal", sdata), base], [])
    elif "discard" in name:
        yield from scalar_offsets(world, entry, [base], [])
    else:
        time = [Slot("SDATA", "sdata", sdata, 64, "b", False, True)] if "time" in name else []
        yield world.form(entry, name, "SMEM", 8, time)


def scalar_offsets(
    world: World, entry: Instruction, first: list[Slot], flags: list[Modifier]
) -> Iterator[Form]:
    """The ways to give an offset: a number, a register, both."""
    fields, name = world.tables.formats["SMEM"].fields, entry.name.lower()
    where, off = parts(fields["SOFFSET"]), parts(fields["OFFSET"])
    wide = first[-1].bits == 128
    number = (
        Slot("OFFSET", "hex", ((32, 20),), type="u") if wide else Slot("OFFSET", "signedhex", off, type="i")
    )
    scalar = Slot("SOFFSET", "soffset", where)
    style = "mask" if world.family == "cdna" else "hex"
    shown = Modifier("offset", style, ((32, 20),)) if wide else Modifier("offset", f"{style}signed", off)
    both = [shown, *flags]
    unsigned = 1 << 52 if wide else 0  # the sign of an offset that has none
    if world.family == "rdna":
        null, any_scalar = put(where, 124), put(where, -1) | unsigned
        yield world.form(entry, name, "SMEM", 8, [*first, number], flags, fixed=null, mask=any_scalar)
        yield world.form(entry, name, "SMEM", 8, [*first, scalar], flags, fixed=0, mask=put(off, -1))
        yield world.form(entry, name, "SMEM", 8, [*first, scalar], both, mask=unsigned)
        return
    imm, soe = parts(fields["IMM"]), parts(fields["SOE"])
    kinds = put(imm, 1) | put(soe, 1)
    low = scalar._replace(where=((32, 7),))
    yield world.form(entry, name, "SMEM", 8, [*first, number], flags, fixed=put(imm, 1), mask=kinds)
    yield world.form(entry, name, "SMEM", 8, [*first, low], flags, fixed=0, mask=kinds)
    yield world.form(entry, name, "SMEM", 8, [*first, scalar], both, fixed=kinds, mask=kinds)


# What a DS entry has, by its name: the first pattern that fits. Letters: v result, w result of twice the
# size, a address, d data, e second data, 4 second data of 128 bits; o offset, p two offsets, s swizzle.
# Source: RDNA3 ISA 16.15, CDNA4 ISA 12.13
# fmt: off
DS_ROWS = (
    (r"DS_NOP", ""), (r"DS_GWS_SEMA_(V|P|RELEASE_ALL)", "o"), (r"DS_GWS_(INIT|BARRIER|SEMA_BR)", "ao"),
    (r"DS_(LOAD|READ)_ADDTID\w*", "vo"), (r"DS_(STORE|WRITE)_ADDTID\w*", "do"),
    (r"DS_(LOAD|READ)_?2(ADDR|ST64)?\w*", "wap"), (r"DS_(STORE|WRITE)_?2(ADDR|ST64)?\w*", "adep"),
    (r"DS_(STOREX|WRX)CHG_?2\w*", "wadep"), (r"DS_(LOAD|READ)_\w+", "vao"), (r"DS_(STORE|WRITE)_\w+", "ado"),
    (r"DS_SWIZZLE_B32", "vas"), (r"DS_B?PERMUTE\w*", "vado"), (r"DS_(APPEND|CONSUME)", "vo"),
    (r"DS_ORDERED_COUNT", "vao"), (r"DS_BVH_STACK\w*", "vad4o"), (r"DS_(ADD|SUB)_GS_REG_RTN", "wdo"),
    (r"DS_(CMPST(ORE)?|MSKOR|WRAP)_RTN\w*", "vadeo"), (r"DS_(CMPST(ORE)?|MSKOR)_\w*", "adeo"),
    (r"DS_\w+_RTN_\w+", "vado"), (r"DS_\w+", "ado"),
)
# fmt: on
GDS_ALWAYS = re.compile(r"DS_(ORDERED_COUNT|(ADD|SUB)_GS_REG_RTN|GWS_\w+)")
# What a buffer can load to local memory on CDNA4. Source: CDNA4 ISA 9.1.9
TO_LDS = re.compile(r"BUFFER_LOAD_(FORMAT_X|[US](BYTE|SHORT)|DWORD(X3|X4)?)")


def ds(world: World, entry: Instruction) -> Iterator[Form]:
    """Local memory."""
    fields, name = world.tables.formats["DS"].fields, entry.name.lower()
    letters = next(row for pattern, row in DS_ROWS if re.fullmatch(pattern, entry.name))
    bits = data_bits(entry.name)
    acc = (25, 1)
    data = "avodd" if entry.name == "DS_READ_B96_TR_B6" else "av" if world.family == "cdna" else "vgpr"
    ends = (acc,) if world.family == "cdna" else ()
    rows = {
        "v": Slot("D0", data, (*parts(fields["VDST"]), *ends), bits, "b", False, True),
        "w": Slot(
            "D0",
            data,
            (*parts(fields["VDST"]), *ends),
            2 * bits if "BVH" not in entry.name else 64,
            "b",
            False,
            True,
        ),
        "a": Slot("ADDR", "vgpr", parts(fields["ADDR"]), 32, "b", True, "BVH" in entry.name),
        "d": Slot("DATA0", data, (*parts(fields["DATA0"]), *ends), bits),
        "e": Slot("DATA1", data, (*parts(fields["DATA1"]), *ends), bits),
        "4": Slot("DATA1", "vgpr", parts(fields["DATA1"]), 128),
    }
    slots = [rows[letter] for letter in letters if letter in rows]
    both: Parts = (*parts(fields["OFFSET0"]), *parts(fields["OFFSET1"]))
    found = []
    if "p" in letters:
        found = [
            Modifier("offset0", "number", parts(fields["OFFSET0"])),
            Modifier("offset1", "number", parts(fields["OFFSET1"])),
        ]
    elif "s" in letters:
        found = [Modifier("offset", "swizzle", both)]
    elif "o" in letters:
        found = [Modifier("offset", "number", both)]
    fixed = 0
    global_data: Parts = parts(fields["GDS"]) if "GDS" in fields else ((16, 1),)
    if GDS_ALWAYS.fullmatch(entry.name):
        fixed = put(global_data, 1)
    if (fixed or "GDS" in fields) and not re.match(r"DS_BVH|DS_B?PERMUTE|DS_NOP", entry.name):
        found.append(Modifier("gds", "flag", global_data))
    yield world.form(entry, name, "DS", 8, slots, found, fixed=fixed, mask=fixed)


def flat(world: World, entry: Instruction) -> Iterator[Form]:
    """FLAT, GLOBAL, SCRATCH."""
    fields, name, segment = world.tables.formats["FLAT"].fields, entry.name.lower(), entry.format
    where = parts(fields["SEG"])
    code = {"FLAT": 0, "SCRATCH": 1, "GLOBAL": 2}[segment]
    fixed, mask = put(where, code), put(where, -1)
    offset = parts(fields["OFFSET"])
    flags = [Modifier(flag, "flag", parts(fields[flag.upper()])) for flag in CACHE[world.family]]
    shown = Modifier("offset", "signed", offset)
    also = put(parts(fields["SADDR"]), 124) if segment == "FLAT" and world.family == "rdna" else 0
    if segment == "FLAT":
        shown = Modifier("offset", "number", ((offset[0][0], offset[0][1] - 1),))
    for result in returned(entry.name):
        slots, more, set_bits, set_mask = flat_data(world, entry, flags, result)
        for address, at, bits in addresses(world, segment, fields, "ADDTID" in entry.name):
            made = ordered(entry.name, slots, address)
            yield world.form(entry, name, segment, 8, made, [shown, *more], fixed=fixed | set_bits | at,
                             mask=mask | set_mask | bits, base="FLAT", also=also)  # fmt: skip


def returned(name: str) -> tuple[bool | None, ...]:
    """Whether a result comes back: None where a bit does not say so."""
    return (False, True) if "ATOMIC" in name else (None,)


def flat_data(
    world: World, entry: Instruction, flags: list[Modifier], result: bool | None
) -> tuple[list[Slot], list[Modifier], int, int]:
    """Data of a flat instruction, its cache bits, and what the bit for results must be."""
    fields, bits = world.tables.formats["FLAT"].fields, data_bits(entry.name)
    ends: Parts = parts(fields["ACC"]) if "ACC" in fields else ()
    kind = "av" if ends else "vgpr"
    wide = 2 * bits if "CMPSWAP" in entry.name else bits
    load = "LOAD" in entry.name
    data = Slot("DATA", kind, (*parts(fields["DATA"]), *ends), wide)
    out = Slot("VDST", kind, (*parts(fields["VDST"]), *ends), bits, "b", False, True)
    if "LOAD_LDS" in entry.name:
        return [], flags, 0, 0
    if result is None:
        return [out] if load else [data], flags, 0, 0
    first = flags[0]
    made = [Modifier(first.name, first.style, first.where), *flags[1:]]
    return [out, data] if result else [data], made, put(first.where, int(result)), put(first.where, -1)


def ordered(name: str, data: list[Slot], address: list[Slot]) -> list[Slot]:
    """Results, addresses, data, in the order of the text."""
    out = [slot for slot in data if slot.written]
    given = [slot for slot in data if not slot.written]
    return (
        [*out, address[0], *given, *address[1:]]
        if address and address[0].role == "ADDR"
        else [*out, *given, *address]
    )


def addresses(
    world: World, segment: str, fields: dict[str, Field], addtid: bool
) -> Iterator[tuple[list[Slot], int, int]]:
    """The ways to give an address: slots, and the bits that say which."""
    all_fields = world.tables.formats["FLAT"].fields
    saddr, addr = parts(all_fields["SADDR"]), parts(all_fields["ADDR"])
    none = 124 if world.family == "rdna" else 127
    off = Slot("SADDR", "fixed", (), fixed=OFF)
    scalar = Slot("SADDR", "offset", saddr, 32 if segment == "SCRATCH" else 64)
    no_scalar, any_scalar = put(saddr, none), put(saddr, -1)
    if segment == "FLAT":
        yield [Slot("ADDR", "vgpr", addr, 64)], 0, 0
        return
    if addtid:
        yield [off], no_scalar, any_scalar
        yield [scalar], 0, 0
        return
    if segment == "GLOBAL":
        yield [Slot("ADDR", "vgpr", addr, 64), off], no_scalar, any_scalar
        yield [Slot("ADDR", "vgpr", addr, 32), scalar], 0, 0
        return
    sve = put(parts(all_fields["SVE" if "SVE" in all_fields else "LDS"]), 1)
    vector, no_vector = Slot("ADDR", "vgpr", addr, 32), Slot("ADDR", "fixed", (), fixed=OFF)
    yield [vector, off], no_scalar | sve, any_scalar | sve
    yield [no_vector, off], no_scalar, any_scalar | sve
    yield [vector, scalar], sve, sve
    yield [no_vector, scalar], 0, sve


def mubuf(world: World, entry: Instruction) -> Iterator[Form]:
    """Buffers, by address: none, an offset, an index, both."""
    fields, name, fmt = world.tables.formats[entry.format].fields, entry.name.lower(), entry.format
    if re.fullmatch(r"BUFFER_(GL[01]_INV|WBL2|INV|WBINVL1\w*)", entry.name):
        flags = [
            Modifier(flag, "flag", parts(fields[flag.upper()]))
            for flag in ("sc0", "sc1")
            if flag.upper() in fields
        ]
        yield world.form(entry, name, fmt, 8, [], flags)
        return
    bits, cache = data_bits(entry.name), CACHE[world.family]
    flags = [Modifier(flag, "flag", parts(fields[flag.upper()])) for flag in cache]
    ends: Parts = parts(fields["ACC"]) if "ACC" in fields else ()
    kind = "av" if ends else "vgpr"
    vdata: Parts = (*parts(fields["VDATA"]), *ends)
    load = "LOAD" in entry.name
    for result in returned(entry.name):
        wide = 2 * bits if "CMPSWAP" in entry.name else bits
        for tfe in (0, 1) if "TFE" in fields and load and fmt == "MUBUF" else (None,):
            data = Slot("VDATA", kind, vdata, wide + 32 * (tfe or 0), "b", not load, load or bool(result))
            fixed, mask = (
                (0, 0) if result is None else (put(flags[0].where, int(result)), put(flags[0].where, -1))
            )
            more = list(flags)
            if fmt == "MTBUF" and "TFE" in fields:  # there is no such instruction
                mask |= put(parts(fields["TFE"]), -1)
            if tfe is not None:
                where = parts(fields["TFE"])
                fixed, mask = fixed | put(where, tfe), mask | put(where, -1)
                more.append(Modifier("tfe", "flag", where))
            yield from buffer_forms(world, entry, data, more, fixed, mask)
            if world.family == "cdna" and TO_LDS.fullmatch(entry.name):
                where = parts(fields["LDS"])
                yield from buffer_forms(
                    world,
                    entry,
                    None,
                    [*more, Modifier("lds", "flag", where)],
                    fixed | put(where, 1),
                    mask | put(where, 1),
                )


def buffer_forms(
    world: World, entry: Instruction, data: Slot | None, flags: list[Modifier], fixed: int, mask: int
) -> Iterator[Form]:
    """The four ways to address a buffer."""
    fmt = entry.format
    fields = world.tables.formats[fmt].fields
    offen, idxen, vaddr = (parts(fields[key]) for key in ("OFFEN", "IDXEN", "VADDR"))
    resource = Slot("SRSRC", "srsrc", parts(fields["SRSRC"]), 128)
    scalar = Slot("SOFFSET", "ssrc8", parts(fields["SOFFSET"]))
    both = put(offen, 1) | put(idxen, 1)
    typed = [Modifier("format", "format", parts(fields["FORMAT"]), 1)] if "FORMAT" in fields else []
    if "DFMT" in fields:
        typed = [Modifier("format", "format", (*parts(fields["DFMT"]), *parts(fields["NFMT"])), 1)]
    offset = Modifier("offset", "number", parts(fields["OFFSET"]))
    ways = ((0, 0), (1, 0), (0, 1), (1, 1))
    for has_offset, has_index in ways:
        count = has_offset + has_index
        address = Slot("VADDR", "vgpr", vaddr, 32 * count) if count else Slot("VADDR", "fixed", (), fixed=OFF)
        found = [*typed, Modifier("idxen", "flag", idxen), Modifier("offen", "flag", offen), offset, *flags]
        slots = [*([data] if data else []), address, resource, scalar]
        yield world.form(
            entry,
            entry.name.lower(),
            fmt,
            8,
            slots,
            found,
            fixed=fixed | put(offen, has_offset) | put(idxen, has_index),
            mask=mask | both,
        )


# The halves of a pair: what each reads. Source: RDNA3 ISA 7.6
PAIR = {"MOV_B32": "s", "FMAAK_F32": "svk", "FMAMK_F32": "skv"}


def pairs(world: World, entry: Instruction) -> Iterator[Form]:
    """VOPD: an instruction for X with each for Y; made when the X half is met."""
    fields = world.tables.formats["VOPD"].fields
    if world.wave != 32:
        return
    for other in world.tables.instructions:
        if other.format != "VOPDY":
            continue
        first, second = half_slots(entry, fields, "X"), half_slots(other, fields, "Y")
        name = f"{entry.name.lower()} :: {other.name.lower()}"
        literal = "always" if any(slot.kind == "literal" for slot in (*first, *second)) else "may"
        where, which = parts(fields["OPX"]), parts(fields["OPY"])
        yield world.form(
            Instruction("VOPD", entry.opcode, name.upper(), -1, ()),
            name,
            "VOPD",
            8,
            [*first, *second],
            fixed=put(where, entry.opcode) | put(which, other.opcode),
            mask=put(where, -1) | put(which, -1),
            literal=literal,
        )


def half_slots(entry: Instruction, fields: dict[str, Field], half: str) -> list[Slot]:
    """The operands of one half."""
    name = entry.name.removeprefix("V_DUAL_")
    sources = {"X": (((0, 9),), ((9, 8),)), "Y": (((32, 9),), ((41, 8),))}[half]
    # The lowest bit of Y's result is not stored: it is the other one than X's. Source: RDNA3 ISA 7.6
    target = ((56, 8),) if half == "X" else ((56, 1), (49, 7))
    reads = "FMAC" in name or "DOT2ACC" in name
    slots = [Slot(f"D{half}", "vgpr" if half == "X" else "dsty", target, 32, "f", reads, True)]
    rows = {"s": Slot(f"S0{half}", "src", sources[0], 32, "f" if "F32" in name else "b"),
            "v": Slot(f"S1{half}", "vgpr", sources[1], 32, "f" if "F32" in name else "b"),
            "k": Slot("SIMM32", "literal", (), 32, "f")}  # fmt: skip
    return [*slots, *(rows[letter] for letter in PAIR.get(name, "sv"))]


BUILDERS: dict[str, Callable[[World, Instruction], Iterator[Form]]] = {
    "SMEM": smem, "DS": ds, "FLAT": flat, "GLOBAL": flat, "SCRATCH": flat, "MUBUF": mubuf, "MTBUF": mubuf,
    "VOPDX": pairs,
}  # fmt: skip
