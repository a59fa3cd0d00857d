"""What names of the pseudocode are, for a form: operands as variables, registers, fields, constants.

A variable has the bits of the operand's registers; a mask over lanes is one bit in an instruction that works
lane by lane: this lane's. What is not here: memory (addresses.py), modifiers (modifiers.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from baregrad.isa.amd.layout import Form, Slot
from baregrad.isa.amd.meaning.typing import Number, Value
from baregrad.isa.meaning import U1, Node, Type, const

CONSTANTS = {"INF": math.inf, "NAN": math.nan, "PI": math.pi, "MAX_FLOAT_F32": 3.4028234663852886e38,
             "OVERFLOW_F32": math.inf, "OVERFLOW_F64": math.inf, "UNDERFLOW_F32": 0.0,
             "UNDERFLOW_F64": 0.0}  # fmt: skip
# (register of the pseudocode, field) -> variable, lowest bit, bits. Source: RDNA3 ISA 3.4, CDNA4 ISA 3.3
FIELD_ROWS = {
    ("WAVE_MODE", "IEEE"): ("MODE", 9, 1), ("WAVE_MODE", "GPR_IDX_EN"): ("MODE", 27, 1),
    ("WAVE_MODE", "CSP"): ("MODE", 29, 3), ("WAVE_STATUS", "PRIV"): ("STATUS", 5, 1),
    ("WAVE_STATUS", "COND_DBG_USER"): ("STATUS", 20, 1), ("WAVE_STATUS", "COND_DBG_SYS"): ("STATUS", 21, 1),
}  # fmt: skip
# variables that are no operands: bits. EXEC and VCC are masks, one bit in an instruction of lanes.
IMPLICIT = {
    "SCC": 1, "VCC": 64, "EXEC": 64, "M0": 32, "PC": 64, "MODE": 32, "STATUS": 32, "TRAPSTS": 32,
    "laneId": 32, "LDS_SIZE": 32, "SCRATCH_BASE": 64, "SCRATCH_SIZE": 32, "SHARED_BASE": 64,
    "PRIVATE_BASE": 64, "TBA": 64, "CYCLE": 64,
}  # fmt: skip
REGISTERS = IMPLICIT | {
    "OFFSET": 32, "OFFSET0": 32, "OFFSET1": 32, "SIMM16": 16, "SIMM32": 32, "SGPR": 128 * 32,
    "VGPR": 256 * 64 * 32, "ACC": 256 * 64 * 32,
}  # fmt: skip
MASK_KINDS = ("sdst", "sdst8", "mask9")
WAVE_WORDS = {"WAVE32": 32, "WAVE64": 64}
MASKS = frozenset(("VCC", "EXEC"))


def scope_of(form: Form) -> str:
    """How often an instruction is done: "scalar" once, "lane" for each lane of EXEC."""
    return "scalar" if form.entry.format.startswith(("SOP", "SMEM")) else "lane"


class Names:
    """The names of a form; `given` are modifiers with their values, `renamed` what stands for an operand."""

    def __init__(
        self, form: Form, given: Mapping[str, int], renamed: Mapping[str, Node] | None = None
    ) -> None:
        self.form, self.given, self.renamed = form, given, renamed or {}
        self.scope = scope_of(form)
        self.slots = {slot.role: slot for slot in form.slots}
        self.alias = aliases(form, self.slots)
        self.memory: Any = None  # the form's memory (addresses.Access), which knows values, which know names

    def bits(self, role: str) -> int:
        """The bits of an operand's variable."""
        slot = self.slots[role]
        if "_MIX" in self.form.entry.name and role[0] == "S":
            return 32  # a half of it, or all of it, as OP_SEL_HI says; the slot has what constants are
        return 1 if self.is_mask(slot) else slot.bits

    def is_mask(self, slot: Slot) -> bool:
        """Is it a mask over lanes?"""
        if self.scope != "lane":
            return False
        return slot.kind in MASK_KINDS or slot.role == "VCC"

    def read(self, name: str) -> Value | None:
        """What a name is, None if it is none of these."""
        if name in CONSTANTS:
            return Number(CONSTANTS[name], Type("f", 64))
        if name in WAVE_WORDS:
            return Number(int(self.form.wave == WAVE_WORDS[name]), U1)
        if name in ("true", "false"):
            return Number(int(name == "true"), U1)
        if name in self.given:
            return Number(self.given[name], Type("u", 32))
        if name in ("VCCZ", "EXECZ"):
            mask = self.register(name[:-1])
            used = (
                mask
                if self.form.wave == 64
                else Node("slice", Type("u", 32), (mask, const(Type("u", 64), 0)))
            )
            return Node("eq", U1, (used, const(used.t, 0)))
        return self.variable(name)

    def variable(self, name: str) -> Node | None:
        """The variable of a name, to be read or written."""
        role = self.alias.get(name, name)
        if role in self.renamed:
            return self.renamed[role]
        if role in self.slots and self.slots[role].kind != "fixed":
            return Node("var", Type("u", self.bits(role)), (), role)
        return self.register(role) if role in REGISTERS else None

    def register(self, name: str) -> Node:
        """A register that the form does not name."""
        bits = 1 if self.scope == "lane" and name in MASKS else REGISTERS[name]
        return Node("var", Type("u", bits), (), name)

    def lane(self, name: str, *, written: bool) -> Node | None:
        """This lane's bit of a mask; None if the name is no mask."""
        if name == "VCC" and "VCC" not in self.slots:
            role = "D1" if written else "S2"
            slot = self.slots.get(role)
            if slot is not None and self.is_mask(slot):
                return Node("var", U1, (), role)
        if name == "D0" and "D0" not in self.slots and "VCC" in self.slots:
            name = "VCC"
        slot = self.slots.get(name)
        if (slot is not None and self.is_mask(slot)) or name in MASKS:
            return self.renamed.get(name, Node("var", U1, (), name))
        return None

    def dropped(self, name: str) -> bool:
        """Is what is written there lost? A result that is not returned, V_CMPX's mask of RDNA."""
        return name == "RETURN_DATA" and name not in self.alias


# format -> names of its bodies: roles
ALIASES: dict[str, dict[str, str]] = {
    "DS": {"DATA": "DATA0", "DATA2": "DATA1"}, "FLAT": {}, "GLOBAL": {}, "SCRATCH": {},
    "MUBUF": {"DATA": "VDATA"}, "MTBUF": {"DATA": "VDATA"}, "SMEM": {"DATA": "SDATA", "RETURN_DATA": "SDATA"},
}  # fmt: skip


def aliases(form: Form, slots: Mapping[str, Slot]) -> dict[str, str]:
    """Names of the body -> roles of the form."""
    format = form.entry.format
    found = {"SRC0": "S0", "SRC1": "S1", "laneID": "laneId", **ALIASES.get(format, {})}
    result = {"DS": "D0", "MUBUF": "VDATA", "MTBUF": "VDATA"}.get(format, "VDST")
    if result in slots and slots[result].written and format in ALIASES:
        found["RETURN_DATA"] = result
    if format in ("FLAT", "GLOBAL", "SCRATCH"):
        found["VDATA"] = "VDST" if "VDST" in slots else "DATA"
    elif re.match(r"V_(FMAC|MAC|PK_FMAC|DOT\w*C)_", form.entry.name) and "S2" not in slots:
        found["S2"] = "D0"
    elif format == "SOPK":
        found |= {role: "SIMM16" for role in ("S0", "S1") if role not in slots and "SIMM16" in slots}
        found |= {"S0": "D0"} if form.entry.name == "S_CBRANCH_I_FORK" else {}
    if "D0" in slots:
        found["D"] = "D0"
    return found
