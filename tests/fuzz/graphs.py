"""Random TENSOR graphs, every one legal: `random_graph(seed)` gives roots and the inputs' values.

Shapes have sizes 0, 1, odd, prime and even. Values are mostly int32, where everything is exact, so that a
wrong index shows; floats are kept small and never compared, so that rounding cannot grow into another result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from random import Random

from baregrad import dtype as dt
from baregrad.ir import Buffer, UOp, const, ops

MOST = 600  # elements of a value
INT_ROWS = (ops.ADD, ops.SUB, ops.MUL, ops.MAX, ops.MIN, ops.XOR, ops.IDIV, ops.MOD)
SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8)


@dataclass
class Graph:
    """Roots to schedule, and what the inputs hold: flat lists by buffer number."""

    seed: int
    roots: list[UOp] = field(default_factory=list)
    memory: dict[int, list[int] | list[float]] = field(default_factory=dict)


class Maker:
    """Grows a graph node by node; `values` are the nodes so far."""

    def __init__(self, seed: int, empty: bool) -> None:
        self.random = Random(seed)
        self.graph = Graph(seed)
        self.values: list[UOp] = []
        self.versions: list[UOp] = []
        self.sizes = SIZES + ((0,) if empty else ())

    def shape(self) -> tuple[int, ...]:
        """A shape of at most MOST elements."""
        shape: list[int] = []
        for _ in range(self.random.choice((0, 1, 2, 2, 3, 3, 4))):
            size = self.random.choice(self.sizes)
            shape.append(size if prod(shape) * size <= MOST else 1)
        return tuple(shape)

    def input(self, shape: tuple[int, ...], dtype: dt.DType) -> UOp:
        """A new buffer."""
        number = len(self.graph.memory) + 1
        count = prod(shape)
        if dtype is dt.int32:
            self.graph.memory[number] = [self.random.randint(-9, 9) for _ in range(count)]
        else:
            self.graph.memory[number] = [self.random.randint(-16, 16) / 8 for _ in range(count)]
        node = UOp(ops.BUFFER, dtype, (), Buffer(number, shape))
        self.values.append(node)
        self.versions.append(node)
        return node

    def pick(self, dtype: dt.DType | None = None) -> UOp:
        """A value so far; late ones more often."""
        found = [node for node in self.values if dtype is None or node.dtype is dtype]
        if not found:
            return self.input(self.shape(), dtype or dt.int32)
        return found[-1 - int(len(found) * self.random.random() ** 2)]

    # -- from any shape to a given one ---------------------------------------------

    def fitted(self, node: UOp, shape: tuple[int, ...]) -> UOp:
        """A value brought to a shape: by reshape if the counts agree, else axis by axis."""
        if node.shape == shape:
            return node
        if prod(node.shape) == prod(shape):
            return node.reshape(shape)
        while node.ndim > len(shape):
            axis = self.random.randrange(node.ndim)
            node = self.reduced(node, (axis,))
            node = node.reshape(node.shape[:axis] + node.shape[axis + 1 :])
        node = node.reshape((1,) * (len(shape) - node.ndim) + node.shape)
        for axis, (have, want) in enumerate(zip(node.shape, shape)):
            if have == want:
                continue
            if have == 1:
                node = node.expand((*node.shape[:axis], want, *node.shape[axis + 1 :]))
            elif have > want:
                begin = self.random.randint(0, have - want)
                node = node.shrink(self.only(node, axis, (begin, begin + want), whole=True))
            else:
                before = self.random.randint(0, want - have)
                node = node.pad(self.only(node, axis, (before, want - have - before), whole=False))
        return node

    @staticmethod
    def only(node: UOp, axis: int, pair: tuple[int, int], whole: bool) -> tuple[tuple[int, int], ...]:
        """A pair for one axis, and what leaves the others as they are."""
        return tuple(pair if i == axis else ((0, n) if whole else (0, 0)) for i, n in enumerate(node.shape))

    def reduced(self, node: UOp, axes: tuple[int, ...]) -> UOp:
        """A reduction; floats are only added (scaled back) or compared."""
        if node.dtype is dt.int32:
            return node.reduce(self.random.choice(("add", "add", "mul", "max", "min")), axes)
        count = prod(node.shape[axis] for axis in axes)
        if not count or self.random.random() < 0.3:
            return node.reduce("add", axes)
        if self.random.random() < 0.3:
            return node.reduce("max", axes)
        return node.reduce("add", axes) * (1.0 / count)

    # -- one more node -------------------------------------------------------------

    def elementwise(self) -> UOp:
        """An op of two values."""
        a = self.pick()
        if self.random.random() < 0.15:
            b = const(self.random.randint(-3, 3), a.dtype)
        else:
            b = self.fitted(self.pick(a.dtype), a.shape)
        if a.dtype is dt.int32:
            if self.random.random() < 0.15:
                other = self.fitted(self.pick(dt.int32), a.shape)
                return a.alu(self.random.choice((ops.CMPLT, ops.CMPEQ)), b).where(a, other)
            return a.alu(self.random.choice(INT_ROWS), b)
        both = a.alu(self.random.choice((ops.ADD, ops.SUB, ops.MUL, ops.MAX)), b)
        return both * 0.5 if both.op is not ops.MAX else both

    def unary(self) -> UOp:
        """An op of one value."""
        a = self.pick()
        if a.dtype is dt.int32:
            return -a if self.random.random() < 0.8 else (a & 7).cast(dt.float32) * 0.25
        row = self.random.choice((ops.TANH, ops.EXP, ops.SQRT, ops.NEG))
        if row is ops.EXP:
            return a.minimum(1.0).alu(ops.EXP)
        return (a * a + 1.0).alu(ops.SQRT) * 0.5 if row is ops.SQRT else a.alu(row)

    def reduction(self) -> UOp:
        """A reduction of some axes."""
        a = self.pick()
        axes = tuple(axis for axis in range(a.ndim) if self.random.random() < 0.5)
        node = self.reduced(a, axes)
        return node if self.random.random() < 0.6 else node.expand(a.shape) if 0 not in a.shape else node

    def reshaped(self) -> UOp:
        """The same elements under another shape."""
        a = self.pick()
        count, shape = prod(a.shape), []
        while count > 1 and len(shape) < 4:
            size = self.random.choice([n for n in range(1, count + 1) if count % n == 0])
            shape.append(size)
            count //= size
        shape.append(count)
        self.random.shuffle(shape)
        return a.reshape(tuple(shape))

    def moved(self) -> UOp:
        """Axes in another order, backwards, cut or padded."""
        a = self.pick()
        if not a.ndim:
            return a.expand((self.random.choice(self.sizes),))
        how = self.random.randrange(5)
        if how == 0:
            return a.permute(tuple(self.random.sample(range(a.ndim), a.ndim)))
        if how == 1:
            return a.flip(tuple(axis for axis in range(a.ndim) if self.random.random() < 0.5))
        axis = self.random.randrange(a.ndim)
        size = a.shape[axis]
        if how == 2:
            begin = self.random.randint(0, size)
            return a.shrink(self.only(a, axis, (begin, self.random.randint(begin, size)), whole=True))
        if how == 3 and prod(a.shape) // max(size, 1) * (size + 4) <= MOST:
            return a.pad(
                self.only(a, axis, (self.random.randint(0, 2), self.random.randint(0, 2)), whole=False)
            )
        wide = tuple(self.random.choice((2, 3, 5)) if n == 1 else n for n in a.shape)
        return a.expand(wide) if prod(wide) <= MOST else a

    def view(self) -> UOp:
        """An affine view, windows among them."""
        a = self.pick()
        shape = self.shape()
        rows = []
        for size in a.shape:
            steps = tuple(self.random.choice((-1, 0, 0, 1, 1, 2)) for _ in shape)
            rows.append((self.random.randint(-2, max(size - 1, 0)), steps))
        return a.view(shape, tuple(rows))

    def unwound(self) -> UOp:
        """A sum over windows with a stride, as the gradient of windows is."""
        a = self.pick()
        if not a.ndim or 0 in a.shape or a.shape[-1] > 4:
            return self.view()
        stride, size, count = self.random.randint(1, 3), self.random.choice((5, 7, 12)), a.shape[-1]
        many = self.random.choice((4, 6, 9))
        x = a.reshape((prod(a.shape) // count, 1, count)).expand((prod(a.shape) // count, many, count))
        shape = (x.shape[0], size, many)
        if prod(shape) > 20 * MOST:
            return self.view()
        begin = self.random.randint(-1, 3)
        seen = x.view(shape, ((0, (1, 0, 0)), (0, (0, 0, 1)), (begin, (0, 1, -stride))))
        return seen.reduce("add", (2,))

    def index(self, shape: tuple[int, ...], size: int) -> UOp:
        """Places in an axis: bare, computed, or the same along an axis; some outside now and then."""
        dtype = self.random.choice((dt.int32, dt.int64, dt.uint8))
        low, high = (0, size - 1) if dtype is dt.uint8 or self.random.random() < 0.8 else (-2, size + 1)
        axis = self.random.randrange(len(shape))
        alone = self.random.random() < 0.5
        own = tuple(n if i == axis else 1 for i, n in enumerate(shape)) if alone else shape
        number = len(self.graph.memory) + 1
        self.graph.memory[number] = [self.random.randint(low, max(high, 0)) for _ in range(prod(own))]
        node = UOp(ops.BUFFER, dtype, (), Buffer(number, own)).expand(shape)
        if self.random.random() < 0.2:
            whole = self.fitted(self.pick(dt.int32), shape)
            return whole % max(size, 1)
        return node + 0 * node if self.random.random() < 0.2 else node

    def chosen(self) -> UOp:
        """Elements named by an index."""
        a = self.pick()
        if not a.ndim or 0 in a.shape:
            return self.elementwise()
        axis = self.random.randrange(a.ndim)
        count = self.random.choice((1, 2, 3, 5, 8, 17))
        shape = (*a.shape[:axis], count, *a.shape[axis + 1 :])
        return a.gather(axis, self.index(shape, a.shape[axis])) if prod(shape) <= MOST else self.elementwise()

    def scattered(self) -> UOp:
        """Values put, or joined, where an index says."""
        a = self.pick()
        if not a.ndim:
            return self.chosen()
        axis = self.random.randrange(a.ndim)
        shape = (*a.shape[:axis], self.random.choice((0, 1, 2, 5, 9)), *a.shape[axis + 1 :])
        if prod(shape) > MOST:
            return self.chosen()
        value = self.fitted(self.pick(a.dtype), shape)
        whole = a.dtype is dt.int32
        combine = self.random.choice(("set", "add", "max", "min", "mul") if whole else ("set", "max", "min"))
        return a.scatter(axis, self.index(shape, a.shape[axis]), value, combine)

    def other(self) -> UOp:
        """Counters, realization, and new versions of buffers."""
        how = self.random.randrange(4)
        if how == 0:
            size = self.random.choice(SIZES)
            return UOp(ops.IOTA, dt.int32, (), size)
        if how == 1:
            return self.pick().contiguous()
        if how == 2 or not self.versions:
            return self.input(self.shape(), dt.int32)
        position = self.random.randrange(len(self.versions))
        old = self.versions[position]
        node = old.assign(self.fitted(self.pick(old.dtype), old.shape))
        self.versions[position] = node
        self.graph.roots.append(node)
        return node

    def grow(self) -> None:
        """One more value."""
        kinds = {
            self.elementwise: 8,
            self.unary: 3,
            self.reduction: 5,
            self.reshaped: 3,
            self.moved: 5,
            self.view: 2,
            self.unwound: 1,
            self.chosen: 2,
            self.scattered: 2,
            self.other: 2,
        }
        make = self.random.choices(list(kinds), list(kinds.values()))[0]
        node = make()
        if prod(node.shape) <= MOST:
            self.values.append(node)


def random_graph(seed: int, nodes: int = 14, empty: bool = True) -> Graph:
    """A graph of about so many steps; `empty` allows axes of size 0."""
    maker = Maker(seed, empty)
    maker.input(maker.shape(), dt.int32)
    maker.input(maker.shape(), dt.float32)
    for _ in range(nodes):
        maker.grow()
    graph = maker.graph
    graph.roots.append(maker.values[-1])
    for _ in range(maker.random.randrange(3)):
        graph.roots.append(maker.pick())
    graph.roots = list(dict.fromkeys(graph.roots))
    return graph
