"""Integer sums as linear forms: what sums, divisions, remainders and comparisons of sums have in common.

A `Sum` is constant + sum of coefficient * atom, where an atom is any node that is no sum or multiple
itself. Sums are laws of every width (they hold modulo 2**bits); divisions, remainders and comparisons are
laws of unbounded integers, so their functions (division.py, compare.py) first ask `Sum.bounds`, and give
up if the form may leave its dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from baregrad.dtype import DType, wrap
from baregrad.ir import ops
from baregrad.ir.bounds import Interval, bounds
from baregrad.ir.order import order_key
from baregrad.ir.uop import UOp, const

LIMIT = 24  # terms; longer sums stay as they are written, so that a chain of n terms costs n, not n * n


class Sum:
    """constant + sum(coefficient * atom)."""

    __slots__ = ("constant", "dtype", "terms")

    def __init__(self, dtype: DType, terms: dict[UOp, int], constant: int = 0) -> None:
        self.dtype, self.terms, self.constant = dtype, terms, constant

    def bounds(self) -> Interval:
        """The least and greatest value over unbounded integers."""
        low = high = self.constant
        for atom, factor in self.terms.items():
            a, b = atom._bounds or bounds(atom)
            if factor > 0:
                low, high = low + factor * a, high + factor * b
            else:
                low, high = low + factor * b, high + factor * a
        return low, high

    def fits(self) -> bool:
        """Whether the form surely stays inside its dtype, so that it is the node's true value."""
        low, high = self.bounds()
        return low >= self.dtype.min and high <= self.dtype.max

    def add(self, node: UOp, factor: int = 1) -> bool:
        """Add a multiple of a node, taken apart; False if that gives too many terms."""
        stack = [(node, factor)]
        while stack:
            node, factor = stack.pop()
            op = node.op
            if op is ops.ADD:
                stack += ((node.src[1], factor), (node.src[0], factor))
            elif op is ops.CONST:
                self.constant += factor * node.arg
            elif op is ops.MUL and node.src[1].op is ops.CONST:
                stack.append((node.src[0], factor * node.src[1].arg))
            elif op is ops.SUB:
                stack += ((node.src[1], -factor), (node.src[0], factor))
            elif op is ops.NEG:
                stack.append((node.src[0], -factor))
            else:
                self.put(node, factor)
                if len(self.terms) > LIMIT or len(stack) > LIMIT:
                    return False
        return True

    def put(self, atom: UOp, factor: int) -> None:
        """Add a multiple of an atom."""
        total = self.terms.get(atom, 0) + factor
        if total:
            self.terms[atom] = total
        else:
            self.terms.pop(atom, None)

    def wrapped(self) -> Sum:
        """The form with its numbers brought into the dtype: the same value modulo 2**bits."""
        dtype = self.dtype
        numbers = (self.constant, *self.terms.values())
        if min(numbers) >= dtype.min and max(numbers) <= dtype.max:
            return self
        terms = {atom: wrap(dtype, factor) for atom, factor in self.terms.items()}
        return Sum(
            dtype, {atom: factor for atom, factor in terms.items() if factor}, wrap(dtype, self.constant)
        )

    def node(self) -> UOp:
        """The canonical node: terms in order, each atom times a constant, the constant last."""
        terms = self.terms
        dtype = self.dtype
        total: UOp | None = None
        for atom in sorted(terms, key=order_key) if len(terms) > 1 else terms:
            factor = terms[atom]
            part = atom if factor == 1 else UOp(ops.MUL, dtype, (atom, const(factor, dtype)))
            total = part if total is None else UOp(ops.ADD, dtype, (total, part))
        if total is None:
            return const(self.constant, dtype)
        return total if not self.constant else UOp(ops.ADD, dtype, (total, const(self.constant, dtype)))

    def copy(self) -> Sum:
        """A form of its own."""
        return Sum(self.dtype, dict(self.terms), self.constant)

    def divided(self, by: int) -> Sum:
        """Every number floor-divided: exact where all coefficients are multiples."""
        return Sum(self.dtype, {a: f // by for a, f in self.terms.items()}, self.constant // by)

    def split(self, by: int) -> tuple[Sum, Sum]:
        """The terms whose coefficients are multiples of `by`, and the others with the constant."""
        whole = {a: f for a, f in self.terms.items() if not f % by}
        rest = {a: f for a, f in self.terms.items() if f % by}
        return Sum(self.dtype, whole), Sum(self.dtype, rest, self.constant)

    def factors(self, of: int = 0) -> Iterable[int]:
        """The coefficients' greatest common divisors with `of` that are above 1, the greatest first."""
        return sorted({g for g in (gcd(f, of) for f in self.terms.values()) if g > 1}, reverse=True)


def sum_of(node: UOp, minus: UOp | None = None) -> Sum | None:
    """A node (less another) as a form; None if it has too many terms, or is no scalar."""
    if node.shape:
        return None  # the constants of a vector are vectors
    form = Sum(node.dtype, {})
    if not form.add(node):
        return None
    return form if minus is None or form.add(minus, -1) else None


def canonical_sum(root: UOp) -> UOp | None:
    """ADD, SUB, MUL by a constant and NEG in one form: like terms joined, x // n * n + x % n joined."""
    form = sum_of(root)
    if form is None:
        return None
    if any(atom.op is ops.MOD for atom in form.terms):
        while len(form.terms) > 1 and _join_division(form):
            pass
    made = form.wrapped().node()
    return None if made is root else made


def _join_division(form: Sum) -> bool:
    """f*(x % n) + f*n*(y // n) -> f*y if n divides x - y; f*(x % n) + f*n*((y // n) % m) -> f*(y % (n*m))."""
    for low, factor in form.terms.items():
        if low.op is not ops.MOD or low.src[1].op is not ops.CONST or low.src[1].arg <= 0:
            continue
        n = low.src[1].arg
        for high, other in form.terms.items():
            if other != factor * n:
                continue
            inner = high.src[0] if high.op is ops.MOD and high.src[1].op is ops.CONST else high
            if inner.op is not ops.IDIV or inner.src[1].op is not ops.CONST or inner.src[1].arg != n:
                continue
            x, y = inner.src[0], low.src[0]
            if x is y or _congruent(x, y, n):
                return _replace(form, low, high, factor, x)
    return False


def _congruent(x: UOp, y: UOp, n: int) -> bool:
    """Whether x - y is a multiple of n over unbounded integers."""
    if not (_fitting(x) and _fitting(y)):
        return False
    difference = sum_of(x, y)
    return (
        difference is not None
        and not difference.constant % n
        and all(not factor % n for factor in difference.terms.values())
    )


def _fitting(node: UOp) -> bool:
    form = sum_of(node)
    return form is not None and form.fits()


def _replace(form: Sum, low: UOp, high: UOp, factor: int, x: UOp) -> bool:
    n = low.src[1].arg
    dtype = form.dtype
    if high.op is ops.IDIV:
        joined = x
    else:
        m = high.src[1].arg
        if m <= 0 or n * m > dtype.max:
            return False
        joined = UOp(ops.MOD, dtype, (x, const(n * m, dtype)))
    del form.terms[low], form.terms[high]
    return form.add(joined, factor)
