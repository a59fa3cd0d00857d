"""Tables of rewrite rules, and the compiler that makes each op's rules one Python function.

`rules("table", rows)` checks its rows when it is built; the matcher of an op is generated, by source
text, when a node of that op is first met: tests that neighbouring rules share are made once. Patterns are
in pattern.py; applying tables to graphs is in rewrite.py.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from baregrad import dtype as dt
from baregrad.base.errors import CompileError
from baregrad.dtype import DType
from baregrad.ir import ops
from baregrad.ir.bounds import bounds, fits
from baregrad.ir.bounds import exact as is_exact
from baregrad.ir.ops import Op
from baregrad.ir.pattern import Dtypes, Number, Pattern, exact
from baregrad.ir.uop import UOp, const, is_const

Fired = dict[str, int]
Matcher = Callable[[UOp, Any, Fired | None], UOp | None]  # node, context, counter
Like = Callable[[UOp, UOp], UOp | None]
Row = tuple[Any, ...]  # name, pattern, result, *conditions
RING = (ops.ADD, ops.SUB, ops.MUL, ops.NEG)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row. `result` is a pattern or a function of variables; all of `when` must hold."""

    name: str
    pattern: Pattern
    result: Pattern | Callable[..., UOp | None]
    when: tuple[Any, ...]  # Dtypes, patterns, or functions of variables

    @property
    def exact(self) -> bool:
        """Whether it is a law of unbounded integers, so that nothing may wrap."""
        return exact in self.when


class Rules:
    """A checked table; `matcher(op)` is the compiled function of an op, None if no rule is about it."""

    __slots__ = ("_compiled", "like", "name", "rows")

    def __init__(self, name: str, rows: Sequence[Rule], like: Like | None = None) -> None:
        self.name, self.rows, self.like = name, tuple(rows), like or _no_other_shape
        self._compiled: dict[Op, Matcher | None] = {}
        seen: set[str] = set()
        for row in self.rows:
            if row.name in seen:
                raise CompileError(
                    f"two rules named {row.name}", why="names are for the trace", mend="rename one"
                )
            seen.add(row.name)
            _check(row)

    def matcher(self, op: Op) -> Matcher | None:
        """The function (node, context, counter) -> new node or None that tries an op's rules in order."""
        try:
            return self._compiled[op]
        except KeyError:
            mine = [row for row in self.rows if row.pattern.op is op]
            made = self._compiled[op] = _Compiler(self, op, mine).compile() if mine else None
            return made

    def apply(self, node: UOp, ctx: Any = None, fired: Fired | None = None) -> UOp | None:
        """The result of the first rule that matches a node."""
        matcher = self.matcher(node.op)
        return None if matcher is None else matcher(node, ctx, fired)

    def __getitem__(self, name: str) -> Rule:
        return next(row for row in self.rows if name in (row.name, row.name.partition(".")[2]))


def rules(name: str, rows: Iterable[Row]) -> Rules:
    """Make a table of rows (name, pattern, result, *when).

    >>> from baregrad.ir.pattern import any_, ints
    >>> x = any_("x")
    >>> table = rules("demo", [("add_zero", x + 0, x, ints)])
    >>> table.apply(UOp(ops.RANGE, dt.int64, (const(4, dt.int64),), (0, "loop")) + 0).op
    RANGE
    """
    made = []
    for row_name, pattern, result, *when in rows:
        right = (
            result if callable(result) or isinstance(result, Pattern) else Pattern("literal", value=result)
        )
        made.append(Rule(f"{name}.{row_name}", pattern, right, tuple(when)))
    return Rules(name, made)


def join(name: str, *tables: Rules, like: Like | None = None) -> Rules:
    """One table of several; the rules keep their names.

    `like(result, node)` gives a result its node's shape back, if it has lost it (x * 0 -> 0); without it such
    a rule does not fire.
    """
    return Rules(name, [row for table in tables for row in table.rows], like)


def _no_other_shape(made: UOp, node: UOp) -> UOp | None:
    return None


def _check(row: Rule) -> None:
    if row.pattern.kind != "op" or row.pattern.op is None:
        raise CompileError(
            f"rule {row.name} matches anything", why="a rule is found by its op", mend="begin with an op"
        )
    bound = row.pattern.variables() | {"root", "ctx"}
    for part in (row.result, *row.when):
        if isinstance(part, Dtypes):
            continue
        used = part.variables() if isinstance(part, Pattern) else set(inspect.signature(part).parameters)
        if not used <= bound:
            raise CompileError(
                f"rule {row.name} uses {', '.join(sorted(used - bound))}",
                why=f"its pattern {row.pattern!r} binds only {', '.join(sorted(bound))}",
                mend="bind the variable in the pattern",
            )


# -- the compiler ----------------------------------------------------------------------------------------

_PYTHON: dict[Op, str] = {
    ops.ADD: "({} + {})", ops.SUB: "({} - {})", ops.MUL: "({} * {})", ops.NEG: "(-{})",
    ops.IDIV: "IDIV({}, {})", ops.MOD: "MOD({}, {})", ops.SHL: "({} << {})", ops.SHR: "({} >> {})",
    ops.MAX: "max({}, {})", ops.MIN: "min({}, {})",
    ops.AND: "({} & {})", ops.OR: "({} | {})", ops.XOR: "({} ^ {})", ops.NOT: "NOT({})",
    ops.CMPLT: "({} < {})", ops.CMPLE: "({} <= {})", ops.CMPEQ: "({} == {})", ops.CMPNE: "({} != {})",
}  # fmt: skip


class _Steps(list[tuple[str, str]]):
    """What one way of matching a rule does: ("set" or "if", text), then the lines of its leaf."""

    leaf: list[str]


class _Compiler:
    """Generates the function of one op."""

    def __init__(self, table: Rules, op: Op, rows: Sequence[Rule]) -> None:
        self.table, self.op, self.rows = table.name, op, rows
        self.names: dict[str, Any] = {
            "CONST": ops.CONST, "UOp": UOp, "const": const, "IS": is_const, "BOUNDS": bounds,
            "EXACT": is_exact, "FITS": fits, "BOOL": dt.bool_, "IDIV": ops.IDIV.meaning,
            "LIKE": table.like, "MOD": ops.MOD.meaning, "NOT": ops.NOT.meaning,
        }  # fmt: skip
        self.numbers: dict[int, str] = {}
        self.paths: dict[str, str] = {}
        self.placed: dict[int, str] = {}
        self.constants: set[str] = set()
        self.temporary = 0

    def give(self, prefix: str, value: Any) -> str:
        """A name for an object in the generated code."""
        name = self.numbers.get(id(value))
        if name is None:
            name = self.numbers[id(value)] = f"{prefix}{len(self.numbers)}"
            self.names[name] = value
        return name

    def compile(self) -> Matcher:
        """The function."""
        ways = [way for row in self.rows for way in self.ways(row)]
        arity = self.op.arity
        lines = ["def match(n, ctx, fired):"]
        if arity:
            lines.append(f" {', '.join(f'n_{i}' for i in range(arity))}, = n.src")
            lines.extend(f" o_{i} = n_{i}.op" for i in range(arity))
        lines.extend(_nest(ways, 1))
        lines.append(" return None")
        exec(compile("\n".join(lines), f"<rules {self.table}.{self.op.name}>", "exec"), self.names)
        made: Matcher = self.names["match"]
        return made

    def ways(self, row: Rule) -> list[_Steps]:
        """All ways to match a rule: commutative ops in both orders."""
        names = Counter(part.name for part in row.pattern.parts())
        self.constants = {str(part.name) for part in row.pattern.parts() if part.kind == "const"}
        pairs = []
        for part in row.pattern.parts():
            free = all(s.kind == "any" and names[s.name] == 1 for s in part.src)
            fixed = any(s.kind in ("const", "literal") for s in part.src)
            if part.op is not None and part.op.commutes and not free and not fixed:
                pairs.append(part)
        made = []
        for swaps in product((False, True), repeat=len(pairs)):
            swapped = {id(part) for part, swap in zip(pairs, swaps, strict=True) if swap}
            steps = _Steps()
            self.paths = {"root": "n"}
            self.tests(row.pattern, "n", steps, swapped)
            self.dtypes(row, steps)
            steps.leaf = self.leaf(row, steps)
            made.append(steps)
        return made

    def tests(self, pattern: Pattern, at: str, steps: _Steps, swapped: set[int]) -> None:
        """What must hold of the node in variable `at`."""
        known = self.paths.get(pattern.name) if pattern.name else None
        if known is not None:
            steps.append(("if", f"{at} is {known}"))
            return
        if pattern.name:
            self.paths[pattern.name] = at
        if pattern.dtypes is not None:
            rows = pattern.dtypes.rows if isinstance(pattern.dtypes, Dtypes) else frozenset((pattern.dtypes,))
            steps.append(("if", f"{at}.dtype in {self.give('S', rows)}"))
        op_of = f"o{at[1:]}" if at.count("_") == 1 and self.op.arity else f"{at}.op"
        if pattern.kind in ("const", "literal"):
            steps.append(("if", f"{op_of} is CONST"))
            if pattern.kind == "literal":
                steps.append(("if", f"IS({at}, {self.literal(pattern.value)})"))
            return
        if pattern.kind != "op":
            return
        row = pattern.op
        assert row is not None, "a pattern of kind op has an op"
        self.placed[id(pattern)] = at
        if at != "n":
            steps.append(("if", f"{op_of} is {self.give('OP', row)}"))
        self.sources(pattern, at, steps, swapped)

    def sources(self, pattern: Pattern, at: str, steps: _Steps, swapped: set[int]) -> None:
        """Argument and sources of an op."""
        row = pattern.op
        assert row is not None, "a pattern of kind op has an op"
        if row in (ops.CAST, ops.BITCAST) and isinstance(pattern.arg, DType):
            steps.append(("if", f"{at}.dtype is {self.give('D', pattern.arg)}"))
        elif pattern.arg is not None and row not in (ops.CAST, ops.BITCAST):
            steps.append(("if", f"{at}.arg == {self.give('A', pattern.arg)}"))
        if row.arity is None and pattern.src:
            steps.append(("if", f"len({at}.src) == {len(pattern.src)}"))
        order = (1, 0) if id(pattern) in swapped else range(len(pattern.src))
        if at != "n" or row.arity is None:
            steps.extend(("set", f"{at}_{i} = {at}.src[{i}]") for i in range(len(pattern.src)))
        for source, i in zip(pattern.src, order, strict=True):
            self.tests(source, f"{at}_{i}", steps, swapped)

    def dtypes(self, row: Rule, steps: _Steps) -> None:
        """The conditions that are sets of dtypes."""
        about = "n_0" if self.op.dtype == "bool" else "n"
        for part in row.when:
            if isinstance(part, Dtypes):
                steps.append(("if", f"{about}.dtype in {self.give('S', part.rows)}"))

    def literal(self, value: Number | None) -> str:
        """A number as text or, if it has none, as a name."""
        plain = isinstance(value, int) or (value is not None and abs(value) < 1e300)
        return repr(value) if plain else self.give("L", value)

    def leaf(self, row: Rule, steps: _Steps) -> list[str]:
        """The conditions that are asked last, and the result."""
        lines: list[str] = []
        indent = 0
        conditions = [self.condition(part) for part in row.when if not isinstance(part, Dtypes)]
        if row.exact:
            conditions.extend(f"EXACT({at})" for at in self.wrapping(row.pattern))
        for text in conditions:
            lines.append(" " * indent + f"if {text}:")
            indent += 1
        body, done = self.result(row)
        if isinstance(row.result, Pattern):
            body.append(f"r = {done}")
        body.append("if r.shape != n.shape: r = LIKE(r, n)")
        body.append("?if r is not None:")
        done = "r"
        body.append(f"if fired is not None: fired[{row.name!r}] = fired.get({row.name!r}, 0) + 1")
        body.append(f"return {done}")
        return lines + [" " * indent + line for line in _guarded(body)]

    def wrapping(self, pattern: Pattern) -> list[str]:
        """The matched nodes that must not wrap: sums and products below something that is neither."""
        found: list[str] = []

        def visit(part: Pattern, below: bool) -> None:
            if part.kind != "op":
                return
            ring = part.op in RING
            if below and (ring or part.op in (ops.SHL, ops.IDIV)):
                found.append(self.placed[id(part)])
            for source in part.src:
                visit(source, below or not ring)

        visit(pattern, False)
        return found

    def condition(self, part: Any) -> str:
        """A condition as an expression."""
        if isinstance(part, Pattern):
            return self.value(part)
        return f"{self.give('F', part)}({self.arguments(part)})"

    def arguments(self, function: Callable[..., Any]) -> str:
        """What a function of variables is called with: nodes, values of constants, the root, the context."""
        given = []
        for name in inspect.signature(function).parameters:
            if name == "ctx":
                given.append("ctx")
            else:
                given.append(f"{self.paths[name]}.arg" if name in self.constants else self.paths[name])
        return ", ".join(given)

    def value(self, part: Pattern) -> str:
        """A condition or fold as a Python expression of values."""
        if part.kind == "literal":
            return self.literal(part.value)
        if part.kind == "const":
            return f"{self.paths[str(part.name)]}.arg"
        if part.kind in ("lo", "hi"):
            return f"BOUNDS({self.paths[str(part.src[0].name)]})[{int(part.kind == 'hi')}]"
        assert part.op in _PYTHON, f"{part!r} is not computed by rules"
        return _PYTHON[part.op].format(*map(self.value, part.src))

    def result(self, row: Rule) -> tuple[list[str], str]:
        """The lines that build a result, and its expression."""
        if not isinstance(row.result, Pattern):
            call = f"r = {self.give('F', row.result)}({self.arguments(row.result)})"
            return [call, "?if r is not None:"], "r"
        lines: list[str] = []
        made, _ = self.build(row.result, "n.dtype", lines, row.exact, False)
        return lines, made

    def build(self, part: Pattern, like: str, lines: list[str], whole: bool, below: bool) -> tuple[str, str]:
        """A result as an expression, and its dtype."""
        if part.kind in ("any", "const"):
            at = self.paths[str(part.name)]
            return at, f"{at}.dtype"
        if part.kind == "literal":
            return f"const({self.literal(part.value)}, {like})", like
        if part.kind == "fold":
            value = self.value(part.src[0])
            if whole:
                self.temporary += 1
                lines.append(f"k{self.temporary} = {value}")
                lines.append(f"?if FITS(k{self.temporary}, k{self.temporary}, {like}):")
                value = f"k{self.temporary}"
            return f"const({value}, {like})", like
        return self.build_op(part, like, lines, whole, below)

    def build_op(
        self, part: Pattern, like: str, lines: list[str], whole: bool, below: bool
    ) -> tuple[str, str]:
        """An op of a result."""
        row = part.op
        assert row is not None, f"{part!r} is no result"
        if part.name in self.paths:
            return self.paths[str(part.name)], f"{self.paths[str(part.name)]}.dtype"
        given = self.dtype_of(part)
        inner = given if row.dtype == "bool" or given else like
        if row.dtype == "bool":
            inner = next((d for d in map(self.dtype_of, part.src) if d), like)
        sources = []
        for i, source in enumerate(part.src):
            wants = "BOOL" if row is ops.SELECT and i == 0 else (inner or like)
            sources.append(self.build(source, wants, lines, whole, below or row not in RING)[0])
        dtype = "BOOL" if row.dtype == "bool" else (given or like)
        lines_of = f"UOp({self.give('OP', row)}, {dtype}, ({', '.join(sources)},))"
        if whole and below and row in RING:
            self.temporary += 1
            lines.append(f"k{self.temporary} = {lines_of}")
            lines.append(f"?if EXACT(k{self.temporary}):")
            return f"k{self.temporary}", dtype
        return lines_of, dtype

    def dtype_of(self, part: Pattern) -> str | None:
        """The dtype of a result as an expression; None if only its surroundings tell."""
        if part.name in self.paths:
            return f"{self.paths[str(part.name)]}.dtype"
        row = part.op
        if row is None:
            return None
        if row.dtype == "bool":
            return "BOOL"
        if row in (ops.CAST, ops.BITCAST):
            return f"{self.paths[part.arg]}.dtype" if isinstance(part.arg, str) else self.give("D", part.arg)
        sources = part.src[1:] if row is ops.SELECT else part.src
        return next((d for d in map(self.dtype_of, sources) if d), None)


def _guarded(body: Sequence[str]) -> list[str]:
    """Indent what follows each line that is marked as a guard."""
    lines, indent = [], 0
    for line in body:
        if line.startswith("?"):
            lines.append(" " * indent + line[1:])
            indent += 1
        else:
            lines.append(" " * indent + line)
    return lines


def _nest(ways: Sequence[_Steps], depth: int, at: int = 0) -> list[str]:
    """The lines of several ways from their step `at` on; neighbours that begin alike share their tests."""
    lines: list[str] = []
    pad = " " * depth
    i = 0
    while i < len(ways):
        way = ways[i]
        if len(way) == at:
            lines.extend(pad + line for line in way.leaf)
            i += 1
            continue
        alike = i
        while alike < len(ways) and len(ways[alike]) > at and ways[alike][at] == way[at]:
            alike += 1
        kind, text = way[at]
        lines.append(pad + (text if kind == "set" else f"if {text}:"))
        lines.extend(_nest(ways[i:alike], depth + (kind == "if"), at + 1))
        i = alike
    return lines
