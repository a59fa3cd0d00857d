"""A meaning's operations as UOps: the world of isa/meaning whose values are expressions.

What is known is folded, so that lane loops, immediates and masks of ones leave nothing behind. Where an op of
the IR means something else than the language's, its expression is spelled out: quotients are cut toward zero
here and go down there, a count may be of another type, rounding to even has no op. A branch whose condition
is not known is done both ways and chosen by SELECT. Memory is what a subclass knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, const, ops
from baregrad.isa.meaning import Type, World, apply
from baregrad.lift import pieces
from baregrad.lift.pieces import Part, Value, dtype_of, node_of, variable

PLAIN: dict[str, Op] = {
    "add": ops.ADD, "sub": ops.SUB, "mul": ops.MUL, "div": ops.DIV, "neg": ops.NEG, "and": ops.AND,
    "or": ops.OR, "xor": ops.XOR, "not": ops.NOT, "eq": ops.CMPEQ, "ne": ops.CMPNE, "lt": ops.CMPLT,
    "le": ops.CMPLE, "sqrt": ops.SQRT, "fma": ops.FMA, "trunc": ops.TRUNC, "floor": ops.FLOOR,
}  # fmt: skip
"""Operations that an op of the IR means exactly."""


FUNCTIONS: dict[str, Op] = {"exp2": ops.EXP2, "log2": ops.LOG2, "sin": ops.SIN, "cos": ops.COS}
"""Functions that an op of the IR is in float64: rounded to another type that is as good as exact."""


class Expressions(World[Value]):
    """Variables as values; `traps` are the conditions under which what was lifted faults."""

    __slots__ = ("path", "traps", "undefined_count", "values", "widths")

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.widths: dict[str, int] = {}
        self.traps: list[tuple[str, UOp]] = []
        self.path: UOp | None = None  # what must hold for this statement to be reached
        self.undefined_count = 0

    def number(self, type: Type, bits: int) -> int:
        """A constant."""
        return bits

    def apply(self, op: str, type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value:
        """An operation."""
        structure = _STRUCTURE.get(op)
        made = structure(type, types, values) if structure is not None else None
        if made is not None:
            return made
        plain = [single(value, source) for value, source in zip(values, types, strict=True)]
        known = [value for value in plain if isinstance(value, int)]
        if len(known) == len(plain):
            return apply(op, type, types, known)
        return computed(op, type, [typed(value, t) for value, t in zip(plain, types, strict=True)])

    def read(self, name: str, type: Type, scale: int, place: Value) -> Value:
        """Bits of a variable."""
        if isinstance(place, int):
            return pieces.extract(self.values[name], self.widths[name], place * scale, type)
        return self.read_some(name, type, scale, place)

    def read_some(self, name: str, type: Type, scale: int, place: Value) -> Value:
        """Bits at a place that is not known: one after the other is asked for."""
        index_type = Type("u", 64)
        index = node_of(single(place, index_type), index_type)
        found: Value = 0
        for n in reversed(range(self.widths[name] // scale)):
            part = pieces.extract(self.values[name], self.widths[name], n * scale, type)
            found = pieces.chosen(index.eq(n), type, single(part, type), single(found, type))
        return found

    def write(self, name: str, type: Type, scale: int, place: Value, value: Value) -> None:
        """Change bits of a variable."""
        if not isinstance(place, int):
            raise CompileError(
                f"a write of {name} at a place that is not known", why="lift", mend="unroll it"
            )
        width = self.widths.setdefault(name, type.bits)
        if name not in self.values or (type.bits != width and place == 0 and scale == 0):
            self.values[name], self.widths[name] = value, type.bits
        else:
            self.values[name] = pieces.insert(self.values[name], width, place * scale, type, value)

    def load(self, type: Type, address: Value, space: str) -> Value:
        """Read memory."""
        raise CompileError("a load", why="lift: this world has no memory", mend="lift the form on registers")

    def store(self, type: Type, address: Value, value: Value, space: str) -> None:
        """Write memory."""
        raise CompileError("a store", why="lift: this world has no memory", mend="lift the form on registers")

    def undefined(self, type: Type) -> UOp:
        """Any value: a leaf that nothing else has."""
        self.undefined_count += 1
        return variable(f"undefined{self.undefined_count}", dtype_of(type))

    def branch(self, condition: Value, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """One way, or both with a choice for each variable that differs."""
        if isinstance(condition, int):
            (then if condition else otherwise)()
            return
        test = node_of(single(condition, Type("u", 1)), Type("u", 1))
        before, outer = dict(self.values), self.path
        self.path = test if outer is None else outer & test
        then()
        first, self.values = self.values, dict(before)
        self.path = ~test if outer is None else outer & ~test
        otherwise()
        self.path = outer
        for name in first.keys() & self.values.keys():
            a, b = first[name], self.values[name]
            if a is not b:
                self.values[name] = pieces.merge(test, a, b, self.widths[name])

    def trap(self, name: str, condition: Value) -> None:
        """Note it."""
        held = node_of(single(condition, Type("u", 1)), Type("u", 1))
        self.traps.append((name, held if self.path is None else self.path & held))


def typed(value: int | UOp, type: Type) -> UOp:
    """A value as a node of its type; places that are not known may be narrower than they are said to be."""
    if isinstance(value, UOp) and value.dtype.bits != type.bits:
        return value
    return node_of(pieces.retype(value, type), type)


def single(value: Value, type: Type) -> int | UOp:
    """A value that is no row of parts."""
    if isinstance(value, tuple):
        made = pieces.joined(value, type.bits)
        return pieces.retype(made, type)
    return value


# -- operations ------------------------------------------------------------------------------------


def _select(type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value:
    condition = single(values[0], types[0])
    if isinstance(condition, int):
        return values[1] if condition else values[2]
    return pieces.merge(condition, values[1], values[2], type.bits)


def _element(scale: int, type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value:
    place = values[1]
    if isinstance(place, int):
        return pieces.extract(values[0], types[0].bits, place * scale, type)
    whole = node_of(single(values[0], types[0]), types[0])
    count = (
        node_of(single(place, types[1]), types[1]) * scale
        if scale > 1
        else node_of(single(place, types[1]), types[1])
    )
    shifted = shift(
        "shr", types[0], pieces.node_of(pieces.retype(whole, Type("u", types[0].bits)), types[0]), count
    )
    return pieces.extract(shifted, types[0].bits, 0, type)


def _as(type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value:
    return (
        values[0]
        if isinstance(values[0], tuple) and type.bits > 64
        else pieces.retype(single(values[0], types[0]), type)
    )


def _shr(type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value | None:
    """A shift of unsigned parts by a known count is the parts above it: no word has to be as wide as all."""
    count = values[1]
    if not isinstance(values[0], tuple) or not isinstance(count, int) or type.kind != "u":
        return None
    kept = pieces.split(values[0], type.bits, count, max(0, type.bits - count))
    gone = min(count, type.bits)
    return (*kept, Part(Type("u", gone), 0)) if gone else kept


def _cat(type: Type, types: Sequence[Type], values: Sequence[Value]) -> Value:
    parts = tuple(
        p for v, t in zip(reversed(values), reversed(types), strict=True) for p in pieces.parts_of(v, t.bits)
    )
    known = all(isinstance(part.value, int) for part in parts)
    return pieces.together(parts) if known else parts


_STRUCTURE: dict[str, Callable[[Type, Sequence[Type], Sequence[Value]], Value | None]] = {
    "select": _select,
    "element": lambda type, types, values: _element(type.bits, type, types, values),
    "slice": lambda type, types, values: _element(1, type, types, values),
    "as": _as,
    "cat": _cat,
    "shr": _shr,
}
"""Operations that take values apart or put them together; None where that is not so after all."""


def computed(op: str, type: Type, nodes: list[UOp]) -> int | UOp:
    """An operation of nodes."""
    row = PLAIN.get(op)
    if row is not None:
        return simple(row, UOp(row, dt.bool_ if row.dtype == "bool" else nodes[0].dtype, tuple(nodes)))
    if op == "convert":
        return converted(nodes[0], type)
    if op in ("shl", "shr"):
        return shift(op, type, nodes[0], nodes[1])
    if op in ("quotient", "remainder"):
        return divided(op, nodes[0], nodes[1])
    if op == "ceil":
        return -UOp(ops.FLOOR, nodes[0].dtype, (-nodes[0],))
    if op == "even":
        return to_even(nodes[0], type)
    if op in FUNCTIONS:
        return UOp(FUNCTIONS[op], dt.float64, (in_double(nodes[0]),)).cast(nodes[0].dtype)
    if op == "ldexp":
        return scaled(nodes[0], nodes[1])
    raise CompileError(
        f"{op} of {type.name}", why="lift has no expression for it", mend="add one to lift/world.py"
    )


def simple(op: Op, node: UOp) -> int | UOp:
    """A bit operation with a constant that decides it; other nodes as they are."""
    if op not in (ops.AND, ops.OR, ops.XOR) or node.src[1].op is not ops.CONST:
        if op in (ops.AND, ops.OR, ops.XOR) and node.src[0].op is ops.CONST:
            return simple(op, UOp(op, node.dtype, (node.src[1], node.src[0])))
        return node
    ones = (1 << node.dtype.bits) - 1 if node.dtype is not dt.bool_ else 1
    value = int(node.src[1].arg) & ones
    if (value == 0 and op is not ops.AND) or (value == ones and op is ops.AND):
        return node.src[0]
    if (value == 0 and op is ops.AND) or (value == ones and op is ops.OR):
        return value
    return node


def converted(node: UOp, type: Type) -> UOp:
    """The value in another type; one bit of an integer is its lowest."""
    if type == Type("u", 1) and node.dtype is not dt.bool_:
        return (node & 1).ne(0)
    if node.op is ops.TRUNC and not type.is_float:
        node = node.src[0]  # a cast to an integer cuts by itself
    return node.cast(dtype_of(type))


def shift(op: str, type: Type, node: UOp, count: UOp) -> UOp:
    """A shift by a count of any unsigned type: beyond the width all bits go out."""
    row = ops.SHL if op == "shl" else ops.SHR
    if count.op is ops.CONST:
        return UOp(row, node.dtype, (node, node.const_like(min(count.arg, type.bits))))
    if count.dtype.bits <= type.bits:
        same = count.cast(node.dtype)
    else:
        most = count.const_like(type.bits)
        same = UOp(ops.SELECT, count.dtype, (count < most, count, most)).cast(node.dtype)
    return UOp(row, node.dtype, (node, same))


def divided(op: str, a: UOp, b: UOp) -> UOp:
    """The quotient cut toward zero (IDIV goes down), or what is left of it; of extended words in their
    width.
    """
    narrow = narrowed(a, b)
    if narrow is not None:
        return divided_words(op, *narrow, a.dtype)
    floor = a // b if op == "quotient" else a % b
    if not a.dtype.is_signed:
        return floor
    signs_differ = UOp(ops.XOR, dt.bool_, (a < 0, b < 0))
    inexact = signs_differ & (a % b).ne(0)
    if op == "remainder":
        return inexact.where(floor - b, floor)
    return b.eq(0).where(0, inexact.where(floor + 1, floor))


def narrowed(a: UOp, b: UOp) -> tuple[UOp, UOp] | None:
    """Dividend and divisor before they were extended, if both were, from one dtype of the same sign."""
    for node in (a, b):
        source = node.src[0] if node.op is ops.CAST else None
        if source is not None and source.dtype.is_int and source.dtype.is_signed == a.dtype.is_signed:
            x, y = shrunk(a, source.dtype), shrunk(b, source.dtype)
            if x is not None and y is not None and source.dtype.bits < a.dtype.bits:
                return x, y
    return None


def shrunk(node: UOp, dtype: DType) -> UOp | None:
    """A node that is extended from a dtype, as it was: a cast, a constant that fits, a choice of such."""
    if node.op is ops.CAST and node.src[0].dtype is dtype:
        return node.src[0]
    if node.op is ops.CONST and dtype.min <= node.arg <= dtype.max:
        return const(node.arg, dtype)
    if node.op is not ops.SELECT:
        return None
    a, b = (shrunk(source, dtype) for source in node.src[1:])
    return None if a is None or b is None else UOp(ops.SELECT, dtype, (node.src[0], a, b))


def divided_words(op: str, x: UOp, y: UOp, dtype: DType) -> UOp:
    """As `divided`, of words in a wider dtype: only the least integer by -1 leaves the words."""
    made = divided(op, x, y).cast(dtype)
    if not x.dtype.is_signed:
        return made
    return y.eq(-1).where(-x.cast(dtype) if op == "quotient" else made.const_like(0), made)


def in_double(x: UOp) -> UOp:
    """A float as float64."""
    return x if x.dtype is dt.float64 else x.cast(dt.float64)


def scaled(x: UOp, by: UOp) -> UOp:
    """x * 2 ** by, rounded once. Others than float64 are exact in that; there, steps of 969 downward leave
    all bits of a denormal result to the last one.
    """
    total = in_double(x)
    steps = ((1, 1023), (-1, 969)) if x.dtype is dt.float64 else ()
    most = 1023 if steps else 400
    for sign, step in steps * 2:
        far = (by > 1023) if sign > 0 else (by < -1022)
        total = far.where(total * 2.0 ** (sign * step), total)
        by = far.where(by - sign * step, by)
    by = by.minimum(most).maximum(-1022 if steps else -400)
    power = UOp(ops.SHL, dt.int64, ((by + 1023).cast(dt.int64), const(52, dt.int64)))
    made = total * power.bitcast(dt.float64)
    return made if made.dtype is x.dtype else made.cast(x.dtype)


def to_even(x: UOp, type: Type) -> UOp:
    """The nearest integer: the one below, or the next if x is more than half above, or half and that is odd.
    The difference is exact but just below 0, where both ways give the same. Zeros have the sign of x.
    """
    below = UOp(ops.FLOOR, x.dtype, (x,))
    over = x - below
    half = const(0.5, x.dtype)
    odd = UOp(ops.FLOOR, x.dtype, (below * half,)).ne(below * half)
    near = ((half < over) | (over.eq(half) & odd)).where(below + 1.0, below)
    bits = Type("u", type.bits)
    sign = node_of(1 << type.bits - 1, bits)
    signed = node_of(pieces.retype(near, bits), bits) | (node_of(pieces.retype(x, bits), bits) & sign)
    return node_of(pieces.retype(signed, type), type)


__all__ = ["Expressions", "Part", "computed", "single", "typed"]
