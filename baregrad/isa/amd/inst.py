"""An instruction as an object: a form and its bits, seen as operands and modifiers.

What is not here: how it is made of operands (make.py) and of bytes (decode.py), its text (text.py,
assembler.py), which forms there are (forms.py, memory.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from baregrad.base.errors import EncodingError
from baregrad.isa.amd.archs import arch
from baregrad.isa.amd.effects import Effects, effects, implicit_register
from baregrad.isa.amd.latency import Latency, latency_class, passes
from baregrad.isa.amd.layout import Form, Modifier, Slot, take, width
from baregrad.isa.amd.modifiers import SIGNED, STYLES
from baregrad.isa.amd.operands import Changed, Label, Operand, Reg, family
from baregrad.isa.amd.reading import operands

Given = int | bool | str | tuple[int, ...]
"""A modifier's value as it is written in Python: clamp=True, offset=16, op_sel=(1, 0, 0), omod="mul:2"."""


# Results that are never kept in part, and codes of SDWA: unused bits stay, and there are none.
SCALAR_RESULTS = frozenset(("sdst", "sdst8", "fixed"))
PRESERVE, DWORD = 2, 6


class Inst:
    """One instruction: equal, hashable, and `repr` evaluates to it with the names of dsl.py.

    `word` has its bits, the first byte lowest, and `size` says how many bytes; its operands are those
    that are `given`, else they are read of the bits when they are wanted. A branch to a label
    that is not placed yet has the label as operand, and 0 in its bits.
    """

    __slots__ = ("form", "given", "size", "word")

    def __init__(self, form: Form, word: int, size: int, given: tuple[Operand, ...] | None = None) -> None:
        self.form, self.word, self.size, self.given = form, word, size, given

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The operands, in the text's order: as they were given, or as the bits say."""
        if self.given is None:
            self.given = operands(self.form, self.word)
        return self.given

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Inst)
            and self.word == other.word
            and self.size == other.size
            and (self.form is other.form or self.form == other.form)
            and self.label == other.label
        )

    def __hash__(self) -> int:
        return hash((self.form.name, self.word, self.size))

    def __repr__(self) -> str:
        parts = [
            repr(one)
            for one, slot in zip(self.operands, self.form.slots, strict=True)
            if slot.kind != "fixed" or self.form.encoding == "EXP"  # which are off chooses its form
        ]
        parts += [f"{name}={value!r}" for name, value in self.modifiers.items()]
        chip = tables_name(self.form)
        return f"{chip}.{self.form.name.replace(' :: ', '__')}({', '.join(parts)})"

    @property
    def name(self) -> str:
        """The mnemonic, with its encoding where that is written."""
        return self.form.name

    @property
    def opcode(self) -> int:
        """The number that the manual gives it."""
        return self.form.entry.opcode

    @property
    def format(self) -> str:
        """The format of the manual."""
        return self.form.entry.format

    @property
    def label(self) -> Label | None:
        """The label that it goes to, if that is not placed yet."""
        for one in self.given or ():  # bits have none
            if isinstance(one, Label):
                return one
        return None

    @property
    def modifiers(self) -> dict[str, Given]:
        """The modifiers that are not as they are when nothing is written."""
        found: dict[str, Given] = {}
        for one in self.form.modifiers:
            value = take(one.where, self.word)
            if value != one.default or STYLES[one.style].always:
                found[one.name] = shown(one, value, family(self.form.arch))
        return found

    @property
    def effects(self) -> Effects:
        """Memory, implicit registers, control, wait counters."""
        return effects(self.form, bool(self.modifiers.get("gds")) if self.form.encoding == "DS" else False)

    @property
    def latency_class(self) -> Latency:
        """The unit that it goes to."""
        return latency_class(self.form.entry.format, self.form.entry.name)

    @property
    def passes(self) -> int:
        """The passes of 4 cycles of a matrix product of CDNA, 0 for all else."""
        return passes(self.form.arch, self.form.entry.name)

    @property
    def reads(self) -> tuple[Reg, ...]:
        """The registers that it reads: in the text, results that it changes in part, implicit ones."""
        kept, parts = self.effects.keeps, self.keeps
        found = [
            one
            for one, slot in self._registers()
            if slot.read
            or (slot.written and (kept or (parts and slot.kind not in SCALAR_RESULTS)) and not one.half)
        ]
        return self._with(found, self.effects.reads)

    @property
    def writes(self) -> tuple[Reg, ...]:
        """The registers that it writes."""
        return self._with([one for one, slot in self._registers() if slot.written], self.effects.writes)

    @property
    def keeps(self) -> bool:
        """Does a part of its result stay as it was, by what it does or by its DPP, SDWA or OP_SEL?"""
        if self.effects.keeps:
            return True
        encoding, given = self.form.encoding, {one.name: one for one in self.form.modifiers}
        if encoding.endswith(("+DPP16", "+DPP")):
            full = all(take(given[name].where, self.word) == 15 for name in ("row_mask", "bank_mask"))
            return not (full and take(given["bound_ctrl"].where, self.word))
        if encoding.endswith("+SDWA") and "dst_unused" in given:
            unused, chosen = (take(given[name].where, self.word) for name in ("dst_unused", "dst_sel"))
            return unused == PRESERVE and chosen != DWORD
        return encoding == "VOP3A" and "op_sel" in given and self.form.slots[0].bits == 16

    def _registers(self) -> Iterator[tuple[Reg, Slot]]:
        for one, slot in zip(self.operands, self.form.slots, strict=True):
            plain = one.value if isinstance(one, Changed) else one
            if isinstance(plain, Reg) and plain.file != "off":
                yield plain, slot

    def _with(self, found: list[Reg], names: tuple[str, ...]) -> tuple[Reg, ...]:
        more = (implicit_register(name, self.form.wave) for name in names)
        return tuple(dict.fromkeys((*found, *more)))


def tables_name(form: Form) -> str:
    """The name in dsl.py of the set of forms that a form is of."""
    row = arch(form.arch)
    return row.chip if form.wave == row.lanes[0] else f"{row.chip}_wave{form.wave}"


def shown(one: Modifier, value: int, fam: str) -> Given:
    """A modifier's value as it is written in Python."""
    if one.style in ("flag", "flag1", "bound"):
        return bool(value)
    if one.style in ("bits", "bits3"):
        return tuple(value >> at & 1 for at in range(width(one.where)))
    if one.style == "dpp8":
        return tuple(value >> 3 * at & 7 for at in range(8))
    if one.style in ("omod", "dpp", "select", "unused", "dim", "format"):
        text = STYLES[one.style].text("", value, 0, fam)
        return text.removeprefix(":") if text else value
    if one.style in SIGNED and value >> width(one.where) - 1:
        return value - (1 << width(one.where))
    return value


def encode(inst: Inst) -> bytes:
    """Its bytes. Errors: EncodingError if its label is not placed."""
    if inst.given and inst.form.slots[-1].kind == "label" and inst.label is not None:
        raise EncodingError(
            f"{inst!r} has no distance",
            why="its label is not placed",
            mend="give the distance in words of 4 bytes, or assemble the whole program",
        )
    return inst.word.to_bytes(inst.size, "little")
