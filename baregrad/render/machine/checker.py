"""The proof that an allocation is right, made anew for each list and without the allocator's reasons.

Both lists are walked together. The state says for each place (register, spill slot) which virtual registers'
values it certainly holds; copies, stores and reloads pass this on, writes and clobbers end it, joins keep
what holds on all paths, until nothing changes. Then every operand that is read must find its value where it
reads. What the allocator says of an instruction it added is believed only if the target makes the same
instruction for these words. Constants that may be made again have a place of their own that always holds
them. See rewrite.py for what an `Allocation` records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from baregrad.base.errors import CompileError
from baregrad.isa.form import Inst, Label, Mem, Operand, Reg, Sub, Value, VReg
from baregrad.render.machine.inst import FactsTable, Register, accesses, bank_of, is_copy, targets
from baregrad.render.machine.liveness import Flow
from baregrad.render.machine.rewrite import Allocation
from baregrad.render.machine.spill import element_bytes
from baregrad.render.machine.target import MachineTarget

Place = tuple[str, int]  # (bank, number), ("slot", offset) or ("made", instruction)
Unit = tuple[str, int, int]  # ("", id, part) of a virtual register, (bank, number, 0) of a physical one
State = dict[Place, frozenset[Unit]]
Access = tuple[Operand | None, Register, bool, bool]
EMPTY: frozenset[Unit] = frozenset()


def check(before: Sequence[Inst], after: Allocation, machine: MachineTarget) -> None:
    """Prove that an allocation reads everywhere what the list before reads, and keeps every form's demands.

    Errors: CompileError naming the instruction and the value.
    """
    if before:
        Checker(before, after, machine).run()


class Pair(NamedTuple):
    """An original instruction beside its new one: what a walk needs, without what only the form says."""

    accesses: list[tuple[Access, Access]]
    reads: list[tuple[Place, Unit, Register, Register]]  # where each value is looked for
    writes: list[tuple[Place, Unit]]
    copied: list[Place]  # the places read by a plain copy
    clobbers: list[Place]
    again: bool  # a constant that may be made again


class Checker:
    """The walk over both lists. What a form demands is checked once, what places hold on each walk."""

    __slots__ = (
        "after",
        "before",
        "bits",
        "flow",
        "forwarded",
        "insts",
        "machine",
        "pairs",
        "slots",
        "table",
    )

    def __init__(self, before: Sequence[Inst], after: Allocation, machine: MachineTarget) -> None:
        self.before, self.after, self.machine = before, after, machine
        self.insts = after.insts
        self.table = FactsTable()
        self.flow = Flow(self.insts, self.table)
        self.bits: dict[int, int] = {}
        self.forwarded: dict[str, str] = {}
        self.pairs: dict[int, Pair] = {}
        self.slots: dict[int, int] = {}
        for what, _, other, bits in after.added.values():
            if what in ("store", "load") and isinstance(other, int):
                self.slots[other] = max(element_bytes(bits), self.slots.get(other, 0))
        for inst in before:
            for _, register, _, _ in accesses(inst):
                whole = register.of if isinstance(register, Sub) else register
                if isinstance(whole, VReg):
                    self.bits[whole.id] = max(whole.bits, self.bits.get(whole.id, 0))

    def run(self) -> None:
        """Walk blocks until their states change no more."""
        self.check_order()
        if not self.insts:
            return
        flow = self.flow
        states: list[State | None] = [None] * len(flow.blocks)
        states[0] = self.at_entry()
        work = [0]
        while work:
            block = work.pop()
            state = dict(states[block] or {})
            start, end = flow.blocks[block]
            for k in range(start, end):
                if k > start or not self.is_label(k):
                    self.drops(k, state)
                self.step(k, state)
            for follower in flow.successors[block]:
                passed = state
                first = flow.blocks[follower][0]
                falls = follower == block + 1 and self.insts[end - 1].form.control not in ("jump", "ret")
                if falls and self.is_label(first) and first in self.after.dropped:
                    passed = dict(state)
                    self.drops(first, passed)
                met = meet(states[follower], passed)
                if met is not None:
                    states[follower] = met
                    work.append(follower)

    def at_entry(self) -> State:
        """Each register holds itself; what was left out before a first label happens here, since jumps to
        that label do not pass it again.
        """
        state: State = {
            (bank.name, n): frozenset({(bank.name, n, 0)})
            for bank in self.machine.banks.values()
            for n in bank.order
        }
        if self.is_label(0):
            self.drops(0, state)
        return state

    def is_label(self, k: int) -> bool:
        """Whether an instruction of the list after is a label."""
        return self.table.of(self.insts[k].form).is_label

    def fail(self, what: str, k: int, why: str) -> NoReturn:
        """Raise the error for an instruction of the list after."""
        origin = self.after.origin[k]
        stands = f"for instruction {origin}" if origin >= 0 else "added"
        raise CompileError(
            f"{what} at {k} ({self.machine.text(self.insts[k])}, {stands})",
            why=f"regalloc.check: {why}",
            mend="this is a fault of the allocator: keep the list and its seed as a test",
        )

    def check_order(self) -> None:
        """Every original instruction is there once, in order, or left out for a reason that holds."""
        expected = 0
        last = len(self.insts) - 1
        for k in range(len(self.insts) + 1):
            for i in self.after.dropped.get(k, ()):
                inst = self.before[i]
                if i != expected:
                    self.fail(
                        f"instruction {i} was left out before {expected}", min(k, last), "order must stay"
                    )
                if not self.copied(inst) and not self.machine.rematerialise(inst):
                    self.fail(f"{inst.form.name} was left out", min(k, last), "it is no copy and no constant")
                expected += 1
            origin = self.after.origin[k] if k <= last else -1
            if origin not in (-1, expected):
                self.fail(f"instruction {expected} is missing", k, "every instruction must stand in the list")
            expected += origin >= 0
        if expected != len(self.before):
            self.fail(f"instruction {expected} is missing", last, "the list ends before it")
        self.find_forwarding()

    def find_forwarding(self) -> None:
        """Which label each added block leads to."""
        added = self.after.added
        for k, (what, _, _, _) in added.items():
            j = k + 1
            while what == "label" and added.get(j, ("",))[0] in ("move", "store", "load", "make"):
                j += 1
            if what == "label" and added.get(j, ("",))[0] == "jump":
                self.forwarded[targets(self.insts[k])[0]] = targets(self.insts[j])[0]

    # One instruction

    def drops(self, k: int, state: State) -> None:
        """What the instructions that were left out before instruction k do to the values."""
        for i in self.after.dropped.get(k, ()):
            inst = self.before[i]
            if not is_copy(inst, self.table.of(inst.form)):
                (to,) = self.units(inst.form.operands[0], inst.operands[0])
                forget(state, {to})
                state["made", i] = state.get(("made", i), EMPTY) | {to}
                continue
            tos = self.units(inst.form.operands[0], inst.operands[0])
            sources = self.units(inst.form.operands[1], inst.operands[1])
            alias(state, list(zip(tos, sources, strict=True)))

    def step(self, k: int, state: State) -> None:
        """One instruction of the list after."""
        inst, origin = self.insts[k], self.after.origin[k]
        if origin < 0:
            self.step_added(k, inst, state)
            return
        pair = self.pairs.get(k)
        if pair is None:
            pair = self.pairs[k] = self.pair(k, inst, self.before[origin])
        for place, unit, new, value in pair.reads:
            if unit not in state.get(place, EMPTY):
                held = sorted(state.get(place, EMPTY)) or "nothing known"
                self.fail(f"{value} is not in {new}", k, f"on some path {place} holds {held}")
        copied = [state.get(place, EMPTY) for place in pair.copied]
        for place in pair.clobbers:
            state.pop(place, None)
        forget(state, {unit for _, unit in pair.writes})
        for place, unit in pair.writes:
            state[place] = frozenset({unit})
        if copied:
            self.keep_copied(pair.accesses, copied, state)
        if pair.again:
            state["made", origin] = state.get(("made", origin), EMPTY) | {unit for _, unit in pair.writes}

    def pair(self, k: int, inst: Inst, old: Inst) -> Pair:
        """Both instructions side by side, and everything checked that does not depend on a path."""
        self.check_shape(k, inst, old)
        both = list(zip(accesses(inst), accesses(old), strict=True))
        reads: list[tuple[Place, Unit, Register, Register]] = []
        writes: list[tuple[Place, Unit]] = []
        for (operand, new, is_read, is_written), (_, value, _, _) in both:
            self.check_register(k, operand, new, value)
            at = list(zip(self.places(operand, new), self.units(operand, value), strict=True))
            if is_read and self.manages(value):
                reads += [(place, unit, new, value) for place, unit in at]
            if is_written:
                writes += at
        self.check_writes(k, inst, both)
        copied = self.places_read(both) if self.copied(old) else []
        clobbers = [(r.bank, r.number) for r in inst.form.clobbers]
        return Pair(both, reads, writes, copied, clobbers, bool(self.machine.rematerialise(old)))

    def copied(self, old: Inst) -> bool:
        """Whether an original instruction is a plain copy."""
        return is_copy(old, self.table.of(old.form))

    def keep_copied(
        self, pairs: list[tuple[Access, Access]], held: list[frozenset[Unit]], state: State
    ) -> None:
        """After a copy the place written holds all that the place read held, and the reverse."""
        to = next(p for p in pairs if p[0][3])
        source = next(p for p in pairs if p[0][2])
        tos, sources = self.units(to[0][0], to[1][1]), self.units(source[0][0], source[1][1])
        gone = set(tos)
        for place, values in zip(self.places(to[0][0], to[0][1]), held, strict=True):
            state[place] = state[place] | (values - gone)
        for unit, origin in zip(tos, sources, strict=True):
            for place, values in state.items():
                if origin in values and unit not in values:
                    state[place] = values | {unit}

    def places_read(self, pairs: list[tuple[Access, Access]]) -> list[Place]:
        """The places of the operand that is read, of a copy."""
        return [
            place for (operand, new, is_read, _), _ in pairs if is_read for place in self.places(operand, new)
        ]

    def step_added(self, k: int, inst: Inst, state: State) -> None:
        """An instruction of the allocator's own."""
        what, register, other, bits = self.after.added.get(k, ("", Reg("", 0), 0, 0))
        machine = self.machine
        place = (register.bank, register.number)
        if what == "move" and isinstance(other, Reg):
            self.same(k, inst, machine.move(register, other, bits))
            state[place] = self.narrow(state.get((other.bank, other.number), EMPTY), bits)
        elif what == "store" and isinstance(other, int):
            self.same(k, inst, machine.store_slot(register, other, bits))
            self.check_slot(k, other, bits)
            for at in self.overlapping(other, element_bytes(bits)):
                state.pop(("slot", at), None)
            state["slot", other] = self.narrow(state.get(place, EMPTY), bits)
        elif what == "load" and isinstance(other, int):
            self.same(k, inst, machine.load_slot(register, other, bits))
            state[place] = self.narrow(state.get(("slot", other), EMPTY), bits)
        elif what == "make" and isinstance(other, int):
            old = self.before[other]
            new = tuple(register if isinstance(v, VReg | Sub) else v for v in old.operands)
            if not machine.rematerialise(old):
                self.fail(f"{inst.form.name} was made again", k, "the target does not allow that")
            self.same(k, inst, Inst(old.form, new, old.mask, old.zeroing, old.comment))
            state[place] = state.get(("made", other), EMPTY)
        elif what not in ("jump", "label"):
            self.fail(
                "an instruction that stands for nothing", k, "the allocator adds moves, stores and loads only"
            )

    def same(self, k: int, inst: Inst, wanted: Inst) -> None:
        """Whether an added instruction is what the target makes for its description."""
        if inst != wanted:
            self.fail(
                "an instruction that is not what it is said to be",
                k,
                f"it should be {self.machine.text(wanted)}",
            )

    def check_slot(self, k: int, offset: int, bits: int) -> None:
        """Whether a slot is aligned and inside the frame."""
        size = element_bytes(bits)
        if (
            offset % size
            or offset < 0
            or offset + size > self.after.frame_bytes
            or self.after.frame_align % size
        ):
            self.fail(f"slot {offset} of {size} bytes", k, f"the frame has {self.after.frame_bytes} bytes")

    def overlapping(self, offset: int, size: int) -> list[int]:
        """The offsets of all slots that share bytes with one."""
        return [at for at, length in self.slots.items() if at < offset + size and offset < at + length]

    def narrow(self, units: frozenset[Unit], bits: int) -> frozenset[Unit]:
        """The values that a copy of so many bits keeps whole."""
        return frozenset(u for u in units if u[0] or self.bits[u[1]] <= bits)

    # What a form demands

    def check_shape(self, k: int, inst: Inst, old: Inst) -> None:
        """The same form with the same immediates, and labels that lead to the same place."""
        if inst.form is not old.form and inst.form != old.form:
            self.fail(f"{inst.form.name} stands for {old.form.name}", k, "the form must stay")
        if inst.zeroing != old.zeroing or (inst.mask is None) != (old.mask is None):
            self.fail(f"{inst.form.name} with another mask", k, "the mask must stay")
        for operand, new, value in zip(inst.form.operands, inst.operands, old.operands, strict=True):
            if not self.corresponds(new, value):
                self.fail(f"operand {new} stands for {value}", k, "only registers may change")
            if operand.limit and isinstance(new, Mem) and new.index is not None:
                index = new.index
                if isinstance(index, Reg) and index.number > operand.limit:
                    self.fail(f"an index in {index}", k, f"operand {operand.name} goes up to {operand.limit}")

    def corresponds(self, new: Value, value: Value) -> bool:
        """Whether two operands are equal but for the names of registers."""
        if isinstance(value, Reg | VReg | Sub):
            return isinstance(new, Reg) and (not isinstance(value, Reg) or new == value)
        if isinstance(value, Mem) and isinstance(new, Mem):
            same = (new.scale, new.disp, new.label, new.broadcast) == (
                value.scale,
                value.disp,
                value.label,
                value.broadcast,
            )
            return same and (new.base is None, new.index is None) == (value.base is None, value.index is None)
        if isinstance(value, Label) and isinstance(new, Label):
            return new == value or self.forwarded.get(new.name) == value.name
        return new == value

    def manages(self, value: Register) -> bool:
        """Whether the allocator answers for a register: virtual ones, and physical ones it hands out."""
        if isinstance(value, Reg):
            bank = self.machine.banks.get(value.bank)
            return bank is not None and value.number in bank.order
        return True

    def check_register(self, k: int, operand: Operand | None, new: Register, value: Register) -> None:
        """Bank, alignment, limit, fixed number, and that the register may be handed out at all."""
        if not isinstance(new, Reg):
            self.fail(f"{new} is left", k, "every register must be physical")
        if isinstance(value, Reg):
            return
        bank = self.machine.banks.get(new.bank)
        count = value.count if isinstance(value, VReg) else 1
        align = value.align if isinstance(value, VReg) else 1
        last = new.number + count - 1
        if bank is None or new.bank != bank_of(value):
            self.fail(f"{value} is in {new}", k, "the bank is another")
        fixed = operand.fixed if operand is not None else None
        if fixed is not None and new.number != fixed:
            self.fail(f"{value} is in {new}", k, f"operand {operand.name if operand else ''} must be {fixed}")
        if fixed is None and not set(range(new.number, last + 1)) <= set(bank.order):
            self.fail(f"{value} is in {new}", k, "the target does not hand that register out")
        if new.number % align:
            self.fail(f"{value} is in {new}", k, f"it must be aligned to {align}")
        if operand is not None and operand.limit and last > operand.limit:
            self.fail(f"{value} is in {new}", k, f"operand {operand.name} goes up to {operand.limit}")

    def check_writes(self, k: int, inst: Inst, pairs: list[tuple[Access, Access]]) -> None:
        """Results are in places of their own, not clobbered, and early ones apart from what is read."""
        written: set[Place] = set()
        lost = {(r.bank, r.number) for r in inst.form.clobbers}
        for (operand, new, _, is_written), (_, value, _, _) in pairs:
            if not is_written:
                continue
            for place in self.places(operand, new):
                if place in written:
                    self.fail(f"{value} is in {new}", k, "two results have one register")
                if (
                    place in lost
                    and not isinstance(value, Reg)
                    and operand is not None
                    and operand.fixed is None
                ):
                    self.fail(f"{value} is in {new}", k, "the form clobbers it")
                if operand is not None and operand.early and place in self.read_by_others(pairs, operand):
                    self.fail(f"{value} is in {new}", k, "it is written before the others are read")
                written.add(place)

    def read_by_others(self, pairs: list[tuple[Access, Access]], operand: Operand) -> set[Place]:
        """The places that are read through any other operand, address or mask."""
        others = [(other, new) for (other, new, is_read, _), _ in pairs if is_read and other is not operand]
        return {place for other, new in others for place in self.places(other, new)}

    def places(self, operand: Operand | None, register: Register) -> list[Place]:
        """The registers that an operand of the list after names."""
        assert isinstance(register, Reg), "checked before"
        count = operand.count if operand is not None else 1
        return [(register.bank, register.number + k) for k in range(count)]

    def units(self, operand: Operand | None, register: Value) -> list[Unit]:
        """The values that an operand of the list before names."""
        if isinstance(register, Sub):
            return [("", register.of.id, register.index)]
        if isinstance(register, VReg):
            return [("", register.id, k) for k in range(register.count)]
        assert isinstance(register, Reg), "an operand that is accessed is a register"
        return [(register.bank, register.number + k, 0) for k in range(operand.count if operand else 1)]


def forget(state: State, gone: set[Unit]) -> None:
    """No place holds the old values of registers that are written."""
    for place, units in state.items():
        if not gone.isdisjoint(units):
            state[place] = units - gone


def alias(state: State, pairs: list[tuple[Unit, Unit]]) -> None:
    """After a copy that needed no instruction, the copy is wherever the original is."""
    held = {to: [place for place, units in state.items() if source in units] for to, source in pairs}
    forget(state, {to for to, source in pairs if to != source})
    for to, places in held.items():
        for place in places:
            state[place] = state[place] | {to}


def meet(old: State | None, new: State) -> State | None:
    """What holds on both paths; None if that is nothing less than before."""
    if old is None:
        return dict(new)
    changed = False
    met: State = {}
    for place, units in old.items():
        both = units & new.get(place, EMPTY)
        if len(both) < len(units):
            changed = True
        if both:
            met[place] = both
    return met if changed else None
