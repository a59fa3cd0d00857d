"""Integers of sizes that no dtype of the language has, in those that it has.

A value of n bits below 64 is held in 32 or 64 as the same number: cut to its bits, or with its sign, after
each operation that could leave more. Above 64, which trees have so that nothing is lost, a value is held in
64 bits while its range fits; a sum that does not is two words. Read pieces.py first, which makes such dtypes.
"""

from __future__ import annotations

from typing import NamedTuple

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.dtype import DType, Kind
from baregrad.ir import Op, UOp, const, ops

SIZES = (8, 16, 32, 64)
CLOSED = frozenset((ops.AND, ops.OR, ops.XOR, ops.SELECT, ops.MAX, ops.MIN))
"""Operations that give numbers of the size for such."""
COMPARISONS = (ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE)
LEAST, MOST = -(1 << 63), (1 << 63) - 1


def is_odd(dtype: DType) -> bool:
    """Whether a dtype is an integer of a size of its own."""
    return dtype.is_int and dtype.bits not in SIZES


def is_wide(dtype: DType) -> bool:
    """Whether a dtype has more than 64 bits."""
    return dtype.is_int and dtype.bits > 64


def container(dtype: DType) -> DType:
    """The dtype that holds an odd one."""
    for bits in SIZES:
        if dtype.bits < bits:
            return dt.BY_NAME[f"{'' if dtype.kind is Kind.INT else 'u'}int{max(bits, 32)}"]
    raise CompileError(f"an integer of {dtype.bits} bits", why="lift takes up to 64", mend="take it apart")


class Small(NamedTuple):
    """A number of more than 64 bits that fits int64, with its range."""

    node: UOp
    low: int
    high: int


class Pair(NamedTuple):
    """A number of more than 64 bits: the lowest 64, unsigned, and those above, with a sign."""

    low: UOp
    high: UOp


def contained(root: UOp) -> UOp:
    """The graph without odd dtypes."""
    nodes = root.toposort()
    if not any(is_odd(node.dtype) for node in nodes):
        return root
    work = _Contained()
    for node in nodes:
        work.lower(node)
    return work.done[root]


class _Contained:
    """`done` has each node in its new dtype, `wide` those of more than 64 bits."""

    __slots__ = ("done", "wide")

    def __init__(self) -> None:
        self.done: dict[UOp, UOp] = {}
        self.wide: dict[UOp, Small | Pair] = {}

    def lower(self, node: UOp) -> None:
        """Find what holds a node."""
        if is_wide(node.dtype):
            self.wide[node] = self.of_wide(node)
        elif node.src and any(is_wide(source.dtype) for source in node.src):
            self.done[node] = self.from_wide(node)
        else:
            self.done[node] = _held(node, tuple([self.done[source] for source in node.src]))

    def of_wide(self, node: UOp) -> Small | Pair:
        """A node of more than 64 bits."""
        op, sources = node.op, [self.wide.get(source) for source in node.src]
        if op is ops.CONST and LEAST <= node.arg <= MOST:
            return Small(const(node.arg, dt.int64), node.arg, node.arg)
        if op in (ops.CAST, ops.BITCAST) and sources[0] is not None:
            return sources[0]
        if op is ops.CAST and not node.src[0].dtype.is_float:
            return self.widened(node.src[0])
        smalls = [one for one in sources if isinstance(one, Small)]
        if op is ops.SELECT:
            return _chosen(self.done[node.src[0]], *(one for one in sources if one is not None))
        if op in (ops.ADD, ops.SUB, ops.MUL) and len(smalls) == 2:
            found = _computed(node, *smalls)
            if found is not None:
                return found
        if op is ops.ADD and None not in sources:
            return _sum(*(_pair(one) for one in sources if one is not None))
        if op is ops.SHR and isinstance(sources[0], Pair) and sources[1] == (const(64, dt.int64), 64, 64):
            return Small(sources[0].high, LEAST, MOST)
        if op is ops.AND and isinstance(sources[0], Small) and len(smalls) == 2:
            return Small(smalls[0].node & smalls[1].node, LEAST, MOST)
        raise CompileError(f"{op} of {node.dtype}", why="lift has sums of words alone", mend="take it apart")

    def widened(self, source: UOp) -> Small | Pair:
        """A word with more bits."""
        held, dtype = self.done[source], source.dtype
        if dtype is dt.uint64:
            return Pair(held, const(0, dt.int64))
        bits = 1 if dtype is dt.bool_ else dtype.bits
        low = -(1 << (bits - 1)) if dtype.is_signed else 0
        return Small(held if held.dtype is dt.int64 else held.cast(dt.int64), low, low + (1 << bits) - 1)

    def from_wide(self, node: UOp) -> UOp:
        """A node with sources of more than 64 bits: a comparison, or the low bits."""
        sources = [self.wide[source] for source in node.src if is_wide(source.dtype)]
        smalls = [one.node for one in sources if isinstance(one, Small)]
        if node.op in COMPARISONS and len(smalls) == 2:
            return UOp(node.op, dt.bool_, tuple(smalls))
        if node.op in COMPARISONS:
            return _compared(node.op, *(_pair(one) for one in sources))
        if node.op is ops.CAST and node.dtype.is_int:
            word = smalls[0] if smalls else _pair(sources[0]).low
            odd = is_odd(node.dtype)
            wanted = container(node.dtype) if odd else node.dtype
            word = word if word.dtype is wanted else word.cast(wanted)
            return _cut(word, node.dtype) if odd else word
        raise CompileError(f"{node.op} of {node.src[0].dtype}", why="lift", mend="take it apart")


def _computed(node: UOp, a: Small, b: Small) -> Small | Pair | None:
    """A sum or product that fits a word."""
    op = {ops.ADD: int.__add__, ops.SUB: int.__sub__, ops.MUL: int.__mul__}[node.op]
    ends = [op(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(ends), max(ends)
    if low >= LEAST and high <= MOST:
        return Small(UOp(node.op, dt.int64, (a.node, b.node)), low, high)
    if low >= 0 and high < 1 << 64:
        return Pair(UOp(node.op, dt.int64, (a.node, b.node)).cast(dt.uint64), const(0, dt.int64))
    return None


def _pair(one: Small | Pair) -> Pair:
    """A number as two words."""
    if isinstance(one, Pair):
        return one
    return Pair(one.node.cast(dt.uint64), UOp(ops.SHR, dt.int64, (one.node, const(63, dt.int64))))


def _sum(a: Pair, b: Pair) -> Pair:
    """A sum of two words each."""
    low = a.low + b.low
    return Pair(low, a.high + b.high + (low < a.low).cast(dt.int64))


def _chosen(test: UOp, a: Small | Pair, b: Small | Pair) -> Small | Pair:
    """A choice of two numbers."""
    if isinstance(a, Small) and isinstance(b, Small):
        return Small(test.where(a.node, b.node), min(a.low, b.low), max(a.high, b.high))
    x, y = _pair(a), _pair(b)
    return Pair(test.where(x.low, y.low), test.where(x.high, y.high))


def _compared(op: Op, a: Pair, b: Pair) -> UOp:
    """A comparison of two words each."""
    if op in (ops.CMPEQ, ops.CMPNE):
        same = a.high.eq(b.high) & a.low.eq(b.low)
        return same if op is ops.CMPEQ else ~same
    return (a.high < b.high) | (a.high.eq(b.high) & UOp(op, dt.bool_, (a.low, b.low)))


def _held(node: UOp, src: tuple[UOp, ...]) -> UOp:
    if not is_odd(node.dtype):
        if node.op is ops.CAST and src[0].dtype is node.dtype:
            return src[0]
        if node.op is ops.BITCAST and is_odd(node.src[0].dtype):
            raise CompileError(f"a cast of {node.src[0].dtype}", why="lift", mend="take it apart")
        return node.rebuild(src)
    wide = container(node.dtype)
    if node.op is ops.CONST:
        return const(node.arg, wide)
    if node.op in (ops.CAST, ops.BITCAST):
        source = src[0]
        return _cut(source if source.dtype is wide else source.cast(wide), node.dtype)
    if not node.op.elementwise:
        raise CompileError(f"{node.op} of {node.dtype}", why="lift", mend="take it apart")
    made = UOp(node.op, wide, src, node.arg)
    return made if node.op in CLOSED else _cut(made, node.dtype)


def _cut(node: UOp, dtype: DType) -> UOp:
    """A number brought into the size."""
    if dtype.kind is not Kind.INT:
        return node & ((1 << dtype.bits) - 1)
    rest = node.dtype.bits - dtype.bits
    up = UOp(ops.SHL, node.dtype, (node, node.const_like(rest)))
    return UOp(ops.SHR, node.dtype, (up, node.const_like(rest)))
