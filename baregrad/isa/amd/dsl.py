"""Instructions written in Python: `gfx1100.v_add_f32(v[1], v[2], -abs(v[3]), clamp=True)`.

>>> from baregrad.isa.amd.dsl import gfx1100 as g, s, v
>>> g.v_add_f32(v[1], v[2], -abs(v[3]), clamp=True)
gfx1100.v_add_f32_e64(v[1], v[2], -abs(v[3]), clamp=True)
>>> g.s_load_b128(s[4:7], s[0:1], 0x10).size
8

Pairs are one name, v_dual_mov_b32__v_dual_add_f32. Ranges count both ends. Names are the assembler's, with
a suffix (_e32, _e64, _dpp, _sdwa) or without one: then the shortest form that fits is taken. What is not
here: what operands are (operands.py), which forms there are.
"""

from __future__ import annotations

from collections.abc import Callable

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch as arch_of
from baregrad.isa.amd.forms import by_name
from baregrad.isa.amd.inst import Given, Inst
from baregrad.isa.amd.make import make
from baregrad.isa.amd.operands import OFF, Changed, Label, Literal, Operand, Reg

__all__ = [
    "Changed", "Chip", "File", "Inst", "Label", "Literal", "a", "exec", "exec_hi", "exec_lo",
    "flat_scratch", "flat_scratch_hi", "flat_scratch_lo", "gfx1100", "gfx1100_wave64", "gfx950", "lit",
    "m0", "null", "off", "s", "sext", "src_execz", "src_private_base", "src_private_limit", "src_scc",
    "src_shared_base", "src_shared_limit", "src_vccz", "ttmp", "v", "vcc", "vcc_hi", "vcc_lo",
    "xnack_mask", "xnack_mask_hi", "xnack_mask_lo",
]  # fmt: skip


class File:
    """A register file: `v[1]` is one register, `v[4:7]` four."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, index: int | slice) -> Reg:
        if isinstance(index, slice):
            return Reg(self.name, index.start, index.stop - index.start + 1)
        return Reg(self.name, index)


class Chip:
    """The instructions of a chip, by their names."""

    __slots__ = ("name", "wave")

    def __init__(self, name: str, wave: int = 0) -> None:
        self.name, self.wave = arch_of(name).name, wave or arch_of(name).lanes[0]

    def __getattr__(self, name: str) -> Callable[..., Inst]:
        if name.startswith("__"):
            raise AttributeError(name)

        def build(*operands: Operand, **given: Given) -> Inst:
            return self.inst(name, operands, given)

        build.__name__ = name
        return build

    def inst(self, name: str, operands: tuple[Operand, ...], given: dict[str, Given]) -> Inst:
        """The first form of a name that takes the operands. Errors: EncodingError with all of its forms."""
        found = by_name(self.name, self.wave).get(name.replace("__", " :: "))
        if not found:
            raise EncodingError(
                f"no instruction {name!r} on {self.name}",
                why="no form has this name",
                mend="names are the assembler's",
            )
        problems = []
        for form in found:
            try:
                inst = make(form, operands, given)
            except EncodingError as error:
                problems.append(f"{error.what} ({error.why}); form: {form}")
                continue
            if inst.word & form.mask == form.value:
                return inst
        raise EncodingError(
            f"{name} does not take {', '.join(map(repr, operands))}",
            why="no form takes it",
            mend="\n        ".join(problems),
        )


def lit(bits: int) -> Literal:
    """A literal also where a code of its own would do."""
    return Literal(bits)


def sext(value: Reg) -> Changed:
    """A part of a source with its sign extended (SDWA)."""
    return Changed(value, sext=True)


v, s, a, ttmp = File("v"), File("s"), File("a"), File("ttmp")
vcc, exec, flat_scratch = Reg("vcc", 0, 2), Reg("exec", 0, 2), Reg("flat_scratch", 0, 2)
vcc_lo, vcc_hi, exec_lo, exec_hi, m0, null = map(
    Reg, ("vcc_lo", "vcc_hi", "exec_lo", "exec_hi", "m0", "null")
)
src_scc, src_vccz, src_execz, off = Reg("src_scc"), Reg("src_vccz"), Reg("src_execz"), OFF
src_shared_base, src_shared_limit = Reg("src_shared_base"), Reg("src_shared_limit")
src_private_base, src_private_limit = Reg("src_private_base"), Reg("src_private_limit")
flat_scratch_lo, flat_scratch_hi = Reg("flat_scratch_lo"), Reg("flat_scratch_hi")
xnack_mask, xnack_mask_lo, xnack_mask_hi = Reg("xnack_mask", 0, 2), Reg("xnack_mask_lo"), Reg("xnack_mask_hi")
gfx1100, gfx1100_wave64, gfx950 = Chip("gfx1100"), Chip("gfx1100", 64), Chip("gfx950")
