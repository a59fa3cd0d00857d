"""Index expressions as sums: constant + sum of coefficient * term. A term is a RANGE or a node that is not
linear.

Both the optimiser (strides of an access along each axis) and lowering (what is hoisted, what becomes
lanes) work on this form. int64 wraps, so distributing a product over a sum is exact.
"""

from __future__ import annotations

from baregrad.ir import UOp, ops


class Affine:
    """constant + sum(coefficient * term); terms keep the order in which they were met."""

    __slots__ = ("constant", "terms")

    def __init__(self, constant: int, terms: dict[UOp, int]) -> None:
        self.constant = constant
        self.terms = terms

    def coefficient(self, term: UOp) -> int:
        """The coefficient of a term, 0 where it is absent."""
        return self.terms.get(term, 0)

    def plus(self, other: Affine, factor: int = 1) -> Affine:
        """self + factor * other."""
        terms = dict(self.terms)
        for term, coefficient in other.terms.items():
            total = terms.get(term, 0) + factor * coefficient
            if total:
                terms[term] = total
            else:
                del terms[term]
        return Affine(self.constant + factor * other.constant, terms)

    def times(self, factor: int) -> Affine:
        """factor * self."""
        if factor == 0:
            return Affine(0, {})
        return Affine(self.constant * factor, {t: c * factor for t, c in self.terms.items()})


def joined(form: Affine, memo: dict[UOp, Affine]) -> Affine:
    """The form with the halves of a division put together: c * n * (x // n) + c * (x % n) is c * x."""
    for term, coefficient in list(form.terms.items()):
        if term.op is not ops.MOD or term.src[1].op is not ops.CONST:
            continue
        x, n = term.src
        for other, weight in form.terms.items():
            if other.op is ops.IDIV and other.src[0] is x and other.src[1] is n:
                if weight == coefficient * int(n.arg):
                    rest = {t: c for t, c in form.terms.items() if t is not term and t is not other}
                    return joined(Affine(form.constant, rest).plus(affine(x, memo), coefficient), memo)
                break
    return form


def affine(node: UOp, memo: dict[UOp, Affine]) -> Affine:
    """The affine form of an integer expression; `memo` belongs to the caller's pass."""
    known = memo.get(node)
    if known is None:
        known = memo[node] = _affine(node, memo)
    return known


def _affine(node: UOp, memo: dict[UOp, Affine]) -> Affine:
    op = node.op
    if op is ops.CONST:
        return Affine(int(node.arg), {})
    if op is ops.ADD or op is ops.SUB:
        left, right = affine(node.src[0], memo), affine(node.src[1], memo)
        return left.plus(right, 1 if op is ops.ADD else -1)
    if op is ops.NEG:
        return affine(node.src[0], memo).times(-1)
    if op is ops.MUL:
        left, right = affine(node.src[0], memo), affine(node.src[1], memo)
        if not right.terms:
            return left.times(right.constant)
        if not left.terms:
            return right.times(left.constant)
    if op is ops.SHL and node.src[1].op is ops.CONST and 0 <= node.src[1].arg < 63:
        return affine(node.src[0], memo).times(1 << node.src[1].arg)
    if op is ops.RANGE and node.src[0].op is ops.CONST and node.src[0].arg == 1:
        return Affine(0, {})
    return Affine(0, {node: 1})
