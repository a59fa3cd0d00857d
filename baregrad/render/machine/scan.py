"""Which register each value gets and when: one linear scan over live ranges with holes.

Variables come in the order in which they begin to live. Each takes a register that is free over its whole
range: first one that a copy makes welcome, then the bank's own order. Where none is free, the variable
whose next use is farthest (divided by what that use costs: 10 to the loop depth) gives way: it is split,
its later part waits in memory (or is made again, if it is a constant) until just before that use, and
stands in line again. Splits move out of loops where the variable is not used there. Fixed registers and
clobbers are ranges that are taken from the start; aligned tuples and limits only change which registers are
candidates. What is not here: merging of copies (coalesce.py), the moves that splits need and the rewriting
(spill.py). Read liveness.py first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from baregrad.base.errors import CompileError
from baregrad.isa.form import VReg
from baregrad.render.machine.coalesce import Coalesced, Variable
from baregrad.render.machine.liveness import Values, range_of

WAITING, MEMORY = -1, -2
COST = tuple(10.0**depth for depth in range(7))


class Piece:
    """A part of a variable's range that stays in one place: a register number, MEMORY, or WAITING for one."""

    __slots__ = ("bits", "end", "low", "place", "uses", "variable")

    def __init__(self, variable: Variable, low: int, bits: int, uses: list[int]) -> None:
        self.variable = variable
        self.low = low
        self.bits = bits
        self.end = low + bits.bit_length() - 1
        self.uses = uses
        self.place = WAITING

    def live_at(self, position: int) -> bool:
        """Whether the value must be kept at a position."""
        return position >= self.low and (self.bits >> (position - self.low)) & 1 == 1

    def next_use(self, position: int) -> int:
        """The first use at or after a position, -1 if there is none."""
        k = bisect_left(self.uses, position)
        return self.uses[k] if k < len(self.uses) else -1

    def last_use(self, position: int) -> int:
        """The last use before a position, -1 if there is none."""
        k = bisect_left(self.uses, position)
        return self.uses[k - 1] if k else -1

    def overlap(self, low: int, bits: int) -> int:
        """The first position that both ranges hold, -1 if there is none."""
        if self.low <= low:
            common = (self.bits >> (low - self.low)) & bits
        else:
            common = self.bits & (bits >> (self.low - low))
            low = self.low
        return low + (common & -common).bit_length() - 1 if common else -1


class BankState:
    """What is taken in a bank: bits of positions for each register, all of them and those nobody can give
    up.
    """

    __slots__ = ("holders", "is_pinned", "pinned", "taken")

    def __init__(self, size: int) -> None:
        self.taken = [0] * size
        self.pinned = [0] * size
        self.is_pinned = False
        self.holders: list[list[Piece]] = [[] for _ in range(size)]


class Scan:
    """The linear scan. `chains[v]` lists the pieces of a variable, in no order until the end."""

    __slots__ = (
        "banks",
        "candidates",
        "chains",
        "heap",
        "insts",
        "last_place",
        "machine",
        "now",
        "patience",
        "serial",
        "values",
        "weight",
    )

    def __init__(self, values: Values, coalesced: Coalesced) -> None:
        self.values = values
        self.machine = values.machine
        self.insts = values.insts
        self.banks = {
            name: BankState(max(bank.order, default=0) + 1) for name, bank in values.machine.banks.items()
        }
        self.weight = [COST[min(depth, 6)] for depth in values.flow.depth]
        self.candidates: dict[tuple[str, int, int, int], tuple[int, ...]] = {}
        self.last_place: dict[int, int] = {}
        self.chains: dict[int, list[Piece]] = {}
        self.pin()
        self.heap: list[tuple[int, int, Piece]] = []
        self.serial = self.now = 0
        for number, variable in coalesced.variables.items():
            piece = Piece(variable, variable.low, variable.range, variable.uses)
            self.chains[number] = [piece]
            self.heap.append((piece.low, number, piece))
        self.serial = len(values.base)
        self.patience = 2 * len(self.heap) + 64
        heapify(self.heap)

    def pin(self) -> None:
        """Take the ranges of physical registers that the list names, and of those that it clobbers."""
        for unit, register in enumerate(self.values.pinned):
            if register is not None and self.values.segments[unit]:
                low, bits = range_of(self.values.segments[unit])
                self.banks[register.bank].pinned[register.number] |= bits << low
        lost: dict[tuple[str, int], list[int]] = {}
        for i, inst in enumerate(self.insts):
            for register in inst.form.clobbers:
                if register.bank in self.banks:
                    lost.setdefault((register.bank, register.number), []).append(2 * i + 1)
        for (name, number), positions in lost.items():
            bank = self.banks[name]
            if number < len(bank.pinned):
                marks = bytearray(positions[-1] // 8 + 1)
                for position in positions:
                    marks[position >> 3] |= 1 << (position & 7)
                bank.pinned[number] |= int.from_bytes(marks, "little")
        for bank in self.banks.values():
            bank.taken = list(bank.pinned)
            bank.is_pinned = any(bank.pinned)

    def run(self) -> None:
        """Place every piece."""
        heap = self.heap
        while heap:
            self.place(heappop(heap)[2])

    def queue(self, piece: Piece) -> None:
        """Let a piece stand in line."""
        self.serial += 1
        heappush(self.heap, (piece.low, self.serial, piece))

    def choices(self, variable: Variable) -> tuple[int, ...]:
        """The first registers that a variable may have, the preferred first."""
        register = variable.register
        assert isinstance(register, VReg), "physical registers are not placed"
        key = (register.bank, register.count, register.align, variable.limit)
        found = self.candidates.get(key)
        if found is None:
            bank = self.machine.banks.get(register.bank)
            if bank is None:
                raise CompileError(
                    f"register {register} is in no bank of {self.machine.name}",
                    why=f"regalloc: the banks are {sorted(self.machine.banks)}",
                    mend="give the register a bank that the target has",
                )
            order, limit = set(bank.order), variable.limit or max(bank.order)
            found = self.candidates[key] = tuple(
                n for n in bank.order
                if n % register.align == 0 and n + register.count - 1 <= limit
                and order.issuperset(range(n, n + register.count))
            )  # fmt: skip
        return found

    def place(self, piece: Piece) -> None:
        """Give a piece a register that is free over all of it, or let `contend` make room."""
        variable = piece.variable
        choices = self.choices(variable)
        bank = self.banks[variable.register.bank]
        taken, low, bits = bank.taken, piece.low, piece.bits
        count = variable.count
        places = self.last_place
        if variable.hints or variable.number in places:
            wishes = [places.get(variable.number, -1)]
            wishes += [places.get(v, -99) + d if v >= 0 else d for v, d in variable.hints]
            for number in wishes:
                if number >= 0 and number in choices and not busy(taken, number, count, low, bits):
                    return self.take(piece, bank, number)
        if count == 1:
            for number in choices:
                if not (taken[number] >> low) & bits:
                    return self.take(piece, bank, number)
        else:
            for number in choices:
                if not busy(taken, number, count, low, bits):
                    return self.take(piece, bank, number)
        return self.contend(piece, bank, choices)

    def take(self, piece: Piece, bank: BankState, number: int) -> None:
        """Put a piece into a register."""
        piece.place = number
        self.last_place[piece.variable.number] = number
        bits = piece.bits << piece.low
        for each in range(number, number + piece.variable.count):
            bank.taken[each] |= bits
            bank.holders[each].append(piece)

    def release(self, piece: Piece, low: int, bits: int) -> None:
        """Free a part of a piece's range in its registers."""
        bank = self.banks[piece.variable.register.bank]
        for each in range(piece.place, piece.place + piece.variable.count):
            bank.taken[each] ^= bits << low

    def contend(self, piece: Piece, bank: BankState, choices: tuple[int, ...]) -> None:
        """Find the register that costs least to get: free for a while, or held by what is needed last."""
        low = self.now = piece.low
        self.patience -= 1
        first_use = piece.uses[0] if piece.uses else -1
        must = first_use >= 0 and first_use >> 1 == low >> 1
        best, best_score, best_until = -1, -1.0, -1
        for number in choices:
            score, until = self.price(piece, bank, number)
            if score > best_score:
                best, best_score, best_until = number, score, until
        if not must and self.distance(piece, low) >= best_score:
            return self.wait_in_memory(piece, hoist=False)
        if best < 0:
            raise self.no_room(piece, choices)
        self.make_room(piece, bank, best, best_until)
        clash = busy(bank.taken, best, piece.variable.count, low, piece.bits)
        assert not clash, f"regalloc: {piece.variable.register} shares register {best} with another value"
        return self.take(piece, bank, best)

    def make_room(self, piece: Piece, bank: BankState, number: int, until: int) -> None:
        """Evict what holds the register and cut the piece where it must leave the register (-1: nowhere)."""
        for each in range(number, number + piece.variable.count):
            for holder in list(bank.holders[each]):
                at = holder.overlap(piece.low, piece.bits)
                if at >= 0 and holder.place >= 0 and (until < 0 or at < until):
                    self.evict(holder, at)
        tail = self.split(piece, until) if until >= 0 else None
        if tail is None:
            return
        if tail.low == until and tail.low & 1:
            self.wait_in_memory(tail, hoist=True)
        else:
            self.queue(tail)

    def price(self, piece: Piece, bank: BankState, number: int) -> tuple[float, int]:
        """What a register is worth to a piece and until when it can have it.

        More is better, below 0 it is not to be had; -1 means to the end.
        """
        low, bits = piece.low, piece.bits
        score, until = float("inf"), -1
        if bank.is_pinned:
            until = first_position(bank.pinned, number, piece.variable.count, low, bits)
        if until >= 0:
            even = until & ~1
            if even > low:
                until = even
            elif until == low or piece.next_use(until) == until:
                return -1.0, -1
            score = (until - low) / 2
        for each in range(number, number + piece.variable.count):
            holders = bank.holders[each]
            if len(holders) > 2:
                holders[:] = holders = [h for h in holders if h.end >= low - 2 and h.place >= 0]
            for holder in holders:
                at = holder.overlap(low, bits) if holder.place >= 0 else -1
                if at >= 0 and not 0 <= until <= at:
                    worth = self.worth_of_evicting(piece, holder, at)
                    if worth < score:
                        score = worth
        return score, until

    def worth_of_evicting(self, piece: Piece, holder: Piece, at: int) -> float:
        """How far the holder's next use is, over its cost; below 0 if it cannot leave."""
        following = holder.next_use(at)
        if following < 0:
            return (holder.end + 1 - at) / self.weight[holder.end >> 1]
        if at == piece.low and following >> 1 == at >> 1:
            # Used by the very instruction: it may only step aside for one that has fewer places to go.
            mine, its = self.choices(piece.variable), self.choices(holder.variable)
            freer = (holder.variable.count, -len(its)) < (piece.variable.count, -len(mine))
            return 0.0 if freer else -1.0
        again = self.use_around(holder, at, following)
        return again if again >= 0 else (following - at) / self.weight[following >> 1]

    def use_around(self, piece: Piece, at: int, following: int) -> float:
        """As `distance`, for a value that is next used before `at`, a turn of the loop later; else -1.

        An accumulator whose steps of this turn are done is needed in the next, not behind the loop only. Two
        values that both come around could take each other's register for ever: after many contentions only
        the distance ahead counts.
        """
        if self.patience < 0:
            return -1.0
        flow = self.values.flow
        loop = flow.loop_of[flow.block_of[at >> 1]]
        while loop >= 0:
            start, end, _, parent = flow.loops[loop]
            last = 2 * end + 1
            if 0 <= following <= last or not piece.live_at(last):
                return -1.0
            uses = piece.variable.uses
            k = bisect_left(uses, 2 * start)
            if k < len(uses) and uses[k] < at:
                return (last - at + uses[k] - 2 * start) / self.weight[uses[k] >> 1]
            loop = parent
        return -1.0

    def distance(self, piece: Piece, position: int) -> float:
        """How far the next use is, over its cost."""
        following = piece.next_use(position)
        if following < 0:
            following = piece.end + 1
        again = self.use_around(piece, position, following)
        if again >= 0:
            return again
        return (following - position) / self.weight[min(following >> 1, len(self.insts) - 1)]

    def split(self, piece: Piece, at: int) -> Piece | None:
        """Cut a piece in two; the later part, or None if nothing of it is live."""
        rest = piece.bits >> (at - piece.low)
        if not rest:
            return None
        skip = (rest & -rest).bit_length() - 1
        k = bisect_left(piece.uses, at)
        tail = Piece(piece.variable, at + skip, rest >> skip, piece.uses[k:])
        if piece.place >= 0:
            self.release(piece, tail.low, tail.bits)
        piece.bits &= (1 << (at - piece.low)) - 1
        piece.uses = piece.uses[:k]
        piece.end = piece.low + piece.bits.bit_length() - 1
        self.chains[piece.variable.number].append(tail)
        return tail

    def evict(self, holder: Piece, at: int) -> None:
        """Take a piece's registers away from position `at` on."""
        if not holder.live_at(at - 1):
            self.cut(holder, at, memory=False)
            return
        following = holder.next_use(at)
        if following >= 0 and following >> 1 == at >> 1:
            self.cut(holder, at & ~1, memory=False)
            return
        last = holder.last_use(at)
        where = at if not at & 1 or last == at - 1 else at - 1
        flow = self.values.flow
        loop = flow.loop_of[flow.block_of[at >> 1]]
        while loop >= 0:
            start, _, _, parent = flow.loops[loop]
            if last >= 2 * start:
                holder = self.wait_from_head(holder, loop, following)
                break
            if holder.low >= 2 * start or not holder.live_at(2 * start):
                break
            where = 2 * start
            loop = parent
        self.cut(holder, where, memory=True)

    def wait_from_head(self, holder: Piece, loop: int, following: int) -> Piece:
        """Let a value that leaves its register for the rest of a loop come into the loop in memory too.

        It is then loaded before its first use in the loop, and nothing is left to do on the way back. The
        part that stays in the register is returned.
        """
        start, end, _, _ = self.values.flow.loops[loop]
        head, rest = 2 * start, 2 * end + 1
        if (
            holder.low >= head
            or 0 <= following <= rest
            or not holder.live_at(head)
            or not holder.live_at(rest)
        ):
            return holder
        first = holder.next_use(head) & ~1
        if first <= head or not holder.live_at(first):
            return holder
        place = holder.place
        outside = self.split(holder, head)
        used = self.split(outside, first) if outside is not None else None
        if outside is None or used is None:
            return holder
        outside.place = MEMORY
        self.take(used, self.banks[used.variable.register.bank], place)
        return used

    def cut(self, holder: Piece, where: int, *, memory: bool) -> None:
        """Take a piece's registers away from `where` on: it waits in memory, or stands in line again."""
        if where <= holder.low:
            self.release(holder, holder.low, holder.bits)
            for each in range(holder.place, holder.place + holder.variable.count):
                self.banks[holder.variable.register.bank].holders[each].remove(holder)
            holder.place = WAITING
            tail: Piece | None = holder
        else:
            tail = self.split(holder, where)
        if tail is None:
            return
        if (memory and tail.low == where) or (
            tail.low & 1 and tail.low == where and tail.next_use(where) != where
        ):
            self.wait_in_memory(tail, hoist=True)
        else:
            self.queue(tail)

    def wait_in_memory(self, piece: Piece, *, hoist: bool) -> None:
        """Leave a piece in memory until just before its next use, or before the loop that the use is in."""
        if not piece.uses:
            piece.place = MEMORY
            return
        following = piece.uses[0]
        start = following if following & 1 and not piece.live_at(following - 1) else following & ~1
        if hoist:
            start = self.before_loop(piece, start)
        if start <= piece.low:
            self.queue(piece)
            return
        tail = self.split(piece, start)
        piece.place = MEMORY
        if tail is not None:
            self.leave_loop_as_found(piece, tail)
            self.queue(tail)

    def leave_loop_as_found(self, waiting: Piece, tail: Piece) -> None:
        """Let a value that came into a loop in memory be there again from its last use in the loop on."""
        flow = self.values.flow
        loop = flow.loop_of[flow.block_of[tail.low >> 1]]
        if loop < 0:
            return
        start, end, _, _ = flow.loops[loop]
        last = tail.last_use(2 * end + 2)
        after = (last | 1) + 1
        if not waiting.live_at(2 * start) or not tail.live_at(2 * end + 1) or not tail.low < after <= 2 * end:
            return
        rest = self.split(tail, after)
        if rest is not None and rest.low == after:
            self.wait_in_memory(rest, hoist=True)
        elif rest is not None:
            self.queue(rest)

    def before_loop(self, piece: Piece, use: int) -> int:
        """The start of the outermost loop around a use that the piece begins outside of, or the use.

        Not before what is being placed now: what was placed meanwhile would not be seen.
        """
        flow = self.values.flow
        loop = flow.loop_of[flow.block_of[use >> 1]]
        start = use
        while loop >= 0:
            first, _, _, parent = flow.loops[loop]
            if 2 * first <= max(piece.low, self.now) or not piece.live_at(2 * first):
                break
            start = 2 * first
            loop = parent
        return start

    def no_room(self, piece: Piece, choices: tuple[int, ...]) -> CompileError:
        """The error for an instruction that needs more registers than there are."""
        inst = self.insts[piece.low >> 1]
        return CompileError(
            f"no register for {piece.variable.register} at instruction {piece.low >> 1} ({inst.form.name})",
            why=f"regalloc: all of {choices} hold operands of this instruction, fixed registers or clobbers",
            mend="select a form with fewer register operands, or give the bank more registers",
        )


def first_position(taken: Sequence[int], number: int, count: int, low: int, bits: int) -> int:
    """The first position of the range at which one of a tuple's registers is taken, -1 if there is none."""
    common = 0
    for each in range(number, number + count):
        common |= (taken[each] >> low) & bits
    return low + (common & -common).bit_length() - 1 if common else -1


def busy(taken: Sequence[int], number: int, count: int, low: int, bits: int) -> bool:
    """Whether one of a tuple's registers is taken at a position of the range."""
    return any((taken[each] >> low) & bits for each in range(number, number + count))
