"""Foreign dtypes: what a target cannot compute with is computed in a wider dtype and brought back.

COMPUTED_IN says in which; nothing else here knows a dtype by name. Below this pass a dtype that the target
lacks stands only in memory: in PARAM, LOCAL, INDEX, LOAD, STORE and the CASTs beside them, and only if the
target stores it (converts it as it loads and stores); otherwise memory has unsigned integers of as many
bits, and minifloat.py converts.

- Integers: the low bits of sums and products do not depend on the bits above, so values are wrapped only
  where those matter: before comparisons, divisions, right shifts, MAX, MIN and casts. A store drops them.
- Floats: each op is computed in float32 and rounded to its dtype. Two roundings are one here, since float32
  has more than twice the bits and 2 more (Figueroa 1995: +, -, *, /, sqrt). Not so for FMA (its error is
  below 0.501 ulp of the dtype) and functions (their float32 error, then half an ulp).
- REDUCE gathers in float32, a product under it exactly or rounded to float32, and is rounded once.
"""

from __future__ import annotations

from baregrad import dtype as dt
from baregrad.dtype import DType
from baregrad.ir import Op, UOp, const, is_const, ops
from baregrad.lower import minifloat
from baregrad.target import Target

COMPUTED_IN: dict[DType, DType] = {
    dt.int8: dt.int32,
    dt.uint8: dt.int32,
    dt.int16: dt.int32,
    dt.uint16: dt.int32,
    dt.float8e4m3: dt.float32,
    dt.float8e5m2: dt.float32,
    dt.float16: dt.float32,
    dt.bfloat16: dt.float32,
}
BITS: dict[int, DType] = {8: dt.uint8, 16: dt.uint16}
"""What holds the bits of a dtype that is not stored as itself."""

LOOSE = frozenset((ops.ADD, ops.SUB, ops.MUL, ops.NEG, ops.AND, ops.OR, ops.XOR, ops.NOT, ops.SELECT))
"""Integer ops whose low bits come from low bits. SHL is one too, but for its count."""
BITWISE = frozenset((ops.AND, ops.OR, ops.XOR, ops.SELECT))
"""Those of them that give values in range for such."""
CLOSED = frozenset((ops.MAX, ops.MIN, ops.NEG, ops.SELECT, ops.TRUNC, ops.FLOOR, ops.MOD, ops.SHR))
"""Ops that give values of the dtype for values of the dtype."""


def foreign(root: UOp, target: Target) -> UOp:
    """The kernel with values of dtypes that the target computes with."""
    nodes = root.toposort()
    if all(n.dtype not in COMPUTED_IN or target.computes(n.dtype.name) for n in nodes):
        return root
    work = Foreign(target)
    for node in nodes:
        work.done[node] = work.lower(node)
    return work.done[root]


class Foreign:
    """One kernel: `done` has each node in its new dtype, `exact` in range, `codes` bits of floats."""

    __slots__ = ("codes", "done", "exact", "target")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.done: dict[UOp, UOp] = {}
        self.exact: dict[UOp, UOp] = {}  # old node -> its value without bits above its dtype
        self.codes: dict[UOp, UOp] = {}  # new value -> its bits in the old dtype

    def is_foreign(self, dtype: DType) -> bool:
        """Whether a dtype goes."""
        return dtype in COMPUTED_IN and not self.target.computes(dtype.name)

    def wide(self, dtype: DType) -> DType:
        """What values of a dtype are computed in."""
        return COMPUTED_IN[dtype] if self.is_foreign(dtype) else dtype

    def in_memory(self, dtype: DType) -> DType:
        """What memory has for a dtype."""
        return BITS[dtype.bits] if self.is_foreign(dtype) and not self.target.stores(dtype.name) else dtype

    # -- from and to memory ------------------------------------------------------------------------

    def widened(self, raw: UOp, dtype: DType) -> UOp:
        """What memory has, as a value."""
        if raw.dtype is dtype or dtype.is_int:
            return raw.cast(COMPUTED_IN[dtype])
        return self.decoded(raw.cast(COMPUTED_IN[raw.dtype]), dtype)

    def decoded(self, code: UOp, dtype: DType) -> UOp:
        """The value that bits are, which are kept for a store."""
        value = minifloat.decode(code, dtype)
        self.codes[value] = code
        return value

    def narrowed(self, value: UOp, dtype: DType) -> UOp:
        """A value as memory has it."""
        stored = self.in_memory(dtype)
        if stored is not dtype:
            code = self.codes.get(value)
            value = minifloat.encode(value, dtype) if code is None else code
        if value.op is ops.CAST and value.src[0].dtype is stored:
            return value.src[0]
        return value.cast(stored)

    def rounded(self, value: UOp, dtype: DType) -> UOp:
        """A value of the wide dtype as the nearest (integers: equal modulo 2**bits) one of a dtype."""
        if dtype.is_float and not self.target.stores(dtype.name):
            return self.decoded(minifloat.encode(value, dtype), dtype)
        return value.cast(dtype).cast(value.dtype)

    def value(self, node: UOp) -> UOp:
        """The value of an old node, in range."""
        found = self.exact.get(node)
        if found is None:
            found = self.done[node]
            if self.is_foreign(node.dtype):
                found = self.rounded(found, node.dtype)
            self.exact[node] = found
        return found

    # -- nodes -------------------------------------------------------------------------------------

    def lower(self, node: UOp) -> UOp:
        """One node whose sources are done."""
        op = node.op
        if op is ops.PARAM or op is ops.LOCAL:
            return UOp(op, self.in_memory(node.dtype), (), node.arg)
        if op is ops.INDEX:
            memory, *places = node.src
            src = (self.done[memory], *[self.value(s) for s in places])
            return UOp(op, self.in_memory(node.dtype), src, node.arg)
        if op is ops.STORE:
            return self.store(node)
        if op is ops.REDUCE:
            return self.reduce(node)
        if op is ops.CAST:
            return self.cast(node)
        if op is ops.BITCAST:
            return self.bitcast(node)
        if not self.is_foreign(node.dtype):
            return node.rebuild(tuple([self.value(s) for s in node.src]))
        if op is ops.LOAD:
            raw = UOp(op, self.in_memory(node.dtype), self.sources(node), node.arg)
            return self.keep(node, self.widened(raw, node.dtype))
        if op is ops.CONST:
            return self.keep(node, const(node.arg, self.wide(node.dtype)))
        return self.elementwise(node)

    def keep(self, node: UOp, value: UOp) -> UOp:
        """Note that a new value is in range."""
        self.exact[node] = value
        return value

    def sources(self, node: UOp) -> tuple[UOp, ...]:
        """The new sources of a node that takes no values."""
        return tuple([self.done[s] for s in node.src])

    def elementwise(self, node: UOp) -> UOp:
        """An op in the wide dtype: of integers that may have wrong bits above, or in range and rounded."""
        op, dtype = node.op, node.dtype
        if dtype.is_int and op in LOOSE:
            kept = op in BITWISE and all(not self.is_foreign(s.dtype) or s in self.exact for s in node.src)
            pick = self.exact if kept else self.done
            result = node_of(op, self.wide(dtype), *[pick.get(s, self.done[s]) for s in node.src])
            return self.keep(node, result) if kept else result
        if dtype.is_int and op is ops.SHL:
            return node_of(op, self.wide(dtype), self.done[node.src[0]], self.value(node.src[1]))
        result = node_of(op, self.wide(dtype), *[self.value(s) for s in node.src])
        if op in CLOSED:
            return self.keep(node, result)
        return result if dtype.is_int else self.keep(node, self.rounded(result, dtype))

    def store(self, node: UOp) -> UOp:
        """STORE: a value as memory has it."""
        value = node.src[1]
        after = [self.done[s] for s in node.src[2:]]
        if not self.is_foreign(value.dtype):
            return node.rebuild((self.done[node.src[0]], self.done[value], *after))
        return node.rebuild((self.done[node.src[0]], self.narrowed(self.done[value], value.dtype), *after))

    def reduce(self, node: UOp) -> UOp:
        """REDUCE: in the wide dtype, products of floats unrounded."""
        dtype, name = node.dtype, node.arg[0]
        if not self.is_foreign(dtype):
            return node.rebuild(self.sources(node))
        term = node.src[0]
        inexact = name in ("add", "mul")
        value = self.done[term] if dtype.is_int and inexact else self.value(term)
        if dtype.is_float and name == "add":
            value = self.product(term)
        result = UOp(ops.REDUCE, self.wide(dtype), (value, *[self.done[s] for s in node.src[1:]]), node.arg)
        if inexact:
            return result if dtype.is_int else self.keep(node, self.rounded(result, dtype))
        if any(
            r.src[0].op is not ops.CONST for r in node.src[1:]
        ):  # of nothing: the limit of the dtype itself
            limit = const(dtype.min if name == "max" else dtype.max, self.wide(dtype))
            result = node_of(ops.REDUCERS[name], self.wide(dtype), result, limit)
        return self.keep(node, result)

    def product(self, term: UOp) -> UOp:
        """What a sum adds: a product as it is, which lowering makes FMA of."""
        if term.op is ops.MUL:
            return node_of(ops.MUL, self.wide(term.dtype), *[self.value(s) for s in term.src])
        if term.op is ops.SELECT and term.src[1].op is ops.MUL and is_const(term.src[2], 0.0):
            zero = const(0.0, self.wide(term.dtype))
            return node_of(ops.SELECT, zero.dtype, self.done[term.src[0]], self.product(term.src[1]), zero)
        return self.value(term)

    # -- casts -------------------------------------------------------------------------------------

    def cast(self, node: UOp) -> UOp:
        """CAST between any two dtypes, rounded once."""
        source, dtype = node.src[0], node.dtype
        if not self.is_foreign(dtype):
            return self.value(source).cast(dtype)
        wide = self.wide(dtype)
        if dtype.is_int:
            if not source.dtype.is_float:
                above = source.dtype.bits >= dtype.bits  # then nothing above its bits is asked for
                return (self.done[source] if above else self.value(source)).cast(wide)
            value = self.value(source).cast(wide)  # saturates there, then here
            value = node_of(ops.MAX, wide, value, const(dtype.min, wide))
            return self.keep(node, node_of(ops.MIN, wide, value, const(dtype.max, wide)))
        value = self.value(source)
        if source.dtype.is_float:
            single = minifloat.to_odd(value) if value.dtype.bits > wide.bits else value
            if self.target.stores(dtype.name):
                single = minifloat.quiet(single)
            return self.keep(node, self.rounded(single, dtype))
        single = minifloat.from_integer(value, dtype)
        return self.keep(node, self.rounded(single, dtype))

    def bitcast(self, node: UOp) -> UOp:
        """BITCAST: through the unsigned integer that has the bits."""
        source, dtype = node.src[0], node.dtype
        if not self.is_foreign(dtype) and not self.is_foreign(source.dtype):
            return node.rebuild((self.done[source],))
        if source.dtype.is_float:
            bits = minifloat.encode(self.value(source), source.dtype)
        else:
            bits = self.done[source].cast(BITS[dtype.bits]).cast(dt.int32)
        if dtype.is_int:
            return bits
        return self.keep(node, self.decoded(bits, dtype))


def node_of(op: Op, dtype: DType, *sources: UOp) -> UOp:
    """An elementwise node."""
    return UOp(op, dtype, sources)
