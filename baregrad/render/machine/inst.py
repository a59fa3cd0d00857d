"""What an instruction reads and writes, for every instruction set alike, and the pseudo forms of a MACHINE
list.

A MACHINE list is a flat list of `Inst`. A place that control may go to is an `Inst` of the form LABEL whose
operand is the Label; jumps, branches and returns are known by `form.control`, their targets by their Label
operands. Registers are `Reg` (physical), `VReg` (virtual, written as often as one likes) and `Sub` (one
register of a virtual tuple). What is not here: which registers are free to use (target.py) and where values
live (liveness.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baregrad.isa.form import Form, Inst, Label, Mem, Operand, Reg, Sub, VReg

LABEL = Form(
    "label",
    (Operand("name", ("label",), "r"),),
    None,
    latency=0,
    cost=0.0,
    source="a place in the list",
)

Register = Reg | VReg | Sub


def label(name: str) -> Inst:
    """The marker of a place that control may go to."""
    return Inst(LABEL, (Label(name),))


class Facts:
    """What the passes ask of a form again and again, worked out once for a form and a list.

    `rows` has one (index, reads, writes, early, limit, fixed) for each operand that may hold a register or
    memory; `pinned` tells whether one of them is fixed.
    """

    __slots__ = ("copies", "ends", "form", "is_label", "pinned", "rows")

    def __init__(self, form: Form) -> None:
        self.form = form
        self.rows = tuple(
            (i, o.reads, o.writes, o.early, o.limit, o.fixed)
            for i, o in enumerate(form.operands)
            if o.bank or o.fixed is not None or any(k.startswith(("m", "vm")) for k in o.kinds)
        )
        self.pinned = any(row[5] is not None for row in self.rows)
        self.is_label = form is LABEL or form.name == "label"
        self.ends = form.control in ("jump", "branch", "ret")
        self.copies = form.is_move and len(form.operands) == 2


class FactsTable(dict[int, Facts]):
    """Form facts by the identity of the form: hashing a whole row for each instruction would cost more than
    the pass.
    """

    __slots__ = ()

    def of(self, form: Form) -> Facts:
        """The facts of a form; the table keeps the form alive, so its identity stays its own."""
        facts = self.get(id(form))
        if facts is None:
            facts = self[id(form)] = Facts(form)
        return facts


def merges(inst: Inst, operand: Operand) -> bool:
    """Whether a written operand keeps some of its lanes: a mask without zeroing on a form that merges.

    A result in the mask's own bank has its masked-off bits cleared (SDM 2.7.4: comparisons into k).
    """
    mask = inst.mask
    return mask is not None and not inst.zeroing and inst.form.merges and operand.bank != bank_of(mask)


def bank_of(register: Register) -> str:
    """The bank of a register of any kind."""
    return register.of.bank if isinstance(register, Sub) else register.bank


def bits_of(register: Register) -> int:
    """The width of a virtual register, 0 for a physical one (which has none of its own)."""
    if isinstance(register, Sub):
        return register.of.bits
    return register.bits if isinstance(register, VReg) else 0


def accesses(inst: Inst) -> Iterator[tuple[Operand | None, Register, bool, bool]]:
    """Each register of the instruction with its operand (None for address parts and the mask), read,
    written.
    """
    for operand, value in zip(inst.form.operands, inst.operands, strict=True):
        if isinstance(value, Mem):
            if value.base is not None:
                yield None, value.base, True, False
            if value.index is not None:
                yield None, value.index, True, False
        elif isinstance(value, Reg | VReg | Sub):
            yield (
                operand,
                value,
                operand.reads or (operand.writes and merges(inst, operand)),
                operand.writes,
            )
    if inst.mask is not None:
        yield None, inst.mask, True, "w" in inst.form.mask_role


def reads(inst: Inst) -> list[Register]:
    """The registers whose value before the instruction matters, address parts, masks and implicit ones
    included.
    """
    return [register for _, register, read, _ in accesses(inst) if read]


def writes(inst: Inst) -> list[Register]:
    """The registers that hold a new value after the instruction; clobbers are not among them."""
    return [register for _, register, _, written in accesses(inst) if written]


def is_copy(inst: Inst, facts: Facts) -> bool:
    """Whether the instruction does nothing but copy a whole register to another of the same bank.

    A move of fewer bits than one of its registers has is a conversion (it clears or keeps the rest), so no
    copy.
    """
    if not facts.copies or inst.mask is not None:
        return False
    width = inst.form.operands[0].bits
    first, second = inst.operands
    if not isinstance(first, Reg | VReg | Sub) or not isinstance(second, Reg | VReg | Sub):
        return False
    if bank_of(first) != bank_of(second) or tuple_count(first) != tuple_count(second):
        return False
    return not width or (bits_of(first) <= width and bits_of(second) <= width)


def tuple_count(register: Register) -> int:
    """The number of consecutive physical registers that the operand names."""
    return register.count if isinstance(register, VReg) else 1


def targets(inst: Inst) -> list[str]:
    """The names of the labels that a jump or branch may go to."""
    return [value.name for value in inst.operands if isinstance(value, Label)]


def split_blocks(insts: Sequence[Inst], table: FactsTable) -> list[tuple[int, int]]:
    """The basic blocks as half-open pairs of positions: a label begins one, a jump, branch or return ends
    one.
    """
    blocks: list[tuple[int, int]] = []
    start = 0
    for i, inst in enumerate(insts):
        facts = table.get(id(inst.form)) or table.of(inst.form)
        if facts.is_label:
            if i > start:
                blocks.append((start, i))
                start = i
        elif facts.ends:
            blocks.append((start, i + 1))
            start = i + 1
    if start < len(insts):
        blocks.append((start, len(insts)))
    return blocks
