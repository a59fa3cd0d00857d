"""Forms of the scalar formats: SOP1, SOP2, SOPC, SOPK, SOPP.

What is not here: scalar loads (memory.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from baregrad.isa.amd.archs import Instruction
from baregrad.isa.amd.layout import Form, Slot, parts, put
from baregrad.isa.amd.operands import NULL
from baregrad.isa.amd.roles import implicit, kind_of, name_of, roles
from baregrad.isa.amd.rows import SOPP, Found
from baregrad.isa.amd.world import World


def scalar_slot(world: World, fmt: str, field: str, kind: str, one: Found) -> Slot:
    """A scalar operand."""
    return Slot(one.role, kind, parts(world.tables.formats[fmt].fields[field]), max(32, one.bits), one.type,
                one.read, one.written)  # fmt: skip


def sop(world: World, entry: Instruction) -> Iterator[Form]:
    """SOP1, SOP2, SOPC."""
    found, fmt = roles(world, entry), entry.format
    fields = world.tables.formats[fmt].fields
    if entry.name.startswith("S_SENDMSG_RTN"):
        bits = int(entry.name[-2:])
        slots = [Slot("D0", "sdst", parts(fields["SDST"]), bits, "b", False, True),
                 Slot("S0", "message", parts(fields["SSRC0"]))]  # fmt: skip
        yield world.form(entry, name_of(world, entry), fmt, 4, slots)
        return
    slots = []
    if "D0" in found and "SDST" in fields:
        slots.append(scalar_slot(world, fmt, "SDST", "sdst", found["D0"]))
    for role, field in (("S0", "SSRC0"), ("S1", "SSRC1")):
        if role in found:
            slots.append(scalar_slot(world, fmt, field, kind_of(entry, role, "ssrc"), found[role]))
    if entry.name == "S_SET_GPR_IDX_ON":
        slots[1] = Slot("S1", "gpr_idx", ((8, 4),))
    yield world.form(
        entry, name_of(world, entry), fmt, 4, slots, literal="may", implicit=implicit(world, entry)
    )


def sopk(world: World, entry: Instruction) -> Iterator[Form]:
    """SOPK: a scalar register and 16 bits."""
    fields, name = world.tables.formats["SOPK"].fields, entry.name
    where, dst = parts(fields["SIMM16"]), parts(fields["SDST"])
    imm = Slot("SIMM16", "hex", where)
    hwreg = Slot("SIMM16", "hwreg", where)
    reg = Slot("D0", "sdst", dst, 32, "b", False, True)
    read = Slot("S0", "sdst", dst, 32, "b", True, False)
    literal = ""
    if name == "S_VERSION":
        slots = [imm]
    elif name == "S_GETREG_B32":
        slots = [reg, hwreg]
    elif name == "S_SETREG_B32":
        slots = [hwreg, read]
    elif name == "S_SETREG_IMM32_B32":
        slots, literal = [hwreg, Slot("SIMM32", "literal", ())], "always"
    elif name in ("S_CALL_B64", "S_CBRANCH_I_FORK"):
        pair = Slot("D0", "sdst", dst, 64, "b", name != "S_CALL_B64", name == "S_CALL_B64")
        slots = [pair, Slot("SIMM16", "label", where, type="i")]
    elif name.startswith("S_SUBVECTOR_LOOP"):
        slots = [reg, Slot("SIMM16", "label", where, type="i")]
    elif name.startswith("S_WAITCNT"):
        null = put(dst, 124)
        slots = [Slot("S0", "fixed", (), fixed=NULL), imm]
        yield world.form(entry, name_of(world, entry), "SOPK", 4, slots, fixed=null, mask=put(dst, -1))
        return
    elif name.startswith("S_CMPK"):
        slots = [read, imm._replace(type="u") if name.endswith("U32") else imm]
    else:
        slots = [reg._replace(read=name in ("S_ADDK_I32", "S_MULK_I32")), imm]
    yield world.form(
        entry, name_of(world, entry), "SOPK", 4, slots, literal=literal, implicit=implicit(world, entry)
    )


def sopp(world: World, entry: Instruction) -> Iterator[Form]:
    """SOPP: 16 bits, written as the entry wants."""
    where = parts(world.tables.formats["SOPP"].fields["SIMM16"])
    kind = SOPP.get(entry.name, "label" if "BRANCH" in entry.name else "decimal")
    name, uses_ = name_of(world, entry), implicit(world, entry)
    if kind in ("", "optional"):
        yield world.form(entry, name, "SOPP", 4, [], fixed=put(where, 0), mask=put(where, -1), implicit=uses_)
    if kind:
        unsigned = kind == "optional" or entry.name == "S_WAIT_EVENT"
        sign = "i" if kind == "label" else "u" if unsigned else "b"
        kind = "count" if kind == "optional" else kind
        yield world.form(
            entry,
            name,
            "SOPP",
            4,
            [
                Slot(
                    "SIMM16",
                    kind,
                    where if kind != "gpr_idx" else ((0, 4),),
                    type=sign,
                )
            ],
            implicit=uses_,
        )
