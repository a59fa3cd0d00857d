"""Patterns: the little language that rewrite rules are written in. Both sides of a rule, and its condition,
are patterns.

`any_("x")` matches anything, `const("c")` a constant, operators and the functions below match ops; a
variable that stands twice must be the same node twice. A result is a pattern over the same variables,
with `fold(...)` around what is computed from constants. A condition is a comparison of constants and of
`lo(x)`, `hi(x)`, the bounds of a variable; so a solver can read all of a rule. match.py compiles tables
of rules; tests/rules proves them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from baregrad import dtype as dt
from baregrad.dtype import DType, Kind
from baregrad.ir import ops
from baregrad.ir.ops import Op

Number = bool | int | float


@dataclass(frozen=True, slots=True)
class Dtypes:
    """A set of dtypes; as a condition it is about a rule's values (in a comparison: its sources)."""

    name: str
    rows: frozenset[DType]


ints = Dtypes("ints", frozenset(row for row in dt.ALL if row.is_int))
signed = Dtypes("signed", frozenset(row for row in dt.ALL if row.kind is Kind.INT))
floats = Dtypes("floats", frozenset(row for row in dt.ALL if row.is_float))
bools = Dtypes("bools", frozenset((dt.bool_,)))
bits = Dtypes("bits", ints.rows | bools.rows)
exact = Dtypes("exact", ints.rows)
# As `ints`, and what is added or multiplied below a division or comparison wraps on neither side.


class Pattern:
    """One node of a pattern: a variable, a literal, an op, or (in results) something computed."""

    __slots__ = ("arg", "dtypes", "kind", "name", "op", "src", "value")

    def __init__(self, kind: str, **facts: Any) -> None:  # Any: the slots, see below
        self.kind = kind  # any, const, literal, op, fold, lo, hi
        self.name: str | None = facts.get("name")
        self.op: Op | None = facts.get("op")
        self.src: tuple[Pattern, ...] = facts.get("src", ())
        self.value: Number | None = facts.get("value")
        self.dtypes: Dtypes | DType | Callable[..., DType] | None = facts.get("dtypes")
        self.arg: Any = facts.get("arg")  # Any: as UOp.arg

    def variables(self) -> set[str]:
        """The names that this pattern binds or uses."""
        return {part.name for part in self.parts() if part.name is not None}

    def parts(self) -> Iterator[Pattern]:
        """This pattern and all inside it, from the outside in."""
        yield self
        for source in self.src:
            yield from source.parts()

    def __repr__(self) -> str:
        if self.kind == "literal":
            return repr(self.value)
        if self.kind in ("any", "const"):
            return str(self.name)
        if self.kind != "op" or self.op is None:
            return f"{self.kind}({', '.join(map(repr, self.src))})"
        if self.op.symbol and len(self.src) == 2:
            return f"({self.src[0]!r} {self.op.symbol} {self.src[1]!r})"
        return f"{self.op.name}({', '.join(map(repr, self.src))})"

    # fmt: off
    def __add__(self, other: Pattern | Number) -> Pattern: return of(ops.ADD, self, other)
    def __radd__(self, other: Number) -> Pattern: return of(ops.ADD, other, self)
    def __sub__(self, other: Pattern | Number) -> Pattern: return of(ops.SUB, self, other)
    def __rsub__(self, other: Number) -> Pattern: return of(ops.SUB, other, self)
    def __mul__(self, other: Pattern | Number) -> Pattern: return of(ops.MUL, self, other)
    def __rmul__(self, other: Number) -> Pattern: return of(ops.MUL, other, self)
    def __truediv__(self, other: Pattern | Number) -> Pattern: return of(ops.DIV, self, other)
    def __rtruediv__(self, other: Number) -> Pattern: return of(ops.DIV, other, self)
    def __floordiv__(self, other: Pattern | Number) -> Pattern: return of(ops.IDIV, self, other)
    def __rfloordiv__(self, other: Number) -> Pattern: return of(ops.IDIV, other, self)
    def __mod__(self, other: Pattern | Number) -> Pattern: return of(ops.MOD, self, other)
    def __rmod__(self, other: Number) -> Pattern: return of(ops.MOD, other, self)
    def __and__(self, other: Pattern | Number) -> Pattern: return of(ops.AND, self, other)
    def __or__(self, other: Pattern | Number) -> Pattern: return of(ops.OR, self, other)
    def __xor__(self, other: Pattern | Number) -> Pattern: return of(ops.XOR, self, other)
    def __lshift__(self, other: Pattern | Number) -> Pattern: return of(ops.SHL, self, other)
    def __rlshift__(self, other: Number) -> Pattern: return of(ops.SHL, other, self)
    def __rshift__(self, other: Pattern | Number) -> Pattern: return of(ops.SHR, self, other)
    def __lt__(self, other: Pattern | Number) -> Pattern: return of(ops.CMPLT, self, other)
    def __le__(self, other: Pattern | Number) -> Pattern: return of(ops.CMPLE, self, other)
    def __gt__(self, other: Pattern | Number) -> Pattern: return of(ops.CMPLT, other, self)
    def __ge__(self, other: Pattern | Number) -> Pattern: return of(ops.CMPLE, other, self)
    def eq(self, other: Pattern | Number) -> Pattern: return of(ops.CMPEQ, self, other)  # noqa: D102
    def ne(self, other: Pattern | Number) -> Pattern: return of(ops.CMPNE, self, other)  # noqa: D102
    def __neg__(self) -> Pattern: return of(ops.NEG, self)
    def __invert__(self) -> Pattern: return of(ops.NOT, self)
    # fmt: on

    def __bool__(self) -> bool:
        raise TypeError(
            "a pattern has no truth value: join conditions with &, and write a < b < c as (a < b) & (b < c)"
        )


Source = Pattern | Number


def any_(name: str, dtypes: Dtypes | DType | None = None) -> Pattern:
    """Matches any node (of the dtypes)."""
    return Pattern("any", name=name, dtypes=dtypes)


def const(name: str, dtypes: Dtypes | DType | None = None) -> Pattern:
    """Matches a constant; in conditions and folds it is the value, in results the node."""
    return Pattern("const", name=name, dtypes=dtypes)


def of(
    row: Op, *src: Pattern | Number, name: str | None = None, arg: Any = None
) -> Pattern:  # Any: as UOp.arg
    """Matches a node of an op (whose argument is `arg`, if that is given), and gives it a name."""
    return Pattern("op", op=row, src=tuple(_pattern(part) for part in src), name=name, arg=arg)


def fold(value: Pattern | Number) -> Pattern:
    """In a result: a constant computed from constants."""
    return Pattern("fold", src=(_pattern(value),))


def lo(x: Pattern) -> Pattern:
    """In a condition: the least value that a variable can have."""
    return Pattern("lo", src=(x,))


def hi(x: Pattern) -> Pattern:
    """In a condition: the greatest value that a variable can have."""
    return Pattern("hi", src=(x,))


def cast(x: Pattern, dtype: DType | str | None = None, name: str | None = None) -> Pattern:
    """CAST; in results to a dtype, or to that of a variable (by name)."""
    return Pattern("op", op=ops.CAST, src=(x,), arg=dtype, name=name)


def bitcast(x: Pattern, dtype: DType | str | None = None, name: str | None = None) -> Pattern:
    """BITCAST; in results to a dtype, or to that of a variable (by name)."""
    return Pattern("op", op=ops.BITCAST, src=(x,), arg=dtype, name=name)


# fmt: off
def select(m: Source, a: Source, b: Source) -> Pattern: return of(ops.SELECT, m, a, b)  # noqa: D103
def fma(a: Source, b: Source, c: Source) -> Pattern: return of(ops.FMA, a, b, c)  # noqa: D103
def maximum(a: Source, b: Source) -> Pattern: return of(ops.MAX, a, b)  # noqa: D103
def minimum(a: Source, b: Source) -> Pattern: return of(ops.MIN, a, b)  # noqa: D103
def sqrt(a: Pattern) -> Pattern: return of(ops.SQRT, a)  # noqa: D103
def reciprocal(a: Pattern) -> Pattern: return of(ops.RECIPROCAL, a)  # noqa: D103
def exp(a: Pattern) -> Pattern: return of(ops.EXP, a)  # noqa: D103
def log(a: Pattern) -> Pattern: return of(ops.LOG, a)  # noqa: D103
def exp2(a: Pattern) -> Pattern: return of(ops.EXP2, a)  # noqa: D103
def log2(a: Pattern) -> Pattern: return of(ops.LOG2, a)  # noqa: D103
def tanh(a: Pattern) -> Pattern: return of(ops.TANH, a)  # noqa: D103
def trunc(a: Pattern) -> Pattern: return of(ops.TRUNC, a)  # noqa: D103
def floor(a: Pattern) -> Pattern: return of(ops.FLOOR, a)  # noqa: D103
# fmt: on


def _pattern(value: Pattern | Number) -> Pattern:
    return value if isinstance(value, Pattern) else Pattern("literal", value=value)
