"""What the builders of forms share: an architecture's tables and lanes, and how a format's bits become a
form.

Modifiers by format and family are here too. What is not here: operands of entries (forms.py, memory.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from baregrad.base import memo
from baregrad.isa.amd.archs import Field, Instruction, Tables
from baregrad.isa.amd.layout import Form, Modifier, Slot, parts, put
from baregrad.isa.amd.operands import Reg

# What stands behind a format: (format, code in SRC0, suffix). Source: RDNA3 ISA 15.3.9, CDNA4 ISA 12.9
EXTENSIONS = {
    "rdna": (("DPP16", 250, "_dpp"), ("DPP8", 233, "_dpp"), ("DPP8FI", 234, "_dpp")),
    "cdna": (("DPP", 250, "_dpp"), ("SDWA", 249, "_sdwa")),
}
F8F6F4 = ((0, 8), (1, 8), (2, 6), (3, 6), (4, 4))


# Bits that must be as they are when an instruction is made, where no operand or modifier of it has them: by
# the format and what stands behind it, (low, high) each. Other bits without a meaning may be anything, as
# LLVM's disassembler has it. Source: observed with LLVM 19 (gfx1100) and LLVM 22 (gfx950).
# fmt: off
RESERVED: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {
    "rdna": {
        "DS": ((17, 17), (32, 63)), "FLAT": ((12, 12), (48, 55)), "GLOBAL": ((55, 55),),
        "LDSDIR": ((22, 23),), "MUBUF": ((13, 14), (53, 55)), "SMEM": ((13, 14),), "VINTERP": ((11, 14),),
        "VOP1": ((17, 24),), "VOP3": ((7, 10), (15, 15), (59, 63)), "VOP3SD": ((59, 63),),
        "VOP3P": ((11, 13), (15, 15), (23, 23)),
        "VOPD": ((9, 16), (41, 48)), "DPP16": ((52, 55),), "VOP3+DPP": ((41, 58),),
    },
    "cdna": {
        "DS": ((25, 25), (32, 63)), "FLAT": ((12, 13), (48, 54)), "GLOBAL": ((13, 13), (55, 55)),
        "SCRATCH": ((55, 55),), "MUBUF": ((12, 13), (16, 16), (55, 55)), "SMEM": ((17, 17),),
        "SOPC": ((12, 15),), "SOPP": ((4, 15),), "VOP1": ((17, 24),), "VOP3A": ((7, 15), (59, 63)),
        "VOP3B": ((59, 63),), "DPP": ((52, 55),),
        "SDWA": ((40, 42), (46, 47), (51, 53), (56, 61), (63, 63)),
    },
}
# fmt: on


@memo
def reserved(fam: str, encoding: str) -> int:
    """The reserved bits of a format with what stands behind it."""
    rows = RESERVED[fam]
    fmt, _, extension = encoding.partition("+")
    long = fmt.startswith("VOP3")
    found = [*rows.get(fmt, ())]
    if long and extension.startswith("DPP"):
        found += rows.get("VOP3+DPP", ())
    elif extension:
        found = [*rows.get(extension, ())]
    return sum((1 << high + 1) - (1 << low) for low, high in found)


def used(slots: tuple[Slot, ...], changes: tuple[Modifier, ...], mask: int) -> int:
    """The bits of a form that have a meaning."""
    for slot in slots:
        for low, size in slot.where:
            mask |= (1 << size) - 1 << low
        for bit in (slot.neg, slot.abs, slot.sext, slot.half):
            if bit >= 0:
                mask |= 1 << bit
    for one in changes:
        for low, size in one.where:
            mask |= (1 << size) - 1 << low
    return mask


@dataclass(frozen=True)
class World:
    """An architecture, for whoever makes its forms; `long` has the names of VOP3, `short` of the others."""

    tables: Tables
    family: str
    wave: int
    long: frozenset[str]
    short: frozenset[str]

    @property
    def mask_register(self) -> Reg:
        """VCC as a mask of lanes."""
        return Reg("vcc_lo") if self.wave == 32 else Reg("vcc", 0, 2)

    @property
    def extensions(self) -> tuple[tuple[str, int, str], ...]:
        """The formats that stand behind a short one; DPP8 has a second code that fetches inactive lanes."""
        return EXTENSIONS[self.family]

    def form(  # noqa: PLR0913 - what is common to most forms has a default
        self,
        entry: Instruction,
        name: str,
        encoding: str,
        size: int,
        slots: Iterable[Slot],
        modifiers: Iterable[Modifier] = (),
        *,
        fixed: int = 0,
        mask: int = 0,
        literal: str = "",
        also: int = 0,
        implicit: tuple[tuple[str, bool, bool], ...] = (),
        base: str = "",
    ) -> Form:
        """A form: the bits of its format's encoding and of its opcode are fixed, and those given."""
        one = self.tables.formats[base or encoding.partition("+")[0]]
        for field, value in (("ENCODING", int(one.encoding, 2)), ("OP", entry.opcode)):
            if field in one.fields:
                where = parts(one.fields[field])
                fixed |= put(where, value)
                mask |= put(where, -1)
        made, changes = tuple(slots), tuple(modifiers)
        idle = reserved(self.family, encoding) & ~used(made, changes, mask)
        mask, fixed, also = mask | idle, fixed | also & idle, also & ~idle
        if literal == "may" and not any(slot.literal for slot in made):
            literal = ""
        return Form(
            self.tables.arch.name,
            self.wave,
            name,
            entry,
            encoding,
            mask,
            fixed,
            size,
            made,
            changes,
            literal,
            also,
            implicit,
        )

    def extended_slot(self, slot: Slot, extension: str) -> Slot:
        """An operand of a short form where DPP or SDWA stands behind."""
        number = {"S0": 0, "S1": 1}.get(slot.role)
        if number is None:
            return slot
        if extension == "SDWA":
            where = ((32, 8), (55, 1)) if number == 0 else ((9, 8), (63, 1))
            change = 52 + 8 * number
            floats = slot.type == "f"
            return slot._replace(
                kind="sdwa",
                where=where,
                neg=change if floats else -1,
                abs=change + 1 if floats else -1,
                sext=-1 if floats else change - 1,
            )
        signs = not extension.startswith("DPP8") and slot.type == "f"
        slot = slot._replace(neg=52 + 2 * number if signs else -1, abs=53 + 2 * number if signs else -1)
        if number == 0:
            slot = slot._replace(kind="vgpr16" if slot.kind == "src16" else "vgpr", where=((32, 8),))
        return slot

    def lane_modifiers(self, extension: str, fields: dict[str, Field], at: int = 0) -> list[Modifier]:
        """The controls of DPP; `at` is how much further it stands than behind a short format."""
        if extension in ("DPP8", "DPP8FI"):
            lanes = [Modifier("dpp8", "dpp8", ((40 + at, 24),))]
            # The code of DPP8 that fetches inactive lanes differs in this bit, too.
            return [*lanes, Modifier("fi", "flag1", ((at + 1, 1),))]
        found = [Modifier("dpp", "dpp", parts(fields["DPP_CTRL"], at)),
                 Modifier("row_mask", "mask", parts(fields["ROW_MASK"], at), 15),
                 Modifier("bank_mask", "mask", parts(fields["BANK_MASK"], at), 15),
                 Modifier("bound_ctrl", "bound", parts(fields["BC"], at))]  # fmt: skip
        if "FI" in fields:
            found.append(Modifier("fi", "flag1", parts(fields["FI"], at)))
        return found

    def extension_modifiers(
        self, extension: str, fields: dict[str, Field], slots: list[Slot], only_sources: bool
    ) -> list[Modifier]:
        """The modifiers of a short form with DPP or SDWA."""
        if extension != "SDWA":
            return self.lane_modifiers(extension, fields)
        found = [Modifier("clamp", "flag", ((45, 1),))] if "CLMP" in fields else []
        if any(slot.type == "f" and slot.role == "D0" for slot in slots) and "OMOD" in fields:
            found.append(Modifier("omod", "omod", parts(fields["OMOD"])))
        if not only_sources:
            found += [Modifier("dst_sel", "select", parts(fields["DST_SEL"]), 6),
                      Modifier("dst_unused", "unused", parts(fields["DST_U"]), 2)]  # fmt: skip
        for number in range(sum(slot.role in ("S0", "S1") for slot in slots)):
            found.append(Modifier(f"src{number}_sel", "select", parts(fields[f"SRC{number}_SEL"]), 6))
        return found

    def long_modifiers(
        self, name: str, fields: dict[str, Field], slots: list[Slot], halves: bool, promoted: bool
    ) -> list[Modifier]:
        """The modifiers of VOP3."""
        found = []
        sources = sum(slot.role in ("S0", "S1", "S2") and slot.kind != "mask9" for slot in slots)
        if name.startswith(("V_PERMLANE16_B", "V_PERMLANEX16")):
            return [Modifier("op_sel", "bits", ((11, 2),))]
        if re.fullmatch(r"V_PERMLANE(16|32)_SWAP_B32", name):
            return [Modifier("bound_ctrl", "bound", ((12, 1),)), Modifier("fi", "flag1", ((11, 1),))]
        if name.startswith("V_BITOP3"):
            found.append(Modifier("bitop3", "hex", ((61, 3), (8, 3), (59, 2))))
            if name == "V_BITOP3_B16":
                found.append(Modifier("op_sel", "bits", ((11, 4),)))
            return found
        if self.family == "cdna" and "OPSEL" in fields and op_sel(name, halves, promoted):
            where = (*((11 + at, 1) for at in range(sources)), (14, 1))
            if re.match(r"V_CVT_SR_(FP8|BF8)_F32|V_CVT_SCALEF32_PK_FP4_B?F16", name):
                where = ((11, 4),)
            found.append(Modifier("op_sel", "bits", where))
        if "CLMP" in fields and clamp(self.family, name, slots):
            found.append(Modifier("clamp", "flag", parts(fields["CLMP"])))
        floats = any(slot.type == "f" and slot.role == "D0" for slot in slots)
        if "OMOD" in fields and (floats or OMOD.fullmatch(name)) and not NO_OMOD.match(name):
            found.append(Modifier("omod", "omod", parts(fields["OMOD"])))
        return found

    def packed_unused(self, count: int) -> int:
        """OPSEL_HI of sources that are not there is set."""
        return put(((59, 2), (14, 1)), 7 & ~((1 << count) - 1))

    def plain_dot(self, name: str) -> bool:
        """Is it a dot product without OP_SEL?"""
        return bool(re.match(r"V_DOT" if self.family == "cdna" else r"V_DOT[48]", name))

    def packed_modifiers(self, name: str, count: int, mixed: bool) -> list[Modifier]:
        """The modifiers of VOP3P."""
        high = ((59, 2), (14, 1))[: 2 if count == 3 else 1]
        full = 0 if mixed else (1 << count) - 1
        found = []
        if not self.plain_dot(name):
            found = [Modifier("op_sel", "bits", ((11, count),)), Modifier("op_sel_hi", "bits", high, full)]
        if not mixed:
            found += [Modifier("neg_lo", "bits", ((61, count),)), Modifier("neg_hi", "bits", ((8, count),))]
        found.append(Modifier("clamp", "flag", ((15, 1),)))
        return found

    def wmma(self, entry: Instruction, name: str, result: str, source: str) -> Form:
        """A matrix product of RDNA3: 16 x 16 x 16."""
        out = 8 * 32 * 32 // self.wave
        each = {"IU8": 128, "IU4": 64}.get(source, 256)
        slots = [Slot("D0", "vgpr", ((0, 8),), out, "b", False, True), Slot("S0", "src", ((32, 9),), each),
                 Slot("S1", "src", ((41, 9),), each), Slot("S2", "wsrc", ((50, 9),), out)]  # fmt: skip
        integer = source.startswith("IU")
        found = [Modifier("neg_lo", "bits", ((61, 3),))]
        if result in ("F16", "BF16"):
            found.insert(0, Modifier("op_sel", "bits", ((11, 3),)))
        found.append(
            Modifier("clamp", "flag", ((15, 1),)) if integer else Modifier("neg_hi", "bits", ((8, 3),))
        )
        slots = [slot._replace(kind="vsrc") if slot.role in ("S0", "S1") else slot for slot in slots]
        both = put(((59, 2), (14, 1)), 7)
        return self.form(entry, name, "VOP3P", 8, slots, found, fixed=both, mask=both)

    def mfma(
        self, entry: Instruction, name: str, out: int, a: int, b: int, *, sparse: bool, double: bool
    ) -> Form:
        """A matrix product of CDNA."""
        slots = matrix_slots(out, a, b)
        if sparse:
            slots[3] = Slot("S2", "vsrc", ((50, 9),), 32)
            slots[0] = slots[0]._replace(read=True)
        found = [Modifier("cbsz", "number", ((8, 3),)), Modifier("abid", "number", ((11, 4),))]
        if not sparse:
            found.append(
                Modifier("neg", "bits", ((61, 3),)) if double else Modifier("blgp", "number", ((61, 3),))
            )
        return self.form(entry, name, "VOP3P", 8, slots, found)

    def scaled_matrix(self, entry: Instruction, name: str, elements: int, out: int) -> Iterator[Form]:
        """The same with a word of scales before it, which is an instruction of its own: 16 bytes in all."""
        before = Instruction("VOP3P", 44, entry.name.replace("MFMA", "MFMA_SCALE"), -1, ())
        product = self.form(entry, name, "VOP3P", 8, ())
        found = [Modifier("op_sel", "bits3", ((11, 2),)), Modifier("op_sel_hi", "bits3", ((59, 2),)),
                 Modifier("cbsz", "number", ((72, 3),)), Modifier("blgp", "number", ((125, 3),))]  # fmt: skip
        # ABID is 1 where scales stand before the product.
        fixed, mask = (product.value | 1 << 11) << 64, (product.mask | 0xF << 11) << 64
        for first, wide in F8F6F4:
            for second, other in F8F6F4:
                where = ((72, 3), (125, 3))
                slots = scaled_slots(out, elements * wide, elements * other)
                bits = fixed | put(where, first | second << 3)
                named = name.replace("mfma", "mfma_scale")
                yield self.form(before, named, "VOP3P", 16, slots, found, fixed=bits,
                                mask=mask | put(where, -1))  # fmt: skip

    def mixed_matrix(self, entry: Instruction, name: str, elements: int, out: int) -> Iterator[Form]:
        """A matrix product of small floats: CBSZ and BLGP name their types."""
        for first, wide in F8F6F4:
            for second, other in F8F6F4:
                where = ((8, 3), (61, 3))
                fixed = put(where, first | second << 3)
                yield self.form(
                    entry,
                    name,
                    "VOP3P",
                    8,
                    matrix_slots(out, elements * wide, elements * other),
                    [Modifier("cbsz", "number", ((8, 3),)), Modifier("blgp", "number", ((61, 3),))],
                    fixed=fixed,
                    mask=put(where, -1),
                )


OP_SEL = re.compile(r"V_CVT_SCALEF32_(?!\w*(PK32|2XPK16))|V_CVT_(PK|SR)_(FP8|BF8)|V_CVT_SR_B?F16|V_ASHR_PK_")
INTEGER_CLAMP = re.compile(
    r"V_(ADD|SUB|SUBREV|ADDC|SUBB|SUBBREV)_(NC_|CO_|CI_)*[UI](16|32)|V_MUL_(I32_I24|U32_U24)|V_MAD_|V_(MQ|Q|M)?SAD_|V_DOT|V_(MIN|MAX|MED)3_[IU]16"
)
# Results that are no floats and take an output modifier all the same.
OMOD = re.compile(
    r"V_CVT_[IU](16|32)_F(16|32|64)|V_FREXP_EXP_(I32_F64|I16_F16)|V_CVT_NORM_[IU]16_F16|V_CVT_PK_F32_[BF][FP]8"
)
NO_OMOD = re.compile(r"V_CNDMASK|V_DOT2_B?F16|V_PACK_B32|V_CVT_SCALEF32")
NO_CLAMP = re.compile(
    r"V_CNDMASK|V_CVT_SCALEF32|V_CVT_PK_(FP8|BF8)|V_CVT_SR_|V_DOT2_B?F16|V_CMPX?_CLASS|V_MQSAD_U32_U8"
)


def op_sel(name: str, halves: bool, promoted: bool) -> bool:
    """Has an entry of VOP3 on CDNA OP_SEL? Those with 16 bits have that are not in a short format too."""
    return bool(OP_SEL.match(name)) or (halves and not promoted and "LEGACY" not in name)


def clamp(fam: str, name: str, slots: list[Slot]) -> bool:
    """Has an entry of VOP3 CLAMP? Floats have, sums and products of integers, and byte shifts of RDNA3."""
    if NO_CLAMP.match(name):
        return False
    return (
        any(slot.type == "f" for slot in slots if slot.role[0] in "DS")
        or bool(INTEGER_CLAMP.match(name))
        or (fam == "rdna" and name.startswith("V_ALIGN"))
    )


def scaled_slots(out: int, a: int, b: int) -> list[Slot]:
    """The operands of a scaled product: those of the product, 8 bytes further, and the scales."""
    moved = [
        slot._replace(where=tuple((low + 64, size) for low, size in slot.where))
        for slot in matrix_slots(out, a, b)
    ]
    return [*moved, Slot("S3", "vsrc", ((32, 9),)), Slot("S4", "vsrc", ((41, 9),))]


def matrix_slots(out: int, a: int, b: int) -> list[Slot]:
    """The operands of a matrix product: vector or accumulation registers."""
    return [
        Slot("D0", "av", ((0, 8), (15, 1)), out, "b", False, True),
        Slot("S0", "avsrc", ((32, 9), (59, 1)), a),
        Slot("S1", "avsrc", ((41, 9), (60, 1)), b),
        Slot("S2", "asrc", ((50, 9), (15, 1)), out),
    ]
