"""Writing the list over physical registers, with the stores, reloads, constants and moves of a plan.

What is not here: what is carried over where (spill.py). All that happens at one place happens at once:
stores first, then moves as a parallel copy, then loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from baregrad.base.errors import CompileError
from baregrad.base.integers import align_up
from baregrad.isa.form import Inst, Label, Mem, Reg, Sub, VReg
from baregrad.render.machine.coalesce import Variable
from baregrad.render.machine.inst import Facts, bits_of, is_copy, label, reads, writes
from baregrad.render.machine.scan import MEMORY
from baregrad.render.machine.spill import Plan, Transfer, element_bytes

Added = tuple[str, Reg, Reg | int, int]
"""What an added instruction does, for the checker.

("move", to, from, bits), ("store" or "load", register, offset, bits), ("make", register, instruction, 0), and
"jump" and "label" with a register and numbers that mean nothing.
"""

NOWHERE = Reg("", 0)


@dataclass(frozen=True, slots=True)
class Allocation:
    """A list over physical registers.

    `origin[k]` is the number of the instruction that `insts[k]` stands for, -1 for one that the allocator
    added. `frame_bytes` is the size of the spill area and `frame_align` what its start must be aligned to;
    `used_registers` are all that the list mentions or changes; `spills` counts the stores, reloads and
    remade constants that were added. For the checker, `added[k]` says what an added instruction does and
    `dropped[k]` which original instructions were left out just before `insts[k]`.
    """

    insts: list[Inst]
    origin: list[int]
    frame_bytes: int
    frame_align: int
    used_registers: frozenset[Reg]
    spills: int
    added: dict[int, Added] = field(default_factory=dict)
    dropped: dict[int, list[int]] = field(default_factory=dict)


class Rewriter:
    """Turns a plan into a list over physical registers."""

    __slots__ = (
        "added", "align", "coalesced", "dropped", "frame", "machine", "offsets", "origin", "out", "plan",
        "registers", "scan", "scratch", "source", "spills", "values",
    )  # fmt: skip

    def __init__(self, plan: Plan, origin: list[int]) -> None:
        self.plan, self.source = plan, origin
        self.values, self.coalesced = plan.values, plan.coalesced
        self.scan, self.machine = plan.scan, plan.machine
        self.registers = {
            name: [Reg(name, n) for n in range(len(bank.taken))] for name, bank in plan.scan.banks.items()
        }
        self.added: dict[int, Added] = {}
        self.dropped: dict[int, list[int]] = {}
        self.spills = 0
        self.scratch = -1

    def run(self) -> Allocation:
        """The list over physical registers."""
        self.out: list[Inst] = []
        self.origin: list[int] = []
        self.offsets, self.frame, self.align = self.plan.slots.layout()
        self.write_all()
        used = self.used()
        return Allocation(
            self.out, self.origin, self.frame, self.align, used, self.spills, self.added, self.dropped,
        )  # fmt: skip

    def write_all(self) -> None:
        """Write every instruction with what stands before and after it, then the blocks of split edges."""
        identities, table, plan = self.coalesced.identities, self.values.table, self.plan
        around = plan.dropped.union(
            plan.before, plan.late, plan.at_end, plan.entry, plan.after, plan.store_after
        )
        for i, inst in enumerate(self.values.insts):
            if i in around:
                self.write_with_transfers(i, inst)
            elif i in identities:
                self.drop(i)
            else:
                self.write(i, inst, table.get(id(inst.form)) or table.of(inst.form))
        self.write_edge_blocks()

    def write_with_transfers(self, i: int, inst: Inst) -> None:
        """Write an instruction and what is carried over before and after it."""
        plan = self.plan
        for place in (plan.before, plan.late, plan.at_end):
            if i in place:
                self.transfer(place[i])
        if i in self.coalesced.identities or i in plan.dropped:
            self.drop(i)
        else:
            self.write(i, inst, self.values.table.of(inst.form))
        for variable in plan.store_after.get(i, ()):
            self.store(variable, plan.place_at(variable.number, 2 * i + 1))
        for place in (plan.entry, plan.after):
            if i in place:
                self.transfer(place[i])

    def write_edge_blocks(self) -> None:
        """The blocks of split edges stand behind everything else; a list that ends without a jump goes
        around them.
        """
        if not self.plan.edge_blocks:
            return
        last = self.values.insts[-1].form.control
        end = "end.of.list" if last not in ("jump", "ret") else ""
        if end:
            self.add(self.machine.jump(Label(end)), "jump")
        for name, target, transfers in self.plan.edge_blocks:
            self.add(label(name), "label")
            self.transfer(transfers)
            self.add(self.machine.jump(Label(target)), "jump")
        if end:
            self.add(label(end), "label")

    def add(
        self, inst: Inst, what: str, register: Reg = NOWHERE, other: Reg | int = 0, bits: int = 0
    ) -> None:
        """Write an instruction that stands for none of the original ones."""
        self.added[len(self.out)] = (what, register, other, bits)
        self.out.append(inst)
        self.origin.append(-1)

    def drop(self, i: int) -> None:
        """Leave out an instruction: a copy to itself, or a constant that is made elsewhere."""
        if self.source[i] >= 0:
            self.dropped.setdefault(len(self.out), []).append(self.source[i])

    def move(self, to: Reg, source: Reg, bits: int) -> None:
        """Write a copy."""
        self.add(self.machine.move(to, source, bits), "move", to, source, bits)

    def store_slot(self, register: Reg, offset: int, bits: int) -> None:
        """Write a store to the spill area."""
        self.add(self.machine.store_slot(register, offset, bits), "store", register, offset, bits)

    def load_slot(self, register: Reg, offset: int, bits: int) -> None:
        """Write a load from the spill area."""
        self.add(self.machine.load_slot(register, offset, bits), "load", register, offset, bits)

    def write(self, i: int, inst: Inst, facts: Facts) -> None:
        """Write an instruction with the registers of its operands."""
        rows = facts.rows
        operands = inst.operands
        mask = inst.mask
        if rows:
            new = list(operands)
            for index, is_read, _, _, _, _ in rows:
                value = operands[index]
                if isinstance(value, VReg | Sub):
                    new[index] = self.register(value, 2 * i if is_read else 2 * i + 1)
                elif isinstance(value, Mem):
                    new[index] = self.address(value, 2 * i)
            operands = tuple(new)
            if facts.copies and operands[0] == operands[1] and is_copy(inst, facts):
                self.drop(i)
                return
        if mask is not None and type(mask) is VReg:
            mask = self.register(mask, 2 * i)
        if i in self.plan.retarget:
            old, fresh = self.plan.retarget[i]
            operands = tuple(Label(fresh) if isinstance(v, Label) and v.name == old else v for v in operands)
        new_inst = Inst(inst.form, operands, mask, inst.zeroing, inst.comment)
        if self.source[i] < 0:
            to, source = writes(new_inst)[0], reads(new_inst)[0]
            assert isinstance(to, Reg), "fixed operands are copied to and from physical registers"
            assert isinstance(source, Reg), "fixed operands are copied to and from physical registers"
            bits = max(map(bits_of, (*writes(inst), *reads(inst))))
            self.add(new_inst, "move", to, source, bits)
            return
        self.out.append(new_inst)
        self.origin.append(self.source[i])

    def register(self, value: VReg | Sub, position: int) -> Reg:
        """The physical register of an operand."""
        whole = value.of if isinstance(value, Sub) else value
        values = self.values
        number = self.coalesced.root(values.of_vreg[whole.id])
        place = self.plan.plain.get(number)
        if place is None:
            place = self.plan.piece_at(number, position).place
            if place < 0:
                raise CompileError(
                    f"{whole} is in no register at instruction {position >> 1}",
                    why="regalloc: a use must have a register; this is a fault of the allocator",
                    mend="run the checker on the list and report the list",
                )
        return self.registers[whole.bank][place + value.index if isinstance(value, Sub) else place]

    def address(self, mem: Mem, position: int) -> Mem:
        """A memory operand with the registers of its base and index."""
        base, index = mem.base, mem.index
        if type(base) is not VReg and type(index) is not VReg:
            return mem
        if type(base) is VReg:
            base = self.register(base, position)
        if type(index) is VReg:
            index = self.register(index, position)
        return Mem(base, index, mem.scale, mem.disp, mem.label, mem.broadcast)

    def transfer(self, transfers: list[Transfer]) -> None:
        """Write transfers that happen at once: stores, then moves as a parallel copy, then loads."""
        moves: list[tuple[str, int, int, int]] = []
        for variable, source, to in transfers:
            if (
                to == MEMORY
                and source >= 0
                and self.plan.needs_slot(variable)
                and variable.number not in self.plan.eager
            ):
                self.store(variable, source)
            elif source >= 0 and to >= 0:
                bank = variable.register.bank
                moves += [(bank, source + k, to + k, variable.bits) for k in range(variable.count)]
        if moves:
            self.parallel(moves)
        for variable, source, to in transfers:
            if source == MEMORY and to >= 0:
                self.load(variable, to)

    def parallel(self, moves: list[tuple[str, int, int, int]]) -> None:
        """Write moves (bank, from, to, bits) so that each reads what stood there before all of them."""
        waiting = {(bank, to): (source, bits) for bank, source, to, bits in moves if source != to}
        readers: dict[tuple[str, int], int] = {}
        for (bank, _), (source, _) in waiting.items():
            readers[bank, source] = readers.get((bank, source), 0) + 1
        ready = [place for place in waiting if not readers.get(place)]
        registers = self.registers
        while waiting:
            while ready:
                bank, to = place = ready.pop()
                source, bits = waiting.pop(place)
                self.move(registers[bank][to], registers[bank][source], bits)
                readers[bank, source] -= 1
                if not readers[bank, source] and (bank, source) in waiting:
                    ready.append((bank, source))
            if waiting:
                self.break_cycle(waiting)

    def break_cycle(self, waiting: dict[tuple[str, int], tuple[int, int]]) -> None:
        """Write one cycle of moves by way of the scratch slot."""
        bank, first = next(iter(waiting))
        registers = self.registers[bank]
        widest = max(bits for (name, _), (_, bits) in waiting.items() if name == bank)
        if self.scratch < 0 or element_bytes(widest) > self.align:
            self.align = max(self.align, element_bytes(widest))
            self.scratch = align_up(self.frame, self.align)
            self.frame = self.scratch + self.align
        self.store_slot(registers[first], self.scratch, widest)
        at = first
        while True:
            source, bits = waiting.pop((bank, at))
            if source == first:
                self.load_slot(registers[at], self.scratch, widest)
                return
            self.move(registers[at], registers[source], bits)
            at = source

    def store(self, variable: Variable, place: int) -> None:
        """Write the store of a variable to its slot."""
        offset = self.offsets[self.plan.slots.area(variable)]
        step = element_bytes(variable.bits)
        registers = self.registers[variable.register.bank]
        for k in range(variable.count):
            self.store_slot(registers[place + k], offset + k * step, variable.bits)
            self.spills += 1

    def load(self, variable: Variable, place: int) -> None:
        """Write the reload of a variable, or make it again."""
        registers = self.registers[variable.register.bank]
        made = self.plan.remade.get(variable.number)
        if made is not None:
            self.spills += 1
            register = registers[place]
            new = tuple(register if isinstance(v, VReg | Sub) else v for v in made.operands)
            again = Inst(made.form, new, None, False, made.comment)
            self.add(again, "make", register, self.source[variable.defs[0]])
            return
        offset = self.offsets[self.plan.slots.area(variable)]
        step = element_bytes(variable.bits)
        for k in range(variable.count):
            self.load_slot(registers[place + k], offset + k * step, variable.bits)
            self.spills += 1

    def used(self) -> frozenset[Reg]:
        """All physical registers that the list mentions or changes."""
        found: set[Reg] = set()
        for name, bank in self.scan.banks.items():
            found.update(self.registers[name][n] for n, bits in enumerate(bank.taken) if bits)
            found.update(self.registers[name][n] for n, held in enumerate(bank.holders) if held)
        return frozenset(found)
