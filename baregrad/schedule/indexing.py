"""Index arithmetic: integer expressions over RANGEs, kept as sums of atoms with integer coefficients.

An atom is a RANGE, an IDIV or MOD by a constant, a product of variables, another atom times a symbolic size
(a stride), or anything that is not understood. A sum is written in one order only, so that equal indices are
the same node. Division and remainder are resolved by divisibility and bounds where they can be. What views do
with indices is in views.py.

The same laws stand in ir/rules (sums.py, division.py), which take nodes apart and build them at each step.
Here sums stay apart between steps and results are remembered: a sum costs 2 µs and not 9, a division 3 to
8 µs and not 12 to 39, and a schedule makes thousands. What this leaves, `simplify` still finds in the kernel.
"""

from __future__ import annotations

from math import gcd

from baregrad import dtype as dt
from baregrad.ir import Size, Symbolic, UOp, bounds_of, index, is_size, ops, size_node, size_of_node

Form = tuple[dict[UOp, int], int]  # atoms with their coefficients, and the constant
Bounds = tuple[int, int]
WIDE: Bounds = (-(1 << 62), 1 << 62)
ZERO = index(0)
NONE: frozenset[UOp] = frozenset()


class Indexer:
    """Builds index expressions and remembers what it knows of them; one a call of schedule."""

    __slots__ = ("_atom_facts", "_built", "_chosen", "_divided", "_forms", "_sizes")

    def __init__(self) -> None:
        self._forms: dict[UOp, Form] = {}
        self._built: dict[tuple[object, ...], UOp] = {}
        self._divided: dict[tuple[UOp, int], tuple[UOp, UOp]] = {}
        self._atom_facts: dict[UOp, tuple[int, int, int, int]] = {}
        self._chosen: dict[UOp, frozenset[UOp]] = {}
        self._sizes: dict[UOp, Size | None] = {}

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
            return 0, self.bounds(atom.src[0])[1] - 1, atom.arg[0], 0
        if atom.op is ops.VARIABLE:
            return atom.arg[1], atom.arg[2], -1, 0
        deepest = max((self.deepest(source) for source in atom.src), default=-1)
        if atom.op is ops.CHOSEN:
            return 0, bounds_of(atom.arg[1])[1] - 1, deepest, 0
        nested = 1 + max((self.nested(source) for source in atom.src), default=0)
        if atom.op in (ops.IDIV, ops.MOD) and atom.src[1].op is ops.CONST:
            divisor = atom.src[1].arg
            low, high = self.bounds(atom.src[0])
            bounds = (low // divisor, high // divisor) if atom.op is ops.IDIV else (0, divisor - 1)
            return (*bounds, deepest, nested)
        if atom.op is ops.MUL:
            ends = [a * b for a in self.bounds(atom.src[0]) for b in self.bounds(atom.src[1])]
            return max(min(ends), WIDE[0]), min(max(ends), WIDE[1]), deepest, nested - 1
        return (*WIDE, deepest, nested)

    def size(self, node: UOp) -> Size | None:
        """The size that index arithmetic over variables alone stands for; None for any other."""
        if node.op is ops.CONST:
            return node.arg
        if node not in self._sizes:
            self._sizes[node] = size_of_node(node) if is_size(node) else None
        return self._sizes[node]

    def ends(self, node: UOp) -> tuple[Size, Size]:
        """Least and greatest value, as sizes: what they are for each value of the variables."""
        terms, constant = self.form(node)
        low: Size = constant
        high: Size = constant
        for atom, coefficient in terms.items():
            least, greatest = self._atom_ends(atom)
            if coefficient < 0:
                least, greatest = greatest, least
            low, high = low + coefficient * least, high + coefficient * greatest
        return low, high

    def _atom_ends(self, atom: UOp) -> tuple[Size, Size]:
        if atom.op is ops.RANGE:
            size = self.size(atom.src[0])
            assert size is not None, "the size of a loop is made of variables"
            return 0, size - 1
        if atom.op is ops.CHOSEN:
            return 0, atom.arg[1] - 1
        size = self.size(atom)
        if size is not None:
            return size, size
        stride = self._stride(atom)
        if stride is not None:
            least, greatest = self.ends(atom.src[0])
            return least * stride, greatest * stride
        return self._facts(atom)[:2]

    def _stride(self, atom: UOp) -> Size | None:
        """The size that an atom is another one times; None if it is no such product."""
        return self.size(atom.src[1]) if atom.op is ops.MUL else None

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
        constant += self._with(terms, amount, 1)
        return self.build(terms, constant)

    def _with(self, terms: dict[UOp, int], amount: Size, factor: int) -> int:
        """Add factor * amount to terms; the constant that comes with it is returned."""
        return (
            self._into(terms, size_node(amount), factor) if isinstance(amount, Symbolic) else factor * amount
        )

    def reflect(self, node: UOp, size: Size) -> UOp:
        """size - 1 - node."""
        terms: dict[UOp, int] = {}
        constant = self._into(terms, node, -1) - 1
        constant += self._with(terms, size, 1)
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
            else:
                constant += self._times(terms, node, stride)
            stride = stride * size
        return self.build(terms, constant)

    def split(self, node: UOp, shape: tuple[Size, ...]) -> list[UOp]:
        """The index of each axis of the element at a row-major position."""
        out: list[UOp] = []
        for size in reversed(shape[1:]):
            node, rest = (
                self.divmod(node, size) if isinstance(size, int) else self._symbolic_divmod(node, size)
            )
            out.append(rest)
        out.append(node)
        out.reverse()
        return out

    def _times(self, terms: dict[UOp, int], node: UOp, stride: Symbolic) -> int:
        """Add node * stride to terms; the constant that comes with it is returned."""
        more, constant = self.form(node)
        total = self._with(terms, stride, constant) if constant else 0
        for atom, coefficient in more.items():
            size, before = self.size(atom), self._stride(atom)
            if size is not None:
                total += self._with(terms, size * stride, coefficient)
                continue
            one, by = (atom, stride) if before is None else (atom.src[0], stride * before)
            made = UOp(ops.MUL, dt.int64, (one, size_node(by)))
            terms[made] = terms.get(made, 0) + coefficient
        return total

    def _symbolic_divmod(self, node: UOp, size: Symbolic) -> tuple[UOp, UOp]:
        """node // size and node % size: what has the size as stride is divided, if the rest stays below."""
        terms, constant = self.form(node)
        whole: dict[UOp, int] = {}
        rest: dict[UOp, int] = {}
        plain: Size = constant  # what depends on no RANGE
        times = 0
        for atom, coefficient in terms.items():
            own, stride = self.size(atom), self._stride(atom)
            if own is not None:
                plain = plain + own * coefficient
                continue
            steps, left = (0, 1) if stride is None else divmod(stride, size)
            if left != 0:
                rest[atom] = coefficient
            elif isinstance(steps, Symbolic):
                times += self._times(whole, atom.src[0], steps * coefficient)
            else:
                times += self._into(whole, atom.src[0], steps * coefficient)
        quotient, remainder = divmod(plain, size) if isinstance(plain, Symbolic) else (0, plain)
        times += self._with(whole, quotient, 1)
        kept = self._with(rest, remainder, 1)
        left_over = self.build(dict(rest), kept)
        if self.below(left_over, size) is True and self.at_least(left_over, 0) is True:
            return self.build(whole, times), left_over
        divisor = size_node(size)
        return UOp(ops.IDIV, dt.int64, (node, divisor)), UOp(ops.MOD, dt.int64, (node, divisor))

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
        low, high = self._beside(node, limit)
        if high < 0 or low >= 0:
            return bool(high < 0)
        terms, constant = self.form(node)
        sum_, right = self.build(dict(terms), 0), self.add(ZERO, limit - constant)
        return UOp(ops.CMPLT, dt.bool_, (sum_, right))

    def at_least(self, node: UOp, limit: Size) -> UOp | bool:
        """node >= limit: decided by bounds, or a node."""
        low, high = self._beside(node, limit)
        if low >= 0 or high < 0:
            return bool(low >= 0)
        terms, constant = self.form(node)
        sum_, left = self.build(dict(terms), 0), self.add(ZERO, limit - constant)
        return UOp(ops.CMPLE, dt.bool_, (left, sum_))

    def _beside(self, node: UOp, limit: Size) -> Bounds:
        """Least and greatest value of node - limit."""
        low, high = self.bounds(node)
        if isinstance(limit, int):
            low, high = low - limit, high - limit
        if self._sizes or isinstance(limit, Symbolic):  # there are symbolic sizes, which may cancel
            least, greatest = self.ends(node)
            low, high = bounds_of(least - limit)[0], bounds_of(greatest - limit)[1]
        return low, high
