"""From a list over physical registers to bytes: labels, short and long branches, loop alignment, the
constant pool.

Branches begin short and grow where they do not reach, until none grows any more; growth never goes back, so
this ends. The pool stands behind the code, aligned to 64 bytes; its entries are referred to by label, so
equal bytes are kept once. What is not here: bytes of single instructions (the instruction set's encoder,
target.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baregrad.base.errors import CompileError
from baregrad.base.integers import align_up
from baregrad.isa.form import Inst, Label
from baregrad.render.machine.inst import FactsTable, targets
from baregrad.render.machine.target import Encoder, Fixup, MachineTarget

POOL_ALIGN = 64


class Pool:
    """Constants that stand behind the code; `add` gives the label to refer to them by."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[bytes, Label] = {}

    def add(self, data: bytes) -> Label:
        """The label of these bytes, aligned to the next power of two of their size (at most 64)."""
        label = self.entries.get(data)
        if label is None:
            label = self.entries[data] = Label(f".pool{len(self.entries)}")
        return label

    def layout(self) -> tuple[bytes, dict[str, int]]:
        """The pool's bytes and the offset of each label: the greatest entries first, so that little is
        padding.
        """
        data = bytearray()
        offsets: dict[str, int] = {}
        for entry in sorted(self.entries, key=len, reverse=True):
            align = min(POOL_ALIGN, 1 << max(0, len(entry) - 1).bit_length())
            data += bytes(-len(data) % align)
            offsets[self.entries[entry].name] = len(data)
            data += entry
        return bytes(data), offsets


@dataclass(frozen=True, slots=True)
class Assembled:
    """Code and pool as bytes; for listings the offset of each instruction, and of each label.

    `code_bytes` is where the code ends and padding or pool begins.
    """

    data: bytes
    code_bytes: int
    places: list[tuple[int, Inst]]
    labels: Mapping[str, int]


class Item:
    """An instruction or a label on its way to bytes; `wider` is the long form of one that is short now."""

    __slots__ = ("align", "code", "fixups", "inst", "label", "wider")

    def __init__(self, inst: Inst) -> None:
        self.inst = inst
        self.label = ""
        self.align = 1
        self.code = b""
        self.fixups: Sequence[Fixup] = ()
        self.wider: Inst | None = None

    def encode(self, encoder: Encoder) -> None:
        """Make the bytes of the form that is chosen now."""
        self.code = encoder.encode(self.inst)
        self.fixups = encoder.fixups(self.inst, self.code)


def assemble(
    insts: Sequence[Inst], machine: MachineTarget, pool: Pool | None = None, *, align_loops: int = 1
) -> Assembled:
    """The bytes of a list and its constant pool.

    `align_loops` puts the target of each backward jump at a multiple of that many bytes.
    Errors: CompileError for a label that is missing or stands twice, EncodingError from the encoder.
    """
    encoder = machine.encoder
    if encoder is None:
        raise CompileError(
            f"{machine.name} has no encoder",
            why="emit: its record has none",
            mend="give MachineTarget.encoder",
        )
    items = make_items(straighten(insts, machine), encoder, align_loops)
    pool_data, pool_offsets = (pool or Pool()).layout()
    while True:
        places, labels, end = place(items)
        start = align_up(end, POOL_ALIGN) if pool_data else end
        labels.update((name, start + offset) for name, offset in pool_offsets.items())
        grown = [
            item
            for item, at in zip(items, places, strict=True)
            if item.wider and not reaches(item, at, labels)
        ]
        if not grown:
            break
        for item in grown:
            assert item.wider is not None, "chosen above"
            item.inst, item.wider = item.wider, None
            item.encode(encoder)
    data = link(items, places, labels, encoder, end)
    listing = [(at, item.inst) for item, at in zip(items, places, strict=True) if not item.label]
    return Assembled(data + bytes(start - end) + pool_data, end, listing, labels)


def straighten(insts: Sequence[Inst], machine: MachineTarget) -> list[Inst]:
    """Leave out jumps to the place right behind them, and turn a branch around a jump into the opposite
    branch.
    """
    out: list[Inst] = []
    for k, inst in enumerate(insts):
        if inst.form.control == "jump" and len(inst.operands) == 1:
            following = labels_from(insts, k + 1)
            goal = targets(inst)
            if goal and goal[0] in following:
                continue
            around = out[-1] if out and out[-1].form.control == "branch" else None
            if around is not None and goal and targets(around)[-1:] and targets(around)[-1] in following:
                opposite = machine.invert(around)
                if opposite is not None:
                    old = targets(around)[-1]
                    new = tuple(Label(goal[0]) if v == Label(old) else v for v in opposite.operands)
                    out[-1] = Inst(opposite.form, new, opposite.mask, opposite.zeroing, opposite.comment)
                    continue
        out.append(inst)
    return out


def labels_from(insts: Sequence[Inst], k: int) -> set[str]:
    """The labels that stand at one place."""
    found: set[str] = set()
    while k < len(insts) and insts[k].form.name == "label":
        found.update(targets(insts[k]))
        k += 1
    return found


def make_items(insts: Sequence[Inst], encoder: Encoder, align_loops: int) -> list[Item]:
    """Every instruction encoded, branches in their short form; the heads of loops marked for alignment."""
    items: list[Item] = []
    seen: dict[str, Item] = {}
    table = FactsTable()
    for inst in insts:
        item = Item(inst)
        items.append(item)
        facts = table.get(id(inst.form)) or table.of(inst.form)
        if facts.is_label:
            item.label = targets(inst)[0]
            if item.label in seen:
                raise CompileError(
                    f"label {item.label!r} stands twice", why="emit: a label is one place", mend="rename one"
                )
            seen[item.label] = item
            continue
        if inst.form.control in ("jump", "branch"):
            for name in targets(inst):
                if name in seen:
                    seen[name].align = align_loops
            short = encoder.shorten(inst)
            if short is not None:
                item.inst, item.wider = short, inst
        item.encode(encoder)
    return items


def place(items: list[Item]) -> tuple[list[int], dict[str, int], int]:
    """The address of each item, of each label, and the end."""
    at = 0
    places: list[int] = []
    labels: dict[str, int] = {}
    for item in items:
        if item.label:
            at += -at % item.align
            labels[item.label] = at
        places.append(at)
        at += len(item.code)
    return places, labels, at


def reaches(item: Item, at: int, labels: Mapping[str, int]) -> bool:
    """Whether every field of an instruction can hold its distance."""
    for _, size, label, addend, end in item.fixups:
        if label.name in labels:
            limit = 1 << (8 * size - 1)
            if not -limit <= labels[label.name] + addend - (at + end) < limit:
                return False
    return True


def link(
    items: list[Item], places: list[int], labels: Mapping[str, int], encoder: Encoder, end: int
) -> bytes:
    """The bytes of the code with all fields filled and gaps before aligned loops closed."""
    data = bytearray()
    for item, at in zip(items, places, strict=True):
        if len(data) < at:
            data += encoder.nop(at - len(data))
        data += item.code
        for offset, size, label, addend, after in item.fixups:
            if label.name not in labels:
                raise CompileError(
                    f"no label {label.name!r} for {item.inst.form.name} at byte {at}",
                    why="emit: it is neither in the list nor in the pool",
                    mend="place the label, or add the constant to the pool that is given",
                )
            if not reaches(item, at, labels):
                raise CompileError(
                    f"label {label.name!r} is too far from {item.inst.form.name} at byte {at}",
                    why=f"emit: its field has {8 * size} bits",
                    mend="use a form with a wider field, or cut the list",
                )
            distance = labels[label.name] + addend - (at + after)
            data[at + offset : at + offset + size] = distance.to_bytes(size, "little", signed=True)
    assert len(data) == end, "emit: addresses and bytes differ"
    return bytes(data)
