"""A meaning of an AMD instruction as a kernel over the lanes of a wave's state.

One kernel serves every instruction of one meaning whose operands are of the same kinds: where they lie comes
with each call, in the argument block. The state is memory of 32-bit cells (slot STATE); which wave is the
grid item, as the number of its first cell. Vector registers are read at cell + lane, scalar ones and
constants are the same in every lane, a mask is a bit of its lane. Everything is read before anything is
written, lanes that EXEC has off keep what they have, and a mask has 0 for them.

An access to memory that is not inside of the memory that there is, or not aligned, leaves everything as it
was and says so in the state (STOP), so that another way of running can do the instruction and tell more.
What is not here: how instructions are decoded, where registers lie, what calls the kernels (engine.emulate).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.ir import UOp, const, index, ops
from baregrad.isa.meaning import Tree, Type, walk, written
from baregrad.lift import long, pieces
from baregrad.lift.pieces import Part, Value, node_of
from baregrad.lift.small import SMALL, shortened, spread
from baregrad.lift.world import Expressions, single, typed

STATE, MEMORY, MEMORY_BASE, MEMORY_SIZE, LIMITS, LDS, LDS_SIZE, FIRST = range(8)
"""Slots of the argument block: pointers and sizes in bytes that all instructions share, then operands. LIMITS
has for every CHUNK bytes of the memory where the allocation ends that they are of (0: they are of none)."""
FIRST_WITHOUT_MEMORY = 1
"""Where operands begin if the meaning has no memory."""

CHUNK_BITS = 8  # allocations begin at multiples of so many bits of bytes
CELLS = 1 << 30  # more than a state or a memory has
U32, U64 = Type("u", 32), Type("u", 64)
ONE, F64 = Type("u", 1), Type("f", 64)


class Place(NamedTuple):
    """Where a variable is.

    `kind` is "vector" (cells for each lane), "moved" (the same, but of other lanes: the next slot has a
    table, see FETCH), "scalar" (cells), "constant" (words of the argument block),
    "mask" (cells with a bit for each lane), "file" (cells of which any may be meant), "limit" (the last
    address of an aperture whose base is in cells), "empty" (1 if a mask in cells is 0) or "none" (what is
    written vanishes, what is read is 0). `slot` has its first cell; with -1 that is `cell`, the same for all
    instructions. `half` is 1 for the upper 16
    bits. `keeps`: a result of fewer than 32 bits leaves the rest of its register.
    """

    name: str
    kind: str
    bits: int
    slot: int = -1
    cell: int = 0
    half: int = 0
    keeps: bool = True
    read: bool = True
    written: bool = True

    @property
    def words(self) -> int:
        """Cells that it takes."""
        return max(1, -(-self.bits // 32))


NO_LANE, NO_RESULT, ZERO_IF_OFF, FETCH = 0x100, 0x200, 0x400, 0x800
"""A move of a lane is the number of the lane that it reads, and: there is none, the operand is 0; the lane is
left out; if the lane that is read is off the operand is 0 (else this lane is left out); or that does not
matter."""


class Lane(NamedTuple):
    """Which lane an expression is of: the ranges it runs over, and its number."""

    ranges: tuple[UOp, ...]
    number: UOp


def axis(number: int, size: int, kind: str) -> UOp:
    """A range."""
    return UOp(ops.RANGE, dt.int64, (index(size),), (number, kind))


GRID = axis(0, CELLS, "grid")


class Lanes(Expressions):
    """The world of one instruction; `lane` is None if it is done once for a wave."""

    __slots__ = ("align", "bad", "before", "cells", "lane", "lanes", "loads", "places", "state", "stores")

    def __init__(
        self, tree: Tree, places: Sequence[Place], cells: Mapping[str, int], lanes: int, lane: Lane | None
    ) -> None:
        super().__init__()
        self.cells, self.lanes, self.lane = cells, lanes, lane
        self.state = UOp(ops.PARAM, dt.uint32, (), (STATE, CELLS))
        self.places = {place.name: place for place in places}
        self.stores: list[tuple[UOp, UOp, UOp | None]] = []  # place, value, condition
        self.bad: list[UOp] = []  # where an access is refused
        self.align = 8 if is_atomic(tree) else 4  # bytes: what is longer need not be aligned to its size
        self.loads = 0
        self.before: dict[str, Value] = {}
        named = {node.arg for node in walk(tree) if node.op == "var"}
        if lane is not None and "laneId" in named:
            self.values["laneId"], self.widths["laneId"] = lane.number.cast(dt.uint32), 32
        for place in places:
            if place.kind == "file":
                self.widths[place.name] = place.bits
            elif place.name in named or place.name in written(tree):
                self.values[place.name] = self.before[place.name] = self.held(place)
                self.widths[place.name] = place.bits

    @property
    def serial(self) -> tuple[UOp, ...]:
        """The range of lanes that are done one by one, if they are."""
        ranges = self.lane.ranges if self.lane is not None else ()
        return tuple(r for r in ranges if r.arg[1] == "serial")

    # -- the state -----------------------------------------------------------------------------------

    def cell(self, place: Place, word: int) -> UOp:
        """The number of a cell of a place; the lane is added by who asks."""
        step = self.lanes if place.kind in ("vector", "moved") else 1
        if place.slot < 0:
            return GRID + (place.cell + word * step)
        at = UOp(ops.VARIABLE, dt.int64, (), (f"cell{place.slot}", 0, CELLS, place.slot))
        return GRID + at + word * step if word else GRID + at

    def at(self, cell: UOp) -> UOp:
        """The INDEX of a cell."""
        return UOp(ops.INDEX, dt.uint32, (self.state, cell))

    def number_of_lane(self) -> UOp:
        """The lane."""
        assert self.lane is not None, "a scalar instruction has no lane"
        return self.lane.number

    def word(self, place: Place, n: int) -> UOp:
        """A word of a place."""
        if place.kind == "none":
            return const(0, dt.uint32)
        if place.kind == "constant":
            slot = place.slot + n
            return UOp(ops.VARIABLE, dt.int64, (), (f"word{slot}", 0, 0xFFFFFFFF, slot)).cast(dt.uint32)
        if place.kind in ("limit", "empty") and (n == 0 or place.kind == "empty"):
            return const(0xFFFFFFFF, dt.uint32) if place.kind == "limit" else self.empty(place, n)
        cell = self.cell(place, n)
        if place.kind == "vector":
            cell = cell + self.number_of_lane()
        if place.kind == "moved":
            word = UOp(ops.LOAD, dt.uint32, (self.at(cell + (self.move(place) & 255).cast(dt.int64)),))
            return self.nothing(place).where(const(0, dt.uint32), word)
        return UOp(ops.LOAD, dt.uint32, (self.at(cell),))

    def empty(self, place: Place, n: int) -> UOp:
        """A word of the number that says whether a mask is 0."""
        words = [UOp(ops.LOAD, dt.uint32, (self.at(self.cell(place, k)),)) for k in range(self.lanes // 32)]
        whole = words[0] if len(words) == 1 else words[0] | words[1]
        return whole.eq(0).cast(dt.uint32) if n == 0 else const(0, dt.uint32)

    def held(self, place: Place) -> Value:
        """What a place holds."""
        if place.kind == "mask":
            return self.bit(place)
        words = tuple(self.word(place, n) for n in range(place.words))
        whole = words[0] if len(words) == 1 else tuple(Part(U32, word) for word in words)
        if place.bits == 32 * place.words:
            return whole
        return pieces.extract(whole, 32 * place.words, 16 * place.half, Type("u", place.bits))

    def bit(self, place: Place) -> UOp:
        """This lane's bit of a mask."""
        return self.bit_of(place, self.number_of_lane())

    def bit_of(self, place: Place, number: UOp) -> UOp:
        """A lane's bit of a mask."""
        if place.kind == "none":
            return const(False, dt.bool_)
        word, bit = number // 32, (number % 32).cast(dt.uint32)
        if place.kind == "constant":
            slot = place.slot
            whole = UOp(ops.VARIABLE, dt.int64, (), (f"word{slot}", 0, 0xFFFFFFFF, slot)).cast(dt.uint32)
        else:
            whole = UOp(ops.LOAD, dt.uint32, (self.at(self.cell(place, 0) + word),))
        return (whole & UOp(ops.SHL, dt.uint32, (const(1, dt.uint32), bit))).ne(0)

    # -- other lanes' registers ----------------------------------------------------------------------

    def move(self, place: Place) -> UOp:
        """What a table says of this lane."""
        table = UOp(ops.PARAM, dt.uint32, (), (place.slot + 1, 64))
        return UOp(ops.LOAD, dt.uint32, (UOp(ops.INDEX, dt.uint32, (table, self.number_of_lane())),))

    def is_off(self, place: Place) -> UOp:
        """Whether a lane is read that EXEC has off, though it may not be."""
        move = self.move(place)
        words = [
            UOp(ops.LOAD, dt.uint32, (self.at(GRID + (self.cells["EXEC"] + n)),))
            for n in range(self.lanes // 32)
        ]
        word = words[0] if len(words) == 1 else (move & 32).ne(0).where(words[1], words[0])
        on = UOp(ops.SHR, dt.uint32, (word, move & 31)) & 1
        return (on.eq(0)) & ((move & FETCH).eq(0))

    def nothing(self, place: Place) -> UOp:
        """Whether a moved operand is 0."""
        return (self.move(place) & NO_LANE).ne(0) | self.is_off(place)

    def left_out(self, place: Place) -> UOp:
        """Whether this lane has no result."""
        move = self.move(place)
        return (move & NO_RESULT).ne(0) | (((move & (ZERO_IF_OFF | NO_LANE)).eq(0)) & self.is_off(place))

    def active(self) -> UOp:
        """Whether this lane is done: EXEC has it on, and no move leaves it out."""
        on = self.on()
        for place in self.places.values():
            if place.kind == "moved":
                on = on & ~self.left_out(place)
        return on

    def on(self) -> UOp:
        """Whether EXEC has the lane on."""
        found = self.before.get("EXEC")
        if isinstance(found, UOp) and self.places["EXEC"].kind == "mask":
            return found
        return self.bit(Place("EXEC", "mask", 1, -1, self.cells["EXEC"]))

    # -- places that are not known -------------------------------------------------------------------

    def read(self, name: str, type: Type, scale: int, place: Value) -> Value:
        """Bits of a variable; of a file, a cell."""
        found = self.places.get(name)
        if found is not None and found.kind == "file":
            if self.stores:
                raise CompileError(
                    f"{name} is read after a store", why="lift.amd reads first", mend="leave it"
                )
            where = self.file_cell(found, type, scale, place)
            return pieces.retype(UOp(ops.LOAD, dt.uint32, (where,)), type)
        return super().read(name, type, scale, place)

    def write(self, name: str, type: Type, scale: int, place: Value, value: Value) -> None:
        """Change bits of a variable; of a file, a cell."""
        found = self.places.get(name)
        if found is not None and found.kind == "file":
            where = self.file_cell(found, type, scale, place)
            where = where.rebuild(where.src[:2])
            self.stores.append((where, node_of(single(value, U32), U32), self.reached()))
            return
        super().write(name, type, scale, place, value)

    def file_cell(self, place: Place, type: Type, scale: int, number: Value) -> UOp:
        """A cell of a file."""
        if type.bits != 32 or scale != 32:
            raise CompileError(f"{type.name} of {place.name}", why="a file has words", mend="leave it")
        at = node_of(single(number, U64), U64)
        inside, on = at < place.bits // 32, self.reached()
        self.bad.append(on & ~inside)
        where = self.at(GRID + (place.cell + at.cast(dt.int64)))
        return where.rebuild((*where.src, on & inside))

    def read_some(self, name: str, type: Type, scale: int, place: Value) -> Value:
        """Bits at a place that is not known: shifted down."""
        width = self.widths[name]
        whole = Type("u", width)
        if width not in (8, 16, 32, 64):
            value, made = self.values[name], None
            if width > 64 and scale in (1, type.bits):
                made = long.picked(type, width, value, single(place, U64), scale > 1)
            if made is None and width // scale > 64:
                raise CompileError(f"some bits of {name}", why="they are too many", mend="leave it")
            return super().read_some(name, type, scale, place) if made is None else made
        value = self.read(name, whole, 0, 0)
        number = single(place, U64)
        number = number.cast(dt.uint64) if isinstance(number, UOp) else number  # of any type of integers
        count = self.apply("mul", U64, (U64, U64), (number, scale)) if scale > 1 else number
        return pieces.extract(self.apply("shr", whole, (whole, U64), (value, count)), width, 0, type)

    # -- arithmetic ----------------------------------------------------------------------------------

    def apply(self, op: str, type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value:
        """An operation; those of 16 bits that must not be rounded twice go over float64."""
        if type.bits > 64 or types[0].bits > 64:
            made = (
                None
                if all(isinstance(value, int) for value in values)
                else long.moved(op, type, types, values)
            )
            if made is not None:
                return made
        if op == "neg" and type.is_float and type.bits < 32:  # as bits: a NaN keeps its own
            bits = Type("u", type.bits)
            plain = pieces.retype(single(values[0], type), bits)
            turned = super().apply("xor", bits, (bits, bits), (plain, 1 << type.bits - 1))
            return pieces.retype(single(turned, bits), type)
        if op == "fma" and type.bits == 16:
            wide = [super(Lanes, self).apply("convert", F64, (type,), (value,)) for value in values]
            return narrowed(super().apply("fma", F64, (F64, F64, F64), wide), type)
        if op == "convert" and types[0] == F64 and type.is_float and type.bits == 16:
            return narrowed(values[0], type)
        if op == "convert" and type.name in SMALL and not isinstance(values[0], int):
            value = values[0] if types[0] == F64 else super().apply("convert", F64, types, values)
            return shortened(typed(single(value, F64), F64), type)
        if op == "convert" and types[0].name in SMALL and type.is_float:
            made = spread(values[0], types[0])
            return made if type.bits == 32 else made.cast(pieces.dtype_of(type))
        return super().apply(op, type, types, values)

    # -- memory --------------------------------------------------------------------------------------

    def load(self, type: Type, address: Value, space: str = "") -> Value:
        """Memory, word by word; bytes and halves are cut out of their words."""
        if self.stores:
            raise CompileError("a load after a store", why="lift.amd reads all first", mend="leave it")
        self.loads += 1
        offset, memory, on = self.offset(type, address, space)
        size = max(1, type.bits // 32)
        words = []
        for n in range(size):
            place = UOp(ops.SHR, offset.dtype, (offset, offset.const_like(2))).cast(dt.int64)
            source = (memory, place + n if n else place)
            where = UOp(ops.INDEX, dt.uint32, (*source, on))
            words.append(UOp(ops.LOAD, dt.uint32, (where, *self.serial)))
        if type.bits >= 32:
            whole: Value = words[0] if size == 1 else tuple(Part(U32, word) for word in words)
            return pieces.extract(whole, 32 * size, 0, type)
        low = UOp(ops.SHL, dt.uint32, ((offset.cast(dt.uint32) & 3), const(3, dt.uint32)))
        shifted = UOp(ops.SHR, dt.uint32, (words[0], low))
        return pieces.extract(shifted, 32, 0, type)

    def reached(self) -> UOp:
        """Whether this statement is done (in this lane, if there is one)."""
        on = None if self.lane is None else self.active()
        if self.path is None:
            return const(True, dt.bool_) if on is None else on
        return self.path if on is None else on & self.path

    def offset(self, type: Type, address: Value, space: str) -> tuple[UOp, UOp, UOp]:
        """Where in its memory an access is, in bytes, the memory, and whether it is made; accesses that are
        refused are noted.
        """
        where = node_of(single(address, U64), U64)
        count = type.bits // 8
        on = self.reached()
        if space:
            memory = UOp(ops.PARAM, dt.uint32, (), (LDS, CELLS))
            size = UOp(ops.VARIABLE, dt.int64, (), ("lds_size", 0, 1 << 30, LDS_SIZE)).cast(dt.uint32)
            narrow = where.op is ops.CAST and where.src[0].dtype is dt.uint32
            offset = where.src[0] if narrow else where.cast(dt.uint32)
            fits = (offset < size) & (offset <= size - count)
            if not narrow:
                fits = fits & (where < size.cast(dt.uint64))
        else:
            memory = UOp(ops.PARAM, dt.uint32, (), (MEMORY, CELLS))
            base = UOp(ops.VARIABLE, dt.int64, (), ("memory_base", 0, 1 << 62, MEMORY_BASE))
            size = UOp(ops.VARIABLE, dt.int64, (), ("memory_size", 0, 1 << 40, MEMORY_SIZE))
            far = where - base.cast(dt.uint64)
            inside = far < size.cast(dt.uint64)
            offset = far.cast(dt.uint32)
            limits = UOp(ops.PARAM, dt.uint32, (), (LIMITS, CELLS))
            chunk = UOp(ops.SHR, dt.uint32, (offset, const(CHUNK_BITS, dt.uint32))).cast(dt.int64)
            limit = UOp(ops.LOAD, dt.uint32, (UOp(ops.INDEX, dt.uint32, (limits, chunk, on & inside)),))
            fits = inside & (offset + count <= limit)
        if count > 1:
            fits = fits & (offset & (min(count, self.align) - 1)).eq(0)
        self.bad.append(on & ~fits)
        return offset, memory, on & fits

    def store(self, type: Type, address: Value, value: Value, space: str = "") -> None:
        """Memory, word by word; bytes and halves as such."""
        offset, memory, on = self.offset(type, address, space)
        dtype = {8: dt.uint8, 16: dt.uint16}.get(type.bits, dt.uint32)
        shift = {8: 0, 16: 1}.get(type.bits, 2)
        memory = UOp(ops.PARAM, dtype, (), memory.arg)
        for n in range(max(1, type.bits // 32)):
            part = Type("u", min(32, type.bits))
            piece = node_of(single(pieces.extract(value, type.bits, 32 * n, part), part), part)
            place = UOp(ops.SHR, offset.dtype, (offset, offset.const_like(shift))).cast(dt.int64)
            where = UOp(ops.INDEX, dtype, (memory, place + n if n else place))
            self.stores.append((where, piece, on))

    def address(self, name: str, lane: Value) -> Value:
        """There are none."""
        raise CompileError(f"the address of {name}", why="AMD's trees compute addresses", mend="load")

    def trap(self, name: str, condition: Value) -> None:
        """An instruction that faults by itself is refused."""
        held = node_of(single(condition, ONE), ONE)
        self.bad.append(self.reached() & held)

    # -- results -------------------------------------------------------------------------------------

    def finish(self) -> list[tuple[Place, list[tuple[UOp, UOp]], UOp | None]]:
        """What is to be stored in the state: place, (cell, word)s, and the bit of a mask. In the order of
        names, as the witness has it: a result (D0) before EXEC, which is saved before it is changed.
        """
        found: list[tuple[Place, list[tuple[UOp, UOp]], UOp | None]] = []
        for name, before in sorted(self.before.items(), key=lambda item: item[0]):
            value, place = self.values[name], self.places[name]
            if value is before or place.kind in ("none", "constant"):
                continue
            if place.kind == "mask":
                found.append((place, [], node_of(single(value, ONE), ONE)))
                continue
            if self.lane is not None and place.kind == "scalar":
                raise CompileError(
                    f"{name} is written by every lane", why="it is one for a wave", mend="leave it"
                )
            found.append((place, self.words_of(place, value), None))
        return found

    def ends(self, bad: UOp | None) -> list[UOp]:
        """The stores of a tree that was run once; where `bad` holds none is done, and STOP says so."""
        good = None if bad is None else ~bad
        found = [end_of(self.at(cell), word, good) for _, words, _ in self.finish() for cell, word in words]
        found += [end_of(where, value, both(on, good)) for where, value, on in self.stores]
        if bad is not None:
            found.append(end_of(self.at(GRID + self.cells["STOP"]), const(STOPPED, dt.uint32), bad))
        return found

    def words_of(self, place: Place, value: Value) -> list[tuple[UOp, UOp]]:
        """The cells of a place and their new words."""
        found = []
        width = 32 * place.words
        if place.bits < width:
            old: Value = self.word(place, 0) if place.keeps and place.bits > 1 else 0
            value = pieces.insert(old, 32, 16 * place.half, Type("u", place.bits), value)
            if isinstance(value, tuple):
                value = pieces.joined(value, 32)
        for n in range(place.words):
            word = node_of(single(pieces.extract(value, width, 32 * n, U32), U32), U32)
            if isinstance(value, UOp) and place.words == 1:
                word = node_of(pieces.retype(value, U32), U32)
            cell = self.cell(place, n)
            found.append((cell + self.number_of_lane() if place.kind == "vector" else cell, word))
        return found


def is_atomic(tree: Tree) -> bool:
    """Does a tree read and write the same memory?"""
    spaces = {op: {node.arg for node in walk(tree) if node.op == op} for op in ("load", "store")}
    return not spaces["load"].isdisjoint(spaces["store"])


def narrowed(value: Value, type: Type) -> Value:
    """A double in 16 bits, rounded once: to float32 so that what is lost leaves an odd last bit, then on."""
    x = typed(single(value, F64), F64)
    near = x.cast(dt.float32)
    back, bits = near.cast(dt.float64), near.bitcast(dt.uint32)
    inexact = back.ne(x) & x.eq(x) & (bits & 1).eq(0)
    below = back.bitcast(dt.uint64) < x.bitcast(dt.uint64)  # of one sign: by size
    other = below.where(bits + 1, bits - 1)
    odd = (inexact & (back - back).eq(0.0)).where(other, bits).bitcast(dt.float32)
    return odd.cast(pieces.dtype_of(type))


def end_of(where: UOp, value: UOp, condition: UOp | None, ranges: tuple[UOp, ...] = ()) -> UOp:
    """A store of a value where a condition holds, over ranges."""
    if condition is not None and not (condition.op is ops.CONST and condition.arg is True):
        where = where.rebuild((*where.src[:2], condition))
    serial = tuple(r for r in ranges if r.arg[1] == "serial")
    return UOp(ops.END, dt.void, (UOp(ops.STORE, dt.void, (where, value, *serial)), GRID, *ranges))


STOPPED = 3
"""What STOP gets when an access is refused: the instruction was not done."""


def either(conditions: Sequence[UOp]) -> UOp | None:
    """Whether one of them holds."""
    found: UOp | None = None
    for one in conditions:
        found = one if found is None else found | one
    return found


def both(a: UOp | None, b: UOp | None) -> UOp | None:
    """Two conditions, of which there may be none."""
    if a is None or b is None:
        return a if b is None else b
    return a & b
