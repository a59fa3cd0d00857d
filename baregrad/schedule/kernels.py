"""Kernels while they are planned: loops, the places at which nodes are evaluated in them, what they store and
read.

A Context is one node at one place in one kernel. Reductions that run in one loop are a Group: none of them
may need another's result, which the bit sets `after` see to. What goes where is decided in place.py.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.ir import Size, UOp, most, ops, size_node
from baregrad.schedule.indexing import ZERO, Indexer
from baregrad.schedule.views import Place


class Context:
    """One node at one place in one kernel.

    `after` are the groups of reductions that need the value; `deepest` is the number of the innermost loop
    it stands in; `loaded` says that the value is read from memory; `sources` and `ranges` (of a REDUCE) are
    set when it is not. `index` is the context of the index of a SCATTER that is stored. `joins` names the
    reduction that takes the value as it is, through movement only; "" if there are other uses.
    """

    __slots__ = (
        "after",
        "deepest",
        "index",
        "joins",
        "kernel",
        "loaded",
        "node",
        "place",
        "ranges",
        "sources",
        "value",
    )

    def __init__(self, node: UOp, kernel: Kernel, place: Place, deepest: int) -> None:
        self.node, self.kernel, self.place, self.deepest = node, kernel, place, deepest
        self.after = 0
        self.joins = ""
        self.loaded = False
        self.sources: tuple[Context, ...] = ()
        self.ranges: tuple[UOp, ...] = ()
        self.index: Context | None = None
        self.value: UOp | None = None

    @property
    def evaluations(self) -> int:
        """How often the value is computed: the loops that it stands in."""
        return self.kernel.nest[self.deepest]


class Group:
    """Reductions that share their loops: the RANGEs, and the groups that need a result of it."""

    __slots__ = ("after", "bit", "ranges")

    def __init__(self, bit: int, ranges: tuple[UOp, ...]) -> None:
        self.bit, self.ranges = bit, ranges
        self.after = 0


class Kernel:
    """A kernel that is being planned.

    `nest[n]` is how often the body of the loop with number n runs (-1: outside all). `chosen` are the
    contexts of indices that are values, by what stands for them in index expressions (CHOSEN); `serial` are
    the loops whose steps run in order, as each may store where another one has stored.
    """

    __slots__ = (
        "by_key",
        "chosen",
        "count",
        "flats",
        "groups",
        "heavy",
        "indices",
        "near",
        "nest",
        "number",
        "outer",
        "outputs",
        "reads",
        "reductions",
        "serial",
        "shape",
        "signature",
        "total",
    )

    def __init__(self, number: int, shape: tuple[Size, ...], serial: int = -1) -> None:
        self.number, self.shape = number, shape
        self.nest: dict[int, int] = {-1: 1}
        self.groups: list[Group] = []
        self.by_key: dict[tuple[object, ...], list[Group]] = {}
        self.flats: dict[int, UOp] = {}
        self.chosen: dict[UOp, Context] = {}
        self.outputs: list[Context] = []
        self.reads: set[Kernel] = set()
        self.count = 0
        self.heavy: UOp | None = None  # the matmul-like REDUCE in it
        self.near: set[UOp] = set()
        self.signature: object = None
        self.reductions: set[UOp] = set()  # the first ones below the stored values
        indices: list[UOp] = []
        for axis, size in enumerate(shape):
            kind = "serial" if axis == serial else "loop"
            indices.append(
                ZERO if type(size) is int and size == 1 else self.loop(size, kind, len(self.nest) - 2)
            )
        self.indices = tuple(indices)
        self.serial = () if serial < 0 or indices[serial] is ZERO else (indices[serial],)
        self.outer = tuple(i for i in indices if i is not ZERO)
        self.total = self.nest[len(self.outer) - 1]

    def loop(self, size: Size, kind: str, parent: int) -> UOp:
        """A new RANGE inside the loop with number `parent`."""
        number = len(self.nest) - 1
        self.nest[number] = self.nest[parent] * most(size)
        return UOp(ops.RANGE, dt.int64, (size_node(size),), (number, kind))

    def sizes(self) -> tuple[Size, ...]:
        """The sizes of the outer loops."""
        return tuple(size for size in self.shape if not (type(size) is int and size == 1))

    def group(self, sizes: tuple[Size, ...], context: Context, chosen: frozenset[UOp]) -> Group:
        """The loops of a REDUCE: those of another one, where none waits for the other, or new ones.

        `chosen` are the indices that are values in its place: none of them may come from these loops.
        """
        key = (sizes, context.deepest, chosen)
        below = self._closure(context.after)
        shared = self.by_key.setdefault(key, [])
        for group in shared:
            if not group.bit & below:
                group.after |= context.after
                return group
        ranges: list[UOp] = []
        parent = context.deepest
        for size in sizes:
            ranges.append(self.loop(size, "reduce", parent))
            parent = len(self.nest) - 2
        made = Group(1 << len(self.groups), tuple(ranges))
        made.after = context.after
        self.groups.append(made)
        shared.append(made)
        return made

    def _closure(self, bits: int) -> int:
        """All groups that wait for one of these."""
        seen = 0
        while bits & ~seen:
            left = bits & ~seen
            bit = left & -left
            seen |= bit
            bits |= self.groups[bit.bit_length() - 1].after
        return seen

    def needs(self, others: set[Kernel]) -> bool:
        """Whether this kernel has to wait for one of the others."""
        seen: set[Kernel] = {self}
        todo = [self]
        while todo:
            for kernel in todo.pop().reads:
                if kernel in others:
                    return True
                if kernel not in seen:
                    seen.add(kernel)
                    todo.append(kernel)
        return False

    def loops_of(self, place: Place, shape: tuple[Size, ...], size: int, indexer: Indexer) -> int:
        """How many of the outer loops make each element of a value exactly once, in order; -1 if none do.

        0 loops make a single element; all of them make what the kernel was made for; fewer, from the outside,
        make for example a value of each row.
        """
        if place.conditions:
            return -1
        count = 0
        while self.nest[count - 1] != size:
            if count == len(self.outer) or self.nest[count - 1] > size:
                return -1
            count += 1
        flat = indexer.flatten(place.indices, shape)
        return count if flat is self.flat(count, indexer) else -1

    def flat(self, count: int, indexer: Indexer) -> UOp:
        """The row-major position of the element that an iteration of the outermost loops makes."""
        known = self.flats.get(count)
        if known is None:
            known = self.flats[count] = indexer.flatten(self.outer[:count], self.sizes()[:count])
        return known
