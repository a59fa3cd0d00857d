"""Instruction forms: what every instruction set has in common.

A form is one row of an instruction set's table: a name, operands with roles and register constraints, an
encoding, latency and effects. Encoders, decoders, text, the register allocator and the checker read these
rows; nothing else describes an instruction. What is not here: encodings (each architecture's own), and what
an instruction means to the compiler (render/<target>/lower.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reg:
    """A physical register: a bank ("gpr", "vec", "mask", "sgpr", ...) and its number there."""

    bank: str
    number: int


@dataclass(frozen=True, slots=True)
class VReg:
    """A virtual register. `count` consecutive physical registers, the first a multiple of `align`."""

    id: int
    bank: str
    bits: int = 64
    count: int = 1
    align: int = 1


@dataclass(frozen=True, slots=True)
class Sub:
    """One register of a virtual tuple: the index-th of `of`'s `count`. Gone after register allocation."""

    of: VReg
    index: int


@dataclass(frozen=True, slots=True)
class Imm:
    """An immediate integer."""

    value: int


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the list of instructions, or a place in the constant pool (`pool` is then its bytes)."""

    name: str


@dataclass(frozen=True, slots=True)
class Mem:
    """The memory at base + index * scale + disp, or (base None, label set) at a label relative to the next
    instruction.

    `broadcast` is the number of lanes that one element is repeated to (EVEX embedded broadcast), 0 for none.
    """

    base: Reg | VReg | None = None
    index: Reg | VReg | None = None
    scale: int = 1
    disp: int = 0
    label: Label | None = None
    broadcast: int = 0


Value = Reg | VReg | Sub | Imm | Label | Mem


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of a form.

    `kinds` are the spellings that the manual allows at this place: "r32", "xmm", "ymm", "zmm", "k", "m32",
    "m512", "imm8", "rel32", "m32bcst" ... ; `bank` is the register bank of the register kinds ("" if it takes
    no register); `bits` the width that is read or written; `role` is "r", "w" or "rw" (an rw operand is a
    tied pair: the allocator gives the value read and the value written one register); `fixed` is the number
    of the one register that it must be (or None). `implicit` operands are not written in text and take no
    room in the encoding beyond being there. `limit` is the highest register number that the encoding can hold
    (0: any); an `early` operand is written before the others are read, so it shares a register with none of
    them. The role of a memory operand is what happens to the memory: the registers of its address are always
    read.
    """

    name: str
    kinds: tuple[str, ...]
    role: str
    bank: str = ""
    bits: int = 0
    fixed: int | None = None
    count: int = 1
    align: int = 1
    implicit: bool = False
    limit: int = 0
    early: bool = False

    @property
    def reads(self) -> bool:
        """Whether the value before the instruction matters."""
        return "r" in self.role

    @property
    def writes(self) -> bool:
        """Whether the instruction changes it."""
        return "w" in self.role


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One row: an instruction with one choice of operands and one encoding. Two forms are equal when they are
    one row.

    `clobbers` are registers whose value is lost ("flags" is a name of its own); `writes_flags`/`reads_flags`
    tell the ordering pass about the flags; `control` is "" | "jump" | "branch" | "call" | "ret"; `memory` is
    "" | "r" | "w" | "rw": what the instruction does to memory when it has a Mem operand (or always, when no
    operand can be one); `needs` is the set of CPU features; `mask_role` is what happens to Inst.mask: "" (no
    mask is taken), "r", or "rw" (gathers destroy it); `merges` whether lanes that are off keep the
    destination's value (False: they come from a source, the destination is not read); `latency` and `cost`
    (of its unit's time) are what the ordering pass counts with, in cycles.
    """

    name: str
    operands: tuple[Operand, ...]
    encoding: Any  # each architecture's own class
    latency: int = 1
    cost: float = 0.5
    clobbers: tuple[Reg, ...] = ()
    writes_flags: bool = False
    reads_flags: bool = False
    memory: str = ""
    control: str = ""
    needs: frozenset[str] = frozenset()
    is_move: bool = False
    mask_role: str = ""
    merges: bool = True
    source: str = ""


@dataclass(frozen=True, slots=True)
class Inst:
    """One instruction: a form and a value for each of its operands, in the form's order.

    `mask` is the register that predicates the lanes (EVEX {k}), `zeroing` whether masked-off lanes become
    zero; a masked instruction without zeroing also reads its destination. `comment` goes to listings only.
    """

    form: Form
    operands: tuple[Value, ...]
    mask: Reg | VReg | None = None
    zeroing: bool = False
    comment: str = field(default="", compare=False)
