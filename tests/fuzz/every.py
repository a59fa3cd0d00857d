"""Random TENSOR graphs over every dtype and every elementwise op: `every_graph(seed)`.

Integers, bools and floats that only exactly rounded ops made are `exact`: they may be compared, rounded, cast
to integers, and must come out equal. What a function or a sum of floats made is not: it goes through smooth
ops only, kept between about -4 and 4, and `tolerance` says how far its roots may be off.
"""

from __future__ import annotations

from math import prod
from random import Random

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, ops, toposort
from tests.fuzz.graphs import Graph, Maker

INTEGERS = tuple(row for row in dt.ALL if row.is_int)
FLOATS = tuple(row for row in dt.ALL if row.is_float)
EVERY = (dt.bool_, *INTEGERS, *FLOATS)
WHOLE = {1: dt.int8, 2: dt.uint16, 4: dt.int32, 8: dt.int64}  # bytes: what such floats' bits are read as

ON_BOOLS = (ops.AND, ops.OR, ops.XOR, ops.MAX, ops.MIN)
ON_INTEGERS = (
    ops.ADD, ops.SUB, ops.MUL, ops.MAX, ops.MIN, ops.AND, ops.OR, ops.XOR, ops.IDIV, ops.MOD,
    ops.SHL, ops.SHR,
)  # fmt: skip
COMPARE = (ops.CMPLT, ops.CMPLE, ops.CMPEQ, ops.CMPNE)
ANYWHERE = (
    ops.SIN, ops.COS, ops.TANH, ops.ATAN, ops.ASINH, ops.ERF, ops.ERFC, ops.EXP, ops.EXP2, ops.EXPM1,
    ops.SINH, ops.COSH,
)  # fmt: skip
POSITIVE = (
    ops.LOG, ops.LOG2, ops.LOG10, ops.LOG1P, ops.SQRT, ops.RSQRT, ops.CBRT, ops.RECIPROCAL, ops.LGAMMA,
)  # fmt: skip
UNIT = (ops.ASIN, ops.ACOS, ops.ATANH, ops.ERFINV, ops.TAN)


class EveryMaker(Maker):
    """A maker whose values have a few dtypes of all; `rough` are the nodes that are not exact."""

    def __init__(self, seed: int, empty: bool) -> None:
        super().__init__(seed, empty)
        random = self.random
        self.dtypes = tuple(
            dict.fromkeys((random.choice(EVERY), random.choice(INTEGERS), random.choice(FLOATS)))
        )
        self.rough: set[UOp] = set()

    def shape(self) -> tuple[int, ...]:
        """Small shapes: the interpreter takes its time with functions."""
        shape: list[int] = []
        for _ in range(self.random.choice((0, 1, 1, 2, 2, 3))):
            size = self.random.choice(self.sizes)
            shape.append(size if prod(shape) * size <= 120 else 1)
        return tuple(shape)

    def input(self, shape: tuple[int, ...], dtype: dt.DType) -> UOp:
        """A new buffer: all of narrow integers, borders among wide ones, eighths as floats."""
        number, count, random = len(self.graph.memory) + 1, prod(shape), self.random
        if dtype.is_float:
            eighths: list[float] = [random.randint(-16, 16) / 8 for _ in range(count)]
            values: list = list(dt.unpack(dtype, dt.pack(dtype, eighths)))
        elif dtype is dt.bool_:
            values = [random.random() < 0.5 for _ in range(count)]
        else:
            low, high = int(dtype.min), int(dtype.max)
            near = (low, high, low + 1, high - 1, 0, 1, 7, 100)
            values = [
                random.choice(near) if random.random() < 0.2 else random.randint(max(low, -9), 9)
                for _ in range(count)
            ]
        self.graph.memory[number] = values
        node = UOp(ops.BUFFER, dtype, (), Buffer(number, shape))
        self.values.append(node)
        self.versions.append(node)
        return node

    def pick(self, dtype: dt.DType | None = None) -> UOp:
        """A value so far, or a new input of one of the graph's dtypes."""
        return super().pick(
            dtype or (self.random.choice(self.dtypes) if self.random.random() < 0.2 else None)
        )

    def is_exact(self, node: UOp) -> bool:
        """Whether the value is the same however it is computed."""
        known: dict[UOp, bool] = {}
        for part in toposort((node,)):
            rough = part in self.rough or (
                part.op is ops.REDUCE and part.dtype.is_float and part.arg[0] in ("add", "mul")
            )
            known[part] = not rough and all(known[source] for source in part.src)
        return known[node]

    def reduced(self, node: UOp, axes: tuple[int, ...]) -> UOp:
        """A reduction; sums of floats are scaled back."""
        if node.dtype is dt.bool_:
            return node.reduce(self.random.choice(("max", "min")), axes)
        if node.dtype.is_int:
            return node.reduce(self.random.choice(("add", "add", "mul", "max", "min")), axes)
        count = prod(node.shape[axis] for axis in axes)
        if not count or self.random.random() < 0.3:
            return node.reduce("max", axes) if count else node.reduce("add", axes)
        return (node * (1.0 / count)).reduce("add", axes)

    # -- one more node -------------------------------------------------------------

    def elementwise(self) -> UOp:
        """An op of two values of one dtype."""
        a = self.pick()
        b = self.fitted(self.pick(a.dtype), a.shape)
        exact = self.is_exact(a) and self.is_exact(b)
        choice, roll = self.random.choice, self.random.random()
        if exact and roll < 0.15:
            mask = a.alu(choice(COMPARE), b)
            if roll < 0.05:
                return mask
            return mask.where(a, self.fitted(self.pick(a.dtype), a.shape))
        if a.dtype is dt.bool_:
            return a.alu(choice(ON_BOOLS), b)
        if a.dtype.is_int:
            row = choice(ON_INTEGERS)
            return a.alu(row, b & (a.dtype.bits - 1) if row in (ops.SHL, ops.SHR) and roll < 0.8 else b)
        return self.of_floats(a, b)

    def of_floats(self, a: UOp, b: UOp) -> UOp:
        """An op of two floats that stays between about -4 and 4."""
        row = self.random.choice(
            (ops.ADD, ops.SUB, ops.MUL, ops.MAX, ops.MIN, ops.DIV, ops.POW, ops.ATAN2, ops.FMA)
        )
        if row in (ops.MAX, ops.MIN):
            return a.alu(row, b)
        if row is ops.DIV:
            return a.alu(row, self.positive(b) + 1.0)
        if row is ops.POW:
            return self.rounded(self.positive(a).alu(row, self.clamped(b, 2.0)), 0.25)
        if row is ops.ATAN2:
            return self.rounded(a.alu(row, self.positive(b)), 0.5)
        if row is ops.FMA:
            c = self.fitted(self.pick(a.dtype), a.shape)
            made = self.clamped(a, 2.0).alu(row, self.clamped(b, 2.0), c) * 0.25
            if a.dtype.bits < 32:
                self.rough.add(made)
            return made
        return self.clamped(a, 2.0).alu(row, self.clamped(b, 2.0)) * 0.5

    @staticmethod
    def clamped(a: UOp, bound: float) -> UOp:
        """Between -bound and bound."""
        return a.maximum(-bound).minimum(bound)

    def positive(self, a: UOp) -> UOp:
        """Between 0.5 and 4.5."""
        return self.clamped(a, 4.0).alu(ops.MAX, -self.clamped(a, 4.0)) + 0.5

    def rounded(self, a: UOp, scale: float) -> UOp:
        """A function's value, scaled: not exact any more."""
        made = a * scale
        self.rough.add(made)
        return made

    def unary(self) -> UOp:
        """An op of one value, a cast among them."""
        a = self.pick()
        if self.random.random() < 0.4:
            return self.cast(a)
        if a.dtype is dt.bool_:
            return a.alu(ops.NOT)
        if a.dtype.is_int:
            return a.alu(ops.NOT) if self.random.random() < 0.5 else -a
        exact = self.is_exact(a)
        choice, roll = self.random.choice, self.random.random()
        if exact and roll < 0.25:
            return choice((a.alu(ops.FLOOR), a.alu(ops.TRUNC), -a, a.bitcast(WHOLE[a.dtype.itemsize])))
        if roll < 0.5:
            return self.rounded(self.clamped(a, 1.5).alu(choice(ANYWHERE)), 0.5)
        if roll < 0.8:
            return self.rounded(self.positive(a).alu(choice(POSITIVE)), 0.5)
        return self.rounded(self.clamped(a, 0.75).alu(choice(UNIT)), 0.5)

    def cast(self, a: UOp) -> UOp:
        """To another dtype of the graph; what is not exact stays a float."""
        to = self.random.choice(self.dtypes)
        if not a.dtype.is_float and to.is_float:  # keep it small
            small = a if a.dtype is dt.bool_ else a & 3
            return small.cast(to) * 0.5
        if a.dtype.is_float and not to.is_float and not self.is_exact(a):
            return a
        return a.cast(to)

    def other(self) -> UOp:
        """As in the plain graphs, with counters of both widths."""
        if self.random.random() < 0.2:
            return UOp(
                ops.IOTA, self.random.choice((dt.int32, dt.int64)), (), self.random.choice((1, 2, 3, 5, 8))
            )
        return super().other()


def every_graph(seed: int, nodes: int = 14, empty: bool = True) -> tuple[Graph, list[float]]:
    """A graph of about so many steps, and the tolerance of each root: a share of its greatest value."""
    maker = EveryMaker(seed, empty)
    for dtype in maker.dtypes:
        maker.input(maker.shape(), dtype)
    for _ in range(nodes):
        maker.grow()
    graph = maker.graph
    graph.roots.append(maker.values[-1])
    for _ in range(Random(seed).randrange(3)):
        graph.roots.append(maker.pick())
    graph.roots = list(dict.fromkeys(graph.roots))
    return graph, [tolerance(maker, root) for root in graph.roots]


def tolerance(maker: EveryMaker, root: UOp) -> float:
    """0 for what is exact; else some units in the last place of the narrowest float on the way."""
    if maker.is_exact(root):
        return 0.0
    return 24 * max(node.dtype.epsilon for node in toposort((root,)) if node.dtype.is_float)
