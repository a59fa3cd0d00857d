"""A meaning over whole registers as a kernel: its loops stay loops, its tables are scratch memory.

A loop that fills a table or a register file, and nothing else that lasts, is done for all its numbers at
once: the innermost one over lanes, those around it as loops. Other loops (a sum, in one order) are unrolled.
A table is read after all of it is there. Read amd.py first, whose world this is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, bounds, const, ops, substitute
from baregrad.isa.meaning import Node, Tree, Type, run, walk
from baregrad.lift import pieces
from baregrad.lift.amd import GRID, U32, U64, Lanes, Place, axis, both, either
from baregrad.lift.contained import contained
from baregrad.lift.lanes import WIDTH
from baregrad.lift.pieces import Value, node_of
from baregrad.lift.tables import TABLE_BITS, tabulated
from baregrad.lift.world import single


class Table:
    """A table of a tree: scratch memory of elements of one size, and the loops that have filled it."""

    __slots__ = ("bits", "dtype", "filled", "memory", "number")

    def __init__(self, number: int, bits: int) -> None:
        self.number, self.bits = number, bits
        self.dtype, self.memory = dt.uint32, UOp(ops.LOCAL, dt.uint32, (), (number, bits // 32))
        self.filled: list[UOp] = []

    def load(self, number: UOp) -> UOp:
        """One of them, after all are there."""
        return UOp(ops.LOAD, self.dtype, (UOp(ops.INDEX, self.dtype, (self.memory, number)), *self.filled))

    def elements(self, type: Type) -> None:
        """Say what it is made of, before anything is in it: halves or words, of which doubles are two."""
        dtype = dt.uint16 if type.bits == 16 else dt.uint32
        if type.bits % dtype.bits or (self.filled and dtype is not self.dtype):
            raise CompileError(f"a table of {type.name}", why="lift.wave", mend="leave it")
        self.dtype = dtype
        self.memory = UOp(ops.LOCAL, dtype, (), (self.number, self.bits // dtype.bits))


class Whole(Lanes):
    """The world of an instruction of a wave."""

    __slots__ = (
        "bad_anywhere",
        "counter",
        "counters",
        "filled",
        "pending",
        "ranges",
        "scattered",
        "swaps",
        "tables",
        "words",
        "written_file",
    )

    def __init__(
        self, tree: Tree, places: Sequence[Place], cells: Mapping[str, int], lanes: int, words: int
    ) -> None:
        super().__init__(tree, places, cells, lanes, None)
        self.words = words  # of a vector
        self.tables: dict[str, Table] = {}
        self.counters = 1  # ranges so far
        self.ranges: list[UOp] = []  # those around the statement
        self.pending: list[tuple[Table | None, UOp]] = []  # what the loop that is open stores
        self.filled: list[UOp] = []
        self.written_file = self.swaps = False
        self.counter: UOp | None = None  # the number of the innermost loop
        self.bad_anywhere: list[UOp] = []
        self.scattered: list[tuple[Table, UOp, UOp, UOp | None]] | None = None

    # -- statements ----------------------------------------------------------------------------------

    def do(self, statements: Sequence[Node], loops: dict[str, int | UOp]) -> None:
        """Do statements in order."""
        for one in statements:
            if one.op == "for" and self.fills(one):
                self.loop(one, loops)
            elif one.op == "set" and one.src[0].op == "var" and one.src[0].t.bits > TABLE_BITS:
                if one.src[1].op != "const":
                    raise CompileError("a table that is moved", why="lift.wave", mend="leave it")
                self.tables[one.src[0].arg] = Table(len(self.tables), one.src[0].t.bits)
            else:
                run((one,), self, loops)  # type: ignore[arg-type]  # a counter may be an expression

    def fills(self, loop: Node) -> bool:
        """Whether a loop fills a table or a file."""
        targets = (node.src[0] for node in walk(loop.src) if node.op == "set")
        return any(self.is_many(target.src[0].arg) for target in targets if target.op == "element")

    def is_many(self, name: str) -> bool:
        """Whether a variable is a table or a file."""
        return name in self.tables or (name in self.places and self.places[name].kind == "file")

    def loop(self, one: Node, loops: dict[str, int | UOp]) -> None:
        """All numbers of a loop at once."""
        name, count = one.arg
        if self.scatters(one):
            self.scatter(one, loops)
            return
        inner = not any(node.op == "for" and self.fills(node) for node in walk(one.src))
        ranges = self.lanes_of(count, self.width(one)) if inner else [self.range(count, "loop")]
        self.ranges += ranges
        self.counter = joined_number(ranges).cast(dt.uint64)
        self.do(one.src, {**loops, name: self.counter})
        if inner:
            self.close()
        del self.ranges[-len(ranges) :]

    def scatters(self, loop: Node) -> bool:
        """Whether a loop fills a table at numbers that data say."""
        targets = [node.src[0] for node in walk(loop.src) if node.op == "set"]
        return any(
            target.op == "element" and target.src[0].arg in self.tables
            and any(node.op == "var" for node in walk(target.src[1:]))
            for target in targets
        )  # fmt: skip

    def scatter(self, one: Node, loops: dict[str, int | UOp]) -> None:
        """A loop that fills a table at numbers that data say: an element has what the last step that writes
        it does, which a maximum over the steps finds, and is 0 where none does.
        """
        name, count = one.arg
        step = self.range(count, "reduce")
        self.scattered, bad = [], len(self.bad)
        self.do(one.src, {**loops, name: step.cast(dt.uint64)})
        written, self.scattered = self.scattered, None
        (table, number, value, on), *others = written
        more = self.ranges or self.pending or self.stores or len(self.bad) > bad
        if others or more or value.dtype is not table.dtype:
            raise CompileError("a scattering loop that does more", why="lift.wave", mend="leave it")
        self.ranges = self.lanes_of(table.bits // table.dtype.bits, self.words // 2)
        place = joined_number(self.ranges)
        writes = both(on, number.eq(place))
        assert writes is not None, "a number is compared"
        last = UOp(ops.REDUCE, dt.int64, (writes.where(step + 1, 0), step), ("max", ()))
        value = substitute(value, {step: last.maximum(1) - 1})
        where = UOp(ops.INDEX, table.dtype, (table.memory, place))
        made = last.ne(0).where(value, value.const_like(0))
        self.pending.append((table, UOp(ops.STORE, dt.void, (where, made))))
        self.close()
        self.ranges = []

    def width(self, one: Node) -> int:
        """Lanes in a vector: fewer where it computes with doubles, and where it only moves words, since the
        numbers of elements may be any expression there.
        """
        nodes = [node for node in walk(one.src) if node.type is not None]
        wide = any(node.op == "ldexp" or node.t.name in ("f64", "i64") or is_funnel(node) for node in nodes)
        computes = any(node.op in ("mul", "fma", "convert") and node.t.bits == 32 for node in nodes)
        return self.words // 2 if wide or not computes else self.words

    def range(self, count: int, kind: str) -> UOp:
        """A new range."""
        self.counters += 1
        return axis(self.counters, count, kind)

    def lanes_of(self, count: int, width: int) -> list[UOp]:
        """The ranges of a loop over lanes."""
        if count <= width:
            if count not in (4, 8, 16):
                raise CompileError(f"a loop of {count}", why="vectors have 4, 8 or 16 lanes", mend="leave it")
            return [self.range(count, "vector")]
        return [self.range(count // width, "loop"), self.range(width, "vector")]

    def close(self) -> None:
        """The end of the innermost loop that fills: its stores."""
        for table, store in self.pending:
            end = UOp(ops.END, dt.void, (store, GRID, *self.ranges))
            self.filled.append(end)
            if table is not None:
                table.filled.append(end)
        self.pending = []
        if self.bad:
            again = {r: self.range(r.src[0].arg, "reduce_vector" if r.arg[1] == "vector" else "reduce")
                     for r in self.ranges}  # fmt: skip
            any_ = either(self.bad)
            assert any_ is not None, "some access is refused"
            refused = substitute(any_, again).cast(dt.uint32)
            closed = sorted(again.values(), key=lambda r: int(r.arg[0]))
            self.bad_anywhere.append(UOp(ops.REDUCE, dt.uint32, (refused, *closed), ("max", ())).ne(0))
            self.bad = []

    # -- tables and files ----------------------------------------------------------------------------

    def read(self, name: str, type: Type, scale: int, place: Value) -> Value:
        """Bits of a variable, an element of a table, a word of a file."""
        table = self.tables.get(name)
        if table is not None:
            return self.read_table(table, type, scale, place)
        if name == "EXEC" and type.bits == 1 and not isinstance(place, int):
            return self.bit_of(Place("EXEC", "mask", 1, -1, self.cells["EXEC"]), self.index(place))
        if name in self.places and self.places[name].kind == "file":
            if self.written_file and not self.swaps:
                raise CompileError(f"{name} is read after a store", why="lift.wave", mend="leave it")
            return self.read_file(self.places[name], type, scale, place)
        return super().read(name, type, scale, place)

    def read_table(self, table: Table, type: Type, scale: int, place: Value) -> Value:
        """An element of a table, cut out of a larger one where it is smaller."""
        cut = table.dtype.bits % type.bits and table.dtype is not dt.uint32
        if type.bits > table.dtype.bits or cut or scale != type.bits or not table.filled:
            raise CompileError(f"{type.name} of a table", why="tables have words", mend="leave it")
        number, per = self.index(place), table.dtype.bits // type.bits
        if table.dtype.bits % type.bits:
            return self.read_across(table, type, number * type.bits)
        found = table.load(number // per if per > 1 else number)
        if per > 1:
            by = ((number % per) * type.bits).cast(table.dtype)
            return pieces.extract(UOp(ops.SHR, table.dtype, (found, by)), table.dtype.bits, 0, type)
        return pieces.retype(found, type)

    def read_across(self, table: Table, type: Type, bit: UOp) -> Value:
        """Bits of a table that may begin in one word and end in the next (those of the last one do not)."""
        at, by = bit // 32, bit % 32
        after = (at + 1).minimum(table.bits // 32 - 1)
        low, high = (table.load(number).cast(dt.uint64) for number in (at, after))
        both_words = UOp(ops.OR, dt.uint64, (low, UOp(ops.SHL, dt.uint64, (high, const(32, dt.uint64)))))
        found = UOp(ops.SHR, dt.uint64, (both_words, by.cast(dt.uint64)))
        return pieces.extract(found, 64, 0, type)

    def write_table(self, table: Table, type: Type, place: Value, value: Value) -> None:
        """Change an element of a table. Where it is under a condition it is 0 elsewhere, as it was."""
        if self.scattered is not None:
            table.elements(type)
            plain = Type("u", type.bits)
            word = node_of(pieces.retype(single(value, type), plain), plain)
            self.scattered.append((table, self.index(place), word, self.path))
            return
        node = node_of(single(place, U64), U64)
        if self.path is not None and node is not self.counter:
            raise CompileError("a table is filled in part", why="lift.wave", mend="leave it")
        table.elements(type)
        size = table.dtype.bits
        plain, per = Type("u", size), type.bits // size
        for n in range(per):
            bits = node_of(single(pieces.extract(value, type.bits, n * size, plain), plain), plain)
            bits = bits if self.path is None else self.path.where(bits, bits.const_like(0))
            number = self.index(place)
            where = UOp(ops.INDEX, table.dtype, (table.memory, number * per + n if per > 1 else number))
            self.pending.append((table, UOp(ops.STORE, dt.void, (where, bits))))

    def read_file(self, place: Place, type: Type, scale: int, number: Value) -> Value:
        """An element of a file, cut out of its word."""
        if scale != type.bits or type.bits > 32:
            raise CompileError(f"{type.name} of {place.name}", why="files have words", mend="leave it")
        cell, part = self.split(number, 32 // type.bits)
        word = UOp(ops.LOAD, dt.uint32, (self.at(GRID + (place.cell + cell)),))
        if isinstance(part, int):
            return pieces.extract(word, 32, part * type.bits, type)
        by = (part * type.bits).cast(dt.uint32)
        return pieces.extract(UOp(ops.SHR, dt.uint32, (word, by)), 32, 0, type)

    def split(self, number: Value, per: int) -> tuple[UOp, int | UOp]:
        """A number of an element as the number of its word, and which part of that it is."""
        if isinstance(number, int):
            return const(number // per, dt.int64), number % per
        node = node_of(single(number, U64), U64)
        if per == 1:
            return node.cast(dt.int64), 0
        rest: int | UOp = 0
        if node.op is ops.ADD:
            node, last = node.src
            rest = last.arg if last.op is ops.CONST else last
        least, most = bounds(rest) if isinstance(rest, UOp) else (rest, rest)
        inside = least >= 0 and most < per
        if not inside or node.op is not ops.MUL or node.src[1].op is not ops.CONST or node.src[1].arg != per:
            raise CompileError("a part of a word that is not known", why="lift.wave", mend="leave it")
        return node.src[0].cast(dt.int64), rest

    def index(self, number: Value) -> UOp:
        """A number of an element."""
        return node_of(single(number, U64), U64).cast(dt.int64)

    def write(self, name: str, type: Type, scale: int, place: Value, value: Value) -> None:
        """Change a variable, an element of a table, a word of a file."""
        table = self.tables.get(name)
        if table is not None:
            if not (self.ranges or self.scattered is not None) or scale != type.bits:
                raise CompileError(f"{name} is filled in part", why="lift.wave", mend="leave it")
            self.write_table(table, type, place, value)
            return
        found = self.places.get(name)
        if found is None or found.kind != "file" or not self.ranges:
            super().write(name, type, scale, place, value)
        else:
            self.write_file(found, type, place, value)

    def write_file(self, found: Place, type: Type, place: Value, value: Value) -> None:
        """Change an element of a file."""
        self.written_file = True
        cell, part = self.split(place, 32 // type.bits)
        if not isinstance(part, int):
            raise CompileError("a part of a word that is not known", why="lift.wave", mend="leave it")
        at = self.at(GRID + (found.cell + cell))
        word = single(value, type)
        if type.bits < 32:
            old = UOp(ops.LOAD, dt.uint32, (at,))
            word = pieces.joined(
                pieces.parts_of(pieces.insert(old, 32, part * type.bits, type, word), 32), 32
            )
        made = node_of(pieces.retype(word, U32), U32)
        where = at if self.path is None else at.rebuild((*at.src, self.path))
        self.pending.append((None, UOp(ops.STORE, dt.void, (where, made))))


def is_funnel(node: Node) -> bool:
    """Whether bits are cut out of two words by a number that is not known."""
    return node.op == "shr" and node.src[0].op == "cat" and node.src[1].op != "const"


def joined_number(ranges: Sequence[UOp]) -> UOp:
    """The number that ranges go through together: one, or an outer and an inner one."""
    return ranges[0] * ranges[1].src[0].arg + ranges[1] if len(ranges) == 2 else ranges[0]


def plain_words(root: UOp) -> UOp:
    """The graph with int64 for uint64: numbers of elements, none of which is that large, are then sums that
    kernels take apart.
    """
    done: dict[UOp, UOp] = {}
    for node in root.toposort():
        src = tuple([done[source] for source in node.src])
        dtype = dt.int64 if node.dtype is dt.uint64 else node.dtype
        if node.op is ops.CONST and node.dtype is dt.uint64:
            done[node] = const(node.arg, dt.int64)
        elif node.op in (ops.CAST, ops.BITCAST) and src[0].dtype is dtype:
            done[node] = src[0]
        else:
            done[node] = UOp(node.op, dtype, src, node.arg)
    return done[root]


def whole(
    name: str, tree: Tree, places: Sequence[Place], cells: Mapping[str, int], lanes: int, width: int = WIDTH
) -> UOp:
    """The kernel of a meaning over whole registers; vectors have `width` words.

    Errors: CompileError for what is not done here.
    """
    world = Whole(tree, places, cells, lanes, width)
    world.swaps = SWAPS.match(name) is not None
    world.do(tabulated(tree, [place.name for place in places if place.kind == "file"]), {})
    bad = either((*world.bad_anywhere, *world.bad))
    good = None if bad is None else ~bad
    filled = world.filled if good is None else [guarded(end, good) for end in world.filled]
    return plain_words(contained(UOp(ops.SINK, dt.void, (*filled, *world.ends(bad)), name)))


SWAPS = re.compile(r"v_permlane\d+_swap")
"""Swaps of rows of lanes: no lane that is read is one that was written."""


def guarded(end: UOp, good: UOp) -> UOp:
    """A loop's store to the state if no access is refused; tables may have anything then."""
    store = end.src[0]
    where = store.src[0]
    if where.src[0].op is ops.LOCAL:
        return end
    on = both(where.src[2] if len(where.src) > 2 else None, good)
    assert on is not None, "a condition"
    return end.rebuild((store.rebuild((where.rebuild((*where.src[:2], on)), *store.src[1:])), *end.src[1:]))
