"""Symbolic sizes: integer expressions over variables, in one canonical form.

A `Variable` is a name with bounds; bound to a value it becomes a `Symbolic`, which may stand wherever a size
or an offset may. A Symbolic is a polynomial with integer coefficients, so that equal sizes are equal objects
(n + n is 2 * n) and `+ - * // %` give an int again where they can. `==` asks whether two sizes are the same
for all values; `<` and its like are decided by the bounds, or refused. Nothing here knows UOps: symbolic.py
turns sizes into index arithmetic and takes bindings out of graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import lcm
from typing import Any, NamedTuple

from baregrad.base.errors import ShapeError

MOST = 1 << 62
NO: Any = NotImplemented  # what an operator says to an operand that it does not know


@dataclass(frozen=True, slots=True)
class Variable:
    """A size that is chosen later: from min to max, both included; `value` is what it is bound to.

    >>> n = Variable("n", 1, 1024).bind(10)
    >>> n + 1, (n * 4 // 2).value, n - n
    ((n + 1)=11, 20, 0)
    """

    name: str
    min: int
    max: int
    value: int | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ShapeError(
                f"a variable named {self.name!r}", why="a name is letters and digits", mend='use "n", say'
            )
        numbers = (self.min, self.max, self.min if self.value is None else self.value)
        if any(type(number) is not int for number in numbers):
            raise ShapeError(
                f"variable {self.name} from {self.min!r} to {self.max!r}, bound to {self.value!r}",
                why="a variable is an integer",
                mend="give ints",
            )
        if not 0 <= self.min <= self.max < MOST:
            raise ShapeError(
                f"variable {self.name} from {self.min} to {self.max}",
                why="0 <= min <= max",
                mend="give such bounds",
            )
        if self.value is not None and not self.min <= self.value <= self.max:
            raise ShapeError(
                f"{self.name} bound to {self.value}",
                why=f"the variable goes from {self.min} to {self.max}",
                mend="bind it to a number within, or declare wider bounds",
            )

    def bind(self, value: int) -> Symbolic:
        """The variable with a value, as a size.

        Errors: ShapeError outside of min..max, or if it is bound already.
        """
        if self.value is not None:
            raise ShapeError(f"{self.name} is bound to {self.value}", why="once", mend="bind the first one")
        return sized(replace(self, value=value))

    @property
    def free(self) -> Variable:
        """The variable without its value."""
        return self if self.value is None else Variable(self.name, self.min, self.max)

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value}"


class Part(NamedTuple):
    """x // d or x % d where that is no polynomial."""

    op: str  # "//" or "%"
    x: int | Symbolic  # not both are ints
    d: int | Symbolic


Atom = Variable | Part
Product = tuple[Atom, ...]  # in the order of their text
Terms = dict[Product, int]
Amount = Any  # int or Symbolic: an alias of the union would make every caller narrow it


class Symbolic:
    """A size: the sum of coefficients times products of variables, and a constant. Made by arithmetic."""

    __slots__ = ("_bounds", "_hash", "constant", "terms")

    def __init__(self, terms: tuple[tuple[Product, int], ...], constant: int) -> None:
        self.terms, self.constant = terms, constant
        self._hash = hash((terms, constant))
        self._bounds: tuple[int, int] | None = None

    # -- facts -------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Symbolic) or self._hash != other._hash:
            return False
        return self.constant == other.constant and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    @property
    def variables(self) -> dict[str, Variable]:
        """The variables by name. Errors: ShapeError if one is bound to two values."""
        found: dict[str, Variable] = {}
        for variable in _variables(self):
            _note(found, variable)
        return found

    @property
    def min(self) -> int:
        """A bound from below; the least value where each variable stands once."""
        return self._range()[0]

    @property
    def max(self) -> int:
        """A bound from above; the greatest value where each variable stands once."""
        return self._range()[1]

    @property
    def value(self) -> int:
        """The number that it is as its variables are bound. A captured step refuses it: a replay would keep
        it for ever.

        Errors: ShapeError for a variable that is not bound.
        """
        return int(self.map(_value_of))

    def _range(self) -> tuple[int, int]:
        if self._bounds is None:
            low = high = self.constant
            for product, coefficient in self.terms:
                ends = [coefficient]
                for atom in product:
                    least, greatest = _atom_range(atom)
                    ends = [a * b for a in ends for b in (least, greatest)]
                low, high = low + min(ends), high + max(ends)
            floors = [(p[0], c) for p, c in self.terms if len(p) == 1 and _is_floor(p[0])]
            if floors and len(self.terms) > 1:
                low, high = max(low, _unfloored(self, floors, 0)), min(high, _unfloored(self, floors, 1))
            self._bounds = low, high
        return self._bounds

    def map(self, function: Callable[[Variable], Amount]) -> Amount:
        """The size with each variable replaced: by a variable, a size or a number."""
        total: Amount = self.constant
        for product, coefficient in self.terms:
            value: Amount = coefficient
            for atom in product:
                value = value * _mapped(atom, function)
            total = total + value
        return total

    def __repr__(self) -> str:
        whole = self.text()
        if any(variable.value is None for variable in _variables(self)):
            return whole
        single = self.constant == 0 and len(self.terms) == 1 and self.terms[0][1] == 1
        return f"{whole}={self.value}" if single and len(self.terms[0][0]) == 1 else f"({whole})={self.value}"

    def text(self) -> str:
        """The expression, without values."""
        words = []
        for product, coefficient in self.terms:
            name = " * ".join(_atom_text(atom) for atom in product)
            words.append(name if coefficient == 1 else f"{coefficient} * {name}")
        if self.constant:
            words.append(str(self.constant))
        return " + ".join(words).replace("+ -", "- ")

    # -- what Python asks of numbers ---------------------------------------------------------------------

    def __index__(self) -> int:
        raise ShapeError(
            f"the symbolic size {self!r} is used as a Python number",
            why="code for all values of a variable can't depend on one of them",
            mend="keep it symbolic, or take .value where the number of this binding is meant",
        )

    def __int__(self) -> int:
        return self.__index__()

    def __float__(self) -> float:
        return float(self.__index__())

    def __bool__(self) -> bool:
        return self._decide("!=", self.min > 0 or self.max < 0, self.min == self.max == 0, 0)

    def _decide(self, sign: str, yes: bool, no: bool, other: Amount) -> bool:
        if yes or no:
            return yes
        raise ShapeError(
            f"whether {self!r} {sign} {other!r} depends on values",
            why=f"{self.text()} goes from {self.min} to {self.max}, and one program serves all values",
            mend="declare the variables with bounds that decide it",
        )

    def __truediv__(self, other: object) -> Amount:
        """What is no size: a fraction of one. A tensor is divided by a size as by a number."""
        if not isinstance(other, int | float | Symbolic):
            return NO
        raise ShapeError(
            f"the symbolic size {self!r} and {other!r} in a division",
            why="a fraction of a symbolic size is no number, and no size",
            mend="use // for a size, or divide a tensor by it",
        )

    __rtruediv__ = __truediv__

    # fmt: off
    def __lt__(self, other: Amount) -> bool: return _less(self, other, "<", self, other, 0)
    def __le__(self, other: Amount) -> bool: return _less(self, other, "<=", self, other, 1)
    def __gt__(self, other: Amount) -> bool: return _less(self, other, ">", other, self, 0)
    def __ge__(self, other: Amount) -> bool: return _less(self, other, ">=", other, self, 1)

    def __add__(self, other: Amount) -> Amount: return _sum(self, other, 1) if _fits(other) else NO
    def __sub__(self, other: Amount) -> Amount: return _sum(self, other, -1) if _fits(other) else NO
    def __rsub__(self, other: Amount) -> Amount: return _sum(-self, other, 1) if _fits(other) else NO
    def __mul__(self, other: Amount) -> Amount: return _times(self, other) if _fits(other) else NO
    def __neg__(self) -> Amount: return _times(self, -1)
    def __floordiv__(self, other: Amount) -> Amount: return self.__divmod__(other)[0]
    def __rfloordiv__(self, other: Amount) -> Amount: return self.__rdivmod__(other)[0]
    def __mod__(self, other: Amount) -> Amount: return self.__divmod__(other)[1]
    def __rmod__(self, other: Amount) -> Amount: return self.__rdivmod__(other)[1]
    # fmt: on

    __radd__ = __add__
    __rmul__ = __mul__

    def __divmod__(self, other: Amount) -> tuple[Amount, Amount]:
        return _divided(self, other) if _fits(other) else (NO, NO)

    def __rdivmod__(self, other: Amount) -> tuple[Amount, Amount]:
        return _divided(other, self) if _fits(other) else (NO, NO)


def sized(variable: Variable) -> Symbolic:
    """A variable as a size."""
    return Symbolic((((variable,), 1),), 0)


def bounds_of(size: Amount) -> tuple[int, int]:
    """The least and greatest value of a size."""
    return (size.min, size.max) if isinstance(size, Symbolic) else (size, size)


def most(size: Amount) -> int:
    """The greatest value of a size: what memory and estimates count with."""
    return size.max if isinstance(size, Symbolic) else int(size)


def value_of(size: Amount) -> int:
    """The number that a size is as its variables are bound."""
    return size.value if isinstance(size, Symbolic) else int(size)


def free_of(size: Amount) -> Amount:
    """A size without the values that its variables are bound to."""
    return size.map(lambda v: sized(v.free)) if isinstance(size, Symbolic) else size


def bound_to(size: Amount, values: Mapping[str, int]) -> Amount:
    """A size with its variables bound to values by name; those without one stay."""

    def bind(variable: Variable) -> Symbolic:
        value = values.get(variable.name, variable.value)
        return sized(Variable(variable.name, variable.min, variable.max, value))

    return size.map(bind) if isinstance(size, Symbolic) else size


def gather_variables(sizes: Any, found: dict[str, Variable]) -> None:
    """Note the variables in a (nested) tuple of sizes by name.

    Errors: ShapeError if two variables have one name, or one is bound to two values.
    """
    if isinstance(sizes, Symbolic):
        for variable in _variables(sizes):
            _note(found, variable)
    elif isinstance(sizes, tuple):
        for part in sizes:
            if not isinstance(part, int):
                gather_variables(part, found)


def _note(found: dict[str, Variable], variable: Variable) -> None:
    known = found.setdefault(variable.name, variable)
    if known == variable:
        return
    if known.free != variable.free:
        raise ShapeError(
            f"two variables named {variable.name}",
            why=f"one goes from {known.min} to {known.max}, the other from {variable.min} to {variable.max}",
            mend="give each variable a name of its own",
        )
    raise ShapeError(
        f"{variable.name} is {known.value} and {variable.value} in one expression",
        why="a variable has one value in a program",
        mend="realize() one of them first, or use two variables",
    )


def _variables(size: Amount) -> Iterator[Variable]:
    if isinstance(size, Symbolic):
        for product, _ in size.terms:
            for atom in product:
                if isinstance(atom, Variable):
                    yield atom
                else:
                    yield from _variables(atom.x)
                    yield from _variables(atom.d)


def _value_of(variable: Variable) -> int:
    if variable.value is None:
        raise ShapeError(
            f"variable {variable.name} has no value",
            why="a size is a number only while its variables are bound",
            mend=f"bind it: {variable.name}.bind({variable.min})",
        )
    return variable.value


# -- atoms -----------------------------------------------------------------------------------------------


def _atom_range(atom: Atom) -> tuple[int, int]:
    if isinstance(atom, Variable):
        return atom.min, atom.max
    (low, high), (least, greatest) = bounds_of(atom.x), bounds_of(atom.d)
    if atom.op == "%":
        return (0, min(greatest - 1, high)) if low >= 0 else (0, greatest - 1)
    ends = [a // b for a in (low, high) for b in (least, greatest)]
    return min(ends), max(ends)


def _is_floor(atom: Atom) -> bool:
    return isinstance(atom, Part) and atom.op == "//" and isinstance(atom.d, int)


def _unfloored(size: Symbolic, floors: list[tuple[Any, int]], end: int) -> int:
    """A bound of a sum with x // d in it, from x / d - 1 < x // d <= x / d: n // 2 - n is below 0."""
    scale = lcm(*(atom.d for atom, _ in floors))
    total: Amount = size * scale
    for atom, coefficient in floors:
        exact = atom.x if (coefficient > 0) == (end == 1) else atom.x - (atom.d - 1)
        total = total + (exact - _atom("//", atom.x, atom.d) * atom.d) * (coefficient * (scale // atom.d))
    low, high = bounds_of(total)
    return high // scale if end else -(-low // scale)


def _atom_text(atom: Atom) -> str:
    if isinstance(atom, Variable):
        return atom.name
    parts = [x.text() if isinstance(x, Symbolic) else str(x) for x in (atom.x, atom.d)]
    left, right = (part if part.isalnum() else f"({part})" for part in parts)
    return f"({left} {atom.op} {right})"


def _mapped(atom: Atom, function: Callable[[Variable], Amount]) -> Amount:
    if isinstance(atom, Variable):
        found = function(atom)
        return sized(found) if isinstance(found, Variable) else found
    x, d = (part.map(function) if isinstance(part, Symbolic) else part for part in (atom.x, atom.d))
    return x // d if atom.op == "//" else x % d


def _rank(product: Product) -> tuple[int, list[str]]:
    return -len(product), [_atom_text(atom) for atom in product]


# -- arithmetic ------------------------------------------------------------------------------------------


def _fits(other: object) -> bool:
    """Whether arithmetic with this is that of sizes. Errors: ShapeError for a variable without a value."""
    if isinstance(other, Variable):
        raise ShapeError(
            f"variable {other} among sizes", why="it has no value", mend=f"{other.name}.bind({other.min})"
        )
    return isinstance(other, int | Symbolic)


def _read(size: Amount) -> tuple[Terms, int]:
    return (dict(size.terms), size.constant) if isinstance(size, Symbolic) else ({}, int(size))


def _made(terms: Terms, constant: int) -> Amount:
    items = [item for item in terms.items() if item[1]]
    if not items:
        return constant
    if len(items) > 1:
        items.sort(key=lambda item: _rank(item[0]))
    return Symbolic(tuple(items), constant)


def _sum(a: Amount, b: Amount, factor: int) -> Amount:
    (terms, constant), (more, plus) = _read(a), _read(b)
    for product, coefficient in more.items():
        terms[product] = terms.get(product, 0) + factor * coefficient
    return _made(terms, constant + factor * plus)


def _times(a: Amount, b: Amount) -> Amount:
    (left, x), (right, y) = _read(a), _read(b)
    terms: Terms = {}
    for one, c in (*left.items(), ((), x)):
        for other, d in (*right.items(), ((), y)):
            if c * d:
                product = tuple(sorted((*one, *other), key=_atom_text)) if one and other else one or other
                terms[product] = terms.get(product, 0) + c * d
    return _made(terms, terms.pop((), 0))


def _divided(x: Amount, d: Amount) -> tuple[Amount, Amount]:
    """x // d and x % d: what divides as a polynomial is divided; bounds decide the rest, or it is a Part."""
    low, high = bounds_of(d)
    if low <= 0:
        raise ShapeError(
            f"division of {x!r} by {d!r}",
            why=f"the divisor goes from {low} to {high}, and a size is divided by 1 or more",
            mend="declare the variables with a min above 0",
        )
    quotient, rest = _polynomial(x, d)
    least, greatest = bounds_of(rest)
    if isinstance(d, int) and least // d == greatest // d:
        more: Amount = least // d
    elif least >= 0 and greatest < low:
        more = 0
    else:
        return quotient + _atom("//", rest, d), _atom("%", rest, d)
    return quotient + more, rest - d * more


def _atom(op: str, x: Amount, d: Amount) -> Symbolic:
    return Symbolic((((Part(op, x, d),), 1),), 0)


def _polynomial(x: Amount, d: Amount) -> tuple[Amount, Amount]:
    """q and r of x = q * d + r: as many terms of x as the first term of d divides."""
    (terms, constant), (divisor, plus) = _read(x), _read(d)
    if not divisor:
        whole = {product: abs(c) // plus * (1 if c > 0 else -1) for product, c in terms.items()}
        rest = {product: c - whole[product] * plus for product, c in terms.items()}
        return _made(whole, constant // plus), _made(rest, constant % plus)
    lead, factor = min(divisor.items(), key=lambda item: _rank(item[0]))
    quotient: Amount = 0
    for _ in range(64):  # each step takes one term away; sizes have a few
        terms, _rest = _read(x)
        found = next(((p, c) for p, c in terms.items() if c % factor == 0 and _without(p, lead) is not None),
                     None)  # fmt: skip
        if found is None:
            break
        left = _without(found[0], lead)
        assert left is not None, "it divides"
        step = _made({left: found[1] // factor}, 0) if left else found[1] // factor
        quotient, x = quotient + step, x - step * d
    return quotient, x


def _without(product: Product, lead: Product) -> Product | None:
    """A product divided by another one; None where it does not divide."""
    left = list(product)
    for atom in lead:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _less(asked: Symbolic, other: Amount, sign: str, a: Amount, b: Amount, slack: int) -> bool:
    """Whether a < b + slack for all values, or for none."""
    if not _fits(other):
        return NO  # type: ignore[no-any-return]  # Python asks the other operand then
    difference = _sum(a, b, -1)
    low, high = bounds_of(difference)
    return asked._decide(sign, high < slack, low >= slack, other)
