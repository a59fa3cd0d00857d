"""Where values live: basic blocks, loops, dataflow liveness and live ranges as sets of positions.

Instruction i has two positions: 2i, where it reads, and 2i + 1, where it writes. A live range is a Python
integer whose bit p is set when the value must be kept at position p: two values may share a register when
the AND of their ranges is zero. Ranges have holes; they are kept shifted down by their first position, so
short ranges are small integers. Liveness is counted in units: one for each register of a tuple, so that a
tuple that is built piece by piece is not live before its first piece. What is not here: registers
(regalloc.py). Read inst.py first.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.isa.form import Inst, Mem, Reg, Sub, VReg
from baregrad.render.machine.inst import (
    FactsTable,
    is_copy,
    merges,
    split_blocks,
    targets,
)
from baregrad.render.machine.target import MachineTarget


class Flow:
    """The control flow of a list: blocks (half-open), their successors and predecessors, loops and their
    depth.

    A loop is the stretch of the list from the target of a backward jump to the last such jump. `loop_of[b]`
    is the innermost loop of a block (-1: none), `loops` holds (first instruction, last instruction, depth,
    parent).
    """

    __slots__ = (
        "block_of",
        "blocks",
        "depth",
        "loop_of",
        "loops",
        "predecessors",
        "successors",
    )

    def __init__(self, insts: Sequence[Inst], table: FactsTable) -> None:
        self.blocks = split_blocks(insts, table)
        self.successors = successors_of(insts, self.blocks, table)
        self.predecessors: list[list[int]] = [[] for _ in self.blocks]
        for block, after in enumerate(self.successors):
            for follower in after:
                self.predecessors[follower].append(block)
        self.find_loops()
        self.depth: list[int] = []
        self.block_of: list[int] = []
        for block, (start, end) in enumerate(self.blocks):
            loop = self.loop_of[block]
            self.depth += [self.loops[loop][2] if loop >= 0 else 0] * (end - start)
            self.block_of += [block] * (end - start)

    def find_loops(self) -> None:
        """Fill `loops` and `loop_of` from the backward edges."""
        last: dict[int, int] = {}
        for block, after in enumerate(self.successors):
            for follower in after:
                if follower <= block:
                    last[follower] = max(block, last.get(follower, 0))
        self.loops: list[tuple[int, int, int, int]] = []
        self.loop_of: list[int] = []
        open_loops: list[tuple[int, int]] = []  # (last block, number)
        for block, (start, _) in enumerate(self.blocks):
            while open_loops and open_loops[-1][0] < block:
                open_loops.pop()
            if block in last:
                parent = open_loops[-1][1] if open_loops else -1
                # A loop that outlasts the one around it (irreducible code) is cut: depth is only a weight.
                end = min(last[block], open_loops[-1][0]) if open_loops else last[block]
                self.loops.append((start, self.blocks[end][1] - 1, len(open_loops) + 1, parent))
                open_loops.append((end, len(self.loops) - 1))
            self.loop_of.append(open_loops[-1][1] if open_loops else -1)


def successors_of(insts: Sequence[Inst], blocks: list[tuple[int, int]], table: FactsTable) -> list[list[int]]:
    """For each block those that may run next; the one that follows in the list comes last."""
    by_label: dict[str, int] = {}
    for block, (start, _) in enumerate(blocks):
        if table.of(insts[start].form).is_label:
            by_label[targets(insts[start])[0]] = block
    result: list[list[int]] = []
    for block, (_, end) in enumerate(blocks):
        last = insts[end - 1]
        control = last.form.control
        after: list[int] = []
        if control in ("jump", "branch"):
            after = [by_label[name] for name in targets(last) if name in by_label]
        if control not in ("jump", "ret") and block + 1 < len(blocks):
            after.append(block + 1)
        result.append(list(dict.fromkeys(after)))
    return result


class Values:
    """The registers that a list mentions, numbered, with what each instruction reads and writes of them.

    A variable is the first of its units; `base[unit]` gives it. Physical registers that can be allocated
    are variables too, with `pinned[unit]` the register.
    """

    __slots__ = (
        "base",
        "bits",
        "copies",
        "count",
        "defined",
        "defs",
        "early",
        "exposed",
        "flow",
        "insts",
        "limit",
        "live_in",
        "live_out",
        "machine",
        "name",
        "of_reg",
        "of_vreg",
        "pinned",
        "reads",
        "segments",
        "table",
        "uses",
        "writes",
    )  # fmt: skip

    def __init__(self, insts: Sequence[Inst], machine: MachineTarget, table: FactsTable) -> None:
        self.insts = insts
        self.machine = machine
        self.table = table
        self.flow = Flow(insts, table)
        self.of_vreg: dict[int, int] = {}
        self.of_reg: dict[tuple[str, int], int] = {}
        self.name: list[VReg | Reg] = []
        self.base: list[int] = []
        self.count: list[int] = []
        self.bits: list[int] = []
        self.limit: list[int] = []
        self.pinned: list[Reg | None] = []
        self.uses: list[list[int]] = []
        self.defs: list[list[int]] = []
        self.reads: list[list[int]] = []
        self.writes: list[list[int]] = []
        self.early: set[tuple[int, int]] = set()
        self.copies: list[int] = []
        self.exposed: list[set[int]] = []
        self.defined: list[set[int]] = []
        self.scan()
        self.dataflow()
        self.ranges()

    def add(self, register: VReg | Reg) -> int:
        """Give a register its units; the number of the first."""
        first = len(self.base)
        count = register.count if isinstance(register, VReg) else 1
        for _ in range(count):
            self.name.append(register)
            self.base.append(first)
            self.count.append(count)
            self.bits.append(register.bits if isinstance(register, VReg) else 0)
            self.limit.append(0)
            self.pinned.append(register if isinstance(register, Reg) else None)
            self.uses.append([])
            self.defs.append([])
        if isinstance(register, VReg):
            self.of_vreg[register.id] = first
        else:
            self.of_reg[register.bank, register.number] = first
        return first

    def units(self, register: object) -> range | tuple[int, ...]:
        """The units that an operand names: none for what the allocator does not manage."""
        if register is None:
            return ()
        kind = type(register)
        if kind is VReg:
            assert isinstance(register, VReg), "narrowed above"
            unit = self.of_vreg.get(register.id)
            if unit is None:
                unit = self.add(register)
            elif register.bits > self.bits[unit]:
                self.bits[unit] = register.bits
            return (unit,) if register.count == 1 else range(unit, unit + register.count)
        if kind is Sub:
            assert isinstance(register, Sub), "narrowed above"
            return (self.units(register.of)[register.index],)
        if kind is Reg:
            assert isinstance(register, Reg), "narrowed above"
            unit = self.of_reg.get((register.bank, register.number))
            if unit is None:
                bank = self.machine.banks.get(register.bank)
                if bank is None or register.number not in bank.order:
                    return ()
                unit = self.add(register)
            return (unit,)
        return ()

    def scan(self) -> None:
        """Fill reads, writes, uses, defs, limits and copies, and what each block reads before it writes."""
        table, uses, defs, base = self.table, self.uses, self.defs, self.base
        for start, end in self.flow.blocks:
            exposed: set[int] = set()
            defined: set[int] = set()
            for i in range(start, end):
                inst = self.insts[i]
                facts = table.get(id(inst.form)) or table.of(inst.form)
                read, written = self.operands(i, inst, facts.rows)
                for unit in read:
                    if unit not in defined:
                        exposed.add(unit)
                    uses[base[unit]].append(2 * i)
                for unit in written:
                    defined.add(unit)
                    variable = base[unit]
                    uses[variable].append(2 * i + 1)
                    defs[variable].append(i)
                if facts.copies and is_copy(inst, facts):
                    self.copies.append(i)
                self.reads.append(read)
                self.writes.append(written)
            self.exposed.append(exposed)
            self.defined.append(defined)

    def operands(
        self,
        i: int,
        inst: Inst,
        rows: tuple[tuple[int, bool, bool, bool, int, int | None], ...],
    ) -> tuple[list[int], list[int]]:
        """The units that one instruction reads and writes."""
        read: list[int] = []
        written: list[int] = []
        operands = inst.operands
        for index, reads, writes, early, limit, _ in rows:
            value = operands[index]
            kind = type(value)
            if kind is Mem:
                assert isinstance(value, Mem), "narrowed above"
                read += self.address(value, limit)
                continue
            units = self.units(value)
            if not units:
                continue
            if reads or (inst.mask is not None and merges(inst, inst.form.operands[index])):
                read += units
            if writes:
                written += units
                if early:
                    self.early.update((i, unit) for unit in units)
            if limit:
                self.cap(self.base[units[0]], limit)
        if inst.mask is not None:
            units = self.units(inst.mask)
            read += units
            if "w" in inst.form.mask_role:
                written += units
        return read, written

    def address(self, mem: Mem, limit: int) -> list[int]:
        """The units that an address reads; a limit is that of a vector index."""
        read = [*self.units(mem.base), *self.units(mem.index)]
        if limit and isinstance(mem.index, VReg):
            self.cap(self.of_vreg[mem.index.id], limit)
        return read

    def cap(self, variable: int, limit: int) -> None:
        """Note that an operand takes registers up to a number only."""
        self.limit[variable] = min(limit, self.limit[variable] or limit)

    def dataflow(self) -> None:
        """Fill `live_in` and `live_out`, a set of units (as bits of a compact numbering) for each block."""
        shared = sorted(set().union(*self.exposed)) if self.exposed else []
        bit_of = {unit: 1 << k for k, unit in enumerate(shared)}
        need = [sum(bit_of[unit] for unit in exposed) for exposed in self.exposed]
        kill = [sum(bit_of[unit] for unit in defined if unit in bit_of) for defined in self.defined]
        count = len(need)
        live_in = list(need)
        live_out = [0] * count
        waiting = [True] * count
        work = list(range(count))
        while work:
            block = work.pop()
            waiting[block] = False
            out = 0
            for follower in self.flow.successors[block]:
                out |= live_in[follower]
            live_out[block] = out
            now = need[block] | (out & ~kill[block])
            if now == live_in[block]:
                continue
            live_in[block] = now
            for before in self.flow.predecessors[block]:
                if not waiting[before]:
                    waiting[before] = True
                    work.append(before)
        self.live_in = [[shared[k] for k in bits_in(live)] for live in live_in]
        self.live_out = [[shared[k] for k in bits_in(live)] for live in live_out]

    def ranges(self) -> None:
        """Fill `segments`: for each unit its stretches (first, last), from the last to the first."""
        segments: list[list[tuple[int, int]]] = [[] for _ in self.base]
        early = self.early
        for block in range(len(self.flow.blocks) - 1, -1, -1):
            start, end = self.flow.blocks[block]
            live = dict.fromkeys(self.live_out[block], 2 * end - 1)
            for i in range(end - 1, start - 1, -1):
                for unit in self.writes[i]:
                    last = live.pop(unit, 2 * i + 1)
                    segments[unit].append((2 * i if early and (i, unit) in early else 2 * i + 1, last))
                for unit in self.reads[i]:
                    if unit not in live:
                        live[unit] = 2 * i
            for unit, last in live.items():
                segments[unit].append((2 * start, last))
        self.segments = segments

    def live_range(self, variable: int) -> tuple[int, int]:
        """The range of a variable: (first position, bits from there)."""
        low = -1
        bits = 0
        for unit in range(variable, variable + self.count[variable]):
            own = self.segments[unit]
            if not own:
                continue
            first, own_bits = range_of(own)
            if low < 0:
                low, bits = first, own_bits
            elif first < low:
                low, bits = first, (bits << (low - first)) | own_bits
            else:
                bits |= own_bits << (first - low)
        return low, bits


def range_of(segments: list[tuple[int, int]]) -> tuple[int, int]:
    """(first position, bits) of stretches that are listed from the last to the first."""
    low = segments[-1][0]
    if len(segments) == 1:
        return low, (1 << (segments[0][1] - low + 1)) - 1
    bits = 0
    begin, last = segments[0]
    for first, end in segments:
        if end + 1 < begin:
            bits |= ((1 << (last - begin + 1)) - 1) << (begin - low)
            last = end
        elif end > last:
            last = end
        begin = first
    return low, bits | ((1 << (last - begin + 1)) - 1) << (begin - low)


def bits_in(bits: int) -> list[int]:
    """The numbers of the set bits, ascending.

    >>> bits_in(0b1011)
    [0, 1, 3]
    """
    if not bits:
        return []
    text = bin(bits)[:1:-1]
    found = []
    at = text.find("1")
    while at >= 0:
        found.append(at)
        at = text.find("1", at + 1)
    return found
