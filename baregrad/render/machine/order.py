"""The order of instructions within straight-line code: latencies hidden, registers not run out of.

Each stretch without labels, jumps, calls and clobbers is a graph: a reader comes after its writer
(by the writer's latency), a writer after the readers of the value it replaces, stores keep their
order with what may touch the same memory, and whoever reads flags follows its writer with no other
in between. Then instructions are taken one by one: the one with the longest way to the end first,
but when the values that live come near to a bank's size, the one that frees most. What is not here:
which registers values get (regalloc.py). Read liveness.py first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from baregrad.isa.form import Inst, Mem, Reg
from baregrad.render.machine.inst import FactsTable, writes
from baregrad.render.machine.liveness import Values
from baregrad.render.machine.target import MachineTarget

Alias = Callable[[Inst, Inst], bool]
WINDOW = 64  # with so many memory accesses between two stores that are told apart, the rest keep their order
ISSUE = 0.25  # cycles that an instruction takes at least: four are begun in one
CHOICES = 24  # how many ready instructions are looked at when registers are short
MARGIN = 2  # registers that are kept free for what the graph does not see


def may_alias(_one: Inst, _other: Inst) -> bool:
    """Any two accesses may touch the same memory."""
    return True


def order(insts: Sequence[Inst], machine: MachineTarget, alias: Alias = may_alias) -> list[Inst]:
    """The list with the instructions of each straight-line stretch reordered.

    `alias` says whether two instructions that access memory may touch the same bytes; it is asked only when
    one of them writes.
    Cost: near-linear; about 25 microseconds an instruction.
    """
    if not insts:
        return []
    table = FactsTable()
    values = Values(insts, machine, table)
    result: list[Inst] = []
    for block, (start, end) in enumerate(values.flow.blocks):
        live = set(values.live_out[block])
        pieces: list[list[Inst]] = []
        for low, high in reversed(stretches(insts, start, end, table)):
            if high - low > 2:
                pieces.append([insts[i] for i in Stretch(values, low, high, live, alias).run()])
            else:
                pieces.append(list(insts[low:high]))
            for i in range(high - 1, low - 1, -1):
                live.difference_update(values.writes[i])
                live.update(values.reads[i])
        for piece in reversed(pieces):
            result += piece
    return result


def stretches(insts: Sequence[Inst], start: int, end: int, table: FactsTable) -> list[tuple[int, int]]:
    """A block as half-open stretches: what may not move is one alone."""
    found: list[tuple[int, int]] = []
    low = start
    for i in range(start, end):
        if is_barrier(insts[i], table):
            if i > low:
                found.append((low, i))
            found.append((i, i + 1))
            low = i + 1
    if end > low:
        found.append((low, end))
    return join_terminator(insts, found)


def join_terminator(insts: Sequence[Inst], found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A branch that reads flags belongs to the stretch before it, so that its flags are known to be read."""
    if len(found) > 1:
        low, high = found[-1]
        if high - low == 1 and insts[low].form.reads_flags and insts[low].form.control == "branch":
            return [*found[:-2], (found[-2][0], high)]
    return found


def is_barrier(inst: Inst, table: FactsTable) -> bool:
    """Whether nothing may move across: labels, control, clobbers, writes to physical registers."""
    form = inst.form
    if form.control or table.of(form).is_label or any(register.bank != "flags" for register in form.clobbers):
        return True
    return any(isinstance(register, Reg) for register in writes(inst))


def touches(inst: Inst) -> str:
    """What an instruction does to memory; a form that may have a memory operand does it only with one."""
    memory = inst.form.memory
    if memory and not any(isinstance(value, Mem) for value in inst.operands):
        could = any(kind.startswith(("m", "vm")) for operand in inst.form.operands for kind in operand.kinds)
        return "" if could else memory
    return memory


class Stretch:
    """One stretch as a graph over its instructions, numbered from 0."""

    __slots__ = (
        "after", "alias", "bank_of", "banks", "high", "insts", "kept", "low", "need", "path", "readers",
        "reads", "values", "waiting", "writes",
    )  # fmt: skip

    def __init__(self, values: Values, low: int, high: int, live: set[int], alias: Alias) -> None:
        self.values, self.low, self.high, self.alias = values, low, high, alias
        self.insts = values.insts[low:high]
        self.kept = live
        count = high - low
        self.after: list[dict[int, int]] = [{} for _ in range(count)]
        self.waiting = [0] * count
        self.link_values()
        self.link_memory()
        self.link_flags()
        last = self.insts[-1].form
        if last.control:
            for j in range(count - 1):
                self.edge(j, count - 1, 0)
        self.path = [0] * count
        for j in range(count - 1, -1, -1):
            rest = max((self.path[k] + delay for k, delay in self.after[j].items()), default=0)
            self.path[j] = max(rest, self.insts[j].form.latency)

    def edge(self, first: int, second: int, delay: int) -> None:
        """Let `second` come after `first`, by so many cycles."""
        known = self.after[first].get(second)
        if known is None:
            self.waiting[second] += 1
            self.after[first][second] = delay
        elif delay > known:
            self.after[first][second] = delay

    def link_values(self) -> None:
        """Readers after writers, writers after readers and writers."""
        writer: dict[int, int] = {}
        readers: dict[int, list[int]] = {}
        all_reads, all_writes = self.values.reads, self.values.writes
        for j in range(self.high - self.low):
            for unit in all_reads[self.low + j]:
                if unit in writer:
                    self.edge(writer[unit], j, self.insts[writer[unit]].form.latency)
                readers.setdefault(unit, []).append(j)
            for unit in all_writes[self.low + j]:
                for reader in readers.pop(unit, ()):
                    if reader != j:
                        self.edge(reader, j, 0)
                if writer.get(unit, j) != j:
                    self.edge(writer[unit], j, 1)
                writer[unit] = j

    def link_memory(self) -> None:
        """Accesses of the same memory in order, if one of them writes."""
        loads: list[int] = []
        stores: list[int] = []
        fence = -1  # what comes behind it stays there, for what stands before it is not asked about any more
        for j, inst in enumerate(self.insts):
            touched = touches(inst)
            if not touched:
                continue
            for k in stores:
                if k == fence or self.alias(self.insts[k], inst):
                    self.edge(k, j, 1)
            if "w" not in touched:
                loads.append(j)
                continue
            for k in loads:
                if self.alias(self.insts[k], inst):
                    self.edge(k, j, 0)
            if self.alias is may_alias or len(loads) + len(stores) > WINDOW:
                for k in loads + stores:
                    self.edge(k, j, 0)
                loads, stores, fence = [], [], j
            stores.append(j)

    def link_flags(self) -> None:
        """A writer whose flags are read and its readers stay together; no other writer comes in between."""
        insts = self.insts
        read_later = [False] * len(insts)
        wanted = False
        for j in range(len(insts) - 1, -1, -1):
            read_later[j] = wanted
            wanted = (wanted and not insts[j].form.writes_flags) or insts[j].form.reads_flags
        group: list[int] = []  # the last writer that is read, and its readers
        others: list[int] = []  # writers since, whose flags nobody reads
        for j, inst in enumerate(insts):
            form = inst.form
            if form.reads_flags:
                for k in group[:1]:
                    self.edge(k, j, insts[k].form.latency)
                group.append(j)
            if not form.writes_flags:
                continue
            for k in group:
                if k != j:
                    self.edge(k, j, 0)
            if read_later[j]:
                for k in others:
                    self.edge(k, j, 0)
                group, others = [j], []
            else:
                others.append(j)

    # Choosing

    def run(self) -> list[int]:
        """The instructions' numbers in the list, in their new order."""
        self.count_readers()
        ready: list[tuple[int, int]] = []  # (-path, number): operands are there
        coming: list[tuple[float, int]] = []  # (cycle, number): operands are on their way
        earliest = [0.0] * len(self.insts)
        for j, waits in enumerate(self.waiting):
            if not waits:
                heappush(ready, (-self.path[j], j))
        now = 0.0
        chosen: list[int] = []
        while ready or coming:
            while coming and (coming[0][0] <= now or not ready):
                cycle, j = heappop(coming)
                now = max(now, cycle)
                heappush(ready, (-self.path[j], j))
            j = self.choose(ready, coming)
            chosen.append(self.low + j)
            self.count_values(j)
            for k, delay in self.after[j].items():
                earliest[k] = max(earliest[k], now + delay)
                self.waiting[k] -= 1
                if not self.waiting[k]:
                    heappush(coming, (earliest[k], k))
            now += max(ISSUE, self.insts[j].form.cost)
        return chosen

    def choose(self, ready: list[tuple[int, int]], coming: list[tuple[float, int]]) -> int:
        """The ready instruction with the longest path, or what frees most where registers are short."""
        short = [bank for bank, (live, size) in self.banks.items() if live >= size - MARGIN]
        if not short or self.growth(ready[0][1], short) < 0:
            return heappop(ready)[1]
        # What is on its way may free more than all that is ready: waiting costs less than a spill.
        nearest = sorted((j for _, j in ready[:CHOICES])) + sorted(j for _, j in coming[:CHOICES])
        best = min(nearest, key=lambda j: (self.growth(j, short), j))
        for heap in (ready, coming):
            for at, (_, j) in enumerate(heap):
                if j == best:
                    last = heap.pop()
                    if at < len(heap):
                        heap[at] = last  # type: ignore[assignment]  # both heaps hold pairs that end in a number
                        heap.sort()
                    return best
        raise AssertionError("the chosen instruction is in one of the heaps")

    def count_readers(self) -> None:
        """Fill how many readers each value has here, and how many values of each bank live at the start."""
        values = self.values
        self.readers: dict[int, int] = {}
        defined: set[int] = set()
        live = set(self.kept)
        for i in range(self.high - 1, self.low - 1, -1):
            live.difference_update(values.writes[i])
            live.update(values.reads[i])
            defined.update(values.writes[i])
        self.reads = [tuple(dict.fromkeys(units)) for units in values.reads[self.low : self.high]]
        self.writes = values.writes[self.low : self.high]
        self.bank_of = {unit: values.name[unit].bank for units in self.reads + self.writes for unit in units}
        for units in self.reads:
            for unit in units:
                self.readers[unit] = self.readers.get(unit, 0) + 1
        self.need = live  # the units that live now
        self.banks: dict[str, tuple[int, int]] = {
            name: (0, len(bank.order)) for name, bank in values.machine.banks.items()
        }
        for unit in live:
            self.add(unit, 1)

    def add(self, unit: int, change: int) -> None:
        """Count a value that begins or ends to live."""
        bank = self.values.name[unit].bank
        live, size = self.banks[bank]
        self.banks[bank] = (live + change, size)

    def growth(self, j: int, banks: list[str]) -> int:
        """How many more registers of some banks are taken after an instruction."""
        bank_of, kept, readers, written = self.bank_of, self.kept, self.readers, self.writes[j]
        more = 0
        for unit in written:
            if unit not in self.need and bank_of[unit] in banks:
                more += 1
        for unit in self.reads[j]:
            if readers[unit] == 1 and unit not in kept and unit not in written and bank_of[unit] in banks:
                more -= 1
        return more

    def count_values(self, j: int) -> None:
        """Keep count of what lives after an instruction."""
        written = self.writes[j]
        for unit in self.reads[j]:
            self.readers[unit] -= 1
            if not self.readers[unit] and unit not in self.kept and unit not in written and unit in self.need:
                self.need.discard(unit)
                self.add(unit, -1)
        for unit in written:
            if unit not in self.need and (self.readers.get(unit) or unit in self.kept):
                self.need.add(unit)
                self.add(unit, 1)
