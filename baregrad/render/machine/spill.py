"""What splitting asks for: stores, reloads, remade constants and moves, within blocks and on edges; and the
rewriting.

Between two pieces of a variable that touch, the value is carried over: just before an instruction when the
cut is inside a block, on the edges when it is at a block's start. All that happens at one place happens at
once: stores first, then moves as a parallel copy, then loads. A variable is stored either after each of its
writes or wherever it leaves its register, whichever costs less. What is not here: the choice of registers
(regalloc.py).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from baregrad.base.integers import align_up
from baregrad.isa.form import Inst, Label
from baregrad.render.machine.coalesce import Coalesced, Variable
from baregrad.render.machine.liveness import Values
from baregrad.render.machine.scan import COST, MEMORY, Piece, Scan

Transfer = tuple[Variable, int, int]  # from place, to place


class Slots:
    """The spill area: variables that never live at once share room."""

    __slots__ = ("areas", "of")

    def __init__(self) -> None:
        self.areas: list[tuple[int, int, list[int]]] = []  # (bytes, number, [bits of positions taken])
        self.of: dict[int, int] = {}

    def area(self, variable: Variable) -> int:
        """The number of the area of a variable."""
        found = self.of.get(variable.number)
        if found is None:
            size = variable.count * element_bytes(variable.bits)
            bits = variable.range << variable.low
            for area_size, number, taken in self.areas:
                if area_size == size and not taken[0] & bits:
                    taken[0] |= bits
                    found = number
                    break
            else:
                found = len(self.areas)
                self.areas.append((size, found, [bits]))
            self.of[variable.number] = found
        return found

    def layout(self) -> tuple[dict[int, int], int, int]:
        """(offset of each area, bytes, alignment): the greatest alignments come first."""
        offset, align = 0, 1
        offsets: dict[int, int] = {}
        for size, number, _ in sorted(self.areas, key=lambda area: (-alignment(area[0]), area[1])):
            step = alignment(size)
            align = max(align, step)
            offset = align_up(offset, step)
            offsets[number] = offset
            offset += size
        return offsets, align_up(offset, align), align


def element_bytes(bits: int) -> int:
    """The bytes that one register of that width takes in memory: 4, 8, 16, 32 or 64."""
    return max(4, 1 << max(0, (bits // 8 - 1).bit_length()))


def alignment(size: int) -> int:
    """The alignment of an area: the next power of two, at most 64."""
    return min(64, 1 << max(2, (size - 1).bit_length()))


class Plan:
    """What is carried over where: before an instruction, at a block's end or start, or in a new block."""

    __slots__ = (
        "after", "at_end", "before", "chains", "coalesced", "dropped", "eager", "edge_blocks", "entry",
        "late", "loaded", "machine", "plain", "remade", "retarget", "scan", "slots", "starts",
        "store_after", "values",
    )  # fmt: skip

    def __init__(self, values: Values, coalesced: Coalesced, scan: Scan) -> None:
        self.values, self.coalesced, self.scan = values, coalesced, scan
        self.machine = values.machine
        self.before: dict[int, list[Transfer]] = {}
        self.late: dict[int, list[Transfer]] = {}
        self.at_end: dict[int, list[Transfer]] = {}
        self.entry: dict[int, list[Transfer]] = {}
        self.after: dict[int, list[Transfer]] = {}
        self.edge_blocks: list[tuple[str, str, list[Transfer]]] = []
        self.retarget: dict[int, tuple[str, str]] = {}
        self.store_after: dict[int, list[Variable]] = {}
        self.slots = Slots()
        self.dropped: set[int] = set()
        self.loaded: set[int] = set()
        self.eager: set[int] = set()
        self.sort_chains()
        if self.chains:
            self.plan()

    def sort_chains(self) -> None:
        """Split the variables into those with one place for ever (`plain`) and those with several pieces."""
        self.plain: dict[int, int] = {}
        self.chains: dict[int, list[Piece]] = {}
        self.starts: dict[int, list[int]] = {}
        for number, chain in self.scan.chains.items():
            if len(chain) == 1 and chain[0].place >= 0:
                self.plain[number] = chain[0].place
                continue
            chain = sorted((p for p in chain if p.bits), key=lambda piece: piece.low)
            self.chains[number] = chain
            self.starts[number] = [piece.low for piece in chain]
        self.remade: dict[int, Inst] = {}
        for number in self.chains:
            variable = self.coalesced.variables[number]
            if len(variable.defs) == 1 and variable.count == 1:
                inst = self.values.insts[variable.defs[0]]
                if inst.mask is None and not inst.form.writes_flags and self.machine.rematerialise(inst):
                    self.remade[number] = inst

    def piece_at(self, number: int, position: int) -> Piece:
        """The piece of a variable that holds a position."""
        return self.chains[number][bisect_right(self.starts[number], position) - 1]

    def place_at(self, number: int, position: int) -> int:
        """Where a variable is at a position."""
        place = self.plain.get(number)
        return place if place is not None else self.piece_at(number, position).place

    # Transfers

    def plan(self) -> None:
        """Collect what is carried over where, and decide how each spilled variable is stored."""
        flow = self.values.flow
        starts = {2 * start for start, _ in flow.blocks}
        cost: dict[int, float] = {}
        for number, chain in self.chains.items():
            variable = self.coalesced.variables[number]
            for piece, following in pairwise(chain):
                at = following.low
                if piece.end + 1 != at or at in starts or piece.place == following.place:
                    continue
                i = at >> 1
                if following.place == MEMORY:
                    if self.is_clean(piece, at):
                        continue
                    cost[number] = cost.get(number, 0.0) + COST[min(flow.depth[i], 6)]
                elif piece.place == MEMORY:
                    self.loaded.add(number)
                (self.late if at & 1 else self.before).setdefault(i, []).append(
                    (variable, piece.place, following.place)
                )
            if number in self.remade:
                self.drop_unused(chain, variable.defs[0])
        self.plan_edges(cost)
        self.choose_stores(cost)
        self.reserve_all()

    def is_clean(self, piece: Piece, end: int) -> bool:
        """Whether the slot still holds what the piece holds: it was loaded in this block and not written
        since.
        """
        block_of = self.values.flow.block_of
        chain = self.chains[piece.variable.number]
        k = chain.index(piece)
        return (
            k > 0
            and chain[k - 1].place == MEMORY
            and chain[k - 1].end + 1 == piece.low
            and block_of[piece.low >> 1] == block_of[(end - 1) >> 1]
            and piece.low != 2 * self.values.flow.blocks[block_of[piece.low >> 1]][0]
            and not any(use & 1 for use in piece.uses)
        )

    def drop_unused(self, chain: list[Piece], definition: int) -> None:
        """Leave out the instruction that makes a constant when each use makes its own."""
        first = chain[0]
        end = self.values.flow.blocks[self.values.flow.block_of[definition]][1]
        alone = first.uses == [2 * definition + 1] and first.end < 2 * end - 1 and len(chain) > 1
        if alone and chain[1].place == MEMORY and chain[1].low == first.end + 1:
            self.dropped.add(definition)

    def choose_stores(self, cost: dict[int, float]) -> None:
        """Store after each write where that is cheaper than storing wherever the register is lost."""
        insts, depth = self.values.insts, self.values.flow.depth
        for number in self.chains:
            if number in self.remade or number not in self.loaded:
                continue
            variable = self.coalesced.variables[number]
            writes = set(variable.defs)
            eager = sum(COST[min(depth[i], 6)] for i in writes)
            if eager <= cost.get(number, 0.0) and not any(insts[i].form.control for i in writes):
                self.eager.add(number)
                for i in writes:
                    self.store_after.setdefault(i, []).append(variable)

    def plan_edges(self, cost: dict[int, float]) -> None:
        """Put the transfers of each edge where only this edge passes."""
        flow = self.values.flow
        begins = sorted((low, number) for number, lows in self.starts.items() for low in lows)
        lows, numbers = [low for low, _ in begins], [number for _, number in begins]
        for block, after in enumerate(flow.successors):
            leave = 2 * flow.blocks[block][1] - 1
            for follower in after:
                enter = 2 * flow.blocks[follower][0]
                # Only a variable of which a piece begins between the two positions can be in two places.
                first, last = bisect_right(lows, min(leave, enter)), bisect_right(lows, max(leave, enter))
                if last - first < len(self.values.live_in[follower]):
                    found = dict.fromkeys(numbers[first:last])
                    live = [n for n in found if self.piece_at(n, enter).live_at(enter)]
                else:
                    live = self.split_and_live(follower)
                transfers = self.edge_transfers(live, leave, enter, cost)
                if transfers:
                    self.put_on_edge(block, follower, transfers)

    def split_and_live(self, block: int) -> list[int]:
        """The variables with several pieces that live at the start of a block."""
        root, base, chains = self.coalesced.root, self.values.base, self.chains
        found = dict.fromkeys(root(base[unit]) for unit in self.values.live_in[block])
        return [number for number in found if number in chains]

    def edge_transfers(
        self, live: list[int], leave: int, enter: int, cost: dict[int, float]
    ) -> list[Transfer]:
        """What changes its place between the end of one block and the start of another."""
        transfers: list[Transfer] = []
        for number in live:
            source, to = self.piece_at(number, leave).place, self.piece_at(number, enter).place
            if source == to:
                continue
            transfers.append((self.coalesced.variables[number], source, to))
            if source == MEMORY:
                self.loaded.add(number)
            elif to == MEMORY:
                weight = COST[min(self.values.flow.depth[leave >> 1], 6)]
                cost[number] = cost.get(number, 0.0) + weight
        return transfers

    def put_on_edge(self, block: int, follower: int, transfers: list[Transfer]) -> None:
        """Find the place of an edge's transfers: the follower's start, the block's end, or a new block."""
        values, flow = self.values, self.values.flow
        start, last = flow.blocks[follower][0], flow.blocks[block][1] - 1
        control = values.insts[last].form.control
        names = [v.name for v in values.insts[last].operands if isinstance(v, Label)] if control else []
        if len(flow.predecessors[follower]) == 1 and follower:
            if values.table.of(values.insts[start].form).is_label:
                self.after.setdefault(start, []).extend(transfers)
            else:
                self.before[start] = transfers
            return
        if control in ("", "call"):
            self.after.setdefault(last, []).extend(transfers)
            return
        if control == "jump" and len(flow.successors[block]) == 1:
            self.at_end.setdefault(last, []).extend(transfers)
            return
        label_inst = values.insts[start]
        target = label_inst.operands[0]
        falls = control == "branch" and follower == block + 1
        if falls:
            self.after.setdefault(last, []).extend(transfers)
        if isinstance(target, Label) and target.name in names:
            if self.can_precede_branch(block, follower, transfers) and not falls:
                self.at_end.setdefault(last, []).extend(transfers)
            else:
                name = f"{target.name}.edge{len(self.edge_blocks)}"
                self.edge_blocks.append((name, target.name, transfers))
                self.retarget[last] = (target.name, name)

    def can_precede_branch(self, block: int, follower: int, transfers: list[Transfer]) -> bool:
        """Whether the transfers of the taken edge do no harm when the branch is not taken."""
        flow = self.values.flow
        last = flow.blocks[block][1] - 1
        if last in self.at_end:
            return False
        for variable, _, to in transfers:
            if to < 0:
                continue
            bank = self.scan.banks[variable.register.bank]
            for number in range(to, to + variable.count):
                taken = bank.taken[number]
                if (taken >> (2 * last)) & 3:
                    return False
                for other in flow.successors[block]:
                    if other != follower and (taken >> (2 * flow.blocks[other][0])) & 1:
                        return False
        return True

    def reserve(self, transfers: list[Transfer]) -> None:
        """Give the variables that go through memory their slots, so that the layout is known before
        writing.
        """
        for variable, source, to in transfers:
            if (source == MEMORY or to == MEMORY) and self.needs_slot(variable):
                self.slots.area(variable)

    def needs_slot(self, variable: Variable) -> bool:
        """Whether the variable is ever loaded from memory."""
        return variable.number in self.loaded and variable.number not in self.remade

    def reserve_all(self) -> None:
        """Give every variable that goes through memory its slot."""
        for _, _, transfers in self.edge_blocks:
            self.reserve(transfers)
        for place in (self.before, self.late, self.at_end, self.entry, self.after):
            for transfers in place.values():
                self.reserve(transfers)
        for variables in self.store_after.values():
            for variable in variables:
                self.slots.area(variable)
