"""Division by constants of bounded values: x // c is x * m >> s, with the least s that is exact up to
the bound of x.

With e = m * c - 2**s >= 0, x * m / 2**s exceeds x / c by e * x / (c * 2**s), which stays below the
1 / c that floor forgives as long as e * x < 2**s. A small s keeps the product small, so that it
often fits 32 bits, hence lanes.
"""

from __future__ import annotations

from baregrad.base.integers import ceil_div
from baregrad.ir import UOp, bounds, ops, ranges_of
from baregrad.kernel.facts import LANES

MOST_SHIFT = 62
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


def multiplier(divisor: int, high: int, limit: int) -> tuple[int, int] | None:
    """(m, s) with x // divisor == x * m >> s for all 0 <= x <= high and high * m <= limit; None if
    there is none.

    >>> multiplier(10, 99, 2**31 - 1)
    (103, 10)
    """
    for shift in range(MOST_SHIFT + 1):
        factor = ceil_div(1 << shift, divisor)
        if (factor * divisor - (1 << shift)) * high < 1 << shift:
            return (factor, shift) if high * factor <= limit else None
    return None


def divide(root: UOp) -> UOp:
    """The kernel with its divisions by constants done by multiplication, where bounds allow."""
    if not any(n.op is ops.IDIV or n.op is ops.MOD for n in root.toposort()):
        return root
    done: dict[UOp, UOp] = {}
    for node in root.toposort():
        new = node.rebuild(tuple([done[s] for s in node.src]))
        done[node] = _divided(new) or new if node.op is ops.IDIV or node.op is ops.MOD else new
    return done[root]


def _divided(node: UOp) -> UOp | None:
    """IDIV or MOD by a positive constant, from the bounds of the dividend."""
    x, divisor = node.src
    if divisor.op is not ops.CONST or divisor.arg < 1:
        return None
    by = int(divisor.arg)
    low, high = bounds(x)
    if by & (by - 1) == 0:
        return x >> (by.bit_length() - 1) if node.op is ops.IDIV else x & (by - 1)
    ups = -(low // by) if low < 0 else 0  # so many divisors are added to make it non-negative
    limit = int(x.dtype.max)
    if low >= INT32_MIN and high <= INT32_MAX and any(r.arg[1] in LANES for r in ranges_of(x)):
        limit = min(limit, INT32_MAX)  # lanes of 64 bits are half as many: the target divides 32
    if high + ups * by > limit:
        return None
    found = multiplier(by, high + ups * by, limit)
    if found is None:
        return None
    shifted = x + ups * by if ups else x
    quotient = (shifted * found[0]) >> found[1]
    if node.op is ops.MOD:
        return shifted - quotient * by
    return quotient - ups if ups else quotient
