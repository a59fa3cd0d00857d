"""What a wave's registers say of how its instructions are decoded: MODE's rounding, VGPR indexing, VSKIP.

While GPR_IDX_EN is set M0 moves registers of vector instructions; while VSKIP is set these do nothing. Both
are CDNA's alone. Instructions are decoded once for each setting. Source: CDNA4 ISA 3.5, 6.6, 12.4
(S_SETVSKIP). What is not here: what rounding means (emu/modes.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from baregrad.emu.modes import NEAREST, Mode
from baregrad.isa.amd.inst import Inst
from baregrad.isa.amd.operands import Changed, Operand, Reg

INDEXING, SKIPPING = 27, 28  # bits of MODE
ENABLES = {"S0": 1, "S1": 2, "S2": 4, "D0": 8}  # M0[15:12]
MULTIPLIED = re.compile(r"V_(MAD|FMA)MK_\w+")  # their S1 is added: the third source of the hardware
VALU, MEMORY = "VOP", ("MUBUF", "MTBUF", "DS", "FLAT", "GLOBAL", "SCRATCH")


class Setting(NamedTuple):
    """Rounding and denormals; whether M0 moves registers, by how many, and which (ENABLES); VSKIP."""

    mode: Mode = NEAREST
    indexing: bool = False
    by: int = 0
    enabled: int = 0
    skips: bool = False

    @staticmethod
    def of(family: str, mode: int, m0: int) -> Setting:
        """The setting that MODE and M0 say."""
        if family != "cdna" or not mode >> INDEXING & 3:
            return Setting(Mode.of(mode))
        moves = bool(mode >> INDEXING & 1)
        return Setting(
            Mode.of(mode), moves, m0 & 0xFF if moves else 0, m0 >> 12 & 15 if moves else 0,
            bool(mode >> SKIPPING & 1),
        )  # fmt: skip

    def leaves_out(self, inst: Inst) -> bool:
        """Is it an instruction that VSKIP skips?"""
        return self.skips and inst.form.entry.format.startswith((VALU, *MEMORY))

    def follows(self, inst: Inst) -> bool:
        """May the setting be another one behind it?"""
        return self.indexing and any(one.file == "m0" for one in inst.writes)

    def moved(self, inst: Inst) -> Inst:
        """An instruction with the registers that it really has."""
        if not self.by or not self.enabled or not inst.form.entry.format.startswith(VALU):
            return inst
        added = MULTIPLIED.fullmatch(inst.form.entry.name) is not None
        given = tuple(
            self.register(one, ENABLES.get("S2" if added and slot.role == "S1" else slot.role, 0))
            for one, slot in zip(inst.operands, inst.form.slots, strict=True)
        )
        return Inst(inst.form, inst.word, inst.size, given)

    def register(self, operand: Operand, enable: int) -> Operand:
        """An operand, moved if it is a vector register and its bit is set."""
        one = operand.value if isinstance(operand, Changed) else operand
        if not self.enabled & enable or not isinstance(one, Reg) or one.file != "v":
            return operand
        moved = one._replace(first=one.first + self.by)
        return operand._replace(value=moved) if isinstance(operand, Changed) else moved


USUAL = Setting()
