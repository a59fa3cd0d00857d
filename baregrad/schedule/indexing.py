"""Index arithmetic: integer expressions over RANGEs, kept as sums of atoms with integer coefficients.

An atom is a RANGE, an IDIV or MOD by a constant, or anything that is not understood (a symbolic size). A
sum is written in one order only, so that equal indices are the same node. Division and remainder are
resolved by divisibility and bounds where they can be. What views do with indices is in views.py.

The same laws stand in ir/rules (sums.py, division.py), which take nodes apart and build them at each step.
Here sums stay apart between steps and results are remembered: a sum costs 2 µs and not 9, a division 3 to
8 µs and not 12 to 39, and a schedule makes thousands. What this leaves, `simplify` still finds in the kernel.
"""

from __future__ import annotations

from math import gcd

from baregrad import dtype as dt
from baregrad.ir import Size, UOp, index, ops

Form = tuple[dict[UOp, int], int]  # atoms with their coefficients, and the constant
Bounds = tuple[int, int]
WIDE: Bounds = (-(1 << 62), 1 << 62)
ZERO = index(0)
NONE: frozenset[UOp] = frozenset()


class Indexer:
    """Builds index expressions and remembers what it knows of them; one a call of schedule."""

    __slots__ = ("_atom_facts", "_built", "_chosen", "_divided", "_forms")

    def __init__(self) -> None:
        self._forms: dict[UOp, Form] = {}
        self._built: dict[tuple[object, ...], UOp] = {}
        self._divided: dict[tuple[UOp, int], tuple[UOp, UOp]] = {}
        self._atom_facts: dict[UOp, tuple[int, int, int, int]] = {}
        self._chosen: dict[UOp, frozenset[UOp]] = {}

    # -- forms -------------------------------------------------------------------------------------

    def form(self, node: UOp) -> Form:
        """The node as a sum. The dict is not to be changed."""
        known = self._forms.get(node)
        if known is None:
            known = ({}, node.arg) if node.op is ops.CONST else self._read(node)
            self._forms[node] = known
        return known

    def _read(self, node: UOp) -> Form:
        """The sum of a node that was not built here: sizes and bounds given by the user."""
        if node.op is ops.ADD:
            terms, constant = self.form(node.src[0])
            terms = dict(terms)
            return terms, constant + self._into(terms, node.src[1], 1)
        if node.op is ops.MUL and node.src[1].op is ops.CONST:
            terms = {}
            return terms, self._into(terms, node.src[0], node.src[1].arg)
        return {node: 1}, 0

    def _into(self, terms: dict[UOp, int], node: UOp, factor: int) -> int:
        """Add factor * node to terms; the constant that comes with it is returned."""
        more, constant = self.form(node)
        for atom, coefficient in more.items():
            terms[atom] = terms.get(atom, 0) + factor * coefficient
        return factor * constant

    def build(self, terms: dict[UOp, int], constant: int) -> UOp:
        """The node of a sum: big strides first, then the constant. Takes the dict."""
        if len(terms) > 1:
            terms, constant = self._joined(terms, constant)
        items = [item for item in terms.items() if item[1]]
        if not items:
            return index(constant)
        if len(items) > 1:
            items.sort(key=self._rank)
        key = (*items, constant)
        node = self._built.get(key)
        if node is None:
            node = self._sum(items, constant)
            self._built[key] = node
            self._forms[node] = (dict(items), constant)
        return node

    @staticmethod
    def _sum(items: list[tuple[UOp, int]], constant: int) -> UOp:
        total: UOp | None = None
        for atom, coefficient in items:
            term = atom if coefficient == 1 else UOp(ops.MUL, dt.int64, (atom, index(coefficient)))
            total = term if total is None else UOp(ops.ADD, dt.int64, (total, term))
        assert total is not None, "a sum without terms is a constant"
        return UOp(ops.ADD, dt.int64, (total, index(constant))) if constant else total

    def _rank(self, item: tuple[UOp, int]) -> tuple[int, int]:
        return -abs(item[1]), self._facts(item[0])[2]

    def _joined(self, terms: dict[UOp, int], constant: int) -> Form:
        """x // c * c * k + x % c * k is x * k again, and x * k - x // c * c * k is x % c * k."""
        for atom in list(terms):
            factor = terms[atom]
            if (
                not factor
                or (atom.op is not ops.MOD and atom.op is not ops.IDIV)
                or atom.src[1].op is not ops.CONST
            ):
                continue
            whole, divisor = atom.src[0], atom.src[1].arg
            quotient, part = self.divmod(whole, divisor)
            if atom.op is ops.MOD:
                if terms.get(quotient) != factor * divisor:
                    continue
                terms = dict(terms)
                terms[quotient] = terms[atom] = 0
            elif (
                factor % divisor
                or part.op is not ops.MOD
                or not self._holds(terms, whole, factor := -factor // divisor)
            ):
                continue
            else:
                terms = dict(terms)
                terms[atom] = 0
                constant += self._into(terms, part, factor)
                factor = -factor
            constant += self._into(terms, whole, factor)
        return terms, constant

    def _holds(self, terms: dict[UOp, int], node: UOp, factor: int) -> bool:
        """Whether factor * node is a part of a sum."""
        return all(
            terms.get(atom) == factor * coefficient for atom, coefficient in self.form(node)[0].items()
        )

    # -- facts -------------------------------------------------------------------------------------

    def _facts(self, atom: UOp) -> tuple[int, int, int, int]:
        """Least and greatest value of an atom, the number of the innermost RANGE in it (-1: none), and how
        deep divisions are nested in it.
        """
        known = self._atom_facts.get(atom)
        if known is None:
            known = self._atom_facts[atom] = self._find_facts(atom)
        return known

    def _find_facts(self, atom: UOp) -> tuple[int, int, int, int]:
        if atom.op is ops.RANGE:
            size = atom.src[0]
            return 0, (size.arg - 1 if size.op is ops.CONST else WIDE[1]), atom.arg[0], 0
        deepest = max((self.deepest(source) for source in atom.src), default=-1)
        if atom.op is ops.CHOSEN:
            size = atom.arg[1]
            return 0, (size - 1 if isinstance(size, int) else WIDE[1]), deepest, 0
        nested = 1 + max((self.nested(source) for source in atom.src), default=0)
        if atom.op in (ops.IDIV, ops.MOD) and atom.src[1].op is ops.CONST:
            divisor = atom.src[1].arg
            low, high = self.bounds(atom.src[0])
            bounds = (low // divisor, high // divisor) if atom.op is ops.IDIV else (0, divisor - 1)
            return (*bounds, deepest, nested)
        return (*WIDE, deepest, nested)

    def bounds(self, node: UOp) -> Bounds:
        """Least and greatest value."""
        terms, low = self.form(node)
        high = low
        for atom, coefficient in terms.items():
            least, greatest, _, _ = self._facts(atom)
            if coefficient < 0:
                least, greatest = greatest, least
            low += coefficient * least
            high += coefficient * greatest
        return low, high

    def deepest(self, node: UOp) -> int:
        """The number of the innermost RANGE that the node depends on; -1 when on none."""
        if node.op is ops.CONST:
            return -1
        if node.op is ops.RANGE:
            return int(node.arg[0])
        return max((self._facts(atom)[2] for atom in self.form(node)[0]), default=-1)

    def chosen(self, node: UOp) -> frozenset[UOp]:
        """The indices that are values which an index or a condition depends on."""
        known = self._chosen.get(node)
        if known is None:
            found = frozenset((node,)) if node.op is ops.CHOSEN else NONE
            for source in node.src:
                found |= self.chosen(source)
            known = self._chosen[node] = found
        return known

    def nested(self, node: UOp) -> int:
        """How deep divisions and remainders are nested."""
        return max((self._facts(atom)[3] for atom in self.form(node)[0]), default=0)

    # -- arithmetic --------------------------------------------------------------------------------

    def add(self, node: UOp, amount: Size) -> UOp:
        """node + amount."""
        if type(amount) is int and amount == 0:
            return node
        terms, constant = self.form(node)
        terms = dict(terms)
        constant += self._into(terms, amount, 1) if isinstance(amount, UOp) else amount
        return self.build(terms, constant)

    def reflect(self, node: UOp, size: Size) -> UOp:
        """size - 1 - node."""
        terms: dict[UOp, int] = {}
        constant = self._into(terms, node, -1) - 1
        constant += self._into(terms, size, 1) if isinstance(size, UOp) else size
        return self.build(terms, constant)

    def combine(self, constant: int, steps: tuple[int, ...], indices: tuple[UOp, ...]) -> UOp:
        """constant + steps . indices."""
        terms: dict[UOp, int] = {}
        for step, node in zip(steps, indices):
            if step:
                constant += self._into(terms, node, step)
        return self.build(terms, constant)

    def flatten(self, indices: tuple[UOp, ...], shape: tuple[Size, ...]) -> UOp:
        """The row-major position of an element."""
        if len(indices) == 1:
            return indices[0]
        terms: dict[UOp, int] = {}
        constant = 0
        stride: Size = 1
        for node, size in zip(reversed(indices), reversed(shape)):
            if isinstance(stride, int):
                constant += self._into(terms, node, stride)
            elif node is not ZERO:
                atom = UOp(ops.MUL, dt.int64, (node, stride))
                terms[atom] = terms.get(atom, 0) + 1
            stride = (
                size * stride if isinstance(size, int) and isinstance(stride, int) else _times(stride, size)
            )
        return self.build(terms, constant)

    def split(self, node: UOp, shape: tuple[Size, ...]) -> list[UOp]:
        """The index of each axis of the element at a row-major position."""
        out: list[UOp] = []
        for size in reversed(shape[1:]):
            node, rest = self.divmod(node, size) if isinstance(size, int) else _symbolic_divmod(node, size)
            out.append(rest)
        out.append(node)
        out.reverse()
        return out

    def divmod(self, node: UOp, divisor: int) -> tuple[UOp, UOp]:
        """node // divisor and node % divisor, of a divisor that is at least 1."""
        if divisor == 1:
            return node, ZERO
        key = (node, divisor)
        known = self._divided.get(key)
        if known is None:
            known = self._divided[key] = self._divmod(node, divisor)
        return known

    def _divmod(self, node: UOp, divisor: int) -> tuple[UOp, UOp]:
        terms, constant = self.form(node)
        whole: dict[UOp, int] = {}
        rest: dict[UOp, int] = {}
        for atom, coefficient in terms.items():
            times = abs(coefficient) // divisor * (1 if coefficient > 0 else -1)
            if times:
                whole[atom] = times
            if coefficient - times * divisor:
                rest[atom] = coefficient - times * divisor
        times, left = divmod(constant, divisor)
        low, high = self.bounds(self.build(dict(rest), left))
        if low // divisor == high // divisor:
            times += low // divisor
            return self.build(whole, times), self.build(rest, left - low // divisor * divisor)
        return self._divided_atoms((whole, times), (rest, left), divisor)

    def _divided_atoms(self, whole: Form, rest: Form, divisor: int) -> tuple[UOp, UOp]:
        """whole + rest // divisor and rest % divisor; the common factor of both is taken out first."""
        terms, left = rest
        common = gcd(divisor, *terms.values())
        shift, kept = divmod(left, common)  # what is less than the common factor never carries
        inner = self.build({atom: c // common for atom, c in terms.items()}, shift)
        divisor //= common
        if divisor == 1:
            quotient, part = inner, ZERO
        else:
            quotient, part = self._atoms(inner, divisor)
        more, constant = self.form(quotient)
        total = dict(whole[0])
        for atom, coefficient in more.items():
            total[atom] = total.get(atom, 0) + coefficient
        scaled, part_constant = self.form(part)
        remainder = {atom: c * common for atom, c in scaled.items()}
        return self.build(total, whole[1] + constant), self.build(remainder, part_constant * common + kept)

    def _atoms(self, inner: UOp, divisor: int) -> tuple[UOp, UOp]:
        """inner // divisor and inner % divisor as atoms; nested ones become one."""
        low, high = self.bounds(inner)
        if low // divisor == high // divisor:
            return index(low // divisor), self.add(inner, -(low // divisor) * divisor)
        quotient: UOp | None = None
        remainder: UOp | None = None
        if inner.op is ops.IDIV and inner.src[1].op is ops.CONST:
            quotient = self.divmod(inner.src[0], inner.src[1].arg * divisor)[0]
        if inner.op is ops.MOD and inner.src[1].op is ops.CONST and inner.src[1].arg % divisor == 0:
            remainder = self.divmod(inner.src[0], divisor)[1]
        constant = index(divisor)
        if quotient is None:
            quotient = UOp(ops.IDIV, dt.int64, (inner, constant))
        if remainder is None:
            remainder = UOp(ops.MOD, dt.int64, (inner, constant))
        return quotient, remainder

    # -- conditions --------------------------------------------------------------------------------

    def below(self, node: UOp, limit: Size) -> UOp | bool:
        """node < limit: decided by bounds, or a node."""
        if isinstance(limit, UOp):
            return UOp(ops.CMPLT, dt.bool_, (node, limit))
        low, high = self.bounds(node)
        if high < limit or low >= limit:
            return bool(high < limit)
        terms, constant = self.form(node)
        return UOp(ops.CMPLT, dt.bool_, (self.build(dict(terms), 0), index(limit - constant)))

    def at_least(self, node: UOp, limit: Size) -> UOp | bool:
        """node >= limit: decided by bounds, or a node."""
        if isinstance(limit, UOp):
            return UOp(ops.CMPLE, dt.bool_, (limit, node))
        low, high = self.bounds(node)
        if low >= limit or high < limit:
            return bool(low >= limit)
        terms, constant = self.form(node)
        return UOp(ops.CMPLE, dt.bool_, (index(limit - constant), self.build(dict(terms), 0)))


def _times(stride: Size, size: Size) -> UOp:
    a = stride if isinstance(stride, UOp) else index(stride)
    b = size if isinstance(size, UOp) else index(size)
    if a.op is ops.CONST and a.arg == 1:
        return b
    return a if b.op is ops.CONST and b.arg == 1 else UOp(ops.MUL, dt.int64, (a, b))


def _symbolic_divmod(node: UOp, size: UOp) -> tuple[UOp, UOp]:
    if node is ZERO:
        return ZERO, ZERO
    return UOp(ops.IDIV, dt.int64, (node, size)), UOp(ops.MOD, dt.int64, (node, size))
