"""Comparisons of integer sums: the functions behind rows of integer.py.

x < y becomes sum < constant, or constant < sum where the first term would be negative; common factors go,
and so do small terms that decide nothing: g*a + b < g*c is a < c where 0 <= b < g. Sums are in sums.py.
"""

from __future__ import annotations

from math import gcd

from baregrad.dtype import DType, bool_
from baregrad.ir import ops
from baregrad.ir.order import order_key
from baregrad.ir.rules.sums import Sum, sum_of
from baregrad.ir.uop import UOp, const


def _difference(root: UOp) -> Sum | None:
    """x - y over unbounded integers, which it may leave the dtype as, if x and y do not."""
    x, y = root.src
    left, right = sum_of(x), sum_of(y)
    if left is None or right is None or not left.fits() or not right.fits():
        return None
    for atom, factor in right.terms.items():
        left.put(atom, -factor)
    left.constant -= right.constant
    return left


def less(root: UOp) -> UOp | None:
    """CMPLT and CMPLE of sums."""
    form = _difference(root)
    if form is None:
        return None
    low, high = form.bounds()
    if root.op is ops.CMPLE:
        low, high, form.constant = low - 1, high - 1, form.constant - 1
    if high < 0 or low >= 0:
        return const(high < 0, bool_)
    limit = -form.constant
    form.constant = 0
    form, limit = _reduced(form, limit)
    made = _less(form, limit)
    return None if made is root else made


def _reduced(form: Sum, limit: int) -> tuple[Sum, int]:
    """sum < limit without common factors and without small terms that decide nothing."""
    factors = {abs(factor) for factor in form.terms.values()}
    for g in sorted(factors, reverse=True):
        if g == 1:
            break
        whole, small = form.split(g)
        low, high = small.bounds()
        least, most = -(-(limit - low) // g), -(-(limit - high) // g)
        if least == most:  # sum < limit is a < ceil((limit - b) / g), the same for every b
            return _reduced(whole.divided(g), least)
    common = gcd(*form.terms.values())
    if common > 1:
        return form.divided(common), -(-limit // common)
    return form, limit


def _less(form: Sum, limit: int) -> UOp | None:
    """The comparison sum < limit, if its numbers fit the dtype."""
    dtype = form.dtype
    if len(form.terms) == 1:
        ((atom, factor),) = form.terms.items()
        if atom.op is ops.IDIV and atom.src[1].op is ops.CONST and atom.src[1].arg > 0 and abs(factor) == 1:
            n = atom.src[1].arg
            inner = sum_of(atom.src[0])
            if inner is not None and inner.fits():
                # x // n < c is x < c*n; -(x // n) < c is -c < x // n, which is (1 - c)*n <= x
                edge = limit * n if factor == 1 else (limit - 1) * n + 1
                constant = inner.constant
                inner = Sum(dtype, {a: f * factor for a, f in inner.terms.items()})
                return _less(inner, edge - factor * constant)
    first = min(form.terms, key=order_key)
    if form.terms[first] > 0:
        return _compare(dtype, form, limit, False)
    return _compare(dtype, Sum(dtype, {a: -f for a, f in form.terms.items()}), -limit, True)


def _compare(dtype: DType, form: Sum, limit: int, above: bool) -> UOp | None:
    if not form.fits() or not dtype.min <= limit <= dtype.max:
        return None
    pair = (form.node(), const(limit, dtype))
    return UOp(ops.CMPLT, bool_, (pair[1], pair[0]) if above else pair)


def equal(root: UOp) -> UOp | None:
    """CMPEQ and CMPNE of sums."""
    form = _difference(root)
    if form is None:
        return None
    differs = root.op is ops.CMPNE
    low, high = form.bounds()
    common = gcd(*form.terms.values())
    if low > 0 or high < 0 or (common and form.constant % common):
        return const(differs, bool_)
    if not form.terms:
        return const(not differs, bool_)
    limit = -form.constant // common
    form = Sum(form.dtype, {atom: factor // common for atom, factor in form.terms.items()})
    if form.terms[min(form.terms, key=order_key)] < 0:
        form, limit = Sum(form.dtype, {a: -f for a, f in form.terms.items()}), -limit
    if not form.fits() or not form.dtype.min <= limit <= form.dtype.max:
        return None
    made = UOp(root.op, bool_, (form.node(), const(limit, form.dtype)))
    return None if made is root else made
