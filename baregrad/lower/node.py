"""Values that already know their block: the form between KERNEL and LINEAR, with the builder that folds
and shares them.

A Node is a scalar (`lanes` 0) or a vector. Its block is the deepest block among its sources, so that what
a loop does not change stands outside of it by construction. Loops are Blocks; what they carry is added
while the reduces are met, which is why these are not UOps: a LINEAR RANGE is made with all its first
values at once. order.py turns Nodes into UOps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from baregrad import dtype as dt
from baregrad.dtype import DType, normalize
from baregrad.ir import Op, UOp, ops


class Block:
    """The whole kernel (no range) or one loop: its counter, what it carries, and the effects that stand in
    it.
    """

    __slots__ = (
        "carries",
        "chains",
        "counter",
        "depth",
        "done",
        "effects",
        "end",
        "items",
        "parent",
        "range",
        "rest",
        "size",
        "started",
        "stores",
        "tails",
        "whole",
    )  # fmt: skip

    def __init__(self, parent: Block | None, range_: UOp | None, size: Node | None) -> None:
        self.parent = parent
        self.range = range_
        self.size = size
        self.depth: int = parent.depth + 1 if parent else 0
        self.counter: Node | None = None
        self.carries: list[tuple[Node, Node]] = []  # first value, next value
        self.chains: list[list[Node]] = []  # the partial results of accumulators, step by step
        self.effects: list[Node | Block] = []  # stores and loops that hold stores, in order
        self.items: list[Node | Block] = []  # what order.py puts here
        self.stores: set[UOp] = set()  # the KERNEL stores that stand in it
        self.tails: dict[Node, Node] = {}  # masks of its end, and how many of its steps have them all true
        self.whole: Node | None = None  # how many steps have all of these true
        self.rest: Node | None = None  # and the other steps; None: it stays one loop
        self.started = False
        self.done = False
        self.end: UOp | None = None


class Node:
    """One value or effect: like a LINEAR UOp, with its block;

    `loop` is the loop of a CARRY, RESULT or END.
    """

    __slots__ = ("arg", "block", "done", "dtype", "lanes", "loop", "op", "src", "uop")

    def __init__(
        self, op: Op, dtype: DType, src: tuple[Node, ...], arg: Any, lanes: int, block: Block
    ) -> None:
        self.op = op
        self.dtype = dtype
        self.src = src
        self.arg = arg  # as in UOp
        self.lanes = lanes
        self.block = block
        self.loop: Block | None = None
        self.done = False
        self.uop: UOp | None = None

    def __repr__(self) -> str:
        return f"<{self.op.name} {self.dtype}x{self.lanes} {self.arg!r} at {self.block.depth}>"


class Builder:
    """Makes Nodes: equal ones are the same object, constants are folded, scalars become lanes where a vector
    needs them.
    """

    __slots__ = ("_known", "root")

    def __init__(self) -> None:
        self.root = Block(None, None, None)
        self._known: dict[Any, Node] = {}

    def node(
        self,
        op: Op,
        dtype: DType,
        src: tuple[Node, ...] = (),
        arg: Any = None,
        lanes: int = 0,
        at: Block | None = None,
    ) -> Node:
        """The Node, made once; it stands in the deepest block of its sources and of `at`."""
        key = (op, dtype, src, arg, lanes, at)
        found = self._known.get(key)
        if found is None:
            block = at or self.root
            for s in src:
                if s.block.depth > block.depth:
                    block = s.block
            found = self._known[key] = Node(op, dtype, src, arg, lanes, block)
        return found

    def const(self, value: Any, dtype: DType) -> Node:
        """A scalar constant of a dtype; -0.0 and 0.0 are two."""
        value = normalize(value, dtype)
        key = (ops.CONST, dtype, repr(value))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Node(ops.CONST, dtype, (), value, 0, self.root)
        return found

    def index(self, value: int) -> Node:
        """An int64 constant."""
        return self.const(value, dt.int64)

    def broadcast(self, node: Node, lanes: int) -> Node:
        """The node in that many lanes (itself when it is a vector, or when 0 lanes are asked for)."""
        if node.lanes or not lanes:
            return node
        return self.node(ops.BROADCAST, node.dtype, (node,), lanes, lanes)

    def cast(self, node: Node, dtype: DType) -> Node:
        """A value in another dtype."""
        if node.dtype is dtype:
            return node
        if node.op is ops.CONST:
            return self.const(node.arg, dtype)
        if node.op is ops.BROADCAST:
            return self.broadcast(self.cast(node.src[0], dtype), node.lanes)
        return self.node(ops.CAST, dtype, (node,), None, node.lanes)

    def alu(self, op: Op, dtype: DType, *src: Node) -> Node:
        """An elementwise op: folded when it can be, with scalars broadcast when a source is a vector."""
        folded = self._fold(op, dtype, src)
        if folded is not None:
            return folded
        lanes = max(s.lanes for s in src)
        if lanes:
            if all(s.op is ops.BROADCAST or not s.lanes for s in src):
                return self.broadcast(self.alu(op, dtype, *[s.src[0] if s.lanes else s for s in src]), lanes)
            src = tuple(self.broadcast(s, lanes) for s in src)
        return self.node(op, dtype, src, None, lanes)

    def _fold(self, op: Op, dtype: DType, src: tuple[Node, ...]) -> Node | None:
        """The result when it is a constant or one of the sources."""
        constants = sum(s.op is ops.CONST for s in src)
        if not constants:
            return None
        if (
            constants == len(src)
            and op.meaning is not None
            and not dtype.is_float
            and not src[0].dtype.is_float
        ):
            return self.const(op.meaning(*[s.arg for s in src]), dtype)
        if op is ops.SELECT and src[0].op is ops.CONST:
            return src[1] if src[0].arg else src[2]
        if len(src) != 2 or dtype.is_float or src[0].dtype.is_float:
            return None
        a, b = src if src[1].op is ops.CONST else (src[1], src[0])
        return self._fold_pair(op, a, b, swapped=a is not src[0])

    def _fold_pair(self, op: Op, a: Node, b: Node, *, swapped: bool) -> Node | None:
        """x op constant, for integers and bools: identities and absorbing constants."""
        value = b.arg
        if op is ops.ADD or op is ops.XOR or (op is ops.OR and not value):
            return a if not value else None
        if op is ops.MUL:
            return b if value == 0 and not a.lanes else a if value == 1 else None
        if op is ops.AND:
            if value is True or value == -1:
                return a
            return b if not value and not a.lanes else None
        if op is ops.OR and value is True and not a.lanes:
            return b
        if not swapped and op in (ops.SUB, ops.SHL, ops.SHR) and not value:
            return a
        return a if not swapped and op is ops.IDIV and value == 1 else None

    def sum(self, terms: Iterable[tuple[Node, int]], constant: int) -> Node:
        """sum(coefficient * term) + constant of scalars: outer terms first, so that they are added outside;
        the constant last.
        """
        total: Node | None = None
        for term, coefficient in sorted(terms, key=lambda pair: pair[0].block.depth):
            if total is None:
                total = self.scaled(term, coefficient)
            else:
                op = ops.ADD if coefficient > 0 else ops.SUB
                total = self.alu(op, dt.int64, total, self.scaled(term, abs(coefficient)))
        if total is None:
            return self.index(constant)
        return self.alu(ops.ADD, dt.int64, total, self.index(constant)) if constant else total

    def scaled(self, term: Node, coefficient: int) -> Node:
        """coefficient * term."""
        if coefficient == 1:
            return term
        if coefficient == -1:
            return self.alu(ops.NEG, term.dtype, term)
        if coefficient > 0 and coefficient & (coefficient - 1) == 0:
            return self.alu(ops.SHL, term.dtype, term, self.const(coefficient.bit_length() - 1, term.dtype))
        return self.alu(ops.MUL, term.dtype, term, self.const(coefficient, term.dtype))
