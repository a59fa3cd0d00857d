"""Both sides of a rule evaluated on boundary values of every dtype that it admits, through the compiled
matcher.

Variables are loads whose bounds are set by hand, so that conditions on bounds and on wrapping are asked as in
earnest.
"""

from __future__ import annotations

import itertools
import math
import random

from baregrad import dtype as dt
from baregrad.ir import UOp, const, ops
from baregrad.ir import interpret_values as arithmetic
from baregrad.ir.match import Rules
from baregrad.ir.pattern import Dtypes, Pattern
from tests.rules.prove import admitted, bool_variables, random_node

NUMBERS = itertools.count()
FLOATS = [0.0, -0.0, 1.0, -1.0, 1.5, -3.25, 2.0**-140, 3e38, math.inf, -math.inf, math.nan]


def boundaries(rng, dtype):
    """A value that is likely to break a rule."""
    if dtype is dt.bool_:
        return rng.random() < 0.5
    if dtype.is_float:
        return dt.normalize(rng.choice(FLOATS), dtype)
    low, high = int(dtype.min), int(dtype.max)
    near = [low, low + 1, high, high - 1, 0, 1, 2, 3, 4, 6, 7, 8, 12, 16, high // 2]
    return min(max(rng.choice([*near, *near[4:], -rng.choice(near[4:]), rng.randint(low, high)]), low), high)


def free(dtype, low=None, high=None):
    """A value about which only its bounds are known."""
    memory = UOp(ops.PARAM, dtype, (), (next(NUMBERS), 1))
    node = UOp(ops.LOAD, dtype, (UOp(ops.INDEX, dtype, (memory, const(0, dt.int64))),))
    if low is not None:
        node._bounds = (low, high)
    return node


def value(root, given):
    """A node's value by the meanings of its ops; `given` has those of free nodes."""
    known = dict(given)
    for node in root.toposort(lambda n: n not in given):
        if node in known:
            continue
        if node.op is ops.CONST:
            known[node] = node.arg
        elif node.op is ops.CAST:
            known[node] = arithmetic.convert([known[node.src[0]]], node.src[0].dtype, node.dtype)[0]
        elif node.op is ops.BITCAST:
            known[node] = arithmetic.bitcast([known[node.src[0]]], node.src[0].dtype, node.dtype)[0]
        else:
            known[node] = arithmetic.apply(node.op, node.dtype, [[known[s]] for s in node.src])[0]
    return known[root]


def same(a, b):
    """Whether two values are one; NaNs are, zeros of two signs are not."""
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))
    return a == b and type(a) is type(b)


class Sides:
    """Nodes of a pattern with random variables."""

    def __init__(self, rule, rng, dtype):
        self.rule, self.rng, self.dtype = rule, rng, dtype
        self.masks = bool_variables(rule)
        self.nodes, self.ranges = {}, {}

    def node(self, part, dtype):
        if part.name in self.nodes:
            return self.nodes[part.name]
        if isinstance(part.dtypes, Dtypes) and dtype not in part.dtypes.rows:
            dtype = self.rng.choice(sorted(part.dtypes.rows, key=lambda row: row.name))
        if part.name in self.masks:
            dtype = dt.bool_
        if part.kind == "literal":
            made = const(part.value, dtype)
        elif part.kind == "const":
            made = const(boundaries(self.rng, dtype), dtype)
        elif part.kind == "any":
            made = self.variable(dtype)
        else:
            made = self.op(part, dtype)
        if part.name:
            self.nodes[part.name] = made
        return made

    def variable(self, dtype):
        if not dtype.is_int:
            made = free(dtype)
            self.ranges[made] = None
            return made
        ends = sorted(boundaries(self.rng, dtype) for _ in range(2))
        made = free(dtype, *ends)
        self.ranges[made] = ends
        return made

    def op(self, part, dtype):
        row = part.op
        if row in (ops.CAST, ops.BITCAST):
            same_size = [r for r in dt.ALL[1:] if r.bits == dtype.bits and not r.is_float]  # NaN is one
            inner = self.rng.choice(dt.ALL[1:] if row is ops.CAST else same_size)
            return UOp(row, dtype, (self.node(part.src[0], inner),))
        inner = dtype
        if row.dtype == "bool" and part is not self.rule.pattern:
            pool = (
                sorted(admitted(self.rule) - {dt.bool_}, key=lambda r: r.name)
                if dtype is dt.bool_
                else [dtype]
            )
            inner = self.inner = getattr(self, "inner", None) or self.rng.choice(pool or [dt.bool_])
        src = tuple(
            self.node(s, dt.bool_ if row is ops.SELECT and i == 0 else inner) for i, s in enumerate(part.src)
        )
        return UOp(row, dt.bool_ if row.dtype == "bool" else src[-1].dtype, src)

    def sample(self):
        """Values for the variables."""
        made = {}
        for node, ends in self.ranges.items():
            if ends is None:
                made[node] = boundaries(self.rng, node.dtype)
            else:
                made[node] = self.rng.choice([*ends, self.rng.randint(*ends)])
        return made


def check_rule(rule, tries=40, wanted=3):
    """How many (match, values) pairs agreed; AssertionError with a case where they differ."""
    table = Rules("one", [rule])
    rng = random.Random(rule.name)
    agreed = 0
    for dtype in sorted(admitted(rule), key=lambda row: row.name):
        fired = 0
        for _ in range(tries * 10):
            sides = Sides(rule, rng, dtype)
            before = sides.node(rule.pattern, dtype)
            after = table.apply(before)
            if after is None:
                continue
            fired += 1
            for _ in range(6):
                given = sides.sample()
                a, b = value(before, given), value(after, given)
                constants = [n.arg for n in before.toposort() if n.op is ops.CONST]
                case = f"{list(given.values())} and constants {constants} give {a} and {b}"
                assert same(a, b), f"{rule.name} of {dtype}: {case}"
                agreed += 1
            if fired >= wanted:
                break
    return agreed


def check_function(rule, tries=1500, wanted=12):
    """As check_rule, for functions of sums: over random index expressions."""
    table = Rules("one", [rule])
    rng = random.Random(rule.name)
    agreed = 0
    for _ in range(tries):
        node = random_node(rng, rule.pattern.op)
        after = table.apply(node)
        if after is None:
            continue
        loops = [n for n in node.toposort() if n.op is ops.RANGE]
        for _ in range(8):
            given = {loop: rng.randrange(loop.src[0].arg) for loop in loops}
            a, b = value(node, given), value(after, given)
            assert same(a, b), f"{rule.name}: {list(given.values())} give {a} and {b}"
        agreed += 1
        if agreed >= wanted:
            break
    return agreed


def takes_values(rule):
    """Whether both sides of a rule are values (and no views or loops)."""
    return all(p.op is None or p.op.elementwise for p in rule.pattern.parts()) and isinstance(
        rule.pattern, Pattern
    )
